"""The server's URL and the credentials: from arguments, else from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpx

from signalbox_client.errors import InvalidArgument, MissingCredentials

DEFAULT_URL: Final = "http://127.0.0.1:8080"
_MISSING: Final = (
    "no credentials: give account_sid and auth_token, or set the environment variables"
    " SIGNALBOX_ACCOUNT_SID and SIGNALBOX_AUTH_TOKEN"
)


@dataclass(frozen=True)
class Settings:
    """The settings of a client. The secret is only in `auth`, whose repr does not show it."""

    url: str
    username: str
    auth: httpx.BasicAuth = field(repr=False)
    timeout: float
    max_retries: int

    @classmethod
    def read(
        cls,
        account: tuple[str | None, str | None],
        url: str | None,
        timeout: float,
        max_retries: int,
    ) -> "Settings":
        """Settings from arguments, completed from the environment.

        White space around a text is ignored: a line break at the end of a file often becomes part of a variable.
        Raises MissingCredentials, and InvalidArgument for a value that is not valid.
        """
        if not timeout > 0:
            raise InvalidArgument("timeout must be a number of seconds greater than 0")
        if max_retries < 0:
            raise InvalidArgument("max_retries must be 0 or more")
        username, secret = _credentials(account, os.environ)
        url = _stripped(url) or _stripped(os.environ.get("SIGNALBOX_URL")) or DEFAULT_URL
        return cls(_checked(url), username, httpx.BasicAuth(username, secret), timeout, max_retries)


def _credentials(account: tuple[str | None, str | None], environment: Mapping[str, str]) -> tuple[str, str]:
    """Name and secret for the requests: arguments win over the environment."""
    names, variables = ("account_sid", "auth_token"), ("SIGNALBOX_ACCOUNT_SID", "SIGNALBOX_AUTH_TOKEN")
    pairs = zip(account, variables, strict=True)
    found = [_stripped(given) or _stripped(environment.get(name)) for given, name in pairs]
    username, secret = found
    if username and secret:
        for name, value in zip(names, found, strict=True):
            if not str(value).isprintable():
                raise InvalidArgument(f"{name} contains a line break or another character that is not printable")
        return username, secret
    if not username and not secret:
        raise MissingCredentials(_MISSING)
    missing = 0 if secret else 1
    raise MissingCredentials(
        f"{names[1 - missing]} is given but {names[missing]} is not: give both, or set both of the environment"
        f" variables {variables[0]} and {variables[1]}"
    )


def _stripped(text: str | None) -> str:
    return (text or "").strip()


def _checked(url: str) -> str:
    """The URL without a slash at its end. No message repeats the URL, because it may contain a secret."""
    rule = "url must be an http or https URL such as https://api.example.com/prefix"
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError when it is not a port
        (parts.hostname or "").encode("idna")  # as the resolver does, which would raise at the first request
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise InvalidArgument(rule) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable() or " " in url:
        raise InvalidArgument(rule)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidArgument(f"{rule}, without user, query and fragment")
    return url.rstrip("/")
