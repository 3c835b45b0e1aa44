"""The forms of settings: what a value may be, and how it is read. Each form has one checked value for one text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

Kind = Literal["text", "integer", "boolean", "list"]
# A week: what the sink has is kept no longer.
_MOST_SECONDS = 604_800


@dataclass(frozen=True)
class RateLimit:
    """A token bucket: it holds `requests` tokens, and an empty one is full again after `seconds`."""

    requests: int
    seconds: int


@dataclass(frozen=True)
class SinkReports:
    """When the sink reports what became of a message: after so many seconds; None for never, only by hand."""

    seconds: int | None

    def __str__(self) -> str:
        return "by-hand" if self.seconds is None else f"after:{self.seconds}" if self.seconds else "at-once"


@dataclass(frozen=True)
class Form:
    """The form of a value: its kind, its text in help messages, and the function that checks it.

    `parse` takes the decoded value and returns the final one, or raises ValueError("must ...").
    """

    kind: Kind
    shown: str
    parse: Callable[[Any], object]


def integer(low: int, high: int) -> Form:
    def parse(value: int) -> int:
        if not low <= value <= high:
            raise ValueError(f"must be an integer from {low} to {high}")
        return value

    return Form("integer", "N", parse)


def one_of(*choices: str) -> Form:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return Form("text", "|".join(choices), parse)


def matching(shown: str, pattern: str, rule: str) -> Form:
    def parse(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(rule)
        return value

    return Form("text", shown, parse)


def _database(value: str) -> str:
    from signalbox.ground import postgres_url

    if value == "sqlite:///:memory:":  # the spelling of other programs
        return "sqlite://"
    if re.fullmatch(r"sqlite://(/[^?#]+)?", value):
        return value
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError(
            "must be sqlite:///relative.db, sqlite:////absolute.db, sqlite:// (memory) or postgresql://user@host/name"
        )
    postgres_url.read(value, {})  # raises ValueError
    return value


def _direct(value: str) -> str:
    if _database(value).startswith("sqlite"):
        raise ValueError("must be postgresql://user@host/name")
    return value


def _public_url(value: str) -> str:
    from urllib.parse import urlsplit

    rule = "must be an absolute http or https URL without user, query and fragment, such as https://api.example.com"
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port  # raises ValueError when it is not a port
    except ValueError:
        valid = False
    if not valid or not re.fullmatch(r"[!-~]+", value) or re.search(r"[?#\\<>\"]", value):
        raise ValueError(rule)
    return value.rstrip("/")


def _networks(values: list[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    from ipaddress import ip_network

    networks = []
    for value in values:
        try:
            networks.append(ip_network(value))
        except ValueError as error:
            raise ValueError(f"must be IP addresses or networks such as 10.0.0.0/8: {error}") from None
    return tuple(networks)


def _origins(values: list[str]) -> tuple[str, ...]:
    origin = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")
    for value in values:
        if value != "*" and not origin.fullmatch(value.lower()):
            raise ValueError(f"must be origins such as https://app.example.com, or *; {value!r} is neither")
    return tuple(value.lower() for value in values)


def _rate_limit(value: str) -> RateLimit:
    match = re.fullmatch(r"([1-9]\d{0,6})/([1-9]\d{0,4})", value, re.ASCII)
    if not match:
        raise ValueError("must be REQUESTS/SECONDS, two positive integers such as 600/60")
    return RateLimit(int(match[1]), int(match[2]))


def _sink_reports(value: str) -> SinkReports:
    if value == "by-hand":
        return SinkReports(None)
    after = re.fullmatch(r"after:(\d{1,7})", value, re.ASCII)
    if value != "at-once" and (after is None or int(after[1]) > _MOST_SECONDS):
        raise ValueError(f"must be at-once, by-hand or after:SECONDS with 0 to {_MOST_SECONDS} seconds")
    return SinkReports(int(after[1]) if after else 0)


HOST = matching("ADDRESS", r"[A-Za-z0-9._:%-]+", "must be a host name or an IP address, without a port")
SID = matching("SID", r"AC[0-9a-f]{32}", "must be AC and 32 lower-case hexadecimal digits")
TOKEN = matching("TOKEN", r"[!-~]{1,256}", "must be 1 to 256 visible ASCII characters")
DATABASE = Form("text", "URL", _database)
DIRECT = Form("text", "URL", _direct)
PUBLIC_URL = Form("text", "URL", _public_url)
NETWORKS = Form("list", "CIDR,...", _networks)
ORIGINS = Form("list", "ORIGIN,...", _origins)
RATE = Form("text", "REQUESTS/SECONDS", _rate_limit)
SINK_REPORTS = Form("text", "at-once|after:SECONDS|by-hand", _sink_reports)
BOOLEAN = Form("boolean", "BOOLEAN", bool)
FILE = Form("text", "FILE", Path)
