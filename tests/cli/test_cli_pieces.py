"""Pieces of the commands, most of them called directly: states that a whole command reaches by chance."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from commands import Shell

from signalbox.cli import database, dev, profile_files, senders_import, waiting
from signalbox.cli.endings import Ended, already_done, finishing
from signalbox.cli.filling import Filling, said_when_ended
from signalbox.cli.listing import OfPool, show_rows
from signalbox.cli.profile_files import Login
from signalbox.cli.tables import cut
from signalbox.cli.unreachable import lines
from signalbox_client import ApiError, ConnectionFailed, NotFound, Signalbox, SignalboxError, TooMany, Unavailable
from signalbox_client.results import Entered, Page, Refused

TOKEN = "a-token-that-nobody-may-see"


def test_login_shows_no_token() -> None:
    shown = repr(Login("http://127.0.0.1:8080", "AC1", TOKEN))
    assert "AC1" in shown
    assert TOKEN not in shown


def test_profile_in_a_folder_of_another_user_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".signalbox").mkdir()
    profile_files.write_project(tmp_path, Login("http://127.0.0.1:1", "AC1", TOKEN))
    assert list(profile_files._of_project()) == ["dev"]
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    assert profile_files._of_project() == {}
    assert "belongs to another user; ignored" in capsys.readouterr().err


def test_profile_of_dev_that_is_not_there_is_created_by_dev(tmp_path: Path) -> None:
    done = Shell(tmp_path)("pools", "list", "--profile", "dev")
    assert done.returncode == 2
    assert "`signalbox dev` creates it in the folder in which it runs" in done.stderr


def test_second_dev_while_the_first_is_starting_says_so(tmp_path: Path) -> None:
    folder = tmp_path / ".signalbox"
    folder.mkdir()
    with (folder / "dev.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = Shell(tmp_path)("dev", "--port", "0")
    assert done.returncode == 1
    assert "`signalbox dev` runs already in this folder: it is starting" in done.stderr


def test_database_of_dev_is_offered_where_another_is_missing(tmp_path: Path) -> None:
    (tmp_path / ".signalbox").mkdir()
    (tmp_path / profile_files.DEV_DATABASE).touch()
    done = Shell(tmp_path)("accounts", "list", "--database", "sqlite:///other.db")
    assert done.returncode == 1
    assert f"--database sqlite:///{profile_files.DEV_DATABASE}" in done.stderr


def test_part_of_a_database_url_without_effect_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SIGNALBOX_DATABASE", raising=False)
    database.settings_from({"database": "postgresql://ada@db/signalbox?keepalives=1"})
    assert "database: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("pools show x --channel SMS", "--channel, --status, --limit and --all need --senders"),
        ("pools create x --tag team", "'team' is not written key=value"),
        ("senders show SMS:", "'SMS:' is not CHANNEL:ADDRESS"),
    ],
)
def test_arguments_that_mean_nothing_are_misuse(tmp_path: Path, arguments: str, said: str) -> None:
    shell = Shell(tmp_path, SIGNALBOX_URL="http://127.0.0.1:1", SIGNALBOX_ACCOUNT_SID="AC1", SIGNALBOX_AUTH_TOKEN="x")
    done = shell(*arguments.split())
    assert done.returncode == 2
    assert said in done.stderr


def test_file_of_refused_rows_needs_a_folder(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    done = shell("senders", "import", shell.write("a.csv", "channel,address\n"), "--refused", "nowhere/a.csv")
    assert done.returncode == 2
    assert "nowhere is not a folder" in done.stderr


def test_what_was_done_before_a_failure_follows_it() -> None:
    with pytest.raises(Ended) as caught, already_done("done: 2 of 3"):
        raise Ended("the third failed", code=3)
    assert (caught.value.lines, caught.value.code) == (("the third failed", "done: 2 of 3"), 3)


def test_interrupt_that_the_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with finishing():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_command_that_ended_before_its_first_request_says_that_nothing_was_sent() -> None:
    assert Filling(3).so_far() == ["nothing was sent"]


def test_create_without_a_response_may_have_been_carried_out(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConnectionFailed), said_when_ended(Filling(3)):
        raise ConnectionFailed("no response")
    assert "the server may have accepted the request; `signalbox operations list`" in capsys.readouterr().err


def test_enter_key_is_read_from_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another input, such as the rest of a script, stays as it is."""
    rest = io.StringIO("the rest of a script")
    monkeypatch.setattr(sys, "stdin", rest)
    dev._on_enter(lambda: None)
    assert rest.read() == "the rest of a script"


