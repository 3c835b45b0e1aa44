"""`signalbox.testing`: a server for a block, and the end of its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from processes import Process, environment, eventually, listens
from signalbox import testing
from signalbox.testing import Account, RowsRefused, Server, ServerDied
from signalbox_client import ConnectionFailed, Signalbox


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with testing.server() as server:
        yield server


@pytest.fixture
def account(running: Server) -> Account:
    return running.account()


def get(account: Account, path: str, **params: str) -> httpx.Response:
    return httpx.get(account.url + path, params=params, auth=(account.account_sid, account.auth_token))


# --- accounts


def test_account_is_empty_and_apart_from_every_other(running: Server, account: Account) -> None:
    other = running.account()
    other.enter_senders(2)
    assert get(account, "/v1/Senders").json()["senders"] == []
    assert len(get(other, "/v1/Senders").json()["senders"]) == 2


def test_accounts_asked_for_by_several_threads_are_all_different(running: Server) -> None:
    with ThreadPoolExecutor(8) as threads:
        accounts = list(threads.map(lambda _: running.account(), range(40)))
    assert len({one.account_sid for one in accounts}) == 40
    assert {get(one, "/v1/Senders").status_code for one in accounts} == {200}


def test_operations_of_an_account_are_worked_on(account: Account) -> None:
    senders = [{"senderId": sender} for sender in account.enter_senders(3)]
    login = (account.account_sid, account.auth_token)
    created = httpx.post(f"{account.url}/v1/SenderPools", json={"senders": senders}, auth=login)
    done = httpx.get(created.json()["operationLocation"], auth=login, headers={"Prefer": "wait=30"}).json()
    assert (done["status"], done["stats"]["created"]) == ("COMPLETED", 4)


def test_environment_makes_a_client_speak_for_the_account(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_ACCOUNT_SID", "SK" + "0" * 32)
    monkeypatch.setenv("SIGNALBOX_AUTH_TOKEN", "the key of whoever runs the tests")
    for name, value in account.environment.items():
        monkeypatch.setenv(name, value)
    ids = account.enter_senders(2)
    with Signalbox() as client:
        assert {sender.id for sender in client.senders.list()} == set(ids)


def test_client_speaks_for_the_account_and_asks_no_proxy(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    ids = account.enter_senders(2)
    assert {sender.id for sender in account.client.senders.list()} == set(ids)


def test_end_of_the_block_closes_the_clients() -> None:
    with testing.server() as server:
        used, unused = server.account(), server.account()
        assert list(used.client.senders.list()) == []
    with pytest.raises(ConnectionFailed, match="closed"):
        list(used.client.senders.list())
    unused.close()


def test_token_is_not_in_the_text_of_an_account(account: Account) -> None:
    assert account.auth_token not in repr(account)


# --- entering senders


def test_a_number_of_senders_makes_that_many_new_ones_each_time(account: Account) -> None:
    first, more = account.enter_senders(3), account.enter_senders(2)
    found = {sender["id"]: sender for sender in get(account, "/v1/Senders").json()["senders"]}
    assert set(found) == {*first, *more}
    assert [found[sender]["address"] for sender in (*first, *more)] == [f"+{12022000000 + at}" for at in range(5)]


def test_ids_come_in_the_order_of_the_rows(account: Account) -> None:
    rows: list[Mapping[str, object]] = [
        {"channel": "SMS", "address": "+442079460000", "displayName": "London"},
        {"channel": "EMAIL", "address": "Hello@EXAMPLE.com", "tags": {"team": "blue"}},
        {"channel": "PUSH", "address": "com.example.app", "status": "DEACTIVATED"},
        {"channel": "SMS", "address": "+442079460000"},
    ]
    ids = account.enter_senders(rows)
    senders = [get(account, f"/v1/Senders/{sender}").json() for sender in ids]
    assert [sender["channel"] for sender in senders] == ["SMS", "EMAIL", "PUSH", "SMS"]
    assert ids[0] == ids[3]
    assert senders[0]["displayName"] == "London"
    assert senders[1]["tags"] == {"team": "blue"}
    assert senders[2]["status"] == "DEACTIVATED"


def test_one_short_code_in_two_countries_is_two_senders(account: Account) -> None:
    rows = [{"channel": "SMS", "address": "27312", "region": region} for region in ("US", "CA", "US")]
    us, ca, again = account.enter_senders(rows)
    assert us == again != ca
    assert account.enter_senders(rows) == [us, ca, us]


def test_more_rows_than_one_request_takes_are_entered(account: Account) -> None:
    ids = account.enter_senders(10_001)
    assert len(set(ids)) == 10_001


def test_refused_row_is_named_with_its_place_and_reason(account: Account) -> None:
    rows: list[Mapping[str, object]] = [{"channel": "PUSH", "address": f"app{at}"} for at in range(10_000)]
    with pytest.raises(RowsRefused, match=r"\Arow 1: too short .*\nrow 10000: .*is required\Z"):
        account.enter_senders([rows[0], {"channel": "SMS", "address": "+1555"}, *rows[2:], {"channel": "SMS"}])


def test_rows_that_are_no_request_are_refused_together(account: Account) -> None:
    deep: object = {}
    for _ in range(70):
        deep = [deep]
    with pytest.raises(RowsRefused, match="nested deeper than 64 levels"):
        account.enter_senders([{"channel": "PUSH", "address": "a", "tags": deep}])


def test_wrong_credentials_are_said_with_the_status(running: Server) -> None:
    stranger = Account(running.url, "AC" + "0" * 32, "x" * 32)
    with pytest.raises(RuntimeError, match=r"POST /signalbox/v1/Senders: error 401: .*20003"):
        stranger.enter_senders(1)


def test_proxy_of_the_environment_is_not_asked(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert len(account.enter_senders(1)) == 1


# --- the process


def test_server_takes_no_setting_and_no_module_of_the_folder_it_starts_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("signalbox.toml").write_text("strict = true\n")
    for name in ("uvicorn.py", "msgspec.py", "secrets.py"):
        Path(name).write_text("raise ImportError('the wrong module')\n")
    monkeypatch.setenv("SIGNALBOX_PORT", "1")
    monkeypatch.setenv("SIGNALBOX_DATABASE", "sqlite:///kept.db")
    with testing.server() as server:
        assert get(server.account(), "/v1/Senders", page_size="1").status_code == 200
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "msgspec.py",
        "secrets.py",
        "signalbox.toml",
        "uvicorn.py",
    ]


def test_surroundings_of_the_project_do_not_reach_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = {"PYTHONIOENCODING": "utf-16", "HTTP_PROXY": "http://[", "NO_PROXY": "[::1]", "SSL_CERT_FILE": "/nowhere"}
    for name, value in {**hostile, "SIGNALBOX_PORT": "many", "SIGNALBOX_DATABASE": "none", "COLUMNS": "wide"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HOME", raising=False)
    with testing.server() as running:
        assert len(running.account().enter_senders(2)) == 2


def test_server_ends_with_its_block_also_after_an_exception() -> None:
    with pytest.raises(KeyError), testing.server() as server:
        raise KeyError
    assert not listens(server.url)
    assert server.log() == ""
    server.stop()


def test_server_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ImportError('uvicorn is broken here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ServerDied, match=r"(?s)ended \(exit code 1\).*uvicorn is broken here"), testing.server():
        pass


def test_server_that_was_killed_is_said_to_have_ended() -> None:
    with testing.server() as server:
        server.account()
        server._process.kill()
        server._process.wait()
        with pytest.raises(ServerDied, match=r"is gone \(exit code -9\)"):
            server.account()


def test_log_has_a_line_for_each_request_and_no_token(running: Server, account: Account) -> None:
    running.forget_log()
    get(account, "/v1/SenderPools/not-an-id")
    get(account, "/v1/Senders")
    first = running.log().splitlines()[0]
    assert "path=/v1/SenderPools/" in first
    assert "status=400" in first
    assert account.auth_token not in running.log()


def test_server_that_hangs_is_killed_and_a_server_that_was_stopped_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with testing.server() as server:
        os.kill(server._process.pid, signal.SIGSTOP)
        monkeypatch.setattr(testing, "_PATIENCE_SECONDS", 0.1)
    assert server._process.poll() == -signal.SIGKILL
    with pytest.raises(ServerDied, match=r"is gone \(exit code -9\); it said:\nnothing"):
        server.account()


PARENT = """
    import os, signal, sys
    from signalbox.testing import server

    with server() as running:
        if "fork" in sys.argv and os.fork() == 0:
            signal.pause()
        print(f"<{running.url}>", os.getpid(), flush=True)
        signal.pause()
