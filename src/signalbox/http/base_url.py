"""The base URL of links in responses: scheme, host, port and prefix that the client used. Contract section 1."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final

from signalbox.ground.errors import Invalid, Problem

_HOST: Final = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class Source:
    """Finds the base URL of a request: the configured one, else from a trusted proxy's headers, else from `Host`."""

    def __init__(self, public_url: str | None, proxies: Sequence[IPv4Network | IPv6Network]) -> None:
        self._public = public_url.rstrip("/") if public_url else None
        self._proxies = proxies
        self._trusts = lru_cache(maxsize=1024)(self._is_proxy)

    def of(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> str:
        """Scheme, host and prefix, without a slash at the end. Raises Invalid when Host is not a host and port."""
        if self._public is not None:
            return self._public
        scheme = scope["scheme"]
        host = headers.get(b"host", b"").decode("latin-1")
        prefix = ""
        client = scope.get("client")
        if self._proxies and client and self._trusts(client[0]):
            told = _forwarded(scope["headers"])
            scheme, host = told.get("proto", scheme), told.get("host", host)
            prefix = told.get("prefix", "").rstrip("/")
        if not host:
            return of_server(scope) + prefix
        base = _base(scheme, host, prefix)
        if base is None:
            raise Invalid([Problem("Host is not a host and port", "Host", None)])
        return base

    def _is_proxy(self, address: str) -> bool:
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        # A dual-stack socket reports an IPv4 client as an IPv4-mapped address, such as ::ffff:10.0.0.1.
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return any(ip in network for network in self._proxies)


@lru_cache(maxsize=1024)
def _base(scheme: str, host: str, prefix: str) -> str | None:
    if _HOST.fullmatch(host) and scheme in ("http", "https") and _PREFIX.fullmatch(prefix):
        return f"{scheme}://{host}{prefix}"
    return None


def of_server(scope: Mapping[str, Any]) -> str:
    """The base URL from the server's own address, for a request without a Host header."""
    name, port = scope.get("server") or ("localhost", None)
    host = f"[{name}]" if ":" in name else name
    return f"{scope['scheme']}://{host}:{port}" if port else f"{scope['scheme']}://{host}"


def _forwarded(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """The values that the nearest proxy added: last element of `Forwarded` (RFC 7239), else of each `X-Forwarded-*`."""
    told: dict[str, str] = {}
    for name, raw in headers:
        if name.startswith(b"x-forwarded-"):
            value = raw.decode("latin-1").rpartition(",")[2].strip()
            told[name[len(b"x-forwarded-") :].decode("latin-1")] = value
    if "port" in told and "host" in told and ":" not in told["host"].rpartition("]")[2]:
        told["host"] += f":{told['port']}"
    lines = [raw for name, raw in headers if name == b"forwarded"]
    if lines:
        for pair in lines[-1].decode("latin-1").rpartition(",")[2].split(";"):
            key, _, value = pair.strip().partition("=")
            told[key.lower()] = value.strip('"')
    if "proto" in told:
        told["proto"] = told["proto"].lower()
    if "host" in told:
        told["host"] = told["host"].removesuffix({"http": ":80", "https": ":443"}.get(told.get("proto", ""), " "))
    return told
