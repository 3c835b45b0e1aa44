"""Liquid: the syntax error of a text with its place, and rendering within a budget of work. Contract section 10.2.

Standard Liquid with a closed set of tags. No tag reads another template or a file. The import of the library takes
70 ms, so the library is imported for the first text with Liquid.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from signalbox.rendering.budget import Budget as Budget
from signalbox.rendering.budget import RenderError as RenderError
from signalbox.rendering.template import Template, children

if TYPE_CHECKING:
    from liquid import BoundTemplate, Environment
    from liquid.ast import Node
    from liquid.exceptions import LiquidError

TAGS: Final = frozenset({"if", "unless", "case", "for", "assign", "capture", "comment", "raw"})
# Parts of the tags above, and the names that the library gives to the text between tags.
_PARTS: Final = frozenset({"break", "continue", "#", "content", "output", "illegal"})
_MARKUP: Final = re.compile(r"{{.*?}}|{%.*?%}", re.DOTALL)
_MOST_WORDS: Final = 120
# Of brackets and operators in one tag; the library is recursive, and has no limit but that of the stack.
MOST_DEPTH: Final = 64
# Of tags and outputs in one text: the library needs about 40 us for each.
MOST_TAGS: Final = 5_000
_TEXT: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_DEEPER: Final = re.compile(r"[\[(]|\b(?:and|or)\b")
_OPENING: Final = re.compile(r"{{|{%")
_RAW: Final = re.compile(r"{%-?\s*(raw|doc)\s*-?%}")
_ENDRAW: Final = re.compile(r"{%-?\s*endraw\s*-?%}")


class Problem(NamedTuple):
    """A syntax error of a text, and its place. Line and column start at 1; a column is one character."""

    message: str
    line: int
    column: int


class Malformed(Exception):
    """A text is no Liquid: `problem` says why and where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def has_liquid(text: str) -> bool:
    """Whether a text contains Liquid. A text without Liquid is rendered unchanged."""
    return "{{" in text or "{%" in text


def problem(text: str) -> Problem | None:
    """The first syntax error of a text, or its first unknown filter; None for a valid text."""
    if not has_liquid(text):
        return None
    try:
        _parsed(text)
    except Malformed as malformed:
        return malformed.problem
    return None


def parse(text: str, *, numbered: bool = False) -> Template:
    """A text that can be rendered many times. Raises Malformed if it is no Liquid.

    With `numbered`, an output `{{1}}` is the variable of this name, as in templates, and not the number.
    """
    if not has_liquid(text):
        return Template(text)
    nodes = _parsed(text).nodes
    if numbered:
        _name_numbers(nodes)
    return Template(nodes)


def _name_numbers(nodes: "Iterable[Node]") -> None:
    """Turns the whole numbers that outputs start with into variables."""
    from liquid.builtin.expressions import FilteredExpression, Path
    from liquid.builtin.output import OutputNode

    for node in nodes:
        if isinstance(node, OutputNode) and isinstance(node.expression, FilteredExpression):
            token = node.expression.left.token
            if token.kind == "integer" and token.value.isdecimal():
                node.expression.left = Path(token, [token.value])
        _name_numbers(children(node))


def _parsed(text: str) -> "BoundTemplate":
    """A text as the library parses it. Raises Malformed."""
    if found := _unbounded(text):
        raise Malformed(found)
    from liquid.exceptions import LiquidError

    from signalbox.rendering.filters import FILTERS

    environment = _environment()
    try:
        template = environment.from_string(text)
        filters = template.analyze().filters if "|" in text else {}
    except LiquidError as error:
        message = str(error.args[0] if error.args else error)[:_MOST_WORDS]
        raise Malformed(_at(text, _place(text, error, message), message)) from None
    for name, spans in filters.items():
        if name not in FILTERS:
            start = text.index(name, spans[0].index) if spans else 0
            raise Malformed(_at(text, start, f"there is no filter {name[:40]}"))
    return template


def _unbounded(text: str) -> Problem | None:
    """A problem of texts that the library would need too long or too deep a stack for, found in linear time.

    The library looks for the end of every tag up to the end of the text, so a tag without an end is found here.
    """
    tags = 0
    at = 0
    while opening := _OPENING.search(text, at):
        start = opening.start()
        tags += 1
        if tags > MOST_TAGS:
            return _at(text, start, f"more than {MOST_TAGS} tags in one text")
        end = text.find("}}" if opening[0] == "{{" else "%}", opening.end())
        if end < 0:
            message = "expected '}}', found end of file" if opening[0] == "{{" else "missing closing delimiter"
            return _at(text, start, message)
        at = end + 2
        if at - start > MOST_DEPTH and len(_DEEPER.findall(_TEXT.sub("", text[start:at]))) > MOST_DEPTH:
            return _at(text, start, f"more than {MOST_DEPTH} brackets and operators in one tag")
        if raw := _RAW.fullmatch(text, start, at):
            if raw[1] not in TAGS:
                return _at(text, raw.start(1), f"unexpected tag '{raw[1]}'")
            closing = _ENDRAW.search(text, at)
            if not closing:
                return _at(text, start, "raw tag was never closed")
            at = closing.end()
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
