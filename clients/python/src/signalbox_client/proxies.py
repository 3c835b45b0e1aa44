"""The connection to one server, from the environment: its proxy and its certificates. Nothing else is read.

httpx reads the variables of every proxy when a client is made, and raises at one that it cannot read, also when no
request would use it. This module reads only what concerns the host of the base URL.
"""

import re
import ssl
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies

import httpx

from signalbox_client.errors import InvalidArgument

_PORTS: Final = {"http": 80, "https": 443}
_SOCKS: Final = ("socks5", "socks5h")


def proxy_for(url: str, variables: Mapping[str, str] | None = None) -> httpx.Proxy | None:
    """The proxy for requests to this server; None for a direct connection. `variables` are those of `getproxies`.

    Raises InvalidArgument for a proxy that cannot be used. The message does not repeat it: it may contain a password.
    """
    given = getproxies() if variables is None else variables
    server = urlsplit(url)
    text = (given.get(server.scheme) or given.get("all") or "").strip()
    if not text or any(_exempts(entry, server) for entry in re.split(r"[\s,]+", given.get("no", "").lower())):
        return None
    words = f"the proxy in {server.scheme.upper()}_PROXY or ALL_PROXY"
    cure = f"correct it, or add {server.hostname} to NO_PROXY"
    url = text if "://" in text else f"http://{text}"
    scheme = url.partition("://")[0].lower()
    if scheme in _SOCKS and not _socks_works():
        raise InvalidArgument(f"{words} is a SOCKS proxy, which needs the package socksio: install it, or {cure}")
    try:
        if urlsplit(url).hostname:  # stricter than httpx about brackets
            return httpx.Proxy(url)
        raise ValueError("no host")
    except (httpx.InvalidURL, ValueError):
        raise InvalidArgument(f"{words} is not an http, https or socks5 URL: {cure}") from None


def certificates(url: str) -> ssl.SSLContext:
    """The certificates for TLS; none for an http URL, because reading them takes longer than a request.

    Raises InvalidArgument when the files that the environment names cannot be read.
    """
    if not url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError) as error:
        variables = "SSL_CERT_FILE, SSL_CERT_DIR or SSLKEYLOGFILE"
        raise InvalidArgument(f"the files for TLS cannot be used (see {variables}): {error}") from None


def _socks_works() -> bool:
    try:
        import socksio  # type: ignore[import-not-found]  # noqa: F401 (what httpx looks for)
    except ImportError:
        return False
    return True


def _exempts(entry: str, server: SplitResult) -> bool:
    """Whether an entry of NO_PROXY covers the server: `*`, a name with its subdomains, an address, a network.

    Each may have a scheme and a port. An entry that cannot be read covers nothing.
    """
    scheme, _, rest = entry.rpartition("://")
    if scheme not in ("", "all", server.scheme):
        return False
    if bracketed := re.fullmatch(r"\[(.*)\](?::(.*))?", rest):
        name, port = bracketed[1], bracketed[2]
    else:
        name, port = rest.split(":") if rest.count(":") == 1 else (rest, None)
    if port and port != str(server.port or _PORTS[server.scheme]):
        return False
    host = server.hostname or ""
    try:
        return ip_address(host) in ip_network(name, strict=False)
    except ValueError:  # one of the two is a name
        domain = name.removeprefix("*")
    return name == "*" or (domain.startswith(".") and host.endswith(domain)) or f".{host}".endswith(f".{domain or '/'}")
