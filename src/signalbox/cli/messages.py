"""`signalbox messages`: send, list, show, explain, cancel and retry messages."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from signalbox.cli.arguments import Tags, Word, recipient, sender_id, since_option, tag_option, until_option
from signalbox.cli.completing import complete_pool, complete_sender
from signalbox.cli.endings import PARTLY, already_done, finishing, for_each
from signalbox.cli.forms import MESSAGE_ID, OPERATION_ID
from signalbox.cli.found import pool_id
from signalbox.cli.groups import Commands
from signalbox.cli.listing import Table, limit_option, page_size, show_pages
from signalbox.cli.output import as_json_option, cell, coloured, show, show_done, wire
from signalbox.cli.profiles import connected, server_options

if TYPE_CHECKING:
    from signalbox_client import (
        FetchedMessage,
        Message,
        MessageAttempt,
        MessageChannel,
        MessageOperation,
        MessageStatus,
        OperationReference,
        Signalbox,
    )

CHANNELS: Final = ("SMS", "RCS", "WHATSAPP")
channel_option = click.option("--channel", type=Word(CHANNELS), help="Only this channel of the sender.")
watch_option = click.option("--watch", "watched", is_flag=True, help="Wait until everything was tried.")
operation_option = click.option("--operation", type=OPERATION_ID, metavar="ID", help="Only those of this operation.")
_STATUSES: Final = (
    "SCHEDULED", "QUEUED", "SENT", "DELIVERED", "READ", "UNDELIVERED", "FAILED", "CANCELED", "INBOUND",
)  # fmt: skip
_DOWNSTREAM: Final = re.compile("(SM|MM)[0-9a-fA-F]{32}")
_COUNTERS: Final = (*(status.lower() for status in _STATUSES if status != "INBOUND"), "unaddressable")
# Longer than any operation takes that is not scheduled.
_PATIENCE_SECONDS: Final = 3600.0


@click.group(cls=Commands)
def messages() -> None:
    """Send messages, and see what became of each. MESSAGE is an id, or the id of an attempt (SM...)."""


@messages.command("send")
@click.argument("to", metavar="RECIPIENT...", nargs=-1, required=True)
@click.option("--text", help="The text, with Liquid.")
@click.option("--media", multiple=True, metavar="URL", help="A picture or file; may be given several times.")
@click.option("--template", metavar="ID", help="A template, HX..., instead of text and media.")
@click.option("--pool", metavar="POOL", shell_complete=complete_pool, help="A sender of this pool.")
@click.option("--sender", metavar="SENDER", shell_complete=complete_sender, help="This sender.")
@click.option("--variable", "variables", type=Tags(), multiple=True, help="A value for the Liquid of every recipient.")
@click.option("--at", metavar="TIME", help="When; without an offset, the local time of each recipient.")
@tag_option
@watch_option
@as_json_option
@server_options
def send_messages(
    to: Sequence[str],
    text: str | None,
    media: Sequence[str],
    template: str | None,
    pool: str | None,
    sender: str | None,
    variables: Sequence[tuple[str, str]],
    at: str | None,
    tags: Sequence[tuple[str, str]],
    watched: bool,
    as_json: bool,
    profile: str | None,
) -> None:
    """Send a text to one or more people. RECIPIENT is a phone number such as +12025550123, or WHATSAPP:+12025550123.

    Without --pool and --sender, all senders of the account may send.
    """
    if pool and sender:
        raise click.UsageError("--pool and --sender cannot be used together")
    content = _content(text, media, template)
    recipients = [_recipient(one, dict(variables)) for one in to]
    with connected(profile) as client:
        from_ = {"senderPoolId": pool_id(client, pool)} if pool else None
        if sender:
            from_ = {"senderId": sender_id(client, sender)}
        with finishing():
            started = client.messages.send(
                to=recipients,
                content=content,
                from_=from_,
                schedule={"sendAt": [at]} if at else None,
                tags=dict(tags) or None,
            )
        _finish(client, started, watched, as_json)


@messages.command("list")
@operation_option
@click.option("--status", type=Word(_STATUSES), help="Only this status.")
@channel_option
@click.option("--tag", "tags", type=Tags(), multiple=True, help="Only those with this tag; several: with all of them.")
@since_option
@until_option
@limit_option
@as_json_option
@server_options
def list_messages(
    operation: str | None,
    status: MessageStatus | None,
    channel: MessageChannel | None,
    tags: Sequence[tuple[str, str]],
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    as_json: bool,
    profile: str | None,
) -> None:
    """List messages, newest first; --status INBOUND lists the replies."""
    with connected(profile) as client:
        found = client.messages.list(
            operation_id=operation,
            status=status,
            channel=channel,
            tags=dict(tags) or None,
            start_date=since,
            end_date=until,
            page_size=page_size(limit, as_json),
        )
        show_pages(client, found, MESSAGES, limit, as_json)


@messages.command("show")
@click.argument("message")
@as_json_option
@server_options
def show_message(message: str, as_json: bool, profile: str | None) -> None:
    """Show one message: its text, and each attempt to hand it over."""
    with connected(profile) as client:
        if _DOWNSTREAM.fullmatch(message):
            found = client.messages.seek(message)
        else:
            found = client.messages.fetch(MESSAGE_ID.convert(message, None, None))
    if as_json:
        click.echo(json.dumps(wire(found)))
        return
    show(_fields(found), as_json=False)


@messages.command("why")
@click.argument("message")
@as_json_option
@server_options
def explain_message(message: str, as_json: bool, profile: str | None) -> None:
    """Show why a message has its sender: the senders in their order, and how many were left out for which reason."""
    from signalbox.cli.decisions import show_decision

    with connected(profile) as client:
        if _DOWNSTREAM.fullmatch(message):
            message = client.messages.seek(message).id
        decision = client.messages.decision(MESSAGE_ID.convert(message, None, None))
        show_decision(client, decision, as_json)


@messages.command("cancel")
@click.argument("given", metavar="MESSAGE|OPERATION...", nargs=-1, required=True)
@as_json_option
@server_options
def cancel_messages(given: Sequence[str], as_json: bool, profile: str | None) -> None:
    """Cancel messages, or whole operations, by id. What was handed over already stays sent."""
    for one in given:
        if not OPERATION_ID.fullmatch(one):
            MESSAGE_ID.convert(one, None, None)
    with connected(profile) as client:

        def cancel(one: str) -> None:
            stop = client.messages.cancel_operation if OPERATION_ID.fullmatch(one) else client.messages.cancel
            canceled = stop(one)
            show_done("CANCELED", canceled.resource_id, canceled, as_json)

        for_each(given, cancel)


@messages.command("retry")
@click.argument("operation", type=OPERATION_ID)
@watch_option
@as_json_option
@server_options
def retry_operation(operation: str, watched: bool, as_json: bool, profile: str | None) -> None:
    """Send again to those whom an operation did not reach, as a new operation: FAILED and UNDELIVERED messages.

    After an earlier retry, only to those whom it did not reach either.
    """
    with connected(profile) as client:
        with finishing():
            started = client.messages.retry(operation)
        _finish(client, started, watched, as_json)


def _finish(client: Signalbox, started: OperationReference, watched: bool, as_json: bool) -> None:
    """Prints the operation that was started; with --watch when everything was tried."""
    if not watched:
        show_done("accepted", started.operation_id, started, as_json)
        return
    with already_done(f"the messages were accepted: operation {started.operation_id}"):
        operation = client.messages.wait(started.operation_id, timeout=_PATIENCE_SECONDS)
    show_done(_outcome(operation), operation.id, operation, as_json)
    if operation.status == "CANCELED" or _unsuccessful(operation):
        sys.exit(PARTLY)


def _content(text: str | None, media: Sequence[str], template: str | None) -> dict[str, object]:
    if template and (text is not None or media):
        raise click.UsageError("--template cannot be used together with --text and --media")
    if template:
        return {"contentId": template}
    if text is None and not media:
        raise click.UsageError("nothing to send: give --text, --media or --template")
    content: dict[str, object] = {} if text is None else {"text": text}
    return {**content, "media": [{"url": url} for url in media]} if media else content


def _recipient(text: str, variables: dict[str, str]) -> dict[str, object]:
    channel, address = recipient(text)
    found: dict[str, object] = {"address": address, "channel": channel}
    return {**found, "variables": variables} if variables else found


def _outcome(operation: MessageOperation) -> str:
    """What became of the messages: `3 messages: 2 delivered, 1 failed`."""
    counted = wire(operation.stats)
    total = operation.stats.total
    parts = [f"{counted[name]:,} {name}" for name in _COUNTERS if counted[name]]
    return f"{total:,} message{'s' * (total != 1)}: {', '.join(parts)}"


def _unsuccessful(operation: MessageOperation) -> int:
    return operation.stats.failed + operation.stats.undelivered + operation.stats.unaddressable


def _fields(message: FetchedMessage) -> dict[str, str]:
    """The message as lines for people; an attempt is a line of its own."""
    found = wire(message)
    text = message.content.get("text")
    fields: dict[str, object] = {
        "id": message.id,
        "status": message.status,
        "from": _sender(message),
        "to": _recipients(message),
        "text": text if text is not None else json.dumps(message.content),
        "tags": message.tags,
        "operation": " ".join(one.id for one in message.related),
        "scheduledFor": found["scheduledFor"],
        "createdAt": found["createdAt"],
        "updatedAt": found["updatedAt"],
    }
    for number, attempt in enumerate(message.attempts, 1):
        fields[f"attempt {number}"] = _attempt(attempt)
    return {name: coloured(cell(value)) for name, value in fields.items()}


def _attempt(attempt: MessageAttempt) -> str:
    to = " ".join(f"{one.channel}:{one.address}" for one in attempt.to)
    why = f" {attempt.error.code} {attempt.error.message}" if attempt.error else ""
    return f"{attempt.channel}:{attempt.from_.address} to {to}: {attempt.status}{why}"


def _sender(message: Message) -> str | None:
    known = message.from_
    if known is None:
        return None
    return f"{known.channel}:{known.address}" if known.address else known.sender_pool_id


def _recipients(message: Message) -> str:
    return " ".join(f"{one.channel}:{one.address}" for one in message.to)


def _rows(_client: Signalbox, found: Sequence[Message]) -> Iterator[Sequence[object]]:
    for one in found:
        yield one.id, _recipients(one), _sender(one), one.status, wire(one)["createdAt"], one.tags


MESSAGES: Final = Table(("id", "to", "from", "status", "createdAt", "tags"), _rows)
