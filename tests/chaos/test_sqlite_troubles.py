"""A full disk: a clear 503 while it lasts. A read-only file: refused at the start. Normal responses afterwards."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from processes import ACCOUNT, COMMAND, PATIENCE, READY, Client, Process, environment, unknown_senders

SENDERS = unknown_senders(3_000)
UNLIMITED = resource.RLIM_INFINITY
# Root may write to any file, whatever its permissions; so the process first drops that capability.
AS_A_USER = "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
# A small file system that only this process sees, with a ballast file; deleting it makes room.
SMALL_DISK = 'mount -t tmpfs -o size=36m tmpfs "$0" && head -c 32M /dev/zero > "$0/ballast" && exec "$@"'


@contextmanager
def started(prefix: list[str], folder: Path, cwd: Path) -> Iterator[tuple[Process, Client]]:
    command = [*prefix, str(COMMAND), "serve", "--port", "0", "--database", f"sqlite:///{folder / 'small.db'}"]
    with Process(command, env=environment(ACCOUNT), cwd=cwd) as process:
        with Client(process.printed(READY)[1]) as client:
            yield process, client
        assert process.stop() == 0


def create(client: Client) -> httpx.Response:
    senders = [{"senderId": one} for one in SENDERS]
    return client.http.post("/v1/SenderPools", json={"name": "large", "senders": senders})


def accepted(response: httpx.Response) -> str:
    """The id of the promised operation."""
    assert response.status_code == 202, response.text
    operation: str = response.json()["operationId"]
    return operation


def assert_clearly_refused(response: httpx.Response, reason: str) -> None:
    assert (response.status_code, response.json()["code"]) == (503, 20503), response.text
    assert reason in response.json()["message"]
    assert int(response.headers["Retry-After"]) >= 1
    assert response.json()["errors"][0]["field"] is None


def assert_nothing_lost(client: Client, promised: list[str]) -> None:
    """Every operation of a 202 exists and is final, and there are no others."""
    found = [one["id"] for one in client.pages("/v1/SenderPools/Operations", "operations")]
    assert sorted(found) == sorted(promised)
    for operation in promised:
        assert client.completed(operation)["stats"]["failed"] == len(SENDERS)


def fill(client: Client, promised: list[str]) -> httpx.Response:
    """Creates pools until a create fails; returns its response."""
    for _ in range(200):
        response = create(client)
        if response.status_code != 202:
            return response
        promised.append(accepted(response))
    raise AssertionError("the disk never filled up")


def tmpfs_is_allowed(folder: Path) -> bool:
    tried = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", SMALL_DISK, folder, "true"], check=False, capture_output=True
    )
    return tried.returncode == 0


def limited(process: Process, folder: Path) -> Callable[[], None]:
    """Limits the growth of the process's files to 1 MiB, from outside; returns the function that lifts the limit."""
    size = max(path.stat().st_size for path in folder.iterdir())
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size + 2**20, UNLIMITED))
    return lambda: resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED)) and None


@pytest.mark.parametrize("way", ["file size", "file system"])
def test_full_disk_is_a_clear_503_and_recovers(way: str, tmp_path: Path) -> None:
    """With a limit on the size of files; and with a small file system, where the system permits to mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = way == "file system" and tmpfs_is_allowed(folder)
    prefix = ["unshare", "-Urm", "sh", "-c", SMALL_DISK, str(folder)] if mounted else []
    promised: list[str] = []
    with started(prefix, folder, tmp_path) as (process, client):
        free = Path(f"/proc/{process.pid}/root{folder}/ballast").unlink if mounted else limited(process, folder)
        refused = fill(client, promised)
        assert_clearly_refused(refused, "disk is full" if mounted else "writing the database file failed")
        # Reads succeed all the time. A retried write may succeed, because SQLite may have freed room in its WAL.
        assert client.http.get("/healthz").status_code == 200
        assert client.get("/v1/SenderPools/Operations")["operations"]
        again = create(client)
        if again.status_code == 202:
            promised.append(accepted(again))
        else:
            assert_clearly_refused(again, "disk is full" if mounted else "writing the database file failed")
        free()
        promised.append(accepted(create(client)))
        assert_nothing_lost(client, promised)
        assert process.running


def test_read_only_file_is_refused_at_the_start_and_recovers(tmp_path: Path) -> None:
    """SQLite itself would open such a file, and only the first write would fail."""
    promised: list[str] = []
    with started([], tmp_path, tmp_path) as (_, client):
        promised.append(accepted(create(client)))
    file = tmp_path / "small.db"
    file.chmod(0o444)
    as_a_user = [sys.executable, "-c", AS_A_USER]
    command = [*as_a_user, str(COMMAND), "serve", "--port", "0", "--database", f"sqlite:///{file}"]
    refused = subprocess.run(
        command, env=environment(ACCOUNT), cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"{file} may not be written by the user of this process" in refused.stderr
    for one in tmp_path.glob("small.db*"):  # SQLite gives the WAL and its index the permissions of the file
        one.chmod(0o644)
    with started(as_a_user, tmp_path, tmp_path) as (_, client):
        assert len(client.get("/v1/SenderPools/Operations")["operations"]) == 1
        promised.append(accepted(create(client)))
        assert_nothing_lost(client, promised)
