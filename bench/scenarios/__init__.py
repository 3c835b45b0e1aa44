"""What is measured, one concept a file: `run(bench)` returns its figures."""
