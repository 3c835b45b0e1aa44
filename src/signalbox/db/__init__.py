"""The database door: one small interface, two engines behind it, chosen by URL."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from signalbox.db.queries import PACKAGE_SQL
from signalbox.db.wakeups import Subscription, Wakeups
from signalbox.ground.clock import Clock

__all__ = ["Database", "Row", "Statement", "Subscription", "Tx", "Value", "Wakeups", "connect", "safe_url"]

T = TypeVar("T")

Value: TypeAlias = str | int | bytes | list[str] | list[int] | list[str | None] | None
"""What a query parameter may be. A list is a PostgreSQL array, or one JSON text for SQLite (`json_each`)."""


class Row(Protocol):
    """One row, read by position or unpacked: `Thing(*row)`.

    Cells are `Any` because only the SQL knows their types; the dataclass a row is unpacked into names them.
    """

    def __getitem__(self, key: int, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...


class Statement(NamedTuple):
    """A query named as in `sql/queries/`, and its parameters."""

    query: str
    params: dict[str, Value]


class Tx(Protocol):
    """One transaction, given to the function that `Database.read` or `Database.write` runs."""

    @property
    def now(self) -> int:
        """The time of the account that the transaction is about, in milliseconds: read once, at the first use."""

    def new_id(self, kind: str) -> str:
        """A new id at `now`; greater than those before it, and than every id given to `after`."""

    def after(self, identifier: str) -> None:
        """Tells the newest id that the account has: new ids never sort behind it, whatever its clock does."""

    async def all(self, query: str, /, **params: Value) -> list[Row]:
        """Every row of a query named as in `sql/queries/`."""

    async def one(self, query: str, /, **params: Value) -> Row | None:
        """The row of a query that has at most one, else None. Raises Bug for two."""

    async def run(self, query: str, /, **params: Value) -> int:
        """Runs an INSERT, UPDATE or DELETE; returns how many rows it changed. Raises Bug inside `read`."""

    def wake(self, topic: str) -> None:
        """Fires a topic after the commit, here and in other processes: a hint. Topics hold no newline."""


class Database(Protocol):
    """An open database. Every method raises Unavailable while it cannot be reached and Bug for wrong SQL."""

    wakeups: Wakeups

    async def open(self) -> None:
        """Connects and upgrades the schema, safely when several processes do at once. Raises SchemaTooNew."""

    async def close(self) -> None:
        """Finishes what has begun and lets go of the database."""

    async def ready(self) -> None:
        """Raises Unavailable unless the database answers and has all of this program's schema."""

    async def read(self, work: Callable[[Tx], Awaitable[T]], clock: Clock | None = None) -> T:
        """Runs `work`, which only reads and awaits nothing but its `tx`. It may run more than once.

        `clock` tells the time of an account whose clock is not the real one. Each statement sees its own snapshot:
        what has to be consistent is read by one.
        """

    async def write(self, work: Callable[[Tx], Awaitable[T]], clock: Clock | None = None) -> T:
        """Runs `work` in one transaction and returns after the commit; whatever it raises rolls it back.

        `work` awaits nothing but its `tx`, may run more than once (lock and serialization failures), and on
        SQLite runs in another thread. `clock` as for `read`.
        """

    async def write_one(
        self, work: Callable[[Tx, bool], Awaitable[tuple[T, Statement]]], clock: Clock | None = None
    ) -> T:
        """Runs the one statement that `work` returns as a transaction, and returns the rest after the commit.

        As `write`, with fewer round trips: there is no BEGIN and no COMMIT, so what `work` itself reads is not locked.
        A statement that changes no row says that it depends on something else than `work` took for granted: `work` runs
        again, and is told by its second argument to look first. Where looking costs no round trip, it is told at once.
        """

    def figures(self) -> dict[str, float]:
        """Numbers for /metrics, the same names on both engines."""


def connect(url: str, *, connections: int = 10, direct: str | None = None, sql_folder: Path | None = None) -> Database:
    """The database at `url`, not opened yet.

    `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite://` (memory), `postgresql://user@host/db`.
    `connections` bounds the PostgreSQL pool; one more carries wake-ups. `direct` says that `url` leads through a
    pooler in transaction mode, and is the URL without it. Raises ValueError for other URLs.
    """
    folder = sql_folder or PACKAGE_SQL
    scheme, colon, rest = url.partition("://")
    if scheme == "sqlite" and colon:
        # A driver is imported when its engine is chosen: start-up time is a feature.
        from signalbox.db.sqlite import SqliteDatabase

        return SqliteDatabase(_sqlite_path(url, rest), folder)
    if scheme in ("postgresql", "postgres") and colon:
        try:
            _ = urlsplit(url).port
        except ValueError:
            raise ValueError(f"{safe_url(url)}: the port is not a number from 0 to 65535") from None
        from signalbox.db.postgres import PostgresDatabase

        return PostgresDatabase(url, folder, connections, direct)
    raise ValueError(
        f"{safe_url(url)!r} is not a database URL: use sqlite:///file.db, sqlite:// (memory)"
        " or postgresql://user@host/database"
    )


def _sqlite_path(url: str, rest: str) -> str | None:
    if rest in ("", "/", "/:memory:"):
        return None
    if not rest.startswith("/"):
        raise ValueError(f"{url!r}: a relative file takes three slashes (sqlite:///{rest}), an absolute one four")
    if "?" in rest or "#" in rest:
        raise ValueError(f"{url!r}: a SQLite URL takes no options")
    return unquote(rest[1:])


_PASSWORD = re.compile(r"(//[^:/?#@]*:).*@", re.DOTALL)
_PASSWORD_OPTION = re.compile(r"([?&](?:ssl)?password=)[^&#]*", re.IGNORECASE)


def safe_url(url: str) -> str:
    """The URL with its passwords hidden, for logs and messages; also for URLs that cannot be parsed."""
    return _PASSWORD_OPTION.sub(r"\1***", _PASSWORD.sub(r"\1***@", url))
