"""The checker finds what it must find: each test changes one thing in the journal of a good run."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from checker import check
from journal import Entry, Journal
from run import chaos


@pytest.fixture(scope="module")
def good() -> Journal:
    """The journal of a short run without violations."""
    result, journal = chaos("sqlite", 7, 1.5, inventory=60, clients=2, reports=False)
    assert not result.violations
    return journal


def kinds(good: Journal, tamper: Callable[[list[Entry]], None]) -> set[str]:
    """The kinds of violations that the checker finds in a changed copy."""
    journal = Journal()
    journal.entries = copy.deepcopy(good.entries)
    tamper(journal.entries)
    return {kind for kind, _ in check(journal).violations}


def first(entries: list[Entry], act: str, status: int, *, last: bool = False, **about: Any) -> Entry:
    found = [
        one
        for one in entries
        if (one.act, one.status) == (act, status) and about.items() <= one.about.items() and "expect" not in one.about
    ]
    return found[-1 if last else 0]


def _audited(entries: list[Entry]) -> list[Entry]:
    """The last complete ledgers."""
    read = {one.about["operation"]: one for one in entries if one.act == "ledger.listItems" and one.parts and one.whole}
    return sorted(read.values(), key=lambda one: one.number)


def test_untouched_journal_is_without_fault(good: Journal) -> None:
    assert kinds(good, lambda entries: None) == set()


def test_operation_that_vanished_is_lost(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        operation = first(entries, "senderPools.create", 202).response["operationId"]
        for one in entries:
            if one.act == "senderPools.listOperations" and one.status == 200:
                one.response["operations"] = [row for row in one.response["operations"] if row["id"] != operation]
        entries[:] = [one for one in entries if one.about.get("operation") != operation]

    assert "lost" in kinds(good, tamper)


def test_operation_made_twice_is_doubled(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        operation = first(entries, "senderPools.create", 202).response["operationId"]
        again = copy.deepcopy([one for one in entries if one.about.get("operation") == operation])
        other = operation[:-1] + ("0" if operation[-1] != "0" else "1")
        for one in again:
            one.about["operation"] = other
            if isinstance(one.response, dict) and one.response.get("id") == operation:
                one.response["id"] = other
        entries += again

    assert "doubled" in kinds(good, tamper)


def test_second_response_to_one_key_is_doubled(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        post = next(one for one in entries if one.act == "senderPools.create" and one.key and one.status == 202)
        again = copy.deepcopy(post)
        again.response["operationId"] = first(entries, "senderPools.create", 202, last=True).response["operationId"]
        entries.append(again)

    assert "doubled" in kinds(good, tamper)


def test_item_that_was_not_sent_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        ledger = next(one for one in _audited(entries) if len(one.parts) > 3)
        ledger.parts[2][1]["senderId"] = "comms_sender_" + "2" * 26

    assert "lost" in kinds(good, tamper)


def test_counters_that_do_not_add_up_are_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        first(entries, "senderPools.fetchOperation", 200, audit=True).response["stats"]["failed"] += 1

    assert "counters" in kinds(good, tamper)


def test_counters_that_go_back_are_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        seen = first(entries, "senderPools.fetchOperation", 200, audit=True)
        later = copy.deepcopy(seen)
        later.sent, later.received = seen.received + 1, seen.received + 2
        stats = later.response["stats"]
        stats["queued"], stats["created"] = stats["queued"] + 1, stats["created"] - 1
        later.response["status"] = "PROCESSING"
        entries.append(later)

    assert "counters" in kinds(good, tamper)


def test_work_after_a_successful_cancel_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        done = next(
            one
            for one in entries
            if one.about.get("audit") and one.status == 200 and one.response["status"] == "COMPLETED"
        )
        cancel = Entry(len(entries), done.tenant, "ledger.cancel", "POST", "", about={"operation": done.response["id"]})
        cancel.sent, cancel.received, cancel.status = done.sent - 9, done.sent - 8, 202
        cancel.headers, cancel.response = done.headers, {"resourceId": "", "resourceLocation": ""}
        entries.append(cancel)

    assert "cancel" in kinds(good, tamper)


def _members(entries: list[Entry], *, first: bool = False) -> Entry:
    """The last page, or the first one, of a pool's members that has members."""
    return [
        one
        for one in entries
        if one.act == "senderPools.listSenders" and one.status == 200 and len(one.response["senders"]) > 2
    ][0 if first else -1]


