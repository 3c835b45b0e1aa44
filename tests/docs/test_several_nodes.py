"""docs/several-nodes.md: its three processes, run as written on one PostgreSQL."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from proxies import free_port
from written import PROGRAMS, run, under

from processes import ACCOUNT, PATIENCE, Process, environment

# These tests use the ports in the documentation, or look for free ports, so they run one after the other.
pytestmark = pytest.mark.xdist_group("ports")


def test_pool_made_on_one_node_is_filled_by_a_worker_and_watched_on_the_other(
    empty_postgres_url: str, tmp_path: Path, stack: ExitStack
) -> None:
    """All three processes start at the same moment on an empty database."""
    ports = {"8080": str(free_port()), "8081": str(free_port())}
    variables = {**ACCOUNT, "SIGNALBOX_DATABASE": empty_postgres_url}

    def on_free_ports(text: str) -> str:
        return re.sub("808[01]", lambda port: ports[port[0]], text)

    settings, *starts = under("several-nodes", "Start")
    assert set(re.findall("SIGNALBOX_[A-Z_]+", settings.text)) == {*variables, "SIGNALBOX_PUBLIC_URL"}
    variables["SIGNALBOX_PUBLIC_URL"] = "https://api.example.com"
    processes = []
    for start in starts:
        shell = ["bash", "-c", f"exec {on_free_ports(start.text)}"]
        env = environment({"PATH": PROGRAMS, **variables})
        processes.append(stack.enter_context(Process(shell, env=env, cwd=tmp_path)))
    assert len(processes) == 3
    for process in processes:
        process.printed(r'"event":"(ready|working)"')
    steps, response = under("several-nodes", "See that it works")
    printed = run(["bash", "-euo", "pipefail", "-c", on_free_ports(steps.text)], tmp_path, variables, PATIENCE)
    seen, shown = json.loads(printed), json.loads(response.text)
    assert (seen.keys(), seen["status"], seen["stats"]) == (shown.keys(), shown["status"], shown["stats"])
    assert [line["event"] for line in processes[2].log].count("batch") == 1
    for process in processes:
        assert process.stop() == 0
