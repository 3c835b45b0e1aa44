"""docs/tutorial-ten-thousand-senders.md, run as written: in a fresh clone, by bash, with one terminal per program.

The test changes two things. The clone gets a prepared `.venv` that runs the clone's code, since building a `.venv`
takes longer than the rest of the test. And free ports replace the ports 8080 and 8081.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from clones import ROOT, furnish, make_repository
from ports import free_port, on_free_ports
from processes import READY, Process, environment

PAGE = ROOT / "docs" / "tutorial-ten-thousand-senders.md"
_BLOCK = re.compile(r"<!-- (scene|shows): (\w+) -->\n```(?:bash|text)\n(.*?)```\n", re.DOTALL)
_LOGIN = r"curl -u (AC[0-9a-f]{32}:\S+) "
_END = "signalbox-end-of-block"


def _blocks(kind: str) -> dict[str, str]:
    return {match[2]: match[3] for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")) if match[1] == kind}


SCENE, SHOWN = _blocks("scene"), _blocks("shows")


class Scene:
    """A fresh clone, and terminals in its folder."""

    def __init__(self, folder: Path, repository: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.clone = folder / "signalbox"
        self._stack = stack
        self._env = environment({"REPOSITORY": str(repository)})
        self._ports = {8080: free_port(), 8081: free_port()}
        self._env["SIGNALBOX_PORT"] = str(self._ports[8080])

    def use(self, **variables: str) -> None:
        """Sets environment variables for terminals that are opened later."""
        self._env |= variables

    def text(self, block: str) -> str:
        """A block of the page, with free ports in place of the page's ports."""
        return on_free_ports(SCENE[block], self._ports)

    def program(self, block: str) -> Process:
        """Runs a block that starts a program which keeps running; returns its terminal."""
        command = ["bash", "-e", "-c", self.text(block)]
        return self._stack.enter_context(Process(command, env=self._env, cwd=self.clone))

    def terminal(self) -> Terminal:
        """A shell that runs blocks one after the other."""
        terminal = Terminal(self, self.clone, self._env)
        self._stack.callback(terminal.close)
        return terminal


class Terminal:
    """A shell that keeps its variables from block to block; `type` returns what a block printed."""

    def __init__(self, scene: Scene, cwd: Path, env: dict[str, str]) -> None:
        self._scene = scene
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, block: str, *responses: str) -> str:
        """Runs a block; `responses` are lines for its standard input. Fails when the block's last command fails."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        written = self._scene.text(block) + "".join(f"{response}\n" for response in responses)
        self._shell.stdin.write(f'{written}\necho "{_END}:$?"\n')
        self._shell.stdin.flush()
        printed = ""
        too_long = threading.Timer(300, self._shell.kill)
        too_long.start()
        try:
            for line in self._shell.stdout:
                printed += line
                if match := re.search(rf"{_END}:(\d+)\n$", printed):
                    printed = printed[: match.start()]
                    assert match[1] == "0", f"{block} failed: {printed}"
                    return printed
        finally:
            too_long.cancel()
        raise AssertionError(f"{block}: the shell ended or took too long: {printed}")

    def close(self) -> None:
        self._shell.kill()
        self._shell.communicate()


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the working tree, uncommitted changes included."""
    folder = tmp_path_factory.mktemp("repository")
    make_repository(folder)
    return folder


@pytest.fixture
def scene(tmp_path: Path, repository: Path, stack: ExitStack) -> Scene:
    return Scene(tmp_path, repository, stack)


def _start(scene: Scene) -> Process:
    """Runs the first block: clones the repository and starts the program."""
    # The block's own lines make the clone; the `.venv` must be made between two of those lines.
    before, made, after = scene.text("start").partition(scene.text("restart"))
    assert made
    assert not after
    subprocess.run(["bash", "-e", "-c", before], cwd=scene.folder, env=scene._env, check=True, timeout=300)
    furnish(scene.clone)
    return scene.program("restart")


def _logged_in(scene: Scene, program: Process) -> Terminal:
    terminal = scene.terminal()
    terminal.type("login", program.printed(_LOGIN)[1])
    terminal.type("where")
    return terminal


