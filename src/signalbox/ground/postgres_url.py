"""PostgreSQL URLs: which parameters work, which are refused by name, which are ignored with a warning.

Hosting companies give URLs that were written for libpq, JDBC, node-postgres or Prisma. The rules are those of libpq,
https://www.postgresql.org/docs/current/libpq-connect.html; docs/postgresql.md has the table. No message contains a
value that could be a part of a password.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlencode

CONNECT_SECONDS: Final = 5.0
# The longest `connect_timeout`, and the meaning of 0, which is "without limit" for libpq: a request must end.
MOST_CONNECT_SECONDS: Final = 60.0

# The driver reads these itself, with the meaning of libpq.
_DRIVER: Final = frozenset(
    {
        *("user", "password", "database", "passfile", "service", "target_session_attrs", "krbsrvname", "gsslib"),
        *("sslmode", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version"),
    }
)
# These are read here.
_OURS: Final = frozenset(
    {
        *("host", "port", "options", "schema", "connect_timeout"),
        *("application_name", "fallback_application_name"),
    }
)
_FILES: Final[tuple[str, ...]] = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
# The driver does not know `sslrootcert=system`, so these are then applied by us, with their variables.
_TLS: Final[Mapping[str, str]] = {
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslpassword": "",
    "sslcrl": "PGSSLCRL",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
}
_SSLMODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# Values that ask for nothing else than what happens anyway.
_SATISFIED: Final[Mapping[str, frozenset[str]]] = {
    "channel_binding": frozenset({"disable", "prefer"}),
    "gssencmode": frozenset({"disable", "prefer"}),
    "gssdelegation": frozenset({"0"}),
    "client_encoding": frozenset({"utf8", "utf-8", "unicode", "auto"}),
    "sslcertmode": frozenset({"allow"}),
    "sslcompression": frozenset({"0"}),
    "sslsni": frozenset({"1"}),
    "sslaccept": frozenset({"accept_invalid_certs"}),
    "ssl": frozenset({"true"}),
    "pgbouncer": frozenset({"true", "false"}),
}
# Parameters that would protect the connection, or say where to connect, and that the driver cannot honour.
_REFUSED: Final[Mapping[str, str]] = {
    "channel_binding": "the driver has no channel binding. Remove the parameter, and use sslmode=verify-full, which"
    " also detects a server in the middle",
    "gssencmode": "the driver has no GSSAPI encryption. Use sslmode=verify-full",
    "gssdelegation": "the driver delegates no credentials",
    "requirepeer": "the driver does not check the owner of a socket. Remove the parameter, and"
    " protect the socket's folder",
    "require_auth": "the driver does not restrict the methods of authentication. Remove the parameter, and use"
    " sslmode=verify-full",
    "sslcrldir": "the driver reads one file. Name it in sslcrl",
    "sslcertmode": "the driver sends a client certificate exactly when it has one. Remove the parameter",
    "sslsni": "the driver always sends the host name. Remove the parameter",
    "sslaccept": "use sslmode=verify-full and sslrootcert",
    "sslidentity": "use sslcert and sslkey",
    "ssl": "write sslmode=disable, sslmode=require or sslmode=verify-full",
    "hostaddr": "put the address into host",
    "servicefile": "set PGSERVICEFILE",
    "replication": "Signalbox needs an ordinary connection",
}
# An unknown name that starts so may be a misspelt parameter that protects the connection.
_PROTECTS: Final = ("ssl", "tls", "gss", "krb", "auth", "require", "channel", "verif", "encrypt", "cert")
_CURES: Final[Mapping[str, str]] = {
    "connection_limit": "the setting database_connections has the same meaning",
    "client_encoding": "Signalbox always uses UTF8",
}
# Variables that libpq reads and the driver does not read.
_VARIABLES: Final[Mapping[str, str]] = {
    "PGAPPNAME": "application_name",
    "PGCHANNELBINDING": "channel_binding",
    "PGCONNECT_TIMEOUT": "connect_timeout",
    "PGGSSDELEGATION": "gssdelegation",
    "PGGSSENCMODE": "gssencmode",
    "PGHOSTADDR": "hostaddr",
    "PGOPTIONS": "options",
    "PGREQUIREAUTH": "require_auth",
    "PGREQUIREPEER": "requirepeer",
    "PGSSLCERTMODE": "sslcertmode",
    "PGSSLCRLDIR": "sslcrldir",
    "PGSSLSNI": "sslsni",
}
_RAW: Final = "a /, ?, #, @ or & in a user name, password or database name is written %2F, %3F, %23, %40 or %26"


class PostgresUrl(NamedTuple):
    """A URL for the driver. `dsns` has one for each host, to be tried in this order.

    `settings` are sent to the server at connect; `files` maps parameters to files that must be readable.
    `tls`, when it is not None: the server's certificate is checked against the authorities that the system trusts,
    with these parameters. `pooled`: the URL says that it leads through a pooler in transaction mode. `ignored`: a
    warning for each parameter without effect.
    """

    dsns: tuple[str, ...]
    settings: Mapping[str, str]
    connect_seconds: float
    files: Mapping[str, str]
    tls: Mapping[str, str] | None
    pooled: bool
    ignored: tuple[str, ...]


def read(url: str, environ: Mapping[str, str]) -> PostgresUrl:
    """Reads a URL, and the PG... variables that the driver does not read. Raises ValueError with the cure."""
    before, hosts, given = _parts(url)
    given = {**{_VARIABLES[name]: environ[name] for name in _VARIABLES if environ.get(name)}, **given}
    for name, value in given.items():
        if problem := _refusal(name, value):
            raise ValueError(problem)
    if given.get("ssl"):
        given.setdefault("sslmode", "require")  # libpq reads JDBC's ssl=true so
    pairs = _pairs(given["host"].split(",") if "host" in given else hosts, given.get("port", ""))
    driver = {name: value for name, value in given.items() if name in _DRIVER}
    tls = _trusting_system(driver, environ)
    dsns = tuple(f"postgresql://?{urlencode({**before, **driver, **pair}, quote_via=quote)}" for pair in pairs or [{}])
    return PostgresUrl(
        dsns,
        _settings(given),
        _seconds(given.get("connect_timeout")),
        _files(driver, environ),
        tls,
        given.get("pgbouncer") == "true",
        tuple(_warning(name) for name, value in given.items() if _is_ignored(name, value)),
    )


def refused_variables(environ: Mapping[str, str]) -> list[str]:
    """A problem for each PG... variable that would protect the connection and cannot be honoured."""
    found = []
    for variable, name in _VARIABLES.items():
        if (value := environ.get(variable)) and (problem := _refusal(name, value)):
            found.append(f"{variable}: {problem}")
    return found


def _parts(url: str) -> tuple[dict[str, str], list[str], dict[str, str]]:
    """User, password and database; the hosts; the parameters."""
    _, _, rest = url.partition("://")
    before, _, query = rest.partition("?")
    authority, _, path = before.partition("/")
    userinfo, at, hosts = authority.rpartition("@")
    broken = not at and ":" in authority and "@" in query  # the password had a question mark
    if "#" in rest or "@" in path or "?" in query or broken:
        raise ValueError(_RAW)
    user, _, password = userinfo.partition(":")
    texts = {"user": user, "password": password, "database": path}
    names = [unquote(host) for host in hosts.split(",")] if hosts else []
    return {name: unquote(text) for name, text in texts.items() if text}, names, dict(_parameters(query))


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    """Names and values. As in libpq a plus sign is no space, and an empty value counts as not given."""
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        if not equals or not (name.isascii() and name.replace(".", "_").replace("-", "_").isidentifier()):
            raise ValueError(f"after the question mark: NAME=VALUE, with & between; {_RAW}")
        if value:
            yield {"dbname": "database", "currentSchema": "schema"}.get(name, name), unquote(value)


def _refusal(name: str, value: str) -> str | None:
    """Why the URL is refused because of this parameter; None when it is not."""
    if value.lower() in _SATISFIED.get(name, ()):
        return None
    if name == "sslmode":
        more = " (require checks no certificate)" if value == "no-verify" else ""
        return None if value in _SSLMODES else f"sslmode must be one of {', '.join(_SSLMODES)}{more}"
    if name == "target_session_attrs":
        known = value in ("any", "primary", "read-write")
        return None if known else "target_session_attrs must be any, primary or read-write: Signalbox writes"
    if name == "connect_timeout":
        whole = value.isascii() and value.removeprefix("-").isdigit()
        return None if whole else "connect_timeout must be a number of seconds"
    if name in _REFUSED:
        return f"{name} cannot be honoured: {_REFUSED[name]}"
    if name not in _DRIVER and name.lower().startswith(_PROTECTS):
        return f"{name} is unknown and could protect the connection. Correct or remove the parameter"
    return None


def _pairs(hosts: list[str], ports: str) -> list[dict[str, str]]:
    """The parameters `host` and `port` for each host; nothing when the URL names no host."""
    if not hosts:
        return [{"port": _port(ports)}] if ports else []
    numbers = ports.split(",")
    if len(numbers) == 1:
        numbers *= len(hosts)
    if len(numbers) != len(hosts):
        raise ValueError("there must be one port, or one for each host")
    return [_pair(host, number) for host, number in zip(hosts, numbers, strict=True)]


def _pair(host: str, port: str) -> dict[str, str]:
    if host.count(":") > 1 and "[" not in host:
        host = f"[{host}]"  # an IPv6 address in the parameter host
    inside, bracket, after = host.partition("]")
    if bracket:
        name, own, whole = f"{inside}]", after[1:], inside.startswith("[") and after[:1] in ("", ":")
    else:
        name, _, own = host.partition(":")
        whole = "[" not in name
    if not whole or not name.strip("[]"):
        raise ValueError("must be postgresql://user@host:port/name; a host is a name or [IPv6]")
    number = port or own
    return {"host": name, "port": _port(number)} if number else {"host": name}


def _port(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) <= 65535):
        raise ValueError("must be postgresql://user@host:port/name with a port from 1 to 65535")
    return text


def _trusting_system(driver: dict[str, str], environ: Mapping[str, str]) -> dict[str, str] | None:
    """Takes `sslrootcert=system` out of the parameters of the driver. The parameters of TLS if it was there."""
    if (driver.get("sslrootcert") or environ.get("PGSSLROOTCERT")) != "system":
        return None
    if (driver.get("sslmode") or environ.get("PGSSLMODE") or "verify-full") != "verify-full":
        raise ValueError("sslrootcert=system needs sslmode=verify-full")
    driver.pop("sslrootcert", None)
    given = {name: driver.get(name) or environ.get(variable) for name, variable in _TLS.items()}
    return {name: value for name, value in given.items() if value}


def _files(driver: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    if (driver.get("sslmode") or environ.get("PGSSLMODE")) == "disable":
        return {}
    given = {name: driver.get(name) or environ.get(f"PG{name.upper()}") for name in _FILES}
    return {name: path for name, path in given.items() if path and path != "system"}


def _settings(given: Mapping[str, str]) -> dict[str, str]:
    name = given.get("application_name") or given.get("fallback_application_name") or "signalbox"
    settings = {"application_name": name}
    if "options" in given:
        settings["options"] = given["options"]
    if "schema" in given:
        settings["search_path"] = '"' + given["schema"].replace('"', '""') + '"'
    return settings


def _seconds(text: str | None) -> float:
    if text is None:
        return CONNECT_SECONDS
    seconds = float(text)
    return min(seconds, MOST_CONNECT_SECONDS) if seconds > 0 else MOST_CONNECT_SECONDS


def _is_ignored(name: str, value: str) -> bool:
    return name not in _DRIVER and name not in _OURS and value.lower() not in _SATISFIED.get(name, ())


def _warning(name: str) -> str:
    cure = _CURES.get(name, "a setting of the server is written options=-c%20NAME%3DVALUE")
    return f"{name} is ignored ({cure})"
