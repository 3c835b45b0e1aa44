"""The requests of clients and their responses: all that the checker knows."""

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
    """One request and its response; times are seconds of one monotonic clock.

    `act` is the public name of the endpoint. `about` is what the client knows about its request: the pool, the
    operation, the place in a list. `parts` are the events or lines of a streamed response, each with its time.
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
    received: float = FOREVER
    clock: float = 0.0  # the time of day at which the response was complete, in seconds
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    response: Any = None
    parts: list[tuple[float, Any]] = field(default_factory=list)
    whole: bool = False
    problem: str = ""
    refused: bool = False  # the connection was refused, so that nothing can have been sent

    @property
    def done(self) -> bool:
        """Whether the client knows that the request was carried out."""
        return self.status in (200, 202)

    @property
    def unknown(self) -> bool:
        """Whether the outcome is unknown: no response, or one that leaves it open. It may still happen later."""
        return not self.refused and (self.status == 0 or self.status >= 500)

    @property
    def until(self) -> float:
        """The latest time at which it may have taken effect."""
        return FOREVER if self.unknown else self.received

    def __str__(self) -> str:
        asked = f"#{self.number} {self.tenant} {self.method} {self.path} at {self.sent:.4f}"
        if not self.status:
            return f"{asked}: no response ({self.problem})"
        return f"{asked}: {self.status} at {self.received:.4f}"


class Journal:
    """The entries of a run in the order of their requests."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def begin(self, tenant: str, act: str, method: str, path: str, body: Any, about: dict[str, Any]) -> Entry:
        """Adds the entry of a request that is about to be sent."""
        entry = Entry(len(self.entries), tenant, act, method, path, body, about=about, sent=time.monotonic())
        self.entries.append(entry)
        return entry

    def save(self, path: Path) -> None:
        """Writes one JSON object a line, for troubleshooting."""
        with path.open("w", encoding="utf-8") as file:
            for entry in self.entries:
                file.write(json.dumps(asdict(entry)) + "\n")

    @classmethod
    def load(cls, path: Path) -> Journal:
        """Reads a file that `save` wrote."""
        journal = cls()
        with path.open(encoding="utf-8") as file:
            journal.entries = [Entry(**json.loads(line)) for line in file]
        return journal
