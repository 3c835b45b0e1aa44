"""The targets of faults: processes that are restarted, a PostgreSQL, and a proxy between them."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from postgres import PostgresServer
from processes import COMMAND, READY, WORKING, Process, environment


class Seat:
    """Keeps one process running: when it ends, another is started. `ended_badly` lists unexpected ends."""

    def __init__(self, command: Sequence[str], env: dict[str, str], cwd: Path, urls: list[str]) -> None:
        self.name = command[0]
        self.failed_starts = 0
        self.ended_badly: list[str] = []
        self.logs: list[str] = []
        self._command: list[str | Path] = [COMMAND, *command]
        self._env = environment(env)
        self._cwd = cwd
        self._urls = urls
        self._url = ""
        self._process: Process | None = None
        self._asked_to_end: float | None = None
        self._killed = False
        self._up = asyncio.Event()
        self._closing = False
        self._life: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Starts the first process."""
        self._closing = False
        self._life = asyncio.create_task(self._live())

    @property
    def pid(self) -> int | None:
        """The pid of the ready process; None while there is none."""
        return self._process.pid if self._process and self._up.is_set() else None

    async def up(self, seconds: float) -> None:
        """Waits until a process is ready. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            await self._up.wait()

    def end(self, number: signal.Signals) -> bool:
        """Sends SIGKILL or SIGTERM; returns whether there was a process."""
        if self._process is None or not self._process.running or self._asked_to_end or self._killed:
            return False
        self._killed = number == signal.SIGKILL
        if self._killed and self._url:
            self._urls.remove(self._url)
            self._url = ""
        if not self._killed:
            self._asked_to_end = time.monotonic()
        with suppress(ProcessLookupError):
            self._process.signal(number)
        return True

    async def close(self) -> None:
        """Ends the process with SIGTERM; no other is started."""
        self._closing = True
        self.end(signal.SIGTERM)
        if self._life is not None:
            await self._life

    async def _live(self) -> None:
        while not self._closing:
            await self._one_life()

    async def _one_life(self) -> None:
        self._asked_to_end, self._killed = None, False
        started = time.monotonic()
        process = self._process = Process(self._command, env=self._env, cwd=self._cwd)
        try:
            printed = await asyncio.to_thread(process.printed, READY if self.name == "serve" else WORKING)
            self._up.set()
            if self.name == "serve" and not self._killed:
                self._url = printed[1]
                self._urls.append(self._url)
            if self._closing:
                self.end(signal.SIGTERM)
        except AssertionError:
            # It ended, or was not ready within 30 seconds.
            if time.monotonic() - started > 25:
                self.ended_badly.append(f"{self.name} was not ready in time: {process.stderr[-2000:]}")
                await asyncio.to_thread(process.kill)
        code = await asyncio.to_thread(process.wait, 3600)
        was_up = self._up.is_set()
        self._up.clear()
        if self._url:
            self._urls.remove(self._url)
            self._url = ""
        self.logs.append(process.stderr)
        if not was_up:
            self.failed_starts += 1
            if "Traceback" in process.stderr:
                self.ended_badly.append(f"{self.name} failed to start: {process.stderr[-2000:]}")
            await asyncio.sleep(0.1)
        else:
            self._judge_end(code, process.stderr)

    def _judge_end(self, code: int, said: str) -> None:
        """Checks an end: in time after SIGTERM, at once after SIGKILL, and never without a signal."""
        if self._asked_to_end and not self._killed:
            took = time.monotonic() - self._asked_to_end
            if code != 0 or took > 10.5:
                self.ended_badly.append(f"{self.name}: exit code {code}, {took:.1f} s after SIGTERM")
        elif not self._killed:
            self.ended_badly.append(f"{self.name} ended by itself with {code}: {said[-2000:]}")


class Postgres(PostgresServer):
    """A server whose commits survive the death of its processes, with `fsync` on or off."""

    def __init__(self, fsync: bool) -> None:
        settings = {"max_connections": "60", "shared_buffers": "64MB", "deadlock_timeout": "50ms"}
        super().__init__(settings | {"fsync": "on" if fsync else "off"})

    @property
    def socket(self) -> str:
        """The path of the server's socket."""
        return str(self._folder / ".s.PGSQL.5432")

    def end(self, how: signal.Signals) -> None:
        """SIGINT is a fast shutdown, SIGQUIT an immediate one, like a crash."""
        self._end(how)


@dataclass(eq=False)
class _Link:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    swallow: bool = False
    cut_next: bool = False


@dataclass
class Proxy:
    """Between one process and PostgreSQL: delays or loses data, and resets connections."""

    target: str
    delay: Callable[[], float] | None = None
    commits_to_lose: int = 0  # that many of the next commits are done, but the connection is reset before the response
    commits_lost: int = 0
    _links: list[_Link] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> int:
        """Starts to listen; returns the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self, share: Callable[[], bool]) -> int:
        """Resets each connection for which `share()` is true; returns how many."""
        chosen = [link for link in self._links if share()]
        for link in chosen:
            link.client.transport.abort()
            link.server.transport.abort()
        return len(chosen)

    def swallow(self) -> int:
        """Drops everything that the database sends on the present connections from now on; returns their number."""
        for link in self._links:
            link.swallow = True
        return len(self._links)

    async def close(self) -> None:
        """Closes everything."""
        if self._server is not None:
            self._server.close()
        self.cut(lambda: True)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            from_server, server = await asyncio.open_unix_connection(self.target)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server)
        self._links.append(link)
        try:
            await asyncio.gather(self._pump(link, reader, server, False), self._pump(link, from_server, writer, True))
        finally:
            self._links.remove(link)
            writer.transport.abort()
            server.transport.abort()

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, from_server: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self.delay is not None:
                    await asyncio.sleep(self.delay())
                if link.swallow and from_server:
                    if link.cut_next:
                        break
                    continue
                if not from_server and self.commits_to_lose and b"COMMIT\0" in data:
                    self.commits_to_lose -= 1
                    self.commits_lost += 1
                    link.swallow = link.cut_next = True
                writer.write(data)
                await writer.drain()
        # When one side closes the connection, the other is closed too.
        link.client.close()
        link.server.close()
