"""Fine-tuning: freeze, learning rates, schedules, and the extensions that carry them out."""
