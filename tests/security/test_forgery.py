"""Page tokens: nothing opens but what this database made for this account, this list and these filters."""

from __future__ import annotations

import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from people import Person, Served
from signalbox.api.routes import ROUTES
from signalbox.ground import clock, ids
from signalbox.ground.page_tokens import Anchor, BadToken, mint, open_token
from signalbox.ground.secrets import new_key
from signalbox.http.parameters import PAGE_TOKEN
from signalbox.http.router import Route

URL_SAFE: Final = string.ascii_letters + string.digits + "-_"
KEY: Final = new_key()
SCOPE: Final = b'[1,"senders",[null,null,null,null]]'
ANCHORS: Final = (Anchor("at", ""), Anchor("at", "comms_sender_01m851ahhzfk892f1kc60p6xed"), Anchor("after", "123"))

LISTS: Final = [route for route in ROUTES if PAGE_TOKEN in route.endpoint.query]


def opens(token: str, key: bytes = KEY, scope: bytes = SCOPE) -> bool:
    try:
        open_token(key, scope, token)
    except BadToken:
        return False
    return True


@pytest.mark.parametrize("anchor", ANCHORS, ids=str)
def test_token_with_any_bit_flipped_is_refused(anchor: Anchor) -> None:
    """Every bit of the spelling, and every bit of what it spells."""
    token = mint(KEY, SCOPE, anchor)
    assert opens(token)
    spelt = token.encode()
    for place in range(len(spelt) * 8):
        flipped = bytearray(spelt)
        flipped[place // 8] ^= 1 << place % 8
        assert not opens(flipped.decode("latin-1"))
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for place in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[place // 8] ^= 1 << place % 8
        assert not opens(urlsafe_b64encode(flipped).rstrip(b"=").decode())


@pytest.mark.parametrize("anchor", ANCHORS, ids=str)
def test_token_with_any_character_replaced_is_refused(anchor: Anchor) -> None:
    token = mint(KEY, SCOPE, anchor)
    for place, true in enumerate(token):
        for wrong in URL_SAFE:
            assert wrong == true or not opens(token[:place] + wrong + token[place + 1 :])


@pytest.mark.parametrize("anchor", ANCHORS, ids=str)
def test_token_cut_or_prolonged_is_refused(anchor: Anchor) -> None:
    token = mint(KEY, SCOPE, anchor)
    for length in range(len(token)):
        assert not opens(token[:length])
        assert not opens(token[length + 1 :])
    for more in (*URL_SAFE, "=", "==", ".", "\0", "\n", " ", "%3D", "é", "AAAA", token):
        assert not opens(token + more)
        assert not opens(more + token)


@pytest.mark.parametrize("anchor", ANCHORS, ids=str)
def test_token_in_another_spelling_of_base64_is_refused(anchor: Anchor) -> None:
    """Padding, the other alphabet, breaks that decoders pass over, and the unused bits of the last character."""
    token = mint(KEY, SCOPE, anchor)
    spellings = {
        token + "=" * (-len(token) % 4),
        token + "====",
        token.replace("-", "+").replace("_", "/"),
        *(token[:place] + junk + token[place:] for place in range(len(token)) for junk in ("\n", " ", "!", "=", "\0")),
        *(token[:-1] + last for last in URL_SAFE),
        token.swapcase(),
    } - {token}
    assert not [one for one in spellings if opens(one)]


@given(st.text(max_size=80) | st.text(URL_SAFE, min_size=20, max_size=80) | st.binary().map(urlsafe_b64encode))
def test_random_text_is_refused(token: str | bytes) -> None:
    assert not opens(token if isinstance(token, str) else token.decode().rstrip("="))


@given(st.data())
def test_seal_of_one_token_does_not_fit_another(data: st.DataObject) -> None:
    """Pieces of two right tokens put together."""
    one, other = (
        mint(KEY, SCOPE, Anchor("after", text))
        for text in data.draw(
            st.lists(st.text("abc123_", min_size=1, max_size=30), min_size=2, max_size=2, unique=True)
        )
    )
    cut = data.draw(st.integers(1, min(len(one), len(other)) - 1))
    mixed = one[:cut] + other[cut:]
    assert mixed in (one, other) or not opens(mixed)


@pytest.mark.parametrize("anchor", ANCHORS, ids=str)
def test_token_of_another_key_is_refused(anchor: Anchor) -> None:
    """Two databases never take each other's tokens."""
    assert not opens(mint(new_key(), SCOPE, anchor))


# --- over HTTP, for every list of the route table


class Lists:
    """Ada's lists, each with something in it, and a second list of each kind that has a parent."""

    def __init__(self, pools: list[str], operations: list[str]) -> None:
        self.urls: dict[str, list[str]] = {}
        for route in LISTS:
            parents = [{"senderPoolId": pool} for pool in pools] if "{senderPoolId}" in route.path else [{}]
            parents = [{"operationId": one} for one in operations] if "{operationId}" in route.path else parents
            self.urls[route.name] = [route.path.format(**parent) for parent in parents]

    def others(self, route: Route) -> list[str]:
        """Every list but the first of this route."""
        first = self.urls[route.name][0]
        return [url for urls in self.urls.values() for url in urls if url != first]


@pytest.fixture
async def lists(ada: Person) -> Lists:
    senders = await ada.senders(2)
    pools = [await ada.pool(*senders), await ada.pool(*senders)]
    operations = await ada.walk("/v1/SenderPools/Operations", "operations")
    return Lists(pools, [one["id"] for one in operations])


async def tokens(person: Person, url: str) -> list[str]:
    """Both tokens of a page."""
    joint = "&" if "?" in url else "?"
    found: dict[str, Any] = (await person.get(f"{url}{joint}pageSize=1")).json()["pagination"]
    return [token for token in (found["self"], found["next"]) if token]


async def refused(person: Person, url: str, token: str) -> bool:
    joint = "&" if "?" in url else "?"
    response = await person.get(f"{url}{joint}pageToken={token}")
    assert response.status_code in (200, 400), response.text
    return response.status_code == 400


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.name)
async def test_token_of_one_list_opens_no_other(route: Route, ada: Person, lists: Lists) -> None:
    url = lists.urls[route.name][0]
    found = await tokens(ada, url)
    assert len(found) == 2
    for token in found:
        assert not await refused(ada, url, token)
        for other in lists.others(route):
            assert await refused(ada, other, token), other


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.name)
async def test_token_holds_for_its_filters_only(route: Route, ada: Person, lists: Lists) -> None:
    """Each filter that the list has, added or changed."""
    url = lists.urls[route.name][0]
    values = {
        "startDate": ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.001Z"],
        "endDate": [f"{datetime.now(UTC).year + n}-01-01T00:00:00Z" for n in (5, 6)],
        "operationId": [ids.new(ids.OPERATION, clock.now_ms()), ids.new(ids.OPERATION, clock.now_ms())],
        "pageToken": [],
        "pageSize": [],
    }
    for param in route.endpoint.query:
        spelt = values.get(param.name)
        if spelt is None:
            words = param.schema["enum"]
            assert isinstance(words, list), f"a filter without values here: {param.name}"
            spelt = [str(word) for word in words]
        (bare, *_), filtered = await tokens(ada, url), [f"{url}?{param.name}={value}" for value in spelt]
        for one in filtered:
            assert await refused(ada, one, bare)
            (token, *_) = await tokens(ada, one)
            for other in {url, *filtered} - {one}:
                assert await refused(ada, other, token)


