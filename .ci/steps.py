"""What the checks of the packages share: a check that fails, a command, a server and its pages."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

ROOT: Final = Path(__file__).parents[1]
SECONDS: Final = 300  # until a server is ready, what it builds and downloads before included
LOGIN: Final = {"SIGNALBOX_ACCOUNT_SID": "AC" + "0123456789abcdef" * 2, "SIGNALBOX_AUTH_TOKEN": "any-text"}
PAGES: Final = ("/readyz", "/docs", "/docs/errors.md", "/llms.txt", "/openapi.json", "/console")


class Wrong(Exception):
    """A check failed."""


def need(kept: object, promise: str) -> None:
    if not kept:
        raise Wrong(promise)


def clean(env: Mapping[str, str] | None) -> dict[str, str]:
    """The environment without variables of Signalbox or Python, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "PYTHON"))}
    return {**kept, **(env or {})}


def run(
    *command: str | Path, cwd: Path, env: Mapping[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Runs a command without variables of Signalbox or Python; a failure raises Wrong with the output."""
    done = subprocess.run(command, cwd=cwd, env=clean(env), capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise Wrong(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Prints the name of the step and its duration."""
    started = time.perf_counter()
    print(f"{name:<60}", end="", flush=True)
    yield
    print(f"{time.perf_counter() - started:6.1f} s", flush=True)


@contextlib.contextmanager
def serving(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> Iterator[str]:
    """The URL of the server that the command starts. At the end SIGTERM ends all its processes, with exit code 0."""
    log = cwd / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=clean(env), stdout=output, stderr=output, start_new_session=True
        )
    try:
        end = time.monotonic() + SECONDS
        while not (ready := re.search(r'"event":"ready","url":"([^"]+)"', log.read_text("utf-8"))):
            need(process.poll() is None and time.monotonic() < end, f"{command}: {log.read_text('utf-8')}")
            time.sleep(0.05)
        yield ready[1]
        os.killpg(process.pid, signal.SIGTERM)
        need(process.wait(30) == 0, f"{command} ended with {process.returncode}: {log.read_text('utf-8')}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def check_pages(url: str) -> None:
    """The API, the console and the documentation respond."""
    for path in PAGES:
        with urlopen(Request(url + path), timeout=10) as response:  # noqa: S310 (our own server)
            need(response.status == 200 and response.read(), f"{path} is empty")
