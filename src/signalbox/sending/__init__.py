"""Sending: templates of messages."""
