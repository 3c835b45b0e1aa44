"""Memberships: for each pool and sender, all responses about both must form one explainable history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from histories import Event, explained
from journal import Entry
from works import Work

Blame = Callable[[str, object], None]


class Pair(NamedTuple):
    """Whether the pool exists, the sender exists, and the sender is in the pool."""

    pool: bool = True
    sender: bool = True
    member: bool = False


Step = Callable[[Pair], Pair | None]


def _becomes_member(now: Pair) -> Pair | None:
    return now._replace(member=True) if now.pool and now.sender and not now.member else None


def _is_member(now: Pair) -> Pair | None:
    return now if now.pool and now.member else None


def _is_no_member(now: Pair) -> Pair | None:
    return now if now.pool and not now.member else None


def _has_no_sender(now: Pair) -> Pair | None:
    return now if now.pool and not now.sender else None


def _leaves(now: Pair) -> Pair | None:
    return now._replace(member=False) if now.pool and now.member else None


def _cannot_leave(now: Pair) -> Pair | None:
    return None if now.pool and now.member else now


def _pool_ends(now: Pair) -> Pair | None:
    return Pair(False, now.sender, False) if now.pool else None


def _no_pool(now: Pair) -> Pair | None:
    return None if now.pool else now


def _sender_ends(now: Pair) -> Pair | None:
    return Pair(now.pool, False, False) if now.sender else None


def _no_sender(now: Pair) -> Pair | None:
    return None if now.sender else now


ITEMS: dict[str, Step] = {"CREATED": _becomes_member, "ALREADY_MEMBER": _is_member, "FAILED": _has_no_sender}


def covers(entry: Entry, key: str) -> Callable[[str], bool]:
    """A test for ids: whether an unfiltered page would show the id if it were in the list."""
    after, rows = entry.about["after"], entry.response[key]
    last = rows[-1]["id"] if rows and entry.response["pagination"]["next"] else ""
    return lambda one: (after is None or one < after) and one >= last


def judge(entries: Iterable[Entry], works: Iterable[Work], blame: Blame) -> int:
    """Checks every pair of pool and sender; returns the number of pairs."""
    senders: dict[str, set[str]] = defaultdict(set)  # that a response ever named, by tenant
    of_sender: dict[str, list[Event[Pair]]] = defaultdict(list)
    of_pool: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.status == 200 and entry.act == "senders.list":
            senders[entry.tenant] |= {row["id"] for row in entry.response["senders"]}
        if entry.act == "inventory.delete" and (entry.done or entry.unknown or entry.status == 404):
            step = _no_sender if entry.status == 404 else _sender_ends
            of_sender[entry.about["sender"]].append(Event.of(entry, step, reads=entry.status == 404))
        elif entry.act == "senders.fetch" and entry.status == 404:
            of_sender[entry.about["sender"]].append(Event.of(entry, _no_sender, reads=True))
        elif entry.about.get("pool"):
            of_pool[entry.about["pool"]].append(entry)
    works_of: dict[str, list[Work]] = defaultdict(list)
    for work in works:
        if work.promise is not None and work.pool:
            works_of[work.pool].append(work)
        elif work.promise is not None:
            _strangers(work, senders[work.tenant], blame)
    return sum(
        _judge_pool(pool, of_pool[pool], mine, senders[mine[0].tenant], of_sender, blame)
        for pool, mine in works_of.items()
        # When other clients found, renamed and deleted a pool, the request that created it may be unknown.
        if any(work.promise is not None and work.promise.pool is None for work in mine)
    )


def _strangers(work: Work, senders: set[str], blame: Blame) -> None:
    for sender, outcome in work.items:
        if sender is not None and sender not in senders and outcome not in ("FAILED", "QUEUED"):
            blame("tenant", f"{sender} is nobody's, and {outcome} in {work.id}")


def _judge_pool(
    pool: str,
    entries: Sequence[Entry],
    works: Sequence[Work],
    senders: set[str],
    of_sender: dict[str, list[Event[Pair]]],
    blame: Blame,
) -> int:
    events: dict[str, list[Event[Pair]]] = defaultdict(list)
    for work in works:
        _strangers(work, senders, blame)
        _applied(work, senders, events)
    everybody: list[Event[Pair]] = []
    for entry in entries:
        _told(entry, everybody, events)
    for entry in entries:
        if entry.act == "senderPools.listSenders" and entry.status == 200:
            _listed(entry, events)
    # Most senders of a pool have the same history as many others: each history is checked once.
    kinds: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for sender, own in events.items():
        kinds[tuple(map(id, [*own, *of_sender.get(sender, [])]))].append(sender)
    for alike in kinds.values():
        history = [*everybody, *events[alike[0]], *of_sender.get(alike[0], [])]
        if not explained(history, Pair()):
            told = "\n        ".join(event.text for event in sorted(history, key=lambda event: event.start))
            blame("membership", f"{len(alike)} such as {alike[0]} in {pool} cannot be explained:\n        {told}")
    return len(events)


def _applied(work: Work, senders: set[str], events: dict[str, list[Event[Pair]]]) -> None:
    """What the ledger says about each sender, as events between the request and the first response that shows it."""
    final_at = work.final_at
    shared: dict[tuple[str, float, float], Event[Pair]] = {}
    for index, (sender, outcome) in enumerate(work.items):
        if sender not in senders or sender is None or outcome == "QUEUED":
            continue
        start = max(work.sent, work.queued.get(index, 0.0))
        end = min(final_at, work.tried.get(index, ("", final_at))[1])
        key = (outcome, start, end)
        if key not in shared:
            text = f"{outcome} by {work.id} between {start:.4f} and {end:.4f}"
            shared[key] = Event(start, end, ITEMS[outcome], text, reads=outcome != "CREATED")
        events[sender].append(shared[key])


def _told(entry: Entry, everybody: list[Event[Pair]], events: dict[str, list[Event[Pair]]]) -> None:
    """What a response says about the pool or one of its members."""
    if entry.act == "senderPools.delete":
        if entry.done or entry.unknown:
            everybody.append(Event.of(entry, _pool_ends))
    elif entry.act == "senderPools.removeSender":
        if entry.done or entry.unknown:
            events[entry.about["sender"]].append(Event.of(entry, _leaves))
        elif entry.status == 404:
            events[entry.about["sender"]].append(Event.of(entry, _cannot_leave, reads=True))
    elif entry.act == "senders.resolve" and entry.status == 200:
        member = Event.of(entry, _is_member, reads=True)
        for result in entry.response["results"]:
            events[result["from"]["senderId"]].append(member)
    if entry.status == 404 and entry.act in ("senderPools.fetch", "senderPools.delete", "senderPools.listSenders"):
        everybody.append(Event.of(entry, _no_pool, reads=True))


def _listed(entry: Entry, events: dict[str, list[Event[Pair]]]) -> None:
    """A page says of every sender whether it is in the pool; a filtered page only of those that it shows."""
    shown = {row["id"] for row in entry.response["senders"]}
    present, absent = Event.of(entry, _is_member, reads=True), Event.of(entry, _is_no_member, reads=True)
    present.text += ", listed"
    absent.text += ", not listed"
    covered = covers(entry, "senders")
    for sender in shown | (set() if entry.about["filters"] else set(events)):
        if sender in shown:
            events[sender].append(present)
        elif covered(sender):
            events[sender].append(absent)
