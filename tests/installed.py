"""Programs that some tests need and no Python package brings: a test without its program is skipped.

The reason of the skip is the line that brings the program. With `EVERY_TOOL=1`, as in CI, the test fails instead.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final, NoReturn

import pytest

ROOT: Final = Path(__file__).parents[1]
TYPESCRIPT: Final = ROOT / "clients" / "typescript"
AXE: Final = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
_NODE: Final = (20, 19)  # the greater of the versions in the two package.json


def need_node() -> None:
    """Skips the test where Node is missing or too old."""
    if _node_version() < _NODE:
        _missing("no Node.js 20.19 or newer: install it from https://nodejs.org, then make test")


def need_typescript_client() -> None:
    """Skips the test where Node is missing, or the TypeScript client has not been built."""
    need_node()
    if not (TYPESCRIPT / "dist" / "esm" / "index.js").is_file():
        _missing("the TypeScript client is not built: make clients/typescript/dist")


def need_axe() -> None:
    """Skips the test where the packages of the console's source are not installed."""
    if not AXE.is_file():
        need_node()
        _missing("axe is not installed: make console/node_modules")


def chromium() -> str:
    """The path of Chromium; skips the test where there is none."""
    names = filter(None, (os.environ.get("CHROMIUM"), "chromium", "chromium-browser"))
    return next(filter(None, map(shutil.which, names)), None) or _missing(
        "no Chromium: apt-get install chromium, or CHROMIUM=/path/to/chromium make test"
    )


def need_shell(name: str, package: str) -> None:
    """Skips the test where this shell is not installed, in CI too: bash is tested everywhere."""
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed: apt-get install {package}")


@cache
def _node_version() -> tuple[int, ...]:
    program = shutil.which("node")
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=False) if program else None
    return tuple(map(int, re.findall(r"\d+", printed.stdout)[:2])) if printed else ()


def _missing(line: str) -> NoReturn:
    if os.environ.get("EVERY_TOOL"):
        pytest.fail(line, pytrace=False)
    pytest.skip(line)
