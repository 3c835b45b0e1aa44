"""docs/tls.md behind a real nginx and a real Caddy: `python -m pytest tests/docs/check_proxies.py`.

Debian has both (`apt-get install nginx-light caddy`); no Python package index does, so `make test` skips this file.
"""

from __future__ import annotations

import json
import ssl
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event, Semaphore
from typing import NamedTuple

import httpx
import pytest
from proxies import Authority, Caddy, Nginx, changed
from written import run, under

from ports import free_port
from processes import SID, TOKEN, Client, Connect, Serve, Server, eventually

NAME = "api.example.com"


class Proxied(NamedTuple):
    """A server without workers, the proxy before the server, and a client of each."""

    server: Server
    url: str
    inside: Client
    outside: httpx.Client


def _client(folder: Path, port: int) -> httpx.Client:
    """A client that resolves the proxy's name to this machine and trusts the certificate authority."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    return httpx.Client(
        base_url=f"https://127.0.0.1:{port}",
        headers={"Host": f"{NAME}:{port}"},
        auth=(SID, TOKEN),
        verify=context,
        timeout=90,
    )


def _caddy(folder: Path, port: int) -> dict[str, str]:
    return {f"{NAME} {{": f"{NAME}:{port} {{", "/etc/ssl/": f"{folder}/"}


@pytest.fixture(params=["nginx", "caddy"])
def proxied(request: pytest.FixtureRequest, serve: Serve, client: Connect, tmp_path: Path, stack: ExitStack) -> Proxied:
    server = serve(f"sqlite:///{tmp_path}/signalbox.db", "--trusted-proxies", "127.0.0.1", "--workers", "0")
    Authority(tmp_path).certificate(NAME)
    if request.param == "nginx":
        proxy: Nginx | Caddy = Nginx(tmp_path, server.url, NAME)
    else:
        port = free_port()
        text = under("tls", "Caddy")[0].text
        changes = {**_caddy(tmp_path, port), "127.0.0.1:8080": f"127.0.0.1:{server.port}"}
        proxy = Caddy(tmp_path, changed(text, changes), NAME, port)
    stack.enter_context(proxy)
    outside = stack.enter_context(_client(tmp_path, proxy.port))
    return Proxied(server, proxy.url, client(server.url), outside)


def _ask(proxied: Proxied, method: str, path: str, **more: object) -> httpx.Response:
    """Sends a request through the proxy, with the proxy's name in SNI."""
    request = proxied.outside.build_request(method, path, extensions={"sni_hostname": NAME}, **more)  # type: ignore[arg-type]
    return proxied.outside.send(request)


def test_urls_are_the_proxys_whatever_the_client_says_of_itself(proxied: Proxied) -> None:
    lies = {
        "Forwarded": "proto=http;host=evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
    }
    for headers in ({}, lies):
        response = _ask(proxied, "POST", "/v1/SenderPools", json={}, headers=headers)
        assert response.status_code == 202, response.text
        location = response.json()["operationLocation"]
        assert location.startswith(f"{proxied.url}/v1/SenderPools/Operations/")
        assert response.headers["location"] == response.headers["operationlocation"] == location
        wrong = _ask(proxied, "GET", "/v1/SenderPools?pageSize=0", headers=headers).json()
        assert wrong["errors"][0]["infoUrl"] == f"{proxied.url}/docs/errors#20001"


def test_waiting_lasts_as_long_as_it_may(proxied: Proxied) -> None:
    """Waits 60 seconds for an operation that no worker processes."""
    senders = proxied.inside.enter(1)
    path = f"/v1/SenderPools/Operations/{proxied.inside.create_pool(senders)}"
    for seconds in (2, 60):
        begin = time.monotonic()
        response = _ask(proxied, "GET", path, headers={"Prefer": f"wait={seconds}"})
        assert response.status_code == 200, response.text
        assert response.json()["status"] == "PROCESSING"
        assert seconds <= time.monotonic() - begin < seconds + 5


def test_events_arrive_one_by_one(proxied: Proxied) -> None:
    """The first event arrives while the operation is queued, the last event after the cancellation."""
    operation_id = proxied.inside.create_pool(proxied.inside.enter(1))
    path = f"/v1/SenderPools/Operations/{operation_id}"
    request = proxied.outside.build_request(
        "GET", path, headers={"Accept": "text/event-stream"}, extensions={"sni_hostname": NAME}
    )
    response = proxied.outside.send(request, stream=True)
    lines = (line for line in response.iter_lines() if line.startswith("data:"))
    assert json.loads(next(lines)[5:])["status"] == "PROCESSING"
    cancelled = _ask(proxied, "POST", f"/signalbox{path}/Cancel")
    assert cancelled.status_code == 202, cancelled.text
    assert json.loads(next(lines)[5:])["status"] == "CANCELED"
    assert next(lines, None) is None
    response.close()


def test_large_responses_and_bodies_get_through(proxied: Proxied) -> None:
    operation_id = proxied.inside.create_pool(proxied.inside.enter(9_999))
    items = f"/signalbox/v1/SenderPools/Operations/{operation_id}/Items"
    response = _ask(proxied, "GET", items, headers={"Accept": "application/x-ndjson"})
    assert len(response.text.splitlines()) == 10_000
    blank = b" " * (10 << 20)
    whole = _ask(proxied, "POST", "/v1/SenderPools", content=blank[:-2] + b"{}")
    assert whole.status_code == 202, whole.text
    # The server closes the connection during the body; the proxy can see that before the response.
    with suppress(httpx.RemoteProtocolError):
        assert _ask(proxied, "POST", "/v1/SenderPools", content=blank + b"{}").status_code == 413


