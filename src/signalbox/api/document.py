"""The OpenAPI document, made from the route table and the wire types, which the server uses too."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast, get_args, get_type_hints
from weakref import WeakKeyDictionary

import msgspec
from msgspec import inspect

from signalbox import __version__
from signalbox.api.program.docs import GROUP
from signalbox.ground import errors
from signalbox.ground.errors import Problem, SignalboxError
from signalbox.http import constraints, response_headers
from signalbox.http.bodies import Body, Media, RawBody
from signalbox.http.constraints import Form
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.errors import ERROR_CODES, MethodNotAllowed, respond
from signalbox.http.parameters import Param, Schema, text_param
from signalbox.http.request import Request, Response
from signalbox.http.response_headers import Features, Header
from signalbox.http.router import Route
from signalbox.http.shapes import ErrorBody, OperationReference, ResourceReference

if TYPE_CHECKING:
    from signalbox.http.services import Services

_REF: Final = "#/components/schemas/{name}"
# A placeholder for the base URL: the document is made once, each response has the base URL of its request.
_ANY_BASE: Final = "http://base-url.invalid"
# Statuses that every endpoint may have; then those of endpoints with credentials, and of endpoints with a body. No
# OpenAPI operation has a 405: `MethodNotAllowed` is described for all paths at once.
_ALWAYS: Final = (400, 500)
_WITH_CREDENTIALS: Final = (401, 429, 503)
_WITH_BODY: Final = (413, 415)

_ABOUT: Final = """\
Senders, sender pools and the operations that fill them. Everything under `/v1` is the Communications API v1; paths
under `/signalbox/v1` and opt-in headers are additions of Signalbox.

- A path with `GET` also has `HEAD`, with the same headers; `HEAD` is not listed.
- Any other method that a path does not list is 405 (`MethodNotAllowed`). An unknown path is 404, with and without
  credentials.
