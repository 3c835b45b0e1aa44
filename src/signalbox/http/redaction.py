"""Removes secrets from headers and bodies, before `recordings` keeps them.

A secret is found by its name (`authToken`, `X-Api-Key`), by its form (`Bearer ...`, a private key in PEM), and by its
value: that of the request's own credentials is removed wherever it stands. The time is linear in the size of the text.
"""

import base64
import binascii
import codecs
import contextlib
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

REMOVED: Final = "[removed]"
# Parts of the names of secrets, in lower case and without separators.
_WORDS: Final = (
    *("token", "secret", "password", "passwd", "passphrase", "credential", "authorization", "cookie"),
    *("apikey", "privatekey", "accesskey", "signingkey", "signin"),
)
# A proxy adds headers of its own to a request: of these the name is all that is known.
_HEADER_WORDS: Final = (*_WORDS, "auth", "jwt", "assertion", "session", "signature", "key")
_NO_SECRETS: Final = frozenset({"pagetoken", "idempotencykey"})
# A shorter password could be a part of any word.
_LEAST_SECRET: Final = 8


class Cleaned(NamedTuple):
    """A body without secrets, and whether there was one."""

    data: bytes
    removed: bool


def is_secret(name: str, words: Iterable[str] = _WORDS) -> bool:
    """Whether a field or parameter of this name holds a secret."""
    plain = re.sub("[^a-z0-9]", "", name.lower())
    return plain not in _NO_SECRETS and any(word in plain for word in words)


def own_secrets(headers: Mapping[bytes, bytes]) -> list[str]:
    """The credentials of the request itself: what follows the scheme, and the password of HTTP Basic."""
    credentials = headers.get(b"authorization", b"").decode("latin-1").partition(" ")[2].strip()
    found = [credentials]
    with contextlib.suppress(binascii.Error, ValueError):
        found.append(base64.b64decode(credentials).decode("latin-1").partition(":")[2])
    return [one for one in found if len(one) >= _LEAST_SECRET]


def clean_headers(pairs: Iterable[tuple[bytes, bytes]], own: Iterable[str]) -> list[tuple[str, str]]:
    """The headers in their order, with `[removed]` for values that are secret."""
    cleaned = []
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        cleaned.append((name, REMOVED if is_secret(name, _HEADER_WORDS) else clean_text(value, own)))
    return cleaned


def clean_target(path: bytes, query: bytes, own: Iterable[str]) -> str:
    """Path and query as they were sent, with `[removed]` for values that are secret."""
    target = path.decode("latin-1")
    if query:
        pairs = (pair.partition("=") for pair in query.decode("latin-1").split("&"))
        target += "?" + "&".join(
            f"{name}={REMOVED}" if equals and is_secret(unquote_plus(name)) else name + equals + value
            for name, equals, value in pairs
        )
    return clean_text(target, own)


def clean_body(data: bytes, own: Iterable[str]) -> Cleaned:
    """The body in its encoding, with `[removed]` for its secrets."""
    text, codec = _decoded(data)
    cleaned = clean_text(text, own)
    return Cleaned(data, False) if cleaned == text else Cleaned(cleaned.encode(codec), True)


def _decoded(data: bytes) -> tuple[str, str]:
    """A body as text, and its encoding; of one that is no text, Latin-1, which has a character for each byte."""
    codec = "utf-8"
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        codec = "utf-32"
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = "utf-16"
    try:
        return data.decode(codec), codec
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def clean_text(text: str, own: Iterable[str] = ()) -> str:
    """The text with `[removed]` for its secrets. JSON stays JSON."""
    for secret in own:
        text = text.replace(secret, REMOVED)
    if "\\u00" in text:
        text = _ESCAPE.sub(_letter, text)
    # Most bodies name no secret. The expressions take some 300 ms for 1 MiB, this takes 10 ms.
    lower = text.lower()
    if any(word in lower for word in _HINTS):
        text = _without_named(text)
        text = _FORMS.sub(REMOVED, text)
    return text


# `\u0074oken` is another spelling of `token` in JSON. A pair of backslashes is consumed first: it escapes nothing.
_ESCAPE: Final = re.compile(r"\\(?:\\|u00([4-7][0-9a-fA-F]))")


def _letter(match: re.Match[str]) -> str:
    letter = chr(int(match[1], 16)) if match[1] else ""
    return letter if letter.isalpha() else match[0]


_HINTS: Final = (
    *("token", "secret", "passw", "passphrase", "credential", "authorization", "cookie", "key", "sign"),
    *("basic", "bearer", "eyj", "://"),
)
# A name in JSON, in JSON inside of a string, in a form, or in a line like a header; its value begins at the end.
_NAME: Final = re.compile(
    r"(?P<page>page[ _-]?)?(?:token|secret|passw(?:or)?d|passphrase|credential|authorization|cookie"
    r"|(?:api|private|access|signing)[ _-]?key|sign[ _-]?in)[\w-]{0,40}(?P<quote>\\?[\"']|)\s{0,16}[:=]\s{0,16}",
    re.IGNORECASE,
)
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
_INNER_STRING: Final = re.compile(r'\\"(?:(?!\\").)*+(?:\\"|\Z)', re.DOTALL)
_SINGLE: Final = re.compile(r"'[^']*+(?:'|\Z)")
_BARE: Final = re.compile(r"(?:(?:basic|bearer|digest)[ \t]{1,16})?[^\s,;&}\]\"'\\]*+", re.IGNORECASE)
_STEP: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
# Secrets that their form tells: credentials of HTTP, JSON Web Tokens, users in URLs, private keys in PEM.
_FORMS: Final = re.compile(
    r"\b(?:[Bb]asic|[Bb]earer) [A-Za-z0-9+/=._~-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|(?<=://)[^/\s:@\"]{1,256}:[^/\s@\"]{1,256}(?=@)"
    r"|-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[^-]*+(?:-----END [A-Z ]{0,32}PRIVATE KEY-----|)"
)


def _without_named(text: str) -> str:
    parts: list[str] = []
    kept_to, at = 0, 0
    while match := _NAME.search(text, at):
        at = match.end()
        if match["page"]:
            continue
        end = _value_end(text, at)
        if end > at:
            quote = match["quote"]
            parts += (text[kept_to:at], quote, REMOVED, quote)
            kept_to = at = end
    parts.append(text[kept_to:])
    return "".join(parts)


def _value_end(text: str, at: int) -> int:
    """Where the value that begins at `at` ends; a body that is cut ends inside of it."""
    if text[at : at + 1] in ("[", "{"):
        depth = 0
        for step in _STEP.finditer(text, at):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(step[0], 0)
            if depth == 0:
                return step.end()
        return len(text)
    for form in (_STRING, _INNER_STRING, _SINGLE):
        if match := form.match(text, at):
            return match.end()
    match = _BARE.match(text, at)
    return match.end() if match else at
