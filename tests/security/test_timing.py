"""Credential checks: how long a refusal takes tells nothing about why."""

from __future__ import annotations

import ast
import gc
import inspect
import time
from base64 import b64encode
from collections.abc import MutableMapping
from statistics import median
from textwrap import dedent
from typing import Any, Final

from people import Person
from signalbox.accounts import accounts
from signalbox.db.postgres import PostgresDatabase
from signalbox.ground import secrets
from signalbox.http import authentication

SAMPLES: Final = 250
ROUNDS: Final = 4
# A refusal takes some 50 us on SQLite and 300 on PostgreSQL. A second query, or none, would be a factor of about two,
# a slow hash a thousand; a busy machine moves medians of interleaved samples by less than a third.
MOST_APART: Final = 1.5


class Attempt:
    """One request with an Authorization header, straight to the application."""

    def __init__(self, person: Person, header: str) -> None:
        self.api = person.served.api
        self.headers = [(b"host", b"signalbox.test"), (b"authorization", header.encode())]
        self.status = 0

    async def seconds(self) -> float:
        """How long the answer took."""
        scope: MutableMapping[str, Any] = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": "/v1/SenderPools",
            "query_string": b"",
            "headers": self.headers,
            "client": ("127.0.0.1", 4711),
            "server": ("signalbox.test", 8080),
        }
        started = time.perf_counter()
        await self.api(scope, self._receive, self._send)
        return time.perf_counter() - started

    async def _receive(self) -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b""}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.status = message.get("status", self.status)


def basic(sid: str, secret: str) -> str:
    return "Basic " + b64encode(f"{sid}:{secret}".encode()).decode()


def other(secret: str, place: int) -> str:
    """The secret with one character changed."""
    place %= len(secret)
    return secret[:place] + ("a" if secret[place] != "a" else "b") + secret[place + 1 :]


async def _medians(attempts: dict[str, Attempt]) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in attempts}
    gc.collect()
    gc.disable()
    try:
        for _ in range(SAMPLES):
            # One of each in turn: what else the machine does hits all alike.
            for name, attempt in attempts.items():
                taken[name].append(await attempt.seconds())
    finally:
        gc.enable()
    return {name: median(values) for name, values in taken.items()}


async def test_errors_of_credentials_take_the_same_time_whatever_the_reason(
    ada: Person, ben: Person, eve: Person
) -> None:
    """Unknown, wrong from the first or at the last character, revoked, suspended, malformed: medians are alike.

    A difference that is there is there in every round; one that the machine made is not.
    """
    keyed, key_sid = await ada.key()
    await ada.served.database.write(lambda tx: accounts.suspend(tx, ben.account_sid))
    attempts = {
        name: Attempt(ada, header)
        for name, header in {
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
            "no Basic": "Bearer " + ada.secret,
        }.items()
    }
    found: dict[str, float] = {}
    for _ in range(ROUNDS):
        found = await _medians(attempts)
        assert {attempt.status for attempt in attempts.values()} == {401}
        if max(found.values()) / min(found.values()) < MOST_APART:
            return
        if isinstance(ada.served.database, PostgresDatabase):
            # Whether it keeps a statement's plan or makes one each time PostgreSQL decides for each connection anew.
            await ada.served.database.close()
            await ada.served.database.open()
    raise AssertionError({name: f"{seconds * 1e6:.0f} us" for name, seconds in found.items()})


async def test_wrong_secret_is_never_remembered(ada: Person) -> None:
    """Else its second refusal would be quicker than one of an unknown account."""
    again = await ada.served.again()
    for secret in (other(ada.secret, 0), other(ada.secret, 0)):
        wrong = Person(again, ada.account_sid, ada.user, secret)
        assert (await wrong.get("/v1/SenderPools")).status_code == 401
    assert not again.api.services.authenticator._known


def test_digests_are_compared_in_constant_time_and_in_one_place() -> None:
    """No `==` between digests or secrets where credentials are checked."""
    assert "hmac.compare_digest" in inspect.getsource(secrets.same)
    for function in (accounts.authenticate, authentication.Authenticator.principal, authentication._credentials):
        for node in ast.walk(ast.parse(dedent(inspect.getsource(function)))):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                assert not {"secret", "digest", "token"} & {
                    name.id for name in ast.walk(node) if isinstance(name, ast.Name)
                }
