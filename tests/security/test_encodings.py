"""Compression: the server never decompresses a body, so a small body stays small; no response is compressed."""

from __future__ import annotations

import gzip
import zlib

import pytest

from people import Person


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """Fifty megabytes of JSON, compressed to about fifty kilobytes."""
    packed = gzip.compress(b'{"name": "' + b" " * 50_000_000 + b'"}', 6)
    assert len(packed) < 100_000
    return packed


@pytest.mark.parametrize("media", ["application/json", "application/x-ndjson", "text/csv"])
async def test_packed_inventory_is_refused_as_it_came(ada: Person, bomb: bytes, media: str) -> None:
    response = await ada.post(
        "/signalbox/v1/Senders", content=bomb, headers={"content-type": media, "content-encoding": "gzip"}
    )
    assert response.status_code == 400
    assert "the body is a gzip file" in response.text


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_packed_body_is_invalid_json(ada: Person, encoding: str) -> None:
    """The response is 400, as for any body that is not JSON, whatever the headers say."""
    plain = b'{"name": "packed"}'
    for packed in (gzip.compress(plain), zlib.compress(plain), gzip.compress(gzip.compress(plain))):
        response = await ada.post(
            "/v1/SenderPools",
            content=packed,
            headers={"content-type": "application/json", "content-encoding": encoding},
        )
        assert response.status_code == 400, response.text
    assert await ada.walk("/v1/SenderPools", "senderPools") == []


async def test_bomb_is_read_as_the_bytes_it_is(ada: Person, bomb: bytes) -> None:
    response = await ada.post(
        "/v1/SenderPools", content=bomb, headers={"content-type": "application/json", "content-encoding": "gzip"}
    )
    assert response.status_code == 400


async def test_claim_of_packing_changes_nothing_about_plain_json(ada: Person) -> None:
    """The server ignores the header and reads the body as JSON."""
    response = await ada.post(
        "/v1/SenderPools",
        content=b'{"name": "plain"}',
        headers={"content-type": "application/json", "content-encoding": "gzip"},
    )
    assert response.status_code == 202


async def test_responses_are_never_compressed(ada: Person) -> None:
    """The length of a compressed response could reveal a secret beside text that an attacker chose."""
    for url in ("/v1/SenderPools", "/docs", "/openapi.json", "/llms-full.txt"):
        response = await ada.get(url, headers={"accept-encoding": "gzip, deflate, br, zstd"})
        assert "content-encoding" not in response.headers
