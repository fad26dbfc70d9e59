"""Arrays and records: what weights, means, solver states and databases hold."""

TABLE = """\
message BlobShape
  dim 1 int64 packed
message BlobProto
  num 1 int32
  channels 2 int32
  height 3 int32
  width 4 int32
  data 5 float packed
  diff 6 float packed
  shape 7 BlobShape
  double_data 8 double packed
  double_diff 9 double packed
message BlobProtoVector
  blobs 1 BlobProto repeated
message Datum
  channels 1 int32
  height 2 int32
  width 3 int32
  data 4 bytes
  label 5 int32
  float_data 6 float repeated
  encoded 7 bool
"""
