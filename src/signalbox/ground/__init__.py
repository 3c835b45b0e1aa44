"""What every room may import: ids, times, secrets, errors, log lines, settings, page tokens, metrics."""
