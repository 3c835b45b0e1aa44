"""`signalbox login`, `logout`, profiles, and the environment variables that win over them."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import click
import pytest
from commands import Shell, Terminal

from processes import COMMAND
from signalbox.cli import profile_files
from signalbox.cli.endings import Ended
from signalbox.cli.profile_files import Login
from signalbox.ground import settings
from signalbox.testing import Account


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell without a profile."""
    return Shell(tmp_path)


def profiles(shell: Shell) -> Path:
    return shell.folder / "config" / "signalbox" / "profiles.json"


def log_in(shell: Shell, account: Account, *more: str) -> None:
    arguments = ["login", "--url", account.url, "--account-sid", account.account_sid, *more]
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
    done = shell("login", "--url", signalbox_server.url, "--account-sid", signalbox_server.account_sid, stdin="wrong\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert "401, code 20003" in done.stderr
    assert "request id: RQ" in done.stderr
    assert not profiles(shell).exists()


def test_login_asks_on_a_terminal_without_showing_the_secret(shell: Shell, signalbox_server: Account) -> None:
    with Terminal(shell, "login") as terminal:
        terminal.shows(r"URL \[")
        terminal.types(f"{signalbox_server.url}\n")
        terminal.shows("Account SID or API key")
        terminal.types(f"{signalbox_server.account_sid}\n")
        terminal.shows("Auth token")
        terminal.types(f"{signalbox_server.auth_token}\n")
        assert terminal.ends() == 0
    assert signalbox_server.auth_token not in terminal.text
    assert signalbox_server.auth_token in profiles(shell).read_text("utf-8")


def test_login_interrupted_at_a_question_stores_nothing_and_exits_130(shell: Shell) -> None:
    with Terminal(shell, "login") as terminal:
        terminal.shows(r"URL \[")
        terminal.types("\x04")
        assert terminal.ends() == 130
    assert not profiles(shell).exists()


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["--account-sid", "AC" + "0" * 32], "", "standard input contains no token"),
        ([], "secret\n", "--account-sid is needed"),
        (["--account-sid", "nobody"], "secret\n", "the SID must be AC or SK"),
        (["--account-sid", "AC" + "0" * 32, "--url", "example.com"], "secret\n", "the URL must be"),
        (["--account-sid", "AC" + "0" * 32, "--profile", "a/b"], "secret\n", "a profile's name must have"),
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
    shell.env |= {"SIGNALBOX_URL": "http://127.0.0.1:1"}
    away = shell("senders", "list")
    assert (away.returncode, away.stdout) == (1, "")
    assert "nothing listens on http://127.0.0.1:1: " in away.stderr


def test_environment_alone_is_enough(tmp_path: Path, signalbox_server: Account) -> None:
    shell = Shell(tmp_path, signalbox_server)
    assert shell.lines("senders", "list") == []
    assert not profiles(shell).exists()


@pytest.mark.parametrize("given", ["ACCOUNT_SID", "AUTH_TOKEN"])
def test_half_a_credential_in_the_environment_names_the_other_half(shell: Shell, given: str) -> None:
    shell.env[f"SIGNALBOX_{given}"] = "SK" + "0" * 32
    done = shell("senders", "list")
    (other,) = {"ACCOUNT_SID", "AUTH_TOKEN"} - {given}
    assert (done.returncode, done.stderr) == (2, f"signalbox: SIGNALBOX_{given} is set, but SIGNALBOX_{other} is not\n")


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


