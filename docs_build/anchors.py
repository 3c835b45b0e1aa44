"""The anchors of headings, for links and for the URLs in error bodies."""

import re
from collections.abc import Callable


def anchor(heading: str) -> str:
    """The anchor of a heading: `20001` for `20001 Invalid input`, `page-tokens` for `Page tokens`."""
    code = re.match(r"\d{5}\b", heading)
    return code[0] if code else re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def slugify() -> Callable[[str, str], str]:
    """`anchor` in the form that the generator's configuration needs: a function that returns the function."""
    return _slug


def _slug(heading: str, _separator: str) -> str:
    return anchor(heading)