async def test_token_of_a_search_opens_no_other(ada: Person, lists: Lists) -> None:
    """Its token comes and goes in bodies, bound to address, channel and status."""
    first, *_ = await ada.walk("/v1/Senders", "senders")
    criteria = {"address": first["address"], "channel": "PUSH"}
    token = (await ada.post("/v1/Senders/Search", json=criteria)).json()["pagination"]["self"]
    same = await ada.post("/v1/Senders/Search", json={**criteria, "pageToken": token})
    assert same.status_code == 200
    for change in ({"address": "other"}, {"channel": "RCS"}, {"status": "ACTIVATED"}):
        response = await ada.post("/v1/Senders/Search", json={**criteria, **change, "pageToken": token})
        assert response.status_code == 400, change
    for urls in lists.urls.values():
        assert await refused(ada, urls[0], token)
        (other, *_) = await tokens(ada, urls[0])
        response = await ada.post("/v1/Senders/Search", json={**criteria, "pageToken": other})
        assert response.status_code == 400


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.name)
async def test_token_of_another_database_is_refused(route: Route, ada: Person, lists: Lists) -> None:
    """The same account id, list and filters, sealed with another key."""
    served = ada.served
    url = lists.urls[route.name][0]
    (token, *_) = await tokens(ada, url)
    stranger = await Served.on(served.database)
    stranger.api.services.keys = type(stranger.api.services.keys)(stranger.api.services.keys.digests, new_key())
    assert await refused(ada.at(stranger), url, token)
    assert not await refused(ada.at(await served.again()), url, token)


def test_anchor_that_is_none_never_comes_out_of_a_token() -> None:
    """The list trusts what it opens: nothing but a token of `mint` gets that far."""
    anchor = Anchor("after", "x")
    token = mint(KEY, SCOPE, anchor)
    assert open_token(KEY, SCOPE, token) == anchor
    assert not opens(token, scope=SCOPE + b"\0=")
    assert not opens(mint(KEY, SCOPE + b"\0", replace_edge(anchor)), scope=SCOPE)


def replace_edge(anchor: Anchor) -> Anchor:
    return anchor._replace(edge="at" if anchor.edge == "after" else "after")
