"""Where messages ended: each accepted one is in one operation, in its counters, and in the inbox once or never."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final

import progress
import promises
from journal import Entry
from mailings import Mailings, operation_of, retry_of, seconds
from members import Blame
from message_deeds import MAGIC
from responses import COUNTERS

ARRIVED: Final = ("SENT", "DELIVERED", "READ", "UNDELIVERED")
UNADDRESSABLE: Final = 21612
# The sink reports 10 seconds after a message of a magic recipient arrived. Workers may be late.
LONGEST_SENT: Final = 30.0
Row = dict[str, Any]


class Post:
    """Compares the last lists of the audit of one tenant with its requests."""

    def __init__(self, mailings: Mailings, blame: Blame) -> None:
        self.mailings = mailings
        self.blame = blame
        self.operations = {row["id"]: row for row in mailings.last("messages.listOperations")}
        self.messages = {row["id"]: row for row in mailings.last("messages.list")}
        self.items = mailings.last("inbox.list")
        self.inbox = {item["id"]: item for item in self.items}
        self.members: dict[str, list[Row]] = defaultdict(list)
        for row in self.messages.values():
            self.members[operation_of(row)].append(row)

    def judge(self) -> None:
        """Blames every difference."""
        self._strangers()
        made: dict[str, set[str]] = defaultdict(set)
        retries: dict[str, set[str]] = defaultdict(set)
        for operation in {*self.operations, *self.members, *self.mailings.states}:
            self._judge_operation(operation, made, retries)
        promises.judge(self.mailings.sends, made, self.blame)
        self._retries(retries)
        self._inbox()
        self._canceled()
        for entry, row in self.mailings.rows:
            if "attempts" in row and sum(one["status"] in ARRIVED for one in row["attempts"]) > 1:
                self.blame("doubled", f"two attempts handed the message over: {entry}")
        progress.judge(self.mailings, self.blame)

    def _strangers(self) -> None:
        """Every message and every item in a response belongs to a request of this tenant."""
        for entry, row in self.mailings.rows:
            marker = (
                row["tags"].get("sent", "")
                if "tags" in row
                else (row["text"] or "").partition(" ")[2].partition(" ")[0]
            )
            if marker not in self.mailings.sends:
                self.blame("tenant", f"no request of {self.mailings.tenant} sent {row['id']}: {entry}")

    # --- operations

    def _judge_operation(self, operation: str, made: dict[str, set[str]], retries: dict[str, set[str]]) -> None:
        members, told = self.members[operation], self.operations.get(operation)
        if told is None:
            self.blame("lost", f"{operation} of {len(members)} messages is not in the list of operations")
            return
        if len(members) != told["stats"]["total"]:
            kind = "lost" if len(members) < told["stats"]["total"] else "doubled"
            self.blame(kind, f"{operation} has {len(members)} messages, and counts {told['stats']}")
        self._count(operation, told, members)
        markers = {row["tags"].get("sent", "") for row in members}
        origins = {retry_of(row) for row in members}
        if len(markers) != 1 or len(origins) != 1:
            self.blame("doubled", f"{operation} has messages of {markers}, retries of {origins}")
            return
        marker, origin = markers.pop(), origins.pop()
        if origin is not None:
            retries[origin].add(operation)
        elif marker in self.mailings.sends:
            made[marker].add(operation)
            self._match(operation, members, self.mailings.sends[marker][0])

    def _count(self, operation: str, told: Row, members: list[Row]) -> None:
        """Each counter of the operation is the number of its messages with that status."""
        if told["status"] not in ("COMPLETED", "CANCELED"):
            self.blame("lost", f"{operation} did not end: {told}")
        counted = Counter(row["status"].lower() for row in members)
        errors = self.mailings.errors.get(operation, [])
        counted["unaddressable"] = sum(one["code"] == UNADDRESSABLE for one in errors)
        counted["failed"] -= counted["unaddressable"]
        if any(told["stats"][name] != counted[name] for name in COUNTERS):
            self.blame("counters", f"{operation} counts {told['stats']}, and its messages are {dict(counted)}")
        failed = sorted(row["id"] for row in members if row["status"] in ("FAILED", "UNDELIVERED"))
        if failed != sorted(one["messageId"] for one in errors):
            self.blame("list", f"the errors of {operation} are not those of its messages that failed")

    def _match(self, operation: str, members: list[Row], post: Entry) -> None:
        """The messages are for the recipients of the request, each once."""
        numbers = Counter(row["tags"].get("n") for row in members)
        if numbers != Counter(str(n) for n in range(len(post.body["to"]))):
            kind = "doubled" if max(numbers.values(), default=0) > 1 else "lost"
            self.blame(kind, f"the messages of {operation} are not those that were sent: {post}")
            return
        for row in members:
            recipient = post.body["to"][int(row["tags"]["n"])]
            if {"address": row["to"][0]["address"], "channel": row["to"][0]["channel"]} not in recipient.get(
                "addresses", [{"address": recipient.get("address"), "channel": recipient.get("channel")}]
            ):
                self.blame("message", f"{row['id']} went to another recipient: {row}")

    # --- retries

    def _retries(self, found: Mapping[str, set[str]]) -> None:
        """A retry made one operation, or perhaps one; and nobody who was reached got the message again."""
        posts = self.mailings.retries
        told = {marker: {one.response["operationId"] for one in asked if one.done} for marker, asked in posts.items()}
        promises.judge(posts, told, self.blame)
        of_origin: dict[str, list[str]] = defaultdict(list)
        for marker, asked in posts.items():
            of_origin[asked[0].about["operation"]].append(marker)
        for origin in {*found, *of_origin}:
            named = {one for marker in of_origin[origin] for one in told[marker]}
            there = found.get(origin, set())
            for lost in named - there:
                self.blame("lost", f"the retry {lost} of {origin} was promised and is not there")
            silent = [one for one in of_origin[origin] if not told[one] and any(post.unknown for post in posts[one])]
            if len(there - named) > len(silent):
                self.blame("doubled", f"{len(silent)} requests made the retries {there - named} of {origin}")
        copies: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for _, row in sorted(self.messages.items()):
            copies[row["tags"].get("sent", ""), row["tags"].get("n", "")].append(row)
        for (marker, number), rows in copies.items():
            if any(row["status"] not in ("FAILED", "UNDELIVERED") for row in rows[:-1]):
                self.blame(
                    "doubled", f"recipient {number} of {marker} was sent to again: {[r['status'] for r in rows]}"
                )

    # --- the inbox

    def _inbox(self) -> None:
        for name, times in Counter(item["id"] for item in self.items).items():
            if times > 1:
                self.blame("doubled", f"{name} is in the inbox {times} times")
            if name not in self.messages:
                self.blame("doubled", f"{name} is in the inbox, and there is no such message")
        if len({item["downstreamId"] for item in self.items}) != len(self.items):
            self.blame("doubled", "two items of the inbox have the same downstreamId")
        if [one["receivedAt"] for one in self.items] != sorted((one["receivedAt"] for one in self.items), reverse=True):
            self.blame("list", f"the inbox of {self.mailings.tenant} is not in the order of arrival")
        for name, entry in self.mailings.arrived.items():
            if name not in self.inbox:
                self.blame("lost", f"{name} was in the inbox, and is not any more: {entry}")
        walks = self.mailings.walks["messages.list"]
        now = walks[-1].clock if walks else 0.0
        for name, row in self.messages.items():
            self._judge_message(row, self.inbox.get(name), now)

    def _judge_message(self, row: Row, item: Row | None, now: float) -> None:
        status = row["status"]
        if status in progress.WAITING:
            self.blame("lost", f"{row['id']} is still {status}: {row}")
        elif status in ARRIVED and item is None:
            self.blame("lost", f"{row['id']} is {status}, and is not in the inbox: {row}")
        elif status not in ARRIVED and item is not None:
            self.blame("cancel" if status == "CANCELED" else "inbox", f"{row['id']} is {status}, and arrived: {item}")
        expected = MAGIC.get(row["to"][0]["address"], ("DELIVERED", "FAILED"))
        if status not in (*expected, "CANCELED", "FAILED", *progress.WAITING):
            self.blame("message", f"{row['id']} ended otherwise than the recipient asks for: {row}")
        if item is None:
            return
        tags, pair = row["tags"], (row["to"][0]["address"], row["to"][0]["channel"])
        text = f"{self.mailings.tenant} {tags.get('sent')} to {tags.get('n')}"
        if (item["text"], item["operationId"]) != (text, operation_of(row)):
            self.blame("inbox", f"{row['id']} arrived with another text or operation: {item}")
        if (item["to"]["address"], item["to"]["channel"]) != pair:
            self.blame("inbox", f"{row['id']} arrived at another address: {item}")
        received = seconds(item["receivedAt"])
        if row["scheduledFor"] is not None and received < seconds(row["scheduledFor"]):
            self.blame("inbox", f"{row['id']} arrived before it was due: {item}")
        if status == "SENT" and now - received > LONGEST_SENT:
            self.blame("lost", f"nothing was reported about {row['id']}: {row}")

    def _canceled(self) -> None:
        """Only cancels make a message CANCELED, and the cancel of an operation leaves none waiting."""
        cancels = self.mailings.cancels
        asked = {name for name, entries in cancels.items() if any(one.done or one.unknown for one in entries)}
        for name, row in self.messages.items():
            operation = operation_of(row)
            if row["status"] == "CANCELED" and name not in asked and operation not in asked:
                self.blame("cancel", f"{name} of {operation} is CANCELED, and nobody asked for that")
        for operation, row in self.operations.items():
            every = row["stats"]["canceled"] == row["stats"]["total"]
            if row["status"] == "CANCELED" and operation not in asked and not every:
                self.blame("cancel", f"{operation} is CANCELED, and nobody asked for that")
            if row["status"] != "CANCELED" and any(one.done for one in cancels.get(operation, [])):
                self.blame("cancel", f"{operation} is {row['status']}, and a cancel of it got 202")


def totals(of_tenants: Mapping[str, Mailings]) -> dict[str, int]:
    """Figures about all messages."""
    found: Counter[str] = Counter({"message operations": 0, "messages": 0, "arrived": 0, "retries": 0})
    for one in of_tenants.values():
        rows = one.last("messages.list")
        asked = [*one.sends.values(), *one.retries.values()]
        found["repeated sends"] += sum(len(posts) - 1 for posts in asked)
        found["replayed sends"] += sum("idempotency-replayed" in post.headers for posts in asked for post in posts)
        found["message operations"] += len(one.last("messages.listOperations"))
        found["messages"] += len(rows)
        found["arrived"] += len(one.last("inbox.list"))
        found["cancelled messages"] += sum(row["status"] == "CANCELED" for row in rows)
        found["retries"] += len({operation_of(row) for row in rows if retry_of(row)})
    return dict(found)
