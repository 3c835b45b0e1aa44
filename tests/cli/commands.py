"""Runs the installed `signalbox` command in pipes, as programs do, or on a terminal, as people do."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import forked
from processes import COMMAND, PATIENCE, environment
from signalbox.testing import Account


class Shell:
    """A folder and an environment for commands; profiles are stored in the folder."""

    def __init__(self, folder: Path, account: Account | None = None, /, **more: str) -> None:
        self.folder = folder
        self.env = environment(
            {
                "HOME": str(folder),
                "XDG_CONFIG_HOME": str(folder / "config"),
                "LC_ALL": "C.UTF-8",
                "TERM": "xterm-256color",
                **(account.environment if account else {}),
                **more,
            }
        )
        # Others set these for their own output: a test of a terminal's width sizes the terminal.
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            self.env.pop(name, None)

    def __call__(self, *arguments: str, stdin: str | bytes = b"") -> subprocess.CompletedProcess[str]:
        """Runs a command until it ends."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        done = forked.command(arguments, env=self.env, cwd=self.folder, stdin=given, seconds=2 * PATIENCE)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def json(self, *arguments: str, stdin: str = "") -> dict[str, Any]:
        """The JSON document that a command prints with --json."""
        done = self(*arguments, "--json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        """The lines of JSON that a command prints with --json."""
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def write(self, name: str, text: str | bytes) -> str:
        """Writes a file in the folder; returns its name."""
        (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts a command with pipes."""
        return subprocess.Popen(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


class Terminal:
    """A command with its three streams on a terminal, of 120 columns if not said otherwise."""

    def __init__(self, shell: Shell, *arguments: str, env: Mapping[str, str] | None = None, columns: int = 120) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self._process = subprocess.Popen(
            [COMMAND, *arguments],
            cwd=shell.folder,
            env={**shell.env, **(env or {})},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)

    def shows(self, pattern: str) -> None:
        """Waits until the output matches the pattern."""
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, f"did not show {pattern!r}: {self.text!r}"
            assert self._read(1), f"ended without showing {pattern!r}: {self.text!r}"

    def waits(self, seconds: float) -> None:
        """Reads what the command shows within this time."""
        assert self._read(seconds), f"ended: {self.text!r}"

    def types(self, text: str) -> None:
        """Sends input, as if typed."""
        os.write(self._master, text.encode())

    def signal(self, number: int) -> None:
        """Sends a signal to the command."""
        self._process.send_signal(number)

    def ends(self) -> int:
        """Waits until the command ends; returns its exit code."""
        end = time.monotonic() + PATIENCE
        while self._read(1):
            assert time.monotonic() < end, f"does not end: {self.text!r}"
        return self._process.wait(PATIENCE)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            data = b""
        self.text += data.decode("utf-8", "replace")
        return bool(data)


def csv_of(count: int, first: int = 0) -> str:
    """A CSV of `count` senders with valid numbers of Washington, DC."""
    rows = "".join(f"SMS,+{12022000000 + number},Washington {number}\n" for number in range(first, first + count))
    return f"channel,address,displayName\n{rows}"
