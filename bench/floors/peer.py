"""The peer: the same list and create as a competent team would write them with FastAPI, pydantic and async SQLAlchemy.

It caches credentials as long as Signalbox does, pages by key, inserts in bulk, and has as many connections: the stack
differs, not the care.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Literal

import uvicorn
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Query
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from sqlalchemy import BigInteger, event, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from signalbox.ground import clock, ids
from signalbox.inventory import sender_pools, senders

URL = sys.argv[1]
SQLITE = URL.startswith("sqlite")
BATCH = 1_000
REMEMBERED_SECONDS = 1.0


class Base(DeclarativeBase):
    type_annotation_map = {int: BigInteger}  # noqa: RUF012 (SQLAlchemy's own spelling)


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    sid: Mapped[str]
    status: Mapped[str]
    token_digest: Mapped[bytes]


class Sender(Base):
    __tablename__ = "senders"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    status: Mapped[str]


class SenderPool(Base):
    __tablename__ = "sender_pools"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    operation_id: Mapped[str]
    name: Mapped[str]
    tags: Mapped[str]
    created_at: Mapped[int]
    updated_at: Mapped[int]


class Member(Base):
    __tablename__ = "sender_pool_members"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    pool_id: Mapped[str] = mapped_column(primary_key=True)
    sender_id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    status: Mapped[str]


class Operation(Base):
    __tablename__ = "operations"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    pool_id: Mapped[str]
    status: Mapped[str]
    total: Mapped[int]
    created: Mapped[int]
    failed: Mapped[int]
    turn: Mapped[int]
    last_turn: Mapped[int]
    request_id: Mapped[str]
    created_at: Mapped[int]
    updated_at: Mapped[int]


class Item(Base):
    __tablename__ = "operation_items"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    operation_id: Mapped[str] = mapped_column(primary_key=True)
    item_index: Mapped[int] = mapped_column(primary_key=True)
    sender_id: Mapped[str | None]
    outcome: Mapped[str | None]


class Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Stats(Wire):
    total: int
    queued: int
    created: int
    failed: int


class OperationOut(Wire):
    id: str
    status: Literal["PROCESSING", "COMPLETED", "CANCELED"]
    stats: Stats
    created_at: datetime
    updated_at: datetime


class Pagination(Wire):
    next: str | None
    self: str


class OperationPage(Wire):
    operations: list[OperationOut]
    pagination: Pagination


class SenderRef(Wire):
    sender_id: str = Field(pattern=ids.pattern(senders.SENDER))


class NewPool(Wire):
    name: str = Field(min_length=1, max_length=256)
    senders: list[SenderRef] = Field(default=[], max_length=10_000)
    tags: dict[str, str] = {}


class OperationReference(Wire):
    operation_id: str
    operation_location: str


engine = create_async_engine(
    URL.replace("sqlite:///", "sqlite+aiosqlite:///").replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=10,
    max_overflow=0,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)

if SQLITE:

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection, record):  # type: ignore[no-untyped-def]
        """Sets the same durability as Signalbox."""
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA busy_timeout = 5000")


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]
Credentials = Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]
known: dict[tuple[str, str], tuple[float, int]] = {}
digest_key = b""


async def account(credentials: Credentials) -> int:
    """The account of the request."""
    pair = (credentials.username, credentials.password)
    expires, account_id = known.get(pair, (0.0, 0))
    if time.monotonic() < expires:
        return account_id
    async with sessions() as opened:
        found = await opened.scalar(select(Account).where(Account.sid == credentials.username))
    digest = hashlib.blake2b(credentials.password.encode(), key=digest_key, digest_size=32).digest()
    if found is None or found.status != "ACTIVE" or not hmac.compare_digest(found.token_digest, digest):
        raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})
    known[pair] = time.monotonic() + REMEMBERED_SECONDS, found.id
    return found.id


AccountId = Annotated[int, Depends(account)]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    global digest_key
    async with engine.connect() as connection:
        row = await connection.exec_driver_sql("SELECT key FROM keyring WHERE name = 'digests'")
        digest_key = row.scalar_one()
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/v1/SenderPools/Operations")
async def list_operations(
    account_id: AccountId,
    session: Session,
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=1000)] = 50,
    page_token: Annotated[str | None, Query(alias="pageToken")] = None,
) -> OperationPage:
    query = select(Operation).where(Operation.account_id == account_id)
    if page_token:
        query = query.where(Operation.id < page_token)
    rows = (await session.scalars(query.order_by(Operation.id.desc()).limit(page_size + 1))).all()
    shown = rows[:page_size]
    return OperationPage(
        operations=[shape(row) for row in shown],
        pagination=Pagination(next=shown[-1].id if len(rows) > page_size else None, self=shown[0].id if shown else ""),
    )


def shape(row: Operation) -> OperationOut:
    queued = row.total - row.created - row.failed
    return OperationOut(
        id=row.id,
        status=row.status,
        stats=Stats(total=row.total, queued=queued, created=row.created, failed=row.failed),
        created_at=datetime.fromtimestamp(row.created_at / 1000, UTC),
        updated_at=datetime.fromtimestamp(row.updated_at / 1000, UTC),
    )


@app.get("/v1/SenderPools/Operations/{operation_id}")
async def fetch_operation(operation_id: str, account_id: AccountId, session: Session) -> OperationOut:
    row = await session.get(Operation, (account_id, operation_id))
    if row is None:
        raise HTTPException(404)
    return shape(row)


@app.post("/v1/SenderPools", status_code=202)
async def create_pool(
    new: NewPool, account_id: AccountId, session: Session, background: BackgroundTasks
) -> OperationReference:
    pool_id, operation_id = ids.new(sender_pools.SENDER_POOL, clock.now_ms()), ids.new(ids.OPERATION, clock.now_ms())
    now = ids.created_at(operation_id)
    sender_ids = [ref.sender_id for ref in new.senders]
    if len(set(sender_ids)) != len(sender_ids):
        raise HTTPException(400, "a sender was given twice")
    key = {"account_id": account_id, "operation_id": operation_id}
    session.add(
        SenderPool(**key, id=pool_id, name=new.name, tags="{}", created_at=now, updated_at=now),
    )
    session.add(
        Operation(
            account_id=account_id, id=operation_id, pool_id=pool_id, status="PROCESSING", total=len(sender_ids),
            created=0, failed=0, turn=0, last_turn=0, request_id="", created_at=now, updated_at=now,
        )
    )  # fmt: skip
    items = [{**key, "item_index": number, "sender_id": one} for number, one in enumerate(sender_ids)]
    if items:
        await session.execute(insert(Item), items)
    await session.commit()
    background.add_task(work, account_id, pool_id, operation_id, sender_ids)
    return OperationReference(
        operation_id=operation_id, operation_location=f"http://127.0.0.1/v1/SenderPools/Operations/{operation_id}"
    )


async def work(account_id: int, pool_id: str, operation_id: str, sender_ids: list[str]) -> None:
    """Adds the members in batches; each batch and its counters are one transaction."""
    dialect = sqlite if SQLITE else postgresql
    for start in range(0, len(sender_ids), BATCH):
        batch = sender_ids[start : start + BATCH]
        async with sessions.begin() as session:
            query = select(Sender.id, Sender.channel, Sender.status)
            found = await session.execute(query.where(Sender.account_id == account_id, Sender.id.in_(batch)))
            rows = [
                {"account_id": account_id, "pool_id": pool_id, "sender_id": id_, "channel": channel, "status": status}
                for id_, channel, status in found
            ]
            if rows:
                await session.execute(dialect.insert(Member).on_conflict_do_nothing(), rows)
            last = start + BATCH >= len(sender_ids)
            await session.execute(
                update(Operation)
                .where(Operation.account_id == account_id, Operation.id == operation_id)
                .values(
                    created=Operation.created + len(rows),
                    failed=Operation.failed + len(batch) - len(rows),
                    status="COMPLETED" if last else "PROCESSING",
                    updated_at=int(time.time() * 1000),
                )
            )


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=0,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=3600,
    )
