"""The OpenAPI document, made from the route table and the wire types, so that it cannot say anything else."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, cast, get_args
from weakref import WeakKeyDictionary

import msgspec

from signalbox import __version__
from signalbox.api import examples
from signalbox.ground.errors import SignalboxError
from signalbox.http import response_headers
from signalbox.http.bodies import RawBody
from signalbox.http.endpoint import PATH_PARAMS, Endpoint
from signalbox.http.errors import ANSWERS, respond
from signalbox.http.parameters import Param, Schema
from signalbox.http.request import Request, Response
from signalbox.http.response_headers import Features, Header
from signalbox.http.router import Route
from signalbox.http.shapes import ErrorBody, Tags
from signalbox.inventory import pool_operations, senders

if TYPE_CHECKING:
    from signalbox.http.services import Services

_REF: Final = "#/components/schemas/{name}"
# Stands for the base URL in a document that is made once and answered under every name of the server.
_ANY_BASE: Final = "http://base-url.invalid"
# What every path may answer; then what one with credentials may, and one with a body. A method that a path does not
# have is answered by no operation: `MethodNotAllowed` is described once and for all.
_ALWAYS: Final = (400, 500)
_WITH_CREDENTIALS: Final = (401, 429, 503)
_WITH_BODY: Final = (413, 415)

_ABOUT: Final = """\
Senders, sender pools and the operations that fill them: everything under `/v1` is the Communications API v1, what
is under `/signalbox/v1` and the opt-in headers are Signalbox' own.

- `HEAD` is answered wherever `GET` is, with the same headers; it is not listed.
- Any other method that a path does not list is 405 (`MethodNotAllowed`); an unknown path is 404, credentials or not.
- Every refusal has one body, `ErrorBody`, and its codes are explained at `/docs/errors`.
- Lists are newest first; `pageToken` takes either token of `pagination`, with the same filters.
"""
# Each group of operations: what it is, and the page about it.
TAGS: Final = {
    "senderPools": ("Named groups of senders, and the operations that fill them.", "sender-pools"),
    "senders": ("The account's senders: list, fetch, search, and resolve who can reach a person.", "senders"),
    "inventory": ("Where senders come from: enter, change and remove them.", "inventory"),
    "ledger": ("What became of each item of an operation; stopping one.", "operations"),
    "overview": ("An account and its pools at a glance.", "overview"),
    "requests": ("The last requests of the account, for whoever looks for a fault.", "request-log"),
    "health": ("For monitors, without credentials.", "monitoring"),
    "docs": ("The documentation, and this document.", "index"),
}


# Schemas that several types share; msgspec would repeat them at each place, and generators make a type of each.
_NAMED: Final[dict[str, object]] = {
    "Tags": Tags,
    "Channel": senders.Channel,
    "SenderStatus": senders.Status,
    "RecipientChannel": Literal["PHONE", "WHATSAPP", "EMAIL", "PUSH"],
    "OperationStatus": pool_operations.Status,
    "ItemOutcome": pool_operations.Outcome,
}
# Demands of the bodies' rules that a schema can state and their types do not.
_DEMANDS: Final[dict[str, Schema]] = {"SenderResolve": {"not": {"required": ["senderPoolId", "senderAddresses"]}}}
# A sender address takes one of three forms: what each is for, its members, and those that it must have.
_SENDER_ADDRESSES: Final = {
    "PhoneSenderAddress": ("Picks the sender with this number.", ("address", "channel"), ("address", "channel")),
    "EmailSenderAddress": ("Picks the email sender with this address.", ("address", "name"), ("address",)),
    "PushSenderAddress": ("Picks the push senders with either id.", ("fcm", "apn"), ()),
}
_MEDIA: Final = {
    "text/event-stream": "An event for each change of an operation until it is final, or for each request of the "
    "request log; its `data` is the object as JSON.",
    "application/x-ndjson": "One row or item, as JSON, on each line.",
    "text/csv": "A header line that names the members, then one row on each line; tags are `key=value;key=value`.",
}
# What the documentation's placeholders stand for.
_FILES: Final = {
    "page": "A page's name; with `.md` at its end the page is Markdown, else HTML.",
    "asset": "A file that a page names.",
    "picture": "A file that a page names.",
}
_CONDITIONS: Final = {
    "If-None-Match": "ETags of states that the client has: 304 when the present one is among them.",
    "If-Match": "ETags of states that the client means: 412 when the present one is not among them.",
}


_templates: "WeakKeyDictionary[Services, bytes]" = WeakKeyDictionary()


async def document(request: Request) -> Response:
    """Describe every path in OpenAPI 3.1."""
    services = request.services
    if services not in _templates:
        # It takes some 50 ms, once.
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
    """Those that are in the document: the API, without the parts of pages."""
    return [route for route in routes if not route.endpoint.for_browsers]


def build(routes: Sequence[Route], base_url: str, *, strict: bool = False, rate_limited: bool = True) -> Schema:
    """The document as plain JSON, for a server with these settings."""
    routes = described(routes)
    features = Features(strict, rate_limited)
    types = list(dict.fromkeys(_types(routes)))
    _, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, base_url, features)
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
            {"name": name, "description": text, "externalDocs": {"url": f"{base_url}/docs/{page}"}}
            for name, (text, page) in TAGS.items()
        ],
        "paths": paths,
        "components": {
            "schemas": _with_demands(schemas, routes),
            "headers": {
                name: _header(header) for name, header in response_headers.HEADERS.items() if features.send(name)
            },
            "responses": {kind.__name__: _refusal(kind, base_url, features) for kind in _used(routes, rate_limited)},
            "securitySchemes": {"basic": _BASIC},
        },
    }
    forms = {_form(msgspec.json.schema(type_)): name for name, type_ in _NAMED.items()}
    whole = cast("dict[str, dict[str, Schema]]", _with_names(document, forms))
    whole["components"]["schemas"] |= {name: _named(type_) for name, type_ in _NAMED.items()}
    return cast("Schema", whole)


def _types(routes: Iterable[Route]) -> Iterable[type]:
    yield ErrorBody
    for route in routes:
        endpoint = route.endpoint
        if endpoint.body:
            yield endpoint.body.row if isinstance(endpoint.body, RawBody) else endpoint.body.type
        if endpoint.answer:
            yield endpoint.answer


# --- schemas


def _with_demands(schemas: Mapping[str, Schema], routes: Iterable[Route]) -> dict[str, Schema]:
    """The schemas with what the bodies' rules ask for."""
    made = dict(schemas)
    for route in routes:
        body = route.endpoint.body
        if body and not isinstance(body, RawBody) and body.type.__name__ in made:
            made[body.type.__name__] = {**made[body.type.__name__], **body.demands}
    for name, demands in _DEMANDS.items():
        if name in made:
            made[name] = {**made[name], **demands}
    if whole := made.get("SenderAddress"):
        properties = cast("dict[str, Schema]", whole["properties"])
        for name, (description, members, required) in _SENDER_ADDRESSES.items():
            made[name] = {
                "title": name,
                "description": description,
                "type": "object",
                "properties": {member: properties[member] for member in members},
                "required": list(required),
                "additionalProperties": False,
                **({} if required else {"minProperties": 1}),
            }
        made["SenderAddress"] = {
            "title": "SenderAddress",
            "description": whole["description"],
            "oneOf": [{"$ref": _REF.format(name=name)} for name in _SENDER_ADDRESSES],
        }
    return made


