"""From the Authorization header to a principal. Contract section 2."""

import re
import time
from base64 import b64decode
from binascii import Error as Base64Error
from typing import Final

from signalbox.accounts import accounts
from signalbox.accounts.accounts import Keyring, Principal
from signalbox.db import Database
from signalbox.ground import secrets
from signalbox.ground.errors import Unauthenticated, Unavailable

_SID: Final = re.compile("(AC|SK)[0-9a-fA-F]{32}")
_MOST_REMEMBERED: Final = 10_000
_WRONG_CREDENTIALS: Final = (
    "the credentials are missing or wrong: "
    "HTTP Basic with an account SID and its auth token, or an API key SID and its secret"
)
_LINE_BREAK: Final = (
    "the credentials hold a line break: encode SID, colon and secret without one (printf instead of echo, base64 -w0)"
)


class Authenticator:
    """Checks credentials, and remembers valid ones for `accounts.CREDENTIAL_TTL` seconds.

    Invalid credentials are never remembered and always cost the same: one look-up, one digest, one comparison.
    """

    def __init__(self, db: Database, keys: Keyring) -> None:
        self._db = db
        self._keys = keys
        # Keyed by a digest, so that no secret stays in memory longer than its request.
        self._known: dict[bytes, tuple[float, Principal]] = {}

    async def principal(self, header: bytes) -> Principal:
        """The principal of an Authorization header. Raises Unauthenticated, with one message for every reason.

        Only a line break in the credentials has another message, which depends on the request alone.
        """
        remembered = secrets.digest(self._keys.digests, header)
        now = time.monotonic()
        expires, principal = self._known.get(remembered, (0.0, None))
        if principal is not None and now < expires:
            return principal
        sid, secret = _credentials(header)
        found = await self._db.read(lambda tx: accounts.authenticate(tx, self._keys, sid, secret))
        if found is None:
            self._known.pop(remembered, None)
            raise Unauthenticated(_WRONG_CREDENTIALS)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[remembered] = now + accounts.CREDENTIAL_TTL, found
        return found

    async def still_valid(self, header: bytes, account_id: int) -> bool:
        """Whether this Authorization header is still valid for this account; asked while a long response is sent."""
        try:
            principal = await self.principal(header)
        except Unauthenticated:
            return False
        except Unavailable:
            return True  # unknown while the database is unavailable; the next check decides
        return principal.account_id == account_id


def _credentials(header: bytes) -> tuple[str, str]:
    """SID and secret; two empty strings, which match no account, when the header has none.

    Raises Unauthenticated when they hold a line break.
    """
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return "", ""
    try:
        sid, _, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (Base64Error, UnicodeDecodeError, ValueError):
        return "", ""
    if "\n" in sid + secret or "\r" in sid + secret:
        raise Unauthenticated(_LINE_BREAK)
    return (sid, secret) if _SID.fullmatch(sid) else ("", "")
