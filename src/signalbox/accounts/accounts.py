"""Accounts, their tokens and API keys. Contract sections 2 and 9."""

from typing import Final

import msgspec

from signalbox.db import Tx
from signalbox.ground import secrets
from signalbox.ground.errors import Conflict, NotFound

# How long a process remembers a valid credential, in seconds. A command that revokes a credential returns after this
# time, so that no process accepts the credential any more.
CREDENTIAL_TTL: Final = 1.0

_NO_DIGEST: Final = bytes(32)


class Account(msgspec.Struct, frozen=True):
    """A tenant. `created_at` in milliseconds."""

    sid: str
    name: str
    status: str
    created_at: int


class NewAccount(msgspec.Struct, frozen=True):
    """A new account and its token, which is shown only once."""

    account: Account
    token: str


class Key(msgspec.Struct, frozen=True):
    """An API key of an account, without its secret."""

    sid: str
    account_sid: str
    name: str
    revoked_at: int | None
    created_at: int


class NewKey(msgspec.Struct, frozen=True):
    """A new API key and its secret, which is shown only once."""

    key: Key
    secret: str


class Principal(msgspec.Struct, frozen=True):
    """The account that sends a request, by its internal and its public id."""

    account_id: int
    account_sid: str


class Keyring(msgspec.Struct, frozen=True):
    """The keys of this database: for digests of secrets, and for page tokens."""

    digests: bytes
    page_tokens: bytes


async def keyring(tx: Tx) -> Keyring:
    """The keys of this database. The first call makes them; every process and every later call gets the same."""
    keys = {}
    for name in ("digests", "page_tokens"):
        rows = await tx.all("accounts.key", name=name)
        if not rows:
            await tx.run("accounts.add_key_of_ring", name=name, key=secrets.new_key())
            rows = await tx.all("accounts.key", name=name)
        ((keys[name],),) = rows
    return Keyring(**keys)


async def create_first(tx: Tx, sid: str | None = None, token: str | None = None) -> NewAccount | None:
    """Makes the first account of an empty database; None when there is an account."""
    await tx.all("accounts.lock_first")
    if await tx.one("accounts.any"):
        return None
    return await create(tx, "default", sid, token)


async def create(tx: Tx, name: str, sid: str | None = None, token: str | None = None) -> NewAccount:
    """Makes an account; its SID and token are random unless given. Raises Conflict when the SID is taken."""
    sid = sid or secrets.new_sid("AC")
    token = token or secrets.new_secret()
    digest = secrets.digest((await keyring(tx)).digests, token.encode())
    row = await tx.one("accounts.insert", sid=sid, name=name, token_digest=digest, now=tx.now)
    if row is None:
        raise Conflict(f"there is an account {sid} already")
    return NewAccount(Account(*row), token)


async def list_all(tx: Tx) -> list[Account]:
    """Every account, oldest first."""
    return [Account(*row) for row in await tx.all("accounts.list")]


async def fetch(tx: Tx, sid: str) -> Account:
    """One account. Raises NotFound."""
    row = await tx.one("accounts.fetch", sid=sid)
    if row is None:
        raise NotFound(f"there is no account {sid}")
    return Account(*row)


async def suspend(tx: Tx, sid: str) -> None:
    """Makes all credentials of the account invalid; its operations go on. Raises NotFound, Conflict during deletion."""
    await _set_status(tx, sid, "SUSPENDED")


async def resume(tx: Tx, sid: str) -> None:
    """Ends a suspension. Raises NotFound, and Conflict during the account's deletion."""
    await _set_status(tx, sid, "ACTIVE")


async def _set_status(tx: Tx, sid: str, status: str) -> None:
    if not await tx.run("accounts.set_status", sid=sid, status=status):
        await id_of(tx, sid)
        raise Conflict(f"account {sid} is being deleted")


async def rotate_token(tx: Tx, sid: str) -> str:
    """Replaces the account's token and returns the new one. Raises NotFound."""
    token = secrets.new_secret()
    digest = secrets.digest((await keyring(tx)).digests, token.encode())
    _found(await tx.run("accounts.set_token", sid=sid, token_digest=digest), f"there is no account {sid}")
    return token


async def create_key(tx: Tx, account_sid: str, name: str) -> NewKey:
    """Makes an API key for an account. Raises NotFound."""
    account_id = await id_of(tx, account_sid)
    secret = secrets.new_secret()
    digest = secrets.digest((await keyring(tx)).digests, secret.encode())
    key = Key(secrets.new_sid("SK"), account_sid, name, None, tx.now)
    await tx.run(
        "accounts.insert_api_key",
        sid=key.sid,
        account_id=account_id,
        name=name,
        secret_digest=digest,
        now=key.created_at,
    )
    return NewKey(key, secret)


async def list_keys(tx: Tx, account_sid: str | None) -> list[Key]:
    """Every API key, revoked ones included, or those of one account. Raises NotFound."""
    if account_sid is None:
        rows = await tx.all("accounts.list_api_keys")
    else:
        account_id = await id_of(tx, account_sid)
        rows = await tx.all("accounts.list_api_keys_of_account", account_id=account_id)
    return [Key(*row) for row in rows]


async def revoke_key(tx: Tx, sid: str) -> None:
    """Makes the key invalid for ever. Raises NotFound."""
    _found(await tx.run("accounts.revoke_api_key", sid=sid, now=tx.now), f"there is no API key {sid}")


async def authenticate(tx: Tx, keys: Keyring, sid: str, secret: str) -> Principal | None:
    """The principal of a SID and its secret; None when they are invalid, after the same work for every reason."""
    row = await tx.one("accounts.by_key" if sid.startswith("SK") else "accounts.by_token", sid=sid)
    account_id, account_sid, status, digest = row or (0, "", "", _NO_DIGEST)
    same = secrets.same(secrets.digest(keys.digests, secret.encode()), digest)
    return Principal(account_id, account_sid) if same and status == "ACTIVE" else None


async def id_of(tx: Tx, sid: str) -> int:
    """The internal id of an account. Raises NotFound."""
    row = await tx.one("accounts.id", sid=sid)
    if row is None:
        raise NotFound(f"there is no account {sid}")
    account_id: int = row[0]
    return account_id


def _found(rows: int, message: str) -> None:
    if not rows:
        raise NotFound(message)
