"""`signalbox operations`: the operations of creates and adds."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from signalbox.cli.arguments import OPERATION_ID, limit_option, page_size, since_option, until_option
from signalbox.cli.endings import PARTLY, finishing
from signalbox.cli.output import as_json_option, show_done, show_resource, show_resources, wire
from signalbox.cli.profiles import connected, profile_option

if TYPE_CHECKING:
    from signalbox_client import Operation, OperationStatus

_STATUSES: Final = ("PROCESSING", "COMPLETED", "CANCELED")
_COLUMNS: Final = ("id", "status", "total", "queued", "created", "failed", "createdAt")
_ITEM_COLUMNS: Final = ("index", "senderId", "outcome", "code", "message")


@click.group()
def operations() -> None:
    """List, watch and cancel operations. OPERATION is an id."""


@operations.command("list")
@click.option("--status", type=click.Choice(_STATUSES, case_sensitive=False), help="Only this status.")
@since_option
@until_option
@limit_option
@as_json_option
@profile_option
def list_operations(
    status: OperationStatus | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    as_json: bool,
    profile: str | None,
) -> None:
    """List operations, newest first."""
    with connected(profile) as client:
        found = client.sender_pools.list_operations(
            status=status, start_date=since, end_date=until, page_size=page_size(limit)
        )
        show_resources(_COLUMNS, islice(found, limit), as_json)


@operations.command("show")
@click.argument("operation", type=OPERATION_ID)
@as_json_option
@profile_option
def show_operation(operation: str, as_json: bool, profile: str | None) -> None:
    """Show one operation and its counters."""
    with connected(profile) as client:
        show_resource(client.sender_pools.fetch_operation(operation), as_json)


@operations.command("watch")
@click.argument("operation", type=OPERATION_ID)
@as_json_option
@profile_option
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
@profile_option
def list_items(operation: str, failed: bool, limit: int | None, as_json: bool, profile: str | None) -> None:
    """List the items of an operation with their outcomes, and why an item failed."""
    with connected(profile) as client:
        found = client.ledger.list_items(operation, outcome="FAILED" if failed else None, page_size=page_size(limit))
        show_resources(_ITEM_COLUMNS, islice(found, limit), as_json)


@operations.command("cancel")
@click.argument("operation", type=OPERATION_ID)
@as_json_option
@profile_option
def cancel_operation(operation: str, as_json: bool, profile: str | None) -> None:
    """Cancel an operation. Senders that it added stay in the pool."""
    with connected(profile) as client, finishing():
        canceled = client.ledger.cancel(operation)
        show_done("CANCELED", canceled.resource_id, canceled, as_json)
