"""Credentials, base URL and connection settings."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

import signalbox
import signalbox_client
from between import Between
from callers import Caller
from signalbox.testing import Account
from signalbox_client import AsyncSignalbox, MissingCredentials, Signalbox

BOTH = pytest.mark.parametrize("client", [Signalbox, AsyncSignalbox])
Make = Callable[..., Signalbox]


def login(seen: Between) -> str:
    return base64.b64decode(seen.seen[-1].headers["Authorization"].removeprefix("Basic ")).decode()


def test_client_and_server_have_one_version() -> None:
    assert signalbox_client.__version__ == signalbox.__version__


@BOTH
def test_missing_credentials_are_named_with_their_variables(client: Make) -> None:
    with pytest.raises(MissingCredentials) as missing:
        client()
    for name in ("ACCOUNT_SID", "AUTH_TOKEN"):
        assert f"SIGNALBOX_{name}" in str(missing.value)


@BOTH
@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"account_sid": "AC1"}, ("auth_token", "SIGNALBOX_AUTH_TOKEN")),
        ({"auth_token": "hush"}, ("account_sid", "SIGNALBOX_ACCOUNT_SID")),
    ],
)
def test_half_of_the_credentials_is_named(client: Make, given: dict[str, str], names: tuple[str, str]) -> None:
    with pytest.raises(MissingCredentials) as missing:
        client(**given)
    assert f"{names[0]} is not" in str(missing.value)
    assert names[1] in str(missing.value)
    assert "hush" not in str(missing.value)


@pytest.mark.parametrize(
    ("environment", "given", "sent"),
    [
        ({"ACCOUNT_SID": "AC1", "AUTH_TOKEN": "one"}, {}, "AC1:one"),
        ({"ACCOUNT_SID": "SK1", "AUTH_TOKEN": "two"}, {}, "SK1:two"),
        ({"ACCOUNT_SID": "SK1", "AUTH_TOKEN": "two"}, {"account_sid": "AC2", "auth_token": "own"}, "AC2:own"),
        ({"AUTH_TOKEN": "one"}, {"account_sid": "AC2"}, "AC2:one"),
        ({}, {"account_sid": "AC2", "auth_token": "paß:wort"}, "AC2:paß:wort"),
    ],
)
async def test_credentials_come_from_arguments_then_from_the_environment(
    environment: dict[str, str],
    given: dict[str, str],
    sent: str,
    caller: Caller,
    between: Between,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"SIGNALBOX_{name}", value)
    options: dict[str, Any] = {"account_sid": None, "auth_token": None, "url": between.url, **given}
    with pytest.raises(signalbox_client.Unauthenticated):
        await caller.all(lambda c: c.senders.list(), **options)
    assert login(between) == sent


async def test_environment_alone_is_enough(signalbox_server: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in signalbox_server.environment.items():
        monkeypatch.setenv(name, value)
    with Signalbox() as client:
        assert list(client.senders.list()) == []
        assert client.url == signalbox_server.url
    async with AsyncSignalbox() as waiting:
        assert [one async for one in waiting.senders.list()] == []


@BOTH
@pytest.mark.parametrize(
    "url", ["localhost:8080", "ftp://host", "http://", "http://user:hush@host", "http://host?a=hush", "http://h:x"]
)
def test_url_that_cannot_be_is_refused_and_not_repeated(client: Make, url: str) -> None:
    with pytest.raises(ValueError, match="url") as refused:
        client("AC1", "token", url=url)
    assert "hush" not in str(refused.value)


@BOTH
@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1}, {"max_retries": -1}])
def test_patience_that_cannot_be_is_refused(client: Make, options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        client("AC1", "token", **options)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_url_may_have_a_path(slash: str, caller: Caller) -> None:
    with Between(caller.account.url, prefix="/apis/signalbox") as standing:
        url = standing.url + slash
        assert await caller.all(lambda c: c.senders.list(), url=url) == []
        assert standing.targets() == ["GET /apis/signalbox/v1/Senders"]


async def test_proxy_of_the_environment_is_used(
    caller: Caller, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", between.url)
    assert await caller.all(lambda c: c.senders.list()) == []
    assert between.seen[0].target == f"{caller.account.url}/v1/Senders"


async def test_own_http_client_is_used_and_left_open(signalbox_server: Account, between: Between) -> None:
    account = signalbox_server
    with httpx.Client(proxy=between.url) as http:
        with Signalbox(account.account_sid, account.auth_token, url=account.url, http=http) as client:
            assert list(client.senders.list()) == []
        assert not http.is_closed
    async with httpx.AsyncClient(proxy=between.url) as http_too:
        options = {"url": account.url, "http": http_too}
        async with AsyncSignalbox(account.account_sid, account.auth_token, **options) as waiting:  # type: ignore[arg-type]
            assert [one async for one in waiting.senders.list()] == []
        assert not http_too.is_closed
    assert len(between.seen) == 2


async def test_requests_say_who_sends_them(caller: Caller, between: Between) -> None:
    await caller.all(lambda c: c.senders.list(), url=between.url)
    assert between.seen[0].headers["User-Agent"].startswith(f"signalbox-client/{signalbox_client.__version__} python/3")


def test_import_brings_nothing_heavy_but_httpx_and_msgspec() -> None:
    program = (
        "import sys, httpx, msgspec; before = set(sys.modules); import signalbox_client;"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['signalbox_client']"
