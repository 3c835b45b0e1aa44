"""The three standard streams, made safe: closed, full, or of an encoding that cannot write every character."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

_BROKEN_PIPE: Final = 141  # 128 + SIGPIPE, the convention of shells


class OutputLost(OSError):
    """Standard output could not be written. `done` are lines on what the command did all the same.

    `errno` is None: click would take a broken pipe for its own and end the command without a word.
    """

    def __init__(self, reason: OSError) -> None:
        super().__init__(f"standard output cannot be written: {reason.strerror}")
        self.code = _BROKEN_PIPE if reason.errno == errno.EPIPE else 1
        self.done: list[str] = []

    @property
    def lines(self) -> list[str]:
        """The lines for standard error: none when the reader of a list, such as `head`, has read enough."""
        return [] if self.code == _BROKEN_PIPE and not self.done else [str(self), *self.done]


@contextmanager
def done_unseen(*lines: str) -> Iterator[None]:
    """If the output of this block is lost, the command still says these lines, on standard error."""
    try:
        yield
    except OutputLost as lost:
        lost.done += lines
        raise


def prepare() -> None:
    """Replaces the standard streams of this process.

    A closed descriptor would be given to the next file or connection, which messages would then be written into. A
    character that the encoding lacks is written as an escape. Writing to standard output raises OutputLost; writing to
    standard error never fails, because the error could not be shown.
    """
    encodings = [_encoding(stream) for stream in (sys.stdout, sys.stderr)]
    # A write to the first fails as one to a closed descriptor does; the second takes everything.
    for number, how in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        _open_if_closed(number, how)
    if sys.stdin is None:
        raw = io.FileIO(0, closefd=False)
        raw.name = "<stdin>"  # as the interpreter names it, in messages too
        sys.stdin = io.TextIOWrapper(io.BufferedReader(raw), "utf-8")
    if isinstance(sys.stdin, io.TextIOWrapper):  # pragma: no branch - only a caller in Python replaces it
        sys.stdin.reconfigure(errors="surrogateescape")
    sys.stdout = _Output(1, encodings[0])
    sys.stderr = _Stream(2, encodings[1])


class _Stream(io.TextIOWrapper):
    """A standard stream that drops its errors.

    Here and not in the raw stream below: after an interrupt in a raw stream of Python, the buffer writes once more.
    """

    def __init__(self, number: int, encoding: str) -> None:
        self._number = number
        raw = io.FileIO(number, "wb", closefd=False)
        # Standard error is never kept back, nor is what a person on a terminal waits for.
        at_once = number == 2 or raw.isatty()
        super().__init__(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=at_once)

    def write(self, text: str, /) -> int:
        """Writes, and handles an error."""
        try:
            return super().write(text)
        except OSError as error:
            self._failed(error)
            return len(text)

    def flush(self) -> None:
        """Flushes, and handles an error."""
        try:
            super().flush()
        except OSError as error:
            self._failed(error)

    def _failed(self, _error: OSError) -> None:
        """What is in buffers is dropped: it would fail again at the end of the process."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._number)
        os.close(nowhere)


class _Output(_Stream):
    def _failed(self, error: OSError) -> None:
        super()._failed(error)
        raise OutputLost(error) from None


def _encoding(stream: TextIO | None) -> str:
    """The stream's encoding; UTF-8 in place of ASCII, which is that of the default locale (as in click)."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return "utf-8" if codecs.lookup(encoding).name == "ascii" else encoding


def _open_if_closed(number: int, how: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, how)  # takes the lowest free number, which is this one
        os.set_inheritable(number, True)
