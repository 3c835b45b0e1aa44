"""What to tell when a server cannot be reached: its URL, the reason, and what would mend it."""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from signalbox_client import ConnectionFailed

_OTHER_URL: Final = "another server is named by --url, SIGNALBOX_URL or a profile (--profile)"


def lines(url: str, error: ConnectionFailed) -> list[str]:
    """The lines for standard error."""
    import socket
    import ssl

    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            plain = url.replace("https:", "http:", 1)
            return [f"{url}: no TLS connection: {error}", f"a server without TLS has the URL {plain}; {_OTHER_URL}"]
        if isinstance(cause, socket.gaierror):
            return [f"{url}: there is no host {urlsplit(url).hostname}", _OTHER_URL]
        if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED:
            return _refused(url)
    return [f"{url} does not respond: {error}", _OTHER_URL]


def _refused(url: str) -> list[str]:
    if _is_local(urlsplit(url).hostname or ""):
        return [f"nothing listens on {url}: start it with `signalbox dev`", _OTHER_URL]
    return [f"nothing listens on {url}: start the server there with `signalbox serve`", _OTHER_URL]


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The errors that led to this one, also those that libraries wrap."""
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__
