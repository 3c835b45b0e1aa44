"""A parsed text: the variables it uses, and its rendering. Contract section 10.2."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from signalbox.rendering.budget import OUTPUT_BYTES, Budget, utf8_bytes
from signalbox.rendering.running import BUILT_IN, Break, Continue, Output, Run

if TYPE_CHECKING:
    from liquid.ast import Node
    from liquid.expression import Expression

    from signalbox.rendering.compiling import Write

# A part of a text with nothing but variables and defaults: a text, or the name of a variable and its default.
Part = str | tuple[str, str]


class _Use(NamedTuple):
    """A variable of the request that a text uses, and whether an output starts from it without a default."""

    name: str
    undefaulted: bool


class Template:
    """A text that is rendered once for each recipient. Made by `liquid.parse`."""

    __slots__ = ("_parts", "_uses", "_write")

    def __init__(self, parsed: "str | Sequence[Node]") -> None:
        self._write: Write | None = None
        self._uses: list[_Use] = []
        self._parts: list[Part] | None
        if isinstance(parsed, str):
            self._parts = [parsed]
            return
        from signalbox.rendering import compiling

        self._uses = list(_uses(parsed, set()))
        self._parts = _simple(parsed)
        if self._parts is None:
            self._write = compiling.compiled(parsed)

    def render(self, variables: Mapping[str, str], now_ms: int, budget: Budget | None = None) -> str:
        """The text with its variables. Raises RenderError.

        `now_ms` is the account's time in milliseconds. The texts of one message share a budget; without one, the text
        has a budget of its own. An absent variable is empty. Values are never rendered themselves.
        """
        if self._parts is not None:
            get = variables.get
            text = "".join([part if isinstance(part, str) else get(part[0]) or part[1] for part in self._parts])
            if budget is not None or utf8_bytes(text) > OUTPUT_BYTES:
                (budget or Budget()).write(text)
            return text
        run = Run(variables, now_ms, budget or Budget())
        out = Output(run.budget.write)
        assert self._write is not None  # noqa: S101
        with suppress(Break, Continue):  # outside of a loop these end the text
            self._write(run, out)
        return "".join(out.parts)

    def undefaulted(self) -> list[str]:
        """The variables that an output starts from without the filter `default`, each once, in the order of the text.

        Variables of the request alone: not those of a loop, an assignment or a capture, and not `now` and `today`.
        """
        return list(dict.fromkeys(use.name for use in self._uses if use.undefaulted))

    def variables(self) -> set[str]:
        """The variables of the request that the text may read."""
        return {use.name for use in self._uses}


def _simple(nodes: "Sequence[Node]") -> list[Part] | None:
    """The parts of a text of plain variables, alone or with a literal default; None for any other text.

    Such a text needs no budget but that of its output. It is most texts, and rendering its parts is 20 times as fast.
    """
    from liquid.builtin.content import ContentNode
    from liquid.builtin.output import OutputNode

    parts: list[Part] = []
    for node in nodes:
        if isinstance(node, ContentNode):
            parts.append(node.text)
        elif isinstance(node, OutputNode) and (part := _simple_output(node.expression)):
            parts.append(part)
        else:
            return None
    return parts


def _simple_output(expression: "Expression") -> Part | None:
    from liquid.builtin.expressions import FilteredExpression, Path, PositionalArgument, StringLiteral

    if not isinstance(expression, FilteredExpression) or not isinstance(expression.left, Path):
        return None
    name = expression.left.path[0]
    if len(expression.left.path) > 1 or not isinstance(name, str) or name in BUILT_IN:
        return None
    if not expression.filters:
        return name, ""
    first, *others = expression.filters
    if others or first.name != "default" or len(first.args) != 1 or not isinstance(first.args[0], PositionalArgument):
        return None
    default = first.args[0].value
    return (name, default.value) if isinstance(default, StringLiteral) else None


def _uses(nodes: "Sequence[Node]", bound: set[str]) -> Iterator[_Use]:
    """The variables that nodes read, in the order of the text. What is assigned is added to `bound`."""
    from liquid.builtin.expressions import FilteredExpression, Path
    from liquid.builtin.output import OutputNode

    for node in nodes:
        for expression in node.expressions():
            bare = (
                isinstance(node, OutputNode)
                and isinstance(expression, FilteredExpression)
                and isinstance(expression.left, Path)
                and not any(each.name == "default" for each in expression.filters or ())
            )
            for at, name in enumerate(_names(expression)):
                if name not in bound | BUILT_IN:
                    yield _Use(name, bare and at == 0)
        inner = {str(name) for name in node.block_scope()} - bound
        bound |= inner
        yield from _uses(list(children(node)), bound)
        bound -= inner
        bound |= {str(name) for name in node.template_scope()}


def children(node: "Node") -> "Iterator[Node]":
    """The nodes inside a node. None of the allowed tags looks at the context that the library asks for."""
    yield from node.children(None)  # type: ignore[arg-type]


def _names(expression: "Expression") -> Iterator[str]:
    """The names that an expression reads, the one that it starts from first."""
    from liquid.builtin.expressions import Path

    if isinstance(expression, Path) and isinstance(expression.path[0], str):
        yield expression.path[0]
    for child in expression.children():
        yield from _names(child)
