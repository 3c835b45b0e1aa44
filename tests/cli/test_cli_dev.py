"""`signalbox dev`: its folder, its profile, its sign-in links, and what it refuses."""

from __future__ import annotations

import json
import re
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import Shell, Terminal

from processes import COMMAND, READY, Process

LINK = r"(http://127\.0\.0\.1:\d+)/console#sign-in=(\w{32})"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


class Dev(Process):
    """`signalbox dev` on a free port, with its output in pipes."""

    def __init__(self, shell: Shell, *options: str) -> None:
        super().__init__([COMMAND, "dev", "--port", "0", *options], env=shell.env, cwd=shell.folder)
        self.url = self.printed(READY)[1]
        self.printed('"event":"commands"')

    @property
    def events(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.stdout.splitlines()]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def overview(server: Dev, shell: Shell) -> dict[str, Any]:
    profile = json.loads((shell.folder / ".signalbox" / "profiles.json").read_text("utf-8"))["dev"]
    auth = (profile["account_sid"], profile["auth_token"])
    found: dict[str, Any] = httpx.get(f"{server.url}/signalbox/v1/Overview", auth=auth).json()
    return found


def test_dev_prints_json_and_no_secret_without_a_terminal(shell: Shell, stack: ExitStack) -> None:
    server = stack.enter_context(Dev(shell, "--empty"))
    started, commands = server.events
    assert started == {
        "event": "started",
        "api": f"{server.url}/v1",
        "console": f"{server.url}/console",
        "docs": f"{server.url}/docs",
        "database": str(shell.folder / ".signalbox" / "dev.db"),
        "stop": "SIGTERM",
    }
    assert commands == {
        "event": "commands",
        "try": "signalbox pools list",
        "shell": 'eval "$(signalbox env)"',
    }
    assert server.stop() == 0
    assert "sign-in=" not in server.stdout + server.stderr


