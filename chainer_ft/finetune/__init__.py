"""Fine-tuning in one call: the head, cached features, probes, scenarios."""
