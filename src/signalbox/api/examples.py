"""What the OpenAPI document shows: one of each parameter, body and answer, made of the wire types themselves."""

import re
from typing import Final

import msgspec

from signalbox.api.inventory import inventory, inventory_rows, overview, pool_operations, sender_pools, senders
from signalbox.api.program import requests
from signalbox.api.program.health import Health
from signalbox.api.routing import resolve
from signalbox.ground import errors
from signalbox.ground.errors import Problem, SignalboxError
from signalbox.http.errors import MethodNotAllowed
from signalbox.http.request_log import RequestProblem
from signalbox.http.shapes import OperationReference, Pagination, ResourceReference

SENDER_ID: Final = "comms_sender_01kg73svhxe9nv59tdwh9edd1r"
OTHER_SENDER_ID: Final = "comms_sender_01kg73svj7e33ad8x4a1jh69re"
SENDER_POOL_ID: Final = "comms_senderpool_01kg9p6jhxf29s4fr84g98pbsk"
OPERATION_ID: Final = "comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h"

# Parameters and request headers by name. A page token has no example: a token is good only where it was made.
PARAMS: Final[dict[str, str]] = {
    "senderPoolId": SENDER_POOL_ID,
    "senderId": SENDER_ID,
    "operationId": OPERATION_ID,
    "startDate": "2026-01-31T09:30:00.125Z",
    "endDate": "2026-02-01T00:00:00Z",
    "Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
    "Prefer": "wait=10",
    "If-None-Match": '"3f1c9a5be2d04786a1b7c3d9"',
    "If-Match": '"3f1c9a5be2d04786a1b7c3d9"',
    "page": "sender-pools.md",
}

_TAGS: Final = {"team": "sales", "region": "eu-west"}
_ROWS: Final = [
    inventory.InventoryRow("SMS", "+14155550123", display_name="Front desk", tags={"team": "sales"}),
    inventory.InventoryRow("EMAIL", "desk@example.com", status="DEACTIVATED"),
]

# Request bodies by their type.
BODIES: Final[dict[object, object]] = {
    sender_pools.SenderPoolCreate: sender_pools.SenderPoolCreate(
        name="Support Europe",
        senders=[sender_pools.SenderRef(SENDER_ID), sender_pools.SenderRef(OTHER_SENDER_ID)],
        tags=_TAGS,
    ),
    sender_pools.SenderPoolChange: sender_pools.SenderPoolChange(name="Support worldwide", tags={"team": "support"}),
    sender_pools.SenderRefs: [sender_pools.SenderRef(SENDER_ID), sender_pools.SenderRef(OTHER_SENDER_ID)],
    senders.SenderSearch: senders.SenderSearch("+14155550123", "SMS"),
    resolve.SenderResolve: resolve.SenderResolve(
        [resolve.RecipientAddress("+14155550199", "PHONE"), resolve.RecipientAddress("ada@example.com", "EMAIL")],
        sender_pool_id=SENDER_POOL_ID,
        channels=resolve.Channels(filter_in=["SMS", "RCS"], priority=[resolve.ChannelPriority("RCS", 0)]),
    ),
    inventory.SenderChange: inventory.SenderChange(display_name="Front desk", tags={"team": "sales"}),
    inventory.InventoryRow: _ROWS,
}

# The inventory in the formats that are not JSON.
TEXT_BODIES: Final[dict[str, str]] = {
    "application/x-ndjson": msgspec.json.Encoder().encode_lines(_ROWS).decode(),
    "text/csv": "channel,address,displayName,status,tags\n"
    "SMS,+14155550123,Front desk,ACTIVATED,team=sales;region=eu-west\n"
    "EMAIL,desk@example.com,,DEACTIVATED,\n",
}