@pytest.mark.parametrize(
    ("failures", "entered"),
    [
        ([Unavailable(503, 20503, "starting")] * 2, True),
        ([TooMany(429, 20429, "later", retry_after=0.001)] * 2, True),
        ([TooMany(429, 20429, "later")] * 3, False),
        ([TooMany(429, 20429, "tomorrow", retry_after=86_400.0)], False),
    ],
)
def test_rows_are_sent_again_a_few_times(
    monkeypatch: pytest.MonkeyPatch, failures: list[ApiError], entered: bool
) -> None:
    """A server that asks for a wait of more than a minute is not waited for."""
    monkeypatch.setattr(senders_import, "_PAUSES", (0.0, 0.0))
    left, done = list(failures), Entered(1, 0, (), ())

    def enter(_: bytes, *, media: str) -> Entered:
        if left:
            raise left.pop(0)
        return done

    client = cast("Signalbox", SimpleNamespace(inventory=SimpleNamespace(enter=enter)))
    if entered:
        assert senders_import._enter(client, b"", "text/csv") is done
    else:
        with pytest.raises(TooMany):
            senders_import._enter(client, b"", "text/csv")
    assert left == []


def test_more_rows_than_are_shown_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": f"pool {number}"} for number in range(200)]
    show_rows(["name"], rows, None, False)
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) < 200
    assert "--all" in shown.err
    show_rows(["name"], rows, 200, False)
    assert len(capsys.readouterr().out.splitlines()) == 201


@pytest.mark.parametrize(
    ("pages", "kept"),
    [
        ([[1, 0], [0, 0], [0, 1], [1]], [([0], "1"), ([5], "3"), ([6], None)]),
        ([[1], [0]], [([0], None)]),
        ([[0], []], []),
    ],
)
def test_operations_of_a_pool_end_with_the_last_page_that_has_one(
    pages: list[list[int]], kept: list[tuple[list[int], str | None]]
) -> None:
    """1 is an operation of the pool, 0 one of another pool."""
    flat = [one for page in pages for one in page]
    numbers = iter(range(len(flat)))

    def name(ids: Iterator[int]) -> SimpleNamespace:
        pools = [SimpleNamespace(id=one, sender_pool=flat[one] and SimpleNamespace(id="the pool")) for one in ids]
        return SimpleNamespace(operations=pools)

    client = SimpleNamespace(names=SimpleNamespace(name=name))
    found = [
        Page(tuple(SimpleNamespace(id=next(numbers)) for _ in page), str(number), "")
        for number, page in enumerate(pages, 1)
    ]
    of_pool = OfPool(cast("Any", client), cast("Any", SimpleNamespace(pages=lambda: iter(found))), "the pool")
    assert [([one.id for one in page.items], page.next) for page in cast("Any", of_pool.pages())] == kept


def test_place_that_is_no_row_of_the_request_is_an_error() -> None:
    with pytest.raises(Ended, match="which is not a row of the request"):
        senders_import._placed(Refused("$.x", 20001, "wrong"), [])


def test_text_is_cut_with_the_characters_of_the_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, shown in (("utf-8", "Suppo…"), ("ascii", "Sup...")):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
        assert cut("Support", 6) == shown


def looked(monkeypatch: pytest.MonkeyPatch, *answers: int | SignalboxError) -> int:
    """How many answers to its question for workers a lookout takes, one after each moment without a change."""
    monkeypatch.setattr(waiting, "_QUIET_SECONDS", 0.005)
    left = list(answers)

    def fetch() -> SimpleNamespace:
        answer = left.pop(0)
        if isinstance(answer, SignalboxError):
            raise answer
        return SimpleNamespace(running=answer)

    client = SimpleNamespace(workers=SimpleNamespace(fetch=fetch))
    with waiting.Lookout(cast("Signalbox", client)) as lookout:
        lookout._thread.join(60)
    return len(answers) - len(left)


def test_lookout_asks_until_no_worker_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A failure is no answer: the watch itself meets the same one, and says it."""
    assert looked(monkeypatch, 1, ConnectionFailed("away"), 2, 0, 0) == 4
    assert capsys.readouterr().err.count("no worker is running") == 1


def test_lookout_ends_with_a_server_that_does_not_tell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert looked(monkeypatch, NotFound.__new__(NotFound), 0) == 1
    assert capsys.readouterr().err == ""


class Page200(BaseHTTPRequestHandler):
    """Responds as a web server that is not Signalbox."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>It works!</h1>")

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


def test_server_of_another_program_is_said(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Page200) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{other.server_port}"
        shell = Shell(tmp_path, SIGNALBOX_URL=url, SIGNALBOX_ACCOUNT_SID="AC1", SIGNALBOX_AUTH_TOKEN="x")
        done = shell("pools", "list")
        other.shutdown()
        thread.join()
    assert done.returncode == 1
    assert "the response cannot be read" in done.stderr


def test_refused_connection_of_another_machine_names_serve() -> None:
    error = ConnectionFailed("connection refused")
    error.__cause__ = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    first, _ = lines("http://192.0.2.1:8080", error)
    assert first == "nothing listens on http://192.0.2.1:8080: start the server there with `signalbox serve`"


def test_causes_of_an_error_are_not_followed_for_ever() -> None:
    error: Exception = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    for _ in range(20):
        error, error.__cause__ = ConnectionFailed("no response"), error
    first, _ = lines("http://127.0.0.1:8080", cast("ConnectionFailed", error))
    assert first == "http://127.0.0.1:8080 does not respond: no response"
