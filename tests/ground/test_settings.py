"""Settings: their sources, which source wins, and the messages for wrong values."""

import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from signalbox.ground import settings
from signalbox.ground.setting_forms import RateLimit, SinkReports
from signalbox.ground.settings import ConfigError, Settings

NO_FILE = Path("/nonexistent/signalbox.toml")
SID = "AC" + "0" * 32

GOOD_TEXTS = [
    ("host", "0.0.0.0", "0.0.0.0"),  # noqa: S104
    ("host", "::", "::"),
    ("port", "0", 0),
    ("port", "65535", 65535),
    ("database", "sqlite://", "sqlite://"),
    ("database", "sqlite:///:memory:", "sqlite://"),
    ("database", "sqlite:///a.db", "sqlite:///a.db"),
    ("database", "sqlite:////var/a.db", "sqlite:////var/a.db"),
    ("database", "postgresql://u:p@h:5/d?sslmode=require", "postgresql://u:p@h:5/d?sslmode=require"),
    ("database", "postgresql:///d?host=/run/postgresql", "postgresql:///d?host=/run/postgresql"),
    ("workers", "0", 0),
    ("processes", "1", 1),
    ("processes", "64", 64),
    ("public_url", "https://api.example.com/comms/", "https://api.example.com/comms"),
    ("public_url", "http://[::1]:8080", "http://[::1]:8080"),
    ("trusted_proxies", "10.0.0.0/8, ::1", (ip_network("10.0.0.0/8"), ip_network("::1"))),
    ("strict", "true", True),
    ("strict", "no", False),
    ("rate_limit", "600/60", RateLimit(600, 60)),
    ("sink_reports", "after:5", SinkReports(5)),
    (
        "cors_origins",
        "https://App.example.com,http://localhost:3000",
        ("https://app.example.com", "http://localhost:3000"),
    ),
    ("cors_origins", "*", ("*",)),
    ("log_format", "json", "json"),
    ("log_level", "warning", "warning"),
    ("database_connections", "1", 1),
    ("database_direct", "postgresql://u:p@h:5/d", "postgresql://u:p@h:5/d"),
]

BAD_TEXTS = [
    ("host", "a b"),
    ("host", "http://localhost"),
    ("port", "65536"),
    ("port", "-1"),
    ("port", "8080.0"),
    ("port", "٨"),
    ("port", "9" * 5000),
    ("database", "mysql://h/d"),
    ("database", "signalbox.db"),
    ("database", "sqlite:///"),
    ("database", "sqlite://a.db"),
    ("database", "postgresql:h/d"),
    ("database", "postgresql://h:port/d"),
    ("workers", "many"),
    ("workers", "-1"),
    ("processes", "0"),
    ("processes", "-2"),
    ("processes", "65"),
    ("processes", "two"),
    ("public_url", "api.example.com"),
    ("public_url", "ftp://api.example.com"),
    ("public_url", "https://api.example.com/?a=b"),
    ("public_url", "https://api.example.com/#a"),
    ("public_url", "https://api.example.com?"),
    ("public_url", "https://me:secret@api.example.com"),
    ("public_url", "https://api.example.com/a\nb"),
    ("public_url", "https://h:99999"),
    ("trusted_proxies", "10.0.0.1/8"),
    ("trusted_proxies", "proxy.internal"),
    ("strict", "maybe"),
    ("rate_limit", "100"),
    ("sink_reports", "later"),
    ("sink_reports", "after:604801"),
    ("sink_reports", "after:-1"),
    ("rate_limit", "0/1"),
    ("rate_limit", "1/0"),
    ("rate_limit", "1.5/1"),
    ("cors_origins", "app.example.com"),
    ("cors_origins", "https://app.example.com/"),
    ("log_format", "xml"),
    ("log_level", "INFO"),
    ("database_connections", "0"),
    ("database_direct", "sqlite:///a.db"),
    ("database_direct", "db.internal"),
    ("account_sid", "AC" + "A" * 32),
    ("auth_token", "two words"),
    ("auth_token", "x" * 257),
]


