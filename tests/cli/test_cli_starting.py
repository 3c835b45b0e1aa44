"""The time that a command takes to start, shell completion, and Ctrl-C during a request."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Shell

from processes import COMMAND, PATIENCE, create_database
from signalbox.cli.endings import finishing

LATE = "{'rich', 'httpx', 'yaml', 'msgspec', 'asyncio', 'signalbox_client', 'uvicorn', 'concurrent'}"


@pytest.mark.parametrize("arguments", [["--version"], ["serve", "--help"], ["pools", "apply", "--help"]], ids=" ".join)
def test_command_imports_libraries_only_when_it_uses_them(arguments: list[str]) -> None:
    code = f"import sys; from signalbox.cli import main; main({arguments}, standalone_mode=False); "
    code += f"print(sorted({LATE} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_server_imports_nothing_of_the_commands_that_call_one() -> None:
    """`serve` ends because of wrong settings; by then it has imported everything except the server."""
    code = (
        "import sys; from signalbox.cli import main; from signalbox import app; import signalbox.api.routes; "
        "print(sorted({'rich', 'httpx', 'yaml', 'signalbox_client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(tmp_path: Path, shell_name: str) -> None:
    done = Shell(tmp_path)("completion", shell_name)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_SIGNALBOX_COMPLETE={shell_name}_complete" in done.stdout


def test_completion_of_bash_completes_commands_options_and_profiles(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    folder = tmp_path / "config" / "signalbox"
    folder.mkdir(parents=True)
    (folder / "profiles.json").write_text(
        '{"production": {"url": "http://127.0.0.1:1", "account_sid": "AC", "auth_token": "x"}}'
    )
    (folder / "profiles.json").chmod(0o600)
    script = """
eval "$(signalbox completion bash)"
complete -p signalbox
for words in 'signalbox pools cre' 'signalbox operations list --sta' 'signalbox operations list --status P' \\
             'signalbox pools list --profile pro'; do
  COMPREPLY=()
  COMP_WORDS=($words)
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _signalbox_completion signalbox
  echo "${COMPREPLY[@]}"
done
"""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", script], env={**shell.env, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == ["create", "--status", "PROCESSING", "production"]


def press_ctrl_c(times: int, done: list[str]) -> None:
    """Sends SIGINT during a request."""
    with finishing():
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
        done.append("the request")


def test_interrupt_waits_for_the_request_in_hand() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c(1, done)
    assert done == ["the request"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_second_interrupt_does_not_wait() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c(2, done)
    assert done == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_argument_that_is_no_text_in_the_locale_is_told_with_the_cure(tmp_path: Path) -> None:
    asyncio.run(create_database(f"sqlite:///{tmp_path}/signalbox.db"))
    strange = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [COMMAND, "accounts", "create", "日本"],
        cwd=tmp_path,
        env={**Shell(tmp_path).env, **strange},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    cure = "signalbox: an argument is not text in this locale: set LC_ALL=C.UTF-8\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", cure)
