"""`signalbox pools`: create, fill, list, change, delete."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest
from commands import Shell, Terminal

from processes import ACCOUNT, Serve, unknown_senders
from signalbox.testing import Account


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account."""
    return Shell(tmp_path, signalbox_server)


def members(shell: Shell, pool: str) -> list[str]:
    return [one["id"] for one in shell.lines("pools", "show", pool, "--senders")]


def test_create_makes_a_pool_with_tags_and_says_what_to_watch(shell: Shell) -> None:
    made = shell.json("pools", "create", "support", "--tag", "team=red", "--tag", "tier=gold")
    (operation,) = made["operationIds"]
    pool = shell.json("pools", "show", made["senderPoolId"])
    assert (pool["name"], pool["tags"]) == ("support", {"team": "red", "tier": "gold"})
    assert [one["id"] for one in shell.lines("pools", "list", "--operation", operation)] == [pool["id"]]
    head, line = shell("pools", "list").stdout.splitlines()
    assert head.split() == ["name", "id", "senders", "channels", "createdAt", "tags"]
    assert line.split() == ["support", pool["id"], "0", "-", pool["createdAt"], "team=red", "tier=gold"]


@pytest.mark.parametrize("form", ["ids", "csv", "csv of addresses", "ndjson", "ndjson of addresses"])
def test_create_reads_senders_in_every_form(shell: Shell, signalbox_server: Account, form: str) -> None:
    ids = signalbox_server.enter_senders(3)
    text = {
        "ids": "\n".join(ids) + "\n\n",
        "csv": "name,senderId\n" + "".join(f'"x,y",{one}\n' for one in ids),
        "csv of addresses": "address,channel\n" + "".join(f"+1202200000{number},SMS\n" for number in range(3)),
        "ndjson": "".join(json.dumps({"id": one}) + "\n" for one in ids),
        "ndjson of addresses": "".join(
            json.dumps({"channel": "SMS", "address": f"+1202200000{number}"}) + "\n" for number in range(3)
        ),
    }[form]
    made = shell.json("pools", "create", "all", "--watch", "--senders", "-", stdin=text)
    assert [one["status"] for one in made["operations"]] == ["COMPLETED"]
    assert sorted(members(shell, made["senderPoolId"])) == sorted(ids)


def test_listed_senders_can_be_piped_into_a_pool(shell: Shell, signalbox_server: Account) -> None:
    ids = signalbox_server.enter_senders(2)
    listed = shell("senders", "list", "--json").stdout
    made = shell.json("pools", "create", "all", "--watch", "--senders", "-", stdin=listed)
    assert sorted(members(shell, made["senderPoolId"])) == sorted(ids)


def test_more_senders_than_a_create_takes_are_split_into_create_and_adds(
    shell: Shell, signalbox_server: Account
) -> None:
    ids = signalbox_server.enter_senders(11_001)
    shell.write("ids.txt", "\n".join([*ids, ids[0]]))
    done = shell("pools", "create", "large", "--senders", "ids.txt", "--watch")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1] == "11,002 created, 0 failed, 0 queued"
    assert done.stderr == ""
    listed = shell.lines("operations", "list")
    assert [one["stats"]["total"] for one in listed] == [1, 1000, 10_001]
    (pool,) = shell.lines("pools", "list")
    assert len(members(shell, pool["id"])) == 11_001


def test_senders_of_a_file_that_are_not_there_stop_the_create_with_their_lines(
    shell: Shell, signalbox_server: Account
) -> None:
    signalbox_server.enter_senders(1)
    shell.write("a.csv", "channel,address\nSMS,+12022000000\nSMS,+12025550100\nEMAIL,a@example.com\n")
    done = shell("pools", "create", "x", "--senders", "a.csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "signalbox: not found: 2 senders",
        "  a.csv, line 3: the account has no sender SMS:+12025550100",
        "  a.csv, line 4: the account has no sender EMAIL:a@example.com",
    ]
    shell.write("b.txt", "comms_sender_00000000000000000000000000\nnobody\n")
    done = shell("pools", "create", "x", "--senders", "b.txt")
    assert (done.returncode, done.stderr.splitlines()[1:]) == (1, ["  b.txt, line 2: id is not the id of a sender"])
    done = shell("pools", "create", "x", "--senders", shell.write("c.csv", "a,b\n1,2\n"))
    assert "the header names no column senderId or id, nor channel and address" in done.stderr
    for text, said in (
        ("id\nx".encode("utf-16")[:-1], "is not UTF-16-LE: truncated data"),
        (b'senderId,"a\nx,y\n', "not valid CSV: "),
        (b'{"id": \n', "line 1: neither senderId nor channel and address"),
    ):
        done = shell("pools", "create", "x", "--senders", shell.write("d.csv", text))
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    assert shell.lines("pools", "list") == []


