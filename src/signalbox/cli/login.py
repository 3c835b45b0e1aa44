"""`signalbox login` and `logout`: stored profiles, so that the other commands need no credentials."""

from __future__ import annotations

import os
import re
import sys

import click

from signalbox.cli import profiles
from signalbox.cli.endings import MISUSED, Ended
from signalbox.cli.profiles import Login, profile_option
from signalbox.cli.streams import done_unseen


@click.command()
@click.option(
    "--base-url", metavar="URL", help=f"URL of the server.  [SIGNALBOX_BASE_URL; default: {profiles.DEFAULT_URL}]"
)
@click.option("--sid", metavar="SID", help="Account SID (AC...) or API key (SK...).")
@profile_option
def login(base_url: str | None, sid: str | None, profile: str | None) -> None:
    """Check credentials with the server, and store them for the other commands.

    On a terminal the command asks for what is missing. Without a terminal it reads the secret from the first
    line of standard input; there is no option for the secret, because other users can read a command line.
    """
    name = profiles.name_of(profile)
    new = _asked(base_url, sid)
    with profiles.client(new) as client:
        next(iter(client.senders.list(page_size=1).pages()))
    profiles.store(name, new)
    with done_unseen(f"the profile {name} was stored"):
        click.echo(f"{new.sid} at {new.base_url}: stored as {name} in {profiles.file()}")


@click.command()
@profile_option
def logout(profile: str | None) -> None:
    """Remove a stored profile."""
    name = profiles.name_of(profile)
    if not profiles.forget(name):
        raise Ended(f"there is no profile {name}")
    with done_unseen(f"the profile {name} was removed"):
        click.echo(f"removed {name} from {profiles.file()}")


def _asked(base_url: str | None, sid: str | None) -> Login:
    on_terminal = sys.stdin.isatty()
    default_url = os.environ.get("SIGNALBOX_BASE_URL", "").strip() or profiles.DEFAULT_URL
    given = None if sid else profiles.from_environment(os.environ)
    if base_url is None:
        base_url = click.prompt("Base URL", default_url, err=True) if on_terminal and not given else default_url
    base_url = base_url.strip()
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", base_url):
        raise Ended("the base URL must be http:// or https:// with a host and without a query", code=MISUSED)
    if given:
        sid, secret = given
    else:
        if sid is None and not on_terminal:
            raise Ended("--sid is needed where standard input is not a terminal", code=MISUSED)
        sid = sid or click.prompt("Account SID or API key", err=True)
        secret = _secret(sid, on_terminal)
    if not re.fullmatch(r"(AC|SK)[0-9a-f]{32}", sid):
        raise Ended("the SID must be AC or SK and 32 lower-case hexadecimal digits", code=MISUSED)
    return Login(base_url.rstrip("/"), sid, secret)


def _secret(sid: str, on_terminal: bool) -> str:
    if on_terminal:
        secret: str = click.prompt("Secret" if sid.startswith("SK") else "Auth token", hide_input=True, err=True)
        return secret
    line = sys.stdin.readline().strip()
    if not line:
        raise Ended("standard input contains no secret", code=MISUSED)
    return line
