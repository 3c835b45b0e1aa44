"""Completion of names and ids, in real shells: bash always, zsh and fish where they are installed."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import Shell

from installed import need_shell
from processes import PATIENCE
from signalbox.testing import Account

# Each is completed from its first letter. Shells must quote all but the first.
NAMES = ("Support", "North America", "$(touch ran)", "a,b", "c;d'e", "t:u", 'x"y', "東京 1", "--json", "*z")
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "--interactive"],
}
# The completions run the installed command; what is typed runs a function, which shows its arguments.
READY = {
    "bash": "PS1='ready> '; eval \"$(signalbox completion bash)\"; signalbox() { printf '<%s>' \"$@\"; echo; }\n",
    "zsh": "PS1='ready> '; autoload -U compinit; compinit -D -u; eval \"$(signalbox completion zsh)\"; "
    "signalbox() { printf '<%s>' \"$@\"; echo }\n",
    "fish": "function fish_prompt; echo 'ready> '; end; signalbox completion fish | source; "
    "function signalbox; printf '<%s>' $argv; echo; end\n",
}
# fish needs a controlling terminal.
CONTROLLING = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
PACKAGES = {"zsh": "zsh", "fish": "fish"}


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account, and the installed command in its PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return Shell(tmp_path, signalbox_server, PATH=path)


def offered(shell: Shell, *words: str, env: dict[str, str] | None = None) -> list[str]:
    """What bash is offered for the last of the words."""
    more = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1), "_SIGNALBOX_COMPLETE": "bash_complete"}
    done = subprocess.run(
        ["signalbox"], env={**shell.env, **more, **(env or {})}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [line.removeprefix("plain,") for line in done.stdout.splitlines() if line]


class Typing:
    """An interactive shell on a terminal."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.text = ""

    def types(self, text: str) -> None:
        """Sends input."""
        os.write(self._master, text.encode())

    def shows(self, pattern: str) -> re.Match[str]:
        """Waits until what was shown since the last match has the pattern."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < end, f"did not show {pattern!r}: {self.text!r}"
            if select.select([self._master], [], [], 1)[0]:
                self.text += os.read(self._master, 65536).decode("utf-8", "replace")
        self.text = self.text[found.end() :]
        return found


@contextmanager
def interactive(name: str, shell: Shell) -> Iterator[Typing]:
    need_shell(name, PACKAGES.get(name, name))
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLING, *START[name]],
        cwd=shell.folder,
        env=shell.env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    typing = Typing(master)
    try:
        typing.types(READY[name])
        typing.shows("ready> ")
        yield typing
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_shell_completes_and_quotes_names_of_pools(name: str, shell: Shell, signalbox_server: Account) -> None:
    """A name of characters with a meaning in a shell is inserted as a word, and runs nothing."""
    for pool in NAMES:
        signalbox_server._call("POST", "/v1/SenderPools", {"name": pool})
    with interactive(name, shell) as typing:
        for start, pool in (
            ("Sup", "Support"),
            ("nor", "North America"),
            ("a", "a,b"),
            ("c", "c;d'e"),
            ("東", "東京 1"),
        ):
            typing.types(f"signalbox pools show {start}\t\n")
            assert typing.shows(r"<pools><show><([^\r\n]*)>")[1] == pool
        typing.types("signalbox pools show \\$\t\n")
        assert typing.shows(r"<pools><show><([^\r\n]*)>")[1] == "$(touch ran)"
    assert not (shell.folder / "ran").exists()


def test_bash_completes_within_quotes_only_what_is_safe_there(shell: Shell, signalbox_server: Account) -> None:
    for pool in ("North America", "X $(touch ran)", "Y 'z'"):
        signalbox_server._call("POST", "/v1/SenderPools", {"name": pool})
    with interactive("bash", shell) as typing:
        for typed, word in (('"Nor\t', "North America"), ("'Nor\t", "North America"), ("'X\t", "X $(touch ran)")):
            typing.types(f"signalbox pools show {typed}\n")
            assert typing.shows(r"<pools><show><([^\r\n]*)>")[1] == word
        for typed, word in (('"X\t"', "X"), ("'Y\t'", "Y")):
            typing.types(f"signalbox pools show {typed}\n")
            assert typing.shows(r"<pools><show><([^\r\n]*)>")[1] == word
    assert not (shell.folder / "ran").exists()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_shell_completes_senders_by_name_address_and_id(name: str, shell: Shell, signalbox_server: Account) -> None:
    (sender,) = signalbox_server.enter_senders(
        [{"channel": "SMS", "address": "+12025550100", "displayName": "Front desk"}]
    )
    with interactive(name, shell) as typing:
        for start, word in (("Fr", "Front desk"), ("+120", "+12025550100"), (sender[:20], sender)):
            typing.types(f"signalbox senders show {start}\t\n")
            assert typing.shows(r"<senders><show><([^\r\n]*)>")[1] == word


def test_name_that_a_command_would_misread_is_offered_as_its_id(shell: Shell, signalbox_server: Account) -> None:
    for pool in ("twice", "twice", "--json", "a\nb", "comms_senderpool_x", "once"):
        signalbox_server._call("POST", "/v1/SenderPools", {"name": pool})
    found = offered(shell, "signalbox", "pools", "show", "")
    assert "once" in found
    assert len([one for one in found if re.fullmatch(r"comms_senderpool_[0-9a-z]{26}", one)]) == 5
    assert len(found) == 6
    assert offered(shell, "signalbox", "pools", "show", "comms_senderpool_7") == []
    assert sorted(offered(shell, "signalbox", "pools", "show", "comms_senderpool_0")) == sorted(
        one["id"] for one in shell.lines("pools", "list")
    )


def test_completion_uses_the_server_and_profile_of_the_line(shell: Shell, signalbox_server: Account) -> None:
    signalbox_server._call("POST", "/v1/SenderPools", {"name": "support"})
    nowhere = {"SIGNALBOX_URL": "http://127.0.0.1:1"}
    url = signalbox_server.url
    assert offered(shell, "signalbox", "--url", url, "pools", "show", "s", env=nowhere) == ["support"]
    assert offered(shell, "signalbox", "pools", "show", "--url", url, "s", env=nowhere) == ["support"]
    assert offered(shell, "signalbox", "operations", "list", "--pool", "s") == ["support"]


def test_completion_is_silent_without_a_server_or_credentials(shell: Shell) -> None:
    for env in (
        {"SIGNALBOX_URL": "http://127.0.0.1:1"},
        {"SIGNALBOX_AUTH_TOKEN": ""},
        {"SIGNALBOX_AUTH_TOKEN": "x"},
    ):
        assert offered(shell, "signalbox", "pools", "show", "s", env=env) == []
