"""Requests about messages and the inbox that succeed, for the test of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

Client = Callable[..., httpx.Response]


def wish_messages(client: Client, phone: dict[str, str]) -> None:
    """Sends a request that succeeds to every OpenAPI operation of messages and of the inbox."""
    body: dict[str, Any] = {"to": [phone], "content": {"text": "Your code is 123456."}}
    new = {"json": body, "headers": {"Idempotency-Key": "a-message"}}
    operation_id = client("POST", "/v1/Messages", **new).json()["operationId"]
    assert client("POST", "/v1/Messages", **new).headers["Idempotency-Replayed"] == "true"
    other = {**new, "json": {**body, "content": {"text": "x"}}}
    assert client("POST", "/v1/Messages", **other).status_code == 422
    operation = f"/v1/Messages/Operations/{operation_id}"
    etag = client("GET", operation, headers={"Prefer": "wait=30"}).headers["etag"]
    assert client("GET", operation, headers={"If-None-Match": etag}).status_code == 304
    client("GET", operation, headers={"Accept": "text/event-stream"})
    for path in ("/v1/Messages/Operations", f"{operation}/Errors", "/v1/Messages", "/signalbox/v1/Inbox"):
        client("GET", path, params={"pageSize": 2})
    item = client("GET", "/signalbox/v1/Inbox/Wait", params={"operationId": operation_id}).json()["item"]
    message = f"/v1/Messages/{item['id']}"
    etag = client("GET", message).headers["etag"]
    assert client("GET", message, headers={"If-None-Match": etag}).status_code == 304
    client("GET", f"{message}/Receipts")
    client("GET", f"/v1/Messages/Seek/{item['downstreamId']}")
    inbox = f"/signalbox/v1/Inbox/{item['id']}"
    client("GET", inbox)
    client("POST", f"{inbox}/Report", json={"status": "READ"})
    client("POST", f"{inbox}/Reply", json={"text": "Thanks"})
    assert client("POST", f"/signalbox{operation}/Cancel").status_code == 409
    assert client("POST", f"/signalbox{message}/Cancel").status_code == 409
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body |= {"to": [phone, phone], "schedule": {"sendAt": [later]}}
    operation_id = client("POST", "/v1/Messages", json=body).json()["operationId"]
    (first, _) = client("GET", "/v1/Messages", params={"operationId": operation_id}).json()["messages"]
    client("POST", f"/signalbox/v1/Messages/{first['id']}/Cancel")
    client("POST", f"/signalbox/v1/Messages/Operations/{operation_id}/Cancel")
    client("DELETE", "/signalbox/v1/Inbox")