def test_metrics_are_refused(proxied: Proxied) -> None:
    assert _ask(proxied, "GET", "/metrics").status_code == 403
    assert _ask(proxied, "GET", "/readyz").status_code == 200


def test_commands_of_the_page_show_what_it_says(proxied: Proxied, tmp_path: Path) -> None:
    (block,) = under("tls", "See that it works")
    (tmp_path / ".curlrc").write_text(f"resolve = {NAME}:{httpx.URL(proxied.url).port}:127.0.0.1\ncacert = ca.pem\n")
    variables = {"HOME": str(tmp_path), "API": proxied.url, "LOGIN": f"{SID}:{TOKEN}"}
    response, code = run(["bash", "-euo", "pipefail", "-c", block.text], tmp_path, variables).splitlines()
    assert json.loads(response)["operationLocation"].startswith(proxied.url)
    assert code == "403"


def test_prefix_is_in_the_urls(serve: Serve, tmp_path: Path, stack: ExitStack) -> None:
    """The lines of the section are added to a copy of the first location's lines."""
    server = serve("sqlite://", "--trusted-proxies", "127.0.0.1")
    Authority(tmp_path).certificate(NAME)
    first = under("tls", "nginx")[0].text.partition("location / {\n")[2].partition("}")[0]
    others = [line for line in first.splitlines() if "proxy_pass" not in line and "X-Forwarded-Prefix" not in line]
    start = "location /comms/ {"
    prefixed = under("tls", "Below a prefix")[0].text.replace(start, "\n".join([start, *others]))
    proxy = stack.enter_context(Nginx(tmp_path, server.url, NAME, more=prefixed))
    outside = stack.enter_context(_client(tmp_path, proxy.port))
    request = outside.build_request("POST", "/comms/v1/SenderPools", json={}, extensions={"sni_hostname": NAME})
    location = outside.send(request).json()["operationLocation"]
    assert location.startswith(f"{proxy.url}/comms/v1/SenderPools/Operations/")


@pytest.mark.parametrize("which", ["nginx", "caddy"])
def test_nodes_are_stopped_and_killed_behind_a_load_balancer(
    which: str, serve: Serve, client: Connect, postgres_url: str, tmp_path: Path, stack: ExitStack
) -> None:
    """No GET fails; a POST that fails gets a response on a retry with its idempotency key, and has its effect once."""
    trust = ("--trusted-proxies", "127.0.0.1")
    nodes = [serve(postgres_url, *trust), serve(postgres_url, *trust)]
    Authority(tmp_path).certificate(NAME)
    blocks = under("several-nodes", "The load balancer")
    ports = {"127.0.0.1:8080": f"127.0.0.1:{nodes[0].port}", "127.0.0.1:8081": f"127.0.0.1:{nodes[1].port}"}
    if which == "nginx":
        proxy: Nginx | Caddy = Nginx(tmp_path, "", NAME, upstream=changed(blocks[0].text, ports))
    else:
        port = free_port()
        site = under("tls", "Caddy")[0].text
        own = site[site.index("    reverse_proxy") :].rstrip().removesuffix("}")
        changes = {**_caddy(tmp_path, port), own: changed(blocks[1].text, ports)}
        proxy = Caddy(tmp_path, changed(site, changes), NAME, port)
    stack.enter_context(proxy)
    outside = stack.enter_context(_client(tmp_path, proxy.port))
    ended, rounds, failed = Event(), Semaphore(0), []
    sni = {"sni_hostname": NAME}

    def makes(number: int) -> bool:
        key = {"Idempotency-Key": f"key-{number}"}
        made = outside.post("/v1/SenderPools", json={"name": f"{number}"}, headers=key, extensions=sni)
        if made.status_code != 202:
            failed.append(made.status_code)
        return made.status_code == 202

    def go_on() -> int:
        for number in count():
            if ended.is_set():
                return number
            eventually(partial(makes, number), "the retried POST gets a response")
            listed = outside.get("/v1/SenderPools?pageSize=1", extensions=sni)
            assert listed.status_code == 200, listed.text
            rounds.release()
        raise AssertionError

    def let_them_go_on() -> None:
        for _ in range(60):
            assert rounds.acquire(timeout=30) or made.result()

    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(go_on)
        try:
            let_them_go_on()
            assert nodes[0].stop() == 0
            let_them_go_on()
            again = serve(postgres_url, *trust, "--port", str(nodes[0].port))
            # The load balancer must use the first node again before the test stops the other node.
            again.printed('"event":"request"')
            let_them_go_on()
            nodes[1].kill()
            let_them_go_on()
        finally:
            ended.set()
        rounds_made = made.result()
    pools = [pool["name"] for pool in client(again.url).pages("/v1/SenderPools", "senderPools", pageSize=1000)]
    assert sorted(pools, key=int) == [f"{number}" for number in range(rounds_made)]
    print(f"{which}: {len(pools)} pools, requests that were retried: {dict(Counter(failed))}")  # noqa: T201
