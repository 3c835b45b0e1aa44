"""`signalbox opt-outs`: who gets nothing from a pool or from the account, and how a person is forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, cast

import click

from signalbox.cli.arguments import Word, confirm, yes_option
from signalbox.cli.arguments import recipient as channel_and_address
from signalbox.cli.completing import complete_pool
from signalbox.cli.endings import finishing, for_each
from signalbox.cli.forms import OPT_OUT_ID
from signalbox.cli.found import pool_id
from signalbox.cli.groups import Commands
from signalbox.cli.listing import Table, limit_option, page_size, show_pages
from signalbox.cli.output import as_json_option, show_done, show_resource, wire
from signalbox.cli.profiles import connected, server_options
from signalbox.cli.streams import done_unseen

if TYPE_CHECKING:
    from signalbox_client import OptOut, OptOutChannel, Signalbox

CHANNELS: Final = ("PHONE", "WHATSAPP")


@click.group("opt-outs", cls=Commands)
def opt_outs() -> None:
    """People who get nothing from a pool, or from the account. RECIPIENT is +12025550123 or WHATSAPP:+12025550123."""


@opt_outs.command("list")
@click.option("--address", metavar="ADDRESS", help="Only those of this number.")
@click.option("--channel", type=Word(CHANNELS), help="Only this channel.")
@click.option("--pool", metavar="POOL", shell_complete=complete_pool, help="Only those of this pool.")
@limit_option
@as_json_option
@server_options
def list_opt_outs(
    address: str | None,
    channel: OptOutChannel | None,
    pool: str | None,
    limit: int | None,
    as_json: bool,
    profile: str | None,
) -> None:
    """List opt-outs, newest first."""
    with connected(profile) as client:
        found = client.opt_outs.list(
            address=address,
            channel=channel,
            sender_pool_id=pool_id(client, pool) if pool else None,
            page_size=page_size(limit, as_json),
        )
        show_pages(client, found, OPT_OUTS, limit, as_json)


@opt_outs.command("add")
@click.argument("given", metavar="RECIPIENT...", nargs=-1, required=True)
@click.option("--pool", metavar="POOL", shell_complete=complete_pool, help="Of this pool, not of the whole account.")
@as_json_option
@server_options
def add_opt_outs(given: Sequence[str], pool: str | None, as_json: bool, profile: str | None) -> None:
    """Opt people out: messages to them fail. Who has opted out already keeps that opt-out."""
    people = {one: channel_and_address(one) for one in given}
    with connected(profile) as client:
        of_pool = pool_id(client, pool) if pool else None

        def add(one: str) -> None:
            channel, address = people[one]
            made = client.opt_outs.create(
                address=address, channel=cast("OptOutChannel", channel), sender_pool_id=of_pool
            )
            show_done("opted out", made.id, made, as_json)

        for_each(given, add)


@opt_outs.command("delete")
@click.argument("given", metavar="ID...", nargs=-1, required=True, type=OPT_OUT_ID)
@as_json_option
@server_options
def delete_opt_outs(given: Sequence[str], as_json: bool, profile: str | None) -> None:
    """Delete opt-outs, by id: the people get messages again."""
    with connected(profile) as client:

        def delete(one: str) -> None:
            deleted = client.opt_outs.delete(one)
            show_done("deleted", deleted.resource_id, deleted, as_json)

        for_each(given, delete)


@opt_outs.command("forget")
@click.argument("recipient")
@click.option(
    "--opt-outs", "also_opt_outs", is_flag=True, help="Erase the opt-outs too: the person gets messages again."
)
@yes_option
@as_json_option
@server_options
def forget_recipient(recipient: str, also_opt_outs: bool, yes: bool, as_json: bool, profile: str | None) -> None:
    """Erase what is kept about a person: which senders have reached the number, on all channels. Messages stay.

    RECIPIENT with a channel, such as WHATSAPP:+12025550123, is forgotten on this channel only.
    """
    channel, address = channel_and_address(recipient)
    if also_opt_outs:
        confirm(f"Erase the opt-outs of {address}, so that messages are sent again?", yes)
    with connected(profile) as client:
        with finishing():
            forgotten = client.recipients.forget(
                address,
                channel=cast("OptOutChannel", channel) if ":" in recipient else None,
                opt_outs=also_opt_outs,
            )
        with done_unseen(f"{address}: forgotten"):
            show_resource(forgotten, as_json)


def _rows(client: Signalbox, found: Sequence[OptOut]) -> Iterator[Sequence[object]]:
    pools = {one.sender_pool_id for one in found if one.sender_pool_id}
    names = {one.id: one.name for one in client.names.name(pools).sender_pools} if pools else {}
    for one in found:
        pool = names.get(one.sender_pool_id, one.sender_pool_id) if one.sender_pool_id else "(the account)"
        yield f"{one.channel}:{one.address}", one.id, pool, wire(one)["createdAt"]


OPT_OUTS: Final = Table(("recipient", "id", "pool", "createdAt"), _rows)
