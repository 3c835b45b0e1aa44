"""Secrets, SIDs, and the keyed digests that are stored in place of secrets."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from signalbox.ground import secrets

KEY = bytes(range(32))


def test_secrets_are_32_characters_and_never_alike() -> None:
    made = {secrets.new_secret() for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(re.fullmatch("[A-Za-z0-9]{32}", one) for one in made)


def test_sids_are_two_letters_and_32_hex_digits() -> None:
    for kind in ("AC", "SK"):
        assert re.fullmatch(kind + "[0-9a-f]{32}", secrets.new_sid(kind))
    assert secrets.new_sid("AC") != secrets.new_sid("AC")


@given(st.text(max_size=50), st.text(max_size=50))
def test_digest_depends_on_key_and_secret(one_text: str, other_text: str) -> None:
    one, other = one_text.encode(), other_text.encode()
    digest = secrets.digest(KEY, one)
    assert len(digest) == 32
    assert secrets.same(digest, secrets.digest(KEY, one))
    assert secrets.same(digest, secrets.digest(KEY, other)) == (one == other)
    assert not secrets.same(digest, secrets.digest(KEY[::-1], one))
    assert one not in digest or len(one) < 8
