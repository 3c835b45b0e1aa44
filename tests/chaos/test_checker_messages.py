"""The checker finds every broken promise about messages: each test changes one thing in the journal of a good run."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from checker import check
from journal import Entry, Journal
from mailings import retry_of
from run import chaos

Tamper = Callable[[list[Entry]], None]
Row = dict[str, Any]


@pytest.fixture(scope="module")
def good() -> Journal:
    """The journal of a run without faults and without violations."""
    result, journal = chaos("sqlite", 8, 0.01, inventory=60, clients=2, reports=False)
    assert not result.violations
    return journal


def kinds(good: Journal, tamper: Tamper) -> set[str]:
    """The kinds of violations that the checker finds in a changed copy."""
    journal = Journal()
    journal.entries = copy.deepcopy(good.entries)
    tamper(journal.entries)
    return {kind for kind, _ in check(journal).violations}


def rows(entries: list[Entry], act: str, tenant: str = "ada") -> list[Row]:
    """The rows of the last page of a list in the audit; taking one away makes it vanish at the end."""
    found = [one for one in entries if (one.act, one.tenant) == (act, tenant) and one.about.get("audit") and one.done]
    listed: list[Row] = found[-1].response[next(iter(found[-1].response))]
    return listed


def everywhere(entries: list[Entry], act: str, name: str) -> list[tuple[list[Row], Row]]:
    """Each row with this id, with the page that it is in."""
    pages = [next(iter(one.response.values())) for one in entries if one.act == act and one.done]
    return [(page, row) for page in pages for row in page if row["id"] == name]


def with_status(entries: list[Entry], *statuses: str) -> Row:
    return next(row for row in rows(entries, "messages.list") if row["status"] in statuses and not retry_of(row))


def request(entries: list[Entry], act: str, name: str, at: float, **about: str) -> Entry:
    """A new entry: a request that got 202 with a reference to `name`."""
    entry = Entry(len(entries), "ada", act, "POST", "", about=about)
    entry.sent, entry.received, entry.status, entry.clock = at, at + 0.001, 202, 0.0
    kind = "operation" if act in ("messages.send", "messages.retryOperation") else "resource"
    location = f"http://x.example/{name}"
    entry.response = {f"{kind}Id": name, f"{kind}Location": location}
    entry.headers = {"twilio-request-id": "1", "x-twilio-request-id": "1", "x-request-id": "1", "location": location}
    entry.headers |= {f"{kind}id": name, f"{kind}-id": name, f"{kind}location": location, f"{kind}-location": location}
    entries.append(entry)
    return entry


def send_of(entries: list[Entry], row: Row) -> Entry:
    """The first request that a message belongs to."""
    return next(one for one in entries if one.act == "messages.send" and one.about["marker"] == row["tags"]["sent"])


def test_untouched_journal_with_messages_is_without_fault(good: Journal) -> None:
    assert kinds(good, lambda entries: None) == set()


def test_journal_has_messages_of_every_kind(good: Journal) -> None:
    """What the tests below look for."""
    seen = {row["status"] for row in rows(good.entries, "messages.list")}
    assert {"DELIVERED", "READ", "UNDELIVERED", "FAILED", "CANCELED"} <= seen
    assert any(retry_of(row) for row in rows(good.entries, "messages.list"))


def test_message_that_vanished_is_lost(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        for page, row in everywhere(entries, "messages.list", with_status(entries, "DELIVERED")["id"]):
            page.remove(row)

    assert {"lost", "counters"} <= kinds(good, tamper)


@pytest.mark.parametrize("status", ["DELIVERED", "READ", "UNDELIVERED"])
def test_message_that_never_arrived_is_lost(good: Journal, status: str) -> None:
    def tamper(entries: list[Entry]) -> None:
        for page, item in everywhere(entries, "inbox.list", with_status(entries, status)["id"]):
            page.remove(item)

    assert "lost" in kinds(good, tamper)


def test_message_that_stays_queued_is_lost(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        with_status(entries, "DELIVERED")["status"] = "QUEUED"

    assert "lost" in kinds(good, tamper)


def test_message_that_arrived_twice_is_doubled(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        items = rows(entries, "inbox.list")
        items.insert(0, copy.deepcopy(items[0]))

    assert "doubled" in kinds(good, tamper)


def test_arrival_that_vanished_is_lost(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        read = next(one for one in entries if one.act == "inbox.list" and one.tenant == "ada" and one.response["items"])
        early = copy.deepcopy(read)
        early.response["items"][0]["id"] = "comms_message_" + "0" * 26
        entries.insert(read.number, early)

    assert "lost" in kinds(good, tamper)


@pytest.mark.parametrize(("status", "kind"), [("FAILED", "inbox"), ("CANCELED", "cancel")])
def test_arrival_of_a_message_that_was_not_handed_over_is_noticed(good: Journal, status: str, kind: str) -> None:
    def tamper(entries: list[Entry]) -> None:
        items = rows(entries, "inbox.list")
        items.append({**items[-1], "id": with_status(entries, status)["id"], "downstreamId": "SM" + "0" * 32})

    assert kind in kinds(good, tamper)


def test_arrival_that_nobody_sent_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        items = rows(entries, "inbox.list")
        text = "ada unknown to 0"
        items.append({**items[-1], "id": "comms_message_" + "0" * 26, "downstreamId": "SM" + "0" * 32, "text": text})

    assert {"doubled", "tenant"} <= kinds(good, tamper)


def test_arrival_with_the_text_of_another_message_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        items = rows(entries, "inbox.list")
        items[0]["text"] += "0"

    assert "inbox" in kinds(good, tamper)


def test_arrival_before_its_time_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        with_status(entries, "DELIVERED")["scheduledFor"] = "2099-01-01T00:00:00.000Z"

    assert "inbox" in kinds(good, tamper)


def test_message_made_twice_is_doubled(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        listed = rows(entries, "messages.list")
        listed.append({**with_status(entries, "DELIVERED"), "id": "comms_message_" + "0" * 26})

    assert "doubled" in kinds(good, tamper)


def _make_another(entries: list[Entry], operation: str, other: str) -> None:
    """Copies an operation with its messages and arrivals."""
    for one in entries:
        if one.tenant != "ada" or not one.about.get("audit") or not one.done:
            continue
        listed = next(iter(one.response.values()))
        if one.act == "messages.listOperations":
            listed += [{**row, "id": other} for row in listed if row["id"] == operation]
        elif one.act == "messages.list":
            mine = [copy.deepcopy(row) for row in listed if row["related"][0]["id"] == operation]
            for row in mine:
                row["id"], row["related"][0]["id"] = row["id"][:-3] + "zzz", other
            listed += mine
        elif one.act == "inbox.list":
            mine = [row for row in listed if row["operationId"] == operation]
            listed += [{**row, "id": row["id"][:-3] + "zzz", "operationId": other} for row in mine]


def test_request_that_made_two_operations_is_doubled(good: Journal) -> None:
    """Also when the first response was lost, and the request was repeated with its idempotency key."""

    def tamper(entries: list[Entry]) -> None:
        post = send_of(entries, with_status(entries, "READ"))
        lost = copy.deepcopy(post)
        lost.status, lost.response, lost.headers = 0, None, {}
        lost.sent = post.sent - 0.001
        entries.insert(post.number, lost)
        _make_another(entries, post.response["operationId"], "comms_operation_" + "0" * 26)

    found = kinds(good, tamper)
    assert "doubled" in found


def test_request_repeated_after_a_cut_is_done_once(good: Journal) -> None:
    """The request without a response explains the operation: the checker must not report it."""

    def tamper(entries: list[Entry]) -> None:
        post = send_of(entries, with_status(entries, "READ"))
        lost = copy.deepcopy(post)
        lost.status, lost.response, lost.headers, lost.received = 0, None, {}, float("inf")
        lost.sent = post.sent - 0.001
        entries.insert(post.number, lost)

    assert kinds(good, tamper) == set()


def test_repeated_request_with_another_operation_is_doubled(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        post = send_of(entries, with_status(entries, "READ"))
        again = copy.deepcopy(post)
        again.response["operationId"] = "comms_operation_" + "0" * 26
        entries.append(again)

    assert {"doubled", "lost"} <= kinds(good, tamper)


def test_operation_of_a_refused_request_is_doubled(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        for post in entries:
            if post.about.get("marker") == send_of(entries, with_status(entries, "READ")).about["marker"]:
                post.status, post.response = 404, {}

    assert "doubled" in kinds(good, tamper)


@pytest.mark.parametrize("counter", ["delivered", "failed", "canceled", "unaddressable"])
def test_counter_that_is_not_the_number_of_messages_is_noticed(good: Journal, counter: str) -> None:
    def tamper(entries: list[Entry]) -> None:
        stats = rows(entries, "messages.listOperations")[-1]["stats"]
        stats["read"], stats[counter] = stats["read"] + 1, stats[counter] - 1

    assert "counters" in kinds(good, tamper)


def test_counters_of_messages_that_do_not_add_up_are_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        read = next(one for one in entries if one.act == "messages.fetchOperation" and one.done)
        read.response["stats"]["queued"] += 1

    assert "counters" in kinds(good, tamper)


def test_counters_of_messages_that_go_back_are_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        read = next(one for one in entries if one.act == "messages.fetchOperation" and one.done)
        later = copy.deepcopy(read)
        later.sent, later.received = read.received + 0.0001, read.received + 0.0002
        later.response["stats"]["attempts"] -= 1
        entries.insert(read.number + 1, later)

    assert "counters" in kinds(good, tamper)


def test_status_of_a_message_that_goes_back_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        page = next(one for one in entries if one.act == "messages.list" and one.tenant == "ada" and one.done)
        early = copy.deepcopy(page)
        early.sent, early.received = page.sent - 0.0002, page.sent - 0.0001
        early.about = {"after": None, "status": "READ"}
        early.response["messages"] = [{**with_status(entries, "DELIVERED"), "status": "READ"}]
        entries.insert(page.number, early)

    assert "message" in kinds(good, tamper)


def test_outcome_that_the_recipient_does_not_ask_for_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        with_status(entries, "UNDELIVERED")["status"] = "DELIVERED"

    assert "message" in kinds(good, tamper)


def test_report_that_never_came_is_lost(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        pages = [
            one for one in entries if one.act == "messages.list" and one.tenant == "ada" and one.about.get("audit")
        ]
        for page in pages:
            page.clock += 60
        delayed = next(row for row in rows(entries, "messages.list") if row["to"][0]["address"] == "+15005550070")
        delayed["status"] = "SENT"

    assert "lost" in kinds(good, tamper)


def test_two_attempts_that_handed_a_message_over_are_doubled(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        read = next(one for one in entries if one.act == "messages.fetch" and one.done)
        row = with_status(entries, "DELIVERED")
        read.tenant, read.response = "ada", {**row, "attempts": [{"status": "DELIVERED"}] * 2, "content": {}}

    assert "doubled" in kinds(good, tamper)


@pytest.mark.parametrize("way", ["operation", "message"])
def test_message_that_arrived_after_its_cancel_is_noticed(good: Journal, way: str) -> None:
    def tamper(entries: list[Entry]) -> None:
        row = with_status(entries, "READ")
        name = row["id"] if way == "message" else row["related"][0]["id"]
        at = send_of(entries, row).received
        act = "messages.cancel" if way == "message" else "messages.cancelOperation"
        request(entries, act, name, at, **{way: name})

    assert "cancel" in kinds(good, tamper)


def test_arrival_between_a_cancel_and_its_end_is_noticed(good: Journal) -> None:
    """By the inbox alone: an item that the inbox did not have after the cancel."""

    def tamper(entries: list[Entry]) -> None:
        cancel = next(one for one in entries if one.act == "messages.cancelOperation" and one.done)
        operation = cancel.about["operation"]
        row = next(one for one in rows(entries, "messages.list", cancel.tenant) if one["related"][0]["id"] == operation)
        items = rows(entries, "inbox.list", cancel.tenant)
        late = {"id": row["id"], "operationId": operation, "downstreamId": "SM" + "0" * 32}
        items.append(items[-1] | late)
        row["status"] = "DELIVERED"

    assert "cancel" in kinds(good, tamper)


def test_message_cancelled_without_a_request_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        entries[:] = [one for one in entries if one.act not in ("messages.cancel", "messages.cancelOperation")]

    assert "cancel" in kinds(good, tamper)


def test_second_successful_cancel_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        cancel = next(one for one in entries if one.act == "messages.cancelOperation" and one.done)
        entries.append(copy.deepcopy(cancel))

    assert "cancel" in kinds(good, tamper)


def test_retry_of_a_message_that_was_delivered_is_doubled(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        again = next(row for row in rows(entries, "messages.list") if retry_of(row))
        first = min(
            (row for row in rows(entries, "messages.list") if row["tags"] == again["tags"]), key=lambda row: row["id"]
        )
        first["status"] = "DELIVERED"

    assert "doubled" in kinds(good, tamper)


def test_retry_that_nobody_asked_for_is_doubled(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        entries[:] = [one for one in entries if one.act != "messages.retryOperation"]

    assert "doubled" in kinds(good, tamper)


def test_retry_that_was_promised_and_is_not_there_is_lost(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        post = next(one for one in entries if one.act == "messages.retryOperation" and one.done)
        post.response["operationId"] = "comms_operation_" + "0" * 26

    assert "lost" in kinds(good, tamper)


@pytest.mark.parametrize("act", ["messages.list", "messages.listOperations", "inbox.list"])
def test_row_of_another_tenant_is_noticed(good: Journal, act: str) -> None:
    def tamper(entries: list[Entry]) -> None:
        rows(entries, act).append(rows(entries, act, "ben")[-1])

    assert "tenant" in kinds(good, tamper)


def test_message_that_a_list_leaves_out_is_lost(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        page = next(
            one for one in entries if one.act == "messages.list" and one.about.get("operation") and one.tenant == "ada"
        )
        page.response["messages"].pop()

    assert "lost" in kinds(good, tamper)


def test_errors_that_leave_out_a_message_are_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        rows(entries, "messages.listErrors").pop()

    assert "list" in kinds(good, tamper)
