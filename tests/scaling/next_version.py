"""The next version of the program: a copy of this one with another version number and one more migration."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import signalbox

VERSION: Final = "99.0.0"
# A release may only add to a database that the release before it still uses.
EXPANDING: Final = """
ALTER TABLE sender_pools ADD COLUMN note TEXT;
ALTER TABLE operations ADD COLUMN weight INTEGER NOT NULL DEFAULT 1;
-- table notes: by account
CREATE TABLE notes (account_id INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (account_id, id));
CREATE INDEX sender_pools_by_note ON sender_pools (account_id, note);
"""


def make_next_version(folder: Path) -> Mapping[str, str]:
    """Writes the version into the folder; returns the environment in which the installed command is that version."""
    package = folder / "signalbox"
    shutil.copytree(Path(signalbox.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__init__.py").write_text(f'__version__ = "{VERSION}"\n')
    migrations = package / "sql" / "migrations"
    number = len([path for path in migrations.glob("*.sql") if "." not in path.stem]) + 1
    (migrations / f"{number:04d}_next.sql").write_text(EXPANDING)
    return {"PYTHONPATH": str(folder)}