def test_dev_keeps_its_data_and_its_secrets_in_a_folder_that_git_ignores(shell: Shell, stack: ExitStack) -> None:
    server = stack.enter_context(Dev(shell, "--empty"))
    folder = shell.folder / ".signalbox"
    assert {path.name for path in shell.folder.iterdir()} == {".signalbox"}
    assert (folder / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("profiles.json", "dev.db"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert server.stop() == 0


def test_dev_has_demo_data_in_several_channels_and_states(shell: Shell, stack: ExitStack) -> None:
    stack.enter_context(Dev(shell))
    senders = shell.lines("senders", "list", "--limit", "1000")
    assert {one["channel"] for one in senders} == {"SMS", "WHATSAPP", "RCS", "EMAIL", "PUSH"}
    assert {one["status"] for one in senders} == {"ACTIVATED", "DEACTIVATED"}
    assert len({one["tags"].get("country") for one in senders}) > 5
    assert len(shell.lines("pools", "list")) > 8
    operations = shell.lines("operations", "list")
    assert {one["status"] for one in operations} >= {"COMPLETED", "CANCELED"}
    assert any(one["stats"]["failed"] for one in operations)
    assert len({one["createdAt"][:10] for one in operations}) > 8
    (shell.folder / "below").mkdir()
    below = Shell(shell.folder / "below")
    below.env |= {"XDG_CONFIG_HOME": shell.env["XDG_CONFIG_HOME"], "HOME": shell.env["HOME"]}
    assert below.lines("pools", "list") == shell.lines("pools", "list")


def test_restart_keeps_data_and_token_and_adds_no_demo_data(shell: Shell, stack: ExitStack) -> None:
    first = stack.enter_context(Dev(shell, "--empty"))
    profile = json.loads((shell.folder / ".signalbox" / "profiles.json").read_text("utf-8"))["dev"]
    assert shell.lines("pools", "list") == []
    shell("pools", "create", "kept")
    assert first.stop() == 0
    stack.enter_context(Dev(shell))
    again = json.loads((shell.folder / ".signalbox" / "profiles.json").read_text("utf-8"))["dev"]
    assert {**again, "url": ""} == {**profile, "url": ""}
    assert [one["name"] for one in shell.lines("pools", "list")] == ["kept"]


def test_memory_leaves_no_database(shell: Shell, stack: ExitStack) -> None:
    server = stack.enter_context(Dev(shell, "--memory"))
    assert overview(server, shell)["senders"]
    assert server.stop() == 0
    assert not (shell.folder / ".signalbox" / "dev.db").exists()


def test_lost_profile_is_made_again_for_the_same_data(shell: Shell, stack: ExitStack) -> None:
    first = stack.enter_context(Dev(shell, "--empty"))
    shell("pools", "create", "kept")
    assert first.stop() == 0
    (shell.folder / ".signalbox" / "profiles.json").unlink()
    stack.enter_context(Dev(shell))
    assert [one["name"] for one in shell.lines("pools", "list")] == ["kept"]


def test_profile_dev_never_replaces_the_default(shell: Shell, stack: ExitStack) -> None:
    other = stack.enter_context(Dev(shell, "--empty"))
    env = shell("env").stdout
    sid, token = re.findall(r"(?:SID|TOKEN)=(\S+)", env)
    stored = shell("login", "--url", other.url, "--account-sid", sid, stdin=f"{token}\n")
    assert stored.returncode == 0, stored.stderr
    before = (shell.folder / "config" / "signalbox" / "profiles.json").read_bytes()
    assert other.stop() == 0
    server = stack.enter_context(Dev(shell, "--empty"))
    assert server.events[-1]["try"] == "signalbox pools list --profile dev"
    assert (shell.folder / "config" / "signalbox" / "profiles.json").read_bytes() == before
    assert f"nothing listens on {other.url}" in shell("pools", "list").stderr
    assert shell("pools", "list", "--profile", "dev").returncode == 0
    (shell.folder / "config" / "signalbox" / "profiles.json").write_bytes(before.replace(b'"default"', b'"dev"'))
    assert shell("pools", "list", "--profile", "dev").returncode == 0


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "localhost@x"]
)
def test_foreign_host_is_refused_on_every_path(shell: Shell, stack: ExitStack, host: str) -> None:
    server = stack.enter_context(Dev(shell, "--empty"))
    for method, path in (("GET", "/console"), ("GET", "/v1/Senders"), ("POST", "/console/sign-in"), ("GET", "/")):
        response = httpx.request(method, server.url + path, headers={"Host": host})
        assert response.status_code == 400
        assert "Host must be localhost or 127.0.0.1" in response.text
    port = server.url.rpartition(":")[2]
    assert httpx.get(f"{server.url}/console", headers={"Host": f"LOCALHOST:{port}"}).status_code == 200


def test_second_dev_in_the_folder_names_the_first(shell: Shell, stack: ExitStack) -> None:
    server = stack.enter_context(Dev(shell, "--empty"))
    second = shell("dev", "--port", "0")
    assert (second.returncode, second.stdout) == (1, "")
    first, mend = second.stderr.splitlines()
    assert first == f"signalbox: `signalbox dev` runs already in this folder: {server.url} (process {server.pid})"
    assert "Ctrl-C" in mend
    assert shell.lines("pools", "list") == []
    assert server.stop() == 0
    assert stack.enter_context(Dev(shell)).stop() == 0


