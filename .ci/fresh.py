"""`make serve` on fresh clones: `python .ci/fresh.py`.

Each run has a new clone and an empty home, so no caches. The runs take the oldest and the newest Python here, from
3.11 on: as this user, and as another user if this user is root and the other user can run a Python. Prints the
seconds until the server is ready and the size of `.venv`; exits with 1 when a run fails.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.request import urlopen

ROOT: Final = Path(__file__).parents[1]
NOBODY: Final = 65534
SECONDS: Final = 600  # for a busy machine; the table has the real time
_ASK: Final = "import sys; print(*sys.version_info[:2])"


def pythons(user: int | None) -> list[str]:
    """The oldest and the newest Python that this user can run."""
    folders = [*os.environ["PATH"].split(os.pathsep), *map(str, (Path.home() / ".pyenv" / "versions").glob("3.*/bin"))]
    found: dict[tuple[int, ...], str] = {}
    for folder in folders:
        for path in sorted(Path(folder).glob("python3.[0-9]*")) if os.access(folder, os.X_OK) else ():
            if re.fullmatch(r"python3\.\d+", path.name):
                try:
                    asked = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, check=True, user=user)
                except (OSError, subprocess.CalledProcessError):
                    continue
                found.setdefault(tuple(map(int, asked.stdout.split())), str(path))
    fit = sorted(version for version in found if version >= (3, 11))
    return [found[version] for version in dict.fromkeys((*fit[:1], *fit[-1:]))]


def serve(python: str, user: int | None) -> None:
    """Clones, serves, reads a page of the documentation, and stops the server. Exits when something fails."""
    with tempfile.TemporaryDirectory(prefix="signalbox-fresh-") as name:
        folder = Path(name)
        clone, log = folder / "signalbox", folder / "log"
        subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
        if user is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, user, -1, follow_symlinks=False)
        kept = {
            key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_", "SSL_")) or key == "PATH"
        }
        started = time.perf_counter()
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["make", "serve", f"PYTHON={python}", "ARGS=--port 0 --log-format json"],
                cwd=clone,
                env={**kept, "HOME": name},
                stdout=output,
                stderr=output,
                user=user,
                start_new_session=True,
            )
        try:
            while not (ready := re.search(r'"event":"ready","url":"([^"]+)"', log.read_text("utf-8"))):
                if process.poll() is not None or time.perf_counter() - started > SECONDS:
                    sys.exit(f"{python}: {log.read_text('utf-8')}")
                time.sleep(0.05)
            seconds = time.perf_counter() - started
            with urlopen(f"{ready[1]}/docs/errors", timeout=60) as page:  # noqa: S310 (our own server)
                assert b"20001" in page.read()  # noqa: S101
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)
        size = sum(path.lstat().st_blocks for path in (clone / ".venv").rglob("*")) * 512 // 1_000_000
        print(f"{seconds:6.1f} s  {size:4} MB  {python}, {'this user' if user is None else 'another user'}", flush=True)


if __name__ == "__main__":
    if not shutil.which("make"):
        sys.exit("make is missing")
    for one in pythons(None):
        serve(one, None)
    if os.geteuid() == 0:
        for one in pythons(NOBODY):
            serve(one, NOBODY)