def load(
    command_line: dict[str, str | None] | None = None,
    environ: dict[str, str] | None = None,
    file: Path = NO_FILE,
) -> Settings:
    return settings.load(command_line or {}, environ or {}, file)


def problems(
    command_line: dict[str, str | None] | None = None,
    environ: dict[str, str] | None = None,
    file: Path = NO_FILE,
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(command_line, environ, file)
    return caught.value.problems


def toml(folder: Path, text: str) -> Path:
    file = folder / "signalbox.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_settings_without_any_source_are_the_defaults() -> None:
    assert load() == Settings()


@pytest.mark.parametrize(("key", "text", "value"), GOOD_TEXTS)
def test_settings_accept_text_from_command_line_and_environment(key: str, text: str, value: object) -> None:
    assert getattr(load({key: text}), key) == value
    assert getattr(load(environ={f"SIGNALBOX_{key.upper()}": text}), key) == value


@pytest.mark.parametrize(("key", "text"), BAD_TEXTS)
def test_settings_refuse_bad_text_naming_its_source(key: str, text: str) -> None:
    variable = f"SIGNALBOX_{key.upper()}"
    flag = "--" + key.replace("_", "-")
    assert problems({key: text})[0].startswith(f"{flag}: must be ")
    assert problems(environ={variable: text})[0].startswith(f"{variable}: must be ")


def test_settings_take_the_command_line_before_environment_before_file(tmp_path: Path) -> None:
    file = toml(tmp_path, 'port = 1\nworkers = 1\nhost = "file"\n')
    environ = {"SIGNALBOX_PORT": "2", "SIGNALBOX_WORKERS": "2"}
    settings = load({"port": "3", "workers": None}, environ, file)
    assert (settings.port, settings.workers, settings.host) == (3, 2, "file")
    assert settings.config == file


def test_settings_of_the_file_have_their_types(tmp_path: Path) -> None:
    file = toml(
        tmp_path,
        'port = 0\nstrict = true\ntrusted_proxies = ["::1"]\ncors_origins = []\nrate_limit = "1/1"\n'
        f'account_sid = "{SID}"\nauth_token = "secret"\n',
    )
    settings = load(file=file)
    assert settings.strict is True
    assert settings.trusted_proxies == (ip_network("::1"),)
    assert (settings.account_sid, settings.auth_token) == (SID, "secret")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('port = "1"', "port: must be an integer, not '1'"),
        ("port = true", "port: must be an integer, not True"),
        ("port = 1.0", "port: must be an integer, not 1.0"),
        ("port = 70000", "port: must be an integer from 0 to 65535, not 70000"),
        ('strict = "true"', "strict: must be true or false, not 'true'"),
        ("strict = 1", "strict: must be true or false, not 1"),
        ("host = 1", "host: must be a string, not 1"),
        ('cors_origins = "*"', "cors_origins: must be an array of strings"),
        ("trusted_proxies = [1]", "trusted_proxies: must be an array of strings"),
        ("prot = 1", "prot: no such setting (did you mean port?)"),
        ("[server]\nport = 1", "server: no such setting"),
        ('"a\\nb" = 1', "'a\\nb': no such setting"),
        ('config = "other.toml"', "config: no such setting"),
        ("port = ", "is not valid TOML: "),
        ("port = 1\nport = 2", "is not valid TOML: "),
        ("port = " + "[" * 100_000, "is nested too deeply"),
    ],
)
def test_settings_of_the_file_are_refused_naming_file_and_key(tmp_path: Path, text: str, problem: str) -> None:
    file = toml(tmp_path, text)
    assert problems(file=file)[0].startswith(f"{file}: {problem}")


def test_settings_report_every_problem_of_every_source(tmp_path: Path) -> None:
    file = toml(tmp_path, "prot = 1\nworkers = -1\n")
    found = problems({"port": "x"}, {"SIGNALBOX_STRICT": "maybe", "SIGNALBOX_ACCOUNT_SID": SID}, file)
    assert [problem.split(": ")[0] for problem in found] == [
        str(file),
        "--port",
        str(file),
        "SIGNALBOX_STRICT",
        "SIGNALBOX_ACCOUNT_SID",
    ]


