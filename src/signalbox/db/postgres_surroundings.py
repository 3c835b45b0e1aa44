"""What a PostgreSQL server, database and role must be like: checked once at the start of every process.

Nothing here depends on time zone, date style or collation: times are integers, and text that is ordered has
`COLLATE "C"`. tests/db/test_postgres_surroundings.py holds both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

import asyncpg

from signalbox.db.surroundings import Unfit

if TYPE_CHECKING:
    from signalbox.db.queries import Query

# The first version with WITH ... AS MATERIALIZED, which the queries use.
OLDEST: Final = 12
# A role with a shorter limit gets 503 for work that is no error.
SHORT_SECONDS: Final = {"statement_timeout": 10.0, "lock_timeout": 5.0, "transaction_timeout": 10.0}
SHORT_IDLE_SECONDS: Final = {"idle_in_transaction_session_timeout": 5.0, "idle_session_timeout": 60.0}

NO_LIMITS: Final = """
SELECT set_config(name, '0', true)
FROM unnest(ARRAY['statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout']) AS name
WHERE current_setting(name, true) IS NOT NULL
"""

# $1 and $2: a table and a right that the program needs, by position.
_LOOK: Final = """
SELECT version() AS version, current_user::text AS role, current_database()::text AS database,
    current_schema()::text AS schema, pg_is_in_recovery() AS standby,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
    (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('signalbox_schema')) AS home,
    (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('signalbox_schema')) AS owner,
    (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS role_limit,
    (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database_limit,
    ARRAY(
        SELECT needed || ' ON ' || name FROM unnest($1::text[], $2::text[]) AS one (name, needed)
        WHERE NOT has_table_privilege(to_regclass(name), needed)) AS lacking,
    ARRAY(
        SELECT DISTINCT name FROM unnest($1::text[]) AS name
        WHERE row_security_active(to_regclass(name))) AS hidden,
    ARRAY(
        SELECT name || ' ' || coalesce(current_setting(name, true), '') FROM unnest($3::text[]) AS name) AS settings
"""
_SETTINGS: Final = (
    *("server_encoding", "standard_conforming_strings", "default_transaction_read_only"),
    *("default_transaction_isolation", "fsync", "full_page_writes", "synchronous_commit"),
    *("is_superuser", "max_connections", "superuser_reserved_connections", "reserved_connections"),
    *SHORT_SECONDS,
    *SHORT_IDLE_SECONDS,
)

# The role that serves does not need these: only `signalbox accounts delete` does, run as the owner.
_OWNERS: Final = frozenset({("accounts", "DELETE"), ("api_keys", "DELETE")})
# Each begins with letters that the expression engine can search for quickly: the start of a process waits for this.
_WRITES: Final = (
    ("INSERT", re.compile(r"INSERT INTO (\w+)")),
    ("DELETE", re.compile(r"DELETE FROM (\w+)")),
    ("UPDATE", re.compile(r"UPDATE (\w+)\s+SET\b")),
)
_UNITS: Final = {"": 0.0, "us": 1e-6, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def needed_rights(queries: Iterable[Query]) -> list[tuple[str, str]]:
    """Each table and each right on it that the queries need, apart from those that only the owner uses."""
    found = {("signalbox_schema", "SELECT")}
    for query in queries:
        for right, pattern in _WRITES:
            for table in pattern.findall(query.text):
                found |= {(table, right), (table, "SELECT")}
                if right == "INSERT" and "DO UPDATE" in query.text:
                    found.add((table, "UPDATE"))
    return sorted(found - _OWNERS)


class Wanted(NamedTuple):
    """How many processes open the database, and how many connections each has at most, apart from that for wake-ups."""

    processes: int = 1
    connections: int = 10


class Surroundings:
    """What `look` found. The methods raise Unfit with every problem and its cure in one message."""

    def __init__(self, row: asyncpg.Record, wanted: Wanted) -> None:
        self._wanted = wanted
        self._role_limit: int | None = row["role_limit"]
        self._database_limit: int | None = row["database_limit"]
        self._version: str = row["version"]
        self._role: str = _quoted(row["role"])
        self._database: str = _quoted(row["database"])
        self._schema: str | None = row["schema"]
        self._standby: bool = row["standby"]
        self._may_create: bool = row["may_create"]
        self._home: str | None = row["home"]
        self._owner: bool | None = row["owner"]
        self._lacking: list[str] = row["lacking"]
        self._hidden: list[str] = row["hidden"]
        self._settings: dict[str, str] = dict(line.split(" ", 1) for line in row["settings"])

    def require_fit(self) -> None:
        """Raises Unfit for a server or a database on which a promise cannot be kept."""
        _raise(self._misfits())

    def require_rights(self) -> None:
        """Raises Unfit when the role lacks a right that serving needs, or sees only a part of the rows."""
        _raise(self._wrongs())

    def require_rights_to_upgrade(self) -> None:
        """Raises Unfit when the role cannot create tables, or does not own those that exist."""
        _raise(self._wrongs_for_upgrade())

    def taken(self, reason: str) -> Unfit:
        """The error for a table of another program that has the name of one of ours."""
        return Unfit(
            f"{reason}, and is not Signalbox's: give Signalbox a database or a schema of its own (CREATE DATABASE ...)."
        )

    def warnings(self) -> list[str]:
        """What is allowed and not safe, each with its cure."""
        return [*self._losses(), *self._limits(), *self._few_connections()]

    def _misfits(self) -> Iterator[str]:
        encoding = self._settings["server_encoding"]
        if encoding != "UTF8":
            yield (
                f"The database {self._database} has the encoding {encoding}, which cannot hold every name."
                " Signalbox needs UTF8, and the encoding of a database cannot be changed:"
                " CREATE DATABASE signalbox_utf8 ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0, and"
                " copy the data with pg_dump."
            )
        if self._standby:
            yield (
                "The server is a standby, which cannot be written to. Name the primary, or several hosts with"
                " target_session_attrs=read-write."
            )
        elif self._settings["default_transaction_read_only"] == "on":
            yield (
                "Transactions are read-only (default_transaction_read_only is on). Hosting companies set"
                f" this when the disk is full. ALTER ROLE {self._role} SET"
                " default_transaction_read_only = off, when it is not."
            )
        if self._settings["standard_conforming_strings"] != "on":
            yield f"standard_conforming_strings is off. ALTER ROLE {self._role} SET standard_conforming_strings = on."
        if self._schema is None:
            yield (
                f"No schema of the search_path exists. ALTER ROLE {self._role} SET search_path = public, or create the"
                " schema."
            )

    def _wrongs(self) -> Iterator[str]:
        if self._lacking:
            owned = self._home or self._schema
            yield (
                f"The role {self._role} lacks rights: {', '.join(self._lacking)}. As the owner of the tables:"
                f" GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {owned} TO {self._role}."
            )
        if self._hidden:
            yield (
                f"Row level security hides rows of {', '.join(self._hidden)} from the role {self._role}."
                f" ALTER TABLE ... DISABLE ROW LEVEL SECURITY for each of them, or ALTER ROLE {self._role} BYPASSRLS."
            )

    def _wrongs_for_upgrade(self) -> Iterator[str]:
        if self._owner is False:
            yield (
                f"The schema needs an upgrade, and the role {self._role} lacks the right to it: it does not own"
                " the tables. Run `signalbox accounts list` once with the URL of their owner."
            )
        elif not self._may_create and self._schema is not None:
            yield (
                f"The schema needs an upgrade, and the role {self._role} lacks the right to create tables."
                f" As the owner of the database: GRANT CREATE ON SCHEMA {_quoted(self._schema)} TO {self._role}."
            )
        elif self._home not in (None, _quoted(self._schema or "")):
            yield (
                f"The tables are in the schema {self._home}, and new ones would be created in {self._schema}."
                f" ALTER ROLE {self._role} SET search_path = {self._home}."
            )

    def _losses(self) -> Iterator[str]:
        if not self._version.startswith("PostgreSQL "):
            server = self._version.split(" on ")[0]
            yield f"The server is {server}, on which Signalbox was never tested. Use PostgreSQL."
        kept = "Unless the storage below keeps them by itself (some hosted databases):"
        if self._settings["fsync"] == "off":
            yield f"fsync is off: a crash of the machine can destroy data. {kept} set fsync = on in postgresql.conf."
        if self._settings["full_page_writes"] == "off":
            yield (
                f"full_page_writes is off: a crash of the machine can damage pages. {kept} set full_page_writes = on in"
                " postgresql.conf."
            )
        if self._settings["synchronous_commit"] == "off":
            yield (
                "synchronous_commit is off: a crash can lose requests that got a success response."
                f" ALTER ROLE {self._role} SET synchronous_commit = on."
            )

    def _limits(self) -> Iterator[str]:
        isolation = self._settings["default_transaction_isolation"]
        if isolation != "read committed":
            yield (
                f"default_transaction_isolation is {isolation}: single statements conflict more often."
                f" ALTER ROLE {self._role} SET default_transaction_isolation = 'read committed'."
            )
        for name, least in {**SHORT_SECONDS, **SHORT_IDLE_SECONDS}.items():
            if 0 < (seconds := _seconds(self._settings[name])) < least:
                ends = "ends idle connections" if name in SHORT_IDLE_SECONDS else "ends work that is no error with 503"
                yield f"{name} is {seconds:g} s, which {ends}. ALTER ROLE {self._role} SET {name} = '{least:g}s', or 0."

    def _few_connections(self) -> Iterator[str]:
        processes, each = self._wanted
        needed = processes * (each + 1)
        limit, whose, change = min(self._connection_limits(), default=(needed, "", ""))
        if needed <= limit:
            return
        who = f"{processes} processes" if processes > 1 else "this process"
        best = limit // processes - 1
        fewer = f"Set database_connections to {best}" if best > 0 else "Start fewer processes"
        yield (
            f"{whose} allows {limit} connections, and {who} may open {needed} (database_connections, and one for"
            f" wake-ups, in each): requests beyond get 503. {fewer}, or {change}."
        )

    def _connection_limits(self) -> Iterator[tuple[int, str, str]]:
        """Each limit of the role's connections, what sets it, and how to change it. Superusers have the first only."""
        superuser = self._settings["is_superuser"] == "on"
        kept = () if superuser else ("superuser_reserved_connections", "reserved_connections")
        of_server = int(self._settings["max_connections"] or 0) - sum(int(self._settings[name] or 0) for name in kept)
        if of_server > 0:  # some servers that are not PostgreSQL have no limit
            yield of_server, "max_connections", "raise max_connections in postgresql.conf"
        for limit, kind, name in (
            (self._role_limit, "role", self._role),
            (self._database_limit, "database", self._database),
        ):
            if limit is not None and limit >= 0 and not superuser:
                yield limit, f"The {kind} {name}", f"ALTER {kind.upper()} {name} CONNECTION LIMIT -1"


async def look(
    connection: asyncpg.Connection[asyncpg.Record], queries: Iterable[Query], wanted: Wanted
) -> Surroundings:
    """Asks a server for what the checks need, in one statement. Raises Unfit for a server that is too old."""
    version = connection.get_server_version()
    if version.major < OLDEST:
        raise Unfit(f"The server is PostgreSQL {version.major}. Signalbox needs PostgreSQL {OLDEST} or newer.")
    rights = needed_rights(queries)
    (row,) = await connection.fetch(
        _LOOK, [table for table, _ in rights], [right for _, right in rights], list(_SETTINGS)
    )
    return Surroundings(row, wanted)


def _raise(problems: Iterable[str]) -> None:
    if message := " ".join(problems):
        raise Unfit(message)


def _seconds(setting: str) -> float:
    """The seconds of a time as PostgreSQL shows it: 0, 500ms, 10s, 2min."""
    unit = setting.lstrip("0123456789")
    return int(setting.removesuffix(unit)) * _UNITS[unit] if setting else 0.0


def _quoted(name: str) -> str:
    plain = name.isascii() and name.isidentifier() and name == name.lower()
    return name if plain else '"' + name.replace('"', '""') + '"'
