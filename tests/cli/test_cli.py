"""The installed command: its output, and its exit codes."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner
from commands import Shell, Terminal

from processes import create_database
from signalbox import __version__
from signalbox.accounts.accounts import CREDENTIAL_TTL
from signalbox.cli import main
from signalbox.ground import settings

COMMANDS = [
    ["serve"],
    ["worker"],
    ["accounts", "create"],
    ["accounts", "list"],
    ["accounts", "suspend"],
    ["accounts", "resume"],
    ["accounts", "delete"],
    ["accounts", "rotate-token"],
    ["keys", "create"],
    ["keys", "list"],
    ["keys", "revoke"],
]


def signalbox(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in its own folder, with only these settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")}
    return subprocess.run(
        [sys.executable, "-m", "signalbox", *arguments],
        cwd=folder,
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A folder with an empty database where commands look for it."""
    await create_database(f"sqlite:///{tmp_path}/signalbox.db")
    return tmp_path


def result(folder: Path, *arguments: str) -> dict[str, str]:
    done = signalbox(folder, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def rows(folder: Path, *arguments: str) -> list[dict[str, str | None]]:
    done = signalbox(folder, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, str | None]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_explains_each_option_with_its_variable_and_default(command: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    shown = [setting for setting in settings.SETTINGS if f"{setting.flag} " in words]
    assert {"database", "config"} <= {setting.key for setting in shown}
    for setting in shown:
        assert f"{setting.help} [{setting.variable}; default: {setting.default_text}]" in words


def test_serve_has_an_option_for_every_setting_but_secrets() -> None:
    words = CliRunner().invoke(main, ["serve", "--help"]).stdout
    assert {one.key for one in settings.SETTINGS if f"{one.flag} " not in words} == {
        "account_sid",
        "auth_token",
    }


def test_version_is_printed(tmp_path: Path) -> None:
    done = signalbox(tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, f"signalbox {__version__}\n")


def test_help_imports_nothing_heavy() -> None:
    """Help must start fast: it must not wait for the server's modules."""
    code = (
        "import sys, click\n"
        "from signalbox.cli import main\n"
        "main(['serve', '--help'], standalone_mode=False)\n"
        "print(sorted({'asyncio', 'uvicorn', 'msgspec', 'sqlite3'} & set(sys.modules)))"
    )
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=unmeasured)
    assert done.stdout.splitlines()[-1] == "[]"


def test_wrong_settings_are_all_named_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "signalbox.toml").write_text("prot = 1\n")
    done = signalbox(tmp_path, "serve", "--port", "x", SIGNALBOX_WORKERS="-1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "signalbox: signalbox.toml: prot: no such setting (did you mean port?)",
        "signalbox: --port: must be an integer, not 'x'",
        "signalbox: SIGNALBOX_WORKERS: must be an integer from 0 to 1000, not '-1'",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--prot", "1"],
        ["accounts", "create"],
        ["nothing"],
        ["worker", "--database", "sqlite://"],
        ["worker", "--workers", "0"],
        ["accounts", "list", "--database", "sqlite://"],
        ["keys", "create"],
    ],
    ids=" ".join,
)
def test_misuse_exits_2(tmp_path: Path, arguments: list[str]) -> None:
    done = signalbox(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_strict_can_be_switched_off_on_the_command_line() -> None:
    """Both spellings are accepted; the error is about the other option of the line."""
    for option in ("--strict", "--no-strict"):
        result = CliRunner().invoke(main, ["serve", option, "--port", "x"])
        assert result.stderr == "signalbox: --port: must be an integer, not 'x'\n"


def test_unknown_variables_are_a_warning(folder: Path) -> None:
    done = signalbox(folder, "accounts", "list", "--json", SIGNALBOX_DATABSE="x")
    assert (done.returncode, done.stdout) == (0, "[]\n")
    assert "did you mean SIGNALBOX_DATABASE?" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["accounts", "list", "--database", "postgresql://user:hunter2@127.0.0.1:1/signalbox"],
        ["accounts", "suspend", "AC" + "0" * 32],
        ["accounts", "resume", "AC\n\x1b[2J"],
        ["accounts", "delete", "AC" + "0" * 32, "--yes"],
        ["accounts", "rotate-token", "AC" + "0" * 32],
        ["keys", "create", "--account", "AC" + "0" * 32],
        ["keys", "list", "--account", "AC" + "0" * 32],
        ["keys", "revoke", "SK" + "0" * 32],
    ],
    ids=" ".join,
)
def test_failure_is_one_clear_line_and_exit_1(folder: Path, arguments: list[str]) -> None:
    done = signalbox(folder, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("signalbox: ")
    assert done.stderr.rstrip("\n").isprintable()
    assert "hunter2" not in done.stderr


MEND = "  name another with --database URL or SIGNALBOX_DATABASE; the first start of `signalbox serve` creates one\n"


@pytest.mark.parametrize(
    "command", [["accounts", "create", "Ada"], ["accounts", "list"], ["keys", "list"]], ids=" ".join
)
def test_administration_names_the_file_that_is_missing_and_creates_none(tmp_path: Path, command: list[str]) -> None:
    done = signalbox(tmp_path, *command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"signalbox: {tmp_path}/signalbox.db: there is no such database\n{MEND}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tables", ["", "CREATE TABLE of_another_program (x)"], ids=["empty", "another program's"])
def test_administration_leaves_a_file_that_is_no_signalbox_database_as_it_is(tmp_path: Path, tables: str) -> None:
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(tables)
    before = file.read_bytes()
    done = signalbox(tmp_path, "accounts", "list", "--database", "sqlite:///other.db")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"signalbox: {file}: is not a database of Signalbox\n{MEND}"
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


async def test_administration_creates_no_tables_in_postgresql(empty_postgres_url: str, tmp_path: Path) -> None:
    done = signalbox(tmp_path, "accounts", "create", "Ada", "--database", empty_postgres_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Signalbox has no tables in this database" in done.stderr
    assert done.stderr.endswith(MEND)
    connection = await asyncpg.connect(empty_postgres_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    finally:
        await connection.close()


def test_serve_on_a_port_in_use_exits_1_without_a_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = signalbox(tmp_path, "serve", "--port", str(port))
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_accounts_live_from_creation_to_suspension_and_back(folder: Path) -> None:
    new = result(folder, "accounts", "create", "Ada")
    sid = new["accountSid"]
    assert re.fullmatch(r"AC[0-9a-f]{32}", sid)
    assert list(new) == ["accountSid", "authToken"]
    assert result(folder, "accounts", "suspend", sid) == {"accountSid": sid, "status": "SUSPENDED"}
    (row,) = rows(folder, "accounts", "list")
    assert (row["accountSid"], row["name"], row["status"]) == (sid, "Ada", "SUSPENDED")
    assert result(folder, "accounts", "resume", sid) == {"accountSid": sid, "status": "ACTIVE"}
    rotated = result(folder, "accounts", "rotate-token", sid)
    assert rotated["accountSid"] == sid
    assert rotated["authToken"] != new["authToken"]


def test_account_is_deleted_only_when_somebody_says_so(folder: Path) -> None:
    sid = result(folder, "accounts", "create", "Ada")["accountSid"]
    refused = signalbox(folder, "accounts", "delete", sid)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--yes is required" in refused.stderr
    (row,) = rows(folder, "accounts", "list")
    assert row["status"] == "ACTIVE"
    assert result(folder, "accounts", "delete", sid, "--yes") == {"accountSid": sid, "status": "DELETING"}
    (row,) = rows(folder, "accounts", "list")
    assert row["status"] == "DELETING"
    resumed = signalbox(folder, "accounts", "resume", sid)
    assert (resumed.returncode, resumed.stdout) == (1, "")
    assert "is being deleted" in resumed.stderr


def test_deletion_asks_for_the_sid_once_more(folder: Path) -> None:
    shell = Shell(folder)
    sid = result(folder, "accounts", "create", "Ada\x1b[2J")["accountSid"]
    for typed, code, status in (("yes", 1, "ACTIVE"), (sid, 0, "DELETING")):
        with Terminal(shell, "accounts", "delete", sid) as terminal:
            terminal.shows("will be deleted for good")
            terminal.shows(f"type {sid}")
            terminal.types(f"{typed}\n")
            assert terminal.ends() == code
            assert "\x1b[2J" not in terminal.text
        (row,) = rows(folder, "accounts", "list")
        assert row["status"] == status


def test_keys_live_from_creation_to_revocation(folder: Path) -> None:
    account = result(folder, "accounts", "create", "Ada")["accountSid"]
    other = result(folder, "accounts", "create", "Ben")["accountSid"]
    key = result(folder, "keys", "create", "--account", account, "--name", "laptop")
    assert list(key) == ["keySid", "secret"]
    assert result(folder, "keys", "revoke", key["keySid"]) == {"keySid": key["keySid"], "status": "REVOKED"}
    (row,) = rows(folder, "keys", "list", "--account", account)
    assert (row["keySid"], row["accountSid"], row["name"]) == (key["keySid"], account, "laptop")
    assert row["status"] == "REVOKED"
    assert row["revokedAt"]
    assert rows(folder, "keys", "list") == [row]
    assert rows(folder, "keys", "list", "--account", other) == []


@pytest.mark.parametrize("command", ["suspend", "rotate-token"])
def test_taking_credentials_away_returns_only_when_no_process_believes_them(folder: Path, command: str) -> None:
    sid = result(folder, "accounts", "create", "Ada")["accountSid"]
    started = time.monotonic()
    result(folder, "accounts", command, sid)
    assert time.monotonic() - started > CREDENTIAL_TTL


def test_lists_are_aligned_tables_in_which_no_name_can_forge_a_row(folder: Path) -> None:
    result(folder, "accounts", "create", "Ada")
    result(folder, "accounts", "create", "x\nAC0  ACTIVE\x1b[2J")
    done = signalbox(folder, "accounts", "list")
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["name", "accountSid", "status", "createdAt"]
    assert len(lines) == 2
    assert {line.rindex("ACTIVE") for line in lines} == {head.index("status")}
    assert all(line.isprintable() for line in lines)


def test_secrets_are_shown_to_people_too(folder: Path) -> None:
    done = signalbox(folder, "accounts", "create", "Ada")
    assert re.fullmatch(r"accountSid  AC[0-9a-f]{32}\nauthToken   \S{32}\n", done.stdout)
