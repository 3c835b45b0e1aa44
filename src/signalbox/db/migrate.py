"""The schema's series of migrations: `NNNN_name.sql`, from 0001 without gaps.

A file `NNNN_name.postgres.sql` beside it is used instead on PostgreSQL. Applied ones are rows of
`signalbox_schema`. Each engine applies what is missing in one transaction under a lock, so that processes
that start at once do not collide.
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

# A database that distributes its tables takes one statement in each message.
_STATEMENT = re.compile(r"""(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$\w*\$).*?\1|[^;'"$]|\$)+""", re.DOTALL)
_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)(\.postgres)?\.sql")


class SchemaTooNew(SignalboxError):
    """A newer program has upgraded this database; this one could misread it and refuses to start."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the series; its file is read only when it is applied."""

    version: int
    name: str
    path: Path

    def script(self, dialect: Dialect) -> str:
        """The statements as one text, markers opened, comments dropped."""
        return rewrite(self.path.read_text(encoding="utf-8"), dialect)

    def statements(self, dialect: Dialect) -> list[str]:
        """The statements one by one: cut at semicolons outside quotes, which suffices for PostgreSQL's functions."""
        parts = (part[0].strip() for part in _STATEMENT.finditer(self.script(dialect)))
        return [part for part in parts if part]


def series(folder: Path, dialect: Dialect) -> list[Migration]:
    """The whole series in order. Raises Bug for a gap, a number used twice or a name that does not fit."""
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
            raise Bug(f"migration {migration.path.name} stands beside no migration of its name")
    if dialect == "postgres":
        found |= special
    return list(found.values())


def missing(migrations: list[Migration], version: int | None) -> list[Migration]:
    """What a database at `version` (None: empty) still needs. Raises SchemaTooNew."""
    applied = version or 0
    if applied > len(migrations):
        raise SchemaTooNew(
            f"The database is at schema version {applied}, this program knows {len(migrations)}."
            " A newer Signalbox has upgraded it: run that version or a newer one."
        )
    return migrations[applied:]


def require_current(migrations: list[Migration], version: int | None) -> None:
    """Raises Unavailable while the database has not all of this program's schema.

    More is no reason to: in an upgrade without an interruption, the old processes serve until the new ones do.
    """
    if (version or 0) < len(migrations):
        raise Unavailable(f"The database is at schema version {version or 0}, not {len(migrations)}.")
