"""`signalbox dev`: a server for this machine, with data in the folder, a profile, and a console that is signed in."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from signalbox.cli import profile_files
from signalbox.cli.endings import Ended, complain
from signalbox.cli.profile_files import DEV_DATABASE, DEV_FOLDER, DEV_PROFILE, Login
from signalbox.cli.profiles import DEFAULT_PROFILE

if TYPE_CHECKING:
    from signalbox.db import Database
    from signalbox.http.local import Local

# The same account in every project: it is not secret. The token is random, and stays that of the folder.
ACCOUNT_SID: Final = f"ACde{1:030x}"
_LOCK: Final = DEV_FOLDER / "dev.lock"
_OPENED: Final = DEV_FOLDER / "open.html"


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port of 127.0.0.1.")
@click.option("--memory", is_flag=True, help="Keep the data in memory, until the server stops.")
@click.option("--empty", is_flag=True, help="Begin without the demo data.")
@click.option("--open/--no-open", "opens", default=None, help="Open the console.  [default: on a terminal]")
def dev(port: int, memory: bool, empty: bool, opens: bool | None) -> None:
    """Try Signalbox, or develop with it: everything on this machine, ready at once.

    The data is in .signalbox in this folder. The commands of this folder find the server by the profile dev, unless
    the profile default is stored or the environment has credentials. Only this machine reaches the server.
    """
    from signalbox.ground.settings import Settings

    with _alone(DEV_FOLDER):
        database = "sqlite://" if memory else f"sqlite:///{DEV_DATABASE}"
        settings = Settings(port=port, database=database, request_bodies=True)
        gc.disable()  # until the server is ready
        from signalbox import app
        from signalbox.cli.database import run
        from signalbox.ground import log

        log.configure(settings.log_format, settings.log_level)
        sys.exit(run(app.serve(settings, _Guest(empty, _on_terminal() if opens is None else opens))))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Makes the folder, and keeps it for this process. Ends the command while another `dev` runs there."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", "utf-8")
        lock = _LOCK.open("a+", encoding="utf-8")
    except OSError as error:
        raise Ended(
            f"{(Path.cwd() / folder)}: cannot be written: {error.strerror}",
            "run `signalbox dev` in a folder of your own",
        ) from None
    with lock:
        try:
            _lock(lock.fileno())
        except OSError:
            lock.seek(0)
            raise Ended(*_runs_already(lock.read())) from None
        try:
            yield
        finally:
            lock.truncate(0)
            _OPENED.unlink(missing_ok=True)


def _lock(number: int) -> None:
    try:
        import fcntl
    except ImportError:  # pragma: no cover - not a POSIX system
        return
    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _runs_already(text: str) -> list[str]:
    try:
        running = json.loads(text)
        where = f"{running['url']} (process {running['pid']})"
    except (ValueError, KeyError, TypeError):
        where = "it is starting"
    return [
        f"`signalbox dev` runs already in this folder: {where}",
        "press Enter in its terminal for a new sign-in link, or Ctrl-C to stop it; another folder has its own server",
    ]


class _Guest:
    """The person at this machine: the account, the demo data, the profile and the open console."""

    local: Local

    def __init__(self, empty: bool, opens: bool) -> None:
        from signalbox.ground import secrets
        from signalbox.http.local import Local

        before = profile_files.read_project(Path())
        self._empty = empty
        self._opens = opens
        self.local = Local(ACCOUNT_SID, before.auth_token if before else secrets.new_secret())

    async def prepare(self, database: Database) -> None:
        """Makes the account and the demo data in an empty database."""
        from signalbox.accounts import accounts

        local = self.local
        keys = await database.write(accounts.keyring)
        first = await database.write(lambda tx: accounts.create_first(tx, local.account_sid, local.auth_token))
        principal = await database.read(lambda tx: accounts.authenticate(tx, keys, local.account_sid, local.auth_token))
        if principal is None:
            # The file of the profile was removed: the account gets a new token, and its data stays.
            local.auth_token = await database.write(lambda tx: accounts.rotate_token(tx, local.account_sid))
        elif first and not self._empty:
            from signalbox import demo

            await demo.fill(database, principal.account_id, principal.account_sid)

    def started(self, url: str) -> None:
        """Stores the profile; shows a sign-in link and opens the console on a terminal."""
        profile_files.write_project(Path(), Login(url, self.local.account_sid, self.local.auth_token))
        self._show_commands()
        _LOCK.write_text(json.dumps({"pid": os.getpid(), "url": url}), "utf-8")
        if _on_terminal():
            self._show_link(url)
            _on_enter(lambda: self._show_link(url))
        if self._opens:
            import threading

            threading.Thread(target=_open, args=(self._link(url),), daemon=True).start()

    def _show_commands(self) -> None:
        """Shows the first command to try. It names the profile where the commands would take other credentials."""
        from signalbox.ground import notices

        variables = ("SIGNALBOX_ACCOUNT_SID", "SIGNALBOX_URL", "SIGNALBOX_PROFILE")
        other = DEFAULT_PROFILE in profile_files.stored() or any(os.environ.get(name) for name in variables)
        option = f" --profile {DEV_PROFILE}" if other else ""
        notices.show("commands", {"try": f"signalbox pools list{option}", "shell": f'eval "$(signalbox env{option})"'})

    def _link(self, url: str) -> str:
        # In the fragment: browsers send it to no server, and the console removes it from the address at once.
        return f"{url}/console#sign-in={self.local.new_link()}"

    def _show_link(self, url: str) -> None:
        from signalbox.ground import notices

        words = "The link works once, within five minutes. Press Enter for a new one."
        notices.show("link", {"signIn": self._link(url)}, after=words)


def _open(link: str) -> None:
    """Opens the console by a file that only this user can read: other users see the command line of a browser."""
    import webbrowser

    page = f'<!doctype html><meta charset="utf-8"><script>location.replace({json.dumps(link)})</script>\n'
    with suppress(OSError, webbrowser.Error):
        _OPENED.unlink(missing_ok=True)
        with os.fdopen(os.open(_OPENED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(page)
        if _has_display() and webbrowser.open(_OPENED.absolute().as_uri()):
            return
    complain("no browser could be opened: open the sign-in link above, or the console's URL")


def _on_enter(show: Callable[[], None]) -> None:
    """Calls `show` for each Enter on the terminal."""
    if not (sys.stdin and sys.stdin.isatty()):
        return
    import asyncio

    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()

    def read() -> None:
        if _in_background(number):  # reading would stop the process (SIGTTIN)
            return
        if os.read(number, 4096):
            show()
        else:  # Ctrl-D
            loop.remove_reader(number)

    with suppress(NotImplementedError, OSError):
        loop.add_reader(number, read)


def _in_background(terminal: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) != os.getpgrp()
    except OSError:  # not the terminal that controls this process
        return False


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _has_display() -> bool:
    """Whether a browser with windows can be there. Without one, a text browser would take over the terminal."""
    known = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in known)
