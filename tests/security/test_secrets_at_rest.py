"""After a secret is shown once, no database, log, list of processes or response has the secret, even encoded."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import httpx
import pytest

from people import Person
from processes import ACCOUNT, COMMAND, SID, TOKEN, Connect, Process, Serve, environment, run
from signalbox.ground.secrets import digest


def disguises(secret: str) -> Iterator[bytes]:
    """The secret itself, and its common encodings."""
    plain = secret.encode()
    yield plain
    yield plain[::-1]
    yield secret.swapcase().encode()
    yield secret.encode("utf-16-le")
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    # Base64 for each of the three offsets in a longer text, without the ends that depend on the text around the secret.
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + plain)[4 * bool(shift) : -4]
        yield base64.urlsafe_b64encode(b"\0" * shift + plain)[4 * bool(shift) : -4]
    yield base64.b32encode(plain).rstrip(b"=")
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s", "sha3_256"):
        digest = hashlib.new(name, plain)
        yield digest.digest()
        yield digest.hexdigest().encode()
        yield base64.b64encode(digest.digest())
    yield hashlib.blake2b(plain, digest_size=32).digest()
    yield hashlib.blake2b(plain, digest_size=32).hexdigest().encode()


def found_in(content: bytes, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets for one in disguises(secret) if one in content]


def test_disguises_are_recognised() -> None:
    """The search finds a secret in every encoding."""
    for hidden in (
        TOKEN.encode(),
        base64.b64encode(f"{SID}:{TOKEN}".encode()),
        base64.b64encode(f"x{TOKEN}y".encode()),
        hashlib.sha256(TOKEN.encode()).digest(),
        b"x" + TOKEN.encode().hex().encode(),
    ):
        assert found_in(b"before" + hidden + b"after", [TOKEN])
    assert not found_in(b"a-token-that-the-tests-chose-001", [TOKEN])


async def dump(url: str) -> bytes:
    """Everything in the database: its values, and for SQLite also the bytes of the file."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(path)) as file:
            names = [row[0] for row in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            rows = [row for name in names for row in file.execute(f'SELECT * FROM "{name}"')]
            script = "\n".join(file.iterdump()).encode()
        files = [one.read_bytes() for one in path.parent.glob(f"{path.name}*")]
        return b"\n".join([script, *_values(rows), *files])
    connection = await asyncpg.connect(url)
    try:
        tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'"
        found = [await connection.fetch(f"SELECT * FROM {one[0]}") for one in await connection.fetch(tables)]
        found.append(await connection.fetch("SELECT query FROM pg_stat_activity"))
        return b"\n".join(_values([tuple(row) for rows in found for row in rows]))
    finally:
        await connection.close()


def _values(rows: list[tuple[object, ...]]) -> list[bytes]:
    return [value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row]


async def test_secrets_are_in_the_database_as_keyed_digests_only(ada: Person, request: pytest.FixtureRequest) -> None:
    """Token, key and rotated token, after use, in rows, in the file's bytes and in the text of running queries."""
    keyed, key_sid = await ada.key("CI")
    for person in (ada, keyed):
        await person.pool(*await person.senders(1))
        await person.post("/v1/SenderPools", json={}, headers={"idempotency-key": "k"})
    content = await dump(request.getfixturevalue("shared_url"))
    assert key_sid.encode() in content
    assert ada.account_sid.encode() in content
    assert not found_in(content, [ada.secret, keyed.secret])
    for person in (ada, keyed):
        assert digest(ada.served.api.services.keys.digests, person.secret.encode()) in content


def test_no_secret_is_in_what_the_program_prints(
    serve: Serve, client: Connect, database_url: str, tmp_path: Path
) -> None:
    """Logs at the level `debug`, and every command: only the command that makes a secret prints the secret, once.

    Addresses and names are private, so the log has none of them either.
    """
    server = serve(database_url, "--log-level", "debug")
    ada = client(server.url)
    ada.enter(3, prefix="private-address")
    ada.completed(ada.create_pool([], name="private-name"))
    ada.http.post("/v1/Senders/Search", json={"channel": "EMAIL", "address": "private-address0@example.com"})
    ada.http.get("/v1/Senders", params={"private-address": "private-address0@example.com"})
    ada.http.get("/v1/nothing/private-address0@example.com")
    made = [
        json.loads(run(tmp_path, *command, "--json", "--database", database_url).stdout)
        for command in (
            ("accounts", "create", "Ben"),
            ("accounts", "rotate-token", SID),
            ("keys", "create", "--account", SID),
        )
    ]
    secrets = [TOKEN, *(str(one.get("authToken") or one["secret"]) for one in made)]
    for user, secret in ((SID, secrets[2]), (made[2]["keySid"], secrets[3]), (SID, TOKEN), ("nobody", secrets[1])):
        for path in (f"/v1/SenderPools?pageToken={secret}", f"/v1/SenderPools/{secret}", f"/{secret}"):
            response = httpx.get(server.url + path, auth=(user, secret))
            assert found_in(f"{response.headers}{response.text}".encode(), secrets) == []
    later = [
        run(tmp_path, *command, "--database", database_url) for command in (("accounts", "list"), ("keys", "list"))
    ]
    assert server.stop() == 0
    printed = server.stdout + server.stderr + "".join(one.stdout + one.stderr for one in later)
    assert found_in(printed.encode(), secrets) == []
    assert "address0" not in printed
    assert "private-name" not in printed


def test_list_of_processes_shows_no_secret(serve: Serve, tmp_path: Path) -> None:
    """The account's token and a database password come from the environment; no option takes the token."""
    server = serve(f"sqlite:///{tmp_path / 'signalbox.db'}")
    assert found_in(Path(f"/proc/{server.pid}/cmdline").read_bytes(), [TOKEN]) == []
    refused = run(tmp_path, "serve", "--auth-token", TOKEN)
    assert refused.returncode == 2
    assert "No such option" in refused.stderr


@pytest.mark.parametrize("password", ["p-a-s-s-w-o-r-d-that-is-secret", "with/slash@and:colon#and%percent"])
def test_database_password_is_in_no_message(tmp_path: Path, password: str) -> None:
    """The database cannot be reached, and the password comes from the environment."""
    url = f"postgresql://signalbox:{quote(password, safe='')}@127.0.0.1:1/signalbox"
    env = environment({**ACCOUNT, "SIGNALBOX_DATABASE": url, "SIGNALBOX_LOG_LEVEL": "debug"})
    with Process([COMMAND, "serve", "--port", "0"], env=env, cwd=tmp_path) as process:
        assert process.wait() != 0
        printed = process.stdout + process.stderr
    assert "cannot be reached" in printed
    assert password not in printed
    assert quote(password, safe="") not in printed


def test_database_file_is_readable_by_its_owner_only(serve: Serve, tmp_path: Path) -> None:
    """The file holds addresses and the key of the digests: no other user of the machine may open the file."""
    before = os.umask(0o022)
    try:
        server = serve(f"sqlite:///{tmp_path / 'signalbox.db'}")
    finally:
        os.umask(before)
    httpx.post(f"{server.url}/v1/SenderPools", json={}, auth=(SID, TOKEN))
    files = sorted(tmp_path.glob("signalbox.db*"))
    assert files
    for path in files:
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path.name


async def test_errors_repeat_no_secret(ada: Person) -> None:
    """An error repeats a secret only as text that the client itself sent in a wrong field."""
    for body in ({"name": 7, ada.secret: 1}, [ada.secret], ada.secret):
        response = await ada.post("/v1/SenderPools", json=body)
        assert response.status_code == 400
        assert urlsplit(response.json()["errors"][0]["infoUrl"]).username is None
    denied = await ada.get("/v1/SenderPools", auth=(ada.user, ada.secret[:-1] + "!"))
    assert denied.status_code == 401
    assert found_in(f"{denied.headers}{denied.text}".encode(), [ada.secret[:-1] + "!", ada.secret]) == []
