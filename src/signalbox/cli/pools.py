"""`signalbox pools`: create, fill, change and delete pools, or apply a file that describes them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from io import BufferedReader
from typing import TYPE_CHECKING

import click

from signalbox.cli.arguments import (
    channel_option,
    confirm,
    sender_id,
    since_option,
    status_option,
    tag_option,
    until_option,
    yes_option,
)
from signalbox.cli.completing import complete_pool, complete_sender
from signalbox.cli.endings import PARTLY, already_done, complain, finishing, for_each
from signalbox.cli.forms import OPERATION_ID
from signalbox.cli.found import pool as find_pool
from signalbox.cli.found import pool_id
from signalbox.cli.groups import Commands
from signalbox.cli.listing import POOLS, SENDERS, channels_of, limit_option, page_size, show_pages
from signalbox.cli.output import as_json_option, cell, counted, show_done, show_resource
from signalbox.cli.profiles import connected, server_options
from signalbox.cli.streams import done_unseen

if TYPE_CHECKING:
    from signalbox.cli.filling import Filling, Progress
    from signalbox_client import Channel, SenderStatus, Signalbox, Total

pool_argument = click.argument("pool", shell_complete=complete_pool)
senders_option = click.option(
    "--senders", "file", type=click.File("rb"), metavar="FILE", help="Ids, CSV or NDJSON; - is standard input."
)
watch_option = click.option("--watch", "watched", is_flag=True, help="Wait until the operations are final.")


@click.group(cls=Commands)
def pools() -> None:
    """Create, find, fill, change and delete sender pools. POOL is an id, a name, or text that finds one pool."""


@pools.command("create")
@click.argument("name")
@senders_option
@tag_option
@watch_option
@as_json_option
@server_options
def create_pool(
    name: str,
    file: BufferedReader | None,
    tags: Sequence[tuple[str, str]],
    watched: bool,
    as_json: bool,
    profile: str | None,
) -> None:
    """Create a pool, with any number of senders."""
    from signalbox.cli.filling import Filling, looked_up, read_senders, said_when_ended, watch

    wanted = read_senders(file) if file else []
    with connected(profile) as client:
        ids = looked_up(client, wanted)
        filling = Filling(len(ids))
        with said_when_ended(filling):
            filling.create(client, name, dict(tags), ids)
            progress = watch(client, filling.operation_ids, len(ids) + 1) if watched else None
        _finish(filling, progress, as_json)


@pools.command("add")
@pool_argument
@click.argument("given", metavar="[SENDER]...", nargs=-1, shell_complete=complete_sender)
@senders_option
@watch_option
@as_json_option
@server_options
def add_to_pool(
    pool: str,
    given: Sequence[str],
    file: BufferedReader | None,
    watched: bool,
    as_json: bool,
    profile: str | None,
) -> None:
    """Add senders to a pool: ids, CHANNEL:ADDRESS, or a file. Senders that are in the pool already change nothing."""
    from signalbox.cli.filling import Filling, Wanted, looked_up, read_senders, said_when_ended, watch

    wanted = read_senders(file) if file else []
    if not wanted and not given:
        raise click.UsageError("give senders, or a file of senders with --senders")
    with connected(profile) as client:
        into = pool_id(client, pool)
        named = [Wanted("SENDER", sender_id(client, text)) for text in given]
        ids = looked_up(client, [*named, *wanted])
        filling = Filling(len(ids))
        with said_when_ended(filling):
            filling.add(client, into, ids)
            progress = watch(client, filling.operation_ids, len(ids)) if watched else None
        _finish(filling, progress, as_json)


@pools.command("list")
@since_option
@until_option
@click.option("--operation", type=OPERATION_ID, metavar="ID", help="Only the pool that this operation created.")
@limit_option
@as_json_option
@server_options
def list_pools(
    since: datetime | None,
    until: datetime | None,
    operation: str | None,
    limit: int | None,
    as_json: bool,
    profile: str | None,
) -> None:
    """List pools, newest first."""
    with connected(profile) as client:
        found = client.sender_pools.list(
            start_date=since, end_date=until, operation_id=operation, page_size=page_size(limit, as_json)
        )

        def total() -> Total:
            return client.totals.sender_pools(start_date=since, end_date=until)

        show_pages(client, found, POOLS, limit, as_json, total)


@pools.command("find")
@click.argument("text")
@limit_option
@as_json_option
@server_options
def find_pools(text: str, limit: int | None, as_json: bool, profile: str | None) -> None:
    """Find pools by the start of the name, by a tag (key=value), or by the end of the id."""
    with connected(profile) as client:
        found = client.names.search_sender_pools(text, page_size=page_size(limit, as_json))
        show_pages(client, found, POOLS, limit, as_json)


@pools.command("show")
@pool_argument
@click.option("--senders", "members", is_flag=True, help="List the senders in the pool instead.")
@channel_option
@status_option
@limit_option
@as_json_option
@server_options
def show_pool(
    pool: str,
    members: bool,
    channel: Channel | None,
    status: SenderStatus | None,
    limit: int | None,
    as_json: bool,
    profile: str | None,
) -> None:
    """Show a pool, or list the senders in it."""
    if not members and (channel or status or limit):
        raise click.UsageError("--channel, --status, --limit and --all need --senders")
    with connected(profile) as client:
        one = pool_id(client, pool)
        if not members:
            _show_pool(client, one, as_json)
            return
        found = client.sender_pools.list_senders(
            one, channel=channel, status=status, page_size=page_size(limit, as_json)
        )

        def total() -> Total:
            return client.totals.senders_of_pool(one, channel=channel, status=status)

        show_pages(client, found, SENDERS, limit, as_json, total)


@pools.command("update")
@pool_argument
@click.option("--name", help="The new name.")
@tag_option
@click.option("--no-tags", is_flag=True, help="Remove all tags.")
@as_json_option
@server_options
def update_pool(
    pool: str, name: str | None, tags: Sequence[tuple[str, str]], no_tags: bool, as_json: bool, profile: str | None
) -> None:
    """Change a pool's name, or replace its tags."""
    if name is None and not tags and not no_tags:
        raise click.UsageError("nothing to change: give --name, --tag or --no-tags")
    if tags and no_tags:
        raise click.UsageError("--tag and --no-tags cannot be used together")
    with connected(profile) as client:
        one = pool_id(client, pool)
        with finishing():
            client.sender_pools.update(one, name=name, tags=dict(tags) if tags or no_tags else None)
        with already_done(f"the pool {one} was changed"), done_unseen(f"the pool {one} was changed"):
            _show_pool(client, one, as_json)


