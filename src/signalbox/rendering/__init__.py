"""Rendering of texts from templates: pure functions that use neither accounts nor the database."""
