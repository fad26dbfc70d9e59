"""Parameters of the layers that read and write data."""

TABLE = """\
message TransformationParameter
  scale 1 float = 1
  mirror 2 bool
  crop_size 3 uint32
  mean_file 4 string
  mean_value 5 float repeated
  force_color 6 bool
  force_gray 7 bool
message DataParameter
  source 1 string
  scale 2 float = 1
  mean_file 3 string
  batch_size 4 uint32
  crop_size 5 uint32
  mirror 6 bool
  rand_skip 7 uint32
  backend 8 DB = LEVELDB
  force_encoded_color 9 bool
  prefetch 10 uint32 = 4
  enum DB
    LEVELDB=0 LMDB=1
message DummyDataParameter
  data_filler 1 FillerParameter repeated
  num 2 uint32 repeated
  channels 3 uint32 repeated
  height 4 uint32 repeated
  width 5 uint32 repeated
  shape 6 BlobShape repeated
message HDF5DataParameter
  source 1 string
  batch_size 2 uint32
  shuffle 3 bool
message HDF5OutputParameter
  file_name 1 string
message ImageDataParameter
  source 1 string
  scale 2 float = 1
  mean_file 3 string
  batch_size 4 uint32 = 1
  crop_size 5 uint32
  mirror 6 bool
  rand_skip 7 uint32
  shuffle 8 bool
  new_height 9 uint32
  new_width 10 uint32
  is_color 11 bool = true
  root_folder 12 string
message InputParameter
  shape 1 BlobShape repeated
message MemoryDataParameter
  batch_size 1 uint32
  channels 2 uint32
  height 3 uint32
  width 4 uint32
message WindowDataParameter
  source 1 string
  scale 2 float = 1
  mean_file 3 string
  batch_size 4 uint32
  crop_size 5 uint32
  mirror 6 bool
  fg_threshold 7 float = 0.5
  bg_threshold 8 float = 0.5
  fg_fraction 9 float = 0.25
  context_pad 10 uint32
  crop_mode 11 string = warp
  cache_images 12 bool
  root_folder 13 string
"""
