"""`serve --processes`: one port, one log, one set of metrics; the end of a process loses nothing."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import asyncpg
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from postgres import PostgresServer
from processes import (
    ACCOUNT,
    COMMAND,
    PATIENCE,
    READY,
    SID,
    TOKEN,
    Client,
    Connect,
    Process,
    Serve,
    Server,
    environment,
    eventually,
    run,
)

POSTGRES = "postgresql://ada:hidden-word@127.0.0.1:1/nowhere"


def pids(server: Server) -> dict[int, int]:
    """The number of each process, and the id of the newest process with that number."""
    return {line["process"]: line["pid"] for line in server.log if line["event"] == "process ready"}


def get(url: str, login: str = "") -> str:
    """The body of a successful GET on a connection of its own: any process may respond."""
    headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}
    with urlopen(Request(url, headers=headers), timeout=PATIENCE) as response:  # noqa: S310 (our own server)
        body: bytes = response.read()
    return body.decode()


def scraped(url: str) -> dict[str, float]:
    """The samples of a scrape, by name and labels."""
    text = get(f"{url}/metrics")
    return {
        " ".join([sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def counted(samples: Mapping[str, float], route: str) -> float:
    """The requests of a route, of all methods and statuses."""
    return sum(
        value
        for name, value in samples.items()
        if name.startswith("signalbox_request_seconds_count") and f" route={route} " in name
    )


def test_processes_start_once_and_share_port_log_and_metrics(serve: Serve, empty_postgres_url: str) -> None:
    """On an empty database: one account, one banner, one line `ready`; every line of the log names its process."""
    server = serve(empty_postgres_url, "--processes", "3", "--database-connections", "99", env={})
    server.printed('"event":"started"')
    assert [line.split('"')[3] for line in server.stdout.splitlines()] == ["account", "started"]
    login = re.findall(r"AC[0-9a-f]{32}:\S+", server.stdout)[0]
    assert len(set(pids(server).values())) == 3
    assert server.pid not in pids(server).values()
    for _ in range(30):
        get(f"{server.url}/v1/SenderPools", login)
    samples = [scraped(server.url) for _ in range(10)]
    assert {counted(one, "senderPools.list") for one in samples} == {30}
    assert {one["signalbox_processes"] for one in samples} == {3}
    assert counted(samples[-1], "health.metrics") == 9
    assert "ready" in get(f"{server.url}/readyz")
    assert server.stop() == 0
    few = [line for line in server.log if "3 processes may open 300" in line.get("problem", "")]
    assert [line["process"] for line in few] == [1], "warned once"
    served = [line["process"] for line in server.log if line["event"] == "request"]
    assert len(served) == 30
    assert len(set(served)) > 1, "one process responded to all connections"
    (ready,) = [line for line in server.log if line["event"] == "ready"]
    assert (ready["process"], ready["processes"]) == (0, 3)
    assert {line["process"] for line in server.log} == {0, 1, 2, 3}
    assert sum(line["event"] == "stopped" for line in server.log) == 4
    assert server.log[-1]["process"] == 0


def test_killed_process_loses_no_accepted_operation_and_no_count(
    serve: Serve, client: Connect, postgres_url: str
) -> None:
    """One process is killed under load, twice. Counters never fall, and count every response before the kill."""
    server = serve(postgres_url, "--processes", "2")
    senders = client(server.url).enter(200)
    accepted: list[str] = []
    over = threading.Event()

    def create() -> None:
        while not over.is_set():
            with suppress(httpx.TransportError), Client(server.url) as connection:
                accepted.extend(connection.create_pool(senders) for _ in range(5))

    threads = [threading.Thread(target=create) for _ in range(3)]
    for thread in threads:
        thread.start()
    counts = [0.0]
    try:
        for _ in range(2):
            victim = pids(server)[1]
            with Client(server.url) as connection:
                accepted.extend(connection.create_pool(senders) for _ in range(10))
            os.kill(victim, signal.SIGKILL)
            counts.append(counted(scraped(server.url), "senderPools.create"))
            server.printed(rf'(?s)"pid":{victim},.*"process":1,"event":"process ready"')
            counts.append(counted(scraped(server.url), "senderPools.create"))
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE)
    connection = client(server.url)
    for operation_id in accepted:
        assert connection.completed(operation_id)["stats"]["created"] == 201
    samples = scraped(server.url)
    counts.append(counted(samples, "senderPools.create"))
    assert counts == sorted(counts)
    created = samples["signalbox_request_seconds_count method=POST route=senderPools.create status=202"]
    # Of the requests in progress at a kill, it is not known whether they were counted.
    assert abs(created - len(accepted)) <= 2 * len(threads)
    assert samples["signalbox_process_restarts_total"] == 2
    assert samples["signalbox_processes"] == 2
    ends = _ends(server)
    assert [(line["process"], line["number"], line["end"]) for line in ends] == [(0, 1, "SIGKILL")] * 2
    assert [line["startAgainInMs"] for line in ends] == [0, 500], "the second end soon after the start has a pause"
    assert server.stop() == 0


def test_port_stays_taken_while_all_processes_are_replaced(serve: Serve, postgres_url: str, tmp_path: Path) -> None:
    """A second server is refused, and is told the supervisor. A client that connects meanwhile is served."""
    server = serve(postgres_url, "--processes", "2")
    before = pids(server)
    taken = run(tmp_path, "serve", "--port", str(server.port), "--processes", "2", "--database", postgres_url)
    assert f"by another Signalbox (process {server.pid}: signalbox serve)" in taken.stderr, "the supervisor"
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    get(f"{server.url}/v1/SenderPools", f"{SID}:{TOKEN}")
    eventually(lambda: not set(pids(server).values()) & set(before.values()), "both are back")
    assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_the_whole_group_stops_all_with_0(
    serve: Serve, client: Connect, postgres_url: str, number: signal.Signals
) -> None:
    """As Ctrl-C and service managers send it. Work in hand is finished or rolled back, and no port stays open."""
    server = serve(postgres_url, "--processes", "2")
    connection = client(server.url)
    operation_id = connection.create_pool(connection.enter(5_000))
    started = time.monotonic()
    server.signal(number, group=True)
    assert server.wait(10) == 0
    assert time.monotonic() - started < 10
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    assert not _ends(server)
    again = client(serve(postgres_url, "--processes", "2").url)
    assert again.completed(operation_id)["stats"]["created"] == 5_001


def test_second_signal_ends_what_hangs(serve: Serve, postgres_url: str) -> None:
    """One process is stopped by SIGSTOP, so that it cannot react; the second signal does not wait for it."""
    server = serve(postgres_url, "--processes", "2")
    children = pids(server)
    os.kill(children[2], signal.SIGSTOP)
    server.signal(signal.SIGTERM)
    eventually(lambda: not Path(f"/proc/{children[1]}").exists(), "the other process ends")
    started = time.monotonic()
    server.signal(signal.SIGTERM)
    assert server.wait(10) == 0
    assert time.monotonic() - started < 5
    (late,) = [line for line in server.log if line["event"] == "stopped before everything was finished"]
    assert late["processes"] == [2]


def test_process_that_hangs_is_killed_at_the_end_of_the_time(postgres_url: str, tmp_path: Path) -> None:
    """With half a second instead of 9.5."""
    impatient = "from signalbox import __main__, supervisor; supervisor._STOP_SECONDS = 0.5; __main__.main()"
    command = [sys.executable, "-c", impatient, "serve", "--port", "0", "--processes", "2", "--database", postgres_url]
    with Process(command, env=environment(ACCOUNT), cwd=tmp_path) as process:
        process.printed(READY)
        hanging = next(line["pid"] for line in process.log if line["event"] == "process ready")
        os.kill(hanging, signal.SIGSTOP)
        assert process.stop() == 0
        (late,) = [line for line in process.log if line["event"] == "stopped before everything was finished"]
        assert late["processes"] == [1]


async def test_process_that_is_killed_before_all_are_ready_fails_the_start(postgres_url: str, tmp_path: Path) -> None:
    """The first process waits for a lock on the table of the first account, and is killed meanwhile."""
    command = [str(COMMAND), "serve", "--port", "0", "--processes", "2", "--database", postgres_url]
    holder = await asyncpg.connect(postgres_url)
    async with holder.transaction():
        await holder.execute("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
        with Process(command, env=environment(ACCOUNT), cwd=tmp_path) as process:
            async with asyncio.timeout(PATIENCE):
                while not await holder.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                    pass
            os.kill(_only_child(process.pid), signal.SIGKILL)
            assert process.wait() == 1
            ends = [line for line in process.log if line["event"] == "process ended"]
            assert [(end["level"], end["number"], end["end"]) for end in ends] == [("error", 1, "SIGKILL")]
            assert process.stdout == ""
    await holder.close()


def test_death_of_the_supervisor_ends_its_processes(serve: Serve, postgres_url: str) -> None:
    server = serve(postgres_url, "--processes", "2")
    children = pids(server).values()
    os.kill(server.pid, signal.SIGKILL)
    # The output ends when the last process that has it ends.
    server.printed('"process":1,"event":"stopped"')
    server.printed('"process":2,"event":"stopped"')
    eventually(lambda: not any(_runs(pid) for pid in children), "the processes end")


def _only_child(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def _runs(pid: int) -> bool:
    """Whether the process runs. An orphan whose new parent does not wait for it stays a zombie."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


