"""`signalbox operations`: the operations of creates and adds."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from signalbox.cli.arguments import Word, since_option, until_option
from signalbox.cli.completing import complete_pool
from signalbox.cli.endings import PARTLY, finishing
from signalbox.cli.forms import OPERATION_ID
from signalbox.cli.found import pool_id
from signalbox.cli.groups import Commands
from signalbox.cli.listing import (
    ITEMS,
    LARGEST,
    OPERATIONS,
    OfPool,
    Paged,
    limit_option,
    page_size,
    pool_of,
    show_pages,
)
from signalbox.cli.output import as_json_option, show_done, show_resource, wire
from signalbox.cli.profiles import connected, server_options

if TYPE_CHECKING:
    from signalbox_client import Operation, OperationStatus, Total

_STATUSES: Final = ("PROCESSING", "COMPLETED", "CANCELED")


@click.group(cls=Commands)
def operations() -> None:
    """List, watch and cancel operations. OPERATION is an id."""


@operations.command("list")
@click.option("--status", type=Word(_STATUSES), help="Only this status.")
@click.option("--pool", metavar="POOL", shell_complete=complete_pool, help="Only those that create or fill this pool.")
@since_option
@until_option
@limit_option
@as_json_option
@server_options
def list_operations(
    status: OperationStatus | None,
    pool: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    as_json: bool,
    profile: str | None,
) -> None:
    """List operations, newest first. With --pool, all operations of the account are read."""
    with connected(profile) as client:
        size = LARGEST if pool else page_size(limit, as_json)
        found: Paged[Operation] = client.sender_pools.list_operations(
            status=status, start_date=since, end_date=until, page_size=size
        )
        if pool:
            found = OfPool(client, found, pool_id(client, pool))

        def total() -> Total:
            return client.totals.operations(status=status, start_date=since, end_date=until)

        show_pages(client, found, OPERATIONS, limit, as_json, None if pool else total)


@operations.command("show")
@click.argument("operation", type=OPERATION_ID)
@as_json_option
@server_options
def show_operation(operation: str, as_json: bool, profile: str | None) -> None:
    """Show one operation and its counters."""
    with connected(profile) as client:
        found = client.sender_pools.fetch_operation(operation)
        named: dict[str, object] = {}
        for names in () if as_json else client.names.name([operation]).operations:
            named = {"pool": pool_of(names), "kind": names.kind}
        show_resource(found, as_json, named)


@operations.command("watch")
@click.argument("operation", type=OPERATION_ID)
@as_json_option
@server_options
def watch_operation(operation: str, as_json: bool, profile: str | None) -> None:
    """Watch an operation until it is final. Ctrl-C ends the command, not the operation.

    With --json each state is printed as one line.
    """

    from signalbox.cli.filling import watch

    def tell(state: Operation) -> None:
        if as_json:
            click.echo(json.dumps(wire(state)))

    with connected(profile) as client:
        progress = watch(client, [operation], seen=tell)
    state = progress.finals[operation]
    if not as_json:
        show_resource(state, as_json=False)
    if state.status == "CANCELED" or state.stats.failed:
        sys.exit(PARTLY)


@operations.command("items")
@click.argument("operation", type=OPERATION_ID)
@click.option("--failed", is_flag=True, help="Only failed items.")
@limit_option
@as_json_option
@server_options
def list_items(operation: str, failed: bool, limit: int | None, as_json: bool, profile: str | None) -> None:
    """List the items of an operation with their outcomes, and why an item failed."""
    with connected(profile) as client:
        found = client.ledger.list_items(
            operation, outcome="FAILED" if failed else None, page_size=page_size(limit, as_json)
        )
        show_pages(client, found, ITEMS, limit, as_json)


@operations.command("cancel")
@click.argument("operation", type=OPERATION_ID)
@as_json_option
@server_options
def cancel_operation(operation: str, as_json: bool, profile: str | None) -> None:
    """Cancel an operation. Senders that it added stay in the pool."""
    with connected(profile) as client, finishing():
        canceled = client.ledger.cancel(operation)
        show_done("CANCELED", canceled.resource_id, canceled, as_json)
