"""The `signalbox` command: one function per command, which imports what it needs only when called."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from signalbox import __version__, config
from signalbox.errors import Bug, SignalboxError

if TYPE_CHECKING:
    from signalbox.accounts import Account, Key
    from signalbox.config import Settings
    from signalbox.db import Tx

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., None])

_FAILED, _MISUSED = 1, 2  # exit codes; click uses 2 as well


class _Group(click.Group):
    """Turns what is expected to go wrong into one line on standard error and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except config.ConfigError as error:
            for problem in error.problems:
                _complain(problem)
            ctx.exit(_MISUSED)
        except (Bug, BrokenPipeError):
            raise
        except (SignalboxError, OSError) as error:
            _complain(str(error))
            ctx.exit(_FAILED)


def _options(*keys: str) -> Callable[[Command], Command]:
    """An option for each of these settings; its text arrives as a keyword argument, None where not given."""

    def decorate(command: Command) -> Command:
        for setting in reversed([one for one in config.SETTINGS if one.key in keys]):
            text = f"{setting.help}  [{setting.variable}; default: {setting.default_text}]"
            if setting.form.kind == "boolean":
                names = f"{setting.flag}/--no-{setting.flag[2:]}"
                command = click.option(names, setting.key, default=None, help=text)(command)
            else:
                command = click.option(setting.flag, setting.key, metavar=setting.form.shown, help=text)(command)
        return command

    return decorate


_DATABASE = ("database", "database_direct", "config")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="signalbox", message="%(prog)s %(version)s")
def main() -> None:
    """The Communications API as a program you run: senders, sender pools and their operations.

    Every setting is an option, an environment variable (SIGNALBOX_...) and a key of signalbox.toml; the
    command line wins, then the environment, then the file.
    """


@main.command()
@_options(*(setting.key for setting in config.SETTINGS if setting.option))
def serve(**command_line: str | bool | None) -> None:
    """Answer requests, and work on operations."""
    settings = _settings(command_line)
    from signalbox import app, log

    log.configure(settings.log_format, settings.log_level)
    sys.exit(_run(app.serve(settings)))


@main.command()
@_options("database", "workers", "database_connections", "database_direct", "log_format", "log_level", "config")
def worker(**command_line: str | bool | None) -> None:
    """Work on operations only, beside processes that serve."""
    settings = _lasting(_settings(command_line))
    if settings.workers == 0:
        raise config.ConfigError(["workers: must be at least 1 for a process that only works"])
    from signalbox import app, log

    log.configure(settings.log_format, settings.log_level)
    sys.exit(_run(app.work(settings)))


@main.group()
def accounts() -> None:
    """Create, list, suspend and resume accounts; replace their tokens."""


