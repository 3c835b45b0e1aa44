"""Options before the subcommand, help with examples, and what is said when there is no server."""

from __future__ import annotations

import re
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from commands import Shell

from signalbox import __version__
from signalbox.cli import main
from signalbox.testing import Account

SHELL_WORDS = {"|", "<", ">"}


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command and group."""
    yield path
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))


def context_of(words: list[str]) -> click.Context:
    """Parses a command line as the program does, without running a command."""
    context = main.make_context("signalbox", list(words))
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, rest, parent=context)
    return context


def examples(help_text: str) -> list[str]:
    return [line.strip() for line in help_text.partition("Examples:\n")[2].splitlines()]


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
def test_help_of_each_command_has_three_examples_that_parse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("senders.csv", "senders.ndjson", "pools.yaml"):
        (tmp_path / name).touch()
    context = click.Context(main, info_name="signalbox")
    for word in path:
        assert isinstance(context.command, click.Group)
        context = click.Context(context.command.commands[word], info_name=word, parent=context)
    found = examples(context.get_help())
    assert len(set(found)) == 3
    own = 0
    for line in found:
        words = shlex.split(line.removeprefix('eval "$(').removesuffix(')"'))
        for start in [number for number, word in enumerate(words) if word == "signalbox"]:
            end = next((n for n in range(start, len(words)) if words[n] in SHELL_WORDS), len(words))
            if words[start + 1 : end] == ["--version"]:
                continue
            with context_of(words[start + 1 : end]) as parsed:
                own += parsed.command_path.split()[1 : len(path) + 1] == list(path)
    assert own >= 2 or not path or context.command.name in {"version", "completion"}


def test_json_profile_and_url_stand_before_and_after_the_subcommand(tmp_path: Path, signalbox_server: Account) -> None:
    shell = Shell(tmp_path, signalbox_server, SIGNALBOX_URL="http://127.0.0.1:1")
    shell.json("--url", signalbox_server.url, "pools", "create", "support")
    url = signalbox_server.url
    expected = shell("pools", "list", "--url", url, "--json")
    assert (expected.returncode, expected.stderr) == (0, "")
    for arguments in (
        ["--json", "--url", url, "pools", "list"],
        ["pools", "--json", "--url", url, "list"],
        ["--json", "pools", "list", "--url", url],
        ["--url", "http://127.0.0.1:2", "pools", "list", "--url", url, "--json"],
    ):
        done = shell(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, expected.stdout, "")
    for arguments in (["--profile", "nobody", "pools", "list"], ["pools", "list", "--profile", "nobody"]):
        done = shell(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "there is no profile nobody" in done.stderr
    assert shell("--url", "nonsense", "pools", "list").returncode == 2


def test_option_before_a_command_that_has_no_use_for_it_is_refused(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    for arguments in (["--url", "http://127.0.0.1:1", "accounts", "list"], ["--json", "completion", "bash"]):
        done = shell(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.search(f"No such option.*{arguments[0]}", done.stderr)


def test_version_and_help_are_commands_too(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert shell("version").stdout == shell("--version").stdout == f"signalbox {__version__}\n"
    for words in ([], ["pools"], ["pools", "show"]):
        done = shell("help", *words)
        assert (done.returncode, done.stdout) == (0, shell(*words, "--help").stdout)
    done = shell("help", "pools", "nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert "signalbox pools has no command 'nothing'" in done.stderr


def test_missing_server_is_said_with_its_url_and_what_mends_it(tmp_path: Path, signalbox_server: Account) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    shell = Shell(tmp_path, signalbox_server)
    for host in ("127.0.0.1", "localhost"):
        done = shell("pools", "list", "--url", f"http://{host}:{port}")
        assert (done.returncode, done.stdout) == (1, "")
        first, second = done.stderr.splitlines()
        assert first == f"signalbox: nothing listens on http://{host}:{port}: start it with `signalbox dev`"
        assert "--url" in second


def test_unknown_host_and_a_server_without_tls_are_told_apart(tmp_path: Path, signalbox_server: Account) -> None:
    shell = Shell(tmp_path, signalbox_server)
    done = shell("pools", "list", "--url", "http://nowhere.invalid:8080")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("signalbox: http://nowhere.invalid:8080: there is no host nowhere.invalid\n")
    plain = signalbox_server.url
    done = shell("pools", "list", "--url", plain.replace("http:", "https:"))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"a server without TLS has the URL {plain}; " in done.stderr
