"""The server enforces every constraint of the document: a request that breaks one gets a problem with its place.

The test makes its requests from the document alone, so a new route or field in the document is covered.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from breaking import Breaker, Broken

from people import BASE, Person, Served
from signalbox import db
from signalbox.api.document import build, described
from signalbox.api.routes import ROUTES
from signalbox.http.bodies import RawBody
from signalbox.http.places import place
from signalbox.http.router import Route

DOCUMENT: Final[dict[str, Any]] = build(ROUTES, BASE)
BREAKER: Final = Breaker(DOCUMENT)
ROUTES_WITH_BODY: Final = [route for route in described(ROUTES) if route.endpoint.body]
# Parameters and headers whose schema no text can break.
FREE: Final = ("Prefer", "If-Match", "If-None-Match", "page", "to", "from", "contains", "address")


@pytest.fixture(scope="module")
async def person() -> AsyncIterator[Person]:
    """An account for all tests of this module, on one database: nothing here depends on the engine."""
    opened = db.connect("sqlite://")
    await opened.open()
    served = await Served.on(opened)
    yield await served.account("Ada")
    await opened.close()


def openapi_operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return found


def url(route: Route, **values: str) -> str:
    """The route's path with the example ids of the document."""
    return route.path.format(**{param.name: param.example for param in route.endpoint.path} | values)


def options(route: Route) -> dict[str, Any]:
    """The example body of the document."""
    if not route.endpoint.body:
        return {}
    return {"json": openapi_operation(route)["requestBody"]["content"]["application/json"]["example"]}


def places(response: httpx.Response) -> list[str]:
    """The places of the problems in a response, refused rows of inventory included."""
    if response.status_code == 200:
        return [one["context"] for one in response.json()["refused"]]
    assert response.status_code == 400, response.text
    return [one["context"] or one["field"] for one in response.json()["errors"]]


def all_broken(route: Route) -> list[Broken]:
    media = openapi_operation(route)["requestBody"]["content"]["application/json"]
    return list(BREAKER.broken(media["schema"], media["example"]))


@pytest.mark.parametrize("route", ROUTES_WITH_BODY, ids=lambda route: route.name)
async def test_body_that_breaks_one_constraint_is_refused_at_its_place(route: Route, person: Person) -> None:
    cases = all_broken(route)
    assert len(cases) > 5
    for one in cases:
        body = json.dumps(one.value).encode()
        response = await person.call(route.method, url(route), content=body, headers={})
        wanted = place(one.path)[1]
        found = places(response)
        if isinstance(route.endpoint.body, RawBody):
            # A problem of a row names the row's field; a problem of a tag names `tags`.
            assert any(wanted == at or wanted.startswith(at) for at in found), f"{one.name}: {found}"
        else:
            assert wanted in found, f"{one.name}: {found}"


@pytest.mark.parametrize("route", described(ROUTES), ids=lambda route: route.name)
async def test_parameter_that_breaks_one_constraint_is_refused_at_its_place(route: Route, person: Person) -> None:
    for param in openapi_operation(route)["parameters"]:
        name, where = param["name"], param["in"]
        schema = BREAKER._resolved(param["schema"])
        right = param.get("example") or BREAKER.right(schema)
        if name in FREE:
            assert schema == {"type": "string"}, name
            continue
        texts = [str(one.value) for one in BREAKER.broken(schema, right) if one.constraint != "storable"]
        if schema.get("format") == "date-time":
            texts.append("yesterday")
        for text in texts:
            response = await _with(person, route, name, where, text)
            if response is not None:
                context = None if where == "header" else f"$.{name}"
                problems = [(one["field"], one["context"]) for one in response.json()["errors"]]
                assert problems == [(name, context)], (name, text)


async def _with(person: Person, route: Route, name: str, where: str, text: str) -> httpx.Response | None:
    """The response to a request with this parameter; None where a header cannot carry the text."""
    if where == "path":
        return await person.call(route.method, url(route, **{name: quote(text, safe="")}), **options(route))
    if where == "query":
        return await person.call(route.method, f"{url(route)}?{name}={quote(text)}", **options(route))
    if text.isprintable() and text.strip() == text and text.isascii() and text != "17" and " " not in text:
        return await person.call(route.method, url(route), headers={name: text}, **options(route))
    return None


def test_every_kind_of_constraint_is_broken() -> None:
    """Constraints with a keyword unknown to `breaking` would not be tested."""
    known = {
        *(
            "type",
            "enum",
            "pattern",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "maxProperties",
            "propertyNames",
        ),
        *("additionalProperties", "required", "minimum", "maximum", "minProperties", "not", "anyOf", "oneOf"),
        *("properties", "items", "$ref", "title", "description", "default", "format"),
    }
    used: set[str] = set()

    def look(schema: Any) -> None:
        schema = BREAKER._resolved(schema)
        used.update(schema)
        for part in (*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
            look(part)
        for name in ("items", "additionalProperties", "propertyNames"):
            if isinstance(schema.get(name), dict):
                look(schema[name])

    for route in ROUTES_WITH_BODY:
        look(openapi_operation(route)["requestBody"]["content"]["application/json"]["schema"])
    assert used <= known, used - known
