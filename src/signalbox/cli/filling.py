"""Adds senders to pools: reads them from a file, looks up their ids, sends them in requests, watches the operations."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import click

from signalbox.cli.arguments import CHANNELS, SENDER_ID, not_one, search
from signalbox.cli.endings import INTERRUPTED, Ended, complain, finishing
from signalbox.cli.files import Input
from signalbox.cli.output import Bar, cell, counted, wire
from signalbox.cli.waiting import Lookout
from signalbox.inventory.csv_text import BADLY_QUOTED, Record, Records, Table

if TYPE_CHECKING:
    from signalbox_client import Operation, Signalbox

T = TypeVar("T")
R = TypeVar("R")

MOST_IN_CREATE: Final = 10_000
MOST_IN_ADD: Final = 1_000
# Concurrent requests while senders are looked up.
_AT_ONCE: Final = 8
_PROBLEMS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """A sender that the user named: by id, or by channel, address and perhaps region. `place`: where the name stood."""

    place: str
    id: str | None = None
    channel: str = ""
    address: str = ""
    region: str = ""

    def __str__(self) -> str:
        return self.id or f"{self.channel}:{self.address}" + (f" ({self.region})" if self.region else "")


def read_senders(file: io.BufferedReader) -> list[Wanted]:
    """The senders in a file: ids, one a line; or CSV, a workbook or NDJSON with senderId, id, or channel and address.

    Raises Ended with every line that names no sender.
    """
    source = Input(file)
    try:
        found = list(_rows(source))
    except UnicodeDecodeError as error:
        raise Ended(f"{source.name}: is not {error.encoding.upper()}: {error.reason}") from None
    senders, problems = [], []
    for line, row in found:
        place = f"{source.name}, line {line}"
        sender = f"{place}: {BADLY_QUOTED}" if row is None else _wanted(place, row)
        if isinstance(sender, str):
            problems.append(sender)
        else:
            senders.append(sender)
    if problems:
        raise Ended(f"{counted(len(problems), 'line')} without a sender", *shortened(problems))
    return senders


def looked_up(client: Signalbox, senders: Sequence[Wanted]) -> list[str]:
    """The ids of these senders, each once. Raises Ended with every sender that the account does not have.

    A sender given by id is not looked up: if the account does not have it, its item of the operation fails.
    """
    named = list(dict.fromkeys((one.channel, one.address, one.region) for one in senders if not one.id))
    ids = dict(zip(named, each("looking up", lambda key: search(client, *key), named), strict=True))
    found = [[one.id] if one.id else ids[one.channel, one.address, one.region] for one in senders]
    problems = [
        f"{one.place}: {problem}"
        for one, several in zip(senders, found, strict=True)
        if (problem := not_one(one, several))
    ]
    if problems:
        raise Ended(f"not found: {counted(len(problems), 'sender')}", *shortened(problems))
    return list(dict.fromkeys(several[0] for several in found))


def each(words: str, work: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """The results of `work` for each thing, in order; several run at a time."""
    from concurrent.futures import ThreadPoolExecutor

    made: list[R] = []
    if not things:
        return made
    with Bar(words, "senders", len(things)) as bar, ThreadPoolExecutor(_AT_ONCE) as threads:
        try:
            for start in range(0, len(things), 1000):
                for one in threads.map(work, things[start : start + 1000]):
                    made.append(one)
                    bar.update(len(made), len(made))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return made


@dataclass
class Filling:
    """The progress of creating a pool or adding to it: the number of senders sent, and the operations so far."""

    total: int
    pool_id: str | None = None
    handed: int = 0
    operation_ids: list[str] = field(default_factory=list)

    def so_far(self) -> list[str]:
        """Lines that say what was done, for a command that ended early."""
        if not self.operation_ids:
            return ["nothing was sent"]
        if self.pool_id is None:
            return [f"operation {self.operation_ids[0]} creates the pool; its id is not known yet"]
        lines = [f"pool {self.pool_id}: {self.handed:,} of {counted(self.total, 'sender')} sent"]
        if self.handed < self.total:
            lines.append(f"`signalbox pools add {self.pool_id} --senders FILE` with the same file sends the rest")
        else:
            lines.append(f"`signalbox operations watch {self.operation_ids[-1]}` continues watching")
        return lines

    def create(self, client: Signalbox, name: str, tags: Mapping[str, str], senders: Sequence[str]) -> None:
        """Creates the pool with the first 10,000 senders, then adds the rest."""
        with finishing():
            first = senders[:MOST_IN_CREATE]
            started = client.sender_pools.create(name=name, senders=first, tags=dict(tags) or None)
            self.operation_ids.append(started.operation_id)
            self.handed = len(first)
            self.pool_id = next(iter(client.sender_pools.list(operation_id=started.operation_id))).id
        self.add(client, self.pool_id, senders[MOST_IN_CREATE:])

    def add(self, client: Signalbox, pool_id: str, senders: Sequence[str]) -> None:
        """Adds senders, 1,000 in each request."""
        self.pool_id = pool_id
        if not senders:
            return
        with Bar("sending", "senders", self.total) as bar:
            for start in range(0, len(senders), MOST_IN_ADD):
                batch = senders[start : start + MOST_IN_ADD]
                with finishing():
                    started = client.sender_pools.add_sender(pool_id, batch)
                    self.operation_ids.append(started.operation_id)
                    self.handed += len(batch)
                bar.update(self.handed, self.handed)


@contextmanager
def said_when_ended(filling: Filling) -> Iterator[None]:
    """When the block ends early, for any reason, the command says what was sent until then."""
    from signalbox_client import ConnectionFailed, SignalboxError

    try:
        yield
    except KeyboardInterrupt:
        raise Ended("interrupted", *filling.so_far(), code=INTERRUPTED) from None
    except SignalboxError as error:
        if filling.operation_ids:
            complain(*filling.so_far())
        elif isinstance(error, ConnectionFailed):
            complain("the server may have accepted the request; `signalbox operations list` shows whether it did")
        raise


@dataclass
class Progress:
    """The counters of several operations together."""

    finals: dict[str, Operation] = field(default_factory=dict)
    latest: Operation | None = None

    @property
    def stats(self) -> dict[str, int]:
        """The sums of the counters of all operations seen so far."""
        seen = [*self.finals.values(), *([self.latest] if self.latest else [])]
        names = ("total", "queued", "created", "failed")
        return {name: sum(getattr(one.stats, name) for one in seen) for name in names}

    @property
    def canceled(self) -> bool:
        """Whether one of the operations was canceled."""
        return any(one.status == "CANCELED" for one in self.finals.values())

    def __str__(self) -> str:
        stats = self.stats
        return f"{stats['created']:,} created, {stats['failed']:,} failed, {stats['queued']:,} queued"


def watch(
    client: Signalbox,
    operation_ids: Sequence[str],
    items: int | None = None,
    seen: Callable[[Operation], None] = lambda _operation: None,
) -> Progress:
    """Watches operations with a bar until all are final; `seen` is called with every state.

    Ctrl-C ends the command, not the operations; the command then says how far they were.
    """
    progress = Progress()
    try:
        with Bar("operation", "items", items) as bar, Lookout(client) as lookout:
            for operation_id in operation_ids:
                for operation in client.sender_pools.watch(operation_id):
                    progress.latest = operation
                    lookout.changed()
                    seen(operation)
                    stats = progress.stats
                    done = stats["created"] + stats["failed"]
                    bar.update(done, done, items or stats["total"], cell(operation.status))
                if progress.latest:  # pragma: no branch - a watch yields the operation at least once
                    progress.finals[operation_id], progress.latest = progress.latest, None
    except KeyboardInterrupt:
        left = [one for one in operation_ids if one not in progress.finals]
        what = f"operation {left[0]} continues" if len(left) == 1 else f"{len(left):,} operations continue"
        last = f"; last seen: {progress}" if progress.stats["total"] else ""
        again = f"`signalbox operations watch {left[0]}` continues watching"
        raise Ended("interrupted", f"{what} on the server{last}", again, code=INTERRUPTED) from None
    return progress


def shortened(problems: Sequence[str], shown: int = _PROBLEMS_SHOWN) -> list[str]:
    """The first problems, and the number of the rest."""
    more = len(problems) - shown
    return [*problems[:shown], *([f"and {more:,} more"] if more > 0 else [])]


def show_filling(filling: Filling, progress: Progress | None, as_json: bool) -> None:
    """Prints the pool and its operations, as text or JSON."""
    if as_json:
        found: dict[str, object] = {
            "senderPoolId": filling.pool_id,
            "senders": filling.handed,
            "operationIds": filling.operation_ids,
        }
        if progress:
            found["operations"] = [wire(one) for one in progress.finals.values()]
        click.echo(json.dumps(found))
        return
    click.echo(f"pool {cell(filling.pool_id)}: {counted(filling.handed, 'sender')} sent")
    if progress:
        click.echo(f"{progress}")
        return
    for operation_id in filling.operation_ids:
        click.echo(f"operation {cell(operation_id)}")


def _rows(source: Input) -> Iterator[tuple[int, Mapping[str, object] | None]]:
    """The rows with their lines; None for a row that is badly quoted."""
    if source.workbook:
        return _records(source.name, source.sheet())
    text = source.text().read()
    start = text.lstrip()
    if start.startswith("{"):
        return _objects(text)
    if SENDER_ID.match(start):
        return ((number, {"id": line.strip()}) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    return _records(source.name, Records(io.StringIO(text, newline="")))


def _objects(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield number, row if isinstance(row, dict) else {}


def _records(name: str, records: Iterable[Record | None]) -> Iterator[tuple[int, Mapping[str, object] | None]]:
    try:
        table = Table(records)
    except ValueError as error:
        raise Ended(f"{name}: not valid CSV: {error}") from None
    header = table.header
    if header and not {"id", "senderId"} & set(header) and not {"channel", "address"} <= set(header):
        raise Ended(f"{name}: the header names no column senderId or id, nor channel and address")
    for record in table:
        if record:
            cells = record.cells
            yield record.line, None if cells is None else dict(zip(header, cells, strict=False))


def _wanted(place: str, row: Mapping[str, object]) -> Wanted | str:
    for name in ("senderId", "id"):
        if sender_id := row.get(name):
            right = isinstance(sender_id, str) and SENDER_ID.fullmatch(sender_id)
            return Wanted(place, str(sender_id)) if right else f"{place}: {name} is not the id of a sender"
    channel, address, region = row.get("channel"), row.get("address"), row.get("region") or ""
    if isinstance(channel, str) and re.fullmatch("[A-Z]+", channel) and _is_text(address):
        return Wanted(place, None, channel, str(address), region if isinstance(region, str) else "")
    if isinstance(channel, str) and channel.upper() in CHANNELS:
        return f"{place}: the channel {channel} is not written in capitals: {channel.upper()}"
    return f"{place}: neither senderId nor channel and address"


def _is_text(address: object) -> bool:
    """Whether a request can hold the address: a byte that is not UTF-8 was read as half a surrogate pair."""
    return isinstance(address, str) and re.fullmatch("[^\ud800-\udfff]+", address) is not None
