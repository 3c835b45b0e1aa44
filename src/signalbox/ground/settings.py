"""Settings: their table, and the function that reads them from command line, environment and file."""

# ruff: noqa: RUF009 -- _setting() makes a dataclass field together with its line of the table

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from signalbox.ground import setting_forms as forms
from signalbox.ground.setting_forms import RateLimit, SinkReports
from signalbox.ground.wording import plain, shown, suggestion

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

T = TypeVar("T")

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
class Setting:
    """One line of the table: a setting's name, form, default and explanation."""

    key: str
    form: forms.Form
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


def _setting(default: T, form: forms.Form, explained: str, *, option: bool = True, secret: bool = False) -> T:
    line = {"form": form, "help": explained, "option": option, "secret": secret}
    return field(default=default, repr=not secret, metadata=line)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process. Made by `load`, or directly from values of their final types."""

    host: str = _setting("127.0.0.1", forms.HOST, "Address to listen on.")
    port: int = _setting(8080, forms.integer(0, 65535), "Port to listen on; 0 takes any free one.")
    database: str = _setting("sqlite:///signalbox.db", forms.DATABASE, "URL of the database.", secret=True)
    workers: int = _setting(
        1, forms.integer(0, 1000), "How many batches of operations this process applies at once; 0 for none."
    )
    processes: int = _setting(1, forms.integer(1, 64), "How many processes `serve` runs; more than 1 need PostgreSQL.")
    public_url: str | None = _setting(
        None, forms.PUBLIC_URL, "Base of the URLs in responses; by default that of the request.", secret=True
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = _setting(
        (), forms.NETWORKS, "Addresses of proxies whose Forwarded and X-Forwarded-* headers are trusted."
    )
    strict: bool = _setting(False, forms.BOOLEAN, "Respond 400 to unknown query parameters, instead of ignoring them.")
    inventory_numbers: InventoryNumbers = _setting(
        "valid",
        forms.one_of("valid", "known"),
        "Which numbers may be entered as senders: valid takes every number in E.164, with a warning when no numbering"
        " plan knows it; known refuses such a number.",
    )
    rate_limit: RateLimit | None = _setting(
        None, forms.RATE, "Requests each account may make at once, and the seconds in which they are refilled."
    )
    sink_reports: SinkReports = _setting(
        SinkReports(0),
        forms.SINK_REPORTS,
        "When the sink reports what became of a message: at once, after some seconds, or only by hand.",
    )
    cors_origins: tuple[str, ...] = _setting((), forms.ORIGINS, "Origins whose web pages may call the API; * for any.")
    request_log: bool = _setting(
        True, forms.BOOLEAN, "Keep the last requests of each account in memory, for its request log."
    )
    request_bodies: bool = _setting(
        False, forms.BOOLEAN, "Keep headers and bodies in the request log, without secrets: for development only."
    )
    log_format: LogFormat = _setting(
        "auto",
        forms.one_of("auto", "json", "console"),
        "Format of log lines; auto is console on a terminal, else json.",
    )
    log_level: LogLevel = _setting(
        "info", forms.one_of("debug", "info", "warning", "error"), "The least serious log lines to print."
    )
    database_connections: int = _setting(
        10, forms.integer(1, 1000), "Most connections this process opens to PostgreSQL."
    )
    database_direct: str | None = _setting(
        None,
        forms.DIRECT,
        "The same PostgreSQL without the pooler in transaction mode that database names.",
        secret=True,
    )
    account_sid: str | None = _setting(
        None, forms.SID, "SID of the account that an empty database gets; needs auth_token.", option=False
    )
    auth_token: str | None = _setting(
        None, forms.TOKEN, "Auth token of that account; needs account_sid.", option=False, secret=True
    )
    config: Path | None = _setting(
        None, forms.FILE, "TOML file with settings; else ./signalbox.toml is read, if there is one."
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
