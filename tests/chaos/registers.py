"""Pools and senders as registers: a read must return the last write, as far as the times allow to tell."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from histories import Event, explained
from journal import FOREVER, Entry
from members import Blame, covers
from works import Work


class Thing(NamedTuple):
    """A pool or a sender: 0 not created, 1 exists, 2 deleted; and its changeable fields as JSON."""

    life: int
    values: str


Step = Callable[[Thing], Thing | None]
UNBORN = Thing(0, "")


def _values(told: dict[str, Any]) -> str:
    wanted = ("name", "tags") if "name" in told else ("displayName", "status", "tags")
    return json.dumps({name: told[name] for name in wanted}, sort_keys=True)


def _born(values: str) -> Step:
    return lambda now: Thing(1, values) if now.life == 0 else None


def _changed(change: dict[str, Any], to: str | None = None) -> Step:
    def step(now: Thing) -> Thing | None:
        if now.life != 1:
            return None
        after = json.dumps(json.loads(now.values) | change, sort_keys=True)
        return Thing(1, after) if to in (None, after) else None

    return step


def _is(values: str) -> Step:
    return lambda now: now if now == (1, values) else None


def _lives(now: Thing) -> Thing | None:
    return now if now.life == 1 else None


def _gone(now: Thing) -> Thing | None:
    return now if now.life != 1 else None


def _ends(now: Thing) -> Thing | None:
    return Thing(2, "") if now.life == 1 else None


class Told:
    """The events of many pools or senders."""

    def __init__(self) -> None:
        self.events: dict[str, list[Event[Thing]]] = defaultdict(list)
        self.seen: dict[str, float] = {}  # when each was first known to exist
        self.written: set[str] = set()

    def see(self, entry: Entry, thing: dict[str, Any]) -> None:
        """A response showed it."""
        self.events[thing["id"]].append(Event.of(entry, _is(_values(thing)), reads=True))
        self.seen[thing["id"]] = min(entry.received, self.seen.get(thing["id"], FOREVER))

    def read(self, entry: Entry, name: str, step: Step) -> None:
        """A response said whether it exists."""
        self.events[name].append(Event.of(entry, step, reads=True))

    def write(self, entry: Entry, name: str, step: Step) -> None:
        """It was changed, or may have been changed."""
        self.events[name].append(Event.of(entry, step))
        self.written.add(name)

    def outcome(self, entry: Entry, name: str, step: Step) -> None:
        """The usual meaning of the response to a change: done, perhaps done, not found, or exists and not changed."""
        if entry.done or entry.unknown:
            self.write(entry, name, step)
        elif entry.status in (404, 412):
            self.read(entry, name, _gone if entry.status == 404 else _lives)

    def judge(self, kind: str, name: str, blame: Blame) -> None:
        events = self.events[name]
        if not explained(events, UNBORN):
            told = "\n        ".join(event.text for event in sorted(events, key=lambda event: event.start))
            blame(kind, f"{name} cannot be explained:\n        {told}")


def judge_pools(entries: Iterable[Entry], works: Iterable[Work], posts: dict[str, list[Entry]], blame: Blame) -> None:
    """Every pool: created once, changed as the responses say, gone after its deletion and not before."""
    told, pages = Told(), []
    for entry in entries:
        _told_of_pool(entry, told)
        if entry.act == "senderPools.list" and entry.status == 200:
            for pool in entry.response["senderPools"]:
                told.see(entry, pool)
            if "after" in entry.about:
                pages.append(entry)
    made = {work.pool: work for work in works if work.promise and work.promise.pool is None and work.pool}
    for pool, work in made.items():
        assert pool
        assert work.promise
        first = [post for post in posts[work.promise.marker] if post.done or post.unknown]
        end = min([told.seen.get(pool, FOREVER), *(post.received for post in first if post.done)])
        body = work.promise.body
        birth = Event(work.sent, end, _born(_values(body)), f"made by {work.id}")
        told.events[pool].append(birth)
        for page in pages:
            shown = {one["id"] for one in page.response["senderPools"]}
            if page.tenant == work.tenant and pool not in shown and covers(page, "senderPools")(pool):
                told.read(page, pool, _gone)
        told.judge("pool", pool, blame)


def _told_of_pool(entry: Entry, told: Told) -> None:
    pool = entry.about.get("pool")
    if not pool:
        return
    match entry.act:
        case "senderPools.fetch" if entry.status in (200, 304):
            told.see(entry, entry.response if entry.status == 200 else entry.about["remembered"])
        case "senderPools.update":
            told.outcome(entry, pool, _changed(entry.body))
        case "senderPools.delete":
            told.outcome(entry, pool, _ends)
        case "senderPools.addSender" if entry.done and "idempotency-replayed" not in entry.headers:
            told.read(entry, pool, _lives)
        case "senderPools.removeSender" if entry.done:
            told.read(entry, pool, _lives)
        case "senderPools.listSenders" | "senders.resolve" | "senderPools.fetchSendersOperation" if entry.status == 200:
            told.read(entry, pool, _lives)
        case "senderPools.fetch" | "senderPools.addSender" | "senderPools.listSenders" | "senders.resolve" if (
            entry.status == 404
        ):
            told.read(entry, pool, _gone)


def judge_senders(entries: Iterable[Entry], blame: Blame) -> None:
    """Every sender: entered once, changed as responses say, gone only after its deletion. Inventory: all or nothing."""
    told = Told()
    ids: dict[tuple[str, str], str] = {}
    entered: list[Entry] = []
    pages: list[Entry] = []
    for entry in entries:
        if entry.act == "inventory.enter" and (entry.done or entry.unknown):
            entered.append(entry)
        if entry.status == 200 and entry.act in ("senders.list", "senderPools.listSenders", "senders.search"):
            for sender in entry.response["senders"]:
                told.see(entry, sender)
                if ids.setdefault((sender["channel"], sender["address"]), sender["id"]) != sender["id"]:
                    blame("doubled", f"{sender['address']} is {sender['id']} as well: {entry}")
            if entry.act == "senders.search" and not entry.response["senders"]:
                told.read(entry, entry.about["sender"], _gone)
        elif entry.act == "senders.fetch":
            if entry.status == 200:
                told.see(entry, entry.response)
            elif entry.status == 404:
                told.read(entry, entry.about["sender"], _gone)
        elif entry.act == "inventory.update":
            to = _values(entry.response) if entry.done else None
            told.outcome(entry, entry.about["sender"], _changed(entry.body, to))
        elif entry.act == "inventory.delete":
            told.outcome(entry, entry.about["sender"], _ends)
        if entry.status == 200 and entry.act == "senders.list" and not entry.about["filters"]:
            pages.append(entry)
    born = _enter(entered, ids, told, blame)
    _absences(pages, born, told)
    for name in told.events:
        told.judge("sender", name, blame)


def _enter(entered: list[Entry], ids: dict[tuple[str, str], str], told: Told, blame: Blame) -> dict[str, str]:
    """Adds the creation of senders, and the changes by later rows; returns the tenant of every sender."""
    born: dict[str, str] = {}
    for entry in entered:
        found = [ids.get((row["channel"], row["address"])) for row in entry.body]
        new = [one for one in found if one not in born]
        if (entry.done and None in found) or (None in found and any(found)):
            blame("lost", f"{found.count(None)} of {len(found)} senders are not there: {entry}")
        if entry.done and (entry.response["created"], entry.response["updated"]) != (len(new), len(found) - len(new)):
            blame("doubled", f"{len(new)} of {len(found)} rows were new, told was {entry.response}: {entry}")
        for row, name in zip(entry.body, found, strict=True):
            if name is None:
                continue
            change = {member: row[member] for member in ("displayName", "status", "tags") if member in row}
            if name in born:
                told.write(entry, name, _changed(change))
                continue
            born[name] = entry.tenant
            values = _values({"displayName": None, "status": "ACTIVATED", "tags": {}} | change)
            end = min(entry.until, told.seen.get(name, FOREVER))
            told.events[name].append(Event(entry.sent, end, _born(values), f"entered by {entry}"))
    return born


def _absences(pages: list[Entry], born: dict[str, str], told: Told) -> None:
    for page in pages:
        shown = {row["id"] for row in page.response["senders"]}
        covered = covers(page, "senders")
        for name, tenant in born.items():
            if tenant == page.tenant and name not in shown and covered(name):
                told.read(page, name, _gone)
