"""What SQLite and a database file must be like: checked once at the start of every process."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from signalbox.db.surroundings import MOUNTS, Unfit, network_file_system

# The first version with RETURNING and WITH ... AS MATERIALIZED, which the queries use.
OLDEST: Final = (3, 35, 0)


def require_library() -> None:
    """Raises Unfit for a SQLite library that is too old, or that only one thread may use."""
    if sqlite3.sqlite_version_info < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise Unfit(
            f"Python uses SQLite {sqlite3.sqlite_version}. Signalbox needs SQLite {oldest} or newer: use a Python that"
            " was built with one, or PostgreSQL."
        )
    if sqlite3.threadsafety == 0:
        raise Unfit(
            "This SQLite was built for one thread only (SQLITE_THREADSAFE=0). Use another Python, or PostgreSQL."
        )


def require_writable(path: str | None) -> None:
    """Raises Unfit for a file or a folder that this user may not write. SQLite alone would start, and fail later."""
    if path is None:
        return
    file, folder = Path(path), Path(path).parent
    who = f"the user of this process ({os.geteuid()})" if hasattr(os, "geteuid") else "the user of this process"
    if folder.is_dir() and not _may_write(folder):
        raise Unfit(
            f"The folder {folder.resolve()} may not be written by {who}. SQLite creates files beside the database"
            " there: change the owner or the mode of the folder, or name another one."
        )
    if file.exists() and not _may_write(file):
        raise Unfit(
            f"The database file {file.resolve()} may not be written by {who}: change the owner or the mode of the file."
        )


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def require_utf8(connection: sqlite3.Connection) -> None:
    """Raises Unfit for a file in UTF-16, where text has another order, and for a SQLite without JSON."""
    encoding = connection.execute("PRAGMA encoding").fetchone()[0]
    if encoding != "UTF-8":
        raise Unfit(
            f"The database file has the encoding {encoding}, in which ids have another order. Signalbox needs"
            " UTF-8, and the encoding of a file cannot be changed: name a new file."
        )
    try:
        connection.execute("SELECT value FROM json_each('[1]')").fetchone()
    except sqlite3.OperationalError as error:
        raise Unfit(f"This SQLite has no JSON functions ({error}). Use another Python, or PostgreSQL.") from error


def network_warnings(path: str | None) -> Iterator[str]:
    """A warning for a file on a network file system, where Linux says so."""
    if path is None:
        return
    try:
        mounts = Path(MOUNTS).read_text("utf-8", "surrogateescape")
    except OSError:
        return
    if kind := network_file_system(path, mounts):
        yield (
            f"The database file is on a network file system ({kind}). Processes on two machines damage it, and"
            " locks may not hold. Put the file on a local disk, or use PostgreSQL."
        )
