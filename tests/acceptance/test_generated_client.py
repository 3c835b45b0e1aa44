"""A client generated from the published document alone works."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from processes import SID, TOKEN, Server
from signalbox.api.document import described
from signalbox.api.routes import ROUTES

PACKAGE = "generated_signalbox"
# The generator does not support text bodies, so the generated client sends inventory as JSON.
UNREAD = {"application/x-ndjson", "text/csv"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("generated")
    with Server(f"sqlite:///{folder / 'signalbox.db'}", folder) as server:
        yield server


@pytest.fixture(scope="module")
def package(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The generated package, which can be imported while the tests run."""
    tmp_path = tmp_path_factory.mktemp("package")
    document = tmp_path / "openapi.json"
    document.write_bytes(httpx.get(f"{server.url}/openapi.json").content)
    (tmp_path / "generator.yaml").write_text("post_hooks: []\n")
    made = tmp_path / PACKAGE
    run = subprocess.run(
        [
            *(Path(sys.executable).parent / "openapi-python-client", "generate", "--meta", "none"),
            *("--path", document, "--output-path", made, "--config", tmp_path / "generator.yaml"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    said = run.stdout + run.stderr
    assert len(re.findall("(WARNING|ERROR) parsing", said)) == len(UNREAD), said
    assert set(re.findall("Unsupported content type (\\S+)", said)) == UNREAD, said
    sys.path.insert(0, str(tmp_path))
    yield made
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def module(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.{name}")


def login(server: Server, credentials: str) -> Any:
    token = b64encode(credentials.encode()).decode()
    return module("client").AuthenticatedClient(base_url=server.url, prefix="Basic", token=token)


def test_generated_client_has_every_operation_and_type(package: Path) -> None:
    names = [".".join(path.relative_to(package).with_suffix("").parts) for path in package.rglob("*.py")]
    modules = [module(name.removesuffix(".__init__")) for name in names if name != "__init__"]
    assert len([one for one in modules if hasattr(one, "sync_detailed")]) == len(described(ROUTES))
    types = {route.endpoint.response_type.__name__ for route in ROUTES if route.endpoint.response_type}
    assert types <= set(module("models").__all__)


def test_generated_client_does_the_work_of_a_day(server: Server, package: Path, stack: ExitStack) -> None:
    """Inventory, a pool, its operation, pages, changes, searches and errors, all in the generated types."""
    models = module("models")
    client = stack.enter_context(login(server, f"{SID}:{TOKEN}"))

    rows = [models.InventoryRow(channel=models.Channel.SMS, address=f"+1415555010{n}") for n in range(3)]
    entered = module("api.inventory.inventory_enter").sync(client=client, body=rows)
    assert (entered.created, entered.updated, entered.refused) == (3, 0, [])

    search = models.SenderSearch(address="+14155550101", channel=models.Channel.SMS)
    (sender,) = module("api.senders.senders_search").sync(client=client, body=search).senders
    assert (sender.address, sender.channel, sender.display_name) == ("+14155550101", models.Channel.SMS, None)
    assert sender.status == models.SenderStatus.ACTIVATED

    tags = models.Tags.from_dict({"team": "sales"})
    new = models.SenderPoolCreate(name="A pool", senders=[models.SenderRef(sender.id)], tags=tags)
    created = module("api.sender_pools.sender_pools_create")
    reference = created.sync(client=client, body=new, idempotency_key="once")
    replayed = created.sync_detailed(client=client, body=new, idempotency_key="once")
    assert replayed.parsed == reference
    assert replayed.headers["Idempotency-Replayed"] == "true"

    fetch = module("api.sender_pools.sender_pools_fetch_operation")
    operation = fetch.sync(reference.operation_id, client=client, prefer="wait=30")
    assert operation.status == models.OperationStatus.COMPLETED
    assert (operation.stats.total, operation.stats.created) == (2, 2)
    assert operation.created_at.tzinfo is not None

    page = module("api.sender_pools.sender_pools_list").sync(client=client, operation_id=reference.operation_id)
    (pool,) = page.sender_pools
    assert (pool.name, pool.tags.additional_properties) == ("A pool", {"team": "sales"})
    assert page.pagination.next_ is None
    assert page.pagination.self_

    change = models.SenderPoolChange(name="Another name")
    update = module("api.sender_pools.sender_pools_update")
    assert update.sync(pool.id, client=client, body=change).resource_id == pool.id
    refused = update.sync_detailed(pool.id, client=client, body=change, if_match='"another state"')
    assert (refused.status_code, refused.parsed.code) == (412, 20412)

    listing = module("api.sender_pools.sender_pools_list_senders")
    members = listing.sync(pool.id, client=client, channel=models.Channel.SMS, page_size=1)
    assert [one.id for one in members.senders] == [sender.id]

    items = module("api.ledger.ledger_list_items").sync(reference.operation_id, client=client)
    assert [one.outcome for one in items.items] == [models.ItemOutcome.CREATED] * 2
    assert [one.sender_id for one in items.items] == [None, sender.id]

    criteria = models.SenderResolve(
        recipient_addresses=[models.RecipientAddress("+14155550199", models.RecipientChannel.PHONE)],
        sender_addresses=[
            models.PhoneSenderAddress("+14155550102", models.PhoneSenderAddressChannel.SMS),
            models.EmailSenderAddress("ada@example.com"),
        ],
    )
    (found,) = module("api.senders.senders_resolve").sync(client=client, body=criteria).results
    assert (found.from_.address, found.to.address, found.priority) == ("+14155550102", "+14155550199", 0)

    wrong = module("api.sender_pools.sender_pools_list").sync_detailed(client=client, page_size=5000)
    assert (wrong.status_code, wrong.parsed.code, wrong.parsed.errors[0].field) == (400, 20001, "pageSize")
    unknown = stack.enter_context(login(server, "nobody:nothing"))
    denied = module("api.senders.senders_list").sync(client=unknown)
    assert (denied.status, denied.code) == (401, 20003)


def test_generated_client_asks_without_credentials_where_none_are_needed(server: Server, package: Path) -> None:
    with module("client").Client(base_url=server.url) as client:
        assert module("api.health.health_ready").sync(client=client).status == "ready"
        assert "signalbox_" in module("api.health.health_metrics").sync(client=client)
