"""The ways to start Signalbox on the page docs/install.md, run as they stand there. `.ci/packages.py` calls these.

Left out: clone and `make`, which tests/acceptance/test_readme.py and `.ci/fresh.py` run.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Final

from steps import LOGIN, ROOT, SECONDS, Wrong, check_pages, need, run, serving

sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from clones import make_repository  # noqa: E402 (found by the line before)

BIN: Final = Path(sys.executable).parent
_BASH: Final = ("bash", "-euo", "pipefail", "-c")
# What uv and pip print without a network.
_AWAY: Final = re.compile("(?i)failed to fetch|connect error|dns error|new connection|network is unreachable")


def lines(heading: str) -> str:
    """The shell lines below a heading of the page."""
    _, _, below = (ROOT / "docs" / "install.md").read_text("utf-8").partition(f"\n## {heading}\n")
    found = re.search(r"^```bash\n(.*?)^```", below.partition("\n## ")[0], re.DOTALL | re.MULTILINE)
    need(found, f"docs/install.md has no lines below {heading}")
    return found[1].rstrip() if found else ""


def start(script: str, place: Path, env: dict[str, str]) -> None:
    """Runs lines whose last one starts `signalbox dev`, on a free port, until the pages respond.

    Says so and returns when the package index, where the dependencies are, cannot be reached.
    """
    *before, last = script.splitlines()
    try:
        with serving((*_BASH, "\n".join([*before, f"exec {last} --port 0"])), place, env) as url:
            check_pages(url)
    except Wrong as wrong:
        if '"event":' in str(wrong) or not _AWAY.search(str(wrong)):
            raise
        print(f"\nNOT TRIED: the package index could not be used: {str(wrong)[-300:]}")


def uvx(place: Path) -> None:
    """`uvx` from a repository with the files of this folder."""
    make_repository(place / "repository")
    (place / "uvx").mkdir()
    env = {"REPOSITORY": f"file://{place / 'repository'}", "PATH": f"{BIN}:{os.environ['PATH']}"}
    start(lines("Without a clone: uvx"), place / "uvx", env)


def pipx(dist: Path, place: Path) -> None:
    """The wheels with pipx."""
    shutil.copytree(dist, place / "pipx" / "dist")
    folders = {"PIPX_HOME": str(place / "pipx" / "home"), "PIPX_BIN_DIR": str(place / "pipx" / "bin")}
    path = os.pathsep.join([folders["PIPX_BIN_DIR"], str(BIN), os.environ["PATH"]])
    start(lines("A wheel with pipx"), place / "pipx", {**folders, "PATH": path})


def engine() -> str | None:
    """Podman or Docker, if one is installed and can run containers."""
    for name in ("podman", "docker"):
        if shutil.which(name) and run(name, "info", cwd=ROOT, check=False).returncode == 0:
            return name
    return None


def container(place: Path) -> None:
    """Builds the image and runs it until the pages respond, if an engine is installed."""
    name = engine()
    if name is None:
        print("\nNOT TRIED: neither Podman nor Docker can run containers here")
        return
    image = "localhost/signalbox-check"
    docker_format = ("--format", "docker") if name == "podman" else ()
    run(name, "build", *docker_format, "--file", "Containerfile", "--tag", image, ".", cwd=ROOT)
    account = [part for key, value in LOGIN.items() for part in ("--env", f"{key}={value}")]
    started = run(name, "run", "--detach", "--publish", "127.0.0.1::8080", *account, image, cwd=place).stdout.strip()
    try:
        url = "http://" + run(name, "port", started, "8080/tcp", cwd=place).stdout.splitlines()[0]
        end = time.monotonic() + SECONDS
        while True:
            try:
                check_pages(url)
                break
            except OSError as error:
                said = run(name, "logs", started, cwd=place, check=False)
                need(time.monotonic() < end, f"{url}: {error}: {said.stdout}{said.stderr}")
                time.sleep(0.2)
        run(name, "stop", started, cwd=place)
        code = run(name, "inspect", "--format", "{{.State.ExitCode}}", started, cwd=place).stdout.strip()
        need(code == "0", f"the container ended with {code}")
    finally:
        run(name, "rm", "--force", started, cwd=place, check=False)
        run(name, "rmi", image, cwd=place, check=False)
    if run(name, "compose", "version", cwd=place, check=False).returncode == 0:
        run(name, "compose", "config", "--quiet", cwd=ROOT, env={**LOGIN, "POSTGRES_PASSWORD": "any-text"})
