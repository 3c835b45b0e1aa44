"""The README: its lines run as written, in a fresh clone, by bash, with two terminals.

The test changes two things. The clone gets a prepared `.venv` that runs the clone's code, since building a `.venv`
takes longer than the rest of the test (with `README_BUILDS=1`, `make` builds it, as on a fresh machine). And a free
port replaces the default of `signalbox dev`.
"""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from clones import ROOT, furnish, make_repository
from ports import free_port
from processes import PATIENCE, READY, Process, environment

TEXT: Final = (ROOT / "README.md").read_text("utf-8")
TOKENS: Final = MarkdownIt("commonmark").parse(TEXT)
MOST_WORDS: Final = 700
_BUILDS: Final = bool(os.environ.get("README_BUILDS"))
_DEV: Final = ".venv/bin/signalbox dev\n"
_BASH: Final = ("bash", "-euo", "pipefail", "-c")


def _fences() -> list[Token]:
    return [token for token in TOKENS if token.type == "fence"]


def _plain(text: str) -> list[str]:
    """The lines without the parts that differ from run to run: ids, times, and the widths of columns."""
    text = re.sub(r"\b(comms_[a-z]+)_[0-7][a-z0-9]{25}\b", r"\1_ID", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME", text)
    return [re.sub(" +", " ", line).rstrip() for line in text.splitlines()]


def test_readme_lines_start_a_server_and_use_it(tmp_path: Path, stack: ExitStack) -> None:
    """The second terminal prints the lines that the README shows."""
    start, use, shown = (fence.content for fence in _fences())
    assert len(start.splitlines()) == 3
    clone, made, dev = start.partition("make\n")
    assert (made, dev) == ("make\n", _DEV)
    make_repository(tmp_path / "repository")
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "REPOSITORY": str(tmp_path / "repository")}
    env, folder = environment(home), tmp_path / "signalbox"
    subprocess.run([*_BASH, clone], cwd=tmp_path, env=env, check=True, timeout=PATIENCE)
    if not _BUILDS:
        furnish(folder)
    script = f"{made}{dev.rstrip()} --port {free_port()}"
    server = stack.enter_context(Process([*_BASH, script], env=env, cwd=folder))
    server.printed(READY, 600 if _BUILDS else PATIENCE)
    server.printed('"event":"commands"')
    done = subprocess.run(
        [*_BASH, use], cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    expected = _plain(shown)
    assert _plain(done.stdout) == expected


def test_readme_has_two_blocks_to_run_and_one_output() -> None:
    """Another block of code would be run by no test."""
    assert [fence.info for fence in _fences()] == ["bash", "bash", "text"]


def test_readme_is_short() -> None:
    assert len(TEXT.split()) <= MOST_WORDS


def test_readme_has_one_picture_that_exists() -> None:
    images = [part for token in TOKENS for part in token.children or () if part.type == "image"]
    assert len(images) == 1
    assert images[0].content
    assert (ROOT / str(images[0].attrs["src"])).is_file()


def test_readme_names_the_test_command() -> None:
    """The command is a target of the Makefile."""
    assert "`make test` runs the tests" in TEXT
    assert re.search(r"^test:", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
