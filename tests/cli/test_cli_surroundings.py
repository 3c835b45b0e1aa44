"""Every command in every kind of hostile surroundings: no traceback, no silent failure, an exit code that is true."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
import httpx
import pytest
from commands import Shell, csv_of

import forked
from processes import ACCOUNT, COMMAND, Process, create_database, eventually
from signalbox.cli import main
from signalbox.testing import Account, Server
from signalbox_client import Signalbox

NAME: Final = "\u65e5\u672c\u8a9e"
PATIENCE: Final = 60.0
REACHED: Final = "+12025550199"
REFUSED: Final = "+15005550003"


@dataclass(frozen=True)
class Surroundings:
    """What a command finds: variables, streams, its folder; and the exit code that is true instead of the usual one."""

    env: Mapping[str, str | None] = field(default_factory=dict)
    streams: forked.Streams = field(default_factory=forked.Streams)
    gone: bool = False  # the folder was deleted
    code: Callable[[bool], int | None] = lambda printed: None  # by whether the command prints


def lost(code: int) -> Callable[[bool], int | None]:
    return lambda printed: code if printed else None


SURROUNDINGS: Final = {
    "no proxy for a bracket": Surroundings({"NO_PROXY": "localhost,[::1]"}),
    "no proxy for a network": Surroundings({"NO_PROXY": "fd07::/64"}),
    "socks for others": Surroundings({"ALL_PROXY": "socks5://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}),
    "broken proxy for others": Surroundings({"HTTP_PROXY": "http://[", "NO_PROXY": "*"}),
    "files for tls": Surroundings({"SSL_CERT_FILE": "/nowhere", "SSL_CERT_DIR": "/nowhere", "SSLKEYLOGFILE": "/no/x"}),
    "white space": Surroundings({"SIGNALBOX_*": "{}\n"}),
    "empty variables": Surroundings({"SIGNALBOX_PORT": "", "SIGNALBOX_PROFILE": "", "SIGNALBOX_CONFIG": ""}),
    "cp1252": Surroundings({"PYTHONIOENCODING": "cp1252"}),
    "ascii": Surroundings({"PYTHONIOENCODING": "ascii"}),
    "utf-16": Surroundings({"PYTHONIOENCODING": "utf-16"}),
    "C": Surroundings({"LC_ALL": "C", "LANG": None}),
    "one column": Surroundings({"COLUMNS": "1", "LINES": "1"}),
    "columns that are none": Surroundings({"COLUMNS": "wide", "TERM": "no-such-terminal"}),
    "dumb": Surroundings({"TERM": "dumb"}),
    # HOME is never unset here: then the home folder is that of the user who runs the tests.
    "home is a file": Surroundings({"HOME": "/dev/null", "XDG_CONFIG_HOME": None}),
    "home is not writable": Surroundings({"HOME": "/proc", "XDG_CONFIG_HOME": None}),
    "folder deleted": Surroundings(gone=True),
    "stdout closed": Surroundings(streams=forked.Streams(stdout=None), code=lost(1)),
    "stdout full": Surroundings(streams=forked.Streams(stdout="/dev/full"), code=lost(1)),
    "stdout a broken pipe": Surroundings(streams=forked.Streams(stdout="|"), code=lost(141)),
    "stderr closed": Surroundings(streams=forked.Streams(stderr=None)),
    "stderr full": Surroundings(streams=forked.Streams(stderr="/dev/full")),
    "stderr a broken pipe": Surroundings(streams=forked.Streams(stderr="|")),
    "stdin closed": Surroundings(streams=forked.Streams(stdin=None)),
    "all closed": Surroundings(streams=forked.Streams(None, None, None), code=lost(1)),
}

# These would not end; the port that they are given is taken.
SERVERS: Final = {("serve",), ("dev",), ("worker",)}
# These may be refused in usual surroundings: they find nothing to do, no profile, or several pools of one name.
REFUSED_HERE: Final = {("logout",), ("env",), ("pools", "update"), ("pools", "apply"), ("operations", "cancel")}
# Other commands need no place to keep a profile.
STORES: Final = {"login", "logout"}
WITHOUT_STORE: Final = {"home is a file", "home is not writable"}


def _leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _leaves(inner, (*path, name))
    else:
        yield path, command


COMMANDS: Final = dict(_leaves(main))


class World:
    """An account with senders and pools whose names are Japanese, and a database with an account and a key."""

    def __init__(self, folder: Path, account: Account) -> None:
        self.env = Shell(folder, account).env
        self.folder = folder
        self._numbers = itertools.count()
        self._account = account
        self._client = Signalbox(account.account_sid, account.auth_token, url=account.url)
        self._taken = socket.create_server(("127.0.0.1", 0))
        self.sender = self._enter("+12022500000")
        self.operation = self._client.sender_pools.create(name=NAME, senders=[self.sender]).operation_id
        self._client.sender_pools.wait(self.operation)
        self.message = self._send(REACHED)[1]
        (folder / "senders.csv").write_text(csv_of(2))
        (folder / "senders.txt").write_text(f"{self.sender}\n")
        (folder / "pools.yaml").write_text(f"pools: {{{NAME}: {{tags: {{a: b}}}}}}")
        self._database = folder / "database.db"
        asyncio.run(create_database(f"sqlite:///{self._database}"))
        self._at = Shell(folder, SIGNALBOX_DATABASE=f"sqlite:///{self._database}")
        self.sid = str(self._at.json("accounts", "create", NAME)["accountSid"])
        self.key = str(self._at.json("keys", "create", "--account", self.sid, "--name", NAME)["keySid"])

    def _enter(self, address: str) -> str:
        row = {"channel": "SMS", "address": address, "displayName": NAME}
        return self._account.enter_senders([row])[0]

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()
        self._taken.close()

    def case(self, path: tuple[str, ...], surroundings: Surroundings) -> forked.Case:
        """The command with arguments of its own, which make it succeed where nothing is hostile."""
        own = self.folder / str(next(self._numbers))
        (own / "signalbox").mkdir(parents=True)
        if path == ("logout",):
            (own / "signalbox" / "profiles.json").write_text('{"default": {}}')
            (own / "signalbox" / "profiles.json").chmod(0o600)
        shutil.copy(self._database, own)
        env = {**self.env, "XDG_CONFIG_HOME": str(own), "SIGNALBOX_DATABASE": f"sqlite:///{own / self._database.name}"}
        for name, value in surroundings.env.items():
            if name.endswith("*"):
                env |= {one: str(value).format(text) for one, text in env.items() if one.startswith(name[:-1])}
            elif value is None:
                env.pop(name, None)
            else:
                env[name] = value
        # One `dev` runs in a folder.
        cwd = None if surroundings.gone else str(own if path == ("dev",) else self.folder)
        return forked.Case([*path, *self._arguments(path)], env, cwd, surroundings.streams)

    def _arguments(self, path: tuple[str, ...]) -> Iterator[str]:
        """A value for each argument and each option that is needed. The server fails at a port that is taken."""
        if path in SERVERS:
            port = str(self._taken.getsockname()[1])
            yield from ("--workers", "0") if path == ("worker",) else ("--port", port)
            return
        if path == ("messages", "send"):
            yield from ("--text", NAME)
        elif path == ("inbox", "watch"):
            yield from ("--count", "1")
        for parameter in COMMANDS[path].params:
            name = parameter.name or ""
            if isinstance(parameter, click.Argument):
                yield self._value(path, name)
            elif parameter.required:
                yield from (parameter.opts[0], self._value(path, name))
            elif name == "yes":
                yield "--yes"
            elif name == "file":
                yield from ("--senders", str(self.folder / "senders.txt"))

    def _value(self, path: tuple[str, ...], name: str) -> str:
        match (*path, name):
            case ("pools", "delete", "given"):
                return self._new_pool()
            case ("pools", "add" | "remove-sender", "given") | ("senders", "activate" | "deactivate" | "show", _):
                return self.sender
            case ("senders", "remove", "given"):
                return self._enter(f"+{12022600000 + next(self._numbers)}")
            case ("pools", "apply", "file"):
                return str(self.folder / "pools.yaml")
            case ("keys", "revoke", "sid"):
                return self.key
            case ("keys" | "accounts", _, "sid" | "account_sid"):
                return self.sid
            case ("senders", "resolve", "recipients"):
                return "PHONE:+12025550100"
            case ("messages", "cancel", "given"):
                return self._send(REACHED, later=True)[1]
            case ("messages", "retry", "operation"):
                return self._send(REFUSED)[0]
            case ("opt-outs", "delete", "given"):
                return self._client.opt_outs.create(address=f"+{12022700000 + next(self._numbers)}", channel="PHONE").id
        known: dict[str, Callable[[], str]] = {
            "pool": self._new_pool,
            "operation": lambda: self.operation,
            "name": lambda: NAME,
        }
        known |= {"file": lambda: str(self.folder / "senders.csv"), "address": lambda: "+12022500000"}
        known |= dict.fromkeys(("message", "item"), lambda: self.message)
        known |= dict.fromkeys(("to", "given", "recipient"), lambda: REACHED)
        known |= {"channel": lambda: "SMS", "shell": lambda: "bash", "text": lambda: "+1202", "words": lambda: "pools"}
        return known[name]()

    def _send(self, to: str, *, later: bool = False) -> tuple[str, str]:
        """Sends a message, now or tomorrow; returns the ids of its operation and of the message."""
        schedule = {"sendAt": [(datetime.now(UTC) + timedelta(days=1)).isoformat()]} if later else None
        recipients = [{"address": to, "channel": "PHONE"}]
        started = self._client.messages.send(to=recipients, content={"text": NAME}, schedule=schedule)
        if not later:
            self._client.messages.wait(started.operation_id)
        (message,) = self._client.messages.list(operation_id=started.operation_id)
        return started.operation_id, message.id

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """While this lasts, messages arrive in the inbox one after the other."""
        over = threading.Event()

        def send() -> None:
            while not over.wait(0.2):
                self._send(REACHED)

        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(send)
            try:
                yield
            finally:
                over.set()
                sending.result()

    def _new_pool(self) -> str:
        started = self._client.sender_pools.create(name=f"{NAME} {next(self._numbers)}", senders=[self.sender])
        self._client.sender_pools.wait(started.operation_id)
        return next(iter(self._client.sender_pools.list(operation_id=started.operation_id))).id


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, signalbox_process: Server) -> Iterator[World]:
    """What every command finds."""
    with closing(World(tmp_path_factory.mktemp("world"), signalbox_process.account())) as made:
        yield made


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_command_ends_with_the_truth_in_all_surroundings(path: tuple[str, ...], world: World) -> None:
    cases = [world.case(path, one) for one in (Surroundings(), *SURROUNDINGS.values())]
    # `inbox watch` shows what arrives after its start.
    with world.arriving() if path == ("inbox", "watch") else nullcontext():
        usual, *results = forked.commands(cases, seconds=PATIENCE, at_once=13)
    assert usual.returncode == 0 or path in SERVERS | REFUSED_HERE, usual.stderr
    wrong = {
        name: (done.returncode, done.stdout[-500:], done.stderr[-2000:])
        for (name, surroundings), done in zip(SURROUNDINGS.items(), results, strict=True)
        if not _is_true(path, name, surroundings, usual, done)
    }
    assert not wrong


def _is_true(
    path: tuple[str, ...],
    name: str,
    surroundings: Surroundings,
    usual: subprocess.CompletedProcess[bytes],
    done: subprocess.CompletedProcess[bytes],
) -> bool:
    """Whether the exit code is true, and a failure is told on standard error where that can be read."""
    told = done.stderr.replace(b"\0", b"")  # UTF-16
    if b"Traceback" in told or b"Exception ignored" in told:
        return False
    expected = surroundings.code(bool(usual.stdout))
    codes = {usual.returncode if expected is None else expected}
    if path[0] in STORES and name in WITHOUT_STORE:
        codes = {1, 2}
    silent = done.returncode in (0, 141) or surroundings.streams.stderr != ""
    return done.returncode in codes and (silent or b"signalbox: " in told or b"Error: " in told)


def _real(shell: Shell, line: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a line of the shell with the installed command as $SIGNALBOX, its streams as the interpreter makes them."""
    return subprocess.run(
        ["bash", "-c", line],
        env={**shell.env, "SIGNALBOX": str(COMMAND), **env},
        cwd=shell.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


def test_name_that_the_encoding_lacks_is_escaped_and_the_columns_stay_aligned(
    tmp_path: Path, signalbox_server: Account
) -> None:
    rows: list[dict[str, object]] = [{"channel": "SMS", "address": "+12025550100", "displayName": NAME}]
    signalbox_server.enter_senders([*rows, {**rows[0], "address": "+12025550101", "displayName": "Fran\u00e7ois"}])
    shell = Shell(tmp_path, signalbox_server)
    done = _real(shell, '"$SIGNALBOX" senders list', PYTHONIOENCODING="cp1252")
    assert (done.returncode, done.stderr) == (0, b"")
    head, *lines = done.stdout.decode("cp1252").splitlines()
    places = {line.index(name) for line, name in zip(lines, ("Fran\u00e7ois", r"\u65e5\u672c\u8a9e"), strict=True)}
    assert places == {head.index("displayName")}
    assert {line.rindex("-") for line in lines} == {head.index("tags")}


async def test_secret_that_nobody_could_see_is_told_with_the_cure(tmp_path: Path) -> None:
    await create_database(f"sqlite:///{tmp_path}/a.db")
    shell = Shell(tmp_path, SIGNALBOX_DATABASE=f"sqlite:///{tmp_path}/a.db")
    done = _real(shell, '"$SIGNALBOX" accounts create x >/dev/full')
    assert done.returncode == 1
    first, second = done.stderr.decode().splitlines()
    assert first == "signalbox: standard output cannot be written: No space left on device"
    (account,) = json.loads(shell("accounts", "list", "--json").stdout)
    assert f"{account['accountSid']} was created" in second
    assert f"accounts rotate-token {account['accountSid']}" in second


@pytest.mark.parametrize("output", [">/dev/full", ">&-"])
def test_what_was_done_is_told_when_the_output_is_lost(output: str, tmp_path: Path, signalbox_server: Account) -> None:
    one, two = signalbox_server.enter_senders(2)
    shell = Shell(tmp_path, signalbox_server)
    done = _real(shell, f'"$SIGNALBOX" senders deactivate {one} {two} {output}')
    assert done.returncode == 1
    assert f"{one}: DEACTIVATED" in done.stderr.decode()
    assert "done: 1 of 2" in done.stderr.decode()
    assert [row["status"] for row in shell.lines("senders", "list")] == ["ACTIVATED", "DEACTIVATED"]


def test_completion_is_silent_about_profiles_that_cannot_be_read(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    (tmp_path / "config" / "signalbox" / "profiles.json").mkdir(parents=True)
    words = {"COMP_WORDS": "signalbox pools list --profile p", "COMP_CWORD": "4"}
    done = _real(shell, '"$SIGNALBOX"', _SIGNALBOX_COMPLETE="bash_complete", **words)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"", b"")


def test_server_serves_with_all_streams_closed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    shell = Shell(tmp_path, SIGNALBOX_DATABASE=f"sqlite:///{tmp_path}/a.db", SIGNALBOX_PORT=str(port), **ACCOUNT)
    line = 'exec "$SIGNALBOX" serve <&- >&- 2>&-'
    serving = subprocess.Popen(["bash", "-c", line], env={**shell.env, "SIGNALBOX": str(COMMAND)}, cwd=tmp_path)
    try:
        eventually(lambda: _alive(port), "the server responds")
    finally:
        serving.terminate()
        assert serving.wait(PATIENCE) == 0
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _alive(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_token_that_the_first_start_could_not_show_is_replaced_by_the_cure_in_the_log(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    line = 'timeout -s TERM 20 "$SIGNALBOX" serve --database sqlite:///a.db --port 0 >/dev/full'
    with Process(["bash", "-c", f"exec {line}"], env={**shell.env, "SIGNALBOX": str(COMMAND)}, cwd=tmp_path) as serving:
        serving.printed("rotate-token AC[0-9a-f]{32}")
        serving.printed("ready")
