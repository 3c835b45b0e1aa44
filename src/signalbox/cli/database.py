"""Shared by the commands that open the server's database: its settings as options, and a transaction."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from signalbox.cli.endings import Ended, complain
from signalbox.cli.profile_files import DEV_DATABASE
from signalbox.ground.settings import SETTINGS, ConfigError, load, unknown_variables

if TYPE_CHECKING:
    from signalbox.db import Tx
    from signalbox.ground.settings import Settings

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., None])


def setting_options(*keys: str) -> Callable[[Command], Command]:
    """Adds an option for each of these settings; its text is passed as a keyword argument, None when not given."""

    def decorate(command: Command) -> Command:
        for setting in reversed([one for one in SETTINGS if one.key in keys]):
            text = f"{setting.help}  [{setting.variable}; default: {setting.default_text}]"
            if setting.form.kind == "boolean":
                names = f"{setting.flag}/--no-{setting.flag[2:]}"
                command = click.option(names, setting.key, default=None, help=text)(command)
            else:
                command = click.option(setting.flag, setting.key, metavar=setting.form.shown, help=text)(command)
        return command

    return decorate


database_options = setting_options("database", "database_direct", "config")


def settings_from(command_line: Mapping[str, str | bool | None]) -> Settings:
    """The settings of the server. Warns of what has no effect in variables and URLs. Raises ConfigError."""
    for warning in unknown_variables(os.environ):
        complain(warning)
    texts = {key: str(value).lower() if isinstance(value, bool) else value for key, value in command_line.items()}
    settings = load(texts, os.environ)
    for key, url in (("database", settings.database), ("database_direct", settings.database_direct)):
        if url and url.startswith("postgres"):
            from signalbox.ground import postgres_url

            for warning in postgres_url.read(url, os.environ).ignored:
                complain(f"{key}: {warning}")
    return settings


def lasting(settings: Settings) -> Settings:
    """Returns the same settings. Raises ConfigError for a database in memory, which ends with the process."""
    if settings.database == "sqlite://":
        raise ConfigError(["database: sqlite:// is kept in the memory of one process; this command needs a file"])
    return settings


def read(command_line: Mapping[str, str | bool | None], work: Callable[[Tx], Awaitable[T]]) -> T:
    """Runs `work` in a read-only transaction; returns its result."""
    return _with_database(command_line, work, writes=False)


def write(command_line: Mapping[str, str | bool | None], work: Callable[[Tx], Awaitable[T]]) -> T:
    """Runs `work` in a transaction and commits; returns its result."""
    return _with_database(command_line, work, writes=True)


def _with_database(
    command_line: Mapping[str, str | bool | None], work: Callable[[Tx], Awaitable[T]], *, writes: bool
) -> T:
    settings = lasting(settings_from(command_line))
    from signalbox import db
    from signalbox.db import migrate
    from signalbox.ground import log

    log.configure(settings.log_format, "warning")  # standard error shows only problems
    database = db.connect(settings.database, connections=1, direct=settings.database_direct)

    async def go() -> T:
        try:
            await database.open(create=False)
        except migrate.NoSchema:
            raise _no_database(settings.database) from None
        try:
            return await (database.write(work) if writes else database.read(work))
        finally:
            await database.close()

    return run(go())


def _no_database(url: str) -> Ended:
    from signalbox import db

    path = db.sqlite_path(url)
    if path is None:
        first = f"{db.safe_url(url)}: Signalbox has no tables in this database"
    elif Path(path).exists():
        first = f"{Path(path).absolute()}: is not a database of Signalbox"
    else:
        first = f"{Path(path).absolute()}: there is no such database"
    mend = ["name another with --database URL or SIGNALBOX_DATABASE; the first start of `signalbox serve` creates one"]
    if path is not None and DEV_DATABASE.exists():
        mend.insert(0, f"the database of `signalbox dev` in this folder: --database sqlite:///{DEV_DATABASE}")
    return Ended(first, *mend)


def run(work: Coroutine[object, object, T]) -> T:
    """Runs a coroutine to its end, on uvloop where it is installed."""
    import asyncio

    try:
        import uvloop
    except ImportError:  # pragma: no cover - uvloop does not support this system
        loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    else:
        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(work)
