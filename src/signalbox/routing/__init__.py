"""Which sender reaches a person."""
