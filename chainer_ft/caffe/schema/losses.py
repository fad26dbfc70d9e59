"""Parameters of losses and scores."""

TABLE = """\
message AccuracyParameter
  top_k 1 uint32 = 1
  axis 2 int32 = 1
  ignore_label 3 int32
message ArgMaxParameter
  out_max_val 1 bool
  top_k 2 uint32 = 1
  axis 3 int32
message ContrastiveLossParameter
  margin 1 float = 1
  legacy_version 2 bool
message HingeLossParameter
  norm 1 Norm = L1
  enum Norm
    L1=1 L2=2
message InfogainLossParameter
  source 1 string
  axis 2 int32 = 1
message LossParameter
  ignore_label 1 int32
  normalize 2 bool
  normalization 3 NormalizationMode = VALID
  enum NormalizationMode
    FULL=0 VALID=1 BATCH_SIZE=2 NONE=3
"""
