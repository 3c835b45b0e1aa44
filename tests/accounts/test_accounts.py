"""Accounts, tokens and API keys through the noun: what the operator's commands do, and what they refuse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from signalbox.accounts import accounts
from signalbox.db import Database, Tx
from signalbox.ground.errors import Conflict, NotFound

NOBODY = "AC" + "0" * 32


async def test_account_is_found_by_its_sid_which_is_taken(database: Database) -> None:
    made = await database.write(lambda tx: accounts.create(tx, "Ada"))
    assert await database.read(lambda tx: accounts.fetch(tx, made.account.sid)) == made.account
    with pytest.raises(Conflict, match="already"):
        await database.write(lambda tx: accounts.create(tx, "Eve", made.account.sid))


async def test_new_token_replaces_the_old_one(database: Database) -> None:
    made = await database.write(lambda tx: accounts.create(tx, "Ada"))
    sid = made.account.sid
    token = await database.write(lambda tx: accounts.rotate_token(tx, sid))
    await database.write(lambda tx: accounts.suspend(tx, sid))
    await database.write(lambda tx: accounts.resume(tx, sid))
    keys = await database.write(accounts.keyring)
    valid = [
        await database.read(lambda tx, secret=secret: accounts.authenticate(tx, keys, sid, secret))  # type: ignore[misc]
        for secret in (made.token, token)
    ]
    assert [principal and principal.account_sid for principal in valid] == [None, sid]


async def test_keys_are_listed_for_all_accounts_or_for_one(database: Database) -> None:
    ada, ben = [await database.write(lambda tx: accounts.create(tx, "x")) for _ in range(2)]
    made = [
        await database.write(lambda tx, sid=one.account.sid: accounts.create_key(tx, sid, "CI"))  # type: ignore[misc]
        for one in (ada, ben)
    ]
    everyone = await database.read(lambda tx: accounts.list_keys(tx, None))
    assert {one.sid for one in everyone} == {one.key.sid for one in made}
    assert await database.read(lambda tx: accounts.list_keys(tx, ben.account.sid)) == [made[1].key]


@pytest.mark.parametrize(
    "work",
    [
        lambda tx: accounts.fetch(tx, NOBODY),
        lambda tx: accounts.suspend(tx, NOBODY),
        lambda tx: accounts.rotate_token(tx, NOBODY),
        lambda tx: accounts.create_key(tx, NOBODY, "CI"),
        lambda tx: accounts.list_keys(tx, NOBODY),
        lambda tx: accounts.revoke_key(tx, "SK" + "0" * 32),
    ],
    ids=["fetch", "suspend", "rotate", "create key", "list keys", "revoke key"],
)
async def test_what_is_not_there_is_not_found(database: Database, work: Callable[[Tx], Awaitable[object]]) -> None:
    with pytest.raises(NotFound, match="there is no"):
        await database.write(work)
