"""Fine-tuning in one call: the head, cached features, probes, scenarios."""

from chainer_ft.finetune.feature_cache import FeatureCache
from chainer_ft.finetune.head import find_head, resize_head
from chainer_ft.finetune.predictor import predictor

__all__ = ["FeatureCache", "find_head", "predictor", "resize_head"]