@pytest.mark.parametrize("text", ["{", "[]", "\xff", '{"default": 1}', '{"default": {"account_sid": "AC"}}'])
def test_broken_profiles_are_said_in_one_line(shell: Shell, text: str) -> None:
    profiles(shell).parent.mkdir(parents=True)
    profiles(shell).write_bytes(text.encode("latin-1"))
    profiles(shell).chmod(0o600)
    done = shell("senders", "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert str(profiles(shell)) in done.stderr
    assert "correct it, or remove it and run `signalbox login`" in done.stderr


def test_profiles_that_cannot_be_written_are_said_with_what_to_do_instead(
    shell: Shell, signalbox_server: Account
) -> None:
    (shell.folder / "config").write_text("a file where the folder of the profiles has to be")
    done = shell(
        "login",
        "--url",
        signalbox_server.url,
        "--account-sid",
        signalbox_server.account_sid,
        stdin=f"{signalbox_server.auth_token}\n",
    )
    assert (done.returncode, done.stdout) == (1, "")
    first, mend = done.stderr.splitlines()
    assert first.startswith(f"signalbox: {profiles(shell)}: cannot be ")
    assert "XDG_CONFIG_HOME" in mend
    assert "SIGNALBOX_AUTH_TOKEN" in mend


def test_user_without_a_home_folder_needs_variables_and_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`~` of a user who has no HOME and no entry in passwd stays as it is, and must not become a folder's name."""
    monkeypatch.setattr(click, "get_app_dir", lambda name: f"~/.config/{name}")
    with pytest.raises(Ended, match="set HOME or XDG_CONFIG_HOME"):
        profile_files.store("default", Login("http://127.0.0.1:1", "AC" + "0" * 32, "token"))
    assert profile_files.stored() == {}


def evaluated(shell: Shell, call: str) -> str:
    """The output of a command in a shell that `signalbox env` prepared."""
    script = f'eval "$({COMMAND} env)" && {call}'
    done = subprocess.run(
        ["sh", "-c", script], cwd=shell.folder, env=shell.env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_env_prints_what_a_shell_sets(shell: Shell, signalbox_server: Account) -> None:
    log_in(shell, signalbox_server)
    shell.env |= {"SIGNALBOX_ACCOUNT_SID": "AC" + "0" * 32, "SIGNALBOX_AUTH_TOKEN": "of another time"}
    call = 'curl -sSf -u "$SIGNALBOX_ACCOUNT_SID:$SIGNALBOX_AUTH_TOKEN" "$SIGNALBOX_URL/v1/Senders"'
    assert json.loads(evaluated(shell, call))["senders"] == []


def test_env_quotes_what_a_shell_would_run(shell: Shell) -> None:
    hostile = "$(touch here) 'and' `touch there`"
    profiles(shell).parent.mkdir(parents=True)
    profiles(shell).write_text(json.dumps({"default": {"url": "http://h", "account_sid": "AC", "auth_token": hostile}}))
    profiles(shell).chmod(0o600)
    assert evaluated(shell, 'printf %s "$SIGNALBOX_AUTH_TOKEN"') == hostile


def test_env_without_a_profile_says_how_to_get_one(shell: Shell) -> None:
    done = shell("env")
    assert (done.returncode, done.stdout) == (2, "")
    assert "signalbox login" in done.stderr


def test_login_splits_a_sid_and_token_that_are_pasted_in_one_piece(shell: Shell, signalbox_server: Account) -> None:
    with Terminal(shell, "login", "--url", signalbox_server.url) as terminal:
        terminal.shows("Account SID or API key")
        terminal.types(f"{signalbox_server.account_sid}:{signalbox_server.auth_token}\n")
        assert terminal.ends() == 0
    assert signalbox_server.auth_token in profiles(shell).read_text("utf-8")


def test_variables_of_the_clients_are_no_unknown_settings() -> None:
    names = ["URL", "ACCOUNT_SID", "AUTH_TOKEN", "PROFILE"]
    assert settings.unknown_variables({f"SIGNALBOX_{name}": "x" for name in names}) == []
    assert len(settings.unknown_variables({"SIGNALBOX_URI": "x"})) == 1


def test_server_ignores_an_api_key_that_a_shell_has_for_its_clients() -> None:
    environ = {"SIGNALBOX_ACCOUNT_SID": "SK" + "0" * 32, "SIGNALBOX_AUTH_TOKEN": "of the key"}
    found = settings.load({}, environ, Path("no such file"))
    assert (found.account_sid, found.auth_token) == (None, None)
