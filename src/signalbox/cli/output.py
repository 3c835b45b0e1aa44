"""The output of commands: fields for people, JSON for programs, a progress bar on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

import click

from signalbox.cli.streams import done_unseen

if TYPE_CHECKING:
    from types import TracebackType

    import msgspec
    from rich.progress import Progress

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")

_COLOURS: Final = {
    "ACTIVATED": "green",
    "COMPLETED": "green",
    "CREATED": "green",
    "DELIVERED": "green",
    "READ": "green",
    "PROCESSING": "cyan",
    "QUEUED": "cyan",
    "SENT": "cyan",
    "DEACTIVATED": "yellow",
    "CANCELED": "yellow",
    "SCHEDULED": "yellow",
    "FAILED": "red",
    "UNDELIVERED": "red",
}


def show(fields: Mapping[str, str], as_json: bool, *done: str) -> None:
    """Prints one object: as JSON, or each field on a line. `done` says what the command did if the output is lost."""
    width = max(map(len, fields))
    lines = [json.dumps(fields)] if as_json else [f"{name:<{width}}  {value}" for name, value in fields.items()]
    with done_unseen(*done):
        for line in lines:
            click.echo(line)


def show_resource(resource: msgspec.Struct, as_json: bool, named: Mapping[str, object] | None = None) -> None:
    """Prints one resource: as the JSON of the API, or each field on a line, and then what `named` adds for people."""
    found = wire(resource)
    if as_json:
        click.echo(json.dumps(found))
        return
    found |= named or {}
    show({name: coloured(cell(value)) for name, value in flat(found).items()}, as_json=False)


def show_done(word: str, name: str, resource: msgspec.Struct, as_json: bool) -> None:
    """Prints that something was done: a line for people, or the API's response as one line of JSON."""
    with done_unseen(f"{name}: {word}"):
        click.echo(json.dumps(wire(resource)) if as_json else f"{cell(name)}  {coloured(cell(word))}")


def wire(resource: msgspec.Struct) -> dict[str, object]:
    """A result of the client as the JSON of the API: wire names, times with three decimals."""
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(resource, builtin_types=(datetime,))
    return {name: _wire_times(value) for name, value in found.items()}


def flat(found: Mapping[str, object]) -> dict[str, object]:
    """The same object with the fields of `stats` at its top level."""
    rows: dict[str, object] = {}
    for name, value in found.items():
        rows.update(value if name == "stats" and isinstance(value, dict) else {name: value})
    return rows


def cell(value: object) -> str:
    """A value for people, on one line and without control characters, as far as the output's encoding can write it."""
    from signalbox.ground.log import printable

    if isinstance(value, Mapping):
        value = " ".join(f"{key}={one}" for key, one in value.items())
    text = "-" if value is None or value == "" else printable(str(value))
    if text.isascii():
        return text
    # Escaped here and not when it is written, so that the columns stay aligned.
    return text.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding)


def counted(number: int, noun: str) -> str:
    """`1 sender`, `2,000 senders`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def paint(text: str, colour: str | None = None, *, bold: bool = False) -> str:
    """The text in a colour, where standard output is a terminal and NO_COLOR is not set."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if plain else click.style(text, fg=colour, bold=bold or None)


def coloured(text: str) -> str:
    """The text in the colour of its meaning, if it is a status or an outcome."""
    return paint(text, _COLOURS[text]) if text in _COLOURS else text


def _wire_times(value: object) -> object:
    """The value with every time in it as text."""
    if isinstance(value, dict):
        return {name: _wire_times(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_wire_times(one) for one in value]
    if not isinstance(value, datetime):
        return value
    with suppress(OverflowError):  # in the years 1 and 9999
        value = value.astimezone(UTC)
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Bar:
    """A progress bar on standard error with count, rate and time left. Shown on a terminal only, erased at the end."""

    def __init__(self, words: str, unit: str, total: float | None) -> None:
        """`total` is the value of `done` at the end; None when the end is not known."""
        self._words, self._unit, self._total = words, unit, total
        self._progress: Progress | None = None

    def __enter__(self) -> Self:
        if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            return self
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        text = TextColumn("{task.description} {task.fields[count]:,} {task.fields[unit]}", markup=False)
        rate = TextColumn("{task.fields[rate]:,.0f}/s", markup=False)
        columns = [text, BarColumn(), TaskProgressColumn(), rate, TextColumn("ETA"), TimeRemainingColumn()]
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._progress.add_task(self._words, total=self._total, count=0, unit=self._unit, rate=0.0)
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress:
            self._progress.stop()

    def update(self, done: float, count: int, total: float | None = None, words: str | None = None) -> None:
        """Shows that `count` things are done, and `done` of the total. `total` and `words` replace the former ones."""
        if self._progress is None:
            return
        (task,) = self._progress.tasks
        rate = count / task.elapsed if task.elapsed else 0.0
        self._words, self._total = words or self._words, total or self._total
        self._progress.update(
            task.id, description=self._words, completed=done, count=count, rate=rate, total=self._total
        )
