"""What everything stands on: ids, times, secrets, errors, log lines, settings, page tokens, metrics."""
