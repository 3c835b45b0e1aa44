"""`signalbox senders import`: sends a file of any size in as many requests as needed."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from signalbox.cli.endings import FAILED, INTERRUPTED, MISUSED, PARTLY, Ended, complain, finishing
from signalbox.cli.files import Input
from signalbox.cli.output import Bar
from signalbox.cli.profiles import connected
from signalbox.cli.refusals import Refusals
from signalbox.cli.rows import MOST_BYTES, Refusal, Row, Rows, open_rows

if TYPE_CHECKING:
    from signalbox_client import Entered, Refused, Signalbox
    from signalbox_client.inventory import Media

MOST_ROWS: Final = 10_000
_INVALID: Final = 20001
_SHOWN: Final = 10
# Seconds before each retry, unless the server asks for a longer wait, which ends the command when it is too long.
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0)
_LONGEST_PAUSE: Final = 60.0
_CONTEXT: Final = re.compile(r"\$\[(\d+)\](.*)", re.DOTALL)


@dataclass
class Import:
    """The progress of an import."""

    created: int = 0
    updated: int = 0
    refused: int = 0
    warned: int = 0
    rows: int = 0
    line: int = 0  # the line on which the last sent row starts
    first: list[Refusal] = field(default_factory=list)
    first_warnings: list[Refusal] = field(default_factory=list)


def import_file(
    file: BufferedReader, given: str | None, wanted: Path | None, as_json: bool, profile: str | None
) -> None:
    """Sends the rows of a file. `given` is the format and `wanted` the file for refused rows; None when not given.

    Raises Ended, and exits with 3 when rows were refused.
    """
    source = Input(file)
    rows = open_rows(source, given)
    done = Import()
    trouble: BaseException | None = None
    with Refusals(_refused_path(wanted, source.name, rows), wanted is None, rows) as refusals:
        try:
            with connected(profile) as client:
                _send_all(client, rows, file, done, refusals)
        except (Ended, KeyboardInterrupt) as error:
            trouble = error
        except OSError as error:  # pragma: no cover - the disk fails while the file is read
            trouble = Ended(str(error))
    lost = _report(done, refusals, as_json, complete=trouble is None)
    if isinstance(trouble, KeyboardInterrupt):
        raise Ended("interrupted", _so_far(done), code=INTERRUPTED)
    if isinstance(trouble, Ended):
        raise Ended(*trouble.lines, _so_far(done), code=trouble.code)
    if lost:
        raise lost
    if not done.rows:
        raise Ended(f"{file.name}: contains no rows", code=FAILED)
    if done.refused:
        sys.exit(PARTLY)


def _send_all(client: Signalbox, rows: Rows, stream: BinaryIO, done: Import, refusals: Refusals) -> None:
    size = _size(stream)
    with Bar("importing", "rows", size) as bar:
        for batch in _batches(rows):
            _send(client, rows, batch, done, refusals)
            bar.update(stream.tell() if size else 0, done.rows)


def _batches(rows: Rows) -> Iterator[list[Row]]:
    """Batches of at most 10,000 rows and less than 10 MiB; rows before an unreadable line are yielded first."""
    batch: list[Row] = []
    size = len(rows.head)
    try:
        for row in rows:
            if batch and (len(batch) == MOST_ROWS or size + len(row.body) > MOST_BYTES):
                yield batch
                batch, size = [], len(rows.head)
            batch.append(row)
            size += len(row.body)
    except Ended:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _send(client: Signalbox, rows: Rows, batch: list[Row], done: Import, refusals: Refusals) -> None:
    found: dict[int, list[Refusal]] = {
        at: [Refusal(row.line, f"$[{row.index}]", _INVALID, row.problem)] for at, row in enumerate(batch) if row.problem
    }
    sent = [(at, row) for at, row in enumerate(batch) if not row.problem]
    with finishing():
        entered = _enter(client, rows.head + b"".join(row.body for _, row in sent), rows.media) if sent else None
        # Counted at once: what the server did is done, whatever fails below.
        done.rows += len(batch)
        done.line = batch[-1].line
        try:
            if entered:
                done.created += entered.created
                done.updated += entered.updated
                for one in entered.refused:
                    at, refusal = _placed(one, sent)
                    found.setdefault(at, []).append(refusal)
                done.warned += len(entered.warnings)
                for one in entered.warnings[: _SHOWN - len(done.first_warnings)]:
                    done.first_warnings.append(_placed(one, sent)[1])
        finally:
            done.refused += len(found)
            done.first += [one for at in sorted(found) for one in found[at]][: _SHOWN - len(done.first)]
            refusals.add([(batch[at], found[at]) for at in sorted(found)])


def _placed(one: Refused, sent: Sequence[tuple[int, Row]]) -> tuple[int, Refusal]:
    """The index in the batch of the row that this is about, and the same with its place in the file."""
    place = _CONTEXT.fullmatch(one.context)
    if not place:
        raise Ended(f"the server named {one.context}, which is not a row of the request")
    at, row = sent[int(place[1])]
    return at, Refusal(row.line, f"$[{row.index}]{place[2]}", one.code, one.message)


def _enter(client: Signalbox, body: bytes, media: Media) -> Entered:
    """Sends rows, with retries after a 429 or 503. A retry is safe: senders that were created are only updated."""
    from signalbox_client import TooMany, Unavailable

    for pause in _PAUSES:
        try:
            return client.inventory.enter(body, media=media)
        except (TooMany, Unavailable) as error:
            if (error.retry_after or 0) > _LONGEST_PAUSE:
                raise
            time.sleep(max(pause, error.retry_after or 0))
    return client.inventory.enter(body, media=media)


def _report(done: Import, refusals: Refusals, as_json: bool, *, complete: bool) -> OSError | None:
    """Says what was done; returns why standard output could not be written, when standard error had to do."""
    path = str(refusals.path) if refusals.path else None
    counts = f"{done.created:,} created, {done.updated:,} updated, {done.refused:,} refused"
    if done.warned:
        counts += f", {done.warned:,} with a warning"
    lost: OSError | None = None
    try:
        if as_json:
            found = {"complete": complete, "rows": done.rows, "created": done.created, "updated": done.updated}
            click.echo(json.dumps({**found, "refused": done.refused, "warnings": done.warned, "refusedFile": path}))
        elif done.rows:
            click.echo(counts)
    except OSError as error:  # standard output is full or closed
        lost = error
    for one in done.first_warnings:
        complain(f"warning: line {one.line}: {one.context}: {one.message}")
    if done.warned > len(done.first_warnings):
        complain(f"warning: {done.warned - len(done.first_warnings):,} more; the rows with a warning were entered")
    for one in done.first:
        complain(f"line {one.line}: {one.context}: {one.message}")
    if path:
        complain(f"refused rows are in {path}: correct them there and import that file")
    if refusals.unwritten:
        complain(f"{'other ' if path else ''}refused rows are above, because {refusals.unwritten}")
    if lost:
        complain(counts)
    return lost


def _so_far(done: Import) -> str:
    if not done.rows:
        return "no request succeeded; the file can be imported again"
    return f"all rows up to line {done.line} were sent; the whole file can be imported again"


def _refused_path(wanted: Path | None, name: str, rows: Rows) -> Path:
    if wanted is None:
        source = Path("senders" if name == "<stdin>" else name)
        stem = re.sub(r"\.refused(-\d+)?$", "", source.stem)
        return source.with_name(f"{stem}.refused.{rows.format}")
    if wanted.exists():
        raise Ended(f"{wanted} exists already; refused rows go to a new file", code=MISUSED)
    if not wanted.parent.is_dir():
        raise Ended(f"{wanted.parent} is not a folder", code=MISUSED)
    return wanted


def _size(stream: BinaryIO) -> int | None:
    """The size of a regular file in bytes; None for a pipe, whose length is not known."""
    status = os.fstat(stream.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None
