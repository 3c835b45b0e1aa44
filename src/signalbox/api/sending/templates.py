"""Templates over HTTP: stored contents for messages. Contract section 10.6."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from signalbox.api.sending.content import (
    Action,
    Content,
    DialAction,
    MediaUrl,
    Module,
    RcsModule,
    Reply,
    Suggestion,
    TextModule,
)
from signalbox.db import Tx
from signalbox.ground.clock import rfc3339
from signalbox.ground.errors import Invalid, Problem
from signalbox.http import paging, references
from signalbox.http.bodies import Body
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.etags import conditional, require_match
from signalbox.http.paging import Listing
from signalbox.http.parameters import END_DATE, PAGE_SIZE, PAGE_TOKEN, START_DATE, pattern_param
from signalbox.http.patterns import NOT_BLANK, Pattern, matching
from signalbox.http.places import Path, problem_at
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import Pagination, Time
from signalbox.rendering import liquid
from signalbox.sending import templates

GROUP: Final = Group("templates", "Templates", "Contents with variables, that messages can be made of.", "templates")
_CONTENT_ID: Final = Pattern("^HX[0-9a-fA-F]{32}$", "must be HX and 32 hex digits", one_line=True)
CONTENT_ID: Final = pattern_param(
    "contentId",
    _CONTENT_ID,
    "a template",
    "The template.",
    "/signalbox/v1/Templates",
    "HX3f1c9a5be2d04786a1b7c3d95e60f284",
)
_VARIABLE: Final = Pattern("^[A-Za-z0-9_-]+$", "must have only the characters a-z A-Z 0-9 _ -", one_line=True)

Variable = Annotated[str, Meta(min_length=1, max_length=64), matching(_VARIABLE)]
Value = Annotated[str, Meta(max_length=65_536)]
Defaults = Annotated[dict[Variable, Value], Meta(max_length=100, description="Values of variables not given.")]


class Template(msgspec.Struct, frozen=True, rename="camel"):
    """A content with a name and default values of its variables."""

    content_id: Annotated[str, matching(_CONTENT_ID)]
    name: str
    content: Content
    defaults: Defaults
    created_at: Time
    updated_at: Time


class TemplatePage(msgspec.Struct, frozen=True):
    """Templates, newest first."""

    templates: list[Template]
    pagination: Pagination


class TemplatePut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The name, the content and the default values of a template; texts are in Liquid."""

    name: Annotated[str, Meta(min_length=1, max_length=256), matching(NOT_BLANK)]
    content: Content
    defaults: Defaults = {}


_decode = msgspec.json.Decoder(Content).decode


def shape(template: templates.Template) -> Template:
    """The wire type of a template."""
    return Template(
        template.content_id,
        template.name,
        _decode(template.content),
        template.defaults,
        rfc3339(template.created_at),
        rfc3339(template.updated_at),
    )


async def list_templates(request: Request) -> Response:
    """List templates, newest first."""
    return await LISTING.respond(request, lambda tx, id_range: templates.list_page(tx, request.account_id, id_range))


async def create_template(request: Request) -> Response:
    """Create a template; the server makes its id."""
    new, content_id = await _read(request), templates.new_content_id()
    made = await request.services.db.write(lambda tx: templates.put(tx, request.account_id, content_id, new))
    location = request.url(CONTENT_ID.path(content_id)).encode("latin-1")
    return json_response(shape(made), 201, [(b"location", location)])


async def put_template(request: Request) -> Response:
    """Create a template with this id, or replace the template that has the id."""
    new, content_id = await _read(request), request.path(CONTENT_ID)

    async def work(tx: Tx) -> templates.Template:
        present = await templates.find(tx, request.account_id, content_id)
        require_match(request, shape(present) if present else None)
        return await templates.put(tx, request.account_id, content_id, new)

    return conditional(request, shape(await request.services.db.write(work)))


async def fetch_template(request: Request) -> Response:
    """Fetch a template."""
    content_id = request.path(CONTENT_ID)
    found = await request.services.db.read(lambda tx: templates.fetch(tx, request.account_id, content_id))
    return conditional(request, shape(found))


async def delete_template(request: Request) -> Response:
    """Delete a template: messages that were made of it keep their text."""
    content_id = request.path(CONTENT_ID)

    async def work(tx: Tx) -> None:
        present = await templates.lock(tx, request.account_id, content_id)
        require_match(request, shape(present))
        await templates.delete(tx, request.account_id, content_id)

    await request.services.db.write(work)
    return references.resource(request, CONTENT_ID)


async def _read(request: Request) -> templates.NewTemplate:
    """The template in the body. Raises Invalid for wrong Liquid."""
    put = request.body(TEMPLATE_PUT)
    texts = {"content": msgspec.to_builtins(put.content), "defaults": put.defaults}
    # The library takes milliseconds for a long text, which would block the event loop.
    if found := await asyncio.to_thread(lambda: list(_liquid_problems(texts, ()))):
        raise Invalid(found)
    return templates.NewTemplate(put.name, msgspec.json.encode(put.content).decode(), put.defaults)


def _liquid_problems(value: object, path: Path) -> Iterator[Problem]:
    """The problems of the Liquid in the texts of plain JSON."""
    if isinstance(value, str):
        if wrong := liquid.problem(value):
            yield problem_at(path, f"is no Liquid: {wrong.message}, line {wrong.line}, column {wrong.column}")
    elif isinstance(value, dict | list):
        for step, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _liquid_problems(part, [*path, step])


LISTING: Final = Listing("templates", templates.TEMPLATE, shape, TemplatePage)
_CARD: Final = Suggestion(action=Action("Call us", "call", dial_action=DialAction("+14155550123")))
TEMPLATE_PUT: Final = Body(
    TemplatePut,
    TemplatePut(
        name="Order shipped",
        content=Content(
            modules=[
                Module(
                    sms=TextModule(
                        "Hello {{ name }}, your order has left.", [MediaUrl("https://example.com/parcel.png")]
                    )
                ),
                Module(
                    rcs=RcsModule(
                        "Hello {{ name }}, your order has left.",
                        suggestions=[Suggestion(reply=Reply("Thanks", "thanks")), _CARD],
                    )
                ),
            ]
        ),
        defaults={"name": "there"},
    ),
)
_TIME: Final = "2026-01-31T09:30:00.125Z"
_SMALL: Final = Content("Hello {{ name }}, your order has left.")
_EXAMPLE: Final = Template(CONTENT_ID.example, "Order shipped", _SMALL, {"name": "there"}, _TIME, _TIME)

LIST: Final = Endpoint(
    list_templates,
    GROUP,
    query=(START_DATE, END_DATE, PAGE_TOKEN, PAGE_SIZE),
    example=TemplatePage([_EXAMPLE], paging.EXAMPLE_OF_LAST),
)
CREATE: Final = Endpoint(create_template, GROUP, body=TEMPLATE_PUT, status=201, example=_EXAMPLE)
PUT: Final = Endpoint(
    put_template, GROUP, path=(CONTENT_ID,), body=TEMPLATE_PUT, example=_EXAMPLE, errors=(412,), etag=True
)
FETCH: Final = Endpoint(fetch_template, GROUP, path=(CONTENT_ID,), example=_EXAMPLE, errors=(404,), etag=True)
DELETE: Final = Endpoint(
    delete_template,
    GROUP,
    path=(CONTENT_ID,),
    status=202,
    example=references.example(CONTENT_ID),
    errors=(404, 412),
)