def test_settings_refuse_a_named_file_that_is_missing(tmp_path: Path) -> None:
    missing = str(tmp_path / "other.toml")
    assert problems({"config": missing}) == [f"{missing}: cannot be read: No such file or directory"]
    assert problems(environ={"SIGNALBOX_CONFIG": missing}) == [f"{missing}: cannot be read: No such file or directory"]


def test_settings_refuse_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "signalbox.toml"
    file.write_bytes(b"host = '\xff'")
    assert problems(file=file) == [f"{file}: is not UTF-8 text"]
    assert problems(file=tmp_path) == [f"{tmp_path}: cannot be read: Is a directory"]


@pytest.mark.parametrize(("key", "other"), [("account_sid", "auth_token"), ("auth_token", "account_sid")])
def test_settings_want_account_sid_and_auth_token_together(key: str, other: str) -> None:
    value = SID if key == "account_sid" else "secret"
    variable, missing = f"SIGNALBOX_{key.upper()}", f"SIGNALBOX_{other.upper()}"
    assert problems(environ={variable: value, missing: ""}) == [f"{variable}: needs {other} as well ({missing})"]


def test_api_key_of_the_clients_is_not_the_first_account() -> None:
    """The clients read the same variables, in the environment of a server too."""
    environ = {"SIGNALBOX_ACCOUNT_SID": "SK" + "0" * 32, "SIGNALBOX_AUTH_TOKEN": "the-secret-of-an-api-key-00000000"}
    loaded = load(environ=environ)
    assert (loaded.account_sid, loaded.auth_token) == (load().account_sid, load().auth_token)


def test_settings_never_show_secrets() -> None:
    """Neither the problems nor the `repr`, which may be in a log line or a traceback, contain a secret."""
    texts = {"database": "mysql://u:hunter2@h", "auth_token": "hunter2 ", "public_url": "https://u:hunter2@h"}
    assert "hunter2" not in "".join(problems(dict(texts)))
    settings = load(
        {"database": "postgresql://u:hunter2@h/d"},
        {"SIGNALBOX_AUTH_TOKEN": "hunter2", "SIGNALBOX_ACCOUNT_SID": SID},
    )
    assert "hunter2" not in repr(settings)


def test_settings_ignore_what_kubernetes_sets_for_a_service() -> None:
    environ = {
        "SIGNALBOX_PORT": "tcp://10.0.0.1:8080",
        "SIGNALBOX_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "SIGNALBOX_SERVICE_HOST": "10.0.0.1",
    }
    assert load(environ=environ).port == 8080
    assert settings.unknown_variables(environ) == []


def test_unknown_variables_are_named_with_the_nearest_setting() -> None:
    environ = {"SIGNALBOX_DATABSE": "x", "SIGNALBOX_HOST": "x", "OTHER": "x"}
    assert settings.unknown_variables(environ) == [
        "SIGNALBOX_DATABSE: no such setting (did you mean SIGNALBOX_DATABASE?); ignored"
    ]


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda setting: setting.key)
def test_docs_name_every_setting_with_its_option_variable_and_default(setting: settings.Setting) -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    option = f"`{setting.flag}`" if setting.option else ""
    cells = [f"`{setting.key}`", option, f"`{setting.variable}`", f"`{setting.default_text}`"]
    rows = [[cell.strip() for cell in line.split("|")[1:5]] for line in page.splitlines() if line.startswith("|")]
    assert cells in rows


def test_docs_example_file_is_accepted(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example
    assert load(file=toml(tmp_path, example[1])).port == 9000


@pytest.mark.parametrize("blank", ["\n", "\r\n", " \t"])
def test_white_space_around_a_variable_is_ignored(blank: str) -> None:
    environ = {"SIGNALBOX_PORT": f"9000{blank}", "SIGNALBOX_STRICT": f"{blank}true", "SIGNALBOX_DATABASE": blank}
    found = settings.load({}, environ, Path("nowhere.toml"))
    assert (found.port, found.strict, found.database) == (9000, True, Settings().database)
