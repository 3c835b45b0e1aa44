"""The recipes of docs/moving.md that need more tools: `python -m pytest tests/docs/check_moving.py`.

`MOVING_TOOLS` names a folder with those tools; the test puts each of its files and folders beside the recipe:

- `node_modules`: `npm install twilio axios newman`
- `jars`: Maven's `dependency:copy-dependencies` of `com.twilio.sdk:twilio` and `com.squareup.okhttp3:okhttp`
- `go.mod` and `go.sum`: `go get github.com/twilio/twilio-go`
- `vendor/autoload.php` of the PHP SDK; `ruby`, the `lib` folder of the Ruby SDK

From Debian: `httpie php-cli php-curl ruby-faraday-middleware ruby-jwt ruby-nokogiri nginx-light`. The names are tried
by root only, in a mount namespace with an `/etc/hosts` of its own.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path

import pytest
from proxies import Authority, Nginx
from recipes import ACCOUNT, BY_HAND, EACH_RUN, TOKEN, pool_is_made, written_for
from written import run, under

from processes import SID, Connect, Serve

TOOLS = Path(os.environ["MOVING_TOOLS"])
NAME = "comms.twilio.com"
ADDRESS = "127.0.0.77"
STORE = "-Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit"
TRUST = {
    "curl": {"CURL_CA_BUNDLE": "ca.pem"},
    "Python, requests": {"REQUESTS_CA_BUNDLE": "ca.pem"},
    "Python SDK": {"REQUESTS_CA_BUNDLE": "ca.pem"},
    "Python, httpx": {"SSL_CERT_FILE": "ca.pem"},
    "JavaScript, fetch": {"NODE_EXTRA_CA_CERTS": "ca.pem"},
    "JavaScript, axios": {"NODE_EXTRA_CA_CERTS": "ca.pem"},
    "Node SDK": {"NODE_EXTRA_CA_CERTS": "ca.pem"},
    "Go, net/http": {"SSL_CERT_FILE": "ca.pem"},
    "Java, java.net.http": {
        "JAVA_TOOL_OPTIONS": "-Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit"
    },
}


def _lay_out(folder: Path) -> None:
    for tool in TOOLS.iterdir():
        (folder / tool.name).symlink_to(tool)


@pytest.mark.parametrize("heading", BY_HAND)
def test_recipe_with_its_own_tools_makes_a_pool_here(
    heading: str, serve: Serve, client: Connect, tmp_path: Path
) -> None:
    url = serve("sqlite://", env=ACCOUNT).url
    _lay_out(tmp_path)
    pool_is_made(written_for(heading, url), BY_HAND[heading], tmp_path, client(url, SID, TOKEN))


def test_environment_moves_a_collection(serve: Serve, client: Connect, tmp_path: Path) -> None:
    """Newman reads the page's environment, with the test server's values, and runs a request of a collection."""
    server = serve("sqlite://", env=ACCOUNT)
    _lay_out(tmp_path)
    (written,) = under("moving", "Postman, and tools like it")
    there = json.loads(written.text)
    values = {"baseUrl": server.url, "accountSid": SID, "authToken": TOKEN}
    assert {one["key"] for one in there["values"]} == set(values)
    there["values"] = [{**one, "value": values[one["key"]]} for one in there["values"]]
    basic = [{"key": "username", "value": "{{accountSid}}"}, {"key": "password", "value": "{{authToken}}"}]
    request = {
        "method": "POST",
        "url": "{{baseUrl}}/v1/SenderPools",
        "auth": {"type": "basic", "basic": basic},
        "header": [{"key": "Content-Type", "value": "application/json"}],
        "body": {"mode": "raw", "raw": '{"name": "Support"}'},
    }
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    collection = {"info": {"name": "moved", "schema": schema}, "item": [{"name": "create", "request": request}]}
    (tmp_path / "environment.json").write_text(json.dumps(there))
    (tmp_path / "collection.json").write_text(json.dumps(collection))
    run(["node_modules/.bin/newman", "run", "collection.json", "-e", "environment.json"], tmp_path, {}, 60)
    (pool,) = client(server.url, SID, TOKEN).get("/v1/SenderPools")["senderPools"]
    assert pool["name"] == "Support"


@pytest.mark.parametrize("heading", TRUST)
def test_name_that_leads_here_moves_a_program_as_it_is(
    heading: str, serve: Serve, client: Connect, tmp_path: Path, stack: ExitStack
) -> None:
    """The recipe has the vendor's URL again; the name resolves to a proxy of the test."""
    server = serve("sqlite://", "--trusted-proxies", "127.0.0.1", env=ACCOUNT)
    _lay_out(tmp_path)
    authority = Authority(tmp_path)
    authority.certificate(NAME)
    stack.enter_context(Nginx(tmp_path, server.url, NAME, 443, ADDRESS))
    run(
        ["keytool", "-importcert", "-noprompt", "-file", "ca.pem", "-keystore", "trust.p12", "-storepass", "changeit"],
        tmp_path,
        {},
    )
    (tmp_path / "hosts").write_text(f"{ADDRESS} {NAME}\n127.0.0.1 localhost\n")
    recipe = {**EACH_RUN, **BY_HAND}[heading]
    own = f'mount --bind "{tmp_path}/hosts" /etc/hosts && exec "$@"'
    there = recipe._replace(command=("unshare", "--mount", "bash", "-c", own, "bash", *recipe.command))
    text = written_for(heading, server.url)
    assert server.url in text
    text = text.replace(server.url, f"https://{NAME}")
    pool_is_made(text, there, tmp_path, client(server.url, SID, TOKEN), **TRUST[heading])
