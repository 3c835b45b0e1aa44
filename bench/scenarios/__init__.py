"""The scenarios, one file each: `run(bench)` returns the figures."""