@accounts.command("create")
@click.argument("name")
@_as_json
@_options(*_DATABASE)
def create_account(name: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Create an account and show its auth token, once."""
    from signalbox import accounts

    new = _write(command_line, lambda tx: accounts.create(tx, name))
    _show({"accountSid": new.account.sid, "authToken": new.token}, as_json)


@accounts.command("list")
@_as_json
@_options(*_DATABASE)
def list_accounts(as_json: bool, **command_line: str | bool | None) -> None:
    """List every account."""
    from signalbox import accounts

    found = _read(command_line, accounts.list_all)
    _show_all(["accountSid", "status", "createdAt", "name"], [_account_row(one) for one in found], as_json)


@accounts.command("suspend")
@click.argument("sid")
@_as_json
@_options(*_DATABASE)
def suspend_account(sid: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Refuse an account's credentials. On return, no process accepts them any more."""
    from signalbox import accounts

    _write(command_line, lambda tx: accounts.suspend(tx, sid))
    _wait_until_everywhere()
    _show({"accountSid": sid, "status": "SUSPENDED"}, as_json)


@accounts.command("resume")
@click.argument("sid")
@_as_json
@_options(*_DATABASE)
def resume_account(sid: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Accept a suspended account's credentials again."""
    from signalbox import accounts

    _write(command_line, lambda tx: accounts.resume(tx, sid))
    _show({"accountSid": sid, "status": "ACTIVE"}, as_json)


@accounts.command("rotate-token")
@click.argument("sid")
@_as_json
@_options(*_DATABASE)
def rotate_token(sid: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Replace an account's auth token and show it, once. On return, the old one is dead everywhere."""
    from signalbox import accounts

    token = _write(command_line, lambda tx: accounts.rotate_token(tx, sid))
    # Shown before the wait: a command interrupted there must not take the only sight of the token with it.
    _show({"accountSid": sid, "authToken": token}, as_json)
    _wait_until_everywhere()


@main.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command("create")
@click.option("--account", "account_sid", metavar="SID", required=True, help="The account that the key speaks for.")
@click.option("--name", metavar="NAME", default="", help="What people call the key.")
@_as_json
@_options(*_DATABASE)
def create_key(account_sid: str, name: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Create an API key and show its secret, once."""
    from signalbox import accounts

    new = _write(command_line, lambda tx: accounts.create_key(tx, account_sid, name))
    _show({"keySid": new.key.sid, "secret": new.secret}, as_json)


@keys.command("list")
@click.option("--account", "account_sid", metavar="SID", help="Only the keys of this account.")
@_as_json
@_options(*_DATABASE)
def list_keys(account_sid: str | None, as_json: bool, **command_line: str | bool | None) -> None:
    """List API keys, revoked ones included."""
    from signalbox import accounts

    found = _read(command_line, lambda tx: accounts.list_keys(tx, account_sid))
    columns = ["keySid", "accountSid", "status", "createdAt", "revokedAt", "name"]
    _show_all(columns, [_key_row(one) for one in found], as_json)


@keys.command("revoke")
@click.argument("sid")
@_as_json
@_options(*_DATABASE)
def revoke_key(sid: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Refuse a key for good. On return, no process accepts it any more."""
    from signalbox import accounts

    _write(command_line, lambda tx: accounts.revoke_key(tx, sid))
    _wait_until_everywhere()
    _show({"keySid": sid, "status": "REVOKED"}, as_json)


def _settings(command_line: Mapping[str, str | bool | None]) -> Settings:
    for warning in config.unknown_variables(os.environ):
        _complain(warning)
    texts = {key: str(value).lower() if isinstance(value, bool) else value for key, value in command_line.items()}
    return config.load(texts, os.environ)


def _lasting(settings: Settings) -> Settings:
    if settings.database == "sqlite://":
        raise config.ConfigError(["database: sqlite:// lives in the memory of one process; this command needs a file"])
    return settings


def _read(command_line: Mapping[str, str | bool | None], work: Callable[[Tx], Awaitable[T]]) -> T:
    return _with_database(command_line, work, writes=False)


def _write(command_line: Mapping[str, str | bool | None], work: Callable[[Tx], Awaitable[T]]) -> T:
    return _with_database(command_line, work, writes=True)


def _with_database(
    command_line: Mapping[str, str | bool | None], work: Callable[[Tx], Awaitable[T]], *, writes: bool
) -> T:
    """What `work` returns for a transaction of its own."""
    settings = _lasting(_settings(command_line))
    from signalbox import db, log

    log.configure(settings.log_format, "warning")  # standard error is for what went wrong, here
    database = db.connect(settings.database, connections=1, direct=settings.database_direct)

    async def go() -> T:
        await database.open()
        try:
            return await (database.write(work) if writes else database.read(work))
        finally:
            await database.close()

    return _run(go())


def _run(work: Coroutine[Any, Any, T]) -> T:
    import asyncio

    try:
        import uvloop
    except ImportError:  # there is none for this system
        loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    else:
        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(work)


def _wait_until_everywhere() -> None:
    """Processes may believe a credential they checked this much longer; then a change of it is in force."""
    import time

    from signalbox.accounts import CREDENTIAL_TTL

    time.sleep(CREDENTIAL_TTL)


def _account_row(account: Account) -> dict[str, str | None]:
    from signalbox import clock

    return {
        "accountSid": account.sid,
        "name": account.name,
        "status": account.status,
        "createdAt": clock.rfc3339(account.created_at),
    }


def _key_row(key: Key) -> dict[str, str | None]:
    from signalbox import clock

    return {
        "keySid": key.sid,
        "accountSid": key.account_sid,
        "name": key.name,
        "status": "ACTIVE" if key.revoked_at is None else "REVOKED",
        "createdAt": clock.rfc3339(key.created_at),
        "revokedAt": None if key.revoked_at is None else clock.rfc3339(key.revoked_at),
    }


def _show(fields: Mapping[str, str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(fields))
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        click.echo(f"{name:<{width}}  {value}")


def _show_all(columns: Sequence[str], rows: Sequence[Mapping[str, str | None]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows))
        return
    from signalbox.log import printable

    lines = [list(columns), *([printable(row[column] or "-") for column in columns] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _complain(text: str) -> None:
    one_line = text if text.isprintable() else repr(text)[1:-1]
    click.echo(f"signalbox: {one_line}", err=True)
