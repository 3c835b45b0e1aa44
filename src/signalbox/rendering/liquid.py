"""Checks the Liquid syntax of a text and finds the place of an error. Contract section 10.2.

Standard Liquid with a closed set of tags. No tag reads another template or a file. The import of the library takes
70 ms, so the library is imported for the first text with Liquid.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from liquid import Environment
    from liquid.exceptions import LiquidError

TAGS: Final = frozenset({"if", "unless", "case", "for", "assign", "capture", "comment", "raw"})
# Parts of the tags above, and the names that the library gives to the text between tags.
_PARTS: Final = frozenset({"break", "continue", "#", "content", "output", "illegal"})
_MARKUP: Final = re.compile(r"{{.*?}}|{%.*?%}", re.DOTALL)
_MOST_WORDS: Final = 120
# Of brackets and operators in one tag; the library is recursive, and has no limit but that of the stack.
MOST_DEPTH: Final = 64
_TEXT: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_DEEPER: Final = re.compile(r"[\[(]|\b(?:and|or)\b")


class Problem(NamedTuple):
    """A syntax error of a text, and its place. Line and column start at 1; a column is one character."""

    message: str
    line: int
    column: int


def has_liquid(text: str) -> bool:
    """Whether a text contains Liquid. A text without Liquid is rendered unchanged."""
    return "{{" in text or "{%" in text


def problem(text: str) -> Problem | None:
    """The first syntax error of a text, or its first unknown filter; None for a valid text."""
    if not has_liquid(text):
        return None
    for tag in _MARKUP.finditer(text):
        if len(tag[0]) > MOST_DEPTH and len(_DEEPER.findall(_TEXT.sub("", tag[0]))) > MOST_DEPTH:
            return _at(text, tag.start(), f"more than {MOST_DEPTH} brackets and operators in one tag")
    from liquid.exceptions import LiquidError

    environment = _environment()
    try:
        template = environment.from_string(text)
        filters = template.analyze().filters if "|" in text else {}
    except LiquidError as error:
        message = str(error.args[0] if error.args else error)[:_MOST_WORDS]
        return _at(text, _place(text, error, message), message)
    for name, spans in filters.items():
        if name not in environment.filters:
            start = text.index(name, spans[0].index) if spans else 0
            return _at(text, start, f"there is no filter {name[:40]}")
    return None


@cache
def _environment() -> "Environment":
    from liquid import Environment

    environment = Environment()
    for name in list(environment.tags):
        if name not in TAGS | _PARTS:
            del environment.tags[name]
    return environment


def _place(text: str, error: "LiquidError", message: str) -> int:
    """The index of an error. The library gives none for an unfinished expression or an open tag."""
    token = error.token
    if token is not None and token.start_index >= 0:
        return int(token.start_index)
    if message.startswith("expected tag"):
        return len(text)
    # Binary search for the shortest beginning of the text with this error. Every longer beginning has it as well.
    ends = [match.end() for match in _MARKUP.finditer(text)]
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _fails_alike(text[: ends[middle]], message) else (middle + 1, high)
    return max(ends[low] - 2, 0) if ends else 0


def _fails_alike(text: str, message: str) -> bool:
    from liquid.exceptions import LiquidError

    try:
        _environment().from_string(text)
    except LiquidError as error:
        return str(error.args[0] if error.args else error)[:_MOST_WORDS] == message
    return False


def _at(text: str, index: int, message: str) -> Problem:
    line_start = text.rfind("\n", 0, index) + 1
    return Problem(message, text.count("\n", 0, index) + 1, index - line_start + 1)