def test_missing_member_is_noticed(good: Journal) -> None:
    assert "membership" in kinds(good, lambda entries: _members(entries).response["senders"].pop(1))


def test_member_that_nobody_added_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        # The first page shows a pool of five senders; a later one may show all senders of its tenant.
        page = _members(entries, first=True)
        shown = {one["id"] for one in page.response["senders"]}
        listed = [
            one for one in entries if one.act == "senders.list" and one.status == 200 and not one.about["filters"]
        ]
        mine = [sender for one in listed if one.tenant == page.tenant for sender in one.response["senders"]]
        stranger = next(sender for sender in mine if sender["id"] not in shown)
        page.response["senders"] = sorted(
            [*page.response["senders"], stranger], key=lambda one: one["id"], reverse=True
        )

    assert "membership" in kinds(good, tamper)


def test_removal_that_did_nothing_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        page = _members(entries)
        removal = Entry(len(entries), page.tenant, "senderPools.removeSender", "DELETE", "")
        removal.about = {"pool": page.about["pool"], "sender": page.response["senders"][0]["id"]}
        removal.sent, removal.received, removal.status = page.sent - 0.002, page.sent - 0.001, 202
        removal.headers, removal.response = page.headers, {"resourceId": "", "resourceLocation": ""}
        entries.append(removal)

    assert "membership" in kinds(good, tamper)


def test_silent_removal_may_have_happened_or_not(good: Journal) -> None:
    """A request without a response explains either state: the checker must not report it."""

    def tamper(entries: list[Entry]) -> None:
        page = _members(entries)
        removal = Entry(len(entries), page.tenant, "senderPools.removeSender", "DELETE", "")
        removal.about = {"pool": page.about["pool"], "sender": page.response["senders"][0]["id"]}
        removal.sent = page.sent - 0.002
        entries.append(removal)

    assert kinds(good, tamper) == set()


def test_pool_shown_after_its_deletion_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        page = _members(entries)
        deletion = Entry(len(entries), page.tenant, "senderPools.delete", "DELETE", "")
        deletion.about = {"pool": page.about["pool"]}
        deletion.sent, deletion.received, deletion.status = page.sent - 0.002, page.sent - 0.001, 202
        deletion.headers, deletion.response = page.headers, {"resourceId": "", "resourceLocation": ""}
        entries.append(deletion)

    assert {"membership", "pool"} <= kinds(good, tamper)


def test_another_tenants_sender_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        page = first(entries, "senders.list", 200)
        other = next(
            one for one in entries if one.act == "senders.list" and one.status == 200 and one.tenant != page.tenant
        )
        page.response["senders"][-1] = other.response["senders"][-1]

    assert "tenant" in kinds(good, tamper)


def test_change_that_was_confirmed_and_not_made_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        doubtful = {one.about.get("pool") for one in entries if one.act == "senderPools.update" and one.unknown}
        seen, pool = next(
            (entry, one["id"])
            for entry in reversed(entries)
            if entry.act == "senderPools.list" and entry.status == 200 and entry.about.get("after", "") is None
            for one in entry.response["senderPools"]
            if one["id"] not in doubtful
        )
        change = Entry(len(entries), seen.tenant, "senderPools.update", "PATCH", "", {"name": f"{seen.tenant} new"})
        change.about = {"pool": pool}
        change.sent, change.received, change.status = seen.sent - 0.002, seen.sent - 0.001, 202
        change.headers, change.response = seen.headers, {"resourceId": "", "resourceLocation": ""}
        entries.append(change)

    assert "pool" in kinds(good, tamper)


@pytest.mark.parametrize("status", [500, 418, 302])
def test_status_that_is_not_documented_is_noticed(good: Journal, status: int) -> None:
    def tamper(entries: list[Entry]) -> None:
        first(entries, "senders.list", 200).status = status

    assert "undocumented" in kinds(good, tamper)


def test_field_of_a_response_that_is_not_documented_is_noticed(good: Journal) -> None:
    def tamper(entries: list[Entry]) -> None:
        first(entries, "senders.fetch", 200).response["secret"] = "x"

    assert "undocumented" in kinds(good, tamper)
