"""Page tokens: a token opens only with its key and its scope; tests/security/test_forgery.py tests this over HTTP."""

from __future__ import annotations

import re
import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.ground.page_tokens import Anchor, BadToken, mint, open_token
from signalbox.ground.secrets import new_key

URL_SAFE: Final = string.ascii_letters + string.digits + "-_"
KEY: Final = new_key()
SCOPE: Final = b'[1,"senders",[null,null,null,null]]'
scopes = st.binary(max_size=40)
anchors = st.builds(
    Anchor, st.sampled_from(["at", "after"]), st.text(string.ascii_lowercase + string.digits + "_", max_size=60)
)
ANCHORS: Final = (Anchor("at", ""), Anchor("at", "comms_sender_01m851ahhzfk892f1kc60p6xed"), Anchor("after", "123"))


def opens(token: str, key: bytes = KEY, scope: bytes = SCOPE) -> bool:
    try:
        open_token(key, scope, token)
    except BadToken:
        return False
    return True


@pytest.mark.parametrize("anchor", ANCHORS, ids=str)
def test_token_with_any_bit_flipped_is_refused(anchor: Anchor) -> None:
    """Every bit of the text, and every bit of the decoded bytes."""
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
    """Padding, the other alphabet, line breaks that decoders ignore, and the unused bits of the last character."""
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


@given(scopes, anchors)
def test_token_survives_the_round_trip_and_is_url_safe(scope: bytes, anchor: Anchor) -> None:
    token = mint(KEY, scope, anchor)
    assert re.fullmatch("[A-Za-z0-9_-]+", token)
    assert open_token(KEY, scope, token) == anchor


@given(scopes, scopes, anchors)
def test_token_opens_in_its_own_scope_only(scope: bytes, other: bytes, anchor: Anchor) -> None:
    token = mint(KEY, scope, anchor)
    assert opens(token, scope=other) == (other == scope)


@given(scopes, anchors, st.data())
def test_token_resists_every_edit(scope: bytes, anchor: Anchor, data: st.DataObject) -> None:
    token = mint(KEY, scope, anchor)
    at = data.draw(st.integers(0, len(token)))
    cut = data.draw(st.integers(0, 3))
    edited = token[:at] + data.draw(st.text(max_size=3)) + token[at + cut :]
    assert edited == token or not opens(edited, scope=scope)


@given(st.text(max_size=80) | st.text(URL_SAFE, min_size=20, max_size=80) | st.binary().map(urlsafe_b64encode))
def test_random_text_is_refused(token: str | bytes) -> None:
    assert not opens(token if isinstance(token, str) else token.decode().rstrip("="))


@given(st.data())
def test_seal_of_one_token_does_not_fit_another(data: st.DataObject) -> None:
    """The start of one valid token and the end of another."""
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
    """Two databases never accept each other's tokens."""
    assert not opens(mint(new_key(), SCOPE, anchor))


def test_anchor_that_is_none_never_comes_out_of_a_token() -> None:
    """The list trusts the content of a token that opens, so only tokens of `mint` may open."""
    anchor = Anchor("after", "x")
    token = mint(KEY, SCOPE, anchor)
    assert open_token(KEY, SCOPE, token) == anchor
    assert not opens(token, scope=SCOPE + b"\0=")
    assert not opens(mint(KEY, SCOPE + b"\0", replace_edge(anchor)), scope=SCOPE)


def replace_edge(anchor: Anchor) -> Anchor:
    return anchor._replace(edge="at" if anchor.edge == "after" else "after")
