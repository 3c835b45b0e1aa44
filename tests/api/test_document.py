"""The OpenAPI document as built; tests/acceptance/test_openapi.py compares the document with a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from people import BASE
from signalbox.api import document
from signalbox.api.routes import ROUTES
from signalbox.http.router import Route

DOCUMENT: Any = document.build(ROUTES, BASE)
IDEMPOTENT = {"senderPools.create", "senderPools.addSender"}


def _schemas(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for one in node.values():
            yield from _schemas(one)
    elif isinstance(node, list):
        for one in node:
            yield from _schemas(one)


def test_members_and_parameters_are_camel_case_and_enum_values_upper_case() -> None:
    for schema in _schemas(DOCUMENT["components"]["schemas"]):
        if isinstance(schema.get("properties"), dict):
            assert all(re.fullmatch("[a-z][a-zA-Z]*", name) for name in schema["properties"]), schema
        if "enum" in schema:
            assert all(re.fullmatch("[A-Z][A-Z_]*|GSM-7|UCS-2", value) for value in schema["enum"]), schema
    for methods in DOCUMENT["paths"].values():
        for openapi_operation in methods.values():
            for one in openapi_operation["parameters"]:
                assert one["in"] == "header" or re.fullmatch("[a-z][a-zA-Z]*", one["name"]), one


@pytest.mark.parametrize("route", [one for one in ROUTES if "/v1/" in one.path], ids=lambda route: route.name)
def test_document_names_the_errors_of_every_path(route: Route) -> None:
    responses = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
    wanted = {"400", "401", "429", "500", "503"}
    if "{" in route.path and route.method != "PUT":
        wanted.add("404")
    if route.endpoint.body:
        wanted |= {"413", "415"}
    if route.name in IDEMPOTENT:
        wanted |= {"409", "422"}
    assert wanted <= set(responses)
