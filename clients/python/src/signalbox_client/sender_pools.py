"""Sender pools and the operations that fill them: `client.sender_pools`."""

# ruff: noqa: A002 -- `id` is the API's word

from collections.abc import Generator, Iterable, Mapping
from datetime import datetime
from os import urandom

from signalbox_client import following
from signalbox_client.calls import Call, Show, Step, StepResult, Steps, encoded, header, perform, segment
from signalbox_client.errors import NotFound
from signalbox_client.pages import Listing
from signalbox_client.resource import C, Resource, call, listing, watching
from signalbox_client.results import (
    Channel,
    Operation,
    OperationReference,
    OperationStatus,
    ResourceReference,
    Sender,
    SenderPool,
    SenderStatus,
)

_PATH = "/v1/SenderPools"


class SenderPools(Resource[C]):
    """Sender pools and their operations."""

    @listing
    def list(
        self,
        *,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
        operation_id: str | None = None,
        page_token: str | None = None,
        page_size: int | None = None,
    ) -> Listing[SenderPool]:
        """The pools, newest first: created strictly between the dates, or by one operation."""
        params = {
            "startDate": start_date,
            "endDate": end_date,
            "operationId": operation_id,
            "pageToken": page_token,
            "pageSize": page_size,
        }
        return Listing(self._settings, _PATH, "senderPools", SenderPool, params)

    @call
    def create(
        self,
        *,
        name: str | None = None,
        senders: Iterable[str | Sender] = (),
        tags: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Steps[OperationReference]:
        """Starts the operation that creates a pool with up to 10,000 senders, given as objects or ids.

        All attempts of the call have the same idempotency key: yours, or a new one. Raises IdempotencyMismatch when
        your key was used for another request.
        """
        body: dict[str, object] = {"senders": _references(senders)}
        if name is not None:
            body["name"] = name
        if tags is not None:
            body["tags"] = tags
        return perform(self._settings, starting(_PATH, body, idempotency_key))

    @call
    def fetch(self, id: str) -> Steps[SenderPool]:
        """The pool."""
        return perform(self._settings, Call("GET", _pool(id), SenderPool))

    @call
    def update(
        self,
        id: str,
        *,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        if_match: str | None = None,
    ) -> Steps[ResourceReference]:
        """Changes the name, or replaces all tags, or both; None changes nothing.

        With `if_match`, raises PreconditionFailed if the pool no longer has this ETag.
        """
        body = {key: value for key, value in (("name", name), ("tags", tags)) if value is not None}
        content = encoded(body)
        return perform(
            self._settings, Call("PATCH", _pool(id), ResourceReference, headers=condition(if_match), content=content)
        )

    @call
    def delete(self, id: str, *, if_match: str | None = None) -> Steps[ResourceReference]:
        """Deletes the pool. Its senders stay in the inventory; its unfinished operations become CANCELED."""
        return removal(self, Call("DELETE", _pool(id), ResourceReference, headers=condition(if_match)), id, _pool(id))

    @listing
    def list_senders(
        self,
        id: str,
        *,
        channel: Channel | None = None,
        status: SenderStatus | None = None,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
        page_token: str | None = None,
        page_size: int | None = None,
    ) -> Listing[Sender]:
        """The senders of the pool, newest first; the dates are those of the senders' creation."""
        params = {
            "channel": channel,
            "status": status,
            "startDate": start_date,
            "endDate": end_date,
            "pageToken": page_token,
            "pageSize": page_size,
        }
        return Listing(self._settings, f"{_pool(id)}/Senders", "senders", Sender, params)

    @call
    def add_sender(
        self, id: str, senders: str | Sender | Iterable[str | Sender], *, idempotency_key: str | None = None
    ) -> Steps[OperationReference]:
        """Starts the operation that adds up to 1,000 senders, given as objects or ids. For the key see `create`."""
        return perform(self._settings, starting(f"{_pool(id)}/Senders", _references(senders), idempotency_key))

    @call
    def remove_sender(self, id: str, sender_id: str) -> Steps[ResourceReference]:
        """Removes a sender from the pool. It stays in the inventory. NotFound if it is not in the pool."""
        path = f"{_pool(id)}/Senders/{segment(sender_id)}"
        return removal(self, Call("DELETE", path, ResourceReference), sender_id, f"/v1/Senders/{segment(sender_id)}")

    @listing
    def list_operations(
        self,
        *,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
        status: OperationStatus | None = None,
        page_token: str | None = None,
        page_size: int | None = None,
    ) -> Listing[Operation]:
        """The operations, newest first: created strictly between the dates, with a status."""
        params = {
            "startDate": start_date,
            "endDate": end_date,
            "status": status,
            "pageToken": page_token,
            "pageSize": page_size,
        }
        return Listing(self._settings, f"{_PATH}/Operations", "operations", Operation, params)

    @call
    def fetch_operation(self, operation_id: str, *, wait: float | None = None) -> Steps[Operation]:
        """The operation: at once, or when it is final or `wait` seconds (whole, at most 60) have passed."""
        return perform(self._settings, following.waiting(_operation(operation_id), wait))

    @call
    def wait(self, operation_id: str, *, timeout: float = 60.0) -> Steps[Operation]:
        """The operation when it is final. OperationTimeout if that takes longer than `timeout` seconds.

        A final operation may have failed items: check `stats.failed`.
        """
        return following.wait(self._settings, _operation(operation_id), timeout)

    @watching
    def watch(self, operation_id: str) -> Generator[Step | Show[Operation], StepResult, None]:
        """Yields the operation at once and after each change that is noticed, until it is final.

        Reads the event stream and opens it again after a failure; where streams do not work, fetches the operation once
        a second. Quick changes may be shown as one.
        """
        return following.watch(self._settings, _operation(operation_id))


def condition(if_match: str | None) -> Mapping[str, str]:
    """The If-Match header."""
    return {} if if_match is None else {"If-Match": header("if_match", if_match)}


def removal(resource: Resource[C], call: Call[ResourceReference], id: str, location: str) -> Steps[ResourceReference]:
    """Carries out a DELETE. NotFound is a success after an attempt that got no response: that attempt did it."""
    try:
        return (yield from perform(resource._settings, call))
    except NotFound as error:
        if not error.in_doubt:
            raise
    return ResourceReference(id, resource._settings.url + location)


def _pool(id: str) -> str:
    return f"{_PATH}/{segment(id)}"


def _operation(operation_id: str) -> Call[Operation]:
    return Call("GET", f"{_PATH}/Operations/{segment(operation_id)}", Operation)


def _references(senders: str | Sender | Iterable[str | Sender]) -> list[dict[str, str]]:
    several = [senders] if isinstance(senders, str | Sender) else senders
    return [{"senderId": one.id if isinstance(one, Sender) else one} for one in several]


def starting(
    path: str, body: object | None, idempotency_key: str | None, *, conflicts: bool = False
) -> Call[OperationReference]:
    """The call that starts an operation, with the key given or a new one. `body`: None for a request without one."""
    key = urandom(16).hex() if idempotency_key is None else header("idempotency_key", idempotency_key)
    quoted = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    content = None if body is None else encoded(body)
    headers = {"Idempotency-Key": quoted}
    return Call("POST", path, OperationReference, headers=headers, content=content, conflicts=conflicts)
