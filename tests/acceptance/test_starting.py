"""Start-up: the first account, a restart, several processes at once, a database of a newer version."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
import subprocess
from contextlib import ExitStack, closing
from pathlib import Path

import asyncpg
import httpx

from processes import ACCOUNT, COMMAND, READY, SID, TOKEN, Connect, Process, Serve, environment, run

LOGIN = re.compile(r"AC[0-9a-f]{32}:\S+")


def _stored(database_url: str, tmp_path: Path) -> int:
    """The number of accounts in the database."""
    listed = run(tmp_path, "accounts", "list", "--json", "--database", database_url)
    assert listed.returncode == 0, listed.stderr
    return len(json.loads(listed.stdout))


def _events(server: Process) -> list[dict[str, str]]:
    """What the server printed when it was ready."""
    server.printed('"event":"started"')
    return [json.loads(line) for line in server.stdout.splitlines()]


def test_first_start_prints_an_account_and_a_curl_line_that_works(serve: Serve, tmp_path: Path) -> None:
    """The test runs the curl line as printed. Where the output is no terminal, each event is a line of JSON."""
    server = serve("sqlite:///new.db", env={})
    account, started = _events(server)
    line = account["try"]
    assert line == f"curl -u {account['accountSid']}:{account['authToken']} {started['api']}/SenderPools"
    response = subprocess.run(shlex.split(f"{line} -sS -i"), capture_output=True, text=True, timeout=300, check=True)
    assert "HTTP/1.1 200 OK" in response.stdout
    assert '"senderPools":[]' in response.stdout
    assert not LOGIN.search(server.stderr), "the log holds the token"


def test_second_start_prints_no_secret_and_keeps_the_first_one_valid(
    serve: Serve, client: Connect, tmp_path: Path
) -> None:
    first = serve("sqlite:///kept.db", env={})
    login = LOGIN.search(_events(first)[0]["try"])
    assert login
    assert first.stop() == 0
    second = serve("sqlite:///kept.db", env={})
    (started,) = _events(second)
    assert started == {
        "event": "started",
        "api": f"{second.url}/v1",
        "console": f"{second.url}/console",
        "docs": f"{second.url}/docs",
        "database": str(tmp_path / "kept.db"),
        "stop": "SIGTERM",
    }
    assert client(second.url, *login[0].split(":")).get("/v1/SenderPools")["senderPools"] == []


def test_account_of_the_environment_is_made_and_nothing_secret_is_printed(
    serve: Serve, client: Connect, database_url: str, tmp_path: Path
) -> None:
    server = serve(database_url)
    assert client(server.url, SID, TOKEN).get("/v1/SenderPools")["senderPools"] == []
    assert server.stop() == 0
    assert TOKEN not in server.stdout + server.stderr
    assert _stored(database_url, tmp_path) == 1


def test_account_of_the_environment_changes_nothing_in_a_database_that_has_one(
    serve: Serve, client: Connect, database_url: str, tmp_path: Path
) -> None:
    assert serve(database_url).stop() == 0
    other = {"SIGNALBOX_ACCOUNT_SID": "AC" + "9" * 32, "SIGNALBOX_AUTH_TOKEN": "another-token"}
    server = serve(database_url, env=other)
    assert httpx.get(f"{server.url}/v1/SenderPools", auth=("AC" + "9" * 32, "another-token")).status_code == 401
    assert client(server.url).get("/v1/SenderPools")["senderPools"] == []
    assert _stored(database_url, tmp_path) == 1
    assert server.stop() == 0
    assert "chosen credentials not used" in server.stderr
    again = serve(database_url)
    assert again.stop() == 0
    assert "chosen credentials not used" not in again.stderr


def test_restart_keeps_everything(serve: Serve, client: Connect, database_url: str) -> None:
    """Senders, pools, operations, ledgers, page tokens and idempotency keys are the same after a restart."""
    first = serve(database_url)
    before = client(first.url)
    senders = before.enter(120)
    operation_id = before.create_pool([*senders, "comms_sender_" + "0" * 26], key="kept", name="kept")
    operation = before.completed(operation_id)
    page = before.get("/v1/Senders", pageSize=50)
    ledger = before.items(operation_id)
    pools = before.get("/v1/SenderPools")["senderPools"]
    assert first.stop() == 0

    after = client(serve(database_url).url)
    assert after.operation(operation_id) == operation
    assert after.items(operation_id) == ledger
    assert after.get("/v1/SenderPools")["senderPools"] == pools
    assert after.create_pool([*senders, "comms_sender_" + "0" * 26], key="kept", name="kept") == operation_id
    rest = list(after.pages("/v1/Senders", "senders", pageSize=50, pageToken=page["pagination"]["next"]))
    assert [one["id"] for one in page["senders"] + rest] == senders
    assert sorted(after.members(after.pool_of(operation_id))) == sorted(senders)


def test_processes_that_start_at_once_make_one_account(
    empty_postgres_url: str, tmp_path: Path, stack: ExitStack
) -> None:
    """On an empty PostgreSQL: all processes become ready, with one account, whose token exactly one process prints."""
    command = [str(COMMAND), "serve", "--port", "0", "--database", empty_postgres_url]
    started = [stack.enter_context(Process(command, env=environment({}), cwd=tmp_path)) for _ in range(6)]
    urls = [process.printed(READY)[1] for process in started]
    tries = [event["try"] for process in started for event in _events(process) if event["event"] == "account"]
    logins = LOGIN.findall(" ".join(tries))
    assert len(logins) == 1
    for url in urls:
        assert httpx.get(f"{url}/readyz").status_code == 200
        assert httpx.get(f"{url}/v1/SenderPools", auth=tuple(logins[0].split(":"))).status_code == 200
    assert _stored(empty_postgres_url, tmp_path) == 1
    assert [process.stop() for process in started] == [0] * 6


async def test_newer_postgresql_database_is_refused(postgres_url: str, tmp_path: Path) -> None:
    """Every command prints one sentence and exits with code 1."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("INSERT INTO signalbox_schema (version, name, applied_at) VALUES (9999, 'later', 0)")
    await connection.close()
    _refuses(tmp_path, postgres_url)


