"""Builds the site that the program serves under `/docs` from the pages in `docs/`; writes the API reference pages."""
