"""docs/quickstart.md, run as written: in a fresh clone, by bash, with two terminals.

The clone gets a prepared `.venv`, since building a `.venv` takes longer than the rest of the test. Where port 8080 is
taken, the test uses another port.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from proxies import free_port
from written import FOLDER, Block, blocks, plain, plain_json, run

from processes import READY, Process, environment

# These tests use the ports in the documentation, or look for free ports, so they run one after the other.
pytestmark = pytest.mark.xdist_group("ports")

ROOT: Final = FOLDER.parent
_FILE: Final = re.compile(r"(?:#|//) (\S+)\n")


def test_quickstart_works(tmp_path: Path, stack: ExitStack) -> None:
    port = str(free_port())
    _repository(tmp_path / "repository")
    found = [block._replace(text=block.text.replace("127.0.0.1:8080", f"127.0.0.1:{port}")) for block in _steps()]
    variables = {
        "REPOSITORY": str(tmp_path / "repository"),
        "SIGNALBOX_PORT": port,
        "SIGNALBOX_URL": f"http://127.0.0.1:{port}",
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    clone, made, serve = found[0].text.partition("make\n")
    assert made, "the first block builds the program"
    run(["bash", "-euc", clone], tmp_path, variables)
    _furnish(tmp_path / "signalbox")
    env = environment(variables)

    def start(script: str) -> Process:
        """Opens the first terminal, in the clone that the previous block made."""
        command = ["bash", "-euc", f"{made}{serve.replace('signalbox serve', script)}"]
        return stack.enter_context(Process(command, env=env, cwd=tmp_path / "signalbox"))

    server = start("signalbox serve")
    server.printed(READY)
    again = next(number for number, block in enumerate(found) if number and block.text == "signalbox serve\n")
    _second_terminal(found[1:again], tmp_path, variables)
    server.signal(signal.SIGINT, group=True)
    server.wait()
    start(found[again].text).printed(READY)
    _second_terminal([found[1], *found[again + 1 :]], tmp_path, variables)


def _steps() -> list[Block]:
    return blocks("quickstart")


def _second_terminal(steps: list[Block], folder: Path, variables: dict[str, str]) -> None:
    """Runs the blocks in one shell; a block with an output below must print exactly that output."""
    script, responses = "", []
    for block, after in zip(steps, [*steps[1:], None], strict=True):
        if block.language == "bash":
            script += f"{block.text}printf '\\036'\n"
            responses.append(after if after and after.language in ("text", "json") else None)
        elif named := _FILE.match(block.text):
            script += f"cat > {named[1]} <<'END OF FILE'\n{block.text}END OF FILE\n"
    outputs = run(["bash", "-euo", "pipefail", "-c", script], folder, variables, 110).split("\036")
    assert len(outputs) == len(responses) + 1
    for output, response in zip(outputs, responses, strict=False):
        if response is not None and response.language == "json":
            assert plain_json(json.loads(output)) == plain_json(json.loads(response.text)), response.line
        elif response is not None:
            assert plain(output) == plain(response.text), response.line


def _repository(folder: Path) -> None:
    """A repository with the working tree, uncommitted changes included."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True, timeout=30
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], [*person, "commit", "-q", "-m", "Everything"]):
        subprocess.run(["git", *command], cwd=folder, check=True, timeout=30)


def _furnish(clone: Path) -> None:
    """Makes the clone's `.venv`, as `make` would, from this environment's libraries and the clone's code."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True, timeout=60)
    (packages,) = (clone / ".venv" / "lib").glob("python*/site-packages")
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    own = [str(clone / "src"), str(clone / "clients" / "python" / "src")]
    (packages / "quickstart.pth").write_text("\n".join([*own, *libraries]) + "\n")
    command = clone / ".venv" / "bin" / "signalbox"
    command.write_text(f"#!{clone / '.venv' / 'bin' / 'python'}\nfrom signalbox.__main__ import main\nmain()\n")
    command.chmod(0o755)
    (clone / ".venv" / ".built").touch()


def test_every_block_of_the_quickstart_is_run_or_is_a_response() -> None:
    """A block in another language would be run by no test."""
    previous = ""
    for block in _steps():
        assert block.language in ("bash", "python", "js", "text", "json"), block.line
        if block.language in ("text", "json"):
            assert previous == "bash", f"line {block.line} is the output of no command"
        elif block.language != "bash":
            assert _FILE.match(block.text), f"line {block.line} names no file"
        previous = block.language
