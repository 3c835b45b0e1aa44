"""Accounts, their credentials, and idempotency keys."""
