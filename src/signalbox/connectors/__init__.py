"""Connectors: what carries a message to a person. A connector knows no account and no table."""
