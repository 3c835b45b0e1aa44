"""`signalbox inbox`: what the phones received."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from signalbox.cli.arguments import since_option, until_option
from signalbox.cli.forms import MESSAGE_ID
from signalbox.cli.groups import Commands
from signalbox.cli.listing import Table, limit_option, page_size, show_pages
from signalbox.cli.messages import channel_option, operation_option
from signalbox.cli.output import as_json_option, cell, coloured, show, wire
from signalbox.cli.profiles import connected, server_options

if TYPE_CHECKING:
    from signalbox_client import InboxItem, MessageChannel, Signalbox

# Many proxies close a connection that is silent for much longer.
_WAIT_SECONDS: Final = 25


def filters(command: Callable[..., None]) -> Callable[..., None]:
    """`--to`, `--from`, `--channel`, `--contains` and `--operation`."""
    for option in (
        operation_option,
        click.option("--contains", metavar="TEXT", help="Only what has this in its text, in any case."),
        channel_option,
        click.option("--from", "from_", metavar="ADDRESS", help="Only what came from this sender."),
        click.option("--to", metavar="ADDRESS", help="Only what arrived at this number."),
    ):
        command = option(command)
    return command


@click.group(cls=Commands)
def inbox() -> None:
    """See what the phones received: every message that this server sent."""


@inbox.command("list")
@filters
@since_option
@until_option
@limit_option
@as_json_option
@server_options
def list_inbox(
    to: str | None,
    from_: str | None,
    channel: MessageChannel | None,
    contains: str | None,
    operation: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    as_json: bool,
    profile: str | None,
) -> None:
    """List what arrived, newest first."""
    with connected(profile) as client:
        found = client.inbox.list(
            to=to,
            from_=from_,
            channel=channel,
            contains=contains,
            operation_id=operation,
            start_date=since,
            end_date=until,
            page_size=page_size(limit, as_json),
        )
        show_pages(client, found, ITEMS, limit, as_json)


@inbox.command("show")
@click.argument("item", type=MESSAGE_ID)
@as_json_option
@server_options
def show_item(item: str, as_json: bool, profile: str | None) -> None:
    """Show one message as it arrived, with the codes and links in its text. ITEM is the id of the message."""
    with connected(profile) as client:
        found = client.inbox.fetch(item)
    if as_json:
        click.echo(json.dumps(wire(found)))
        return
    fields: dict[str, object] = {
        "id": found.id,
        "to": _address(found.to.channel, found.to.address),
        "from": _address(found.from_.channel, found.from_.address),
        "text": found.text,
        "codes": " ".join(found.codes),
        "links": " ".join(found.links),
        "media": " ".join(one.url for one in found.media),
        "segments": f"{found.segments.count} of {found.segments.encoding}" if found.segments else None,
        "operation": found.operation_id,
        "receivedAt": wire(found)["receivedAt"],
    }
    show({name: coloured(cell(value)) for name, value in fields.items()}, as_json=False)


@inbox.command("watch")
@filters
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after N messages.")
@as_json_option
@server_options
def watch_inbox(
    to: str | None,
    from_: str | None,
    channel: MessageChannel | None,
    contains: str | None,
    operation: str | None,
    count: int | None,
    as_json: bool,
    profile: str | None,
) -> None:
    """Print each message as it arrives, until Ctrl-C or --count. With --json each is one line."""
    with connected(profile) as client:
        # An id and not the time: the clock of this machine may differ from the server's.
        newest = next(client.inbox.list(page_size=1).pages()).items
        last = newest[0] if newest else None
        shown = 0
        while count is None or shown < count:
            item = _next(
                client,
                last,
                to=to,
                from_=from_,
                channel=channel,
                contains=contains,
                operation_id=operation,
                timeout=_WAIT_SECONDS,
            )
            if item is None:
                continue
            last, shown = item, shown + 1
            click.echo(json.dumps(wire(item)) if as_json else _line(item))


def _next(client: Signalbox, last: InboxItem | None, **wanted: object) -> InboxItem | None:
    """The next item after the last one, which may have been removed from the inbox since."""
    from signalbox_client import Invalid

    wait: Callable[..., InboxItem | None] = client.inbox.wait
    try:
        return wait(after=last.id if last else None, **wanted)
    except Invalid as error:
        if last is None or [one.field for one in error.problems] != ["after"]:
            raise
        return wait(after=last.received_at, **wanted)


def _line(item: InboxItem) -> str:
    """`2026-01-31T09:30:00.161Z  PHONE:+12025550123 from SMS:+12025550100: hello`, on one line."""
    to, sender = _address(item.to.channel, item.to.address), _address(item.from_.channel, item.from_.address)
    return f"{wire(item)['receivedAt']}  {cell(f'{to} from {sender}: {_said(item)}')}"


def _said(item: InboxItem) -> str:
    return item.text or " ".join(one.url for one in item.media)


def _address(channel: str, address: str) -> str:
    return f"{channel}:{address}"


def _rows(_client: Signalbox, items: Sequence[InboxItem]) -> Iterator[Sequence[object]]:
    for one in items:
        to, sender = _address(one.to.channel, one.to.address), _address(one.from_.channel, one.from_.address)
        yield one.id, to, sender, _said(one), " ".join(one.codes), wire(one)["receivedAt"]


ITEMS: Final = Table(("id", "to", "from", "text", "codes", "receivedAt"), _rows)