@pools.command("remove-sender")
@pool_argument
@click.argument("given", metavar="SENDER...", nargs=-1, required=True, shell_complete=complete_sender)
@as_json_option
@server_options
def remove_senders(pool: str, given: Sequence[str], as_json: bool, profile: str | None) -> None:
    """Remove senders from a pool. They stay in the inventory."""
    with connected(profile) as client:
        one = pool_id(client, pool)

        def remove(text: str) -> None:
            removed = client.sender_pools.remove_sender(one, sender_id(client, text))
            show_done("removed", removed.resource_id, removed, as_json)

        for_each(given, remove)


@pools.command("delete")
@click.argument("given", metavar="POOL...", nargs=-1, required=True, shell_complete=complete_pool)
@yes_option
@as_json_option
@server_options
def delete_pools(given: Sequence[str], yes: bool, as_json: bool, profile: str | None) -> None:
    """Delete pools. Their senders stay in the inventory. With --yes, the name of a POOL must be whole."""
    with connected(profile) as client:
        doomed = dict(find_pool(client, text, exactly=yes) for text in given)
        confirm(f"Delete {counted(len(doomed), 'pool')} ({cell(', '.join(doomed.values()))})?", yes)

        def delete(pool: str) -> None:
            removed = client.sender_pools.delete(pool)
            show_done("deleted", removed.resource_id, removed, as_json)

        for_each(list(doomed), delete)


@pools.command("apply")
@click.argument("file", type=click.File("rb"))
@yes_option
@click.option("--dry-run", is_flag=True, help="Only show the plan; exit code 4 if it has changes.")
@as_json_option
@server_options
def apply_pools(file: BufferedReader, yes: bool, dry_run: bool, as_json: bool, profile: str | None) -> None:
    """Change pools to match the YAML of FILE. The command shows the changes and asks first.

    Pools are matched by name. Senders that the file does not list are removed from the pool. A pool without `senders`
    or `tags` in the file keeps its own; pools that are not in the file are not changed.
    """
    if as_json and not yes and not dry_run:
        raise click.UsageError("--json needs --yes or --dry-run: a prompt is not JSON")
    from signalbox.cli.pools_apply import apply_file

    apply_file(file, yes, dry_run, as_json, profile)


def _show_pool(client: Signalbox, pool: str, as_json: bool) -> None:
    found = client.sender_pools.fetch(pool)
    named: dict[str, object] = {}
    for names in () if as_json else client.names.name([pool]).sender_pools:
        named = {"senders": f"{names.senders:,}", "channels": channels_of(names)}
    show_resource(found, as_json, named)


def _finish(filling: Filling, progress: Progress | None, as_json: bool) -> None:
    from signalbox.cli.filling import show_filling

    with done_unseen(*filling.so_far()):
        show_filling(filling, progress, as_json)
    if progress and (progress.canceled or progress.stats["failed"]):
        complain("`signalbox operations items ID --failed` lists the failed items")
        sys.exit(PARTLY)
