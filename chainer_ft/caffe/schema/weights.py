"""Parameters of the layers that weigh, pool and normalise."""

TABLE = """\
message ConvolutionParameter
  num_output 1 uint32
  bias_term 2 bool = true
  pad 3 uint32 repeated
  kernel_size 4 uint32 repeated
  group 5 uint32 = 1
  stride 6 uint32 repeated
  weight_filler 7 FillerParameter
  bias_filler 8 FillerParameter
  pad_h 9 uint32
  pad_w 10 uint32
  kernel_h 11 uint32
  kernel_w 12 uint32
  stride_h 13 uint32
  stride_w 14 uint32
  engine 15 Engine = DEFAULT
  axis 16 int32 = 1
  force_nd_im2col 17 bool
  dilation 18 uint32 repeated
  enum Engine
    DEFAULT=0 CAFFE=1 CUDNN=2
message CropParameter
  axis 1 int32 = 2
  offset 2 uint32 repeated
message EmbedParameter
  num_output 1 uint32
  input_dim 2 uint32
  bias_term 3 bool = true
  weight_filler 4 FillerParameter
  bias_filler 5 FillerParameter
message InnerProductParameter
  num_output 1 uint32
  bias_term 2 bool = true
  weight_filler 3 FillerParameter
  bias_filler 4 FillerParameter
  axis 5 int32 = 1
  transpose 6 bool
message LRNParameter
  local_size 1 uint32 = 5
  alpha 2 float = 1
  beta 3 float = 0.75
  norm_region 4 NormRegion = ACROSS_CHANNELS
  k 5 float = 1
  engine 6 Engine = DEFAULT
  enum NormRegion
    ACROSS_CHANNELS=0 WITHIN_CHANNEL=1
  enum Engine
    DEFAULT=0 CAFFE=1 CUDNN=2
message PoolingParameter
  pool 1 PoolMethod = MAX
  kernel_size 2 uint32
  stride 3 uint32 = 1
  pad 4 uint32
  kernel_h 5 uint32
  kernel_w 6 uint32
  stride_h 7 uint32
  stride_w 8 uint32
  pad_h 9 uint32
  pad_w 10 uint32
  engine 11 Engine = DEFAULT
  global_pooling 12 bool
  round_mode 13 RoundMode = CEIL
  enum PoolMethod
    MAX=0 AVE=1 STOCHASTIC=2
  enum Engine
    DEFAULT=0 CAFFE=1 CUDNN=2
  enum RoundMode
    CEIL=0 FLOOR=1
message SPPParameter
  pyramid_height 1 uint32
  pool 2 PoolMethod = MAX
  engine 6 Engine = DEFAULT
  enum PoolMethod
    MAX=0 AVE=1 STOCHASTIC=2
  enum Engine
    DEFAULT=0 CAFFE=1 CUDNN=2
message RecurrentParameter
  num_output 1 uint32
  weight_filler 2 FillerParameter
  bias_filler 3 FillerParameter
  debug_info 4 bool
  expose_hidden 5 bool
message BatchNormParameter
  use_global_stats 1 bool
  moving_average_fraction 2 float = 0.999
  eps 3 float = 1e-05
message MVNParameter
  normalize_variance 1 bool = true
  across_channels 2 bool
  eps 3 float = 1e-09
message ScaleParameter
  axis 1 int32 = 1
  num_axes 2 int32 = 1
  filler 3 FillerParameter
  bias_term 4 bool
  bias_filler 5 FillerParameter
message BiasParameter
  axis 1 int32 = 1
  num_axes 2 int32 = 1
  filler 3 FillerParameter
message ParameterParameter
  shape 1 BlobShape
message PythonParameter
  module 1 string
  layer 2 string
  param_str 3 string
  share_in_parallel 4 bool
"""
