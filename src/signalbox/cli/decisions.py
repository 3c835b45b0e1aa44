"""The output of `signalbox messages why`: the senders of a decision, and those that were left out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

from signalbox.cli.listing import pool_named
from signalbox.cli.output import cell, counted, show, wire
from signalbox.cli.tables import show_table

if TYPE_CHECKING:
    from signalbox_client import MessageDecision, Signalbox

# The reasons of `removed`; docs/messages.md has them too.
REASONS: Final[Mapping[str, str]] = {
    "DEACTIVATED": "the sender is deactivated",
    "CHANNEL": "no address of the recipient is on a channel that the sender reaches",
    "FILTER": "the request leaves the channel out: filterIn",
    "CONTENT": "the content has no text and no media for the channel",
    "OPTED_OUT": "the recipient has opted out",
    "UNREACHABLE": "no sender reaches the number",
    "NO_RCS": "the recipient's device has no RCS",
    "TOO_LONG": "the text is longer than an SMS may be",
    "NOT_RENDERED": "the Liquid of the content failed for this recipient",
}


def show_decision(client: Signalbox, decision: MessageDecision, as_json: bool) -> None:
    """Prints why a message has its sender: a few lines, a table of candidates, and a table of reasons."""
    if as_json:
        click.echo(json.dumps(wire(decision)))
        return
    recipient = decision.recipient
    fields: dict[str, object] = {
        "message": decision.message_id,
        "recipient": f"{recipient.channel}:{recipient.address}",
        "pool": pool_named(client, decision.sender_pool_id) if decision.sender_pool_id else "(all senders may send)",
        "chosen": _chosen(decision),
        "at": wire(decision)["at"],
    }
    show({name: cell(value) for name, value in fields.items()}, as_json=False)
    if decision.candidates:
        click.echo("")
        show_table(("rank", "address", "senderId", "country", "area", "kept"), _candidates(decision))
    if decision.removed_counts:
        removed = sum(one.count for one in decision.removed_counts)
        click.echo(f"\n{counted(removed, 'sender')} left out:")
        rows = [(one.reason, f"{one.count:,}", REASONS.get(one.reason)) for one in decision.removed_counts]
        show_table(("reason", "senders", "meaning"), rows)


def _chosen(decision: MessageDecision) -> str:
    if decision.chosen is None:
        return "(no sender)"
    known = [one for one in decision.candidates if one.sender_id == decision.chosen]
    return "  ".join([*(f"{one.channel}:{one.address}" for one in known[:1]), decision.chosen])


def _candidates(decision: MessageDecision) -> Iterator[Sequence[object]]:
    for one in decision.candidates:
        steps = (one.steps.country, one.steps.area, one.steps.kept)
        yield one.rank, f"{one.channel}:{one.address}", one.sender_id, *("yes" if step else "no" for step in steps)
