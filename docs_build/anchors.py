"""The anchors of headings, which links and error bodies name."""

import re
from collections.abc import Callable


def anchor(heading: str) -> str:
    """`20001 Invalid input` has the anchor `20001`, `Page tokens` the anchor `page-tokens`."""
    code = re.match(r"\d{5}\b", heading)
    return code[0] if code else re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def slugify() -> Callable[[str, str], str]:
    """The same as the generator wants it: its configuration names this function, and it calls what it is given."""
    return _slug


def _slug(heading: str, _separator: str) -> str:
    return anchor(heading)
