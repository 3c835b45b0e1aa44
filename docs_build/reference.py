"""Writes the API reference: a page for each noun, a section with a real response for each endpoint."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, cast

from docs_build import lists, pages, samples
from docs_build.schemas import Field, Words
from docs_build.world import BASE_URL, World, curl, run_curl, worlds
from signalbox.api.document import build as build_document
from signalbox.api.document import described, groups
from signalbox.api.routes import ROUTES
from signalbox.http.errors import ERROR_CODES
from signalbox.http.router import Route

# Long or changing responses are cut to this many lines.
_FIRST_LINES: Final = {"health.metrics": 2, "docs.openapi": 4}
_ABOUT_SAMPLES: Final = """\
The samples take the server's URL and the credentials from the environment: `SIGNALBOX_URL`,
`SIGNALBOX_ACCOUNT_SID` and `SIGNALBOX_AUTH_TOKEN`. Each response is one of a real server, indented, with long lists
cut short; its ids, times and tokens are replaced by fixed ones.
"""
# Headers of every response, or of every response to an account.
_EVERYWHERE: Final = (
    "X-Request-Id",
    "Twilio-Request-Id",
    "X-Twilio-Request-Id",
    "Signalbox-Warning",
    "RateLimit-Policy",
    "RateLimit",
)
_BASIC: Final = (
    "HTTP Basic: Account SID and auth token, or API key SID and secret; see [Tenancy](tenancy.md#credentials)."
)


def page_name(noun: str) -> str:
    """The page of a noun: `senderPools` is on `reference-sender-pools`."""
    return "reference-" + re.sub("([A-Z])", r"-\1", noun).lower()


def routes() -> dict[str, list[Route]]:
    """The endpoints that have a section, by page."""
    found: dict[str, list[Route]] = {}
    for route in described(ROUTES):
        assert route.endpoint.group
        found.setdefault(page_name(route.endpoint.group.name), []).append(route)
    return found


def write() -> None:
    """Writes the pages of the reference and the lists of other pages; deletes pages of nouns that no longer exist."""
    made = dict(build())
    for path in pages.FOLDER.glob("reference-*.md"):
        if path.stem not in made:
            path.unlink()
    for name, text in made.items():
        (pages.FOLDER / f"{name}.md").write_text(text, "utf-8")
    for name in pages.every():
        written = pages.source(name)
        if (now := lists.written(written)) != written:
            (pages.FOLDER / f"{name}.md").write_text(now, "utf-8")


def build() -> Iterator[tuple[str, str]]:
    """The name and text of each page; the responses come from a server that runs for this."""
    document = build_document(ROUTES, BASE_URL)
    with worlds() as world:
        for name, listed in routes().items():
            yield name, _page(listed, document, world)


def _example_body(route: Route, document: Mapping[str, Any]) -> object:
    openapi_operation = document["paths"][route.path][route.method.lower()]
    body = openapi_operation.get("requestBody", {}).get("content", {})
    return cast("object", body.get("application/json", {}).get("example"))


def sample_curl(route: Route, document: Mapping[str, Any]) -> str:
    """The request to an endpoint with curl."""
    query, public = samples.query(route.name), route.endpoint.public
    return curl(route.method, path_of(route), query, _example_body(route, document), public=public)


def path_of(route: Route) -> str:
    """The path with the ids of the samples."""
    return route.path.format_map({param.name: param.example for param in route.endpoint.path})


def _page(listed: list[Route], document: Mapping[str, Any], world: Callable[[str], World]) -> str:
    (group,) = groups(listed)
    words = Words(document, _ids())
    sections = "\n".join(_section(route, document, words, world(route.name)) for route in listed)
    return (
        f"# API: {group.title[0].lower()}{group.title[1:]}\n\n{group.description} What stands behind it: "
        f"[{pages.title(group.page)}]({group.page}.md).\n\n"
        f"{_ABOUT_SAMPLES}\n{sections}"
    )


def _section(route: Route, document: Mapping[str, Any], words: Words, world: World) -> str:
    openapi_operation = document["paths"][route.path][route.method.lower()]
    path, public = path_of(route), route.endpoint.public
    is_json = route.endpoint.response_type is not None or [one.type for one in route.endpoint.media] == [
        "application/json"
    ]
    call = sample_curl(route, document)
    sent = samples.Call(route.method, path, _example_body(route, document), public, is_json)
    parts = [
        f"## {route.name}\n\n`{route.method} {route.path}`\n\n{openapi_operation['summary']}",
        _fence("bash", call),
        _fence("python", samples.python(route.name, sent)),
        _fence("ts", samples.ts(route.name, sent)),
        *_sample_response(route, call, world),
        f"**Authentication**: {'none.' if public else _BASIC}",
        *_parameters(openapi_operation, words),
        *_body(openapi_operation, words),
        *_response(route, openapi_operation, words),
        _errors(openapi_operation),
    ]
    return "\n\n".join(parts) + "\n"


@cache
def _ids() -> dict[str, str]:
    """What each pattern of ids is, in words."""
    found = {param.schema["pattern"]: f"id of {param.noun}" for route in ROUTES for param in route.endpoint.ids}
    return cast("dict[str, str]", found)


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _sample_response(route: Route, call: str, world: World) -> Iterator[str]:
    """The response to the request. Raises ValueError when it is not a success."""
    status, media, text = run_curl(call, world)
    if status != route.endpoint.status:
        raise ValueError(f"{route.name}: {status} {text}")
    yield f"Response `{status}`:"
    if media == "application/json":
        text = json.dumps(world.shown_json(json.loads(text)), indent=2, ensure_ascii=False)
    lines = text.strip().splitlines()
    most = _FIRST_LINES.get(route.name, len(lines) if media == "application/json" else 1)
    if len(lines) > most:
        yield _fence("text", "\n".join([*(line[:118] for line in lines[:most]), "..."]))
    else:
        yield _fence("json" if media == "application/json" else "text", "\n".join(lines))


def _table(head: str, rows: list[str]) -> str:
    cells = head.count("|") + 1
    return "\n".join([f"| {head} |", "|" + " --- |" * cells, *rows])


def _parameters(openapi_operation: Mapping[str, Any], words: Words) -> Iterator[str]:
    if not openapi_operation["parameters"]:
        return
    rows = [
        f"| `{one['name']}` | {one['in']}{', required' if one['required'] else ''} | {words.type(one['schema'])} "
        f"| {one['description']} |"
        for one in openapi_operation["parameters"]
    ]
    yield "**Parameters**"
    yield _table("name | in | type | meaning", rows)


def _body(openapi_operation: Mapping[str, Any], words: Words) -> Iterator[str]:
    if "requestBody" not in openapi_operation:
        return
    content = openapi_operation["requestBody"]["content"]
    schema = content["application/json"]["schema"]
    yield f"**Body**: {words.type(schema)}, as `application/json`."
    for media, one in content.items():
        if media != "application/json":
            yield f"Or as `{media}`: {one['schema']['description']}"
    yield _table(
        "field | type | required | meaning",
        [_row(field, "yes" * field.required) for field in words.fields(schema)],
    )


def _response(route: Route, openapi_operation: Mapping[str, Any], words: Words) -> Iterator[str]:
    good = openapi_operation["responses"][str(route.endpoint.status)]
    content = good.get("content", {})
    said = f"**Response** `{route.endpoint.status}`"
    if route.endpoint.response_type:
        said += f": {good['description']}"
    if "304" in openapi_operation["responses"]:
        said += " `304` when `If-None-Match` names the state that the client has."
    yield said
    for media, one in content.items():
        if media != "application/json":
            yield f"As `{media}`" + (f": {one['schema']['description']}" if "description" in one["schema"] else ".")
    if own := [f"`{name}`" for name in good["headers"] if name not in _EVERYWHERE]:
        yield f"Headers in addition to those of [every response](transport.md): {', '.join(own)}."
    fields = list(words.fields(content.get("application/json", {}).get("schema", {})))
    if fields:
        yield _table("field | type | meaning", [_row(field) for field in fields])


def _row(field: Field, *more: str) -> str:
    return "| " + " | ".join([f"`{field.name}`", field.type, *more, field.description]) + " |"


def _errors(openapi_operation: Mapping[str, Any]) -> str:
    rows = [
        f"| {error.status} | [{error.code}](errors.md#{error.code}) | {error.meaning} |"
        for error in ERROR_CODES.values()
        if str(error.status) in openapi_operation["responses"]
    ]
    return "**Errors**\n\n" + _table("status | code | when", rows)
