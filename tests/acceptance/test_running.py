"""The installed command: its options, its databases and its shutdown."""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import time
from pathlib import Path

import httpx

from processes import PATIENCE, SID, TOKEN, Connect, Serve, create_database, eventually, run
from signalbox.ground.settings import Settings


def test_defaults_are_the_loopback_address_port_8080_and_a_file_here() -> None:
    settings = Settings()
    assert (settings.host, settings.port, settings.database) == ("127.0.0.1", 8080, "sqlite:///signalbox.db")


async def test_default_database_is_a_file_in_the_working_directory(tmp_path: Path) -> None:
    await create_database(f"sqlite:///{tmp_path}/signalbox.db")
    listed = run(tmp_path, "accounts", "list", "--json")
    assert (listed.returncode, listed.stdout) == (0, "[]\n")


async def test_relative_and_absolute_database_urls_name_the_files_they_say(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    for url, file in (
        ("sqlite:///relative.db", tmp_path / "here" / "relative.db"),
        (f"sqlite:///{tmp_path}/absolute.db", tmp_path / "absolute.db"),
    ):
        assert (
            f"{file}: there is no such database" in run(tmp_path / "here", "accounts", "list", "--database", url).stderr
        )
        await create_database(f"sqlite:///{file}")
        listed = run(tmp_path / "here", "accounts", "list", "--database", url)
        assert listed.returncode == 0, listed.stderr


def test_database_in_memory_serves_and_works_and_leaves_no_file(serve: Serve, client: Connect, tmp_path: Path) -> None:
    server = serve("sqlite://")
    ada = client(server.url)
    senders = ada.enter(20)
    operation_id = ada.create_pool(senders)
    assert ada.completed(operation_id)["stats"]["created"] == 21
    assert sorted(ada.members(ada.pool_of(operation_id))) == sorted(senders)
    assert server.stop() == 0
    assert list(tmp_path.iterdir()) == []


def test_settings_come_from_command_line_environment_and_file(tmp_path: Path) -> None:
    """The command line wins over the environment, the environment over the file: each names its own database."""
    (tmp_path / "signalbox.toml").write_text('database = "sqlite:///of-file.db"\n')
    environment = {"SIGNALBOX_DATABASE": "sqlite:///of-environment.db"}
    option = ["--database", "sqlite:///of-command-line.db"]
    named = []
    for arguments, variables in ((option, environment), ([], environment), ([], {})):
        done = run(tmp_path, "accounts", "list", *arguments, env=variables)
        named += re.findall(r"([a-z-]+)\.db: there is no such database", done.stderr)
    assert named == ["of-command-line", "of-environment", "of-file"]


async def test_secrets_are_shown_once(database_url: str, tmp_path: Path) -> None:
    """No other command prints the secrets again."""
    await create_database(database_url)

    def command(*arguments: str) -> str:
        done = run(tmp_path, *arguments, "--database", database_url)
        assert done.returncode == 0, done.stderr
        printed: str = done.stdout + done.stderr
        return printed

    account = json.loads(command("accounts", "create", "Ada", "--json"))
    assert list(account) == ["accountSid", "authToken"]
    key = json.loads(command("keys", "create", "--account", account["accountSid"], "--json"))
    assert list(key) == ["keySid", "secret"]
    said = ""
    for words in (["accounts", "list"], ["keys", "list"], ["accounts", "resume", account["accountSid"]]):
        said += command(*words) + command(*words, "--json")
    said += command("keys", "revoke", key["keySid"])
    assert account["accountSid"] in said
    assert key["keySid"] in said
    assert account["authToken"] not in said
    assert key["secret"] not in said


def test_request_in_hand_gets_its_response_on_sigterm_and_no_other_is_taken(serve: Serve, database_url: str) -> None:
    """The signal comes before the end of the request's body; the request still gets its response."""
    server = serve(database_url, "--workers", "0")
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        _begin(connection, b'{"name": "finished"}')
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        server.printed('"event":"stopping"')
        eventually(lambda: _refused(server.port), "the port is closed")
        connection.sendall(b'hed"}')
        response = _all(connection)
    assert response.startswith(b"HTTP/1.1 202 "), response
    assert server.wait(10) == 0
    assert time.monotonic() - started < 10


def test_request_that_cannot_be_finished_on_sigterm_gets_the_documented_503(serve: Serve, database_url: str) -> None:
    """The rest of the request's body never comes."""
    server = serve(database_url)
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        _begin(connection, b'{"name": "never"}')
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        response = _all(connection)
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 "), response
    assert b"retry-after: " in head.lower()
    assert json.loads(body)["code"] == 20503
    assert server.wait(10) == 0
    assert time.monotonic() - started < 10


def _begin(connection: socket.socket, body: bytes) -> None:
    """Sends a request whose last five bytes are missing, and waits until the server has begun it."""
    login = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
    head = (
        f"POST /v1/SenderPools HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {login}\r\nExpect: 100-continue\r\n"
        f"Content-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body[:-5])
    assert connection.recv(100).startswith(b"HTTP/1.1 100 ")


def _all(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def _refused(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=1)
    except httpx.TransportError:
        return True
    return False
