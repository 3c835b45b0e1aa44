"""Checks a response against the contract: status, fields and their types, errors, references."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from journal import Entry

CODES: Final = {
    400: 20001,
    401: 20003,
    404: 20404,
    405: 20004,
    409: 20409,
    412: 20412,
    415: 20415,
    422: 20422,
    503: 20503,
}

# The success status of each endpoint, and the errors that a valid request may get. 503 is always allowed, 500 never.
# 409 and 422 of the requests that start an operation need an idempotency key; a retry is also refused with 409.
ALLOWED: Final[dict[str, tuple[int, ...]]] = {
    "senderPools.list": (200,),
    "senderPools.create": (202, 409, 422),
    "senderPools.fetch": (200, 304, 404),
    "senderPools.delete": (202, 404),
    "senderPools.update": (202, 404, 412),
    "senderPools.listSenders": (200, 404),
    "senderPools.addSender": (202, 404, 409, 422),
    "senderPools.fetchSendersOperation": (200, 404),
    "senderPools.removeSender": (202, 404),
    "senderPools.listOperations": (200,),
    "senderPools.fetchOperation": (200, 404),
    "senders.list": (200,),
    "senders.fetch": (200, 404),
    "senders.search": (200,),
    "senders.resolve": (200, 404),
    "inventory.enter": (200,),
    "inventory.update": (200, 404),
    "inventory.delete": (202, 404),
    "ledger.listItems": (200, 404),
    "ledger.cancel": (202, 404, 409),
    "messages.send": (202, 404, 409, 422),
    "messages.list": (200,),
    "messages.fetch": (200, 404),
    "messages.listOperations": (200,),
    "messages.fetchOperation": (200, 404),
    "messages.listErrors": (200, 404),
    "messages.listReceipts": (200, 404),
    "messages.cancelOperation": (202, 404, 409),
    "messages.cancel": (202, 404, 409),
    "messages.retryOperation": (202, 404, 409, 422),
    "inbox.list": (200,),
    "inbox.fetch": (200, 404),
    "health.alive": (200,),
    "health.ready": (200,),
    "health.metrics": (200,),
}

Check = Callable[[Any], bool]
SUFFIX: Final = "[0-7][a-hjkmnpqrstv-z0-9]{25,34}"


def _pattern(text: str) -> Check:
    compiled = re.compile(text)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _one_of(*values: object) -> Check:
    return lambda value: value in values


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _object(**members: Check) -> Check:
    def check(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and value.keys() == members.keys()
            and all(member(value[name]) for name, member in members.items())
        )

    return check


def _list(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _any_of(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _tags(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_text, (*value.keys(), *value.values())))


time = _pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
url = _pattern(r"https?://[^?#]+")
sender_id, pool_id, operation_id = (
    _pattern(f"comms_{kind}_{SUFFIX}") for kind in ("sender", "senderpool", "operation")
)
channel = _one_of("SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH")
sender = _object(
    id=sender_id,
    displayName=_or_null(_text),
    address=_text,
    channel=channel,
    status=_one_of("ACTIVATED", "DEACTIVATED"),
    tags=_tags,
    updatedAt=time,
    createdAt=time,
)
pool = _object(id=pool_id, name=_text, tags=_tags, createdAt=time, updatedAt=time)
operation = _object(
    id=operation_id,
    status=_one_of("PROCESSING", "COMPLETED", "CANCELED"),
    stats=_object(total=_count, queued=_count, created=_count, failed=_count),
    createdAt=time,
    updatedAt=time,
)
item = _object(
    index=_count,
    senderId=_or_null(sender_id),
    outcome=_one_of("QUEUED", "CREATED", "ALREADY_MEMBER", "FAILED"),
    code=_or_null(_count),
    message=_or_null(_text),
)
pagination = _object(next=_or_null(_text), self=_text)
operation_reference = _object(operationId=operation_id, operationLocation=url)
resource_reference = _object(resourceId=_text, resourceLocation=url)
match = _object(
    **{
        "from": _object(senderId=sender_id, displayName=_or_null(_text), channel=channel, address=_text),
        "to": _object(address=_text, channel=_one_of("PHONE", "WHATSAPP", "EMAIL", "PUSH")),
        "priority": _count,
    }
)
problem = _object(
    code=_count, message=_text, field=_or_null(_text), context=_or_null(_text), infoUrl=_pattern(r"https?://.+")
)
error_body = _object(code=_count, message=_text, status=_count, errors=_list(problem))

message_id, sid = _pattern(f"comms_message_{SUFFIX}"), _pattern("(SM|MM)[0-9a-f]{32}")
message_channel, recipient_channel = _one_of("SMS", "RCS", "WHATSAPP"), _one_of("PHONE", "WHATSAPP")
message_status = _one_of("SCHEDULED", "QUEUED", "SENT", "DELIVERED", "READ", "UNDELIVERED", "FAILED", "CANCELED")
recipient, place = _object(address=_text, channel=recipient_channel), _object(address=_text, channel=message_channel)
message_sender = _object(address=_text, channel=message_channel, senderId=sender_id)
message_members: Final[dict[str, Check]] = {
    "id": message_id,
    "from": _any_of(
        _one_of(None),
        _object(senderPoolId=pool_id),
        message_sender,
        _object(address=_text, channel=message_channel, senderId=sender_id, senderPoolId=pool_id),
    ),
    "to": _list(recipient),
    "status": message_status,
    "related": _list(_object(name=_one_of("OPERATION", "RETRY_OF"), id=operation_id, uri=url)),
    "tags": _tags,
    "scheduledFor": _or_null(time),
    "createdAt": time,
    "updatedAt": time,
    "deletedAt": _one_of(None),
}
attempt = _object(
    **{
        "id": sid,
        "from": message_sender,
        "to": _list(recipient),
        "channel": message_channel,
        "senderId": sender_id,
        "status": message_status,
        "attemptedAt": time,
        "createdAt": time,
        "updatedAt": time,
        "infoUrl": _text,
        "error": _or_null(_object(code=_count, message=_text, infoUrl=_text)),
    }
)
COUNTERS: Final = (
    "scheduled",
    "queued",
    "sent",
    "delivered",
    "read",
    "undelivered",
    "failed",
    "canceled",
    "unaddressable",
)
message_operation = _object(
    id=operation_id,
    status=_one_of("SCHEDULED", "PROCESSING", "COMPLETED", "CANCELED"),
    stats=_object(total=_count, recipients=_count, attempts=_count, **dict.fromkeys(COUNTERS, _count)),
    createdAt=time,
    updatedAt=time,
)
operation_error = _object(messageId=message_id, to=recipient, code=_count, message=_text, infoUrl=_text, createdAt=time)
receipt = _object(to=recipient, status=message_status, code=_or_null(_count), connector=_text, createdAt=time)
arrival = _object(
    **{
        "id": message_id,
        "downstreamId": sid,
        "channel": message_channel,
        "from": place,
        "to": recipient,
        "cc": _one_of([]),
        "bcc": _one_of([]),
        "senderPoolId": _or_null(pool_id),
        "operationId": operation_id,
        "subject": _one_of(None),
        "text": _text,
        "html": _one_of(None),
        "media": _one_of([]),
        "attachments": _one_of([]),
        "headers": _one_of({}),
        "variables": _tags,
        "segments": _or_null(_object(encoding=_one_of("GSM-7", "UCS-2"), count=_count)),
        "codes": _list(_text),
        "links": _list(_text),
        "receivedAt": time,
    }
)

SHAPES: Final[dict[str, Check]] = {
    "senderPools.list": _object(senderPools=_list(pool), pagination=pagination),
    "senderPools.create": operation_reference,
    "senderPools.fetch": pool,
    "senderPools.delete": resource_reference,
    "senderPools.update": resource_reference,
    "senderPools.listSenders": _object(senders=_list(sender), pagination=pagination),
    "senderPools.addSender": operation_reference,
    "senderPools.fetchSendersOperation": operation,
    "senderPools.removeSender": resource_reference,
    "senderPools.listOperations": _object(operations=_list(operation), pagination=pagination),
    "senderPools.fetchOperation": operation,
    "senders.list": _object(senders=_list(sender), pagination=pagination),
    "senders.fetch": sender,
    "senders.search": _object(senders=_list(sender), pagination=pagination),
    "senders.resolve": _object(results=_list(match)),
    "inventory.enter": _object(created=_count, updated=_count, refused=_one_of([]), warnings=_one_of([])),
    "inventory.update": sender,
    "inventory.delete": resource_reference,
    "ledger.listItems": _object(items=_list(item), pagination=pagination),
    "ledger.cancel": resource_reference,
    "messages.send": operation_reference,
    "messages.list": _object(messages=_list(_object(**message_members)), pagination=pagination),
    "messages.fetch": _object(
        **message_members, attempts=_list(attempt), content=lambda value: isinstance(value, dict)
    ),
    "messages.listOperations": _object(operations=_list(message_operation), pagination=pagination),
    "messages.fetchOperation": message_operation,
    "messages.listErrors": _object(errors=_list(operation_error), pagination=pagination),
    "messages.listReceipts": _object(receipts=_list(receipt), pagination=pagination),
    "messages.cancelOperation": resource_reference,
    "messages.cancel": resource_reference,
    "messages.retryOperation": operation_reference,
    "inbox.list": _object(items=_list(arrival), pagination=pagination),
    "inbox.fetch": arrival,
}
PARTS: Final = {"ledger.listItems": item, "messages.fetchOperation": message_operation}


def faults(entry: Entry) -> Iterator[str]:
    """What is not as documented in a response; nothing for a request without a response."""
    if not entry.status:
        return
    names = ("twilio-request-id", "x-twilio-request-id", "x-request-id")
    if len({entry.headers.get(name) for name in names}) != 1 or "x-request-id" not in entry.headers:
        yield "the request ids are missing or differ"
    if entry.status not in _allowed(entry):
        yield f"the status is not documented here: {entry.response}"
    elif entry.status >= 400:
        yield from _error_faults(entry)
    elif entry.status != 304:
        yield from _success_faults(entry)


def _allowed(entry: Entry) -> tuple[int, ...]:
    if "expect" in entry.about:
        return (entry.about["expect"], 503)
    allowed = ALLOWED[entry.act]
    if not entry.key and 422 in allowed:
        refused = (422,) if entry.act == "messages.retryOperation" else (409, 422)
        allowed = tuple(status for status in allowed if status not in refused)
    if entry.act != "health.alive":
        allowed = (*allowed, 503)
    return allowed


def _error_faults(entry: Entry) -> Iterator[str]:
    body, status = entry.response, entry.status
    if not error_body(body) or not body["errors"]:
        yield f"the error body is not the documented one: {body}"
        return
    if {body["code"], *(one["code"] for one in body["errors"])} != {CODES[status]} or body["status"] != status:
        yield f"the code does not belong to the status: {body}"
    if any(not one["infoUrl"].endswith(f"/docs/errors#{CODES[status]}") for one in body["errors"]):
        yield f"an infoUrl leads elsewhere: {body}"
    if ("www-authenticate" in entry.headers) != (status == 401) or ("allow" in entry.headers) != (status == 405):
        yield f"WWW-Authenticate or Allow is missing, or too much: {entry.headers}"
    if status == 503 and not re.fullmatch("[1-9][0-9]*", entry.headers.get("retry-after", "")):
        yield "Retry-After is missing"


def _success_faults(entry: Entry) -> Iterator[str]:
    shape = SHAPES.get(entry.act)
    if shape is None:
        return
    if entry.parts or entry.headers.get("content-type") in ("text/event-stream", "application/x-ndjson"):
        part = PARTS.get(entry.act, operation)
        if not all(part(one) for _, one in entry.parts):
            yield f"a part of the stream is not as documented: {entry.parts[:3]}"
        return
    if not shape(entry.response):
        yield f"the body is not the documented one: {str(entry.response)[:500]}"
    elif entry.status == 202:
        kind = "operation" if "operationId" in entry.response else "resource"
        name, location = entry.response[f"{kind}Id"], entry.response[f"{kind}Location"]
        told = [entry.headers.get(header) for header in ("location", f"{kind}location", f"{kind}-location")]
        named = [entry.headers.get(header) for header in (f"{kind}id", f"{kind}-id")]
        if set(told) != {location} or set(named) != {name} or not location.endswith(f"/{name}"):
            yield f"headers and body refer to different things: {entry.headers}"
