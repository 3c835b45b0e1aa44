"""The parameters of a PostgreSQL URL at work: hosts in turn, TLS, time limits, passwords, server settings."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import asyncpg
import pytest
from fronts import AUTHORITY, CERTIFICATE, KEY, OTHER_AUTHORITY, Front, listening, mute, refusing_pooler
from small import connected

from postgres import PostgresServer
from processes import run
from signalbox import db
from signalbox.db.postgres_connect import Connection, Server, _trusting_system
from signalbox.ground.errors import Unavailable


async def opened(url: str) -> Connection:
    return await Server(url).open({})


async def ask(url: str, question: str) -> object:
    connection = await opened(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


@pytest.fixture
def socket(postgres_url: str) -> str:
    """The path of the server's socket."""
    return f"{unquote(postgres_url.partition('host=')[2])}/.s.PGSQL.5432"


@pytest.fixture
def name(postgres_url: str) -> str:
    return postgres_url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
async def tls(socket: str) -> AsyncIterator[tuple[Front, int]]:
    front = Front(socket, tls=True)
    async with listening(front.handle) as port:
        yield front, port


async def test_server_settings_of_the_url_arrive(postgres_url: str) -> None:
    url = f"{postgres_url}&application_name=my%20app&options=-c%20geqo%3Doff%20-c%20work_mem%3D3MB&schema=Other"
    settings = "SELECT ARRAY['application_name', 'geqo', 'work_mem', 'search_path', 'client_encoding']"
    found = await ask(url, f"SELECT array_agg(current_setting(n)) FROM unnest(({settings})) AS n")
    assert found == ["my app", "off", "3MB", '"Other"', "UTF8"]
    assert await ask(postgres_url, "SELECT current_setting('application_name')") == "signalbox"


async def test_options_cannot_change_the_encoding_of_the_connection(postgres_url: str) -> None:
    url = f"{postgres_url}&options=-c%20client_encoding%3DLATIN1"
    assert await ask(url, "SELECT '日本' || current_setting('client_encoding')") == "日本UTF8"


async def test_schema_of_the_url_gets_the_tables(empty_postgres_url: str) -> None:
    admin = await asyncpg.connect(empty_postgres_url)
    await admin.execute('CREATE SCHEMA "Other"')
    database = db.connect(f"{empty_postgres_url}&schema=Other")
    await database.open()
    await connected(database)
    assert await admin.fetchval("SELECT schemaname FROM pg_tables WHERE tablename = 'senders'") == "Other"
    await database.close()
    await admin.close()


MODES = {
    # sslmode and its certificates: encrypted with a server that has TLS, connected to a server that has none
    "": (True, True),
    "sslmode=disable": (False, True),
    "sslmode=allow": (False, True),
    "sslmode=prefer": (True, True),
    "sslmode=require": (True, False),
    "ssl=true": (True, False),
    f"sslmode=verify-ca&sslrootcert={AUTHORITY}": (True, False),
    f"sslmode=verify-full&sslrootcert={AUTHORITY}": (True, False),
}


@pytest.mark.parametrize("mode", MODES)
async def test_sslmode_decides_about_encryption(tls: tuple[Front, int], socket: str, name: str, mode: str) -> None:
    encrypted, without = MODES[mode]
    front, port = tls
    assert await ask(f"postgresql://postgres@localhost:{port}/{name}?{mode}", "SELECT 1") == 1
    assert (front.encrypted, front.plain) == ((1, 0) if encrypted else (0, 1))
    async with listening(Front(socket, tls=False).handle) as plain:
        url = f"postgresql://postgres@localhost:{plain}/{name}?{mode}"
        if without:
            assert await ask(url, "SELECT 1") == 1
        else:
            with pytest.raises(Unavailable, match="rejected SSL"):
                await opened(url)


@pytest.mark.parametrize(
    ("host", "mode", "reason"),
    [
        ("localhost", f"sslmode=require&sslrootcert={OTHER_AUTHORITY}", "verify failed"),
        ("localhost", f"sslmode=verify-ca&sslrootcert={OTHER_AUTHORITY}", "verify failed"),
        ("127.0.0.1", f"sslmode=verify-full&sslrootcert={AUTHORITY}", "not valid for '127.0.0.1'"),
        ("localhost", "sslrootcert=system&sslmode=verify-full", "verify failed"),
        ("localhost", "sslmode=verify-full&sslrootcert=/no/file.pem", r"sslrootcert: /no/file\.pem: No such file"),
        ("localhost", f"sslcert={CERTIFICATE}&sslkey=/no/key", "sslkey: /no/key: No such file"),
    ],
)
async def test_wrong_certificate_is_refused(
    tls: tuple[Front, int], name: str, host: str, mode: str, reason: str
) -> None:
    database = db.connect(f"postgresql://postgres@{host}:{tls[1]}/{name}?{mode}")
    with pytest.raises(Unavailable, match=reason):
        await database.open()
    await database.close()


