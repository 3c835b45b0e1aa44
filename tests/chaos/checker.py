"""The checker: finds in the journal, and nothing else, every broken promise of the API."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final

import mailings
import members
import posted
import promises
import registers
import responses
from journal import FOREVER, Entry, Journal
from tenants import Promise
from works import Sighting, Verdict, Work

LISTS: Final = {
    "senderPools.list": "senderPools",
    "senderPools.listSenders": "senders",
    "senderPools.listOperations": "operations",
    "senders.list": "senders",
    "ledger.listItems": "items",
    "messages.list": "messages",
    "messages.listOperations": "operations",
}
STARTS: Final = ("senderPools.create", "senderPools.addSender")


def check(journal: Journal) -> Verdict:
    """Checks a run whose last entries are an audit of everything."""
    return Checker(journal).judge()


class Checker:
    """Collects the responses, then compares them with the promises."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        # Invalid requests, and those for another tenant's resources, must have changed nothing: checked separately.
        self.entries = [entry for entry in journal if "expect" not in entry.about]
        self.violations: list[tuple[str, str]] = []
        self.works: dict[str, Work] = {}
        self.posts: dict[str, list[Entry]] = defaultdict(list)
        self.promises: dict[str, Promise] = {}
        self.told_at: dict[str, float] = {}  # when an operation was first promised
        self.pool_of: dict[str, str] = {}  # the pool that an operation made
        self.pool_named: dict[str, str] = {}  # the pool that has a marker in its first name

    def blame(self, kind: str, text: object) -> None:
        self.violations.append((kind, str(text)))

    def judge(self) -> Verdict:
        for entry in self.journal:
            for fault in responses.faults(entry):
                self.blame("undocumented", f"{entry}: {fault}")
        self._collect()
        self._tenants()
        self._lists()
        for work in self.works.values():
            self._counters(work)
            self._ledger(work)
        self._match_promises()
        self._ends()
        messages = mailings.collect(self.entries)
        for one in messages.values():
            posted.Post(one, self.blame).judge()
        registers.judge_senders(self.entries, self.blame)
        registers.judge_pools(self.entries, self.works.values(), self.posts, self.blame)
        pairs = members.judge(self.entries, self.works.values(), self.blame)
        return Verdict(self._totals(pairs) | posted.totals(messages), self.violations)

    # --- collecting

    def _collect(self) -> None:
        ledgers: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            if entry.act in STARTS:
                marker = entry.about["marker"]
                self.posts[marker].append(entry)
                pool = entry.about["pool"]
                if entry.done:
                    self.told_at.setdefault(entry.response["operationId"], entry.received)
                self.promises[marker] = Promise(marker, entry.act, entry.path, entry.body, entry.key, pool)
            if entry.status != 200:
                continue
            for one in _objects(entry):
                if "name" in one:
                    self.pool_named.setdefault(one["name"].partition(" ")[2], one["id"])
            if entry.act in ("senderPools.fetchOperation", "senderPools.fetchSendersOperation"):
                self._see(entry)
            elif entry.act == "senderPools.listOperations":
                for operation in entry.response["operations"]:
                    self._sight(entry, entry.received, operation)
            elif entry.act == "ledger.listItems":
                ledgers[entry.about["operation"]].append(entry)
            elif entry.act == "senderPools.list" and "operation" in entry.about:
                self._pools_of_operation(entry)
        for operation, read in ledgers.items():
            self._read_ledger(self._work(read[0].tenant, operation), read)

    def _work(self, tenant: str, operation: str) -> Work:
        return self.works.setdefault(operation, Work(operation, tenant))

    def _see(self, entry: Entry) -> None:
        """A fetched operation, or an event stream; in both, counters must never go back."""
        if not entry.headers.get("content-type", "").startswith("text/event-stream"):
            self._sight(entry, entry.received, entry.response)
            return
        last: Sighting | None = None
        for at, operation in entry.parts:
            now = self._sight(entry, at, operation)
            if last is not None:
                self._compare(last, now, f"events of {entry}")
            last = now
        if entry.whole and not (last and last.final) and entry.about.get("audit"):
            self.blame("lost", f"the stream ended before the operation did: {entry}")

    def _sight(self, entry: Entry, at: float, told: dict[str, Any]) -> Sighting:
        sighting = Sighting(entry.sent, at, told["status"], told["stats"], told["updatedAt"], told["createdAt"])
        work = self._work(entry.tenant, told["id"])
        work.sightings.append(sighting)
        if work.tenant != entry.tenant:
            self.blame("tenant", f"{entry.tenant} saw {told['id']} of {work.tenant}: {entry}")
        return sighting

    def _pools_of_operation(self, entry: Entry) -> None:
        operation, found = entry.about["operation"], entry.response["senderPools"]
        for pool in found:
            if self.pool_of.setdefault(operation, pool["id"]) != pool["id"] or len(found) > 1:
                self.blame("doubled", f"operation {operation} made several pools: {entry}")

    def _read_ledger(self, work: Work, read: list[Entry]) -> None:
        for entry in read:
            items = [part for _, part in entry.parts] or (entry.response["items"] if entry.response else [])
            for item in items:
                index, outcome = item["index"], item["outcome"]
                if outcome == "QUEUED":
                    work.queued[index] = max(entry.sent, work.queued.get(index, 0.0))
                    continue
                known = work.tried.get(index)
                if known and known[0] != outcome:
                    self.blame("doubled", f"item {index} of {work.id} was {known[0]}, then {outcome}: {entry}")
                elif known is None or entry.received < known[1]:
                    work.tried[index] = (outcome, entry.received)
            if entry.parts and entry.whole and not entry.about["filters"]:
                if [item["index"] for item in items] != list(range(len(items))):
                    self.blame("ledger", f"the indexes are not 0, 1, 2, ...: {entry}")
                work.items = [(item["senderId"], item["outcome"]) for item in items]

    # --- judging

    def _tenants(self) -> None:
        """No response tells a tenant anything of another one: no id, no address, no name."""
        # Whole words only: the end of an id may look like a name.
        names = {one: re.compile(rf"(?<![0-9a-z]){one}(?: |-id-)") for one in {entry.tenant for entry in self.journal}}
        addresses: dict[str, set[str]] = defaultdict(set)
        owners: dict[str, str] = {}
        for entry in self.journal:
            if entry.act == "inventory.enter" and isinstance(entry.body, list):
                addresses[entry.tenant] |= {row["address"] for row in entry.body}
        for entry in self.journal:
            text = f"{entry.response}{entry.parts}"
            for other, mention in names.items():
                if other != entry.tenant and other in text and mention.search(text):
                    self.blame("tenant", f"{entry.tenant} was told of {other}: {entry}")
            for told in _objects(entry):
                if owners.setdefault(told["id"], entry.tenant) != entry.tenant:
                    self.blame("tenant", f"{entry.tenant} was told {told['id']} of {owners[told['id']]}: {entry}")
                sender = told.get("from") or told
                if "address" in sender and sender["address"] not in addresses[entry.tenant]:
                    self.blame("tenant", f"{entry.tenant} never entered {sender['address']}: {entry}")

    def _lists(self) -> None:
        """Pages are in order, continue where the last one ended, and show only what the filters allow."""
        for entry in self.entries:
            if entry.status != 200 or entry.act not in LISTS or not entry.response or "after" not in entry.about:
                continue
            rows, after = entry.response[LISTS[entry.act]], entry.about["after"]
            places = [row["index"] if entry.act == "ledger.listItems" else row["id"] for row in rows]
            if entry.act == "ledger.listItems":
                ordered = sorted(set(places)) == places and (after is None or not places or places[0] > after)
            else:
                ordered = sorted(set(places), reverse=True) == places
                ordered = ordered and (after is None or not places or places[0] < after)
            if not ordered:
                self.blame("list", f"not in order, or twice: {entry}")
            wanted = entry.about.get("filters") or {}
            if entry.about.get("status"):
                wanted = {"status": entry.about["status"]}
            if any(row[name] != value for row in rows for name, value in wanted.items()):
                self.blame("list", f"shows what was not asked for: {entry}")
            if entry.act == "senderPools.listOperations" and not wanted:
                self._missing_operations(entry, set(places))

    def _missing_operations(self, entry: Entry, shown: set[str]) -> None:
        covered = members.covers(entry, "operations")
        for work in self.works.values():
            known = min([self.told_at.get(work.id, FOREVER), *(one.at for one in work.sightings)])
            if work.tenant == entry.tenant and known < entry.sent and covered(work.id) and work.id not in shown:
                self.blame("lost", f"{work.id} is missing in {entry}")

    def _compare(self, before: Sighting, after: Sighting, where: str) -> None:
        """`after` was read after the response with `before` had come."""
        if any(after.stats[name] < before.stats[name] for name in ("created", "failed")) or (
            before.final and (after.status, after.stats, after.updated) != (before.status, before.stats, before.updated)
        ):
            self.blame("counters", f"went back, or changed when final: {before} then {after} ({where})")
        if after.updated < before.updated:
            self.blame("counters", f"updatedAt went back: {before} then {after} ({where})")

    def _counters(self, work: Work) -> None:
        for one in work.sightings:
            stats = one.stats
            sums = stats["total"] == stats["queued"] + stats["created"] + stats["failed"]
            # The rest of a canceled operation was never tried; one without a rest was complete.
            if not sums or (stats["queued"] == 0) != (one.status == "COMPLETED"):
                self.blame("counters", f"{work.id} does not add up: {one}")
        if len({(one.stats["total"], one.created) for one in work.sightings}) > 1:
            self.blame("counters", f"total or createdAt of {work.id} changed")
        moments = defaultdict(set)
        for one in work.sightings:
            moments[one.updated].add((one.status, *one.stats.values()))
        if any(len(states) > 1 for states in moments.values()):
            self.blame("counters", f"{work.id} changed and updatedAt did not: {dict(moments)}")
        by_time = sorted(work.sightings, key=lambda one: one.at)
        last, seen = None, 0
        for one in sorted(work.sightings, key=lambda one: one.sent):
            while by_time[seen].at < one.sent:
                # The furthest state in all responses that came before.
                if last is None or _progress(by_time[seen]) >= _progress(last):
                    last = by_time[seen]
                seen += 1
            if last is not None:
                self._compare(last, one, work.id)

    def _ledger(self, work: Work) -> None:
        for index, sent in work.queued.items():
            if index in work.tried and work.tried[index][1] < sent:
                self.blame("ledger", f"item {index} of {work.id} was {work.tried[index][0]} and then QUEUED again")
        finals = [one for one in work.sightings if one.final]
        if not finals or not work.items:
            self.blame("lost", f"{work.id} never became final, or its ledger was never shown")
            return
        outcomes = Counter(outcome for _, outcome in work.items)
        ledger = {
            "total": len(work.items),
            "queued": outcomes["QUEUED"],
            "created": outcomes["CREATED"] + outcomes["ALREADY_MEMBER"],
            "failed": outcomes["FAILED"],
        }
        if ledger != finals[-1].stats:
            self.blame("ledger", f"{work.id} counts {finals[-1].stats} and its ledger says {ledger}")

    def _match_promises(self) -> None:
        """A 202 has one operation with exactly the promised items; an error none; a missing response at most one."""
        made: dict[str, list[Work]] = defaultdict(list)
        for work in self.works.values():
            markers = [sender for sender, _ in work.items if sender in self.promises]
            if len(markers) != 1:
                self.blame("doubled", f"nobody asked for {work.id}: {markers}")
                continue
            made[markers[0]].append(work)
            self._match(work, self.promises[markers[0]])
        promises.judge(self.posts, {marker: {work.id for work in works} for marker, works in made.items()}, self.blame)

    def _match(self, work: Work, promise: Promise) -> None:
        work.promise = promise
        posts = self.posts[promise.marker]
        work.sent = min(post.sent for post in posts)
        creates = promise.pool is None
        refs = promise.body["senders"] if creates else promise.body
        wanted = [None] * creates + [ref["senderId"] for ref in refs]
        if [sender for sender, _ in work.items] != wanted:
            self.blame("lost", f"the items of {work.id} are not those that were sent: {posts[0]}")
        if creates and work.items[0][1] != "CREATED":
            self.blame("ledger", f"the pool's own item of {work.id} is {work.items[0][1]}")
        work.pool = promise.pool or self.pool_of.get(work.id) or self.pool_named.get(promise.marker)

    def _ends(self) -> None:
        """Only cancels and deletions of the pool end operations early, and nothing is applied afterwards."""
        cancels: dict[str, list[Entry]] = defaultdict(list)
        deletions: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            if entry.act == "ledger.cancel":
                cancels[entry.about["operation"]].append(entry)
            elif entry.act == "senderPools.delete":
                deletions[entry.about["pool"]].append(entry)
            operation = entry.about.get("operation")
            if entry.status == 404 and operation and entry.act != "senderPools.fetchSendersOperation":
                self.blame("lost", f"{operation} was known, and is not there: {entry}")
        for work in self.works.values():
            causes = [*cancels[work.id], *deletions.get(work.pool or "", [])]
            status = {one.status for one in work.sightings if one.final}
            ends = [entry for entry in cancels[work.id] if entry.done]
            if len(ends) > 1 or (ends and status != {"CANCELED"}):
                self.blame("cancel", f"{work.id} is {status} and its cancels got a response: {list(map(str, ends))}")
            if "CANCELED" in status and work.pool and not any(one.done or one.unknown for one in causes):
                self.blame("cancel", f"{work.id} is CANCELED, and nobody asked for that")
            known = [one for one in causes if one.done or (one.act == "ledger.cancel" and one.status == 409)]
            for end in known:
                if any(not one.final and one.sent > end.received for one in work.sightings):
                    self.blame("cancel", f"{work.id} was still PROCESSING after {end}")

    # --- totals

    def _totals(self, pairs: int) -> dict[str, int]:
        kinds = Counter(kind for kind, _ in self.violations)
        posts = [post for posts in self.posts.values() for post in posts]
        return {
            "requests": len(self.journal),
            "without response": sum(not entry.status for entry in self.journal),
            "clients gone": sum("client left" in entry.problem for entry in self.journal),
            "repeated": len(posts) - len(self.posts),
            "replayed": sum("idempotency-replayed" in post.headers for post in posts),
            "operations": len(self.works),
            "cancelled": sum(work.sightings[-1].status == "CANCELED" for work in self.works.values() if work.sightings),
            "items": sum(len(work.items) for work in self.works.values()),
            "memberships": pairs,
            "lost": kinds["lost"],
            "doubled": kinds["doubled"],
            "other violations": sum(kinds.values()) - kinds["lost"] - kinds["doubled"],
        }


def _progress(sighting: Sighting) -> tuple[int, bool]:
    return sighting.stats["created"] + sighting.stats["failed"], sighting.final


def _objects(entry: Entry) -> Iterator[dict[str, Any]]:
    """Every pool, sender, operation, message and arrival in a response."""
    if entry.status != 200:
        return
    response = entry.response
    if isinstance(response, dict) and "id" in response:
        yield response
    elif isinstance(response, dict):
        for key in ("senderPools", "senders", "operations", "messages"):
            yield from response.get(key, [])
        if entry.act == "inbox.list":
            yield from response["items"]
    yield from (part for _, part in entry.parts if "id" in part)
