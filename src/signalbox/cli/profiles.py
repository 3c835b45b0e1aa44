"""The server and the credentials that commands use: stored profiles, the environment, and the client made from them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

from signalbox.cli.endings import MISUSED, Ended, complain, error_lines

if TYPE_CHECKING:
    from signalbox_client import Signalbox

DEFAULT_URL: Final = "http://127.0.0.1:8080"
DEFAULT_PROFILE: Final = "default"
_NAMES: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Login:
    """A server's URL, and the credentials of an account (its SID and auth token) or of an API key (SID and secret)."""

    base_url: str
    sid: str
    secret: str

    def __repr__(self) -> str:
        return f"Login({self.base_url!r}, {self.sid!r})"


def _complete_profile(_context: click.Context, _parameter: click.Parameter, start: str) -> list[CompletionItem]:
    try:
        return [CompletionItem(name) for name in sorted(_stored()) if name.startswith(start)]
    except Ended:  # nobody asked for the file yet: the command itself says what is wrong
        return []


profile_option = click.option(
    "--profile",
    metavar="NAME",
    shell_complete=_complete_profile,
    help="Use this stored profile and ignore the environment.  [SIGNALBOX_PROFILE; default: default]",
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
        help=f"URL of the server, instead of the profile's.  [SIGNALBOX_BASE_URL; default: {DEFAULT_URL}]",
    )
    return profile_option(url(command))


def file() -> Path:
    """The file of the profiles: `profiles.json` in the user's configuration folder."""
    return Path(click.get_app_dir("signalbox")) / "profiles.json"


def name_of(profile: str | None) -> str:
    """The profile's name: the option, else SIGNALBOX_PROFILE, else `default`."""
    name = profile or os.environ.get("SIGNALBOX_PROFILE") or DEFAULT_PROFILE
    if not _NAMES.fullmatch(name):
        raise Ended("a profile's name must have 1 to 64 letters, digits and . _ -", code=MISUSED)
    return name


def store(name: str, login: Login) -> None:
    """Stores the profile; only its owner can read the file."""
    _write({**_stored(), name: asdict(login)})


def forget(name: str) -> bool:
    """Removes the profile; returns whether it existed."""
    kept = _stored()
    if kept.pop(name, None) is None:
        return False
    _write(kept)
    return True


@contextmanager
def connected(profile: str | None, *, hurried: bool = False) -> Iterator[Signalbox]:
    """A client for the profile of the option, the environment or the default; its errors end the command.

    `--url` wins over all of them. A hurried client gives up after two seconds.
    """
    login = chosen(profile)
    if url := click.get_current_context().meta.get(_URL):
        login = replace(login, base_url=url)
    with client(login, hurried=hurried) as connection:
        yield connection


@contextmanager
def client(login: Login, *, hurried: bool = False) -> Iterator[Signalbox]:
    """A client with these credentials. An HTTP error ends the command, with every line of the error."""
    from signalbox_client import ApiError, ConnectionFailed, Signalbox, SignalboxError

    seconds, retries = (2.0, 0) if hurried else (30.0, 3)
    make = partial(Signalbox, base_url=login.base_url, timeout=seconds, max_retries=retries)
    try:
        if login.sid.startswith("SK"):
            made = make(api_key=login.sid, api_secret=login.secret)
        else:
            made = make(login.sid, login.secret)
    except SignalboxError as error:  # of the environment: a URL, a proxy, the files of certificates
        raise Ended(str(error), code=MISUSED) from None
    try:
        with made:
            yield made
    except ApiError as error:
        raise Ended(*error_lines(error)) from None
    except ConnectionFailed as error:
        from signalbox.cli import unreachable

        raise Ended(*unreachable.lines(login.base_url, error)) from None
    except SignalboxError as error:
        raise Ended(str(error)) from None


def chosen(profile: str | None) -> Login:
    """The login to use: the option's profile; without the option the environment, completed from the profile."""
    name = name_of(profile)
    given = None if profile else from_environment(os.environ)
    base_url = os.environ.get("SIGNALBOX_BASE_URL", "").strip()
    if given and base_url:  # the file is not needed, and may be out of reach
        return Login(base_url, *given)
    stored = _stored()
    if profile and name not in stored:
        raise Ended(f"there is no profile {name}: `signalbox login --profile {name}` creates it", code=MISUSED)
    kept = _login(name, stored[name]) if name in stored else None
    if profile and kept:
        return kept
    base_url = base_url or (kept.base_url if kept else DEFAULT_URL)
    if given:
        return Login(base_url, *given)
    if kept:
        return Login(base_url, kept.sid, kept.secret)
    raise Ended(
        "no credentials: run `signalbox login`, or set SIGNALBOX_ACCOUNT_SID and SIGNALBOX_AUTH_TOKEN, "
        "or SIGNALBOX_API_KEY and SIGNALBOX_API_SECRET",
        code=MISUSED,
    )


def from_environment(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """SID and secret from the environment; an API key wins over the account. None when neither is set."""
    for sid, secret in (
        ("SIGNALBOX_API_KEY", "SIGNALBOX_API_SECRET"),
        ("SIGNALBOX_ACCOUNT_SID", "SIGNALBOX_AUTH_TOKEN"),
    ):
        one, other = environ.get(sid, "").strip(), environ.get(secret, "").strip()
        if one and other:
            return one, other
        if one or other:
            there, lacking = (sid, secret) if one else (secret, sid)
            raise Ended(f"{there} is set, but {lacking} is not", code=MISUSED)
    return None


def _login(name: str, kept: Mapping[str, object]) -> Login:
    try:
        texts = {key: str(kept[key]) for key in ("base_url", "sid", "secret")}
    except KeyError as error:
        raise Ended(f"{file()}: the profile {name} has no {error.args[0]}; log in again", code=MISUSED) from None
    return Login(**texts)


def _stored() -> dict[str, dict[str, object]]:
    path = file()
    try:
        text = path.read_text("utf-8")
        found = json.loads(text)
        readable_by_others = path.stat().st_mode & 0o077
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        cure = "or set SIGNALBOX_BASE_URL and credentials, which need no profile"
        raise Ended(f"{path}: cannot be read: {error.strerror}; correct that, {cure}", code=MISUSED) from None
    except (UnicodeDecodeError, ValueError) as error:
        raise Ended(f"{path}: is not valid JSON: {error}", code=MISUSED) from None
    except RecursionError:
        raise Ended(f"{path}: is nested too deeply", code=MISUSED) from None
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise Ended(f"{path}: is not a JSON object of profiles", code=MISUSED)
    if readable_by_others and os.name == "posix":
        complain(f"{path}: other users can read it; run chmod 600 on it")
    return found


def _write(profiles: Mapping[str, Mapping[str, object]]) -> None:
    path = file()
    if str(path).startswith("~"):
        raise Ended("there is no home folder to store profiles in: set HOME or XDG_CONFIG_HOME", code=MISUSED)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A new file replaces the old one: readers never see half a file, and other users can never read it.
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(profiles, out, indent=2)
        out.write("\n")
    new.replace(path)