def _form(schema: Mapping[str, object]) -> bytes:
    """What a schema demands, in a form that compares: without its default, the words of an enum in order."""
    plain = {key: value for key, value in schema.items() if key != "default"}
    if isinstance(words := plain.get("enum"), list):
        plain = {"enum": sorted(words)}
    return msgspec.json.encode(plain, order="sorted")


def _with_names(value: object, forms: Mapping[bytes, str]) -> object:
    """Plain JSON with a reference wherever a schema has a name."""
    if isinstance(value, list):
        return [_with_names(one, forms) for one in value]
    if not isinstance(value, dict):
        return value
    if ("enum" in value or "propertyNames" in value) and (name := forms.get(_form(value))):
        return {"$ref": _REF.format(name=name)}
    return {key: _with_names(one, forms) for key, one in value.items()}


def _named(type_: object) -> Schema:
    words = [word for word in get_args(type_) if isinstance(word, str)]
    return {"type": "string", "enum": words} if words else msgspec.json.schema(type_)


def _schema(type_: type) -> Schema:
    (schema,), _ = msgspec.json.schema_components([type_], ref_template=_REF)
    return schema


# --- operations


def _operation(route: Route, base_url: str, features: Features) -> Schema:
    endpoint = route.endpoint
    names = re.findall(r"{(\w+)}", route.path)
    operation: Schema = {
        "operationId": route.name.replace(".", "_"),
        "tags": [route.name.partition(".")[0]],
        "summary": endpoint.summary,
        "parameters": [
            *(_param(PATH_PARAMS.get(name) or _file(name), "path") for name in names),
            *(_param(param, "query") for param in endpoint.query),
            *(_param(param, "header") for param in (*endpoint.headers, *_conditions(route))),
        ],
        "responses": _responses(route, base_url, features),
    }
    if endpoint.body:
        operation["requestBody"] = {
            "required": True,
            "content": {media: _body(endpoint, media) for media in endpoint.body.media_types},
        }
    if endpoint.public:
        operation["security"] = []
    return operation


