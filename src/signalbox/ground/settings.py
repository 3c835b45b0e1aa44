"""Settings: their table, and the function that reads them from command line, environment and file."""

# ruff: noqa: RUF009 -- _setting() makes a dataclass field together with its line of the table

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from signalbox.ground.wording import plain, shown, suggestion

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

T = TypeVar("T")
Kind = Literal["text", "integer", "boolean", "list"]

InventoryNumbers = Literal["valid", "known"]
LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]

DEFAULT_FILE = Path("signalbox.toml")
_PREFIX = "SIGNALBOX_"
_TOML_TYPES = {"integer": (int, "an integer"), "boolean": (bool, "true or false"), "text": (str, "a string")}
# Kubernetes sets these in every container when a Service is called "signalbox"; they are not settings.
_SERVICE_LINK = re.compile(r"SIGNALBOX_(SERVICE_.+|PORT_\d+_.+)")

# Read by the clients and by the commands that send requests; both may run in a server's environment.
_OF_CLIENTS = {
    "SIGNALBOX_URL",
    "SIGNALBOX_ACCOUNT_SID",
    "SIGNALBOX_AUTH_TOKEN",
    "SIGNALBOX_PROFILE",
}


class ConfigError(Exception):
    """All problems of the settings, each with its source: `--port`, `SIGNALBOX_PORT`, `FILE: port`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class RateLimit:
    """A token bucket: it holds `requests` tokens, and an empty one is full again after `seconds`."""

    requests: int
    seconds: int


@dataclass(frozen=True)
class _Form:
    """The form of a value: its kind, its text in help messages, and the function that checks it.

    `parse` takes the decoded value and returns the final one, or raises ValueError("must ...").
    """

    kind: Kind
    shown: str
    parse: Callable[[Any], object]


@dataclass(frozen=True)
class Setting:
    """One line of the table: a setting's name, form, default and explanation."""

    key: str
    form: _Form
    default: object
    help: str
    option: bool  # has a command-line option; secrets have none, because other users can read a command line
    secret: bool  # the value may contain a password: no message repeats it

    @property
    def variable(self) -> str:
        return _PREFIX + self.key.upper()

    @property
    def flag(self) -> str:
        return "--" + self.key.replace("_", "-")

    @property
    def default_text(self) -> str:
        if isinstance(self.default, bool):
            return "true" if self.default else "false"
        return "none" if self.default in (None, ()) else str(self.default)


def _integer(low: int, high: int) -> _Form:
    def parse(value: int) -> int:
        if not low <= value <= high:
            raise ValueError(f"must be an integer from {low} to {high}")
        return value

    return _Form("integer", "N", parse)


def _one_of(*choices: str) -> _Form:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return _Form("text", "|".join(choices), parse)


