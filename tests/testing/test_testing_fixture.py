"""The fixture `signalbox_server`, in runs of pytest in another project."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from processes import Process, environment, eventually, listens

CALL = """
import httpx

def get(server, path):
    return httpx.get(server.url + path, auth=(server.account_sid, server.auth_token))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder outside this project, with a module that sends requests."""
    (tmp_path / "call.py").write_text(CALL)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return tmp_path


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-p", "signalbox", "-p", "no:cacheprovider", *options]


def env(**more: str) -> dict[str, str]:
    """The environment without other pytest plugins, which are slow to load and not under test."""
    return environment({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **more})


def run(project: Path, source: str, *options: str) -> tuple[int, str]:
    """Runs these tests; returns the exit code and the output."""
    (project / "test_theirs.py").write_text(source)
    done = subprocess.run(
        command(*options), cwd=project, env=env(), capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_each_test_has_a_fresh_account_on_one_server(project: Path) -> None:
    source = """
import pytest
from call import get

seen = []

@pytest.mark.parametrize("turn", range(3))
def test_it(signalbox_server, turn):
    assert get(signalbox_server, "/v1/Senders").json()["senders"] == []
    signalbox_server.enter_senders(turn + 1)
    assert len(get(signalbox_server, "/v1/Senders").json()["senders"]) == turn + 1
    seen.append(signalbox_server)

def test_all():
    assert len({one.account_sid for one in seen}) == 3
    assert len({one.url for one in seen}) == 1
"""
    code, printed = run(project, source)
    assert code == 0, printed
    assert "4 passed" in printed


def test_client_is_ready_for_the_account_of_each_test(project: Path) -> None:
    """Its connections are closed at the end of the test: an open one would be a ResourceWarning, so a failure."""
    source = """
import gc
import pytest
from signalbox_client import ConnectionFailed

seen = []

@pytest.mark.parametrize("turn", range(2))
def test_it(signalbox_server, turn):
    client = signalbox_server.client
    assert client is signalbox_server.client
    ids = signalbox_server.enter_senders(turn + 1)
    assert {one.id for one in client.senders.list()} == set(ids)
    seen.append(client)

def test_later():
    for client in seen:
        with pytest.raises(ConnectionFailed, match="closed"):
            list(client.senders.list())
    seen.clear()
    gc.collect()

def test_other_account(signalbox_process):
    account = signalbox_process.account()
    account.client.sender_pools.create(name="of another tenant")
"""
    code, printed = run(project, source)
    assert code == 0, printed
    assert "4 passed" in printed


def test_second_account_and_a_longer_scope_come_from_the_process(project: Path) -> None:
    source = """
import pytest
from call import get

@pytest.fixture(scope="module")
def stocked(signalbox_process):
    account = signalbox_process.account()
    account.enter_senders(5)
    return account

def test_module_scope(stocked):
    assert len(get(stocked, "/v1/Senders").json()["senders"]) == 5

def test_two_tenants(stocked, signalbox_server):
    assert stocked.url == signalbox_server.url
    assert get(signalbox_server, "/v1/Senders").json()["senders"] == []
"""
    code, printed = run(project, source)
    assert code == 0, printed


def test_failed_test_shows_what_it_asked_the_server_and_no_other_did(project: Path) -> None:
    source = """
from call import get

def test_before(signalbox_server):
    get(signalbox_server, "/v1/SenderPools/Operations")
    get(signalbox_server, "/v1/Senders")

def test_failing(signalbox_server):
    get(signalbox_server, "/v1/SenderPools/oops")
    get(signalbox_server, "/v1/Senders")
    assert False
"""
    code, printed = run(project, source)
    assert code == 1
    shown = printed.partition("Captured signalbox teardown")[2]
    assert re.search(r"method=GET path=/v1/SenderPools/\S+ .*status=400", shown), printed
    assert "/v1/SenderPools/Operations" not in printed


def test_run_that_does_not_use_it_starts_no_server(project: Path) -> None:
    (project / "conftest.py").write_text("import sys\nsys.executable = '/there/is/no/such/program'\n")
    code, printed = run(project, "def test_other():\n    pass\n\ndef test_it(signalbox_server):\n    pass\n")
    assert code == 1
    assert "1 passed, 1 error" in printed
    assert "FileNotFoundError" in printed


def test_server_that_cannot_start_fails_every_test_with_its_own_words(project: Path) -> None:
    (project / "broken").mkdir()
    (project / "broken" / "uvicorn.py").write_text("raise ImportError('uvicorn is broken here')\n")
    (project / "conftest.py").write_text("import os\nos.environ['PYTHONPATH'] = 'broken'\n")
    code, printed = run(project, "def test_one(signalbox_server): pass\ndef test_two(signalbox_server): pass\n")
    assert code == 1
    assert "2 errors" in printed
    assert printed.count("ServerDied: the Signalbox server ended (exit code 1)") >= 2
    assert "uvicorn is broken here" in printed


def test_each_worker_of_xdist_has_a_server_of_its_own(project: Path) -> None:
    source = """
import pathlib, time
import pytest
from call import get

@pytest.mark.parametrize("worker", range(2))
def test_it(signalbox_server, worker, worker_id):
    assert get(signalbox_server, "/v1/Senders").json()["senders"] == []
    signalbox_server.enter_senders(1)
    pathlib.Path(worker_id).write_text(signalbox_server.url)
"""
    code, printed = run(project, source, "-p", "xdist", "-n", "2", "--dist", "each")
    assert code == 0, printed
    urls = {(project / worker).read_text() for worker in ("gw0", "gw1")}
    assert len(urls) == 2


def test_killed_run_leaves_no_server_behind(project: Path) -> None:
    (project / "test_theirs.py").write_text("""
import os, signal

def test_it(signalbox_server):
    signalbox_server.enter_senders(1)
    os.write(2, f"<{signalbox_server.url}>\\n".encode())
    signal.pause()
""")
    with Process(command("-s"), env=env(), cwd=project) as pytest_run:
        url = pytest_run.printed("<(.+)>")[1]
        pytest_run.signal(9)
        eventually(lambda: not listens(url), "the server ends")


def test_unittest_has_a_server_for_a_class(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text("""
import unittest
import httpx
from signalbox.testing import server

class Theirs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(server())

    def setUp(self):
        self.account = self.server.account()

    def test_one(self):
        self.assertEqual(len(self.account.enter_senders(2)), 2)

    def test_two(self):
        login = (self.account.account_sid, self.account.auth_token)
        found = httpx.get(self.account.url + "/v1/Senders", auth=login).json()
        self.assertEqual(found["senders"], [])
""")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "unittest", "-v"],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 2 tests" in done.stderr
    assert "Warning" not in done.stderr
