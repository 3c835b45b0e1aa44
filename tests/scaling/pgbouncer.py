"""A real PgBouncer in transaction mode in front of a PostgreSQL; the program must be installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, quote, urlsplit

PORT: Final = 6432  # part of the socket's name; nothing listens on the network
NOBODY: Final = 65534
# Debian installs it into a folder that is only on root's path.
PATH: Final = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])


class PgBouncer:
    """A pooler for the PostgreSQL at `direct`, with few server connections, so that clients must share them."""

    def __init__(self, direct: str, *settings: str, server_connections: int = 3) -> None:
        parts = urlsplit(direct)
        self._name = parts.path.removeprefix("/")
        (host,) = parse_qs(parts.query)["host"]
        program = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer", path=PATH)
        assert program, "these checks need PgBouncer: apt-get install pgbouncer"
        self._user = NOBODY if os.geteuid() == 0 else None  # PgBouncer does not run as root
        self.folder = Path(tempfile.mkdtemp(prefix="signalbox-pgbouncer-"))
        self._socket = self.folder / f".s.PGSQL.{PORT}"
        users = self.folder / "users"
        users.write_text('"postgres" ""\n')
        lines = [
            "[databases]",
            f"{self._name} = host={host} user=postgres",
            "[pgbouncer]",
            "listen_addr =",
            f"listen_port = {PORT}",
            f"unix_socket_dir = {self.folder}",
            "auth_type = any",
            f"auth_file = {users}",
            "pool_mode = transaction",
            f"default_pool_size = {server_connections}",
            f"logfile = {self.folder / 'log'}",
            *settings,
        ]
        configuration = self.folder / "pgbouncer.ini"
        configuration.write_text("\n".join(lines))
        if self._user is not None:
            os.chown(self.folder, self._user, -1)
        self._command = [program, "-q", str(configuration)]
        self.start()

    def start(self) -> None:
        """Starts the pooler, and waits until its socket exists."""
        self._process = subprocess.Popen(self._command, user=self._user, cwd=self.folder)
        give_up = time.monotonic() + 30
        while not self._socket.exists():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < give_up, "PgBouncer did not start"

    def stop(self) -> None:
        """Ends the pooler, which resets the connections of its clients."""
        self._process.kill()
        self._process.wait()
        self._socket.unlink(missing_ok=True)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/{self._name}?host={quote(str(self.folder))}&port={PORT}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