def _fill(terminal: Terminal) -> None:
    """Enters the CSV and creates the pool; each response is the one that the page shows."""
    terminal.type("generate")
    response = terminal.type("enter")
    assert response.startswith(SHOWN["enter"].strip())
    entered = json.loads(response)
    assert (entered["created"], len(entered["refused"])) == (9992, 8)
    terminal.type("collect")
    assert json.loads(terminal.type("create")).keys() == {"operationId", "operationLocation"}


def _watch(terminal: Terminal) -> None:
    """The counters change, add up in each response and end with the values on the page."""
    seen = [json.loads(line) for line in terminal.type("watch").splitlines()]
    assert seen, "the operation was never seen"
    for operation in seen:
        stats = operation["stats"]
        assert stats["total"] == stats["queued"] + stats["created"] + stats["failed"] == 9994
    assert SHOWN["watch"].strip().rstrip("}") in json.dumps(seen[-1], separators=(",", ":"))


def _list(terminal: Terminal) -> None:
    reference, *pages = [json.loads(line) for line in terminal.type("list").splitlines()]
    assert reference.keys() == {"operationId", "operationLocation"}
    totals = [[operation["stats"]["total"] for operation in page["operations"]] for page in pages]
    assert totals == [[1], [9994]]
    assert {one["status"] for page in pages for one in page["operations"]} == {"COMPLETED"}


def _still_there(terminal: Terminal) -> None:
    operation: dict[str, Any] = json.loads(terminal.type("again"))
    assert (operation["status"], operation["stats"]["failed"]) == ("COMPLETED", 1)


def test_tutorial_works_on_sqlite(scene: Scene) -> None:
    """Steps 1 to 5: clone, serve, enter, pool, watch, list, ledger; all data is still there after a restart."""
    program = _start(scene)
    terminal = _logged_in(scene, program)
    _fill(terminal)
    _watch(terminal)
    _list(terminal)
    ledger = terminal.type("ledger")
    assert ledger.startswith(SHOWN["ledger"].strip())
    program.signal(signal.SIGINT, group=True)
    program.wait()
    assert '"event":"stopped"' in program.stderr
    again = scene.program("restart")
    again.printed(READY)
    assert not re.search(_LOGIN, again.stdout), "an account was made although there is one"
    _still_there(terminal)


@pytest.fixture
def cloned(scene: Scene) -> Scene:
    """The clone, with no program running."""
    subprocess.run(["git", "clone", "-q", scene._env["REPOSITORY"], scene.clone], check=True, timeout=300)
    furnish(scene.clone)
    return scene


def test_tutorial_works_on_postgresql(cloned: Scene, empty_postgres_url: str) -> None:
    """The same steps with `--database postgresql://...`."""
    cloned.use(DATABASE=empty_postgres_url)
    program = cloned.program("postgres")
    terminal = _logged_in(cloned, program)
    _fill(terminal)
    _watch(terminal)
    _list(terminal)
    assert terminal.type("ledger").startswith(SHOWN["ledger"].strip())
    program.signal(signal.SIGINT, group=True)
    program.wait()
    cloned.program("postgres").printed(READY)
    _still_there(terminal)


def test_tutorial_works_on_two_servers_and_a_worker(cloned: Scene, empty_postgres_url: str) -> None:
    """The pool is created on one server, filled by the worker, and watched on the other server."""
    cloned.use(DATABASE=empty_postgres_url)
    first, second = cloned.program("first"), cloned.program("second")
    for program in (first, second, worker := cloned.program("worker")):
        program.printed(r'"event":"(ready|working)"')
    welcomed = first if re.search(_LOGIN, first.stdout) else second
    terminal = _logged_in(cloned, welcomed)
    _fill(terminal)
    terminal.type("other")
    _watch(terminal)
    _list(terminal)
    assert terminal.type("ledger").startswith(SHOWN["ledger"].strip())
    batches = [line for line in worker.log if line["event"] == "batch"]
    assert sum(line["created"] + line["failed"] for line in batches) == 9993
    for program in (first, second, worker):
        program.signal(signal.SIGINT, group=True)
        program.wait()
    cloned.program("second").printed(READY)
    _still_there(terminal)


def test_every_block_of_the_tutorial_is_marked() -> None:
    """A block of code without a mark would be run by no test."""
    text = PAGE.read_text(encoding="utf-8")
    assert len(_BLOCK.findall(text)) == text.count("```") // 2
