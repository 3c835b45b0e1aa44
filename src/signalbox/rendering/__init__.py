"""Texts made of templates: pure functions, without a tenant or a table."""
