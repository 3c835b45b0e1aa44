"""`signalbox senders`: import, find, change and remove senders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from signalbox.cli.arguments import (
    CHANNELS,
    Word,
    channel_option,
    confirm,
    pair,
    sender_id,
    since_option,
    status_option,
    until_option,
    yes_option,
)
from signalbox.cli.completing import complete_pool, complete_sender
from signalbox.cli.endings import for_each
from signalbox.cli.found import pool_id
from signalbox.cli.groups import Commands
from signalbox.cli.listing import SENDERS, limit_option, page_size, pools_of, show_pages
from signalbox.cli.output import as_json_option, counted, show_done, show_resource
from signalbox.cli.profiles import connected, server_options
from signalbox.cli.resolving import show_resolved

if TYPE_CHECKING:
    from signalbox_client import Channel, SenderStatus, Total


@click.group(cls=Commands)
def senders() -> None:
    """Import, find and change senders. SENDER is an id, CHANNEL:ADDRESS, a name, or text that finds one sender."""


@senders.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--format", "given", type=click.Choice(["csv", "ndjson"]), help="Format of FILE, if its name does not say."
)
@click.option("--refused", "wanted", type=click.Path(dir_okay=False, path_type=Path), help="File for refused rows.")
@as_json_option
@server_options
def import_senders(
    file: BufferedReader, given: str | None, wanted: Path | None, as_json: bool, profile: str | None
) -> None:
    """Import the senders of FILE, CSV with a header or NDJSON; - is standard input.

    A row creates its sender, or updates it if it exists: the same import can be run again. Refused rows
    are written to a file (FILE.refused.csv), to be corrected and imported again.
    """
    from signalbox.cli.senders_import import import_file

    import_file(file, given, wanted, as_json, profile)


@senders.command("list")
@channel_option
@status_option
@since_option
@until_option
@limit_option
@as_json_option
@server_options
def list_senders(
    channel: Channel | None,
    status: SenderStatus | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    as_json: bool,
    profile: str | None,
) -> None:
    """List senders, newest first."""
    with connected(profile) as client:
        found = client.senders.list(
            channel=channel, status=status, start_date=since, end_date=until, page_size=page_size(limit, as_json)
        )

        def total() -> Total:
            return client.totals.senders(channel=channel, status=status, start_date=since, end_date=until)

        show_pages(client, found, SENDERS, limit, as_json, total)


@senders.command("show")
@click.argument("sender", shell_complete=complete_sender)
@as_json_option
@server_options
def show_sender(sender: str, as_json: bool, profile: str | None) -> None:
    """Show one sender, with its region."""
    with connected(profile) as client:
        found = client.inventory.fetch(sender_id(client, sender))
        named: dict[str, object] = {}
        for names in () if as_json else client.names.name([found.id]).senders:
            named = {"pools": pools_of(names)}
        show_resource(found, as_json, named)


@senders.command("find")
@click.argument("text")
@limit_option
@as_json_option
@server_options
def find_senders(text: str, limit: int | None, as_json: bool, profile: str | None) -> None:
    """Find senders by the start of the display name or address, by a tag (key=value), or by the end of the id."""
    with connected(profile) as client:
        found = client.names.search_senders(text, page_size=page_size(limit, as_json))
        show_pages(client, found, SENDERS, limit, as_json)


@senders.command("search")
@click.argument("address")
@click.option("--channel", type=Word(CHANNELS), required=True, help="The sender's channel.")
@status_option
@as_json_option
@server_options
def search_senders(
    address: str, channel: Channel, status: SenderStatus | None, as_json: bool, profile: str | None
) -> None:
    """Find the senders with a channel and an address: a short code may be in several countries."""
    with connected(profile) as client:
        found = client.senders.search(address=address, channel=channel, status=status)
        show_pages(client, found, SENDERS, None, as_json)


@senders.command("resolve")
@click.argument("recipients", metavar="RECIPIENT...", nargs=-1, required=True)
@click.option("--pool", metavar="POOL", shell_complete=complete_pool, help="Only senders of this pool.")
@click.option("--sender", "addresses", metavar="CHANNEL:ADDRESS", multiple=True, help="Only these senders.")
@click.option("--channel", "only", type=Word(CHANNELS), multiple=True, help="Only these channels.")
@click.option("--prefer", type=Word(CHANNELS), multiple=True, help="These channels first.")
@as_json_option
@server_options
def resolve_senders(
    recipients: Sequence[str],
    pool: str | None,
    addresses: Sequence[str],
    only: Sequence[str],
    prefer: Sequence[str],
    as_json: bool,
    profile: str | None,
) -> None:
    """Find the senders that reach a person, best first.

    RECIPIENT is CHANNEL:ADDRESS with PHONE, WHATSAPP, EMAIL or PUSH; several are addresses of one person.
    """
    channels: dict[str, object] = {}
    if only:
        channels["filterIn"] = list(only)
    if prefer:
        channels["priority"] = [{"channel": one, "priority": place} for place, one in enumerate(prefer)]
    people = [dict(zip(("channel", "address"), pair(one), strict=True)) for one in recipients]
    with connected(profile) as client:
        found = client.senders.resolve(
            people,
            sender_pool_id=pool_id(client, pool) if pool else None,
            sender_addresses=[_sender_address(one) for one in addresses] or None,
            channels=channels or None,
        )
        show_resolved(found, as_json)


@senders.command("activate")
@click.argument("given", metavar="SENDER...", nargs=-1, required=True, shell_complete=complete_sender)
@as_json_option
@server_options
def activate_senders(given: Sequence[str], as_json: bool, profile: str | None) -> None:
    """Activate senders: resolve returns them again."""
    _set_status("ACTIVATED", given, as_json, profile)


@senders.command("deactivate")
@click.argument("given", metavar="SENDER...", nargs=-1, required=True, shell_complete=complete_sender)
@as_json_option
@server_options
def deactivate_senders(given: Sequence[str], as_json: bool, profile: str | None) -> None:
    """Deactivate senders. They stay in their pools, but resolve no longer returns them."""
    _set_status("DEACTIVATED", given, as_json, profile)


@senders.command("remove")
@click.argument("given", metavar="SENDER...", nargs=-1, required=True, shell_complete=complete_sender)
@yes_option
@as_json_option
@server_options
def remove_senders(given: Sequence[str], yes: bool, as_json: bool, profile: str | None) -> None:
    """Remove senders from the inventory and from every pool. A name or an address of a SENDER must be whole."""
    confirm(f"Remove {counted(len(given), 'sender')}, from every pool as well?", yes)
    with connected(profile) as client:

        def remove(text: str) -> None:
            removed = client.inventory.delete(sender_id(client, text, exactly=True))
            show_done("removed", removed.resource_id, removed, as_json)

        for_each(given, remove)


def _set_status(
    status: Literal["ACTIVATED", "DEACTIVATED"], given: Sequence[str], as_json: bool, profile: str | None
) -> None:
    with connected(profile) as client:

        def change(text: str) -> None:
            changed = client.inventory.update(sender_id(client, text), status=status)
            show_done(changed.status, changed.id, changed, as_json)

        for_each(given, change)


def _sender_address(text: str) -> dict[str, str]:
    """An entry of `senderAddresses`: its shape depends on the channel (contract section 7)."""
    channel, address = pair(text)
    if channel == "EMAIL":
        return {"address": address}
    if channel == "PUSH":
        return {"fcm": address}
    return {"address": address, "channel": channel}
