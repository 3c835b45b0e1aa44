"""Both clients on a real server: a test with the fixture `caller` runs once with each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from between import Between
from callers import Caller
from signalbox.testing import Account

SID, TOKEN = "AC0123456789abcdef0123456789abcdef", "a-token-that-the-tests-chose-000"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the developer's own SIGNALBOX_ variables."""
    for name in os.environ:
        if name.startswith("SIGNALBOX_") or name.lower() in ("http_proxy", "all_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(params=["Signalbox", "AsyncSignalbox"])
def caller(request: pytest.FixtureRequest, signalbox_server: Account) -> Caller:
    """Either client, with a new account."""
    return Caller(request.param == "AsyncSignalbox", signalbox_server)


@pytest.fixture
def between(signalbox_server: Account) -> Iterator[Between]:
    """A proxy between a client and the server of `caller`; it forwards requests until a test adds troubles."""
    with Between(signalbox_server.url) as standing:
        yield standing


@pytest.fixture(scope="session")
def idle_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account on a server without workers: operations start but do not progress."""
    command = f"{Path(sys.executable).parent}/signalbox serve --database sqlite:// --port 0 --workers 0"
    environment = {**os.environ, "SIGNALBOX_ACCOUNT_SID": SID, "SIGNALBOX_AUTH_TOKEN": TOKEN}
    process = subprocess.Popen(
        [*command.split(), "--log-format", "json"],
        env=environment,
        cwd=tmp_path_factory.mktemp("idle"),
        stderr=subprocess.PIPE,
        text=True,
    )
    timer = threading.Timer(300, process.kill)
    timer.start()
    try:
        assert process.stderr is not None
        ready = next(filter(None, (re.search(r'"event":"ready","url":"([^"]+)"', line) for line in process.stderr)))
        timer.cancel()
        yield Account(ready[1], SID, TOKEN)
    finally:
        timer.cancel()
        process.terminate()
        process.communicate(timeout=300)


@pytest.fixture(params=["Signalbox", "AsyncSignalbox"])
def idle_caller(request: pytest.FixtureRequest, idle_server: Account) -> Caller:
    """Either client, on a server whose operations never become final by themselves."""
    return Caller(request.param == "AsyncSignalbox", idle_server)


@pytest.fixture
def before_idle(idle_server: Account) -> Iterator[Between]:
    """A proxy between a client and the server of `idle_caller`."""
    with Between(idle_server.url) as standing:
        yield standing