async def test_authorities_of_the_system_are_trusted_when_named(
    tls: tuple[Front, int], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE is OpenSSL's variable for the file of the system's authorities."""
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    _trusting_system.cache_clear()
    try:
        url = f"postgresql://postgres@localhost:{tls[1]}/{name}?sslrootcert=system"
        assert await ask(url, "SELECT 1") == 1
        assert tls[0].encrypted == 1
        with pytest.raises(Unavailable, match="not valid for '127"):
            await opened(url.replace("localhost", "127.0.0.1"))
        with pytest.raises(Unavailable, match="CRL"):
            await opened(f"{url}&sslcrl={AUTHORITY}")
        with pytest.raises(Unavailable, match=r"URL is wrong.*TLSv9"):
            await opened(f"{url}&ssl_min_protocol_version=TLSv9")
    finally:
        _trusting_system.cache_clear()


async def test_client_certificate_is_sent(socket: str, name: str) -> None:
    async with listening(Front(socket, tls=True, client_certificate=True).handle) as port:
        url = f"postgresql://postgres@localhost:{port}/{name}?sslmode=verify-full&sslrootcert={AUTHORITY}"
        assert await ask(f"{url}&sslcert={CERTIFICATE}&sslkey={KEY}", "SELECT 1") == 1
        with pytest.raises(Unavailable):
            await opened(url)


async def test_next_host_is_tried_after_one_that_is_away_mute_or_a_standby(socket: str, name: str) -> None:
    """Each host has the whole connect_timeout; with one limit for all, the mute host would use it up."""
    standby = PostgresServer({})
    try:
        standby.create()
        standby.stand_by()
        standby.start()
        behind = f"{unquote(standby.url('x').partition('host=')[2])}/.s.PGSQL.5432"
        async with (
            listening(mute) as silent,
            listening(Front(behind, tls=False).handle) as second,
            listening(Front(socket, tls=False).handle) as third,
        ):
            hosts = f"127.0.0.1:1,127.0.0.1:{silent},127.0.0.1:{second},127.0.0.1:{third}"
            url = (
                f"postgresql://postgres@{hosts}/{{}}?target_session_attrs=read-write&connect_timeout=1&sslmode=disable"
            )
            assert await ask(url.format("postgres"), "SELECT pg_is_in_recovery()") is False
            with pytest.raises(Unavailable, match=r"Connect.*no response in time.*target attribute"):
                await opened(url.format("postgres").replace(f",127.0.0.1:{third}", ""))
    finally:
        standby.stop()


async def test_connect_timeout_is_the_limit() -> None:
    async with listening(mute) as port:
        before = time.monotonic()
        with pytest.raises(Unavailable, match="no response in time"):
            await opened(f"postgresql://a@127.0.0.1:{port}/b?connect_timeout=1")
        assert 0.9 < time.monotonic() - before < 4


async def test_pooler_that_refuses_settings_is_named_with_the_cure() -> None:
    async with listening(refusing_pooler) as port:
        with pytest.raises(
            Unavailable, match=r"parameter: jit\. This is a pooler: name the server behind the pooler in"
        ):
            await opened(f"postgresql://a@127.0.0.1:{port}/b")


async def test_host_name_that_cannot_exist_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        await opened(f"postgresql://a@{'x' * 70}..example/b")


@pytest.mark.parametrize(
    ("password", "written"),
    [("p@ss/w?rd#1", "p%40ss%2Fw%3Frd%231"), ("a+b c%", "a+b%20c%25"), ("日本", "%E6%97%A5%E6%9C%AC")],
)
async def test_password_with_special_characters_logs_in(password: str, written: str) -> None:
    server = PostgresServer()
    try:
        server.create()
        server.start()
        admin = await asyncpg.connect(server.url("postgres"))
        await admin.execute(f"CREATE ROLE ada LOGIN PASSWORD '{password}'")
        await admin.close()
        server.halt()
        server.allow("local all ada scram-sha-256")
        server.start()
        url = server.url("postgres").replace("postgres@", f"ada:{written}@")
        assert await ask(url, "SELECT current_user::text") == "ada"
        with pytest.raises(Unavailable, match="password authentication failed") as caught:
            await opened(url.replace(written, "wr0ng"))
        assert "wr0ng" not in str(caught.value)
    finally:
        server.stop()


def test_commands_warn_of_ignored_parameters_and_refuse_others(postgres_url: str, tmp_path: Path) -> None:
    warned = run(tmp_path, "accounts", "list", "--database", f"{postgres_url}&pool_timeout=3&channel_binding=prefer")
    assert warned.returncode == 0
    assert warned.stderr.startswith("signalbox: database: pool_timeout is ignored (")
    assert warned.stderr.count("\n") == 1
    refused = run(tmp_path, "accounts", "list", "--database", f"{postgres_url}&channel_binding=require")
    assert refused.returncode == 2
    assert refused.stderr.startswith("signalbox: --database: channel_binding cannot be honoured: ")
