"""Requests about messages and the inbox that succeed, for the test of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

Client = Callable[..., httpx.Response]


def wish_messages(client: Client, phone: dict[str, str]) -> None:
    """Sends a request that succeeds to every OpenAPI operation of messages, of the inbox and of opt-outs."""
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
    client("GET", f"/signalbox{message}/Decision")
    client("POST", "/signalbox/v1/Messages/Explain", json=body)
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
    _wish_retries_and_opt_outs(client, phone)


def _wish_retries_and_opt_outs(client: Client, phone: dict[str, str]) -> None:
    """Sends a request that succeeds to every OpenAPI operation about retries, opt-outs and recipients."""
    opt_out = client("POST", "/signalbox/v1/OptOuts", json=phone).json()
    client("GET", "/signalbox/v1/OptOuts", params={"address": phone["address"]})
    body = {"to": [phone], "content": {"text": "hello"}}
    operation_id = client("POST", "/v1/Messages", json=body).json()["operationId"]
    client("GET", f"/v1/Messages/Operations/{operation_id}", headers={"Prefer": "wait=30"})
    path = f"/signalbox/v1/Messages/Operations/{operation_id}/Retry"
    key = {"headers": {"Idempotency-Key": "a-retry"}}
    again = client("POST", path, **key).json()["operationId"]
    assert client("POST", path, **key).headers["Idempotency-Replayed"] == "true"
    client("GET", f"/v1/Messages/Operations/{again}", headers={"Prefer": "wait=30"})
    other = f"/signalbox/v1/Messages/Operations/{again}/Retry"
    assert client("POST", other, **key).status_code == 422
    client("DELETE", f"/signalbox/v1/OptOuts/{opt_out['id']}")
    later = client("POST", path).json()["operationId"]
    client("GET", f"/v1/Messages/Operations/{later}", headers={"Prefer": "wait=30"})
    assert client("POST", path).status_code == 409
    client("POST", "/signalbox/v1/Recipients/Forget", json={**phone, "optOuts": True})
