"""The output of `signalbox senders resolve`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from signalbox.cli.output import wire
from signalbox.cli.tables import show_table

if TYPE_CHECKING:
    from signalbox_client import Resolution


def show_resolved(found: Iterable[Resolution], as_json: bool) -> None:
    """Prints the senders that reach a person, best first: one JSON object a line, or a table."""
    if as_json:
        for one in found:
            click.echo(json.dumps(wire(one)))
        return
    show_table(
        ("displayName", "senderId", "address", "to", "priority"),
        (
            (
                one.from_.display_name,
                one.from_.sender_id,
                f"{one.from_.channel}:{one.from_.address}",
                f"{one.to.channel}:{one.to.address}",
                one.priority,
            )
            for one in found
        ),
    )
