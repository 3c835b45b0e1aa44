"""The interface to the database. Two engines implement it; the URL chooses the engine."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar
from urllib.parse import unquote

from signalbox.db.queries import PACKAGE_SQL
from signalbox.db.wakeups import Subscription, Wakeups
from signalbox.ground.clock import Clock

__all__ = [
    "Database",
    "Row",
    "Statement",
    "Subscription",
    "Tx",
    "Value",
    "Wakeups",
    "connect",
    "follow",
    "safe_url",
    "sqlite_path",
]

T = TypeVar("T")

Value: TypeAlias = str | int | bytes | list[str] | list[int] | list[str | None] | None
"""The type of a query parameter. A list becomes a PostgreSQL array, or one JSON text for SQLite (`json_each`)."""


class Row(Protocol):
    """One row, read by position or unpacked: `Thing(*row)`.

    Cells are `Any`, because only the SQL knows their types. The class that a row is unpacked into declares the types.
    """

    def __getitem__(self, key: int, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...


class Statement(NamedTuple):
    """A query, by its name in `sql/queries/`, and its parameters."""

    query: str
    params: dict[str, Value]


class Tx(Protocol):
    """One transaction. `Database.read` and `Database.write` pass it to the function that they run."""

    @property
    def now(self) -> int:
        """The account's time in milliseconds. The first use reads the clock; later uses give the same time."""

    def new_id(self, kind: str) -> str:
        """A new id with the time `now`. It is greater than all earlier new ids and all ids passed to `after`."""

    def after(self, identifier: str) -> None:
        """Sets the account's newest id. New ids are greater than this id, even when the account's clock goes back."""

    async def all(self, query: str, /, **params: Value) -> list[Row]:
        """All rows of the query with this name in `sql/queries/`."""

    async def one(self, query: str, /, **params: Value) -> Row | None:
        """The row of a query that finds at most one row; None without a row. Raises Bug for more than one row."""

    async def run(self, query: str, /, **params: Value) -> int:
        """Runs an INSERT, UPDATE or DELETE and returns the number of changed rows. Raises Bug inside `read`."""

    def wake(self, topic: str) -> None:
        """Fires a topic after the commit, in this process and in the others. A wake-up may be lost.

        A topic contains no newline.
        """


async def follow(tx: Tx, query: str, account_id: int) -> None:
    """Makes the transaction's new ids greater than the id that a query finds: the account's newest, if there is one."""
    newest = await tx.one(query, account_id=account_id)
    if newest:
        tx.after(newest[0])


class Database(Protocol):
    """An open database. Every method raises Unavailable while the database cannot be used, and Bug for wrong SQL."""

    wakeups: Wakeups
    warnings: list[str]
    """What `open` found in the database's surroundings that is not safe, each with its cure."""

    async def open(self, *, create: bool = True) -> None:
        """Connects, checks the surroundings and upgrades the schema. Several processes may do so at the same time.

        Without `create`, a database that has no schema yet is not changed, a file is not made, and NoSchema is raised.
        Raises SchemaTooNew, and Unfit for a database that cannot keep what this program promises.
        """

    async def close(self) -> None:
        """Finishes the transactions that have begun, and closes all connections."""

    async def ready(self) -> None:
        """Raises Unavailable unless the database responds and all migrations of this program are applied."""

    async def read(self, work: Callable[[Tx], Awaitable[T]], clock: Clock | None = None) -> T:
        """Runs `work`, which only reads. `work` awaits nothing but its `tx`, and may run more than once.

        `clock` is the clock of an account that has its own time. Each statement sees its own snapshot. Rows that must
        be consistent with each other are read by one statement.
        """

    async def write(self, work: Callable[[Tx], Awaitable[T]], clock: Clock | None = None) -> T:
        """Runs `work` in one transaction and returns after the commit. Any exception rolls the transaction back.

        `work` awaits nothing but its `tx`. `work` may run more than once, after lock and serialization failures. On
        SQLite `work` runs in another thread. `clock` as for `read`.
        """

    async def write_one(
        self, work: Callable[[Tx, bool], Awaitable[tuple[T, Statement]]], clock: Clock | None = None
    ) -> T:
        """Runs the statement that `work` returns, as one transaction, and returns the other value after the commit.

        This saves the round trips of BEGIN and COMMIT. Rows that `work` itself reads are not locked.

        The second argument of `work` says whether to read the database before building the statement. The first run
        gets False. When the statement then changes no row, an assumption of `work` was wrong, and `work` runs again
        with True. On SQLite the first run gets True, because a read there costs no round trip.
        """

    def figures(self) -> dict[str, float]:
        """Figures for /metrics. Both engines have the same names."""


def connect(
    url: str,
    *,
    connections: int = 10,
    direct: str | None = None,
    processes: int = 1,
    sql_folder: Path | None = None,
) -> Database:
    """The database at `url`, not opened yet.

    `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite://` (memory), `postgresql://user@host/db`.
    `connections` is the size of the PostgreSQL pool; wake-ups use one more connection. `direct` is set when `url` goes
    through a pooler in transaction mode: it is the URL of the server itself. `processes` is how many processes open the
    database in this way, for a check that the server has as many connections. Raises ValueError for other URLs, and for
    a parameter of a PostgreSQL URL that cannot be honoured.
    """
    folder = sql_folder or PACKAGE_SQL
    scheme, colon, _ = url.partition("://")
    if scheme == "sqlite" and colon:
        # Only the chosen engine's driver is imported, because each import makes the start slower.
        from signalbox.db.sqlite import SqliteDatabase

        return SqliteDatabase(sqlite_path(url), folder)
    if scheme in ("postgresql", "postgres") and colon:
        from signalbox.db.postgres import PostgresDatabase

        return PostgresDatabase(url, folder, connections, direct, processes)
    raise ValueError(
        f"{safe_url(url)!r} is not a database URL: use sqlite:///file.db, sqlite:// (memory)"
        " or postgresql://user@host/database"
    )


def sqlite_path(url: str) -> str | None:
    """The file of a SQLite URL; None for memory and for other databases. Raises ValueError for other SQLite URLs."""
    scheme, _, rest = url.partition("://")
    if scheme != "sqlite" or rest in ("", "/", "/:memory:"):
        return None
    if not rest.startswith("/"):
        raise ValueError(f"{url!r}: a relative file takes three slashes (sqlite:///{rest}), an absolute one four")
    if "?" in rest or "#" in rest:
        raise ValueError(f"{url!r}: a SQLite URL takes no options")
    return unquote(rest[1:])


_PASSWORD = re.compile(r"(//[^:/?#@]*:).*@", re.DOTALL)
# A name with a percent sign may be an encoded "password".
_PASSWORD_OPTION = re.compile(r"([?&](?:(?:ssl)?password|[^=&#]*%[^=&#]*)=)[^&#]*", re.IGNORECASE)


def safe_url(url: str) -> str:
    """The URL without its passwords, for log lines and messages. Works for URLs that cannot be parsed, too."""
    return _PASSWORD_OPTION.sub(r"\1***", _PASSWORD.sub(r"\1***@", url))
