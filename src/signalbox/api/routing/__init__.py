"""Which sender reaches a person, over HTTP."""
