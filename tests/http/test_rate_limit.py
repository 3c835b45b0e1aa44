"""Rate limits: contract section 4 (429), and the setting `rate_limit`."""

from __future__ import annotations

import re
import time

import pytest

from people import Person
from signalbox.ground.errors import TooMany
from signalbox.ground.setting_forms import RateLimit
from signalbox.http import rate_limit
from signalbox.http.rate_limit import RateLimiter


async def test_used_up_limit_is_429_until_refilled(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr("signalbox.http.rate_limit.time.monotonic", lambda: now)
    limited = ada.at(await ada.served.again(rate_limit=RateLimit(3, 30)))
    responses = [await limited.get("/v1/Senders") for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert [re.findall(r"r=(\d+)", response.headers["ratelimit"])[0] for response in responses] == ["2", "1", "0", "0"]
    assert responses[0].headers["ratelimit-policy"] == '"account";q=3;w=30'
    assert responses[3].headers["retry-after"] == "10"
    now += 9.9
    assert (await limited.get("/v1/Senders")).status_code == 429
    now += 0.2
    assert (await limited.get("/v1/Senders")).status_code == 200
    assert (await limited.get("/v1/Senders")).status_code == 429
    now += 10_000
    assert [(await limited.get("/v1/Senders")).status_code for _ in range(4)] == [200, 200, 200, 429]


async def test_limit_is_each_account_s_own_and_shared_by_its_keys(ada: Person, ben: Person) -> None:
    served = await ada.served.again(rate_limit=RateLimit(1, 1000))
    keyed, _ = await ada.key()
    people = [person.at(served) for person in (ada, keyed, ben)]
    assert [(await person.get("/v1/Senders")).status_code for person in people] == [200, 429, 200]


async def test_paths_without_credentials_and_refused_ones_take_nothing(ada: Person) -> None:
    limited = ada.at(await ada.served.again(rate_limit=RateLimit(1, 1000)))
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/nowhere"):
        for _ in range(2):
            assert (await limited.get(path)).status_code in (200, 404)
    for _ in range(2):
        assert (await limited.get("/v1/Senders", anonymous=True)).status_code == 401
        assert (await limited.delete("/v1/Senders")).status_code == 405
    assert (await limited.get("/v1/Senders")).status_code == 200


async def test_without_the_setting_nothing_is_limited_or_told(ada: Person) -> None:
    response = await ada.get("/v1/Senders")
    assert not [name for name in response.headers if name.startswith("ratelimit")]


async def test_post_that_finds_the_limit_used_up_does_nothing(ada: Person) -> None:
    limited = ada.at(await ada.served.again(rate_limit=RateLimit(1, 1000)))
    assert (await limited.get("/v1/Senders")).status_code == 200
    key = {"Idempotency-Key": "one"}
    row = {"channel": "SMS", "address": "+12025550100"}
    assert (await limited.post("/v1/SenderPools", json={"name": "one"}, headers=key)).status_code == 429
    assert (await limited.post("/signalbox/v1/Senders", json=[row])).status_code == 429
    assert (await ada.get("/v1/SenderPools")).json()["senderPools"] == []
    assert (await ada.get("/v1/Senders")).json()["senders"] == []
    # The key was not used either: another request may have it.
    assert (await ada.post("/v1/SenderPools", json={"name": "other"}, headers=key)).status_code == 202


def test_limiter_with_many_accounts_forgets_those_that_have_all_their_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr("signalbox.http.rate_limit.time.monotonic", lambda: now)
    monkeypatch.setattr(rate_limit, "_MOST_ACCOUNTS", 2)
    limiter = RateLimiter(RateLimit(1, 10))
    limiter.take(1, [])
    now += 9
    limiter.take(2, [])
    now += 2
    limiter.take(3, [])
    assert set(limiter._buckets) == {2, 3}
    with pytest.raises(TooMany):
        limiter.take(2, [])
