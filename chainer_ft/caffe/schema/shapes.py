"""Parameters of the layers that work element by element, or on shapes."""

TABLE = """\
message ClipParameter
  min 1 float required
  max 2 float required
message ConcatParameter
  concat_dim 1 uint32 = 1
  axis 2 int32 = 1
message DropoutParameter
  dropout_ratio 1 float = 0.5
message EltwiseParameter
  operation 1 EltwiseOp = SUM
  coeff 2 float repeated
  stable_prod_grad 3 bool = true
  enum EltwiseOp
    PROD=0 SUM=1 MAX=2
message ELUParameter
  alpha 1 float = 1
message ExpParameter
  base 1 float = -1
  scale 2 float = 1
  shift 3 float
message FlattenParameter
  axis 1 int32 = 1
  end_axis 2 int32 = -1
message LogParameter
  base 1 float = -1
  scale 2 float = 1
  shift 3 float
message PermuteParameter
  order 1 uint32 repeated
message PowerParameter
  power 1 float = 1
  scale 2 float = 1
  shift 3 float
message PReLUParameter
  filler 1 FillerParameter
  channel_shared 2 bool
message ReductionParameter
  operation 1 ReductionOp = SUM
  axis 2 int32
  coeff 3 float = 1
  enum ReductionOp
    SUM=1 ASUM=2 SUMSQ=3 MEAN=4
message ReLUParameter
  negative_slope 1 float
  engine 2 Engine = DEFAULT
  enum Engine
    DEFAULT=0 CAFFE=1 CUDNN=2
message ReshapeParameter
  shape 1 BlobShape
  axis 2 int32
  num_axes 3 int32 = -1
message SigmoidParameter
  engine 1 Engine = DEFAULT
  enum Engine
    DEFAULT=0 CAFFE=1 CUDNN=2
message SliceParameter
  slice_dim 1 uint32 = 1
  slice_point 2 uint32 repeated
  axis 3 int32 = 1
message SoftmaxParameter
  engine 1 Engine = DEFAULT
  axis 2 int32 = 1
  enum Engine
    DEFAULT=0 CAFFE=1 CUDNN=2
message SwishParameter
  beta 1 float = 1
message TanHParameter
  engine 1 Engine = DEFAULT
  enum Engine
    DEFAULT=0 CAFFE=1 CUDNN=2
message ThresholdParameter
  threshold 1 float
message TileParameter
  axis 1 int32 = 1
  tiles 2 int32
"""
