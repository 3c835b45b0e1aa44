"""The series of migrations: files `NNNN_name.sql`, numbered from 0001 without gaps.

PostgreSQL uses `NNNN_name.postgres.sql` instead, where that file exists. Each applied migration is a row of
`signalbox_schema`. An engine applies all missing migrations in one transaction under a lock, so that several processes
can start at the same time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signalbox.db.queries import Dialect, rewrite
from signalbox.ground.errors import Bug, SignalboxError, Unavailable

CREATE_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS signalbox_schema"
    " (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)"
)
VERSION: Final = "SELECT max(version) FROM signalbox_schema"

# A database that distributes its tables accepts only one statement in a message.
_STATEMENT = re.compile(r"""(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$\w*\$).*?\1|[^;'"$]|\$)+""", re.DOTALL)
_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)(\.postgres)?\.sql")


class SchemaTooNew(SignalboxError):
    """A newer program has upgraded this database. This program could misread the rows, so it does not start."""


class NoSchema(SignalboxError):
    """No Signalbox has used this database yet, and the caller does not want to create one."""

    def __init__(self) -> None:
        super().__init__("There is no Signalbox database.")


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration of the series. Its file is read only when the migration is applied."""

    version: int
    name: str
    path: Path

    def script(self, dialect: Dialect) -> str:
        """The statements as one text for this dialect, without comments."""
        return rewrite(self.path.read_text(encoding="utf-8"), dialect)

    def statements(self, dialect: Dialect) -> list[str]:
        """The single statements. Semicolons inside quotes and dollar quotes do not end a statement."""
        parts = (part[0].strip() for part in _STATEMENT.finditer(self.script(dialect)))
        return [part for part in parts if part]


def series(folder: Path, dialect: Dialect) -> list[Migration]:
    """The whole series in order. Raises Bug for a gap, for a number used twice and for a wrong file name."""
    found: dict[int, Migration] = {}
    special: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise Bug(f"migration {path.name}: the name is not NNNN_name.sql")
        version = int(match[1])
        kind = special if match[3] else found
        if version in kind:
            raise Bug(f"migration {path.name}: number {version} is used twice")
        kind[version] = Migration(version, match[2], path)
    if list(found) != list(range(1, len(found) + 1)):
        raise Bug(f"migrations are not numbered from 0001 without gaps: {list(found)}")
    for version, migration in special.items():
        if version not in found or found[version].name != migration.name:
            raise Bug(f"migration {migration.path.name}: there is no {version:04}_{migration.name}.sql for SQLite")
    if dialect == "postgres":
        found |= special
    return list(found.values())


def missing(migrations: list[Migration], version: int | None) -> list[Migration]:
    """The migrations that a database at `version` (None: empty) still needs. Raises SchemaTooNew."""
    applied = version or 0
    if applied > len(migrations):
        raise SchemaTooNew(
            f"The database is at schema version {applied}, this program knows {len(migrations)}."
            " A newer Signalbox has upgraded it: run that version or a newer one."
        )
    return migrations[applied:]


def require_current(migrations: list[Migration], version: int | None) -> None:
    """Raises Unavailable while a migration of this program is missing in the database.

    A newer schema is no error: in an upgrade without downtime, old processes serve until the new ones are ready.
    """
    if (version or 0) < len(migrations):
        raise Unavailable(f"The database is at schema version {version or 0}, not {len(migrations)}.")