def _matching(shown: str, pattern: str, rule: str) -> _Form:
    def parse(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(rule)
        return value

    return _Form("text", shown, parse)


def _database(value: str) -> str:
    from signalbox.ground import postgres_url

    if value == "sqlite:///:memory:":  # the spelling of other programs
        return "sqlite://"
    if re.fullmatch(r"sqlite://(/[^?#]+)?", value):
        return value
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError(
            "must be sqlite:///relative.db, sqlite:////absolute.db, sqlite:// (memory) or postgresql://user@host/name"
        )
    postgres_url.read(value, {})  # raises ValueError
    return value


def _direct(value: str) -> str:
    if _database(value).startswith("sqlite"):
        raise ValueError("must be postgresql://user@host/name")
    return value


def _public_url(value: str) -> str:
    from urllib.parse import urlsplit

    rule = "must be an absolute http or https URL without user, query and fragment, such as https://api.example.com"
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port  # raises ValueError when it is not a port
    except ValueError:
        valid = False
    if not valid or not re.fullmatch(r"[!-~]+", value) or re.search(r"[?#\\<>\"]", value):
        raise ValueError(rule)
    return value.rstrip("/")


def _networks(values: list[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    from ipaddress import ip_network

    networks = []
    for value in values:
        try:
            networks.append(ip_network(value))
        except ValueError as error:
            raise ValueError(f"must be IP addresses or networks such as 10.0.0.0/8: {error}") from None
    return tuple(networks)


def _origins(values: list[str]) -> tuple[str, ...]:
    origin = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")
    for value in values:
        if value != "*" and not origin.fullmatch(value.lower()):
            raise ValueError(f"must be origins such as https://app.example.com, or *; {value!r} is neither")
    return tuple(value.lower() for value in values)


def _rate_limit(value: str) -> RateLimit:
    match = re.fullmatch(r"([1-9]\d{0,6})/([1-9]\d{0,4})", value, re.ASCII)
    if not match:
        raise ValueError("must be REQUESTS/SECONDS, two positive integers such as 600/60")
    return RateLimit(int(match[1]), int(match[2]))


_HOST = _matching("ADDRESS", r"[A-Za-z0-9._:%-]+", "must be a host name or an IP address, without a port")
_SID = _matching("SID", r"AC[0-9a-f]{32}", "must be AC and 32 lower-case hexadecimal digits")
_TOKEN = _matching("TOKEN", r"[!-~]{1,256}", "must be 1 to 256 visible ASCII characters")
_DATABASE = _Form("text", "URL", _database)
_DIRECT = _Form("text", "URL", _direct)
_PUBLIC_URL = _Form("text", "URL", _public_url)
_NETWORKS = _Form("list", "CIDR,...", _networks)
_ORIGINS = _Form("list", "ORIGIN,...", _origins)
_RATE = _Form("text", "REQUESTS/SECONDS", _rate_limit)
_BOOLEAN = _Form("boolean", "BOOLEAN", bool)
_FILE = _Form("text", "FILE", Path)


def _setting(default: T, form: _Form, explained: str, *, option: bool = True, secret: bool = False) -> T:
    line = {"form": form, "help": explained, "option": option, "secret": secret}
    return field(default=default, repr=not secret, metadata=line)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process. Made by `load`, or directly from values of their final types."""

    host: str = _setting("127.0.0.1", _HOST, "Address to listen on.")
    port: int = _setting(8080, _integer(0, 65535), "Port to listen on; 0 takes any free one.")
    database: str = _setting("sqlite:///signalbox.db", _DATABASE, "URL of the database.", secret=True)
    workers: int = _setting(
        1, _integer(0, 1000), "How many batches of operations this process applies at once; 0 for none."
    )
    processes: int = _setting(1, _integer(1, 64), "How many processes `serve` runs; more than 1 need PostgreSQL.")
    public_url: str | None = _setting(
        None, _PUBLIC_URL, "Base of the URLs in responses; by default that of the request.", secret=True
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = _setting(
        (), _NETWORKS, "Addresses of proxies whose Forwarded and X-Forwarded-* headers are trusted."
    )
    strict: bool = _setting(False, _BOOLEAN, "Respond 400 to unknown query parameters, instead of ignoring them.")
    inventory_numbers: InventoryNumbers = _setting(
        "valid",
        _one_of("valid", "known"),
        "Which numbers may be entered as senders: valid takes every number in E.164, with a warning when no numbering"
        " plan knows it; known refuses such a number.",
    )
    rate_limit: RateLimit | None = _setting(
        None, _RATE, "Requests each account may make at once, and the seconds in which they are refilled."
    )
    cors_origins: tuple[str, ...] = _setting((), _ORIGINS, "Origins whose web pages may call the API; * for any.")
    request_log: bool = _setting(
        True, _BOOLEAN, "Keep the last requests of each account in memory, for its request log."
    )
    request_bodies: bool = _setting(
        False, _BOOLEAN, "Keep headers and bodies in the request log, without secrets: for development only."
    )
    log_format: LogFormat = _setting(
        "auto",
        _one_of("auto", "json", "console"),
        "Format of log lines; auto is console on a terminal, else json.",
    )
    log_level: LogLevel = _setting(
        "info", _one_of("debug", "info", "warning", "error"), "The least serious log lines to print."
    )
    database_connections: int = _setting(10, _integer(1, 1000), "Most connections this process opens to PostgreSQL.")
    database_direct: str | None = _setting(
        None, _DIRECT, "The same PostgreSQL without the pooler in transaction mode that database names.", secret=True
    )
    account_sid: str | None = _setting(
        None, _SID, "SID of the account that an empty database gets; needs auth_token.", option=False
    )
    auth_token: str | None = _setting(
        None, _TOKEN, "Auth token of that account; needs account_sid.", option=False, secret=True
    )
    config: Path | None = _setting(
        None, _FILE, "TOML file with settings; else ./signalbox.toml is read, if there is one."
    )


SETTINGS: tuple[Setting, ...] = tuple(
    Setting(key=one.name, default=one.default, **one.metadata) for one in fields(Settings)
)
_BY_KEY = {setting.key: setting for setting in SETTINGS}


def load(
    command_line: Mapping[str, str | None], environ: Mapping[str, str], default_file: Path = DEFAULT_FILE
) -> Settings:
    """Settings from the command line, else the environment, else the file, else the defaults.

    `command_line` maps keys to texts; None where an option was not used. An empty variable counts as not set.
    Raises ConfigError with every problem found.
    """
    problems: list[str] = []
    named = command_line.get("config") or _from_environment(_BY_KEY["config"], environ)
    path = Path(named) if named else default_file
    # A named file must exist; the default file may be absent.
    in_file = _read(path, problems) if named or path.exists() else None
    values: dict[str, Any] = {"config": path if in_file is not None else None}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        if setting.key == "config":
            continue
        given: object = command_line.get(setting.key)
        source, typed = setting.flag, False
        if given is None:
            given, source = _from_environment(setting, environ), setting.variable
        if given is None and in_file is not None and setting.key in in_file:
            given, source, typed = in_file[setting.key], f"{path}: {setting.key}", True
        if given is None:
            continue
        sources[setting.key] = source
        try:
            decoded = _typed(setting, given) if typed else _decoded(setting, str(given))
            values[setting.key] = setting.form.parse(decoded)
        except ValueError as error:
            what = "" if setting.secret or setting.form.kind == "list" else f", not {shown(given)}"
            problems.append(f"{source}: {error}{what}")
    for one, other in (("account_sid", "auth_token"), ("auth_token", "account_sid")):
        if one in sources and other not in sources:
            problems.append(f"{sources[one]}: needs {other} as well ({_BY_KEY[other].variable})")
    problems += _of_postgres(values, sources, environ)
    if problems:
        raise ConfigError(problems)
    return Settings(**values)


def _of_postgres(values: Mapping[str, Any], sources: Mapping[str, str], environ: Mapping[str, str]) -> list[str]:
    """Problems of PostgreSQL's own variables, and of a URL that needs a second one."""
    url = str(values.get("database", ""))
    if not url.startswith("postgres"):
        return []
    from signalbox.ground import postgres_url

    problems = postgres_url.refused_variables(environ)
    if postgres_url.read(url, {}).pooled and "database_direct" not in sources:
        problems.append(
            f"{sources['database']}: pgbouncer=true needs database_direct as well, the URL of the server behind the"
            f" pooler ({_BY_KEY['database_direct'].variable})"
        )
    return problems


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """A warning for each SIGNALBOX_ variable that is no setting, with the most similar name."""
    known = {setting.variable for setting in SETTINGS} | _OF_CLIENTS
    return [
        f"{name}: no such setting{suggestion(name, known)}; ignored"
        for name in sorted(environ)
        if name.startswith(_PREFIX) and name not in known and not _SERVICE_LINK.fullmatch(name)
    ]


def _read(path: Path, problems: list[str]) -> dict[str, object]:
    """The file's settings; adds problems of the file itself to `problems`."""
    import tomllib

    try:
        table: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: is not valid TOML: {error}")
        return {}
    except RecursionError:
        problems.append(f"{path}: is nested too deeply")
        return {}
    except UnicodeDecodeError:
        problems.append(f"{path}: is not UTF-8 text")
        return {}
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}")
        return {}
    known = set(_BY_KEY) - {"config"}
    problems.extend(
        f"{path}: {plain(key)}: no such setting{suggestion(key, known)}" for key in table if key not in known
    )
    return table


def _from_environment(setting: Setting, environ: Mapping[str, str]) -> str | None:
    if setting.key in ("account_sid", "auth_token") and environ.get("SIGNALBOX_ACCOUNT_SID", "").startswith("SK"):
        return None  # an API key for the clients, which read the same variables; the first account has no key
    text = environ.get(setting.variable, "").strip()  # a line break at the end of a file often comes along
    if setting.key == "port" and text and text.startswith("tcp://"):
        return None  # set by Kubernetes, as in _SERVICE_LINK
    return text or None


def _decoded(setting: Setting, text: str) -> object:
    """Text from the command line or the environment, converted to the setting's kind."""
    if setting.form.kind == "integer":
        if not re.fullmatch(r"-?\d{1,10}", text, re.ASCII):
            raise ValueError("must be an integer")
        return int(text)
    if setting.form.kind == "boolean":
        if text.lower() not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
            raise ValueError("must be true or false")
        return text.lower() in ("true", "1", "yes", "on")
    if setting.form.kind == "list":
        return [item.strip() for item in text.split(",") if item.strip()]
    return text


def _typed(setting: Setting, value: object) -> object:
    """A value of the file, which must already have the setting's type."""
    if setting.form.kind == "list":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError("must be an array of strings")
        return value
    # type() and not isinstance(): in Python True is also an int, in TOML it is not.
    wanted, name = _TOML_TYPES[setting.form.kind]
    if type(value) is not wanted:
        raise ValueError(f"must be {name}")
    return value
