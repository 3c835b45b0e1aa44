"""Templates: contents that messages can be made of. Contract section 10.6."""

import secrets
from typing import Final

import msgspec

from signalbox.db import Row, Tx
from signalbox.ground import ids
from signalbox.ground.errors import NotFound
from signalbox.ground.page_tokens import IdRange

# Clients choose a template's id, so lists are ordered by one of ours, which says when it was entered.
TEMPLATE: Final = ids.Kind("template", "a template")


class NewTemplate(msgspec.Struct, frozen=True):
    """The fields of a template that a client sets; `content` is valid JSON."""

    name: str
    content: str
    defaults: dict[str, str]


class Template(msgspec.Struct, frozen=True, gc=False):
    """A content with a name; `content` is JSON. Times in milliseconds."""

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
    """An id for a template whose client chose none."""
    return f"HX{secrets.token_hex(16)}"


async def put(tx: Tx, account_id: int, content_id: str, new: NewTemplate) -> Template:
    """Enters a template under this id, in place of the one that has the id."""
    newest = await tx.one("templates.newest", account_id=account_id)
    if newest:
        tx.after(newest[0])
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
    """One template, kept as it is until the transaction ends; None where there is none."""
    row = await tx.one("templates.lock", account_id=account_id, content_id=content_id)
    return None if row is None else _from_row(row)


async def lock(tx: Tx, account_id: int, content_id: str) -> Template:
    """One template, kept as it is until the transaction ends. Raises NotFound."""
    return _found(await tx.one("templates.lock", account_id=account_id, content_id=content_id), content_id)


async def list_page(tx: Tx, account_id: int, id_range: IdRange) -> list[Template]:
    """The account's templates in the range of ids, newest first."""
    rows = await tx.all(
        "templates.list_page",
        account_id=account_id,
        before=id_range.before,
        not_before=id_range.not_before,
        limit=id_range.limit,
    )
    return [_from_row(row) for row in rows]


async def delete(tx: Tx, account_id: int, content_id: str) -> None:
    """Deletes a locked template; what was sent of it keeps its text."""
    await tx.run("templates.delete", account_id=account_id, content_id=content_id)


def _found(row: Row | None, content_id: str) -> Template:
    if row is None:
        raise NotFound(f"there is no template {content_id}")
    return _from_row(row)
