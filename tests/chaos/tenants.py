"""Tenants: what their clients know, and the requests whose work is promised to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

CHANNELS: Final = ("EMAIL", "PUSH", "SMS", "RCS")


@dataclass(frozen=True)
class Promise:
    """A request that starts an operation. `marker` identifies it for ever: a create or an add has it as the id of a
    sender that does not exist, a send has it as a tag.
    """

    marker: str
    act: str
    path: str
    body: Any
    key: str | None
    pool: str | None


@dataclass
class Tenant:
    """An account, and what its clients know about it."""

    name: str
    sid: str
    token: str
    number: int
    senders: list[str] = field(default_factory=list)
    addresses: dict[str, tuple[str, str]] = field(default_factory=dict)
    pools: list[str] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    keyed: list[Promise] = field(default_factory=list)
    sends: list[Promise] = field(default_factory=list)  # that have an idempotency key
    sent: list[str] = field(default_factory=list)  # operations of messages
    messages: list[str] = field(default_factory=list)
    entered: int = 0

    def rows(self, count: int) -> list[dict[str, Any]]:
        """New rows of inventory; each address contains the tenant's number."""
        first = self.entered
        self.entered += count
        return [{"channel": CHANNELS[n % 4], "address": self._address(n)} for n in range(first, first + count)]

    def _address(self, number: int) -> str:
        channel = CHANNELS[number % 4]
        if channel == "SMS":
            return f"+1415{(self.number + 2) * 1_000_000 + number}"
        return f"{self.name}-{number}@chaos.example" if channel == "EMAIL" else f"{self.name}-id-{number}"
