"""What is sent, over HTTP."""
