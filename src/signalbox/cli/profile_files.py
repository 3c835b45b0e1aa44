"""The files of stored profiles: the user's own, and that of `signalbox dev` in a project's folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from signalbox.cli.endings import MISUSED, Ended, complain

DEV_PROFILE: Final = "dev"
DEV_FOLDER: Final = Path(".signalbox")
DEV_DATABASE: Final = DEV_FOLDER / "dev.db"
_DEV_FILE: Final = DEV_FOLDER / "profiles.json"
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Login:
    """A server's URL, and the credentials of an account (SID and auth token) or of an API key (SID and secret)."""

    url: str
    account_sid: str
    auth_token: str

    def __repr__(self) -> str:
        return f"Login({self.url!r}, {self.account_sid!r})"


def file() -> Path:
    """The user's file: `profiles.json` in the user's configuration folder. Ends the command without a home folder."""
    folder = Path(click.get_app_dir("signalbox"))
    if not folder.is_absolute():  # `~` stays as it is for a user without HOME and without an entry in passwd
        raise Ended("no folder for profiles: set HOME or XDG_CONFIG_HOME", code=MISUSED)
    return folder / "profiles.json"


def stored() -> dict[str, Login]:
    """The user's profiles, and `dev` of the nearest project folder, which wins over the user's profile of this name.

    Ends the command for a file that cannot be read. A user without a home folder has no profiles.
    """
    of_project = _of_project()
    try:
        own = file()
    except Ended:
        return of_project
    return {**_read(own), **of_project}


def store(name: str, login: Login) -> Path:
    """Stores the user's profile; only the user can read the file, which is returned."""
    path = file()
    write(path, {**_read(path), name: login})
    return path


def forget(name: str) -> Path | None:
    """Removes the user's profile; returns the file, or None when there was no such profile."""
    path = file()
    kept = _read(path)
    if kept.pop(name, None) is None:
        return None
    write(path, kept)
    return path


def write(path: Path, profiles: Mapping[str, Login]) -> None:
    """Replaces a file of profiles. Ends the command when the file cannot be written."""
    # A new file replaces the old one: readers never see half a file, and other users can never read it.
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            json.dump({name: asdict(login) for name, login in profiles.items()}, out, indent=2)
            out.write("\n")
        new.replace(path)
    except OSError as error:
        raise Ended(
            f"{path}: cannot be written: {error.strerror}",
            "make the folder writable, or choose another with XDG_CONFIG_HOME; without a profile, set SIGNALBOX_URL,"
            " SIGNALBOX_ACCOUNT_SID and SIGNALBOX_AUTH_TOKEN",
        ) from None


def read_project(folder: Path) -> Login | None:
    """The profile `dev` in a project's folder; None without one. Ends the command for a file that cannot be read."""
    return _read(folder / _DEV_FILE).get(DEV_PROFILE)


def write_project(folder: Path, login: Login) -> None:
    """Stores the profile `dev` in a project's folder."""
    write(folder / _DEV_FILE, {DEV_PROFILE: login})


def _of_project() -> dict[str, Login]:
    """The profile `dev` of the working folder or the nearest folder above it.

    The file comes with the folder, for example in a cloned repository or on a shared disk. So it counts only when it
    belongs to the user, and only for a server on this machine.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the working folder was deleted
        return {}
    for folder in (here, *here.parents):
        path = folder / _DEV_FILE
        try:
            owner = path.stat().st_uid
        except OSError:
            continue
        if hasattr(os, "getuid") and owner != os.getuid():
            complain(f"{path}: belongs to another user; ignored")
            return {}
        login = read_project(folder)
        if login and urlsplit(login.url).hostname not in LOOPBACK:
            complain(f"{path}: the URL of the profile dev is not on this machine; ignored")
            return {}
        return {DEV_PROFILE: login} if login else {}
    return {}


def _read(path: Path) -> dict[str, Login]:
    try:
        text = path.read_text("utf-8")
        readable_by_others = path.stat().st_mode & 0o077
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError:
        raise _broken(path, "is not UTF-8 text") from None
    except OSError as error:
        raise Ended(f"{path}: cannot be read: {error.strerror}", code=MISUSED) from None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _broken(path, f"is not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise _broken(path, "is not a JSON object of profiles")
    if readable_by_others and os.name == "posix":
        complain(f"{path}: other users can read it; run chmod 600 on it")
    return {name: _login(path, name, kept) for name, kept in found.items()}


def _login(path: Path, name: str, kept: object) -> Login:
    if not isinstance(kept, dict):
        raise _broken(path, f"the profile {name} is not a JSON object")
    texts = [kept.get(key) for key in ("url", "account_sid", "auth_token")]
    if not all(isinstance(text, str) for text in texts):
        raise _broken(path, f"the profile {name} needs url, account_sid and auth_token, each a string")
    return Login(*map(str, texts))


def _broken(path: Path, problem: str) -> Ended:
    command = "dev" if path.parent.name == DEV_FOLDER.name else "login"
    return Ended(f"{path}: {problem}; correct it, or remove it and run `signalbox {command}`", code=MISUSED)
