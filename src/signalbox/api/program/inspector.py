"""One request of the request log with its headers and bodies, under `/signalbox/v1`."""

import base64
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from signalbox.api.program.requests import EXAMPLE, GROUP, LoggedRequest, log_of, shape
from signalbox.ground.errors import Invalid, NotFound
from signalbox.http.endpoint import Endpoint
from signalbox.http.errors import ERROR_CODES
from signalbox.http.parameters import pattern_param
from signalbox.http.patterns import Pattern
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import Count, Location

if TYPE_CHECKING:
    from signalbox.http.recordings import RecordedBody, Recording

REQUEST_ID: Final = pattern_param(
    "requestId",
    Pattern("^RQ[0-9a-f]{32}$", "must be RQ and 32 lower-case hexadecimal digits", one_line=True),
    "a request",
    "A request of the request log.",
    "/signalbox/v1/Requests",
    EXAMPLE.request_id,
)
Kept = Literal["YES", "OFF", "DROPPED"]
Milliseconds = Annotated[float, Meta(ge=0)]


class Meaning(msgspec.Struct, frozen=True, rename="camel"):
    """What the code of an error means, and where it is documented."""

    code: int
    meaning: str
    info_url: Location


class KeptHeader(msgspec.Struct, frozen=True):
    """A header; the value is `[removed]` where it was secret."""

    name: str
    value: str


class KeptBody(msgspec.Struct, frozen=True):
    """The beginning of a body: `text`, or `binary`, in base64, when the bytes are not UTF-8; the other is null.

    `bytes`: how many were sent. `complete`: nothing is missing. `removed`: a secret was replaced by `[removed]`.
    """

    text: str | None
    binary: str | None
    bytes: Count
    complete: bool
    removed: bool


class KeptRequest(msgspec.Struct, frozen=True, rename="camel"):
    """What the client sent. `readMs`: when the server had read the body; it and `body` are null when it read none."""

    target: str
    headers: list[KeptHeader]
    body: KeptBody | None
    read_ms: Milliseconds | None


class KeptResponse(msgspec.Struct, frozen=True, rename="camel"):
    """What the server sent. `startedMs`: when it sent the headers; null when the client disconnected before."""

    headers: list[KeptHeader]
    body: KeptBody | None
    started_ms: Milliseconds | None


class InspectedRequest(LoggedRequest, frozen=True, rename="camel"):
    """A request of the log with its headers and bodies; `kept` says why `request` and `response` are null.

    `OFF`: the setting `request_bodies` is off. `DROPPED`: newer requests needed the room.
    """

    error: Meaning | None
    kept: Kept
    request: KeptRequest | None
    response: KeptResponse | None


async def fetch_request(request: Request) -> Response:
    """Fetch one of the account's last requests to this process, with its headers and bodies if they are kept."""
    log, request_id = log_of(request), request.path(REQUEST_ID)
    entry = log.find(request.account_id, request_id)
    if entry is None:
        raise NotFound(f"this process has no request {request_id} in its log")
    recordings = request.services.recordings
    recording = recordings.of(request.account_id, request_id) if recordings else None
    logged = msgspec.structs.asdict(shape(entry))
    kept: Kept = "OFF" if recordings is None else "YES" if recording else "DROPPED"
    error = _meaning(request, entry.status)
    sent, received = (_sent(recording), _received(recording)) if recording else (None, None)
    # The response holds what a client sent; no cache between may keep it.
    private = [(b"cache-control", b"no-store")]
    return json_response(
        InspectedRequest(**logged, error=error, kept=kept, request=sent, response=received), headers=private
    )


def _meaning(request: Request, status: int) -> Meaning | None:
    for error in ERROR_CODES.values():
        if error.status == status:
            return Meaning(error.code, error.meaning, request.url(f"/docs/errors#{error.code}"))
    return None


def _sent(recording: "Recording") -> KeptRequest:
    return KeptRequest(
        recording.target, _headers(recording.request_headers), _body(recording.request_body), _ms(recording.read)
    )


def _received(recording: "Recording") -> KeptResponse:
    return KeptResponse(_headers(recording.response_headers), _body(recording.response_body), _ms(recording.begun))


def _headers(pairs: list[tuple[str, str]]) -> list[KeptHeader]:
    return [KeptHeader(name, value) for name, value in pairs]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _body(body: "RecordedBody | None") -> KeptBody | None:
    if body is None:
        return None
    data = body.data
    complete = body.whole and (body.removed or len(data) == body.size)
    try:
        text = data.decode() if complete else _cut(data)
    except UnicodeDecodeError:
        return KeptBody(None, base64.b64encode(data).decode(), body.size, complete, body.removed)
    return KeptBody(text, None, body.size, complete, body.removed)


def _cut(data: bytes) -> str:
    """The text of a body that may end inside of a character. Raises UnicodeDecodeError when it is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        # At most three bytes of a character are there without its last.
        if len(data) - error.start > 3 or error.reason != "unexpected end of data":
            raise
        return data[: error.start].decode()


FETCH: Final = Endpoint(
    fetch_request,
    GROUP,
    path=(REQUEST_ID,),
    example=InspectedRequest(
        **msgspec.structs.asdict(EXAMPLE),
        error=Meaning(20001, ERROR_CODES[Invalid].meaning, "http://127.0.0.1:8080/docs/errors#20001"),
        kept="YES",
        request=KeptRequest(
            "/v1/SenderPools/comms_senderpool_01kg9p6jhxf29s4fr84g98pbsk/Senders",
            [KeptHeader("authorization", "[removed]"), KeptHeader("content-type", "application/json")],
            KeptBody("[{}]", None, 4, complete=True, removed=False),
            0.21,
        ),
        response=KeptResponse([KeptHeader("content-type", "application/json")], None, 0.52),
    ),
    errors=(403, 404),
    unrecorded=True,
)
