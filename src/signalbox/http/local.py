"""What a server for development adds: it responds to requests for this machine only, and has sign-in links."""

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from signalbox.ground import secrets
from signalbox.ground.errors import Forbidden, Invalid, Problem

LINK_SECONDS: Final = 300
_MOST_LINKS: Final = 100
# A page of another site can point its own host name at 127.0.0.1 (DNS rebinding). Its requests then have that name in
# `Host`; browsers resolve these names to this machine only.
_HERE: Final = re.compile(rb"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)


@dataclass
class _Link:
    until: float
    used: bool = False


class Local:
    """The account of the person at this machine, and the sign-in links for it."""

    def __init__(self, account_sid: str, auth_token: str) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token
        # The digests of the links: the memory of the process has no link that could still be used.
        self._links: dict[bytes, _Link] = {}

    def require_here(self, headers: Mapping[bytes, bytes]) -> None:
        """Raises Invalid for a request with the host name of another machine."""
        host = headers.get(b"host", b"")
        if host and not _HERE.fullmatch(host):
            rule = (
                "Host must be localhost or 127.0.0.1: `signalbox dev` is for this machine, `signalbox serve` for others"
            )
            raise Invalid([Problem(rule, "Host", None)])

    def new_link(self) -> str:
        """The secret of a new link, for one sign-in within five minutes."""
        secret = secrets.new_secret()
        while len(self._links) >= _MOST_LINKS:
            del self._links[next(iter(self._links))]
        self._links[_digest(secret)] = _Link(time.monotonic() + LINK_SECONDS)
        return secret

    def use(self, secret: str) -> None:
        """Uses a link up. Raises Forbidden, with what to do, for a link that is used, too old or unknown."""
        link = self._links.get(_digest(secret))
        if link is None:
            raise Forbidden(f"this sign-in link is of an earlier start of the server. {_MEND}")
        if link.used:
            raise Forbidden(f"this sign-in link was used already, and it works only once. {_MEND}")
        if time.monotonic() > link.until:
            raise Forbidden(f"this sign-in link is too old: it works for five minutes. {_MEND}")
        link.used = True


_MEND: Final = "Press Enter in the terminal of `signalbox dev` for a new one"


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
