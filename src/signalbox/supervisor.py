"""Several processes on one port: starts them, starts those again that end, and stops them all.

The supervisor opens no database and has no thread and no event loop, so that it can fork at any time. The processes
share its listening socket, and the memory and the output in which their metrics and their log lines come together.
docs/decisions/0024-processes.md has the reasons.
"""

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from signalbox.ground import log
from signalbox.ground.metric_slots import Slots
from signalbox.ground.metrics import Metrics

# A process ends by itself within 9 seconds of SIGTERM; other supervisors usually kill after 10.
_STOP_SECONDS: Final = 9.5
# The pause before a process is started again: after one, two and more ends in a row, each soon after the start.
_PAUSES: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_SOON_SECONDS: Final = 10.0
_NEVER: Final = float("inf")
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Child:
    """What a process that the supervisor started has to know. Numbers start at 1."""

    number: int
    # The first process of the first start: it upgrades the schema, makes the first account and warns.
    first: bool
    sock: socket.socket
    metrics: Metrics
    # The end of a pipe that can be read, because it is closed, when the supervisor has ended.
    lifeline: int
    _news: int

    def ready(self) -> None:
        """Tells the supervisor and the metrics that this process responds to requests."""
        self.metrics.ready()
        os.write(self._news, bytes([self.number]))


@dataclass
class _Process:
    """What the supervisor knows of a process. `pid` is 0 while it does not run; times are monotonic."""

    number: int
    due: float
    pid: int = 0
    started: float = 0.0
    ready: bool = False
    soon_ended: int = 0


