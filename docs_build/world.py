"""A real server for the samples of the API reference; changing values in its output are replaced by fixed ones."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import msgspec

from signalbox.api.inventory.sender_pools import OPERATION_ID, OTHER_SENDER_ID, SENDER_POOL_ID
from signalbox.api.inventory.senders import SENDER_ID
from signalbox.api.program.inspector import REQUEST_ID
from signalbox.api.routes import ROUTES
from signalbox.api.routing.opt_outs import OPT_OUT_ID
from signalbox.api.sending.message_shapes import MESSAGE_ID, SID
from signalbox.testing import Account, server
from signalbox_client import Signalbox

BASE_URL: Final = "http://127.0.0.1:8080"

_ROWS: Final[list[dict[str, object]]] = [
    {"channel": "SMS", "address": "+14155550123", "displayName": "Front desk", "tags": {"team": "sales"}},
    {"channel": "RCS", "address": "front-desk@rbm.goog"},
]
# No sender has this id: an operation with it has a failed item in its ledger.
_MISSING_ID: Final = "comms_sender_01kg73sv000000000000000000"
_TAGS: Final = {"team": "sales", "region": "eu-west"}
# Only an operation with work left can be canceled; this sample runs on a server without workers.
_WITHOUT_WORKERS: Final = ("ledger.cancel",)
_CANCELS: Final = ("messages.cancel", "messages.cancelOperation")
# These need a message that failed.
_AFTER_FAILURES: Final = ("messages.listErrors", "messages.retryOperation")
_SENT: Final = ("messages.", "inbox.", "recipients.")
_REACHED: Final = "+14155550199"
_REFUSED: Final = "+15005550003"
_DAY: Final = timedelta(days=1)
_IDLE: Final = {"SIGNALBOX_ACCOUNT_SID": "AC" + 8 * "4567", "SIGNALBOX_AUTH_TOKEN": "idle"}

# Values that differ from run to run, by the name of their field.
_FIXED: Final[dict[str, object]] = {
    "createdAt": "2026-01-31T09:30:00.125Z",
    "updatedAt": "2026-01-31T09:30:00.161Z",
    "next": "AQxhZnRlcjowMWtnOWRmODF4ZmFrcmE3OWt2dDJ5cmticA",
    "self": "AQlhdDowMWtnOWRmODF4ZmFrcmE3OWt2dDJ5cmticA",
    "requestId": "RQ5f0c1d7e9a3b4c2d8e6f7a1b0c9d8e7f",
    "ms": 0.42,
    "attemptedAt": "2026-01-31T09:30:00.161Z",
    "receivedAt": "2026-01-31T09:30:00.161Z",
    "scheduledFor": "2026-01-31T09:30:00.125Z",
}
# Longer lists are cut to this many items.
_MOST_SHOWN: Final = 5
_ID: Final = re.compile(r"\bcomms_[a-z]+_[0-7][a-z0-9]{25}\b")
# Ids of things that the vendor has too, but for accounts and requests.
_SID: Final = re.compile(r"\b(?!AC|RQ)([A-Z]{2})[0-9a-f]{32}\b")
_TIME: Final = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class World:
    """An account with two senders, a pool, and the operation that filled it; maps their ids to those of the samples."""

    def __init__(self, account: Account, endpoint: str) -> None:
        self.account = account
        self.environment = account.environment
        self._ours: dict[str, str] = {}
        if endpoint == "inventory.enter":
            return
        senders = account.enter_senders(_ROWS)
        self._ours = dict(zip(senders, (SENDER_ID.example, OTHER_SENDER_ID), strict=True))
        with Signalbox(account.account_sid, account.auth_token, url=account.url) as client:
            pools = client.sender_pools
            wanted = senders if endpoint != "senderPools.addSender" else []
            made = pools.create(name="Support Europe", senders=[*wanted, _MISSING_ID], tags=_TAGS).operation_id
            if endpoint not in _WITHOUT_WORKERS:
                pools.wait(made)
            self._put_what_clients_name(endpoint)
            if endpoint == "requests.fetch":
                auth = (self.account.account_sid, self.account.auth_token)
                logged = httpx.get(f"{self.account.url}/v1/Senders?pageSize=1", auth=auth)
                self._ours[logged.headers["x-request-id"]] = REQUEST_ID.example
            self._ours[next(iter(pools.list())).id] = SENDER_POOL_ID.example
            if endpoint.startswith(_SENT):
                to = _REFUSED if endpoint in _AFTER_FAILURES else _REACHED
                self._send(senders[0], to, later=endpoint in _CANCELS)
            else:
                self._ours[made] = OPERATION_ID.example
            if endpoint.startswith(("optOuts.", "recipients.")) and endpoint != "optOuts.create":
                self._ours[client.opt_outs.create(address=_REACHED, channel="PHONE").id] = OPT_OUT_ID.example

    def _send(self, sender_id: str, to: str, *, later: bool) -> None:
        """A message, its operation and its id downstream are there; a later one can be cancelled."""
        auth = (self.account.account_sid, self.account.auth_token)
        with httpx.Client(base_url=self.account.url, auth=auth) as http:
            body = {
                "to": [{"address": to, "channel": "PHONE", "variables": {"name": "Ada"}}],
                "from": {"senderId": sender_id},
                "content": {"text": 'Hello {{ name | default: "there" }}, your code is 123456.'},
                "schedule": {"sendAt": [(datetime.now(UTC) + later * _DAY).isoformat()]},
            }
            operation_id = http.post("/v1/Messages", json=body).json()["operationId"]
            if not later:
                http.get(f"/v1/Messages/Operations/{operation_id}", headers={"Prefer": "wait=30"}, timeout=60)
            (message,) = http.get(f"/v1/Messages?operationId={operation_id}").json()["messages"]
            attempts = http.get(f"/v1/Messages/{message['id']}").json()["attempts"]
        self._ours |= {operation_id: OPERATION_ID.example, message["id"]: MESSAGE_ID.example}
        self._ours |= {one["id"]: SID.example for one in attempts}

    def _put_what_clients_name(self, endpoint: str) -> None:
        """A resource whose id clients choose is there under the id of the samples: its PUT has been called."""
        path = next(route.path for route in ROUTES if route.name == endpoint)
        for route in ROUTES:
            if route.method == "PUT" and route.path.startswith(path.rpartition("/{")[0] or path):
                example = {param.name: str(param.example) for param in route.endpoint.path}
                response = httpx.put(
                    self.account.url + route.path.format_map(example),
                    content=msgspec.json.encode(route.endpoint.body and route.endpoint.body.example),
                    auth=(self.account.account_sid, self.account.auth_token),
                )
                response.raise_for_status()

    def real(self, text: str) -> str:
        """A sample with the real ids in place of the sample ids."""
        for real, shown in self._ours.items():
            text = text.replace(shown, real)
        return text

    def shown(self, text: str) -> str:
        """A response with sample ids in place of the real ones; an unknown id becomes the next of a fixed sequence."""
        for real in _ID.findall(text):
            if real not in self._ours:
                kind = real.rpartition("_")[0]
                number = sum(one.startswith(kind) for one in self._ours.values())
                self._ours[real] = f"{kind}_01kg9p6k00000000000000000{number}"
        for real, shown in self._ours.items():
            text = text.replace(real, shown)
        known = {param.example for route in ROUTES for param in route.endpoint.ids}
        text = _SID.sub(lambda match: match[0] if match[0] in known else match[1] + 8 * "89ab", text)
        return text.replace(self.account.url, BASE_URL).replace(self.account.account_sid, "AC" + 8 * "0123")

    def shown_json(self, value: Any, key: str = "") -> Any:
        """The same for JSON, with fixed times and tokens."""
        if isinstance(value, dict):
            return {name: self.shown_json(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [self.shown_json(one, key) for one in (value[:2] if len(value) > _MOST_SHOWN else value)]
        if value is not None and key in _FIXED:
            return _FIXED[key]
        if isinstance(value, str):
            return _TIME.sub(str(_FIXED["createdAt"]), self.shown(value))
        return value


@contextmanager
def worlds() -> Iterator[Callable[[str], World]]:
    """Makes a world for each sample: a separate account on one server."""
    with server() as running, _idle() as idle:
        yield lambda endpoint: World(idle if endpoint in _WITHOUT_WORKERS else running.account(), endpoint)


@contextmanager
def _idle() -> Iterator[Account]:
    """An account on a server without workers."""
    command = [sys.executable, "-m", "signalbox", "serve", "--port", "0", "--workers", "0", "--database", "sqlite://"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")}
    with subprocess.Popen(
        [*command, "--log-format", "json"], env={**clean, **_IDLE}, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stderr
            ready = next(line for line in process.stderr if b'"event":"ready"' in line)
            # The process logs little: the pipe cannot fill up.
            yield Account(json.loads(ready)["url"], *_IDLE.values())
        finally:
            process.terminate()


def curl(method: str, path: str, query: str, body: object, *, public: bool) -> str:
    """The request to an endpoint with curl, on as many lines as needed."""
    first = "curl" + (f" -X {method}" if method != "GET" else "")
    url = f'"$SIGNALBOX_URL{path}{"?" * bool(query)}{query}"'
    lines = [f"{first} {url}"] if public else [f'{first} -u "$SIGNALBOX_ACCOUNT_SID:$SIGNALBOX_AUTH_TOKEN"', url]
    if body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body, indent=2)}'"]
    return " \\\n  ".join(lines) + "\n"


def run_curl(sample: str, world: World) -> tuple[int, str, str]:
    """Runs the sample in bash; returns status, media type and text of the response. Raises CalledProcessError."""
    script = world.real(sample).rstrip().replace("curl", "curl -sS -w $'\\036%{http_code}\\036%{content_type}'", 1)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", **world.environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    text, status, media = done.stdout.split("\036")
    return int(status), media.partition(";")[0], text
