"""The server and the credentials that commands use: an option, the environment, a stored profile; and their client."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

from signalbox.cli import profile_files
from signalbox.cli.endings import MISUSED, Ended, error_lines
from signalbox.cli.profile_files import DEV_PROFILE, Login

if TYPE_CHECKING:
    from signalbox_client import Signalbox

DEFAULT_URL: Final = "http://127.0.0.1:8080"
DEFAULT_PROFILE: Final = "default"
_NAMES: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def _complete_profile(_context: click.Context, _parameter: click.Parameter, start: str) -> list[CompletionItem]:
    try:
        return [CompletionItem(name) for name in sorted(profile_files.stored()) if name.startswith(start)]
    except Ended:  # nobody asked for the file yet: the command itself says what is wrong
        return []


profile_option = click.option(
    "--profile",
    metavar="NAME",
    shell_complete=_complete_profile,
    help="Use this stored profile and ignore the environment.  [SIGNALBOX_PROFILE; default: default, else dev]",
)


_URL: Final = "signalbox.cli.profiles.url"


def _keep_url(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value:
        context.meta[_URL] = value


def server_options(command: Callable[..., None]) -> Callable[..., None]:
    """`--profile`, as an argument; and `--url`, which `connected` reads."""
    url = click.option(
        "--url",
        metavar="URL",
        expose_value=False,
        callback=_keep_url,
        help=f"URL of the server, instead of the profile's.  [SIGNALBOX_URL; default: {DEFAULT_URL}]",
    )
    return profile_option(url(command))


def name_of(profile: str | None) -> str:
    """The profile's name: the option, else SIGNALBOX_PROFILE, else `default`."""
    name = profile or os.environ.get("SIGNALBOX_PROFILE") or DEFAULT_PROFILE
    if not _NAMES.fullmatch(name):
        raise Ended("a profile's name must have 1 to 64 letters, digits and . _ -", code=MISUSED)
    return name


def kept(profile: str | None) -> Login | None:
    """The stored profile of the option or of SIGNALBOX_PROFILE, else `default`, else `dev`; None without one.

    Ends the command when the profile that the option names is not stored.
    """
    stored = profile_files.stored()
    name = name_of(profile)
    if profile and name not in stored:
        raise Ended(f"there is no profile {name}: {_mend(name)}", code=MISUSED)
    if name not in stored and not os.environ.get("SIGNALBOX_PROFILE"):
        name = DEV_PROFILE
    return stored.get(name)


@contextmanager
def connected(profile: str | None, *, hurried: bool = False) -> Iterator[Signalbox]:
    """A client for the profile of the option, the environment or the default; its errors end the command.

    `--url` wins over all of them. A hurried client gives up after two seconds.
    """
    login = chosen(profile)
    if url := click.get_current_context().meta.get(_URL):
        login = replace(login, url=url)
    with client(login, hurried=hurried) as connection:
        yield connection


@contextmanager
def client(login: Login, *, hurried: bool = False) -> Iterator[Signalbox]:
    """A client with these credentials. An HTTP error ends the command, with every line of the error."""
    from signalbox_client import ApiError, ConnectionFailed, Signalbox, SignalboxError

    seconds, retries = (2.0, 0) if hurried else (30.0, 3)
    try:
        made = Signalbox(login.account_sid, login.auth_token, url=login.url, timeout=seconds, max_retries=retries)
    except SignalboxError as error:  # of the environment: a URL, a proxy, the files of certificates
        raise Ended(str(error), code=MISUSED) from None
    try:
        with made:
            yield made
    except ApiError as error:
        raise Ended(*error_lines(error)) from None
    except ConnectionFailed as error:
        from signalbox.cli import unreachable

        raise Ended(*unreachable.lines(login.url, error)) from None
    except SignalboxError as error:
        raise Ended(str(error)) from None


def chosen(profile: str | None) -> Login:
    """The login to use: the option's profile; without the option the environment, completed from the profile."""
    given = None if profile else from_environment(os.environ)
    url = os.environ.get("SIGNALBOX_URL", "").strip()
    if given and url:  # the file is not needed, and may be out of reach
        return Login(url, *given)
    stored = kept(profile)
    if profile and stored:
        return stored
    url = url or (stored.url if stored else DEFAULT_URL)
    if given:
        return Login(url, *given)
    if stored:
        return Login(url, stored.account_sid, stored.auth_token)
    raise Ended(
        "no credentials: run `signalbox login`, or set SIGNALBOX_ACCOUNT_SID and SIGNALBOX_AUTH_TOKEN", code=MISUSED
    )


def from_environment(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """SID and token from the environment; None when neither is set."""
    sid, token = (environ.get(name, "").strip() for name in ("SIGNALBOX_ACCOUNT_SID", "SIGNALBOX_AUTH_TOKEN"))
    if sid and token:
        return sid, token
    if sid:
        raise Ended("SIGNALBOX_ACCOUNT_SID is set, but SIGNALBOX_AUTH_TOKEN is not", code=MISUSED)
    if token:
        raise Ended("SIGNALBOX_AUTH_TOKEN is set, but SIGNALBOX_ACCOUNT_SID is not", code=MISUSED)
    return None


def _mend(name: str) -> str:
    if name == DEV_PROFILE:
        return "`signalbox dev` creates it in the folder in which it runs"
    return f"`signalbox login --profile {name}` creates it"
