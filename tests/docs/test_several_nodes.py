"""docs/several-nodes.md: its three processes, run as written on one PostgreSQL."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path

from written import PROGRAMS, run, under

from ports import free_port, on_free_ports
from processes import ACCOUNT, PATIENCE, Process, environment


def test_pool_made_on_one_node_is_filled_by_a_worker_and_watched_on_the_other(
    empty_postgres_url: str, tmp_path: Path, stack: ExitStack
) -> None:
    """All three processes start at the same moment on an empty database."""
    ports = {8080: free_port(), 8081: free_port()}
    variables = {**ACCOUNT, "SIGNALBOX_DATABASE": empty_postgres_url}

    settings, *starts = under("several-nodes", "Start")
    assert set(re.findall("SIGNALBOX_[A-Z_]+", settings.text)) == {*variables, "SIGNALBOX_PUBLIC_URL"}
    variables["SIGNALBOX_PUBLIC_URL"] = "https://api.example.com"
    processes = []
    for start in starts:
        shell = ["bash", "-c", f"exec {on_free_ports(start.text, ports)}"]
        env = environment({"PATH": PROGRAMS, **variables})
        processes.append(stack.enter_context(Process(shell, env=env, cwd=tmp_path)))
    assert len(processes) == 3
    for process in processes:
        process.printed(r'"event":"(ready|working)"')
    steps, response = under("several-nodes", "See that it works")
    printed = run(["bash", "-euo", "pipefail", "-c", on_free_ports(steps.text, ports)], tmp_path, variables, PATIENCE)
    seen, shown = json.loads(printed), json.loads(response.text)
    assert (seen.keys(), seen["status"], seen["stats"]) == (shown.keys(), shown["status"], shown["stats"])
    assert [line["event"] for line in processes[2].log].count("batch") == 1
    for process in processes:
        assert process.stop() == 0
