"""How tests send messages, and what they compare."""

from __future__ import annotations

from typing import Any, Final

from people import Person

PATH: Final = "/v1/Messages"
SMS: Final[dict[str, object]] = {"channel": "SMS", "address": "+14155550123"}
OTHER: Final[dict[str, object]] = {"channel": "SMS", "address": "+442071838750"}
RCS: Final[dict[str, object]] = {"channel": "RCS", "address": "agent-one"}
TEXT: Final = {"text": "hello"}
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


def to(*addresses: str, **more: object) -> list[dict[str, Any]]:
    """Recipients with these numbers."""
    return [{"address": address, "channel": "PHONE", **more} for address in addresses]


async def sent(ada: Person, *addresses: str, **more: object) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Sends a text; returns the final operation and its messages, in the order of the recipients."""
    body = {"to": to(*addresses), "content": TEXT, **more}
    response = await ada.post(PATH, json=body)
    operation = await ada.finished(response)
    found = await ada.walk(f"{PATH}?operationId={operation['id']}", "messages")
    return operation, found[::-1]


def counts(operation: dict[str, Any]) -> dict[str, int]:
    """The counters that are not 0."""
    return {name: number for name in COUNTERS if (number := operation["stats"][name])}


async def whole(ada: Person, message: dict[str, Any]) -> dict[str, Any]:
    """The message as a fetch shows it, with attempts and content."""
    response = await ada.get(f"{PATH}/{message['id']}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def refused(ada: Person, **changes: object) -> dict[str, tuple[int, str]]:
    """The problems of a request: code and message, by place."""
    response = await ada.post(PATH, json={"to": to("+14155550199"), "content": TEXT, **changes})
    assert response.status_code == 400, response.text
    return {one["context"]: (one["code"], one["message"]) for one in response.json()["errors"]}
