"""The published document: valid, whole, and no different from what the server does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis

from processes import SID, TOKEN, Connect, Serve, Server, environment
from signalbox.api.routes import ROUTES

# Two checks cannot judge this API everywhere.
# positive_data_acceptance: some rules cannot be said in a schema, so a request that fits it may rightly be refused: an
# endDate before the startDate, a page token that this server did not make, an idempotency key used for another request.
# negative_data_rejection: the inventory answers 200 and names each bad row, since the good ones enter; elsewhere
# unknown query parameters are refused in strict mode only, which therefore is on here.
CONFIGURATION = """
[checks.positive_data_acceptance]
enabled = false

[[operations]]
include-name = "POST /signalbox/v1/Senders"
checks.negative_data_rejection.enabled = false
"""


@pytest.fixture
def server(serve: Serve, tmp_path: Path) -> Server:
    return serve(f"sqlite:///{tmp_path / 'signalbox.db'}", "--strict")


@pytest.fixture
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/openapi.json").json()
    return found


def test_document_is_valid_openapi_31(document: dict[str, Any]) -> None:
    """By the specification's own schema, which schemathesis carries."""
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()


def test_document_has_exactly_the_routes(document: dict[str, Any]) -> None:
    described = [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]
    assert sorted(described) == sorted((route.method, route.path) for route in ROUTES)


def test_document_gives_each_operation_a_name_and_a_summary(document: dict[str, Any]) -> None:
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    assert all(one["summary"].endswith(".") for one in operations)


def test_document_asks_credentials_where_the_server_does(server: Server, document: dict[str, Any]) -> None:
    """Every operation is called without credentials: 401 exactly where the document has a security requirement."""
    with httpx.Client(base_url=server.url) as stranger:
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                answer = stranger.request(method, path.replace("{", "").replace("}", ""))
                assert (answer.status_code == 401) == ("security" not in operation), (method, path)


@pytest.mark.timeout(240)
def test_server_does_what_the_document_says(server: Server, client: Connect, tmp_path: Path) -> None:
    """Schemathesis finds no difference: right and wrong requests to every path, and chains of them."""
    known = client(server.url)
    known.completed(known.create_pool(known.enter(100)))
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        *("--config-file", str(tmp_path / "schemathesis.toml")),
        *("run", f"{server.url}/openapi.json", "--auth", f"{SID}:{TOKEN}"),
        *("--phases", "coverage,fuzzing,stateful"),
        *("--max-examples", "40", "--seed", "20260131", "--continue-on-failure", "--warnings", "off"),
        *("--request-timeout", "20"),
    ]
    run = subprocess.run(
        command,
        env=environment({"NO_COLOR": "1"}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    bugs = [line for line in server.log if line["event"] == "bug"]
    assert not bugs
