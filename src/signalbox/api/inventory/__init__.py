"""Senders, sender pools and their operations over HTTP."""
