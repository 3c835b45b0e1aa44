"""Backups that are taken while the program works, with the commands of docs/backup.md; a restore has everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from documented import commands, run_commands

from processes import PATIENCE, SID, Client, Connect, Serve, run, unknown_senders

SENDERS = 1_000
UNFINISHED = 5


def test_backup_of_a_sqlite_file_in_use_has_everything(serve: Serve, client: Connect, tmp_path: Path) -> None:
    _backup_and_restore(serve, client, tmp_path, "SQLite", "sqlite:///signalbox.db", "sqlite:///restored.db")


def test_backup_of_a_postgresql_in_use_has_everything(
    serve: Serve, client: Connect, tmp_path: Path, postgres_url: str, empty_postgres_url: str
) -> None:
    _backup_and_restore(serve, client, tmp_path, "PostgreSQL", postgres_url, empty_postgres_url)


def _backup_and_restore(
    serve: Serve, client: Connect, folder: Path, engine: str, database: str, restored_database: str
) -> None:
    """After the restore, pools, ledgers, tokens, credentials and keys are as before, and promised work is done."""
    variables = {"SIGNALBOX_DATABASE": database, "RESTORED_DATABASE": restored_database}
    backup, restore = commands("backup", f"## {engine}")

    def told(*command: str) -> tuple[str, str]:
        done = run(folder, *command, "--json", "--database", database)
        one, other = json.loads(done.stdout).values()
        return one, other

    server = serve(database)
    ada = client(server.url)
    ben, key, revoked = (
        told("accounts", "create", "Ben"),
        told("keys", "create", "--account", SID),
        told("keys", "create", "--account", SID),
    )
    run(folder, "keys", "revoke", revoked[0], "--database", database)
    senders = ada.enter(SENDERS)
    for number in range(3):
        operation_id = ada.create_pool([*senders[:20], *unknown_senders(2)], name=f"pool {number}", key=f"k{number}")
        ada.completed(operation_id)
    token = ada.get("/v1/SenderPools", pageSize=1)["pagination"]["next"]
    before = _everything(ada, operation_id, token)
    assert server.stop() == 0
    server = serve(database, "--workers", "0")
    ada = client(server.url)
    promised = [ada.create_pool(senders, name="promised") for _ in range(UNFINISHED)]
    with _others_at_work(server.url, senders):
        run_commands(backup, folder, variables)
    assert server.stop() == 0
    run_commands(restore, folder, variables)

    server = serve(restored_database, env={})
    ada = client(server.url)
    assert _everything(ada, operation_id, token) == before
    for one in promised:
        assert ada.completed(one)["stats"] == {"total": SENDERS + 1, "queued": 0, "created": SENDERS + 1, "failed": 0}
        assert sorted(ada.members(ada.pool_of(one))) == sorted(senders)
    assert ada.create_pool([*senders[:20], *unknown_senders(2)], name="pool 2", key="k2") == operation_id, "replayed"
    assert client(server.url, *key).operation(operation_id)["status"] == "COMPLETED"
    assert client(server.url, *ben).get("/v1/SenderPools")["senderPools"] == []
    assert client(server.url, *revoked).http.get("/v1/SenderPools").status_code == 401
    assert '"event":"account"' not in server.stdout, "the accounts of the backup are there, no other is made"


@contextmanager
def _others_at_work(url: str, senders: list[str]) -> Iterator[None]:
    """Another client creates pools, one after the other, until the block ends."""
    begun, ended = Event(), Event()

    def go_on() -> None:
        with Client(url) as other:
            while not ended.is_set():
                other.create_pool(senders[:100], name="promised")
                begun.set()

    with ThreadPoolExecutor(1) as thread:
        created = thread.submit(go_on)
        try:
            assert begun.wait(PATIENCE)
            yield
        finally:
            ended.set()
        created.result()


def _everything(client: Client, operation_id: str, token: str) -> dict[str, Any]:
    """Everything that clients see of finished work."""
    return {
        "senders": list(client.pages("/v1/Senders", "senders", pageSize=1000)),
        "pools": [pool for pool in client.pages("/v1/SenderPools", "senderPools") if pool["name"] != "promised"],
        "operation": client.operation(operation_id),
        "ledger": client.items(operation_id),
        "members": client.members(client.pool_of(operation_id)),
        "second page": client.get("/v1/SenderPools", pageSize=1, pageToken=token)["senderPools"],
    }
