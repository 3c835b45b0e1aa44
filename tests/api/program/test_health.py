"""The paths without credentials: contract section 9."""

from __future__ import annotations

import re

import jsonschema_rs
import pytest
from prometheus_client.parser import text_string_to_metric_families

from people import Person, Served
from signalbox.api.document import described
from signalbox.api.routes import ROUTES
from signalbox.db import Database


async def test_alive_and_ready_are_said_to_everybody(ada: Person) -> None:
    assert (await ada.get("/healthz", anonymous=True)).json() == {"status": "alive"}
    assert (await ada.get("/readyz", anonymous=True)).json() == {"status": "ready"}


async def test_metrics_count_requests_items_and_backlog(database: Database) -> None:
    ada = await (await Served.on(database)).account("Ada")
    await ada.post("/v1/SenderPools", json={"senders": [{"senderId": "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"}]})
    await ada.get("/v1/SenderPools", anonymous=True)
    await ada.get("/private/path-of-mine")
    await ada.call("BREW", "/v1/SenderPools")
    text = (await ada.get("/metrics", anonymous=True)).text
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    def count(route: str, method: str, status: int) -> float:
        labels = sorted({"route": route, "method": method, "status": str(status)}.items())
        return samples["signalbox_request_seconds_count", *labels]

    assert count("senderPools.create", "POST", 202) == 1
    assert count("senderPools.list", "GET", 401) == 1
    assert count("unknown", "GET", 404) == 1
    assert samples["signalbox_backlog_operations",] == 1
    assert samples["signalbox_backlog_items",] == 1
    assert samples["signalbox_database_up",] == 1
    assert "path-of-mine" not in text
    assert "BREW" not in text
    assert ada.account_sid not in text


async def test_openapi_document_describes_every_route_of_the_table(ada: Person) -> None:
    document = (await ada.get("/openapi.json", anonymous=True)).json()
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "http://signalbox.test:8080"}]
    listed = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert listed == {(route.path, route.method) for route in described(ROUTES)}
    names = [
        openapi_operation["operationId"] for item in document["paths"].values() for openapi_operation in item.values()
    ]
    assert len(set(names)) == len(names)
    for route in described(ROUTES):
        openapi_operation = document["paths"][route.path][route.method.lower()]
        assert openapi_operation["summary"]
        assert (openapi_operation.get("security") == []) == route.endpoint.public
        places = {one["name"] for one in openapi_operation["parameters"] if one["in"] == "path"}
        assert places == set(re.findall(r"\{(\w+)\}", route.path))


async def test_schemas_of_the_openapi_document_are_schemas(ada: Person) -> None:
    document = (await ada.get("/openapi.json")).json()
    for name in document["components"]["schemas"]:
        jsonschema_rs.validator_for({**document, "$ref": f"#/components/schemas/{name}"})
    used = set(re.findall(r"#/components/schemas/(\w+)", (await ada.get("/openapi.json")).text))
    assert used <= set(document["components"]["schemas"])


async def test_openapi_names_the_documented_parameters(ada: Person) -> None:
    """Exactly the parameters and fields in the tables of contract sections 6 and 7."""
    paths = (await ada.get("/openapi.json")).json()["paths"]
    page, dates = {"pageToken", "pageSize"}, {"startDate", "endDate"}
    for path, wanted in {
        "/v1/SenderPools": page | dates | {"operationId"},
        "/v1/SenderPools/{senderPoolId}/Senders": page | dates | {"channel", "status"},
        "/v1/SenderPools/Operations": page | dates | {"status"},
        "/v1/Senders": page | dates | {"channel", "status"},
        "/signalbox/v1/SenderPools/Operations/{operationId}/Items": page | {"outcome"},
    }.items():
        assert {one["name"] for one in paths[path]["get"]["parameters"] if one["in"] == "query"} == wanted


async def test_docs_are_pages_for_people_and_for_programs(ada: Person) -> None:
    index = await ada.get("/docs", anonymous=True)
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    links = {f"/{link}" for link in re.findall(r'<a href="(docs/[a-z-]+)"', index.text)}
    assert "/docs/errors" in links
    for link in links:
        page, source = await ada.get(link, anonymous=True), await ada.get(f"{link}.md", anonymous=True)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert source.headers["content-type"] == "text/markdown; charset=utf-8"
        assert source.text.startswith("# ")
    listing = (await ada.get("/llms.txt", anonymous=True)).text
    whole = (await ada.get("/llms-full.txt", anonymous=True)).text
    for link in links:
        assert f"{link}.md" in listing
        assert (await ada.get(f"{link}.md")).text in whole


@pytest.mark.parametrize("page", ["nothing", "nothing.md", "..%2Fpyproject.toml", "../README.md", "errors.html", ".md"])
async def test_page_that_is_not_there_is_404(ada: Person, page: str) -> None:
    assert (await ada.get(f"/docs/{page}", anonymous=True)).status_code == 404