class Supervisor:
    """Runs `count` processes that accept connections of one listening socket.

    `announce` is called once, when all of them are ready. When one of them ends before that, all are stopped.
    """

    def __init__(self, sock: socket.socket, count: int, announce: Callable[[], None]) -> None:
        self._sock = sock
        self._announce = announce
        self._slots = Slots(count + 1)
        self._metrics = Metrics(self._slots, 0)
        # The others wait for the first one, so that the database is looked at and warned of once.
        self._processes = [_Process(number, 0.0 if number == 1 else _NEVER) for number in range(1, count + 1)]
        self._log = log.get()
        self._log_lock = _unnamed_file()
        self._lifeline = os.pipe()
        self._news = os.pipe()
        self._signals = os.pipe()
        self._caught: list[int] = []
        self._announced = False
        self._kill_at: float | None = None
        self._code = 0

    def run(self) -> Child | int:
        """Returns in each process that it starts, with what that process has to know.

        In the supervisor it returns when all processes have ended, with the exit code.
        """
        self._log.among(log.Among(0, self._log_lock))
        self._catch_signals()
        while True:
            for process in self._due():
                if child := self._start(process):
                    return child
            self._wait()
            # Signals first: a process that ends because the whole group was told to stop is not started again.
            while self._caught:
                self._caught.pop()
                self._stop()
            self._note_ready()
            self._reap()
            if self._kill_at is not None and not self._running():
                self._log.info("stopped")
                return self._code

    def _running(self) -> list[_Process]:
        return [one for one in self._processes if one.pid]

    def _due(self) -> Iterable[_Process]:
        if self._kill_at is not None:
            return []
        now = time.monotonic()
        return [one for one in self._processes if not one.pid and one.due <= now]

    def _catch_signals(self) -> None:
        for end in (*self._signals, self._news[0]):
            os.set_blocking(end, False)
        # Python writes to this pipe for each signal, which ends the wait in `_wait`.
        signal.set_wakeup_fd(self._signals[1], warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda caught, _: self._caught.append(caught))
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _start(self, process: _Process) -> Child | None:
        """Forks. Returns the child in the new process, and None in the supervisor."""
        replaces = process.started > 0
        # A signal that comes before the new process has its own handlers waits until then.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
        except OSError as error:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            if not self._announced:
                raise
            again = self._pause(process, soon=True)
            self._log.error("process cannot start", number=process.number, problem=str(error), startAgainInMs=again)
            return None
        if pid == 0:
            self._forget()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            self._log.among(log.Among(process.number, self._log_lock))
            return self._child(process.number, first=process.number == 1 and not replaces)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        process.pid, process.started, process.ready = pid, time.monotonic(), False
        if replaces:
            self._metrics.restarted()
        return None

    def _forget(self) -> None:
        """In a new process: takes back what only the supervisor needs."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Ctrl-C reaches every process of a terminal; the supervisor tells the others.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for end in (*self._signals, self._news[0], self._lifeline[1]):
            os.close(end)

    def _child(self, number: int, *, first: bool) -> Child:
        metrics = Metrics(self._slots, number)
        return Child(number, first, self._sock, metrics, self._lifeline[0], self._news[1])

    def _wait(self) -> None:
        """Waits for a signal, for a process that is ready, or for the next time that something is due."""
        times = [one.due for one in self._processes if not one.pid]
        end = min(times, default=_NEVER) if self._kill_at is None else self._kill_at
        seconds = None if end == _NEVER else max(0.0, end - time.monotonic())
        select.select([self._signals[0], self._news[0]], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._signals[0], 4096)
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._kill()

    def _note_ready(self) -> None:
        try:
            numbers = os.read(self._news[0], 4096)
        except BlockingIOError:
            return
        for number in numbers:
            self._processes[number - 1].ready = True
        for process in self._processes:
            if process.due == _NEVER:
                process.due = time.monotonic()
        if not self._announced and self._kill_at is None and all(one.ready for one in self._processes):
            self._announced = True
            self._announce()

    def _reap(self) -> None:
        for process in self._running():
            pid, status = os.waitpid(process.pid, os.WNOHANG)
            if pid:
                process.pid = 0
                self._metrics.ended(process.number)
                if self._kill_at is None:
                    self._ended(process, pid, os.waitstatus_to_exitcode(status))

    def _ended(self, process: _Process, pid: int, code: int) -> None:
        """Decides what follows the end of a process that was not told to stop; `code` is minus a signal's number."""
        end = f"exit code {code}" if code >= 0 else _signal_name(-code)
        if not self._announced:
            if code <= 0:  # else the process has said why
                self._log.error("process ended", number=process.number, pid=pid, end=end)
            self._code = max(code, 1)
            self._stop()
            return
        lived = time.monotonic() - process.started
        again = self._pause(process, lived < _SOON_SECONDS)
        self._log.warning(
            "process ended", number=process.number, pid=pid, end=end, lived=round(lived, 1), startAgainInMs=again
        )

    def _pause(self, process: _Process, soon: bool) -> int:
        """Decides when the process is started again; returns the milliseconds until then."""
        process.soon_ended = process.soon_ended + 1 if soon else 1
        pause = _PAUSES[min(process.soon_ended, len(_PAUSES)) - 1]
        process.due = time.monotonic() + pause
        return round(pause * 1000)

    def _stop(self) -> None:
        """Asks all processes to stop; the second time, kills them."""
        if self._kill_at is not None:
            self._kill()
            return
        self._log.info("stopping")
        self._kill_at = time.monotonic() + _STOP_SECONDS
        # From now on the port is closed when the last process has closed it.
        self._sock.close()
        for process in self._running():
            os.kill(process.pid, signal.SIGTERM)

    def _kill(self) -> None:
        """Ends the processes that still run. The database rolls their open transactions back."""
        if running := self._running():
            self._log.warning("stopped before everything was finished", processes=[one.number for one in running])
        for process in running:
            os.kill(process.pid, signal.SIGKILL)
        self._kill_at = _NEVER


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def _unnamed_file() -> int:
    """An open file that is only there to be locked; its number."""
    if hasattr(os, "memfd_create"):  # Linux: needs no folder that can be written
        return os.memfd_create("signalbox-log")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
