"""A net and its layers."""

TABLE = """\
enum Phase
  TRAIN=0 TEST=1
message NetParameter
  name 1 string
  layers 2 V1LayerParameter repeated
  input 3 string repeated
  input_dim 4 int32 repeated
  force_backward 5 bool
  state 6 NetState
  debug_info 7 bool
  input_shape 8 BlobShape repeated
  layer 100 LayerParameter repeated
message NetState
  phase 1 Phase = TEST
  level 2 int32
  stage 3 string repeated
message NetStateRule
  phase 1 Phase
  min_level 2 int32
  max_level 3 int32
  stage 4 string repeated
  not_stage 5 string repeated
message ParamSpec
  name 1 string
  share_mode 2 DimCheckMode
  lr_mult 3 float = 1
  decay_mult 4 float = 1
  enum DimCheckMode
    STRICT=0 PERMISSIVE=1
message LayerParameter
  name 1 string
  type 2 string
  bottom 3 string repeated
  top 4 string repeated
  loss_weight 5 float repeated
  param 6 ParamSpec repeated
  blobs 7 BlobProto repeated
  include 8 NetStateRule repeated
  exclude 9 NetStateRule repeated
  phase 10 Phase
  propagate_down 11 bool repeated
  transform_param 100 TransformationParameter
  loss_param 101 LossParameter
  accuracy_param 102 AccuracyParameter
  argmax_param 103 ArgMaxParameter
  concat_param 104 ConcatParameter
  contrastive_loss_param 105 ContrastiveLossParameter
  convolution_param 106 ConvolutionParameter
  data_param 107 DataParameter
  dropout_param 108 DropoutParameter
  dummy_data_param 109 DummyDataParameter
  eltwise_param 110 EltwiseParameter
  exp_param 111 ExpParameter
  hdf5_data_param 112 HDF5DataParameter
  hdf5_output_param 113 HDF5OutputParameter
  hinge_loss_param 114 HingeLossParameter
  image_data_param 115 ImageDataParameter
  infogain_loss_param 116 InfogainLossParameter
  inner_product_param 117 InnerProductParameter
  lrn_param 118 LRNParameter
  memory_data_param 119 MemoryDataParameter
  mvn_param 120 MVNParameter
  pooling_param 121 PoolingParameter
  power_param 122 PowerParameter
  relu_param 123 ReLUParameter
  sigmoid_param 124 SigmoidParameter
  softmax_param 125 SoftmaxParameter
  slice_param 126 SliceParameter
  tanh_param 127 TanHParameter
  threshold_param 128 ThresholdParameter
  window_data_param 129 WindowDataParameter
  python_param 130 PythonParameter
  prelu_param 131 PReLUParameter
  spp_param 132 SPPParameter
  reshape_param 133 ReshapeParameter
  log_param 134 LogParameter
  flatten_param 135 FlattenParameter
  reduction_param 136 ReductionParameter
  embed_param 137 EmbedParameter
  tile_param 138 TileParameter
  batch_norm_param 139 BatchNormParameter
  elu_param 140 ELUParameter
  bias_param 141 BiasParameter
  scale_param 142 ScaleParameter
  input_param 143 InputParameter
  crop_param 144 CropParameter
  parameter_param 145 ParameterParameter
  recurrent_param 146 RecurrentParameter
  swish_param 147 SwishParameter
  clip_param 148 ClipParameter
  permute_param 202 PermuteParameter
message FillerParameter
  type 1 string = constant
  value 2 float
  min 3 float
  max 4 float = 1
  mean 5 float
  std 6 float = 1
  sparse 7 int32 = -1
  variance_norm 8 VarianceNorm = FAN_IN
  enum VarianceNorm
    FAN_IN=0 FAN_OUT=1 AVERAGE=2
"""
