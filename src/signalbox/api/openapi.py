"""The OpenAPI document, made from the route table and the wire types, so that it cannot say anything else."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from signalbox import __version__
from signalbox.api.body import RawBody
from signalbox.api.endpoint import PATH_PARAMS, Endpoint
from signalbox.api.errors import ANSWERS
from signalbox.api.request import Request, Response
from signalbox.api.router import Route
from signalbox.api.shapes import ErrorBody
from signalbox.api.wire import Param, Schema

_REF: Final = "#/components/schemas/{name}"
# What every path with credentials may answer; 413 and 415 come with a body.
_ALWAYS: Final = (400, 401, 405, 429, 500, 503)
_WITH_BODY: Final = (413, 415)


async def document(request: Request) -> Response:
    """Describe every path in OpenAPI 3.1."""
    return Response(200, msgspec.json.encode(build(request.api.routes, request.base_url)))


def build(routes: Sequence[Route], base_url: str) -> Schema:
    """The document as plain JSON."""
    types = list(dict.fromkeys(_types(routes)))
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Signalbox",
            "version": __version__,
            "summary": "Senders, sender pools and their operations.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "security": [{"basic": []}],
        "tags": [{"name": name} for name in dict.fromkeys(route.name.partition(".")[0] for route in routes)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Account SID and auth token, or API key SID and secret.",
                }
            },
        },
    }


def _types(routes: Iterable[Route]) -> Iterable[type]:
    yield ErrorBody
    for route in routes:
        endpoint = route.endpoint
        if endpoint.body:
            yield endpoint.body.row if isinstance(endpoint.body, RawBody) else endpoint.body.type
        if endpoint.answer:
            yield endpoint.answer


def _operation(route: Route) -> Schema:
    endpoint = route.endpoint
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    operation: Schema = {
        "operationId": route.name.replace(".", "_"),
        "tags": [route.name.partition(".")[0]],
        "summary": endpoint.summary,
        "parameters": [
            *(_param(PATH_PARAMS.get(name) or _plain(name), "path") for name in names),
            *(_param(param, "query") for param in endpoint.query),
            *(_param(param, "header") for param in endpoint.headers),
        ],
        "responses": _responses(endpoint),
    }
    if endpoint.body:
        operation["requestBody"] = {
            "required": True,
            "content": {media: {"schema": _body(endpoint, media)} for media in endpoint.body.media_types},
        }
    if endpoint.public:
        operation["security"] = []
    return operation


def _plain(name: str) -> Param[str]:
    return Param(name, str, {"type": "string"}, "")


def _param(param: Param[object], where: str) -> Schema:
    return {
        "name": param.name,
        "in": where,
        "required": where == "path",
        "description": param.description,
        "schema": param.schema,
    }


def _body(endpoint: Endpoint, media: str) -> Schema:
    body = endpoint.body
    if isinstance(body, RawBody):
        array: Schema = {"type": "array", "items": _schema(body.row), **body.demands}
        return array if media == "application/json" else {"type": "string"}
    return {**_schema(body.type), **body.demands} if body else {}


def _schema(type_: type) -> Schema:
    (schema,), _ = msgspec.json.schema_components([type_], ref_template=_REF)
    return schema


def _responses(endpoint: Endpoint) -> dict[str, Schema]:
    content: Schema = {media: {"schema": {"type": "string"}} for media in endpoint.other_media}
    if endpoint.answer:
        content = {"application/json": {"schema": _schema(endpoint.answer)}, **content}
    good: Schema = {"description": "Done." if endpoint.status == 200 else "Accepted."}
    if content:
        good["content"] = content
    responses = {str(endpoint.status): good}
    statuses = {
        *endpoint.errors,
        *(() if endpoint.public else _ALWAYS),
        *(_WITH_BODY if endpoint.body else ()),
    }
    if endpoint.public:
        statuses |= {400, 405, 500, 503}
    for answer in ANSWERS.values():
        if answer.status in statuses:
            responses[str(answer.status)] = {
                "description": answer.meaning,
                "content": {"application/json": {"schema": _schema(ErrorBody)}},
            }
    return responses


DOCUMENT: Final = Endpoint(document, answer=None, other_media=("application/json",), public=True)
