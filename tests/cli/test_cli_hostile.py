"""A hostile server: nothing that it sends can control the terminal."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest
from commands import Shell, Terminal, csv_of

EVIL: Final = "\x1b]0;owned\x07\x1b[2J\r\n\u202eroot\x9b31m"
TIME: Final = "2026-11-23T14:00:00.000Z"
SENDER: Final = {
    "id": EVIL,
    "displayName": EVIL,
    "address": EVIL,
    "channel": EVIL,
    "status": EVIL,
    "region": EVIL,
    "tags": {EVIL: EVIL},
    "updatedAt": TIME,
    "createdAt": TIME,
}
OPERATION: Final = {
    "id": EVIL,
    "status": EVIL,
    "stats": {"total": 1, "queued": 0, "created": 1, "failed": 0},
    "createdAt": TIME,
    "updatedAt": TIME,
}
SUCCESS: Final = {
    **SENDER,
    "name": EVIL,
    "resourceId": EVIL,
    "resourceLocation": EVIL,
    "operationId": EVIL,
    "operationLocation": EVIL,
    # For lists and for names at once.
    "senders": [{**SENDER, "senderPools": [{"id": EVIL, "name": EVIL}], "moreSenderPools": True}],
    "senderPools": [{**SENDER, "name": EVIL, "senders": 1, "channels": [{"channel": EVIL, "count": 1}]}],
    "operations": [{**OPERATION, "kind": EVIL, "items": 1, "senderPool": {"id": EVIL, "name": EVIL}}],
    "items": [{"index": 0, "senderId": EVIL, "outcome": EVIL, "code": 1, "message": EVIL}],
    "results": [],
    "pagination": {"next": None, "self": "x"},
}
ERROR: Final = {"code": 1, "message": EVIL, "errors": [{"code": 1, "message": EVIL, "context": EVIL}]}
SENDER_ID: Final = "comms_sender_00000000000000000000000000"
OPERATION_ID: Final = "comms_operation_00000000000000000000000000"
POOL_ID: Final = "comms_senderpool_00000000000000000000000000"


class Evil(BaseHTTPRequestHandler):
    """Responds to every request with control characters."""

    def respond(self) -> None:
        """Responds with the status in the path of the base URL, or with a success."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = {"refuse": 400, "busy": 429}.get(self.path.split("/")[1], 200)
        body = json.dumps(SUCCESS if status == 200 else ERROR).encode()
        self.send_response(status)
        self.send_header("Retry-After", "9" * 30)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = respond  # noqa: N815 (names of http.server)

    def log_message(self, *_arguments: object) -> None:
        """Logs nothing."""


@pytest.fixture(scope="module")
def evil() -> Iterator[str]:
    """The URL of a hostile server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Evil) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["", "/refuse"], ids=["success", "error"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["senders", "list"],
        ["senders", "show", SENDER_ID],
        ["senders", "remove", "--yes", SENDER_ID],
        ["senders", "activate", SENDER_ID],
        ["pools", "list"],
        ["pools", "find", "x"],
        ["pools", "show", "x"],
        ["pools", "create", "x"],
        ["pools", "delete", "--yes", POOL_ID],
        ["operations", "list"],
        ["operations", "items", OPERATION_ID],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_nothing_that_a_server_says_steers_the_terminal(
    tmp_path: Path, evil: str, arguments: list[str], path: str
) -> None:
    login = {"SIGNALBOX_ACCOUNT_SID": "AC" + "0" * 32, "SIGNALBOX_AUTH_TOKEN": "x"}
    shell = Shell(tmp_path, SIGNALBOX_URL=evil + path, NO_COLOR="1", **login)
    with Terminal(shell, *arguments, env={"NO_COLOR": "1"}) as terminal:
        assert terminal.ends() == (1 if path else 0), terminal.text
    assert "owned" in terminal.text
    lines = terminal.text.replace("\r\n", "\n").split("\n")
    assert all(line.isprintable() for line in lines), terminal.text


@pytest.mark.parametrize(
    "arguments", [["senders", "import", "-"], ["senders", "list"], ["pools", "create", "x"]], ids=str
)
def test_command_does_not_wait_for_years_though_a_server_asks_for_them(
    tmp_path: Path, evil: str, arguments: list[str]
) -> None:
    login = {"SIGNALBOX_ACCOUNT_SID": "AC" + "0" * 32, "SIGNALBOX_AUTH_TOKEN": "x"}
    started = time.monotonic()
    done = Shell(tmp_path, SIGNALBOX_URL=f"{evil}/busy", **login)(*arguments, stdin=csv_of(1))
    assert done.returncode == 1
    assert "(429, code 1)" in done.stderr
    assert time.monotonic() - started < 25
