"""Signalbox for the tests of other projects: a server in its own process, in memory, on a free port.

The extra `signalbox-server[pytest]` brings the fixture `signalbox_server`; other test runners use `server()`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, Final

from signalbox.testing.inbox import Inbox, NothingArrived

if TYPE_CHECKING:
    import httpx

    from signalbox_client import Signalbox

__all__ = ["Account", "Inbox", "NothingArrived", "RowsRefused", "Server", "ServerDied", "server"]

# A server starts in well under a second; a busy machine may need longer.
_PATIENCE_SECONDS: Final = 60.0
_MOST_ROWS: Final = 10_000  # in one request that enters senders
_FIRST_NUMBER: Final = 12022000000  # the numbering plan of Washington, DC has some eight million numbers from here


class ServerDied(RuntimeError):
    """The server's process did not start, ended, or does not respond; the message contains its log."""


class RowsRefused(ValueError):
    """The server refused rows that were given to `enter_senders`; the message names each row and why."""


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Runs a server until the block ends. Raises ServerDied.

    It keeps everything in memory, takes a free port of 127.0.0.1, and ignores the settings in the environment and in
    signalbox.toml. It also ends when the process that started it ends for any reason.
    """
    running = Server()
    try:
        yield running
    finally:
        running.stop()


class Server:
    """A running server. `url` is its URL, such as http://127.0.0.1:43121."""

    url: str

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process runs)
        self._lock = threading.Lock()
        self._accounts: list[Account] = []
        # -P: a file of the project with the name of a module (json.py) must not replace the module.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "signalbox.testing.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        try:
            self.url = self._read()["url"]
        except BaseException:
            self.stop()
            raise

    def account(self) -> Account:
        """A new, empty account. Thread-safe. Raises ServerDied."""
        with self._lock:
            new = self._send("account")
            self._accounts.append(Account(self.url, new["accountSid"], new["authToken"]))
            return self._accounts[-1]

    def log(self) -> str:
        """The server's log, one line for each request; with the fixture, since the current test began."""
        if self._log.closed:
            return ""
        # Not seek and read: both processes share one file position.
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode("utf-8", "replace")

    def forget_log(self) -> None:
        """Empties the log."""
        self._log.seek(0)
        self._log.truncate()

    def stop(self) -> None:
        """Closes the clients of the accounts, ends the process and deletes everything. May be called again."""
        for account in self._accounts:
            account.close()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                _open(pipe).close()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _send(self, command: str) -> dict[str, str]:
        try:
            _open(self._process.stdin).write(command.encode() + b"\n")
            _open(self._process.stdin).flush()
        except (OSError, ValueError) as error:
            raise self._died("is gone") from error
        return self._read()

    def _read(self) -> dict[str, str]:
        """The next line that the process writes."""
        timer = threading.Timer(_PATIENCE_SECONDS, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            line = _open(self._process.stdout).readline()
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            raise self._died("ended")
        response: dict[str, str] = json.loads(line)
        return response

    def _died(self, what: str) -> ServerDied:
        if not self._log.closed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        code = self._process.poll()
        said = self.log().strip() or "nothing"
        return ServerDied(f"the Signalbox server {what} (exit code {code}); it said:\n{said}")


class Account:
    """An account of a running server: its credentials for the program under test, and a client for the test."""

    def __init__(self, url: str, account_sid: str, auth_token: str) -> None:
        self.url = url
        self.account_sid = account_sid
        self.auth_token = auth_token
        self._numbers = 0
        self._http: httpx.Client | None = None

    def __repr__(self) -> str:
        return f"Account(url={self.url!r}, account_sid={self.account_sid!r})"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the clients and the command line read, for a program that a test starts."""
        return {
            "SIGNALBOX_URL": self.url,
            "SIGNALBOX_ACCOUNT_SID": self.account_sid,
            "SIGNALBOX_AUTH_TOKEN": self.auth_token,
        }

    @cached_property
    def client(self) -> Signalbox:
        """A client of this account, made at the first use. It uses no proxy, and is closed with the account."""
        import httpx

        from signalbox_client import Signalbox

        # A proxy from the environment must not be used between two processes of one machine.
        self._http = httpx.Client(trust_env=False)
        return Signalbox(self.account_sid, self.auth_token, url=self.url, http=self._http)

    @cached_property
    def inbox(self) -> Inbox:
        """What the phones of this account received."""
        return Inbox(self.client)

    def close(self) -> None:
        """Closes the connections of `client`. The fixture and `server()` do it at their end. May be called again."""
        if self._http is not None:
            self._http.close()

    def enter_senders(self, senders: int | Sequence[Mapping[str, object]] = 1) -> list[str]:
        """Enters senders and returns their ids, in the order of the rows.

        `senders` is a number: that many SMS senders with numbers of Washington, DC (+12022000000, +12022000001, ...).
        Or `senders` are rows `{channel, address, displayName, status, tags, region}`, the first two required; a row
        whose channel and address exist updates that sender. A short code or an alphanumeric id needs its region, which
        is ISO 3166, and is another sender in each. Raises RowsRefused when the server refuses a row; the other rows
        are entered all the same.
        """
        rows = self._rows(senders) if isinstance(senders, int) else senders
        refused: list[str] = []
        for start in range(0, len(rows), _MOST_ROWS):
            response = self._call("POST", "/signalbox/v1/Senders", list(rows[start : start + _MOST_ROWS]))
            refused += [
                f"row {start + int(one['context'][2:].partition(']')[0])}: {one['message']}"
                for one in response["refused"]
            ]
        if refused:
            raise RowsRefused("\n".join(refused))
        return self._ids([_key(row) for row in rows])

    def _rows(self, count: int) -> list[dict[str, object]]:
        first = _FIRST_NUMBER + self._numbers
        self._numbers += count
        return [{"channel": "SMS", "address": f"+{first + number}"} for number in range(count)]

    def _ids(self, wanted: list[tuple[str, str, str]]) -> list[str]:
        """The ids of the senders with these channels, addresses and regions, searched from the newest page."""
        missing, found = set(wanted), dict[tuple[str, str, str], str]()
        path: str | None = "/v1/Senders?pageSize=1000"
        while path and any(not region for *_, region in missing):
            page = self._call("GET", path)
            for sender in page["senders"]:
                found[sender["channel"], sender["address"], ""] = sender["id"]
            missing -= found.keys()
            following = page["pagination"]["next"]
            path = f"/v1/Senders?pageSize=1000&pageToken={following}" if following else None
        # A mailbox is stored in normalized spelling; search finds it by any spelling. A page does not have regions.
        for channel, address, region in missing:
            page = self._call("POST", "/v1/Senders/Search", {"channel": channel, "address": address})
            found[channel, address, region] = next(
                one["id"] for one in page["senders"] if not region or self._region(one["id"]) == region
            )
        return [found[one] for one in wanted]

    def _region(self, sender_id: str) -> str | None:
        region: str | None = self._call("GET", f"/signalbox/v1/Senders/{sender_id}")["region"]
        return region

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        import base64
        from urllib.error import HTTPError
        from urllib.request import ProxyHandler, Request, build_opener

        login = base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        request = Request(  # noqa: S310 (our own server)
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            # A proxy from the environment must not be used between two processes of one machine.
            with build_opener(ProxyHandler({})).open(request, timeout=_PATIENCE_SECONDS) as response:
                found: dict[str, Any] = json.load(response)
                return found
        except HTTPError as error:
            with error:
                message = error.read().decode("utf-8", "replace")
            if error.code == 400:
                raise RowsRefused(json.loads(message)["message"]) from None
            raise RuntimeError(f"{method} {path}: error {error.code}: {message}") from None


def _key(row: Mapping[str, object]) -> tuple[str, str, str]:
    """Channel and address, and the region where it identifies the sender: of a short code or an alphanumeric id."""
    channel, address = str(row["channel"]), str(row["address"])
    national = channel == "SMS" and not (address[:1] == "+" and address[1:].isdigit())
    return channel, address, str(row["region"]) if national else ""


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 (Popen was called with PIPE)
    return pipe
