"""What clients asked and what they were told: all that the checker knows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FOREVER = float("inf")


@dataclass(slots=True)
class Entry:
    """One request and its answer, times in seconds of one monotonic clock.

    `act` is the public name of the endpoint. `about` is what the client knows of its own request: the pool, the
    operation, the place in a list. `parts` are the events or lines of a streamed answer, each with its time.
    """

    number: int
    tenant: str
    act: str
    method: str
    path: str
    body: Any = None
    key: str | None = None
    about: dict[str, Any] = field(default_factory=dict)
    sent: float = 0.0
    answered: float = FOREVER
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    answer: Any = None
    parts: list[tuple[float, Any]] = field(default_factory=list)
    whole: bool = False
    problem: str = ""
    refused: bool = False  # the connection was, so that nothing can have been sent

    @property
    def done(self) -> bool:
        """The client knows that it happened."""
        return self.status in (200, 202)

    @property
    def unknown(self) -> bool:
        """The client cannot know whether it happened: no answer, or one that says so. It may even happen later."""
        return not self.refused and (self.status == 0 or self.status >= 500)

    @property
    def until(self) -> float:
        """The latest moment at which it may have taken effect."""
        return FOREVER if self.unknown else self.answered

    def __str__(self) -> str:
        asked = f"#{self.number} {self.tenant} {self.method} {self.path} at {self.sent:.4f}"
        if not self.status:
            return f"{asked}: no answer ({self.problem})"
        return f"{asked}: {self.status} at {self.answered:.4f}"


class Journal:
    """The entries of a run, in the order in which they were sent."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def begin(self, tenant: str, act: str, method: str, path: str, body: Any, about: dict[str, Any]) -> Entry:
        """A request that is about to be sent."""
        entry = Entry(len(self.entries), tenant, act, method, path, body, about=about, sent=time.monotonic())
        self.entries.append(entry)
        return entry

    def save(self, path: Path) -> None:
        """One JSON object a line, for whoever looks for the cause of a failure."""
        with path.open("w", encoding="utf-8") as file:
            for entry in self.entries:
                file.write(json.dumps(asdict(entry)) + "\n")

    @classmethod
    def load(cls, path: Path) -> Journal:
        """What `save` wrote."""
        journal = cls()
        with path.open(encoding="utf-8") as file:
            journal.entries = [Entry(**json.loads(line)) for line in file]
        return journal
