"""`signalbox login`, `logout`, profiles, and the environment variables that win over them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from commands import Shell, Terminal

from signalbox.ground import settings
from signalbox.testing import Account


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell without a profile."""
    return Shell(tmp_path)


def profiles(shell: Shell) -> Path:
    return shell.folder / "config" / "signalbox" / "profiles.json"


def log_in(shell: Shell, account: Account, *more: str) -> None:
    arguments = ["login", "--base-url", account.base_url, "--sid", account.account_id, *more]
    done = shell(*arguments, stdin=f"{account.auth_token}\n")
    assert done.returncode == 0, done.stderr
    assert account.auth_token not in done.stdout + done.stderr


def test_login_stores_a_profile_that_only_its_owner_reads(shell: Shell, signalbox_server: Account) -> None:
    log_in(shell, signalbox_server)
    assert stat.S_IMODE(profiles(shell).stat().st_mode) == 0o600
    assert stat.S_IMODE(profiles(shell).parent.stat().st_mode) == 0o700
    assert [one.name for one in profiles(shell).parent.iterdir()] == ["profiles.json"]
    signalbox_server.enter_senders(2)
    assert len(shell.lines("senders", "list")) == 2


def test_login_stores_nothing_that_the_server_refuses(shell: Shell, signalbox_server: Account) -> None:
    done = shell(
        "login", "--base-url", signalbox_server.base_url, "--sid", signalbox_server.account_id, stdin="wrong\n"
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "401, code 20003" in done.stderr
    assert "request id: RQ" in done.stderr
    assert not profiles(shell).exists()


def test_login_asks_on_a_terminal_without_showing_the_secret(shell: Shell, signalbox_server: Account) -> None:
    with Terminal(shell, "login") as terminal:
        terminal.shows("Base URL")
        terminal.types(f"{signalbox_server.base_url}\n")
        terminal.shows("Account SID or API key")
        terminal.types(f"{signalbox_server.account_id}\n")
        terminal.shows("Auth token")
        terminal.types(f"{signalbox_server.auth_token}\n")
        assert terminal.ends() == 0
    assert signalbox_server.auth_token not in terminal.text
    assert signalbox_server.auth_token in profiles(shell).read_text("utf-8")


def test_login_interrupted_at_a_question_stores_nothing_and_exits_130(shell: Shell) -> None:
    with Terminal(shell, "login") as terminal:
        terminal.shows("Base URL")
        terminal.types("\x04")
        assert terminal.ends() == 130
    assert not profiles(shell).exists()


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["--sid", "AC" + "0" * 32], "", "standard input contains no secret"),
        ([], "secret\n", "--sid is needed"),
        (["--sid", "nobody"], "secret\n", "the SID must be AC or SK"),
        (["--sid", "AC" + "0" * 32, "--base-url", "example.com"], "secret\n", "the base URL must be"),
        (["--sid", "AC" + "0" * 32, "--profile", "a/b"], "secret\n", "a profile's name must have"),
    ],
    ids=["no secret", "no sid", "no SID", "no URL", "no name"],
)
def test_login_with_what_cannot_be_is_misuse(shell: Shell, arguments: list[str], stdin: str, said: str) -> None:
    done = shell("login", *arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_profiles_are_kept_apart_and_logout_removes_one(
    shell: Shell, signalbox_server: Account, signalbox_process: object
) -> None:
    log_in(shell, signalbox_server)
    log_in(shell, signalbox_server, "--profile", "second")
    assert sorted(json.loads(profiles(shell).read_text("utf-8"))) == ["default", "second"]
    assert shell("logout").returncode == 0
    assert sorted(json.loads(profiles(shell).read_text("utf-8"))) == ["second"]
    assert stat.S_IMODE(profiles(shell).stat().st_mode) == 0o600
    gone = shell("senders", "list")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "signalbox login" in gone.stderr
    assert shell.lines("senders", "list", "--profile", "second") == []
    shell.env["SIGNALBOX_PROFILE"] = "second"
    assert shell.lines("senders", "list") == []
    again = shell("logout", "--profile", "default")
    assert (again.returncode, again.stderr) == (1, "signalbox: there is no profile default\n")


def test_environment_wins_over_a_stored_profile_and_the_option_over_both(
    shell: Shell, signalbox_server: Account
) -> None:
    log_in(shell, signalbox_server)
    shell.env |= {"SIGNALBOX_ACCOUNT_SID": "AC" + "0" * 32, "SIGNALBOX_AUTH_TOKEN": "other"}
    assert "401" in shell("senders", "list").stderr
    assert shell.lines("senders", "list", "--profile", "default") == []
    shell.env |= {"SIGNALBOX_BASE_URL": "http://127.0.0.1:1"}
    away = shell("senders", "list")
    assert (away.returncode, away.stdout) == (1, "")
    assert "nothing listens on http://127.0.0.1:1: " in away.stderr


def test_environment_alone_is_enough(tmp_path: Path, signalbox_server: Account) -> None:
    shell = Shell(tmp_path, signalbox_server)
    assert shell.lines("senders", "list") == []
    assert not profiles(shell).exists()


def test_half_a_credential_in_the_environment_names_the_other_half(shell: Shell) -> None:
    shell.env["SIGNALBOX_API_KEY"] = "SK" + "0" * 32
    done = shell("senders", "list")
    assert (done.returncode, done.stderr) == (
        2,
        "signalbox: SIGNALBOX_API_KEY is set, but SIGNALBOX_API_SECRET is not\n",
    )


def test_unknown_profile_is_misuse(shell: Shell, signalbox_server: Account) -> None:
    log_in(shell, signalbox_server)
    done = shell("senders", "list", "--profile", "nobody")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no profile nobody" in done.stderr


def test_profiles_that_others_may_read_are_a_warning(shell: Shell, signalbox_server: Account) -> None:
    log_in(shell, signalbox_server)
    profiles(shell).chmod(0o644)
    done = shell("senders", "list")
    assert done.returncode == 0
    assert "other users can read it" in done.stderr


@pytest.mark.parametrize("text", ["{", "[]", '{"default": 1}', '{"default": {"sid": "AC"}}'])
def test_broken_profiles_are_said_in_one_line(shell: Shell, text: str) -> None:
    profiles(shell).parent.mkdir(parents=True)
    profiles(shell).write_text(text)
    profiles(shell).chmod(0o600)
    done = shell("senders", "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_variables_of_the_clients_are_no_unknown_settings() -> None:
    names = ["BASE_URL", "ACCOUNT_SID", "AUTH_TOKEN", "API_KEY", "API_SECRET", "PROFILE"]
    assert settings.unknown_variables({f"SIGNALBOX_{name}": "x" for name in names}) == []
    assert len(settings.unknown_variables({"SIGNALBOX_BASE_URI": "x"})) == 1
