"""Which senders can reach a recipient."""