def test_port_of_another_program_is_named_with_the_next_free_one(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = shell("dev", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use by another program (process" in done.stderr
    offered = re.search(r"port (\d+) is free: --port (\d+)$", done.stderr.strip())
    assert offered
    assert offered[1] == offered[2]
    assert int(offered[1]) > port


def test_folder_that_cannot_be_written_is_said(shell: Shell) -> None:
    (shell.folder / ".signalbox").write_text("a file")
    done = shell("dev", "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{shell.folder}/.signalbox: cannot be written" in done.stderr


def test_project_profile_for_another_machine_is_ignored(shell: Shell) -> None:
    """A cloned repository must not send the commands of its user to a server of its author."""
    (shell.folder / ".signalbox").mkdir()
    profile = {"url": "http://evil.example", "account_sid": "AC" + "0" * 32, "auth_token": "x"}
    (shell.folder / ".signalbox" / "profiles.json").write_text(json.dumps({"dev": profile}))
    (shell.folder / ".signalbox" / "profiles.json").chmod(0o600)
    done = shell("senders", "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not on this machine; ignored" in done.stderr
    assert "no credentials" in done.stderr


def test_terminal_shows_five_lines_and_a_link_that_signs_in_once(shell: Shell) -> None:
    with Terminal(shell, "dev", "--port", "0", "--empty", "--no-open") as terminal:
        terminal.shows(LINK)
        labels = re.findall(r"(?m)^  (\w[\w ]*?) {2,}\S", terminal.text)
        assert labels[:5] == ["API", "Console", "Docs", "Database", "Stop"]
        url, secret = re.findall(LINK, terminal.text)[0]
        with httpx.Client(base_url=url) as client:
            foreign = client.post("/console/sign-in", json={"link": secret}, headers={"Origin": "http://evil.example"})
            assert foreign.status_code == 403
            used = client.post("/console/sign-in", json={"link": secret}, headers={"Origin": url})
            assert used.status_code == 200
            assert used.headers["cache-control"] == "no-store"
            credentials = used.json()
            assert client.get("/v1/Senders", auth=tuple(credentials.values())).status_code == 200
            again = client.post("/console/sign-in", json={"link": secret})
            assert again.status_code == 403
            assert "was used already" in again.json()["message"]
            assert "Press Enter" in again.json()["message"]
            unknown = client.post("/console/sign-in", json={"link": "x" * 32})
            assert unknown.status_code == 403
            terminal.types("\n")
            terminal.shows(f"(?s){LINK}.*{LINK}")
            _, newer = re.findall(LINK, terminal.text)[1]
            assert client.post("/console/sign-in", json={"link": newer}).status_code == 200
        terminal.signal(signal.SIGINT)
        assert terminal.ends() == 0


def test_browser_gets_a_file_that_only_its_user_reads_and_no_secret_on_its_command_line(shell: Shell) -> None:
    """Every user of a machine can read the command lines of its processes."""
    opener = shell.folder / "opener"
    opener.write_text(f'#!/bin/sh\necho "$@" > {shell.folder}/opened\n')
    opener.chmod(0o755)
    shell.env["BROWSER"] = str(opener)
    with Terminal(shell, "dev", "--port", "0", "--empty") as terminal:
        terminal.shows(r'"event":"ready"|ready')
        page = shell.folder / ".signalbox" / "open.html"
        opened = shell.folder / "opened"
        while not (opened.exists() and opened.read_text().endswith("\n")):
            terminal.waits(0.05)
        assert opened.read_text().strip() == page.as_uri()
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        link = re.search(LINK, page.read_text())
        assert link
        assert httpx.post(f"{link[1]}/console/sign-in", json={"link": link[2]}).status_code == 200
        terminal.signal(signal.SIGINT)
        assert terminal.ends() == 0
    assert not page.exists()


def test_browser_that_cannot_be_opened_is_said_and_ctrl_d_ends_nothing(shell: Shell) -> None:
    shell.env["BROWSER"] = str(shell.folder / "nothing")
    with Terminal(shell, "dev", "--port", "0", "--empty") as terminal:
        terminal.shows("no browser could be opened: open the sign-in link above")
        terminal.types("\x04")
        url = re.findall(LINK, terminal.text)[0][0]
        terminal.waits(0.1)
        assert httpx.get(f"{url}/healthz").status_code == 200
        terminal.signal(signal.SIGINT)
        assert terminal.ends() == 0


def test_serve_on_a_terminal_shows_five_lines_at_every_start_and_the_secret_only_at_the_first(shell: Shell) -> None:
    for first in (True, False):
        with Terminal(shell, "serve", "--port", "0") as terminal:
            terminal.shows("ready")
            labels = re.findall(r"(?m)^  (\w[\w ]*?) {2,}\S", terminal.text)
            shown = ["API", "Console", "Docs", "Database", "Stop"]
            assert labels == (["Account SID", "Auth token", *shown] if first else shown)
            assert bool(re.search("curl -u AC", terminal.text)) == first
            terminal.signal(signal.SIGINT)
            assert terminal.ends() == 0
