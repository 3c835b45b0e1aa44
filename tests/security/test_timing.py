"""Credential checks: every 401 takes the same work, so the time of the response reveals nothing about the reason.

The tests compare the statements, the digests, the comparison and every function that runs. They measure no time.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
from base64 import b64encode
from collections.abc import MutableMapping
from pathlib import Path
from textwrap import dedent
from types import FrameType
from typing import Any, Final

import asyncpg
import pytest

import signalbox
from people import Person, Served
from signalbox.accounts import accounts
from signalbox.db import Database
from signalbox.ground import secrets
from signalbox.http import authentication

OURS: Final = str(Path(signalbox.__file__).parent)
SQL: Final = Path(signalbox.__file__).parent / "sql" / "queries" / "accounts" / "accounts.sql"
# Runs once for each second of the clock.
OF_THE_TIME: Final = "clock._Seconds.__missing__"
METHODS: Final = ("one", "all", "run")  # methods of `Tx`
LOOK_UPS: Final = ("accounts.by_token", "accounts.by_key")


class Work:
    """The program's functions that run inside the `with` block, in order, and the statements that they send."""

    def __init__(self) -> None:
        self.functions: list[str] = []
        self.statements: list[str] = []
        # Kept, so that a resumed coroutine is not counted as a second call.
        self._frames: dict[int, FrameType] = {}

    def __enter__(self) -> Work:
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _see(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(OURS) or id(frame) in self._frames:
            return
        self._frames[id(frame)] = frame
        name = f"{Path(code.co_filename).stem}.{code.co_qualname}"
        if name != OF_THE_TIME:
            self.functions.append(name)
        of_caller = frame.f_back.f_code.co_name if frame.f_back else ""
        if code.co_name in METHODS and of_caller not in METHODS:
            self.statements.append(frame.f_locals["query"])


async def refused(served: Served, header: str) -> Work:
    """The work of one request with this Authorization header, which the application refuses."""
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/SenderPools",
        "query_string": b"",
        "headers": [(b"host", b"signalbox.test"), (b"authorization", header.encode())],
        "client": ("127.0.0.1", 4711),
        "server": ("signalbox.test", 8080),
    }
    statuses: list[int] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: MutableMapping[str, Any]) -> None:
        if "status" in message:
            statuses.append(message["status"])

    with Work() as work:
        await served.api(scope, receive, send)
        await asyncio.sleep(0)  # the log writes its lines at the end of a turn of the loop
    assert statuses == [401]
    return work


def basic(sid: str, secret: str) -> str:
    return "Basic " + b64encode(f"{sid}:{secret}".encode()).decode()


def other(secret: str, place: int) -> str:
    """The secret with one changed character."""
    place %= len(secret)
    return secret[:place] + ("a" if secret[place] != "a" else "b") + secret[place + 1 :]


@pytest.fixture
async def headers(database: Database) -> tuple[Served, dict[str, str]]:
    """An idle application, and one Authorization header for every reason to refuse a credential."""
    served = await Served.on(database)
    ada, ben = await served.account("Ada"), await served.account("Ben")
    (keyed, key_sid), (eve, eve_sid) = await ada.key(), await ada.key("Eve")
    await database.write(lambda tx: accounts.suspend(tx, ben.account_sid))
    await database.write(lambda tx: accounts.revoke_key(tx, eve_sid))
    return served, {
        "unknown account": basic("AC" + "0" * 32, ada.secret),
        "unknown key": basic("SK" + "0" * 32, keyed.secret),
        "first character": basic(ada.user, other(ada.secret, 0)),
        "last character": basic(ada.user, other(ada.secret, -1)),
        "key, first character": basic(key_sid, other(keyed.secret, 0)),
        "key, last character": basic(key_sid, other(keyed.secret, -1)),
        "revoked key": basic(eve.user, eve.secret),
        "revoked key, wrong secret": basic(eve.user, other(eve.secret, 0)),
        "suspended account": basic(ben.user, ben.secret),
        "suspended account, wrong token": basic(ben.user, other(ben.secret, 0)),
        "no SID": basic("nobody", ada.secret),
        "no Base64": "Basic !!!!",
        "no Basic": "Bearer " + ada.secret,
    }


async def test_errors_of_credentials_do_the_same_work_whatever_the_reason(
    headers: tuple[Served, dict[str, str]],
) -> None:
    """Unknown, wrong from the first or at the last character, revoked, suspended, malformed."""
    served, errors = headers
    await refused(served, errors["no Basic"])  # one-time work is done by the first request
    works = {reason: await refused(served, header) for reason, header in errors.items()}
    for reason, work in works.items():
        (statement,) = work.statements
        assert statement == LOOK_UPS["key" in reason], reason
        assert work.functions == works["unknown account"].functions, reason
    credentials = [name for name in works["unknown account"].functions if name.startswith(("secrets.", "accounts."))]
    assert credentials == ["secrets.digest", "accounts.authenticate", "secrets.digest", "secrets.same"]


async def test_credential_is_looked_up_in_unique_indexes_by_a_generic_plan(shared_postgres_url: str) -> None:
    """A generic plan is the same for every SID, so no SID makes the database search in another way."""
    blocks = SQL.read_text("utf-8").split("-- name: ")
    texts = [block.partition("\n")[2] for block in blocks if block.startswith(LOOK_UPS)]
    assert len(texts) == len(LOOK_UPS)
    connection = await asyncpg.connect(shared_postgres_url)
    try:
        await connection.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
        for text in texts:
            await connection.execute("PREPARE look_up (text) AS " + text.replace(":sid", "$1"))
            plan = [row[0] for row in await connection.fetch("EXPLAIN EXECUTE look_up('AC0')")]
            await connection.execute("DEALLOCATE look_up")
            scans = [line.strip(" ->") for line in plan if "Scan" in line]
            assert len(scans) == text.count("JOIN") + 1
            assert all(scan.startswith("Index Scan using") for scan in scans), plan
            assert any("sid = $1" in line for line in plan)
    finally:
        await connection.close()


async def test_wrong_secret_is_never_remembered(ada: Person) -> None:
    """Otherwise the second 401 would be faster than a 401 of an unknown account."""
    again = await ada.served.again()
    for secret in (other(ada.secret, 0), other(ada.secret, 0)):
        wrong = Person(again, ada.account_sid, ada.user, secret)
        assert (await wrong.get("/v1/SenderPools")).status_code == 401
    assert not again.api.services.authenticator._known


def test_digests_are_compared_in_constant_time_and_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """By `hmac.compare_digest`, and by no `==` between digests or secrets where credentials are checked."""
    compared: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr(
        "signalbox.ground.secrets.hmac.compare_digest", lambda one, other: compared.append((one, other))
    )
    secrets.same(b"one", b"other")
    assert compared == [(b"one", b"other")]
    for function in (accounts.authenticate, authentication.Authenticator.principal, authentication._credentials):
        for node in ast.walk(ast.parse(dedent(inspect.getsource(function)))):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                assert not {"secret", "digest", "token"} & {
                    name.id for name in ast.walk(node) if isinstance(name, ast.Name)
                }
