"""Opens connections to PostgreSQL: hosts in turn, server settings, TLS with the system's authorities."""

from __future__ import annotations

import functools
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg

from signalbox.db import safe_url
from signalbox.ground import postgres_url
from signalbox.ground.errors import Unavailable

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

COMMAND_SECONDS: Final = 60.0
_POOLER: Final = "unsupported startup parameter"


class Server:
    """Where a URL leads to. Raises ValueError for a URL with a parameter that cannot be honoured."""

    def __init__(self, url: str) -> None:
        try:
            self._url = postgres_url.read(url, os.environ)
        except ValueError as error:
            raise ValueError(f"{safe_url(url)}: {error}") from None

    def check_files(self) -> None:
        """Raises Unavailable for a certificate or key that cannot be read; the driver would not name the file."""
        for name, path in self._url.files.items():
            try:
                Path(path).read_bytes()
            except OSError as error:
                reason = f"{name}: {path}: {error.strerror}"
                raise Unavailable("The database cannot be reached.", detail=reason) from error

    async def open(self, settings: Mapping[str, str], statements: int = 1000) -> Connection:
        """A connection with these server settings and up to `statements` prepared statements. Raises Unavailable."""
        reasons = []
        for dsn in self._url.dsns:
            try:
                return await asyncpg.connect(
                    dsn,
                    timeout=self._url.connect_seconds,
                    command_timeout=COMMAND_SECONDS,
                    statement_cache_size=statements,
                    max_cached_statement_lifetime=0,
                    server_settings={**self._url.settings, **settings},
                    ssl=None if self._url.tls is None else _trusting_system(tuple(self._url.tls.items())),
                )
            except asyncpg.ClientConfigurationError as error:
                raise Unavailable("The database URL is wrong.", detail=error) from error
            except (
                OSError,
                UnicodeError,  # a host name that DNS cannot have
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,
            ) as error:
                cause = error
                reasons.append("no response in time" if isinstance(error, TimeoutError) else _reason(error))
        raise Unavailable("The database cannot be reached.", detail="; ".join(reasons)) from cause


def _reason(error: Exception) -> str:
    if _POOLER in str(error):
        return f"{error}. This is a pooler: name the server behind the pooler in the setting database_direct"
    return str(error)


@functools.cache
def _trusting_system(parameters: tuple[tuple[str, str], ...]) -> ssl.SSLContext:
    """The TLS of `sslrootcert=system`; the other parameters do what they do in the driver."""
    given = dict(parameters)
    context = ssl.create_default_context()
    context.set_alpn_protocols(["postgresql"])
    context.minimum_version = _version(given.get("ssl_min_protocol_version", "TLSv1.2"))
    if "ssl_max_protocol_version" in given:
        context.maximum_version = _version(given["ssl_max_protocol_version"])
    if "sslcrl" in given:
        context.load_verify_locations(given["sslcrl"])
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    if "sslcert" in given:
        context.load_cert_chain(given["sslcert"], given.get("sslkey"), given.get("sslpassword", ""))
    return context


def _version(name: str) -> ssl.TLSVersion:
    try:
        return ssl.TLSVersion[name.replace(".", "_")]
    except KeyError:
        raise asyncpg.ClientConfigurationError(f"there is no TLS version {name}") from None
