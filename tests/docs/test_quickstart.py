"""docs/quickstart.md, run as written: in a fresh clone, by bash, with two terminals.

The clone gets a prepared `.venv`, since building a `.venv` takes longer than the rest of the test. A free port replaces
the page's port.
"""

from __future__ import annotations

import json
import re
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from written import Block, blocks, plain, plain_json, run

from clones import furnish, make_repository
from installed import need_node
from ports import free_port, on_free_ports
from processes import READY, Process, environment

_FILE: Final = re.compile(r"(?:#|//) (\S+)\n")


def test_quickstart_works(tmp_path: Path, stack: ExitStack) -> None:
    need_node()
    port = free_port()
    make_repository(tmp_path / "repository")
    found = [block._replace(text=on_free_ports(block.text, {8080: port})) for block in _steps()]
    variables = {
        "REPOSITORY": str(tmp_path / "repository"),
        "SIGNALBOX_PORT": str(port),
        "SIGNALBOX_URL": f"http://127.0.0.1:{port}",
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    clone, made, serve = found[0].text.partition("make\n")
    assert made, "the first block builds the program"
    run(["bash", "-euc", clone], tmp_path, variables)
    furnish(tmp_path / "signalbox")
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
    outputs = run(["bash", "-euo", "pipefail", "-c", script], folder, variables, 300).split("\036")
    assert len(outputs) == len(responses) + 1
    for output, response in zip(outputs, responses, strict=False):
        if response is not None and response.language == "json":
            assert plain_json(json.loads(output)) == plain_json(json.loads(response.text)), response.line
        elif response is not None:
            assert plain(output) == plain(response.text), response.line


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
