"""`signalbox accounts` and `signalbox keys`: the accounts and API keys in the server's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from signalbox.cli.database import database_options, read, write
from signalbox.cli.endings import already_done
from signalbox.cli.groups import Commands
from signalbox.cli.listing import limit_option, show_rows
from signalbox.cli.output import as_json_option, show

if TYPE_CHECKING:
    from signalbox.accounts.accounts import Account, Key
    from signalbox.db import Tx

_MADE: Final = "the change was made; processes may accept the old credentials for a moment more"


@click.group(cls=Commands)
def accounts() -> None:
    """Create, list, suspend, resume and delete accounts; replace their tokens."""


@accounts.command("create")
@click.argument("name")
@as_json_option
@database_options
def create_account(name: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Create an account and show its auth token, once."""
    from signalbox.accounts import accounts

    new = write(command_line, lambda tx: accounts.create(tx, name))
    sid = new.account.sid
    cure = f"`signalbox accounts rotate-token {sid}` shows a new token"
    show({"accountSid": sid, "authToken": new.token}, as_json, f"the account {sid} was created; {cure}")


@accounts.command("list")
@limit_option
@as_json_option
@database_options
def list_accounts(limit: int | None, as_json: bool, **command_line: str | bool | None) -> None:
    """List every account."""
    from signalbox.accounts import accounts

    found = read(command_line, accounts.list_all)
    columns = ["name", "accountSid", "status", "createdAt"]
    show_rows(columns, [_account_row(one) for one in found], limit, as_json)


@accounts.command("suspend")
@click.argument("sid")
@as_json_option
@database_options
def suspend_account(sid: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Stop accepting an account's credentials. On return, no process accepts them any more."""
    from signalbox.accounts import accounts

    write(command_line, lambda tx: accounts.suspend(tx, sid))
    _wait_until_everywhere()
    show({"accountSid": sid, "status": "SUSPENDED"}, as_json, f"the account {sid} is suspended")


@accounts.command("resume")
@click.argument("sid")
@as_json_option
@database_options
def resume_account(sid: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Accept a suspended account's credentials again."""
    from signalbox.accounts import accounts

    write(command_line, lambda tx: accounts.resume(tx, sid))
    show({"accountSid": sid, "status": "ACTIVE"}, as_json, f"the account {sid} is active")


@accounts.command("delete")
@click.argument("sid")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json_option
@database_options
def delete_account(sid: str, yes: bool, as_json: bool, **command_line: str | bool | None) -> None:
    """Delete an account with all its data, for good.

    On return, no process accepts its credentials any more. The workers remove the data; until they have,
    `accounts list` shows the account as DELETING.
    """
    from signalbox.accounts import accounts, deletion
    from signalbox.cli.arguments import confirm_name

    if not yes:
        account = read(command_line, lambda tx: accounts.fetch(tx, sid))
        confirm_name(f"Account {sid}, {account.name!r}, with all its data will be deleted for good.", sid)
    write(command_line, lambda tx: deletion.begin(tx, sid))
    _wait_until_everywhere()
    show({"accountSid": sid, "status": "DELETING"}, as_json, f"the account {sid} is being deleted")


@accounts.command("rotate-token")
@click.argument("sid")
@as_json_option
@database_options
def rotate_token(sid: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Replace an account's auth token and show it, once. On return, no process accepts the old one any more."""
    from signalbox.accounts import accounts

    token = write(command_line, lambda tx: accounts.rotate_token(tx, sid))
    # Shown before the wait: the token is shown only once, and Ctrl-C during the wait must not lose it.
    done = f"the token of {sid} was replaced; run the command again for one that is shown"
    with already_done(_MADE):
        show({"accountSid": sid, "authToken": token}, as_json, done)
        _sleep()


@accounts.command("recount")
@as_json_option
@database_options
def recount(as_json: bool, **command_line: str | bool | None) -> None:
    """Count the members of every sender pool again, after an upgrade beside running processes of an earlier version."""
    from signalbox.accounts import accounts
    from signalbox.inventory import sender_pools

    async def recount_one(tx: Tx, sid: str) -> None:
        await sender_pools.recount(tx, await accounts.id_of(tx, sid))

    found = read(command_line, accounts.list_all)
    for account in found:
        write(command_line, lambda tx, sid=account.sid: recount_one(tx, sid))  # type: ignore[misc]
    show({"accounts": str(len(found))}, as_json)


@click.group(cls=Commands)
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command("create")
@click.option("--account", "account_sid", metavar="SID", required=True, help="The account of the key.")
@click.option("--name", metavar="NAME", default="", help="A name to recognize the key by.")
@as_json_option
@database_options
def create_key(account_sid: str, name: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Create an API key and show its secret, once."""
    from signalbox.accounts import accounts

    new = write(command_line, lambda tx: accounts.create_key(tx, account_sid, name))
    sid = new.key.sid
    done = f"the key {sid} was created, and its secret is lost: `signalbox keys revoke {sid}`, then create another"
    show({"keySid": sid, "secret": new.secret}, as_json, done)


@keys.command("list")
@limit_option
@click.option("--account", "account_sid", metavar="SID", help="Only the keys of this account.")
@as_json_option
@database_options
def list_keys(limit: int | None, account_sid: str | None, as_json: bool, **command_line: str | bool | None) -> None:
    """List API keys, revoked ones included."""
    from signalbox.accounts import accounts

    found = read(command_line, lambda tx: accounts.list_keys(tx, account_sid))
    columns = ["name", "keySid", "accountSid", "status", "createdAt", "revokedAt"]
    show_rows(columns, [_key_row(one) for one in found], limit, as_json)


@keys.command("revoke")
@click.argument("sid")
@as_json_option
@database_options
def revoke_key(sid: str, as_json: bool, **command_line: str | bool | None) -> None:
    """Stop accepting a key, for good. On return, no process accepts it any more."""
    from signalbox.accounts import accounts

    write(command_line, lambda tx: accounts.revoke_key(tx, sid))
    _wait_until_everywhere()
    show({"keySid": sid, "status": "REVOKED"}, as_json, f"the key {sid} is revoked")


def _wait_until_everywhere() -> None:
    with already_done(_MADE):
        _sleep()


def _sleep() -> None:
    """Waits as long as a process may cache a credential that it checked; then the change is in force everywhere."""
    import time

    from signalbox.accounts.accounts import CREDENTIAL_TTL

    time.sleep(CREDENTIAL_TTL)


def _account_row(account: Account) -> dict[str, str | None]:
    from signalbox.ground import clock

    return {
        "accountSid": account.sid,
        "name": account.name,
        "status": account.status,
        "createdAt": clock.rfc3339(account.created_at),
    }


def _key_row(key: Key) -> dict[str, str | None]:
    from signalbox.ground import clock

    return {
        "keySid": key.sid,
        "accountSid": key.account_sid,
        "name": key.name,
        "status": "ACTIVE" if key.revoked_at is None else "REVOKED",
        "createdAt": clock.rfc3339(key.created_at),
        "revokedAt": None if key.revoked_at is None else clock.rfc3339(key.revoked_at),
    }
