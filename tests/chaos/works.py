"""What the checker knows of operations, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field

from journal import FOREVER
from tenants import Promise


@dataclass(slots=True)
class Sighting:
    """The state of an operation that a client saw; it was read at some time between `sent` and `at`."""

    sent: float
    at: float
    status: str
    stats: dict[str, int]
    updated: str
    created: str

    @property
    def final(self) -> bool:
        return self.status != "PROCESSING"


@dataclass
class Work:
    """Everything that responses said about an operation. `items` is its last ledger: (sender, outcome) by index."""

    id: str
    tenant: str
    sightings: list[Sighting] = field(default_factory=list)
    items: list[tuple[str | None, str]] = field(default_factory=list)
    tried: dict[int, tuple[str, float]] = field(default_factory=dict)
    queued: dict[int, float] = field(default_factory=dict)
    promise: Promise | None = None
    sent: float = 0.0
    pool: str | None = None

    @property
    def final_at(self) -> float:
        """When a client first knew that it was final."""
        return min((one.at for one in self.sightings if one.final), default=FOREVER)


@dataclass
class Verdict:
    """The findings of the checker: `violations` as (kind, text)."""

    totals: dict[str, int]
    violations: list[tuple[str, str]]

    def lines(self) -> list[str]:
        return [f"{kind}: {text}" for kind, text in self.violations]