def test_file_of_senders_tells_short_codes_apart_by_region(shell: Shell, signalbox_server: Account) -> None:
    rows = [{"channel": "SMS", "address": "27312", "region": region} for region in ("US", "CA")]
    _, ca = signalbox_server.enter_senders(rows)
    head = "channel,address,region\n"
    done = shell("pools", "create", "x", "--senders", shell.write("a.csv", f"{head}SMS,27312,\nSMS,27312,FR\n"))
    assert done.returncode == 1
    ambiguous, absent = done.stderr.splitlines()[1:]
    assert ambiguous.startswith("  a.csv, line 2: SMS:27312 is 2 senders, each in its country; name one by its id: ")
    assert absent == "  a.csv, line 3: the account has no sender SMS:27312 (FR)"
    (number,) = signalbox_server.enter_senders([{"channel": "SMS", "address": "+12022000000"}])
    file = shell.write("b.csv", f"{head}SMS,27312,CA\nSMS,+12022000000,US\n")
    assert shell("pools", "create", "x", "--senders", file, "--watch").returncode == 0
    (pool,) = shell.lines("pools", "list")
    assert sorted(members(shell, pool["id"])) == sorted([ca, number])


def test_watched_create_with_a_failed_sender_exits_3(shell: Shell) -> None:
    unknown = shell.write("ids.txt", "comms_sender_00000000000000000000000000\n")
    done = shell("pools", "create", "x", "--senders", unknown, "--watch")
    assert done.returncode == 3
    assert "1 created, 1 failed, 0 queued" in done.stdout
    assert "operations items" in done.stderr


def test_add_and_remove_sender_change_the_members(shell: Shell, signalbox_server: Account) -> None:
    ids = signalbox_server.enter_senders(3)
    pool = shell.json("pools", "create", "x")["senderPoolId"]
    added = shell.json("pools", "add", pool, ids[0], "SMS:+12022000001", "--watch")
    assert (added["senderPoolId"], added["senders"]) == (pool, 2)
    shell.json("pools", "add", pool, "--senders", "-", "--watch", stdin="\n".join(ids))
    assert sorted(members(shell, pool)) == sorted(ids)
    done = shell("pools", "remove-sender", pool, ids[0], "SMS:+12022000001", ids[0])
    assert (done.returncode, done.stdout.splitlines()) == (1, [f"{ids[0]}  removed", f"{ids[1]}  removed"])
    assert "404" in done.stderr
    assert members(shell, pool) == [ids[2]]
    assert shell("pools", "add", pool).returncode == 2


def test_update_changes_the_name_and_replaces_the_tags(shell: Shell) -> None:
    pool = shell.json("pools", "create", "x", "--tag", "a=b")["senderPoolId"]
    assert shell.json("pools", "update", pool, "--name", "y")["tags"] == {"a": "b"}
    assert shell.json("pools", "update", pool, "--tag", "c=d")["tags"] == {"c": "d"}
    assert shell.json("pools", "update", pool, "--no-tags")["tags"] == {}
    assert shell.json("pools", "show", pool)["name"] == "y"
    assert shell("pools", "update", pool).returncode == 2
    assert shell("pools", "update", pool, "--no-tags", "--tag", "a=b").returncode == 2


def test_delete_asks_and_leaves_the_senders(shell: Shell, signalbox_server: Account) -> None:
    (sender,) = signalbox_server.enter_senders(1)
    pool = shell.json("pools", "create", "x", "--watch", "--senders", "-", stdin=sender)["senderPoolId"]
    assert shell("pools", "delete", pool).returncode == 2
    with Terminal(shell, "pools", "delete", pool) as terminal:
        terminal.shows("Delete 1 pool")
        terminal.types("y\n")
        assert terminal.ends() == 0
    assert shell.lines("pools", "list") == []
    assert len(shell.lines("senders", "list")) == 1
    gone = shell("pools", "delete", "--yes", pool)
    assert (gone.returncode, gone.stdout) == (1, "")


def test_watched_create_that_is_interrupted_says_that_the_operation_continues(tmp_path: Path, serve: Serve) -> None:
    shell = Shell(tmp_path, SIGNALBOX_URL=serve("sqlite://", "--workers", "0").url, **ACCOUNT)
    ids = shell.write("ids.txt", "comms_sender_00000000000000000000000000\n")
    with Terminal(shell, "pools", "create", "x", "--watch", "--senders", ids) as terminal:
        terminal.shows("PROCESSING 1 items")
        terminal.signal(signal.SIGINT)
        assert terminal.ends() == 130
    assert "interrupted" in terminal.text
    assert "continues on the server; last seen: 1 created, 0 failed, 1 queued" in terminal.text
    assert terminal.text.rindex("\x1b[?25h") > terminal.text.rindex("\x1b[?25l")
    (operation,) = shell.lines("operations", "list")
    assert operation["id"] in terminal.text


def test_interrupted_sending_says_how_far_it_came_and_what_sends_the_rest(tmp_path: Path, serve: Serve) -> None:
    shell = Shell(tmp_path, SIGNALBOX_URL=serve("sqlite://", "--workers", "0").url, **ACCOUNT)
    ids = shell.write("ids.txt", "".join(f"{one}\n" for one in unknown_senders(60_000)))
    with Terminal(shell, "pools", "create", "x", "--senders", ids) as terminal:
        terminal.shows("sending [1-9]")
        terminal.signal(signal.SIGINT)
        assert terminal.ends() == 130
    said = re.search(r"pool (\S+): ([\d,]+) of 60,000 senders sent", terminal.text)
    assert said, terminal.text
    pool, handed = said[1], int(said[2].replace(",", ""))
    assert 10_000 < handed < 60_000
    assert f"`signalbox pools add {pool} --senders FILE` with the same file sends the rest" in terminal.text
    totals = [one["stats"]["total"] for one in shell.lines("operations", "list")]
    assert sum(totals) == handed + 1
