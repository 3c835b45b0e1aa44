"""The names of our packages on a package index: `signalbox-server` and `signalbox-client`.

On the public index `signalbox` is a program of other people. So no text of ours may lead anybody to install that name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PLACES: Final = (".ci", "changelog.d", "clients", "console/src", "docs", "docs_build", "examples", "src")
KINDS: Final = {".py", ".md", ".toml", ".ts", ".tsx", ".yaml", ".yml", ".sql"}
_BUILT: Final = {"node_modules", "dist", "site", "__pycache__", "build"}
_INSTALLS: Final = re.compile(
    r"\b(?:pip3? +(?:install|download)|pipx +(?:install|run|inject)|uvx|uv +(?:add|pip +install|tool +(?:install|run))"
    r"|(?:poetry|pdm|conda) +(?:add|install))\b(.*)"
)
# The program behind these options comes from elsewhere; the name after them is a command.
_FROM: Final = re.compile(r"--(?:from|spec)\b")
_NAME: Final = re.compile(r"""(?:^|[\s'"`(])signalbox(?:\[[a-z,]*\])?(?:[=<>~!]=?[\w.*]+)?(?=$|[\s'"`),;.])""")
_EXTRA: Final = re.compile(r"""(?:^|[\s'"`(])signalbox\[(?:pytest|[a-z]+\]==)""")


def wrong_lines(text: str) -> Iterator[str]:
    """The lines that name `signalbox` as a package to install."""
    for line in text.splitlines():
        installs = _INSTALLS.search(line)
        named = installs and not _FROM.search(installs[1]) and _NAME.search(installs[1])
        if named or _EXTRA.search(line):
            yield line


def texts() -> Iterator[Path]:
    """What people read or run: the pages, the messages in the source, the clients, the build."""
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.suffix in {*KINDS, ""})
    yield ROOT / ".ci" / "run"
    for place in PLACES:
        for path in (ROOT / place).rglob("*"):
            if path.suffix in KINDS and path.is_file() and not _BUILT.intersection(path.relative_to(ROOT).parts):
                yield path


def test_no_text_says_to_install_the_other_projects_package() -> None:
    read = list(texts())
    assert {ROOT / "README.md", ROOT / "Containerfile", ROOT / "docs" / "ci.md"} <= set(read)
    found = {
        str(path.relative_to(ROOT)): lines for path in read if (lines := list(wrong_lines(path.read_text("utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "pip install signalbox",
        "python -m pip install --quiet 'signalbox[pytest]'",
        "Install it with `pip install signalbox`.",
        "uvx signalbox dev",
        "pipx run signalbox==0.1.0 dev",
        "uv tool install signalbox",
        'test = ["signalbox[pytest]==0.1.0"]',
    ],
)
def test_the_scan_finds(line: str) -> None:
    assert list(wrong_lines(line)) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "pip install signalbox-server",
        "pip install ./signalbox/clients/python './signalbox[pytest]'",
        'uvx --from "git+$REPOSITORY" signalbox dev',
        "pipx run --spec dist/signalbox_server-0.1.0-py3-none-any.whl signalbox --version",
    ],
)
def test_the_scan_passes(line: str) -> None:
    assert list(wrong_lines(line)) == []


def test_installed_distributions_have_our_names() -> None:
    """`make` removes the package `signalbox` of an older checkout from `.venv`."""
    names = {one.name for one in metadata.distributions()} & {"signalbox", "signalbox-server", "signalbox-client"}
    assert names == {"signalbox-server", "signalbox-client"}


def test_project_files_have_our_names() -> None:
    server, client, example = (
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["project"]
        for folder in (".", "clients/python", "examples/python-app")
    )
    assert (server["name"], client["name"]) == ("signalbox-server", "signalbox-client")
    needed = [*server["dependencies"], *example["dependencies"], *example["optional-dependencies"]["test"]]
    ours = {re.split(r"[\[=]", one)[0] for one in needed if one.startswith("signalbox")}
    assert ours == {"signalbox-server", "signalbox-client"}
