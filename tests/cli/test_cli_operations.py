"""`signalbox operations`: list, show, watch, items, cancel."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from commands import Shell, Terminal

from processes import ACCOUNT, Serve
from signalbox.testing import Account

UNKNOWN = "comms_sender_00000000000000000000000000"


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account."""
    return Shell(tmp_path, signalbox_server)


@pytest.fixture
def idle(tmp_path: Path, serve: Serve) -> Shell:
    """A shell whose server has no workers."""
    return Shell(tmp_path, SIGNALBOX_URL=serve("sqlite://", "--workers", "0").url, **ACCOUNT)


def create(shell: Shell, *more: str, stdin: str = "") -> str:
    operation: str = shell.json("pools", "create", "x", *more, stdin=stdin)["operationIds"][0]
    return operation


def test_list_filters_by_status_and_time(shell: Shell) -> None:
    operation = create(shell, "--watch")
    for arguments in ([], ["--status", "COMPLETED"], ["--since", "2h"], ["--limit", "1"]):
        assert [one["id"] for one in shell.lines("operations", "list", *arguments)] == [operation]
    for arguments in (["--status", "CANCELED"], ["--until", "2h"]):
        assert shell.lines("operations", "list", *arguments) == []
    head, line = shell("operations", "list").stdout.splitlines()
    assert head.split() == ["pool", "id", "kind", "items", "status", "queued", "created", "failed", "createdAt"]
    assert line.split()[:8] == ["x", operation, "CREATE", "1", "COMPLETED", "0", "1", "0"]
    assert shell("operations", "list", "--status", "DONE").returncode == 2


def test_show_has_the_counters(shell: Shell) -> None:
    operation = create(shell, "--watch")
    assert shell.json("operations", "show", operation)["stats"] == {"total": 1, "queued": 0, "created": 1, "failed": 0}
    assert "queued     0\n" in shell("operations", "show", operation).stdout


def test_watch_prints_each_state_as_a_line_of_json_until_it_is_final(shell: Shell, signalbox_server: Account) -> None:
    ids = signalbox_server.enter_senders(2000)
    operation = create(shell, "--senders", "-", stdin="\n".join(ids))
    states = shell.lines("operations", "watch", operation)
    assert {one["id"] for one in states} == {operation}
    assert states[-1]["status"] == "COMPLETED"
    assert states[-1] == shell.json("operations", "show", operation)


def test_watch_shows_a_live_bar_from_the_stream_on_a_terminal(idle: Shell) -> None:
    operation = create(idle, "--senders", "-", stdin=UNKNOWN)
    with Terminal(idle, "operations", "watch", operation) as terminal:
        terminal.shows("PROCESSING 1 items")
        # The watcher can learn of the cancel only from the stream.
        assert idle("operations", "cancel", operation).stdout == f"{operation}  CANCELED\n"
        assert terminal.ends() == 3
    assert "CANCELED" in terminal.text
    assert terminal.text.rindex("\x1b[?25h") > terminal.text.rindex("\x1b[?25l")


def test_interrupted_watch_says_how_far_it_was_and_exits_130(idle: Shell) -> None:
    operation = create(idle, "--senders", "-", stdin=UNKNOWN)
    process = idle.start("operations", "watch", operation, "--json")
    assert process.stdout
    first = json.loads(process.stdout.readline())
    assert first["status"] == "PROCESSING"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, b"")
    assert f"operation {operation} continues on the server" in err.decode()


def test_items_say_what_failed_and_why(shell: Shell, signalbox_server: Account) -> None:
    (sender,) = signalbox_server.enter_senders(1)
    process = shell("pools", "create", "x", "--watch", "--json", "--senders", "-", stdin=f"{sender}\n{UNKNOWN}")
    (operation,) = json.loads(process.stdout)["operationIds"]
    items = shell.lines("operations", "items", operation)
    assert [(one["index"], one["senderId"], one["outcome"]) for one in items] == [
        (0, None, "CREATED"),
        (1, sender, "CREATED"),
        (2, UNKNOWN, "FAILED"),
    ]
    head, failed = shell("operations", "items", operation, "--failed").stdout.splitlines()
    assert head.split() == ["sender", "senderId", "index", "outcome", "code", "message"]
    assert failed.split()[:5] == ["-", UNKNOWN, "2", "FAILED", "20404"]
    of_pool, of_sender = shell("operations", "items", operation, "--limit", "2").stdout.splitlines()[1:]
    assert of_pool.split() == ["(the", "pool)", "-", "0", "CREATED", "-", "-"]
    assert of_sender.split() == ["SMS:+12022000000", sender, "1", "CREATED", "-", "-"]
    watched = shell("operations", "watch", operation)
    assert watched.returncode == 3


def test_cancel_of_a_final_operation_is_said_and_exits_1(shell: Shell) -> None:
    operation = create(shell, "--watch")
    done = shell("operations", "cancel", operation)
    assert (done.returncode, done.stdout) == (1, "")
    assert "409, code 20409" in done.stderr


def test_cancel_prints_the_reference_of_the_api(idle: Shell) -> None:
    operation = create(idle, "--senders", "-", stdin=UNKNOWN)
    canceled = idle.json("operations", "cancel", operation)
    assert canceled["resourceId"] == operation
    assert idle("operations", "watch", operation).returncode == 3


def test_watch_says_once_that_no_worker_is_running(idle: Shell) -> None:
    operation = create(idle, "--senders", "-", stdin=UNKNOWN)
    with idle.start("operations", "watch", operation) as watch:
        assert watch.stderr
        line = watch.stderr.readline()
        watch.send_signal(signal.SIGINT)
        _, rest = watch.communicate(timeout=60)
    assert line == b"signalbox: no worker is running, so the operation waits: `signalbox worker` starts one\n"
    assert b"no worker" not in rest
    assert f"operation {operation} continues".encode() in rest
