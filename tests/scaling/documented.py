"""The commands in a section of a page of docs/, so that the tests run what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from postgres import _binaries

DOCS: Final = Path(__file__).parents[2] / "docs"


def commands(page: str, heading: str) -> list[str]:
    """The shell blocks below a heading, in order."""
    _, found, below = (DOCS / f"{page}.md").read_text("utf-8").partition(f"\n{heading}\n")
    assert found, f"{page}.md has no heading {heading}"
    section = re.split(r"^#+ ", below, flags=re.MULTILINE)[0]
    return re.findall(r"^```(?:sh|bash)\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)


def run_commands(script: str, cwd: Path, variables: Mapping[str, str]) -> None:
    """Runs a block in bash with these variables; PostgreSQL's and the project's programs are on the path."""
    programs = [str(Path(sys.executable).parent), str(_binaries()), os.environ["PATH"]]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env={"PATH": os.pathsep.join(programs), "HOME": str(cwd), "LC_ALL": "C", **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
