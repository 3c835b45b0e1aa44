"""The installed `signalbox` command as processes on real ports, and a client for them."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, TypeAlias
from urllib.parse import urlsplit

import httpx

import forked
from signalbox import db

COMMAND = Path(sys.executable).parent / "signalbox"
SID = "AC0123456789abcdef0123456789abcdef"
TOKEN = "a-token-that-the-tests-chose-000"
ACCOUNT = {"SIGNALBOX_ACCOUNT_SID": SID, "SIGNALBOX_AUTH_TOKEN": TOKEN}

READY = r'"event":"ready","url":"([^"]+)"'
WORKING = r'"event":"working"'
PATIENCE = 120.0  # seconds, for a busy machine; an idle machine needs milliseconds

# Whether `make coverage` measures this process and its children.
MEASURED: Final = "COVERAGE_PROCESS_CONFIG" in os.environ

# `make test ARGS=...` would pass these variables to a `make` in a test, such as those of the README.
_OF_MAKE: Final = ("ARGS", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS")


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process' environment without its settings of Signalbox and of `make`, plus `extra`."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_") and name not in _OF_MAKE
    }
    return kept | dict(extra)


class Process:
    """A running program and its output; the end of the `with` block kills a program that still runs."""

    def __init__(
        self, command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, stdin: IO[bytes] | int | None = None
    ) -> None:
        self._news = threading.Condition()
        self._printed: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._popen = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._open = 2
        self._readers = [
            threading.Thread(target=self._read, args=(name, pipe), daemon=True)
            for name, pipe in (("stdout", self._popen.stdout), ("stderr", self._popen.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if MEASURED and self.running:  # a killed process writes no data
            self._popen.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(PATIENCE)
        self.kill()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def stdout(self) -> str:
        with self._news:
            return "".join(self._printed["stdout"])

    @property
    def stderr(self) -> str:
        with self._news:
            return "".join(self._printed["stderr"])

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log lines so far."""
        return [json.loads(line) for line in self.stderr.splitlines() if line.startswith("{")]

    @property
    def troubles(self) -> list[dict[str, Any]]:
        """The warnings and errors so far, apart from those about the PostgreSQL of the tests, which is not durable."""
        serious = [line for line in self.log if line["level"] in ("warning", "error")]
        return [line for line in serious if line["event"] != "database not safe"]

    def printed(self, pattern: str, seconds: float = PATIENCE) -> re.Match[str]:
        """Waits until the output matches the pattern."""
        end = time.monotonic() + seconds
        with self._news:
            while True:
                for lines in self._printed.values():
                    if match := re.search(pattern, "".join(lines)):
                        return match
                left = end - time.monotonic()
                assert self._open, f"ended without printing {pattern!r}: {self._printed}"
                assert left > 0, f"did not print {pattern!r} in {seconds} s: {self._printed}"
                self._news.wait(left)

    def signal(self, number: int, *, group: bool = False) -> None:
        """Sends a signal to the process; with `group` also to its children, as Ctrl-C does."""
        if group:
            os.killpg(self.pid, number)
        else:
            self._popen.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Waits for the end; returns the exit code. Kills the process after `seconds`."""
        try:
            code = self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after {seconds} s: {self._printed}") from None
        self._close()
        return code

    def stop(self, seconds: float = 10) -> int:
        """Sends SIGTERM; returns the exit code."""
        self._popen.terminate()
        return self.wait(seconds)

    def kill(self) -> None:
        """Sends SIGKILL, to the children as well; does nothing after their end."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, 9)
        self._popen.wait(PATIENCE)
        self._close()

    def _read(self, name: str, pipe: IO[bytes]) -> None:
        for line in pipe:
            with self._news:
                self._printed[name].append(line.decode("utf-8", "replace"))
                self._news.notify_all()
        with self._news:
            self._open -= 1
            self._news.notify_all()

    def _close(self) -> None:
        for reader in self._readers:
            reader.join(PATIENCE)
        for pipe in (self._popen.stdout, self._popen.stderr):
            if pipe:
                pipe.close()


class Server(Process):
    """`signalbox serve` on a free port, ready once constructed; `url` is its URL."""

    def __init__(self, database: str, cwd: Path, *options: str, env: Mapping[str, str] = ACCOUNT) -> None:
        super().__init__(
            [COMMAND, "serve", "--port", "0", "--database", database, *options], env=environment(env), cwd=cwd
        )
        try:
            self.url = self.printed(READY)[1]
        except BaseException:
            self.kill()
            raise

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


class Worker(Process):
    """`signalbox worker`, working once constructed."""

    def __init__(self, database: str, cwd: Path, *options: str) -> None:
        super().__init__([COMMAND, "worker", "--database", database, *options], env=environment({}), cwd=cwd)
        try:
            self.printed(WORKING)
        except BaseException:
            self.kill()
            raise


