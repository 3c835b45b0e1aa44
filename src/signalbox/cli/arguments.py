"""Parsers of arguments and options: times, tags, and senders by id or by channel and address."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

import click

from signalbox.cli.endings import MISUSED, Ended
from signalbox.cli.forms import SUFFIX

if TYPE_CHECKING:
    from signalbox_client import Channel, Signalbox

CHANNELS: Final = ("SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH")
STATUSES: Final = ("ACTIVATED", "DEACTIVATED")
SENDER_ID: Final = re.compile(f"comms_sender_{SUFFIX}")

_IDS_SHOWN: Final = 5
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Time(click.ParamType[datetime]):
    """A time: `2h` ago (s, m, h, d, w), a day (which begins in UTC), or an RFC 3339 time with its offset."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):  # pragma: no cover - click may convert what it has converted
            return value
        text = str(value)
        try:
            if ago := re.fullmatch(r"(\d{1,9})([smhdw])", text, re.ASCII):
                return datetime.now(UTC) - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
            if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
                return datetime.fromisoformat(text).replace(tzinfo=UTC)
            found = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            found = None
        if found is None or found.tzinfo is None:
            self.fail(f"{text!r} is not a time such as 2h, 2026-11-23 or 2026-11-23T14:00:00Z", param, ctx)
        return found


class Tags(click.ParamType[tuple[str, str]]):
    """`key=value`."""

    name = "KEY=VALUE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):  # pragma: no cover - click may convert what it has converted
            return value
        key, equals, text = str(value).partition("=")
        if not equals:
            self.fail(f"{str(value)!r} is not written key=value", param, ctx)
        return key, text


class Word(click.Choice[str]):
    """One of the API's words, in capitals as in the API."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        capitals = str(value).upper()
        if capitals in self.choices:
            return f"{value!r} is not written in capitals: {capitals}"
        return super().get_invalid_choice_message(value, ctx)


since_option = click.option("--since", type=Time(), help="Created after this: 2h ago, a day, or a time.")
until_option = click.option("--until", type=Time(), help="Created before this.")
channel_option = click.option("--channel", type=Word(CHANNELS), help="Only this channel.")
status_option = click.option("--status", type=Word(STATUSES), help="Only this status.")
tag_option = click.option("--tag", "tags", type=Tags(), multiple=True, help="A tag; may be given several times.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


def pair(text: str, what: str = "CHANNEL:ADDRESS") -> tuple[str, str]:
    """Reads `SMS:+12025550100`; returns channel and address. Raises BadParameter."""
    channel, colon, address = text.partition(":")
    if not colon or not address:
        raise click.BadParameter(f"{text!r} is not {what}")
    if channel != channel.upper():
        raise click.BadParameter(f"{text!r}: the channel is not written in capitals: {channel.upper()}")
    return channel, address


def recipient(text: str) -> tuple[str, str]:
    """Reads `+12025550123`, which is on the channel PHONE, or `WHATSAPP:+12025550123`. Raises BadParameter."""
    return pair(text, "a number or CHANNEL:NUMBER") if ":" in text else ("PHONE", text)


def sender_id(client: Signalbox, text: str, *, exactly: bool = False) -> str:
    """The id of a sender given by id, as CHANNEL:ADDRESS, by name or by address. Raises Ended: none, or several.

    With `exactly` a name or an address must be whole.
    """
    if SENDER_ID.fullmatch(text):
        return text
    if text.partition(":")[0].upper() not in CHANNELS:
        from signalbox.cli import found as by_name

        return by_name.sender(client, text, exactly=exactly).id
    channel, address = pair(text)
    found = search(client, channel, address)
    if not found:
        raise Ended(f"{text}: the account has no such sender")
    if problem := not_one(text, found):
        raise Ended(problem)
    return found[0]


def search(client: Signalbox, channel: str, address: str, region: str = "") -> list[str]:
    """The ids of the senders with this channel and address, of this region if one is given.

    A short code or an alphanumeric id is another sender in each region. Any other address is one sender at most.
    """
    senders = client.senders.search(address=address, channel=cast("Channel", channel))
    found = [sender.id for sender in senders]
    if not region:
        return found
    from signalbox.inventory.addresses import is_national

    if is_national(channel, address):
        return [one for one in found if client.inventory.fetch(one).region == region]
    return found


def not_one(name: object, found: Sequence[str]) -> str | None:
    """Why these ids, found by this name, are not the id of one sender; None if they are."""
    if not found:
        return f"the account has no sender {name}"
    if len(found) == 1:
        return None
    listed = ", ".join(found[:_IDS_SHOWN]) + (", ..." if len(found) > _IDS_SHOWN else "")
    return f"{name} is {len(found)} senders, each in its country; name one by its id: {listed}"


def confirm(question: str, yes: bool) -> None:
    """Returns after the user confirmed, or at once with `--yes`. Raises Ended after a no, or without a terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Ended("nothing was done: there is no terminal to ask on; use --yes", code=MISUSED)
    if not click.confirm(question, err=True):
        raise Ended("nothing was done")


def confirm_name(warning: str, name: str) -> None:
    """Goes on when the user of a terminal repeats the name of what is lost for good."""
    if not sys.stdin.isatty():
        raise Ended("nothing was done: standard input is not a terminal, so --yes is required", code=MISUSED)
    click.echo(warning, err=True)
    if click.prompt(f"To go on, type {name}", err=True, default="", show_default=False) != name:
        raise Ended("nothing was done")
