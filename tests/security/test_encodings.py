"""Compression: the server decompresses no body, so a small body stays small, and compresses no response."""

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
async def test_compressed_inventory_is_refused_by_name(ada: Person, bomb: bytes, media: str) -> None:
    response = await ada.post(
        "/signalbox/v1/Senders", content=bomb, headers={"content-type": media, "content-encoding": "gzip"}
    )
    assert response.status_code == 415
    assert "compressed with gzip" in response.json()["message"]
    assert response.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZip", "deflate", "br", "zstd", "gzip, gzip", "<script>"])
async def test_body_with_a_content_coding_is_415(ada: Person, encoding: str) -> None:
    """Whether or not the bytes are compressed: the server would have to guess."""
    plain = b'{"name": "packed"}'
    for body in (
        plain,
        gzip.compress(plain, mtime=0),
        zlib.compress(plain),
        gzip.compress(gzip.compress(plain, mtime=0)),
    ):
        response = await ada.post(
            "/v1/SenderPools", content=body, headers={"content-type": "application/json", "content-encoding": encoding}
        )
        assert response.status_code == 415, response.text
        assert "without Content-Encoding" in response.json()["message"]
        assert "<script>" not in response.text
    assert await ada.walk("/v1/SenderPools", "senderPools") == []


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
async def test_body_without_a_content_coding_is_read(ada: Person, encoding: str) -> None:
    response = await ada.post("/v1/SenderPools", json={"name": "plain"}, headers={"content-encoding": encoding})
    assert response.status_code == 202


async def test_compressed_body_without_the_header_is_told_what_it_is(ada: Person, bomb: bytes) -> None:
    response = await ada.post("/v1/SenderPools", content=bomb)
    assert response.status_code == 400
    assert "compressed with gzip" in response.json()["message"]


async def test_responses_are_never_compressed(ada: Person) -> None:
    """The length of a compressed response could reveal a secret beside text that an attacker chose."""
    for url in ("/v1/SenderPools", "/docs", "/openapi.json", "/llms-full.txt"):
        response = await ada.get(url, headers={"accept-encoding": "gzip, deflate, br, zstd"})
        assert "content-encoding" not in response.headers
