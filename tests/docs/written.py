"""The blocks of code of a page of docs/, so that the tests run what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from markdown_it import MarkdownIt

from processes import PATIENCE, environment

FOLDER: Final = Path(__file__).parents[2] / "docs"
_VARYING: Final = (
    (r"\b(comms_[a-z]+)_[0-7][a-z0-9]{25}\b", r"\1_ID"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
)
PROGRAMS: Final = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


class Block(NamedTuple):
    """A block of code, the heading above the block and the number of its first line."""

    heading: str
    language: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """All blocks of a page, in order; headings may have any level."""
    found, heading, tokens = [], "", MarkdownIt("commonmark").parse((FOLDER / f"{page}.md").read_text("utf-8"))
    for token, following in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
        if token.type == "heading_open":
            heading = following.content
        elif token.type == "fence" and token.map:
            found.append(Block(heading, token.info, token.content, token.map[0] + 1))
    return found


def under(page: str, heading: str) -> list[Block]:
    """The blocks below a heading, at least one."""
    found = [block for block in blocks(page) if block.heading == heading]
    assert found, f"{page}.md has no code under {heading}"
    return found


def headings(page: str, section: str) -> list[str]:
    """The `###` headings of a `##` section."""
    below = (FOLDER / f"{page}.md").read_text("utf-8").partition(f"\n## {section}\n")[2].split("\n## ")[0]
    return [line.removeprefix("### ") for line in below.splitlines() if line.startswith("### ")]


def run(command: list[str], folder: Path, variables: Mapping[str, str], seconds: float = PATIENCE) -> str:
    """Runs a command that must succeed without a warning; returns its output. The PATH has the project's programs."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment({"PATH": PROGRAMS, **variables}),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def plain(text: str) -> str:
    """The text without the parts that differ from run to run: ids, times, ports, and columns' widths."""
    for pattern, name in _VARYING:
        text = re.sub(pattern, name, text)
    return "\n".join(re.sub(" +", " ", line).rstrip() for line in text.strip().splitlines())


def plain_json(value: object) -> object:
    """The JSON value without the parts that differ from run to run, page tokens included."""
    if isinstance(value, dict):
        return {name: name if name in ("next", "self") else plain_json(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain_json(one) for one in value]
    return plain(value) if isinstance(value, str) else value
