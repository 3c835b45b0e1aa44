"""One rendering of a text: its variables, its budget, and what it has written."""

from collections.abc import Callable, Mapping
from sys import getsizeof
from typing import Final

from signalbox.rendering import dates
from signalbox.rendering.budget import Budget
from signalbox.rendering.values import Loop, size, text_of

BUILT_IN: Final = frozenset({"now", "today"})


class Break(Exception):
    """The tag `break`: it ends the loop around it."""


class Continue(Exception):
    """The tag `continue`: it ends the turn of the loop around it."""


class Output:
    """Text that is written, and charged as it is."""

    __slots__ = ("charge", "parts")

    def __init__(self, charge: Callable[[str], None]) -> None:
        self.charge = charge
        self.parts: list[str] = []

    def write(self, text: str) -> None:
        """Adds text. Raises RenderError."""
        self.charge(text)
        self.parts.append(text)


class Run:
    """The state of one rendering."""

    __slots__ = ("_held", "budget", "locals", "now_ms", "scopes", "stopped", "variables")

    def __init__(self, variables: Mapping[str, str], now_ms: int, budget: Budget) -> None:
        self.variables = variables
        self.now_ms = now_ms
        self.budget = budget
        self.locals: dict[str, object] = {}
        self.scopes: list[dict[str, object]] = []
        # Where the last loop of a name and its values stopped, for `offset: continue`.
        self.stopped: dict[str, int] = {}
        self._held: dict[str, int] = {}

    def variable(self, name: str) -> object:
        """The value of a variable: of the innermost loop, of an assignment, of the request, or None."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        if name in self.locals:
            return self.locals[name]
        value = self.variables.get(name)
        return dates.now(self.now_ms) if value is None and name in BUILT_IN else value

    def innermost(self) -> Loop | None:
        """The loop around this place."""
        loop = self.scopes[-1]["forloop"] if self.scopes else None
        return loop if isinstance(loop, Loop) else None

    def take(self, value: object, cost: int = 2) -> str:
        """The text of a value, charged `cost` times; a list is charged once more, for it is joined."""
        if not isinstance(value, str):
            length = size(value)
            self.budget.touch(length)
            value = text_of(value)
        self.budget.touch(len(value) * cost)
        return value

    def assign(self, name: str, value: object) -> None:
        """Keeps a value, and gives back the memory of the value before. Raises RenderError."""
        held = getsizeof(value)
        if isinstance(value, list):
            self.budget.touch(len(value) * 16)
            held += size(value)
        self.budget.hold(held - self._held.get(name, 0))
        self._held[name] = held
        self.locals[name] = value

    def capture(self, name: str, captured: Output) -> None:
        """Keeps captured text in place of its parts. Raises RenderError."""
        self.budget.hold(-sum(map(getsizeof, captured.parts)))
        self.assign(name, "".join(captured.parts))
