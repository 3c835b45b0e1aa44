"""The progress of message operations: their counters, the statuses of messages, lists, and cancels."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, Protocol, TypeVar

from journal import Entry
from mailings import Mailings, Seen, State, operation_of, seconds
from members import Blame, covers
from responses import COUNTERS

# The statuses that a message can have after each.
WAITING: Final = ("SCHEDULED", "QUEUED")
_AFTER: Final[dict[str, tuple[str, ...]]] = {
    "SENT": ("SENT", "DELIVERED", "READ", "UNDELIVERED"),
    "DELIVERED": ("DELIVERED", "READ"),
    "READ": ("READ",),
    "UNDELIVERED": ("UNDELIVERED",),
    "FAILED": ("FAILED",),
    "CANCELED": ("CANCELED",),
}


class _Timed(Protocol):
    @property
    def sent(self) -> float: ...
    @property
    def at(self) -> float: ...


T = TypeVar("T", bound=_Timed)


def judge(mailings: Mailings, blame: Blame) -> None:
    """Blames what cannot be true of a tenant's messages while they are sent."""
    for operation, states in mailings.states.items():
        _counters(operation, states, blame)
    for message, seen in mailings.seen.items():
        for before, after in _in_order(seen):
            if after.status not in _AFTER.get(before.status, (after.status,)):
                blame("message", f"{message} was {before.status} and then {after.status}")
            if before.status == "QUEUED" and after.status == "SCHEDULED":
                blame("message", f"{message} was QUEUED and then SCHEDULED")
    _lists(mailings, blame)
    _cancels(mailings, blame)


def _in_order(seen: Sequence[T]) -> Iterator[tuple[T, T]]:
    """Each one with the latest that was known before the request for it."""
    by_end = sorted(seen, key=lambda one: one.at)
    last, count = None, 0
    for one in sorted(seen, key=lambda one: one.sent):
        while by_end[count].at < one.sent:
            last = by_end[count]
            count += 1
        if last is not None:
            yield last, one
    # The parts of a stream have the same request.
    yield from ((a, b) for a, b in pairwise(seen) if a.sent == b.sent and a.at < b.at)


def _counters(operation: str, states: Sequence[State], blame: Blame) -> None:
    for one in states:
        if one.stats["total"] != sum(one.stats[name] for name in COUNTERS):
            blame("counters", f"{operation} does not add up: {one}")
        if one.stats["recipients"] != one.stats["total"]:
            blame("counters", f"{operation} has another number of recipients: {one}")
        if (one.waiting == 0) != (one.status in ("COMPLETED", "CANCELED")):
            blame("counters", f"{operation} is {one.status} with {one.waiting} messages left: {one}")
        if one.status == "SCHEDULED" and one.stats["attempts"]:
            blame("counters", f"{operation} was tried before it was due: {one}")
    if len({(one.stats["total"], one.created) for one in states}) > 1:
        blame("counters", f"total or createdAt of {operation} changed")
    moments: dict[str, State] = {}
    for one in states:
        same = moments.setdefault(one.updated, one)
        if (one.status, one.stats) != (same.status, same.stats):
            blame("counters", f"{operation} changed and updatedAt did not: {same}, {one}")
    for before, after in _in_order(states):
        # What was not handed over becomes less, every other sum becomes more, and reports move messages forward.
        back = after.waiting > before.waiting or after.stats["scheduled"] > before.stats["scheduled"]
        grows = ("attempts", "failed", "canceled", "unaddressable", "undelivered", "read")
        back = back or any(after.stats[name] < before.stats[name] for name in grows)
        ended = before.waiting == 0
        fixed = ("attempts", "failed", "canceled", "unaddressable")
        if ended and (after.status != before.status or any(after.stats[one] != before.stats[one] for one in fixed)):
            blame("counters", f"{operation} changed after its end: {before} then {after}")
        if back or after.updated < before.updated:
            blame("counters", f"{operation} went back: {before} then {after}")


def _lists(mailings: Mailings, blame: Blame) -> None:
    """What was known before a list was read is in it."""
    messages = {row["id"]: operation_of(row) for row in mailings.last("messages.list")}
    by_id = sorted(messages)
    of_operation: dict[str, list[str]] = {}
    for one in by_id:
        of_operation.setdefault(messages[one], []).append(one)
    for page in mailings.pages:
        key = "messages" if page.act == "messages.list" else "operations"
        rows = page.response[key]
        shown = {row["id"] for row in rows}
        operation = page.about.get("operation")
        if operation:
            if any(operation_of(row) != operation for row in rows):
                blame("list", f"shows messages of another operation: {page}")
            known = mailings.known.get(operation, page.sent) < page.sent
            asked = of_operation.get(operation, []) if known else []
        else:
            names = by_id if key == "messages" else sorted(mailings.states)
            asked = [one for one in _between(names, page, key) if mailings.known.get(one, page.sent) < page.sent]
        covered = covers(page, key)
        if missing := [one for one in asked if one not in shown and covered(one)]:
            blame("lost", f"{len(missing)} such as {missing[0]} are missing in {page}")


def _between(names: list[str], page: Entry, key: str) -> list[str]:
    rows, after = page.response[key], page.about["after"]
    low = bisect_left(names, rows[-1]["id"]) if rows and page.response["pagination"]["next"] else 0
    return names[low : len(names) if after is None else bisect_right(names, after)]


def _cancels(mailings: Mailings, blame: Blame) -> None:
    """A 202 of a cancel: the messages that were left are CANCELED, and nothing arrives afterwards."""
    arrived: dict[str, list[dict[str, str]]] = {}
    for item in mailings.last("inbox.list"):
        arrived.setdefault(item["operationId"], []).append(item)
    messages = {row["id"]: operation_of(row) for row in mailings.last("messages.list")}
    for name, cancels in mailings.cancels.items():
        done = [one for one in cancels if one.done]
        if len(done) > 1:
            blame("cancel", f"{name} was cancelled twice: {list(map(str, done))}")
        for end in (one for one in cancels if one.status in (202, 409)):
            if name in messages:
                _message_ended(mailings, name, end, blame)
                continue
            for state in mailings.states[name]:
                if state.sent > end.received and (state.waiting or (end.done and state.status != "CANCELED")):
                    blame("cancel", f"{name} was {state} after {end}")
            late = [one["id"] for one in arrived.get(name, []) if seconds(one["receivedAt"]) > end.clock]
            shown = [page for page in mailings.inboxes[name] if page.sent > end.received]
            for page in shown:
                there = {item["id"] for item in page.response["items"]}
                late += [one["id"] for one in arrived.get(name, []) if one["id"] not in there]
            if late:
                blame("cancel", f"{late[0]} of {name} arrived after {end}")
    for message, operation in messages.items():
        if any(one.done for one in mailings.cancels.get(operation, [])):
            for end in (one for one in mailings.cancels[operation] if one.done):
                _message_ended(mailings, message, end, blame, itself=False)


def _message_ended(mailings: Mailings, message: str, end: Entry, blame: Blame, *, itself: bool = True) -> None:
    """After a cancel of a message, or of its operation, got a response, the message is not waiting."""
    after: list[Seen] = [one for one in mailings.seen[message] if one.sent > end.received]
    wrong = [one.status for one in after if one.status in WAITING or (itself and end.done and one.status != "CANCELED")]
    if wrong:
        blame("cancel", f"{message} was {wrong[0]} after {end}")