_PAGINATION: Final = Pagination(
    next="AQxhZnRlcjowMWtnOWRmODF4ZmFrcmE3OWt2dDJ5cmticA", self="AQlhdDowMWtnOWRmODF4ZmFrcmE3OWt2dDJ5cmticA"
)
_LAST_PAGE: Final = Pagination(next=None, self=_PAGINATION.self)
_SENDER: Final = senders.Sender(
    SENDER_ID,
    "Front desk",
    "+14155550123",
    "SMS",
    "ACTIVATED",
    {"team": "sales"},
    "2026-01-30T14:05:31.004Z",
    "2026-01-30T09:30:00.125Z",
)
_POOL: Final = sender_pools.SenderPool(
    SENDER_POOL_ID, "Support Europe", _TAGS, "2026-01-31T09:30:00.125Z", "2026-01-31T09:30:00.125Z"
)
_OPERATION: Final = pool_operations.SenderPoolOperation(
    OPERATION_ID,
    "COMPLETED",
    pool_operations.Stats(total=3, queued=0, created=2, failed=1),
    "2026-01-31T09:30:00.125Z",
    "2026-01-31T09:30:00.161Z",
)
_ITEMS: Final = [
    pool_operations.OperationItem(0, None, "CREATED", None, None),
    pool_operations.OperationItem(1, SENDER_ID, "CREATED", None, None),
    pool_operations.OperationItem(2, OTHER_SENDER_ID, "FAILED", 20404, "the account has no sender with this id"),
]
_REQUESTS: Final = requests.LoggedRequestPage(
    [
        requests.LoggedRequest(
            request_id="RQ5899de34bb2514d6df0e2f371aab0b05",
            at="2026-01-31T09:30:00.125Z",
            method="POST",
            path=f"/v1/SenderPools/{SENDER_POOL_ID}/Senders",
            query="",
            route="senderPools.addSender",
            status=400,
            ms=0.58,
            problems=[RequestProblem("$[0].senderId", "is required")],
            more_problems=0,
            warnings=[],
        )
    ],
    _LAST_PAGE,
)
_OVERVIEW: Final = overview.Overview(
    at="2026-01-31T09:30:02.250Z",
    senders=overview.SenderCounts(
        1204,
        [overview.SenderCount("SMS", "ACTIVATED", 1200), overview.SenderCount("EMAIL", "DEACTIVATED", 4)],
    ),
    sender_pools=overview.SenderPoolCount(10_000, more=True),
    in_flight=overview.InFlight(0, more=False, queued=0, operations=[]),
    throughput=overview.Throughput(
        complete=True,
        minutes=[
            overview.ThroughputMinute(f"2026-01-31T{8 + (31 + n) // 60:02}:{(31 + n) % 60:02}:00.000Z", 0, 0)
            for n in range(59)
        ]
        + [overview.ThroughputMinute("2026-01-31T09:30:00.000Z", 2, 1)],
    ),
    failures=[overview.Failure(_OPERATION, _ITEMS[2:])],
)
_COMPOSITION: Final = overview.SenderPoolComposition(
    counted=3,
    complete=True,
    channels=[overview.ChannelCount("SMS", 2), overview.ChannelCount("EMAIL", 1)],
    countries=[overview.CountryCount("US", 2), overview.CountryCount(None, 1)],
)

# Answers by their type, but for the references.
ANSWERS: Final[dict[type, msgspec.Struct]] = {
    type(one): one
    for one in (
        _SENDER,
        senders.SenderPage([_SENDER], _PAGINATION),
        resolve.ResolvedList(
            [
                resolve.Resolved(
                    resolve.ResolvedSender(SENDER_ID, "Front desk", "SMS", "+14155550123"),
                    resolve.ResolvedRecipient("+14155550199", "PHONE"),
                    0,
                )
            ]
        ),
        inventory.InventoryResult(
            1, 0, [inventory_rows.Refused("$[1].address", 20001, "address must be an email address", 3)]
        ),
        _POOL,
        sender_pools.SenderPoolPage([_POOL], _PAGINATION),
        _OPERATION,
        pool_operations.SenderPoolOperationPage([_OPERATION], _LAST_PAGE),
        pool_operations.OperationItemPage(_ITEMS, _LAST_PAGE),
        _OVERVIEW,
        _COMPOSITION,
        _REQUESTS,
        Health("alive"),
    )
}

# Answers that are not JSON, by the type that they hold in another form.
TEXT_ANSWERS: Final[dict[tuple[type, str], str]] = {
    (pool_operations.SenderPoolOperation, "text/event-stream"): "event: operation\ndata: "
    + msgspec.json.encode(_OPERATION).decode()
    + "\n\n",
    (requests.LoggedRequestPage, "text/event-stream"): "id: 1769851800125000\nevent: request\ndata: "
    + msgspec.json.encode(_REQUESTS.requests[0]).decode()
    + "\n\n",
    (pool_operations.OperationItemPage, "application/x-ndjson"): msgspec.json.Encoder().encode_lines(_ITEMS).decode(),
}

# One refusal of each kind.
REFUSALS: Final[dict[type[SignalboxError], SignalboxError]] = {
    type(error): error
    for error in (
        errors.Invalid(
            [
                Problem.at("pageSize", "pageSize must be a whole number from 1 to 1000"),
                Problem("tags has too many members: at most 10", "tags", "$.tags"),
            ]
        ),
        errors.Unauthenticated("the credentials are missing or wrong"),
        errors.Forbidden("the request log is switched off: see the setting request_log"),
        errors.NotFound(f"there is no sender pool {SENDER_POOL_ID}"),
        MethodNotAllowed("GET, HEAD, POST"),
        errors.Conflict("the first request with this idempotency key is still being answered"),
        errors.PreconditionFailed("the resource is not in the state that If-Match names; fetch it again"),
        errors.TooLarge("the body is larger than 10 MiB"),
        errors.NotJson("the body must be of type application/json"),
        errors.KeyReused("this idempotency key was used for another request"),
        errors.TooMany("the rate limit is used up; try again in 3 s", retry_after=3),
        errors.Bug(""),
        errors.Unavailable("The database is away."),
    )
}

_COLLECTIONS: Final = {
    "senderPoolId": "/v1/SenderPools",
    "senderId": "/v1/Senders",
    "operationId": "/v1/SenderPools/Operations",
}


def answer(type_: type, path: str, base_url: str) -> msgspec.Struct:
    """An answer of this type; a reference is the one that the path gives, on `base_url`."""
    if type_ is OperationReference:
        collection = path.format_map(PARAMS)
        return OperationReference(OPERATION_ID, f"{base_url}{collection}/Operations/{OPERATION_ID}")
    if type_ is ResourceReference:
        name = re.findall(r"{(\w+)}", path)[-1]
        return ResourceReference(PARAMS[name], f"{base_url}{_COLLECTIONS[name]}/{PARAMS[name]}")
    return ANSWERS[type_]