def run(cwd: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a `signalbox` command to its end."""
    done = forked.command(arguments, env=environment(env or {}), cwd=cwd, seconds=PATIENCE)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


async def create_database(url: str) -> None:
    """Creates the tables of a database, and its file, as the first start of a server does."""
    database = db.connect(url)
    await database.open()
    await database.close()


class Client:
    """A client of the API that checks in every response what must always hold."""

    def __init__(self, url: str, sid: str = SID, secret: str = TOKEN) -> None:
        self.http = httpx.Client(base_url=url, auth=(sid, secret), timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def get(self, path: str, **params: str | int) -> dict[str, Any]:
        response = self.http.get(path, params=params)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def pages(self, path: str, key: str, **params: str | int) -> Iterator[dict[str, Any]]:
        """Every item of a list."""
        while True:
            page = self.get(path, **params)
            yield from page[key]
            if page["pagination"]["next"] is None:
                return
            params["pageToken"] = page["pagination"]["next"]

    def enter(self, count: int, prefix: str = "person") -> list[str]:
        """Enters senders, at most 10,000; returns the ids of all senders of the account."""
        rows = "\n".join(f"{prefix}{number}@example.com" for number in range(count))
        body = "channel,address\n" + "\n".join(f"EMAIL,{row}" for row in rows.split("\n"))
        response = self.http.post("/signalbox/v1/Senders", content=body, headers={"Content-Type": "text/csv"})
        assert response.status_code == 200, response.text
        assert response.json() == {"created": count, "updated": 0, "refused": [], "warnings": []}
        return [sender["id"] for sender in self.pages("/v1/Senders", "senders", pageSize=1000)]

    def create_pool(self, sender_ids: Sequence[str], **more: str) -> str:
        """Starts a create; returns the operation's id. `key` is the idempotency key."""
        headers = {"Idempotency-Key": more["key"]} if "key" in more else {}
        senders = [{"senderId": sender_id} for sender_id in sender_ids]
        body = {"name": more.get("name", "a pool"), "senders": senders}
        response = self.http.post("/v1/SenderPools", json=body, headers=headers)
        assert response.status_code == 202, response.text
        operation_id: str = response.json()["operationId"]
        return operation_id

    def operation(self, operation_id: str, prefer: str = "") -> dict[str, Any]:
        """The current state of the operation; its counters must add up."""
        headers = {"Prefer": prefer} if prefer else {}
        response = self.http.get(
            f"/v1/SenderPools/Operations/{operation_id}", headers=headers, timeout=2 * PATIENCE if prefer else PATIENCE
        )
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        stats = found["stats"]
        assert stats["total"] == stats["queued"] + stats["created"] + stats["failed"], found
        assert (found["status"] == "COMPLETED") == (stats["queued"] == 0) or found["status"] == "CANCELED", found
        return found

    def completed(self, operation_id: str) -> dict[str, Any]:
        """Waits on the server until the operation is COMPLETED; returns it."""
        found = self.operation(operation_id, "wait=30")
        assert found["status"] == "COMPLETED", found
        return found

    def items(self, operation_id: str) -> list[dict[str, Any]]:
        """The whole ledger."""
        path = f"/signalbox/v1/SenderPools/Operations/{operation_id}/Items"
        response = self.http.get(path, headers={"Accept": "application/x-ndjson"})
        assert response.status_code == 200, response.text
        return [json.loads(line) for line in response.text.splitlines()]

    def pool_of(self, operation_id: str) -> str:
        """The id of the only pool that an operation created."""
        (pool,) = self.get("/v1/SenderPools", operationId=operation_id)["senderPools"]
        pool_id: str = pool["id"]
        return pool_id

    def members(self, pool_id: str) -> list[str]:
        """The ids of a pool's senders, each as often as it was listed."""
        return [one["id"] for one in self.pages(f"/v1/SenderPools/{pool_id}/Senders", "senders", pageSize=1000)]


def unknown_senders(count: int) -> list[str]:
    """Well-formed sender ids that no account has."""
    return [f"comms_sender_0000000000000000{number:010d}" for number in range(count)]


def listens(url: str) -> bool:
    """Whether a server accepts connections at a URL.

    Asks no HTTP request: a server that is about to end resets a connection that it has not accepted yet.
    """
    where = urlsplit(url)
    assert where.hostname
    assert where.port
    try:
        socket.create_connection((where.hostname, where.port)).close()
    except ConnectionRefusedError:
        return False
    return True


def eventually(happened: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Polls until the condition is true, for conditions without an event; each check takes some time itself."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"


def at_once(act: Callable[[], object], what: str, seconds: float = 4 * PATIENCE) -> None:
    """Repeats an act, until it took less than half a second 15 times in a row.

    Other programs on the machine delay some of the acts. A wait for the next poll, once a second, delays half of them.
    """
    end, quick = time.monotonic() + seconds, 0
    while quick < 15:
        started = time.monotonic()
        assert started < end, f"not at once within {seconds} s: {what}"
        act()
        quick = quick + 1 if time.monotonic() - started < 0.5 else 0


Serve: TypeAlias = Callable[..., Server]
Work: TypeAlias = Callable[..., Worker]
Connect: TypeAlias = Callable[..., Client]
