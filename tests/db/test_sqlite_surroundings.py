"""Files, folders and libraries that are not as SQLite needs them: refused or warned of, with the cure."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from processes import COMMAND, create_database, environment, run
from signalbox import db
from signalbox.db import sqlite_surroundings
from signalbox.db.sqlite_connection import _use_wal
from signalbox.db.surroundings import Unfit, network_file_system
from signalbox.ground.errors import Unavailable


async def opened(file: Path) -> list[str]:
    """Opens the database and closes it; returns the warnings."""
    database = db.connect(f"sqlite:///{file}")
    try:
        await database.open()
        return database.warnings
    finally:
        await database.close()


@contextmanager
def nobody() -> Iterator[Path]:
    """A folder of this user; inside the block a superuser is another user."""
    with tempfile.TemporaryDirectory(prefix="signalbox-nobody-") as name:
        Path(name).chmod(0o755)
        superuser = os.geteuid() == 0
        yield Path(name)
        if superuser:
            os.seteuid(0)
        Path(name).chmod(0o755)


def become_nobody() -> None:
    if os.geteuid() == 0:
        os.seteuid(65534)


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
async def test_file_in_utf16_is_refused_with_the_cure(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f'PRAGMA encoding = "{encoding}"')
        connection.execute("CREATE TABLE x (y)")
    with pytest.raises(Unfit, match=rf"encoding {encoding}.*name a new file"):
        await opened(file)
    done = run(tmp_path, "serve", "--port", "0", "--database", "sqlite:///other.db")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("signalbox: The database file has the encoding")


async def test_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "text.db"
    file.write_text("no database " * 100)
    with pytest.raises(Unavailable, match=rf"not a SQLite database.*{file}"):
        await opened(file)


async def test_file_that_may_not_be_written_is_refused_at_the_start() -> None:
    """SQLite itself opens such a file, and only the first write fails."""
    with nobody() as folder:
        file = folder / "mine.db"
        await opened(file)
        file.chmod(0o444)
        folder.chmod(0o777)
        become_nobody()
        with pytest.raises(Unfit, match=rf"file {file} may not be written .* owner or the mode"):
            await opened(file)


@pytest.mark.parametrize("exists", [True, False])
async def test_folder_that_may_not_be_written_is_refused_at_the_start(exists: bool) -> None:
    with nobody() as folder:
        file = folder / "mine.db"
        if exists:
            await opened(file)
            file.chmod(0o666)
        folder.chmod(0o555)
        become_nobody()
        with pytest.raises(Unfit, match=rf"folder {folder} may not be written .* beside the database"):
            await opened(file)


async def test_old_library_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_surroundings, "OLDEST", (99, 1, 0))
    with pytest.raises(Unfit, match=r"needs SQLite 99\.1\.0 or newer"):
        await opened(tmp_path / "a.db")


def test_file_without_a_write_ahead_log_is_refused() -> None:
    """A memory database has none, as files on some network file systems."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with closing(connection), pytest.raises(Unfit, match="journal mode memory"):
        _use_wal(connection)


async def test_file_on_a_network_file_system_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await opened(tmp_path / "a.db") == []
    mounts = tmp_path / "mounts"
    mounts.write_text(f"host:/export {tmp_path} nfs4 rw,relatime 0 0\n")
    monkeypatch.setattr(sqlite_surroundings, "MOUNTS", str(mounts))
    (warning,) = await opened(tmp_path / "a.db")
    assert "network file system (nfs4)" in warning


def test_type_of_a_file_system_is_that_of_the_deepest_mount() -> None:
    mounts = "\n".join(
        (
            "/dev/a / ext4 rw 0 0",
            "host:/x /data nfs4 rw 0 0",
            "/dev/b /data/local ext4 rw 0 0",
            r"//h/s /a\040b cifs rw 0 0",
            "tmpfs /run tmpfs rw 0 0",
            "me@host: /run fuse.sshfs rw 0 0",
        )
    )
    files = {
        "/x.db": None,
        "/data/x.db": "nfs4",
        "/database/x.db": None,
        "/data/local/x.db": None,
        "/a b/x.db": "cifs",
        "/run/x.db": "fuse.sshfs",
    }
    assert {file: network_file_system(file, mounts) for file in files} == files


def test_locale_and_time_zone_of_the_process_change_nothing(tmp_path: Path) -> None:
    """The file has a name outside ASCII, and Python decodes arguments as ASCII."""
    strange = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Asia/Kathmandu"}
    shown: dict[str, list[dict[str, str]]] = {}
    asyncio.run(create_database(f"sqlite:///{tmp_path}/日本.db"))
    for env in (strange, {"TZ": "UTC"}):
        command = [str(COMMAND), "accounts", "list", "--json", "--database", "sqlite:///日本.db"]
        if not shown:
            made = [*command[:2], "create", "Ada", *command[3:]]
            subprocess.run(made, env=environment(env), cwd=tmp_path, check=True, capture_output=True, timeout=30)
        done = subprocess.run(
            command, env=environment(env), cwd=tmp_path, check=True, capture_output=True, text=True, timeout=30
        )
        shown[env["TZ"]] = json.loads(done.stdout)
    assert (tmp_path / "日本.db").exists()
    assert shown["Asia/Kathmandu"] == shown["UTC"]
    assert len(shown["UTC"]) == 1
