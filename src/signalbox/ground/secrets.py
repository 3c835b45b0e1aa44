"""Secrets for clients: 32 random characters, shown once and stored only as keyed digests."""

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
    """The 32 bytes that are stored instead of a secret. A fast hash is enough: a random secret cannot be guessed."""
    return blake2b(secret, key=key, digest_size=32).digest()


def same(one: bytes, other: bytes) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(one, other)