async def test_process_that_cannot_start_again_waits_longer_each_time(
    serve: Serve, postgres_server: PostgresServer, postgres_url: str
) -> None:
    """The database accepts no new connections for a while; the other process serves, and says so in the metrics."""
    server = serve(postgres_url, "--processes", "2", "--database-connections", "1")
    before = pids(server)
    name = urlsplit(postgres_url).path[1:]
    admin = await asyncpg.connect(postgres_server.url("postgres"))
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    os.kill(before[1], signal.SIGKILL)
    eventually(lambda: len(_ends(server)) >= 3, "it was started twice")
    assert "ready" in get(f"{server.url}/readyz")
    assert scraped(server.url)["signalbox_processes"] == 1
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await admin.close()
    eventually(lambda: pids(server)[1] != before[1], "it is back")
    assert server.stop() == 0
    assert [end["end"] for end in _ends(server)][:3] == ["SIGKILL", "exit code 1", "exit code 1"]
    assert [end["startAgainInMs"] for end in _ends(server)][:3] == [0, 500, 1000]
    reasons = {line["problem"] for line in server.log if line["event"] == "process cannot start"}
    assert all(reason.startswith("The database cannot be reached.") for reason in reasons)
    assert reasons


def _ends(server: Server) -> list[dict[str, Any]]:
    return [line for line in server.log if line["event"] == "process ended"]


