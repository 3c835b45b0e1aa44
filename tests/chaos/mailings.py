"""What responses said about the messages of a tenant, collected for the judges of `posted.py` and `progress.py`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from journal import FOREVER, Entry

STARTS: Final = ("messages.send", "messages.retryOperation")


class State(NamedTuple):
    """An operation in a response; it was so at some time between `sent` and `at`."""

    sent: float
    at: float
    status: str
    stats: dict[str, int]
    updated: str
    created: str

    @property
    def waiting(self) -> int:
        """Messages that may still be handed over."""
        return self.stats["scheduled"] + self.stats["queued"]


class Seen(NamedTuple):
    """The status of a message in a response."""

    sent: float
    at: float
    status: str


class Walk(NamedTuple):
    """All pages of a list, one after the other."""

    sent: float
    clock: float
    rows: list[dict[str, Any]]


@dataclass
class Mailings:
    """Everything about the messages of one tenant. `operations`: the last two whole lists of the audit."""

    tenant: str
    sends: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    retries: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    cancels: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    states: dict[str, list[State]] = field(default_factory=lambda: defaultdict(list))
    seen: dict[str, list[Seen]] = field(default_factory=lambda: defaultdict(list))
    rows: list[tuple[Entry, dict[str, Any]]] = field(default_factory=list)  # messages and items in responses
    arrived: dict[str, Entry] = field(default_factory=dict)
    inboxes: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))  # whole, of one operation
    pages: list[Entry] = field(default_factory=list)  # of lists of messages and operations without a filter of status
    walks: dict[str, list[Walk]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    known: dict[str, float] = field(default_factory=dict)  # when an operation or a message was first named

    def last(self, act: str) -> list[dict[str, Any]]:
        """The rows of the last whole list in the audit."""
        return self.walks[act][-1].rows if self.walks[act] else []


def collect(entries: Iterable[Entry]) -> dict[str, Mailings]:
    """By tenant."""
    found: dict[str, Mailings] = {}
    for entry in entries:
        if entry.act.startswith(("messages.", "inbox.")):
            _add(found.setdefault(entry.tenant, Mailings(entry.tenant)), entry)
    return found


def _add(mailings: Mailings, entry: Entry) -> None:
    about = entry.about
    if entry.act in STARTS:
        (mailings.sends if entry.act == STARTS[0] else mailings.retries)[about["marker"]].append(entry)
        if entry.done:
            _know(mailings, entry.response["operationId"], entry.received)
    elif entry.act in ("messages.cancelOperation", "messages.cancel"):
        mailings.cancels[about.get("operation") or about["message"]].append(entry)
    if entry.status != 200:
        return
    if entry.act in ("messages.fetchOperation", "messages.listOperations"):
        for at, row in _operations(entry):
            state = State(entry.sent, at, row["status"], row["stats"], row["updatedAt"], row["createdAt"])
            mailings.states[row["id"]].append(state)
            _know(mailings, row["id"], at)
    elif entry.act in ("messages.fetch", "messages.list"):
        for row in entry.response.get("messages", [entry.response]):
            mailings.seen[row["id"]].append(Seen(entry.sent, entry.received, row["status"]))
            mailings.rows.append((entry, row))
            _know(mailings, row["id"], entry.received)
    elif entry.act in ("inbox.fetch", "inbox.list"):
        for row in entry.response.get("items", [entry.response]):
            mailings.arrived.setdefault(row["id"], entry)
            mailings.rows.append((entry, row))
    if "pagination" in (entry.response or {}):
        _page(mailings, entry)


def _page(mailings: Mailings, entry: Entry) -> None:
    about, rows = entry.about, next(iter(entry.response.values()))
    if entry.act in ("messages.list", "messages.listOperations") and not about.get("status") and "after" in about:
        mailings.pages.append(entry)
    whole = about.get("after", "") is None and entry.response["pagination"]["next"] is None
    if entry.act == "inbox.list" and "operation" in about and whole:
        mailings.inboxes[about["operation"]].append(entry)
    if not about.get("audit"):
        return
    if entry.act == "messages.listErrors":
        if about["after"] is None:
            mailings.errors[about["operation"]] = []
        mailings.errors[about["operation"]] += rows
        return
    walks = mailings.walks[entry.act]
    if about["after"] is None:
        walks.append(Walk(entry.sent, entry.clock, []))
    walks[-1].rows.extend(rows)


def _operations(entry: Entry) -> Iterator[tuple[float, dict[str, Any]]]:
    if entry.act == "messages.listOperations":
        yield from ((entry.received, row) for row in entry.response["operations"])
    elif entry.headers.get("content-type", "").startswith("text/event-stream"):
        yield from entry.parts
    else:
        yield entry.received, entry.response


def _know(mailings: Mailings, name: str, at: float) -> None:
    mailings.known[name] = min(at, mailings.known.get(name, FOREVER))


def operation_of(message: dict[str, Any]) -> str:
    """The operation of a message."""
    return next((one["id"] for one in message["related"] if one["name"] == "OPERATION"), "")


def retry_of(message: dict[str, Any]) -> str | None:
    """The operation that a message is a retry of."""
    return next((one["id"] for one in message["related"] if one["name"] == "RETRY_OF"), None)


def seconds(text: str) -> float:
    """A time of a response as seconds of the clock."""
    return datetime.fromisoformat(text).timestamp()