def _file(name: str) -> Param[str]:
    return Param(name, str, {"type": "string"}, _FILES[name])


def _conditions(route: Route) -> Iterable[Param[str]]:
    """The conditions that a client can put on the resource's state."""
    names = (route.endpoint.etag and route.method == "GET", 412 in route.endpoint.errors)
    for (name, description), acts in zip(_CONDITIONS.items(), names, strict=True):
        if acts:
            yield Param(name, str, {"type": "string"}, description)


def _param(param: Param[object], where: str) -> Schema:
    made: Schema = {
        "name": param.name,
        "in": where,
        "required": where == "path",
        "description": param.description,
        "schema": param.schema,
    }
    if param.name in examples.PARAMS:
        made["example"] = examples.PARAMS[param.name]
    return made


def _body(endpoint: Endpoint, media: str) -> Schema:
    body = endpoint.body
    assert body is not None  # noqa: S101
    if media != "application/json":
        return {"schema": {"type": "string", "description": _MEDIA[media]}, "example": examples.TEXT_BODIES[media]}
    if isinstance(body, RawBody):
        schema: Schema = {"type": "array", "items": _schema(body.row), **body.demands}
        return {"schema": schema, "example": msgspec.to_builtins(examples.BODIES[body.row])}
    return {"schema": _schema(body.type), "example": msgspec.to_builtins(examples.BODIES[body.type])}


# --- answers


def _responses(route: Route, base_url: str, features: Features) -> dict[str, Schema]:
    endpoint = route.endpoint
    headers = _refs(response_headers.of_success(endpoint), features)
    good: Schema = {"description": _description(endpoint), "headers": headers}
    if content := _content(route, base_url):
        good["content"] = content
    responses = {str(endpoint.status): good}
    if endpoint.etag and route.method == "GET":
        responses["304"] = {"description": "The client has the present state: `If-None-Match` names it."}
        responses["304"]["headers"] = headers
    statuses = _statuses(endpoint, features.rate_limited)
    for kind, answer in ANSWERS.items():
        if answer.status in statuses:
            responses[str(answer.status)] = {"$ref": f"#/components/responses/{kind.__name__}"}
    return responses


def _statuses(endpoint: Endpoint, rate_limited: bool) -> set[int]:
    """The refusals that an endpoint may answer."""
    statuses = {
        *_ALWAYS,
        *endpoint.errors,
        *(() if endpoint.public else _WITH_CREDENTIALS),
        *(_WITH_BODY if endpoint.body else ()),
    }
    return statuses if rate_limited else statuses - {429}


def _used(routes: Iterable[Route], rate_limited: bool) -> Iterable[type[SignalboxError]]:
    used = {405}.union(*(_statuses(route.endpoint, rate_limited) for route in routes))
    return (kind for kind, answer in ANSWERS.items() if answer.status in used)


def _description(endpoint: Endpoint) -> str:
    if endpoint.answer:
        return (endpoint.answer.__doc__ or "").strip().partition("\n")[0]
    return "Done."


def _content(route: Route, base_url: str) -> Schema:
    """What a good answer holds, by media type."""
    endpoint, content = route.endpoint, dict[str, object]()
    if endpoint.answer:
        example = examples.answer(endpoint.answer, route.path, base_url)
        content["application/json"] = {"schema": _schema(endpoint.answer), "example": msgspec.to_builtins(example)}
    for media in endpoint.other_media:
        schema: Schema = {"type": "object" if media == "application/json" else "string"}
        if media in _MEDIA:
            schema["description"] = _MEDIA[media]
        content[media] = {"schema": schema}
        if endpoint.answer:
            content[media] = {"schema": schema, "example": examples.TEXT_ANSWERS[endpoint.answer, media]}
    return content


def _refusal(kind: type[SignalboxError], base_url: str, features: Features) -> Schema:
    """The answer to a kind of error, the same at every path."""
    example = respond(examples.REFUSALS[kind], base_url.__add__).body
    return {
        "description": ANSWERS[kind].meaning,
        "headers": _refs(response_headers.of_refusal(kind), features),
        "content": {"application/json": {"schema": _schema(ErrorBody), "example": msgspec.json.decode(example)}},
    }


def _refs(names: Iterable[str], features: Features) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names if features.send(name)}


def _header(header: Header) -> Schema:
    return {"description": header.description, "required": header.always, "schema": header.schema}


DOCUMENT: Final = Endpoint(document, other_media=("application/json",), errors=(503,), public=True)
