"""Where refused rows go: into a file, or to standard error when the file cannot be written."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from signalbox.cli.endings import complain
from signalbox.cli.rows import Refusal, Row, Rows
from signalbox.ground.log import printable

if TYPE_CHECKING:
    from types import TracebackType


class Refusals:
    """The refused rows, in a file that is created for the first of them. Nothing here raises OSError.

    `free`: if the file exists, another name is taken. `path` is the file, once it holds a row; `unwritten` says why
    rows are on standard error instead.
    """

    def __init__(self, path: Path, free: bool, rows: Rows) -> None:
        self.path: Path | None = None
        self.unwritten: str | None = None
        self._wanted, self._free, self._rows = path, free, rows
        self._file: FileIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            with suppress(OSError):
                self._file.close()

    def add(self, refused: Sequence[tuple[Row, Sequence[Refusal]]]) -> None:
        """Writes rows with the reasons."""
        if not refused:
            return
        text = b"".join(self._rows.refused(row, reasons) for row, reasons in refused)
        if self.unwritten is None:
            try:
                self._append(text)
            except OSError as error:
                self.unwritten = f"{error.filename or self.path or self._wanted} cannot be written: {error.strerror}"
                complain(f"{self.unwritten}; the refused rows follow, save them to a file to correct them")
                text = self._rows.refused_head() + text
        if self.unwritten is not None:
            _print(text)

    def _append(self, text: bytes) -> None:
        """Writes to the file, or leaves the file as it was."""
        new = self._file is None
        if self._file is None:
            self._file = self._created()
            text = self._rows.mark + self._rows.refused_head() + text
        end = self._file.tell()
        try:
            left = memoryview(text)
            while left:
                left = left[self._file.write(left) or 0 :]
            self.path = Path(str(self._file.name))
        except OSError:
            with suppress(OSError):
                if new:
                    Path(str(self._file.name)).unlink()
                else:
                    self._file.truncate(end)
            raise

    def _created(self) -> FileIO:
        # Not buffered: a buffer that cannot be written fails again when the file is closed. An existing file is never
        # overwritten: the user may be correcting it.
        path, number = self._wanted, 1
        while True:
            try:
                return FileIO(path, "xb")
            except FileExistsError:
                number += 1
                if not self._free or number == 1000:
                    raise
                path = self._wanted.with_stem(f"{self._wanted.stem}-{number}")


def _print(text: bytes) -> None:
    """Writes rows to standard error: on a terminal without control characters, else byte for byte if it can."""
    shown = text.decode("utf-8", "surrogateescape")
    if sys.stderr.isatty():
        shown = "".join(f"{printable(line)}\n" for line in shown.removesuffix("\n").split("\n"))
    click.echo(shown, err=True, nl=False)
