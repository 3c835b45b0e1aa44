"""What surrounds a client: variables of proxies and certificates, white space, other event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from between import Between
from callers import Caller
from signalbox.testing import Account
from signalbox_client import AsyncSignalbox, ConnectionFailed, InvalidArgument, Signalbox, SignalboxError
from signalbox_client.proxies import proxy_for

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
BOTH = pytest.mark.parametrize("client", [Signalbox, AsyncSignalbox])
# Few characters, each with a meaning somewhere: an alphabet of all characters takes seconds to build.
TEXTS = st.builds(
    "{}{}".format,
    st.sampled_from(["", "http://", "https://h", "socks5://", "http://[", "http://h:", "http://" + "a" * 64 + "."]),
    st.text(st.sampled_from('aZ09:/.@[]%,*?# \\"\n\t\0\x7f\u00e9\u65e5\u2028\ud800\udcff\U0001f600-_~'), max_size=30),
)
SOCKS = "socks5://user:hush@127.0.0.1:1"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the developer's own variables."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    "environment",
    [
        {"NO_PROXY": "localhost,[::1]"},
        {"NO_PROXY": "fd07::/64"},
        {"NO_PROXY": "[, http://[, ::/999, *., 127.0.0.1:port, \u65e5\u672c", "ALL_PROXY": ""},
        {"NO_PROXY": "127.0.0.1", "ALL_PROXY": SOCKS},
        {"NO_PROXY": "127.0.0.0/8", "ALL_PROXY": SOCKS},
        {"NO_PROXY": "\u65e5\u672c,[::1], *", "HTTP_PROXY": "no URL at all"},
        {"HTTPS_PROXY": "socks4://127.0.0.1:1"},
        {"HTTP_PROXY": " \n"},
        {"SSL_CERT_FILE": "/nowhere", "SSL_CERT_DIR": "/nowhere", "SSLKEYLOGFILE": "/nowhere/keys"},
    ],
    ids=str,
)
async def test_surroundings_that_do_not_concern_the_server_change_nothing(
    environment: dict[str, str], caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert await caller.all(lambda c: c.senders.list()) == []


@BOTH
@pytest.mark.parametrize(
    "proxy", [SOCKS, "socks4://user:hush@127.0.0.1:1", "http://[hush", "hush\x00", "http://hush:x", "://hush"]
)
def test_proxy_that_cannot_be_used_is_refused_with_the_cure(
    client: Callable[..., object], proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.environ", {"ALL_PROXY": proxy})  # the real one takes no NUL
    with pytest.raises(InvalidArgument, match=r"ALL_PROXY.*NO_PROXY") as refused:
        client("AC1", "token", url="http://host.example")
    assert "hush" not in str(refused.value)


@BOTH
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSLKEYLOGFILE"])
def test_files_for_tls_that_cannot_be_used_are_named(
    client: Callable[..., object], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "/nowhere/file")
    with pytest.raises(InvalidArgument, match=variable):
        client("AC1", "token", url="https://host.example")


async def test_proxy_that_does_not_respond_is_a_connection_failure(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:1")
    with pytest.raises(ConnectionFailed):
        await caller.all(lambda c: c.senders.list(), max_retries=0)


@pytest.mark.parametrize(
    ("url", "listed", "exempt"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", True),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("http://127.0.0.1:8080", "127.0.0.1:80", False),
        ("http://10.1.2.3", "10.0.0.0/8", True),
        ("http://11.1.2.3", "10.0.0.0/8", False),
        ("http://[::1]:8080", "[::1]", True),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("http://[::1]:8080", "::1", True),
        ("http://[fd07::5]", "fd07::/64", True),
        ("http://[fd08::5]", "fd07::/64", False),
        ("http://api.example.com", "example.com", True),
        ("http://api.example.com", ".example.com", True),
        ("http://api.example.com", "*.example.com", True),
        ("http://example.com", "Example.COM", True),
        ("http://example.com", ".example.com", False),
        ("http://badexample.com", "example.com", False),
        ("http://example.com", "https://example.com", False),
        ("http://example.com", "localhost example.com:80", True),
        ("http://example.com", "localhost,,other", False),
        ("http://example.com", "*", True),
    ],
)
def test_no_proxy_takes_names_addresses_networks_and_ports(url: str, listed: str, exempt: bool) -> None:
    assert (proxy_for(url, {"all": "http://proxy:3128", "no": listed}) is None) is exempt


@given(st.dictionaries(st.sampled_from(["http", "all", "no"]), TEXTS))
def test_no_text_in_the_variables_of_proxies_raises_another_error(variables: dict[str, str]) -> None:
    try:
        found = proxy_for("http://host.example", variables)
    except SignalboxError:
        return
    assert found is None or found.url.host != "host.example"


@given(url=TEXTS, token=TEXTS, id=TEXTS, key=TEXTS)
async def test_no_text_for_a_client_raises_another_error(url: str, token: str, id: str, key: str) -> None:  # noqa: A002
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url.scheme in ("http", "https")
        return httpx.Response(404)

    with httpx.Client(transport=httpx.MockTransport(respond)) as http:
        for options in ({"url": url or None}, {"auth_token": token}, {}):
            given = {"account_sid": "AC1", "auth_token": "t", "url": "http://host", **options}
            try:
                client = Signalbox(http=http, **given)  # type: ignore[arg-type]
            except SignalboxError:
                continue
            calls: tuple[Callable[[Signalbox], object], ...] = (
                lambda c: c.senders.fetch(id),
                lambda c: c.inventory.delete("x", if_match=key),
                lambda c: c.sender_pools.create(name=id, idempotency_key=key),
                lambda c: next(iter(c.senders.list(page_token=id * 100))),
            )
            for call in calls:
                with pytest.raises(SignalboxError):
                    call(client)


@pytest.mark.parametrize(
    "rows",
    [[{"channel": float}], [{"channel": "\ud800"}], [{"channel": {1j: 2}}], [{"n": [object()]}]],
    ids=["a class", "half a pair", "a number as a name", "an object"],
)
async def test_rows_that_json_cannot_contain_are_an_invalid_argument(rows: list[dict[str, object]]) -> None:
    with Signalbox("AC1", "token") as client, pytest.raises(InvalidArgument, match="JSON"):
        client.inventory.enter(rows)


@pytest.mark.parametrize("blank", ["\n", "\r\n", " ", "\t\n"])
async def test_white_space_around_settings_is_ignored(
    blank: str, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = caller.account
    for name, value in account.environment.items():
        monkeypatch.setenv(name, value + blank)
    absent = {"account_sid": None, "auth_token": None, "url": None}
    assert await caller.all(lambda c: c.senders.list(), None, **absent) == []
    given = {"account_sid": account.account_sid, "auth_token": account.auth_token, "url": account.url}
    padded = {name: f"{blank}{value}{blank}" for name, value in given.items()}
    assert await caller.all(lambda c: c.senders.list(), None, **padded) == []


@pytest.mark.parametrize("secret", ["hush\nhush", "hush\udcff", "hush\x00"])
def test_secret_that_no_header_can_contain_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(InvalidArgument, match="auth_token") as refused:
        Signalbox("AC1", secret)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://a..b", f"http://{'a' * 64}.example", "http://a\nb", "http://a b", "http://\udcff", "http://[::1"]
)
def test_url_of_a_host_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="url"):
        Signalbox("AC1", "token", url=url)


@pytest.mark.parametrize("seconds", [1e12, float("inf")])
async def test_timeout_may_be_longer_than_the_timers_of_the_system(seconds: float, caller: Caller) -> None:
    assert await caller.all(lambda c: c.senders.list(), timeout=seconds) == []


def test_one_client_works_in_several_event_loops(signalbox_server: Account) -> None:
    account = signalbox_server
    client = AsyncSignalbox(account.account_sid, account.auth_token, url=account.url)

    async def call() -> int:
        fetched = await asyncio.gather(*[_count(client) for _ in range(3)])
        return sum(fetched)

    # A thread, because this one has a running loop; each `run` has a loop of its own, and closes its connections.
    assert [asyncio.run(call()) for _ in range(3)] == [0, 0, 0]
    asyncio.run(client.aclose())


async def test_one_client_works_in_two_event_loops_at_the_same_time(caller: Caller, between: Between) -> None:
    account = caller.account
    async with AsyncSignalbox(account.account_sid, account.auth_token, url=between.url) as client:
        assert await _count(client) == 0
        assert await asyncio.to_thread(lambda: asyncio.run(_count(client))) == 0
        assert await _count(client) == 0
    with pytest.raises(ConnectionFailed, match="closed"):
        await _count(client)


async def _count(client: AsyncSignalbox) -> int:
    return len([one async for one in client.senders.list()])


async def test_client_that_was_closed_raises_an_error_of_this_package(caller: Caller) -> None:
    account = caller.account
    with Signalbox(account.account_sid, account.auth_token, url=account.url) as client:
        pass
    with pytest.raises(ConnectionFailed, match="closed"):
        list(client.senders.list())


async def test_error_of_an_own_http_client_is_an_error_of_this_package() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError(request.url)

    with httpx.Client(transport=httpx.MockTransport(fail)) as http, Signalbox("AC1", "t", http=http) as client:
        with pytest.raises(ConnectionFailed, match="ZeroDivisionError") as failed:
            client.senders.fetch("x")
        assert isinstance(failed.value.__cause__, ZeroDivisionError)
