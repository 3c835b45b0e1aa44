"""`signalbox login`, `logout` and `env`: stored profiles, so that the other commands need no credentials."""

from __future__ import annotations

import os
import re
import shlex
import sys

import click

from signalbox.cli import profile_files, profiles
from signalbox.cli.endings import MISUSED, Ended
from signalbox.cli.profile_files import Login
from signalbox.cli.profiles import profile_option
from signalbox.cli.streams import done_unseen


@click.command()
@click.option("--url", metavar="URL", help=f"URL of the server.  [SIGNALBOX_URL; default: {profiles.DEFAULT_URL}]")
@click.option("--account-sid", metavar="SID", help="Account SID (AC...) or API key (SK...).  [SIGNALBOX_ACCOUNT_SID]")
@profile_option
def login(url: str | None, account_sid: str | None, profile: str | None) -> None:
    """Check credentials with the server, and store them for the other commands.

    On a terminal the command asks for what is missing. Without a terminal it reads the token from the first
    line of standard input; there is no option for the token, because other users can read a command line.
    """
    name = profiles.name_of(profile)
    new = _asked(url, account_sid)
    with profiles.client(new) as client:
        next(iter(client.senders.list(page_size=1).pages()))
    path = profile_files.store(name, new)
    with done_unseen(f"the profile {name} was stored"):
        click.echo(f"{new.account_sid} at {new.url}: stored as {name} in {path}")


@click.command()
@profile_option
def logout(profile: str | None) -> None:
    """Remove a stored profile."""
    name = profiles.name_of(profile)
    path = profile_files.forget(name)
    if path is None:
        raise Ended(f"there is no profile {name}")
    with done_unseen(f"the profile {name} was removed"):
        click.echo(f"removed {name} from {path}")


@click.command()
@profile_option
def env(profile: str | None) -> None:
    """Print the profile as variables that curl examples, clients and programs read.

    \b
    bash, zsh:  eval "$(signalbox env)"
    fish:       signalbox env | source
    """
    login = profiles.kept(profile)
    if login is None:
        raise Ended("no stored profile: run `signalbox login`, or `signalbox dev` in this folder", code=MISUSED)
    values = {
        "SIGNALBOX_URL": login.url,
        "SIGNALBOX_ACCOUNT_SID": login.account_sid,
        "SIGNALBOX_AUTH_TOKEN": login.auth_token,
    }
    for name, value in values.items():
        click.echo(f"export {name}={shlex.quote(value)}")


def _asked(url: str | None, sid: str | None) -> Login:
    on_terminal = sys.stdin.isatty()
    default_url = os.environ.get("SIGNALBOX_URL", "").strip() or profiles.DEFAULT_URL
    given = None if sid else profiles.from_environment(os.environ)
    if url is None:
        url = click.prompt("URL", default_url, err=True) if on_terminal and not given else default_url
    url = url.strip()
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
        raise Ended("the URL must be http:// or https:// with a host and without a query", code=MISUSED)
    if given:
        sid, token = given
    else:
        if sid is None and not on_terminal:
            raise Ended("--account-sid is needed where standard input is not a terminal", code=MISUSED)
        # SID:TOKEN in one piece, as a server prints them for curl.
        token = ""
        if sid is None:
            sid, _, token = click.prompt("Account SID or API key", err=True).strip().partition(":")
        token = token or _token(sid, on_terminal)
    if not re.fullmatch(r"(AC|SK)[0-9a-f]{32}", sid):
        raise Ended("the SID must be AC or SK and 32 lower-case hexadecimal digits", code=MISUSED)
    return Login(url.rstrip("/"), sid, token)


def _token(sid: str, on_terminal: bool) -> str:
    if on_terminal:
        token: str = click.prompt("Secret" if sid.startswith("SK") else "Auth token", hide_input=True, err=True)
        return token
    line = sys.stdin.readline().strip()
    if not line:
        raise Ended("standard input contains no token", code=MISUSED)
    return line