"""


@pytest.mark.parametrize("how", ["alone", "fork"])
def test_server_ends_when_the_process_that_started_it_is_killed(tmp_path: Path, how: str) -> None:
    """With `fork`, another process survives and still has every file that the killed one had open."""
    parent = tmp_path / "parent.py"
    parent.write_text(textwrap.dedent(PARENT))
    with Process([sys.executable, "-W", "ignore", parent, how], env=environment({}), cwd=tmp_path) as process:
        url = process.printed("<(.+)>")[1]
        assert listens(url)
        process.signal(9)
        eventually(lambda: not listens(url), "the server ends")
        process.signal(9, group=True)


def test_ctrl_c_leaves_the_server_to_the_end_of_the_block(tmp_path: Path) -> None:
    block = tmp_path / "block.py"
    block.write_text(
        textwrap.dedent("""
        import signal
        from signalbox.testing import server

        with server() as running:
            try:
                print("begun", flush=True)
                signal.pause()
            except KeyboardInterrupt:
                print(len(running.account().enter_senders(2)), "entered", flush=True)
        """)
    )
    with Process([sys.executable, block], env=environment({}), cwd=tmp_path) as process:
        process.printed("begun")
        process.signal(2, group=True)
        process.printed("2 entered")
        assert process.wait() == 0


# --- costs for other projects


def test_importing_the_plugin_imports_nothing_of_the_server() -> None:
    """pytest imports the plugin at every start, even if few tests use it."""
    source = (
        "import pytest, sys; before = set(sys.modules); import signalbox.testing.plugin; "
        "print(set(sys.modules) - before)"
    )
    printed = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=300)
    new = set(eval(printed.stdout))  # noqa: S307 (a set that was just printed)
    assert {name for name in new if not name.startswith("signalbox")} <= {"tempfile", "random", "bisect", "_bisect"}
    assert {name for name in new if name.startswith("signalbox")} == {
        "signalbox",
        "signalbox.testing",
        "signalbox.testing.inbox",
        "signalbox.testing.plugin",
    }


def test_program_runs_without_pytest(tmp_path: Path) -> None:
    (tmp_path / "pytest.py").write_text("raise ImportError('pytest is an extra')\n")
    source = "from signalbox.testing import server\nwith server() as s: print(len(s.account().enter_senders(1)))"
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=300, env=env
    )
    assert done.stdout == "1\n"


# --- the command for other languages

TESTING = [sys.executable, "-m", "signalbox.testing"]


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TESTING, *words], capture_output=True, text=True, check=False, timeout=300)


def test_command_of_another_language_finds_the_server_and_an_account_and_keeps_its_exit_code() -> None:
    shell = 'curl -sf -u "$SIGNALBOX_ACCOUNT_SID:$SIGNALBOX_AUTH_TOKEN" "$SIGNALBOX_URL/v1/Senders"; exit 7'
    done = command("sh", "-c", shell)
    assert (done.stdout[:14], done.returncode, done.stderr) == ('{"senders":[],', 7, "")


def test_command_that_a_signal_ended_is_told_by_the_exit_code_of_a_shell() -> None:
    assert command("sh", "-c", "kill -9 $$").returncode == 137


def test_ctrl_c_ends_the_command_with_the_code_of_a_shell(tmp_path: Path) -> None:
    with Process([*TESTING, "sh", "-c", "echo begun; sleep 600"], env=environment({}), cwd=tmp_path) as process:
        process.printed("begun")
        process.signal(2, group=True)
        assert process.wait() == 130


def test_server_that_cannot_start_is_said(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ImportError('of another version')\n")
    env = environment({"PYTHONPATH": str(tmp_path)})
    done = subprocess.run([*TESTING, "true"], capture_output=True, text=True, check=False, timeout=300, env=env)
    assert done.returncode == 1
    assert done.stderr.startswith("signalbox.testing: the Signalbox server ended (exit code 1); it said:\nTraceback")
    assert done.stderr.endswith("ImportError: of another version\n")


def test_misuse_with_a_closed_standard_error_is_told_by_the_exit_code() -> None:
    assert subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *TESTING], check=False, timeout=300).returncode == 2


def test_missing_command_is_said() -> None:
    done = command("there-is-no-such-command")
    assert (done.returncode, done.stderr) == (127, "signalbox.testing: there is no command there-is-no-such-command\n")
    assert command().returncode == 2