REFUSALS = {
    "sqlite": (
        ["--processes", "2"],
        2,
        "signalbox: processes: 2 processes need PostgreSQL, and the database is SQLite",
    ),
    "memory": (["--processes", "2", "--database", "sqlite://"], 2, "2 processes need PostgreSQL"),
    "none": (["--processes", "0"], 2, "signalbox: --processes: must be an integer from 1 to 64, not '0'"),
    "huge": (["--processes", "1000000"], 2, "signalbox: --processes: must be an integer from 1 to 64"),
    "away": (["--processes", "2", "--database", POSTGRES], 1, "The database cannot be reached"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_serve_is_refused_at_the_start(tmp_path: Path, case: str) -> None:
    options, code, message = REFUSALS[case]
    refused = run(tmp_path, "serve", "--port", "0", *options)
    assert refused.returncode == code
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "hidden-word" not in refused.stderr
    assert refused.stdout == ""
    assert not list(tmp_path.glob("*.db*"))


def test_commands_that_run_no_processes_have_no_such_option(tmp_path: Path) -> None:
    """The variable and the file may be shared with `serve`: other commands ignore the setting."""
    for command in ("dev", "worker"):
        refused = run(tmp_path, command, "--processes", "2")
        assert refused.returncode == 2
        assert "No such option '--processes'" in refused.stderr
    looked = run(tmp_path, "accounts", "list", "--database", "sqlite:///no.db", env={"SIGNALBOX_PROCESSES": "2"})
    assert "there is no such database" in looked.stderr
