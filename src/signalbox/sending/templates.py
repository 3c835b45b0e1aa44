"""Templates: named contents for messages. Contract section 10.6."""

import secrets
from typing import Final

import msgspec

from signalbox.db import Row, Tx, follow
from signalbox.ground import ids
from signalbox.ground.errors import NotFound
from signalbox.ground.page_tokens import IdRange

# Clients may choose `content_id`, so lists are ordered by a second id, which contains the time of the entry.
TEMPLATE: Final = ids.Kind("template", "a template")


class NewTemplate(msgspec.Struct, frozen=True):
    """The fields of a template that a client sets; `content` is valid JSON."""

    name: str
    content: str
    defaults: dict[str, str]


class Template(msgspec.Struct, frozen=True, gc=False):
    """A template. `content` is JSON; times are in milliseconds."""

    id: str
    content_id: str
    name: str
    content: str
    defaults: dict[str, str]
    created_at: int
    updated_at: int


_decode_defaults = msgspec.json.Decoder(dict[str, str]).decode


def _from_row(row: Row) -> Template:
    return Template(row[0], row[1], row[2], row[3], _decode_defaults(row[4]), row[5], row[6])


def new_content_id() -> str:
    """A new id for a template, when the client has chosen none."""
    return f"HX{secrets.token_hex(16)}"


async def put(tx: Tx, account_id: int, content_id: str, new: NewTemplate) -> Template:
    """Stores a template with this id, and replaces a template that has the id."""
    await follow(tx, "templates.newest", account_id)
    row = await tx.one(
        "templates.put",
        account_id=account_id,
        content_id=content_id,
        id=tx.new_id(TEMPLATE),
        name=new.name,
        content=new.content,
        defaults=msgspec.json.encode(new.defaults).decode(),
        now=tx.now,
    )
    return _found(row, content_id)


async def fetch(tx: Tx, account_id: int, content_id: str) -> Template:
    """One template. Raises NotFound."""
    return _found(await tx.one("templates.fetch", account_id=account_id, content_id=content_id), content_id)


async def find(tx: Tx, account_id: int, content_id: str) -> Template | None:
    """One template, locked until the transaction ends; None if it does not exist."""
    row = await tx.one("templates.lock", account_id=account_id, content_id=content_id)
    return None if row is None else _from_row(row)


async def lock(tx: Tx, account_id: int, content_id: str) -> Template:
    """One template, locked until the transaction ends. Raises NotFound."""
    return _found(await tx.one("templates.lock", account_id=account_id, content_id=content_id), content_id)


async def list_page(tx: Tx, account_id: int, id_range: IdRange) -> list[Template]:
    """The account's templates in the id range, newest first."""
    rows = await tx.all(
        "templates.list_page",
        account_id=account_id,
        before=id_range.before,
        not_before=id_range.not_before,
        limit=id_range.limit,
    )
    return [_from_row(row) for row in rows]


async def delete(tx: Tx, account_id: int, content_id: str) -> None:
    """Deletes a locked template. Messages that were made of it do not change."""
    await tx.run("templates.delete", account_id=account_id, content_id=content_id)


def _found(row: Row | None, content_id: str) -> Template:
    if row is None:
        raise NotFound(f"there is no template {content_id}")
    return _from_row(row)
