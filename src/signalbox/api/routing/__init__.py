"""Which senders can reach a recipient, over HTTP."""
