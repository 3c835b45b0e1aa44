"""`signalbox accounts` and `signalbox keys` beside running servers: a change holds when the command returns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from processes import SID, TOKEN, Connect, Serve, Server, run


class Commands:
    """Runs the commands on one database."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self._database_url = database_url
        self._folder = folder

    def __call__(self, *arguments: str) -> Any:
        done = run(self._folder, *arguments, "--json", "--database", self._database_url)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)


def _status(server: Server, sid: str, secret: str) -> int:
    response = httpx.get(f"{server.url}/v1/SenderPools", auth=(sid, secret))
    if response.status_code == 401:
        assert response.json()["code"] == 20003
        assert response.headers["WWW-Authenticate"].startswith("Basic")
    return response.status_code


def test_new_account_works_at_once_and_sees_only_its_own(
    serve: Serve, client: Connect, database_url: str, tmp_path: Path
) -> None:
    """The command creates Ben's account while the server runs; Ben gets 404 for Ada's pool."""
    server = serve(database_url)
    ada = client(server.url)
    operation_id = ada.create_pool(ada.enter(3))
    ada.completed(operation_id)
    new = Commands(database_url, tmp_path)("accounts", "create", "Ben")
    ben = client(server.url, new["accountSid"], new["authToken"])
    assert ben.get("/v1/SenderPools")["senderPools"] == []
    assert ben.get("/v1/Senders")["senders"] == []
    assert ben.http.get(f"/v1/SenderPools/{ada.pool_of(operation_id)}").status_code == 404
    assert ben.http.get(f"/v1/SenderPools/Operations/{operation_id}").status_code == 404


def test_revoked_key_is_dead_when_the_command_returns(serve: Serve, database_url: str, tmp_path: Path) -> None:
    """Also in a server that has just accepted the key."""
    server = serve(database_url)
    commands = Commands(database_url, tmp_path)
    eve = commands("keys", "create", "--account", SID, "--name", "Eve")
    other = commands("keys", "create", "--account", SID)
    assert _status(server, eve["keySid"], eve["secret"]) == 200
    assert commands("keys", "revoke", eve["keySid"])["status"] == "REVOKED"
    assert _status(server, eve["keySid"], eve["secret"]) == 401
    assert _status(server, other["keySid"], other["secret"]) == 200
    assert _status(server, SID, TOKEN) == 200
    listed = {one["keySid"]: one["status"] for one in commands("keys", "list", "--account", SID)}
    assert listed == {eve["keySid"]: "REVOKED", other["keySid"]: "ACTIVE"}


def test_credentials_die_in_every_process(serve: Serve, postgres_url: str, tmp_path: Path) -> None:
    """Two servers on one database, both of which have just accepted the credentials."""
    servers = [serve(postgres_url), serve(postgres_url)]
    commands = Commands(postgres_url, tmp_path)
    key = commands("keys", "create", "--account", SID)
    assert [_status(server, key["keySid"], key["secret"]) for server in servers] == [200, 200]
    commands("keys", "revoke", key["keySid"])
    assert [_status(server, key["keySid"], key["secret"]) for server in servers] == [401, 401]
    assert [_status(server, SID, TOKEN) for server in servers] == [200, 200]
    commands("accounts", "suspend", SID)
    assert [_status(server, SID, TOKEN) for server in servers] == [401, 401]


def test_suspended_account_is_refused_until_it_is_resumed(
    serve: Serve, client: Connect, database_url: str, tmp_path: Path
) -> None:
    """The server refuses the account's token and its keys; operations of the account continue."""
    server = serve(database_url)
    ada = client(server.url)
    senders = ada.enter(5_000)
    commands = Commands(database_url, tmp_path)
    key = commands("keys", "create", "--account", SID)
    operation_id = ada.create_pool(senders)
    commands("accounts", "suspend", SID)
    assert _status(server, SID, TOKEN) == 401
    assert _status(server, key["keySid"], key["secret"]) == 401
    assert commands("accounts", "list")[0]["status"] == "SUSPENDED"
    server.printed('"status":"COMPLETED"')
    commands("accounts", "resume", SID)
    assert _status(server, key["keySid"], key["secret"]) == 200
    assert ada.operation(operation_id)["status"] == "COMPLETED"


def test_rotated_token_replaces_the_old_one(serve: Serve, database_url: str, tmp_path: Path) -> None:
    """The account's keys stay valid."""
    server = serve(database_url)
    commands = Commands(database_url, tmp_path)
    key = commands("keys", "create", "--account", SID)
    assert _status(server, SID, TOKEN) == 200
    new = commands("accounts", "rotate-token", SID)
    assert new["accountSid"] == SID
    assert new["authToken"] != TOKEN
    assert _status(server, SID, TOKEN) == 401
    assert _status(server, SID, new["authToken"]) == 200
    assert _status(server, key["keySid"], key["secret"]) == 200


def test_command_about_nobody_fails_in_a_sentence(serve: Serve, database_url: str, tmp_path: Path) -> None:
    serve(database_url)
    for command in (["accounts", "suspend", "AC" + "0" * 32], ["keys", "revoke", "SK" + "0" * 32]):
        done = run(tmp_path, *command, "--database", database_url)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("signalbox: there is no")