def test_newer_sqlite_database_is_refused(serve: Serve, tmp_path: Path) -> None:
    """Every command prints one sentence and exits with code 1; the file does not change."""
    assert serve("sqlite:///newer.db").stop() == 0
    with closing(sqlite3.connect(tmp_path / "newer.db", isolation_level=None)) as file:
        file.execute("INSERT INTO signalbox_schema (version, name, applied_at) VALUES (9999, 'later', 0)")
    _refuses(tmp_path, "sqlite:///newer.db")


def _refuses(tmp_path: Path, database_url: str) -> None:
    for command in (["serve", "--port", "0"], ["worker"], ["accounts", "list"]):
        refused = run(tmp_path, *command, "--database", database_url, env=ACCOUNT if command[0] == "serve" else {})
        assert refused.returncode == 1, refused
        assert refused.stdout == ""
        assert "schema version 9999" in refused.stderr
        assert "newer Signalbox" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_port_in_use_is_refused_in_a_sentence(serve: Serve, tmp_path: Path) -> None:
    """The command fails before it writes to the database."""
    server = serve("sqlite:///one.db")
    refused = run(tmp_path, "serve", "--port", str(server.port), "--database", "sqlite:///other.db")
    assert refused.returncode == 1
    assert f"port {server.port}: Address already in use by another Signalbox (process {server.pid}: " in refused.stderr
    assert "signalbox serve)" in refused.stderr
    assert re.search(r"; port \d+ is free: --port \d+\n$", refused.stderr)
    assert refused.stdout == ""
    assert not (tmp_path / "other.db").exists()
