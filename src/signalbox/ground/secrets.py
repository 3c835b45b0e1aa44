"""Secrets that we hand out: 32 random characters, kept only as keyed digests, shown once."""

import hmac
import secrets
from hashlib import blake2b
from typing import Final

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def new_secret() -> str:
    """32 random letters and digits: 190 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(32))


def new_sid(kind: str) -> str:
    """`AC` or `SK` and 32 random hex digits."""
    return kind + secrets.token_hex(16)


def new_key() -> bytes:
    """A key for `digest` and for page tokens: 32 random bytes."""
    return secrets.token_bytes(32)


def digest(key: bytes, secret: bytes) -> bytes:
    """What is stored in place of a secret: 32 bytes. Fast on purpose: a random secret leaves nothing to guess."""
    return blake2b(secret, key=key, digest_size=32).digest()


def same(one: bytes, other: bytes) -> bool:
    """Equality in time that does not depend on where they differ."""
    return hmac.compare_digest(one, other)
