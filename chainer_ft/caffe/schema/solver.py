"""The solver and its state."""

TABLE = """\
message SolverParameter
  train_net 1 string
  test_net 2 string repeated
  test_iter 3 int32 repeated
  test_interval 4 int32
  base_lr 5 float
  display 6 int32
  max_iter 7 int32
  lr_policy 8 string
  gamma 9 float
  power 10 float
  momentum 11 float
  weight_decay 12 float
  stepsize 13 int32
  snapshot 14 int32
  snapshot_prefix 15 string
  snapshot_diff 16 bool
  solver_mode 17 SolverMode = GPU
  device_id 18 int32
  test_compute_loss 19 bool
  random_seed 20 int64 = -1
  train_net_param 21 NetParameter
  test_net_param 22 NetParameter repeated
  debug_info 23 bool
  net 24 string
  net_param 25 NetParameter
  train_state 26 NetState
  test_state 27 NetState repeated
  snapshot_after_train 28 bool = true
  regularization_type 29 string = L2
  solver_type 30 SolverType = SGD
  delta 31 float = 1e-08
  test_initialization 32 bool = true
  average_loss 33 int32 = 1
  stepvalue 34 int32 repeated
  clip_gradients 35 float = -1
  iter_size 36 int32 = 1
  snapshot_format 37 SnapshotFormat = BINARYPROTO
  rms_decay 38 float = 0.99
  momentum2 39 float = 0.999
  type 40 string = SGD
  layer_wise_reduce 41 bool = true
  weights 42 string repeated
  enum SnapshotFormat
    HDF5=0 BINARYPROTO=1
  enum SolverMode
    CPU=0 GPU=1
  enum SolverType
    SGD=0 NESTEROV=1 ADAGRAD=2 RMSPROP=3 ADADELTA=4 ADAM=5
message SolverState
  iter 1 int32
  learned_net 2 string
  history 3 BlobProto repeated
  current_step 4 int32
"""
