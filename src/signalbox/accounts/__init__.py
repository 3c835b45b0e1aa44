"""Who may call, and what is remembered of a caller's requests."""
