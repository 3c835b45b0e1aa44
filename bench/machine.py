"""The machine: pins the server to one core, load and database to another; measures memory."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

CORES: Final = sorted(os.sched_getaffinity(0))
LOAD_CORE: Final = {CORES[0]}
SERVER_CORE: Final = {CORES[-1]}
ALL_CORES: Final = set(CORES)

_COMMAND: Final = Path(sys.executable).parent / "signalbox"
_PATIENCE: Final = 60.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)


class Process:
    """A program on given cores with its output in a file; `ready` matches the line that it prints when it is ready.

    The end of the block ends it. Nothing reads its output before that: it would be work on the load's core.
    """

    def __init__(
        self, command: Sequence[str | Path], ready: str, log: Path, cores: set[int], env: Mapping[str, str]
    ) -> None:
        self._log = log

        def prepare() -> None:
            os.sched_setaffinity(0, cores)
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

        self.started = time.perf_counter()
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")}
                | dict(env),
                cwd=log.parent,
                preexec_fn=prepare,
            )
        self.ready = self._wait_for(ready)
        self.seconds_to_ready = time.perf_counter() - self.started

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Sends SIGTERM; SIGKILL if the process does not end."""
        self._popen.terminate()
        try:
            self._popen.wait(15)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    @property
    def output(self) -> str:
        """The output so far."""
        return self._log.read_text(errors="replace")

    @property
    def url(self) -> str:
        """The first group of the match of `ready`."""
        return self.ready[1]

    @property
    def resident_mb(self) -> float:
        """Current resident memory in MB (a million bytes)."""
        return self._memory("VmRSS")

    @property
    def cpu_seconds(self) -> float:
        """CPU time so far, in seconds."""
        fields = Path(f"/proc/{self._popen.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def peak_mb(self) -> float:
        """Peak resident memory so far, in MB."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self._popen.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024 / 1e6

    def _wait_for(self, pattern: str) -> re.Match[str]:
        give_up = time.monotonic() + _PATIENCE
        while True:
            if found := re.search(pattern, self.output):
                return found
            if self._popen.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise RuntimeError(f"{self._popen.args!r} did not become ready: {self.output}")
            time.sleep(0.002)


def serve(database: str, log: Path, *options: str, cores: set[int] = SERVER_CORE) -> Process:
    """`signalbox serve` with its default settings, log lines included."""
    command: list[str | Path] = [_COMMAND, "serve", "--port", "0", "--database", database, *options]
    return Process(command, r'"event":"ready","url":"([^"]+)"', log, cores, _FIRST_ACCOUNT)


def worker(database: str, log: Path, *options: str, cores: set[int] = SERVER_CORE) -> Process:
    """`signalbox worker`."""
    return Process([_COMMAND, "worker", "--database", database, *options], r'"event":("working")', log, cores, {})


def floor(module: str, database: str, log: Path, cores: set[int] = SERVER_CORE) -> Process:
    """A floor or the peer: `bench.floors.<module>`, under uvicorn with Signalbox's options, on the server's core."""
    command = [sys.executable, "-m", f"bench.floors.{module}", database]
    path = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *filter(None, sys.path)])}
    return Process(command, r"running on (http://127\.0\.0\.1:\d+)", log, cores, path)


# With an account given, the server prints no secret. Scenarios create their own accounts.
_FIRST_ACCOUNT: Final = {
    "SIGNALBOX_ACCOUNT_SID": "AC" + "0" * 32,
    "SIGNALBOX_AUTH_TOKEN": "the-first-account-of-the-bench--",
}
