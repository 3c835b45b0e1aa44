"""Builds what the program serves under `/docs` from the pages in `docs/`, and writes the pages of the API reference."""