- Every error has the body `ErrorBody`; its codes are explained at `/docs/errors`.
- Lists are newest first; `pageToken` takes either token of `pagination`, with the same filters.
"""
_ETAG: Final = '"3f1c9a5be2d04786a1b7c3d9"'
IF_NONE_MATCH: Final = text_param(
    "If-None-Match", "ETags of states that the client has: 304 when the present state is one of them.", _ETAG
)
IF_MATCH: Final = text_param(
    "If-Match", "ETags of states that the client accepts: 412 when the present state is none of them.", _ETAG
)
# An example of each error.
_ERROR_EXAMPLES: Final[dict[type[SignalboxError], SignalboxError]] = {
    type(error): error
    for error in (
        errors.Invalid(
            [
                Problem.at("pageSize", "pageSize must be a whole number from 1 to 1000"),
                Problem("tags must have at most 10 fields", "tags", "$.tags"),
            ]
        ),
        errors.Unauthenticated("the credentials are missing or wrong"),
        errors.Forbidden("the request log is switched off: see the setting request_log"),
        errors.NotFound("there is no sender pool comms_senderpool_01kg9p6jhxf29s4fr84g98pbsk"),
        MethodNotAllowed("GET, HEAD, POST"),
        errors.Conflict("the first request with this Idempotency-Key is still in progress"),
        errors.PreconditionFailed("the resource is not in the state that If-Match names; fetch it again"),
        errors.TooLarge("the body is larger than 10 MiB"),
        errors.NotJson("the body must be of type application/json"),
        errors.KeyReused("this Idempotency-Key was used for another request"),
        errors.TooMany("the rate limit is used up; try again in 3 s", retry_after=3),
        errors.Bug(""),
        errors.Unavailable("The database is away."),
    )
}

_templates: "WeakKeyDictionary[Services, bytes]" = WeakKeyDictionary()


async def document(request: Request) -> Response:
    """Describe every path in OpenAPI 3.1."""
    services = request.services
    if services not in _templates:
        # This takes some 50 ms, once in a process.
        _templates[services] = await asyncio.to_thread(_template, services)
    base = msgspec.json.encode(request.base_url)[1:-1]
    return Response(200, _templates[services].replace(_ANY_BASE.encode(), base))


def _template(services: "Services") -> bytes:
    settings = services.settings
    made = build(services.routes, _ANY_BASE, strict=settings.strict, rate_limited=settings.rate_limit is not None)
    return msgspec.json.encode(made)


_BASIC: Final[Schema] = {
    "type": "http",
    "scheme": "basic",
    "description": "Account SID (`AC...`) and auth token, or API key SID (`SK...`) and secret.",
}


def described(routes: Iterable[Route]) -> list[Route]:
    """The routes that the document describes: all but those for files that a page loads."""
    return [route for route in routes if route.endpoint.group]


def groups(routes: Iterable[Route]) -> list[Group]:
    """The groups of the endpoints, in the order of the route table."""
    return list(dict.fromkeys(route.endpoint.group for route in routes if route.endpoint.group))


def build(routes: Sequence[Route], base_url: str, *, strict: bool = False, rate_limited: bool = True) -> Schema:
    """The document as plain JSON, for a server with these settings."""
    routes = described(routes)
    features = Features(strict, rate_limited)
    types = list(dict.fromkeys(_types(routes)))
    _, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _openapi_operation(route, base_url, features)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Signalbox",
            "version": __version__,
            "summary": "Senders, sender pools and their operations.",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "externalDocs": {"description": "The documentation.", "url": f"{base_url}/docs"},
        "servers": [{"url": base_url}],
        "security": [{"basic": []}],
        "tags": [
            {"name": one.name, "description": one.description, "externalDocs": {"url": f"{base_url}/docs/{one.page}"}}
            for one in groups(routes)
        ],
        "paths": paths,
        "components": {
            "schemas": _with_rules(schemas, types),
            "headers": {
                name: _header(header) for name, header in response_headers.HEADERS.items() if features.send(name)
            },
            "responses": {
                kind.__name__: _error_response(kind, base_url, features) for kind in _used(routes, rate_limited)
            },
            "securitySchemes": {"basic": _BASIC},
        },
    }
    named = {name: _named(type_) for name, type_ in _names(types)}
    forms = {_form(schema): name for name, schema in named.items()}
    whole = cast("dict[str, dict[str, Schema]]", _with_names(document, forms))
    whole["components"]["schemas"] |= named
    return cast("Schema", whole)


def _types(routes: Iterable[Route]) -> Iterable[type]:
    yield ErrorBody
    for route in routes:
        endpoint = route.endpoint
        if endpoint.body:
            yield endpoint.body.row if isinstance(endpoint.body, RawBody) else endpoint.body.type
        if endpoint.response_type:
            yield endpoint.response_type


# --- schemas


def _with_rules(schemas: Mapping[str, Schema], types: Iterable[type]) -> dict[str, Schema]:
    """The schemas with the keywords of the rules of their types, and with the forms of objects that have several."""
    made = dict(schemas)
    for type_ in types:
        for part in constraints.parts(inspect.type_info(type_)):
            for rule in constraints.rules_of(part.cls) if isinstance(part, inspect.StructType) else ():
                name = cast("inspect.StructType", part).cls.__name__
                made[name] = {**made[name], **(rule.schema or {})}
                if rule.forms and "properties" in made[name]:
                    made.update(_forms(name, made[name], rule.forms))
    return made


def _forms(name: str, whole: Schema, forms: Iterable[Form]) -> dict[str, Schema]:
    """The schemas of the forms of an object, and the object as a choice of them."""
    properties = cast("dict[str, Schema]", whole["properties"])
    made: dict[str, Schema] = {
        form.name: {
            "title": form.name,
            "description": form.description,
            "type": "object",
            "properties": {member: properties[member] for member in form.members},
            "required": list(form.required),
            "additionalProperties": False,
            **({} if form.required else {"minProperties": 1}),
        }
        for form in forms
    }
    choice = [{"$ref": _REF.format(name=form.name)} for form in forms]
    return {**made, name: {"title": name, "description": whole["description"], "oneOf": choice}}


def _form(schema: Mapping[str, object]) -> bytes:
    """A schema as a key for comparison: without its default, and with a sorted enum."""
    plain = {key: value for key, value in schema.items() if key != "default"}
    if isinstance(words := plain.get("enum"), list):
        plain = {"enum": sorted(words)}
    return msgspec.json.encode(plain, order="sorted")


def _with_names(value: object, forms: Mapping[bytes, str]) -> object:
    """Plain JSON in which every schema with a name is replaced by a reference."""
    if isinstance(value, list):
        return [_with_names(one, forms) for one in value]
    if not isinstance(value, dict):
        return value
    if ("enum" in value or "propertyNames" in value) and (name := forms.get(_form(value))):
        return {"$ref": _REF.format(name=name)}
    return {key: _with_names(one, forms) for key, one in value.items()}


def _names(types: Iterable[type]) -> Iterable[tuple[str, object]]:
    """The names and types of fields whose type is named (see `constraints.named`)."""
    structs = (part for one in types for part in constraints.parts(inspect.type_info(one)))
    hints = [
        hint
        for struct in dict.fromkeys(one.cls for one in structs if isinstance(one, inspect.StructType))
        for hint in get_type_hints(struct, include_extras=True).values()
    ]
    while hints:
        hint = hints.pop(0)
        for meta in getattr(hint, "__metadata__", ()):
            if isinstance(meta, msgspec.Meta) and "name" in (meta.extra or {}):
                yield cast("dict[str, str]", meta.extra)["name"], hint
        hints[:0] = get_args(hint)


def _named(type_: object) -> Schema:
    words = [word for word in get_args(get_args(type_)[0]) if isinstance(word, str)]
    return {"type": "string", "enum": words} if words else msgspec.json.schema(type_)


def _schema(type_: type) -> Schema:
    (schema,), _ = msgspec.json.schema_components([type_], ref_template=_REF)
    return schema


# --- OpenAPI operations


def _openapi_operation(route: Route, base_url: str, features: Features) -> Schema:
    endpoint = route.endpoint
    openapi_operation: Schema = {
        "operationId": route.name.replace(".", "_"),
        "tags": [route.name.partition(".")[0]],
        "summary": endpoint.summary,
        "parameters": [
            *(_param(param, "path") for param in endpoint.path),
            *(_param(param, "query") for param in endpoint.query),
            *(_param(param, "header") for param in (*endpoint.headers, *_conditions(route))),
        ],
        "responses": _responses(route, base_url, features),
    }
    if endpoint.body:
        openapi_operation["requestBody"] = {
            "required": True,
            "content": {"application/json": _body(endpoint.body)}
            | {one.type: _text(one) for one in endpoint.body.media},
        }
    if endpoint.public:
        openapi_operation["security"] = []
    return openapi_operation


def _conditions(route: Route) -> Iterable[Param[str]]:
    """The headers for conditional requests that the route reads."""
    if route.endpoint.etag and route.method == "GET":
        yield IF_NONE_MATCH
    if 412 in route.endpoint.errors:
        yield IF_MATCH


def _param(param: Param[object], where: str) -> Schema:
    made: Schema = {
        "name": param.name,
        "in": where,
        "required": where == "path",
        "description": param.description,
        "schema": param.schema,
    }
    if param.example:
        made["example"] = param.example
    return made


def _body(body: Body[object]) -> Schema:
    example = msgspec.to_builtins(body.example)
    if isinstance(body, RawBody):
        return {"schema": {"type": "array", "items": _schema(body.row), **body.demands}, "example": example}
    return {"schema": _schema(body.type), "example": example}


def _text(media: Media) -> Schema:
    return {"schema": {"type": "string", "description": media.description}, "example": media.example}


# --- responses


def _responses(route: Route, base_url: str, features: Features) -> dict[str, Schema]:
    endpoint = route.endpoint
    headers = _refs(response_headers.of_success(endpoint), features)
    good: Schema = {
        "description": _description(endpoint),
        "headers": headers,
        "content": _content(route, base_url),
    }
    responses = {str(endpoint.status): good}
    if endpoint.etag and route.method == "GET":
        responses["304"] = {"description": "The client has the present state: `If-None-Match` names it."}
        responses["304"]["headers"] = headers
    statuses = _statuses(endpoint, features.rate_limited)
    for kind, error_code in ERROR_CODES.items():
        if error_code.status in statuses:
            responses[str(error_code.status)] = {"$ref": f"#/components/responses/{kind.__name__}"}
    return responses


def _statuses(endpoint: Endpoint, rate_limited: bool) -> set[int]:
    """The statuses of the errors that an endpoint may respond with."""
    statuses = {
        *_ALWAYS,
        *endpoint.errors,
        *(() if endpoint.public else _WITH_CREDENTIALS),
        *(_WITH_BODY if endpoint.body else ()),
    }
    return statuses if rate_limited else statuses - {429}


def _used(routes: Iterable[Route], rate_limited: bool) -> Iterable[type[SignalboxError]]:
    used = {405}.union(*(_statuses(route.endpoint, rate_limited) for route in routes))
    return (kind for kind, error_code in ERROR_CODES.items() if error_code.status in used)


def _description(endpoint: Endpoint) -> str:
    if endpoint.response_type:
        return (endpoint.response_type.__doc__ or "").strip().partition("\n")[0]
    return "Done."


def _content(route: Route, base_url: str) -> Schema:
    """The content of a successful response, by media type."""
    endpoint, content = route.endpoint, dict[str, object]()
    if endpoint.response_type:
        example = cast("dict[str, str]", msgspec.to_builtins(endpoint.example))
        if endpoint.response_type in (OperationReference, ResourceReference):
            example = {name: base_url + text if text.startswith("/") else text for name, text in example.items()}
        content["application/json"] = {"schema": _schema(endpoint.response_type), "example": example}
    for media in endpoint.media:
        schema: Schema = {"type": "object" if media.type == "application/json" else "string"}
        if media.description:
            schema["description"] = media.description
        content[media.type] = {"schema": schema, "example": media.example} if media.example else {"schema": schema}
    return content


def _error_response(kind: type[SignalboxError], base_url: str, features: Features) -> Schema:
    """The response of an error, the same at every path."""
    example = respond(_ERROR_EXAMPLES[kind], base_url.__add__).body
    return {
        "description": ERROR_CODES[kind].meaning,
        "headers": _refs(response_headers.of_error(kind), features),
        "content": {"application/json": {"schema": _schema(ErrorBody), "example": msgspec.json.decode(example)}},
    }


def _refs(names: Iterable[str], features: Features) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names if features.send(name)}


def _header(header: Header) -> Schema:
    return {"description": header.description, "required": header.always, "schema": header.schema}


DOCUMENT: Final = Endpoint(document, GROUP, media=(Media("application/json"),), errors=(503,), public=True)
