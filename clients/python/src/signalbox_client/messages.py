"""Messages and the operations that send them: `client.messages`."""

# ruff: noqa: A002 -- `id` is the API's word

from collections.abc import Mapping, Sequence
from datetime import datetime

from signalbox_client import following
from signalbox_client.calls import Call, Steps, encoded, perform, segment
from signalbox_client.decision_results import MessageDecision, MessageExplanation
from signalbox_client.message_results import (
    FetchedMessage,
    Message,
    MessageChannel,
    MessageOperation,
    MessageOperationStatus,
    MessageStatus,
    OperationError,
    Receipt,
)
from signalbox_client.pages import Listing
from signalbox_client.resource import C, Resource, call, listing
from signalbox_client.results import OperationReference, ResourceReference
from signalbox_client.sender_pools import starting

_PATH = "/v1/Messages"


class Messages(Resource[C]):
    """The account's messages."""

    @call
    def send(
        self,
        *,
        to: Sequence[Mapping[str, object]],
        content: Mapping[str, object],
        from_: Mapping[str, object] | None = None,
        schedule: Mapping[str, object] | None = None,
        tags: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Steps[OperationReference]:
        """Starts the operation that sends a content to up to 10,000 recipients.

        `to` are `{"address", "channel"}` with a channel of PHONE or WHATSAPP, or `{"addresses": [...]}` of one person,
        each with optional `variables`. `content` is `{"text", "media"}`, `{"modules"}` or `{"contentId"}`; texts are
        Liquid. `from_` is `{"senderPoolId"}`, `{"senderId"}` or `{"address", "channel"}`; None: all senders.
        `schedule` is `{"sendAt": [time]}`. The fields are those of the API; its page on messages explains them.

        All attempts of the call have the same idempotency key: yours, or a new one. Raises IdempotencyMismatch when
        your key was used for another request.
        """
        body = _request(to, content, from_, schedule, tags)
        return perform(self._settings, starting(_PATH, body, idempotency_key))

    @call
    def explain(
        self,
        *,
        to: Sequence[Mapping[str, object]],
        content: Mapping[str, object],
        from_: Mapping[str, object] | None = None,
        schedule: Mapping[str, object] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Steps[MessageExplanation]:
        """Which sender each of up to 100 recipients would get, and why. The arguments are those of `send`.

        Nothing is sent. A call of `send` with the same arguments chooses the same senders, as long as the senders, the
        opt-outs and the messages to these people stay as they are.
        """
        body = encoded(_request(to, content, from_, schedule, tags))
        call = Call("POST", f"/signalbox{_PATH}/Explain", MessageExplanation, content=body)
        return perform(self._settings, call)

    @listing
    def list(
        self,
        *,
        operation_id: str | None = None,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
        channel: MessageChannel | None = None,
        status: MessageStatus | None = None,
        tags: Mapping[str, str] | None = None,
        page_token: str | None = None,
        page_size: int | None = None,
    ) -> Listing[Message]:
        """The messages, newest first: of one operation, created strictly between the dates, with all these tags."""
        params = {
            "operationId": operation_id,
            "startDate": start_date,
            "endDate": end_date,
            "channel": channel,
            "status": status,
            "tags": "".join(f"{key}:{value};" for key, value in tags.items()) if tags else None,
            "pageToken": page_token,
            "pageSize": page_size,
        }
        return Listing(self._settings, _PATH, "messages", Message, params)

    @call
    def fetch(self, id: str) -> Steps[FetchedMessage]:
        """The message with its attempts and its content."""
        return perform(self._settings, Call("GET", _message(id), FetchedMessage))

    @call
    def decision(self, id: str) -> Steps[MessageDecision]:
        """Why the message has its sender: the senders in their order, and those that were left out.

        NotFound for a message whose time has not come, and for one that came in.
        """
        return perform(self._settings, Call("GET", f"/signalbox{_message(id)}/Decision", MessageDecision))

    @call
    def seek(self, sid: str) -> Steps[FetchedMessage]:
        """The message of an attempt, by the attempt's id downstream: `SM` or `MM` and 32 hex digits."""
        return _seek(self, sid)

    @listing
    def list_receipts(
        self, id: str, *, page_token: str | None = None, page_size: int | None = None
    ) -> Listing[Receipt]:
        """Every report that came for the message, oldest first, also those that changed nothing."""
        params: Mapping[str, str | int | None] = {"pageToken": page_token, "pageSize": page_size}
        return Listing(self._settings, f"{_message(id)}/Receipts", "receipts", Receipt, params)

    @call
    def cancel(self, id: str) -> Steps[ResourceReference]:
        """Cancels a message that was not handed over. Conflict if it was, or is canceled already."""
        return perform(self._settings, Call("POST", f"/signalbox{_message(id)}/Cancel", ResourceReference))

    @listing
    def list_operations(
        self,
        *,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
        status: MessageOperationStatus | None = None,
        page_token: str | None = None,
        page_size: int | None = None,
    ) -> Listing[MessageOperation]:
        """The operations, newest first: created strictly between the dates, with a status."""
        params = {
            "startDate": start_date,
            "endDate": end_date,
            "status": status,
            "pageToken": page_token,
            "pageSize": page_size,
        }
        return Listing(self._settings, f"{_PATH}/Operations", "operations", MessageOperation, params)

    @call
    def fetch_operation(self, operation_id: str, *, wait: float | None = None) -> Steps[MessageOperation]:
        """The operation: at once, or when it is final or `wait` seconds (whole, at most 60) have passed."""
        return perform(self._settings, following.waiting(_operation(operation_id), wait))

    @listing
    def list_errors(
        self, operation_id: str, *, page_token: str | None = None, page_size: int | None = None
    ) -> Listing[OperationError]:
        """The messages of the operation that ended in an error, and why."""
        params: Mapping[str, str | int | None] = {"pageToken": page_token, "pageSize": page_size}
        return Listing(self._settings, f"{_operation(operation_id).path}/Errors", "errors", OperationError, params)

    @call
    def wait(self, operation_id: str, *, timeout: float = 60.0) -> Steps[MessageOperation]:
        """The operation when it is final. OperationTimeout if that takes longer than `timeout` seconds.

        Final means that everything was tried: check `stats.failed`, `stats.undelivered` and `stats.unaddressable`.
        """
        return following.wait(self._settings, _operation(operation_id), timeout)

    @call
    def cancel_operation(self, operation_id: str) -> Steps[ResourceReference]:
        """Cancels an operation: after this call no more of its messages is handed over. Conflict if none was left."""
        path = f"/signalbox{_operation(operation_id).path}/Cancel"
        return perform(self._settings, Call("POST", path, ResourceReference))

    @call
    def retry(self, operation_id: str, *, idempotency_key: str | None = None) -> Steps[OperationReference]:
        """Starts an operation that sends again to those who were not reached: FAILED and UNDELIVERED messages.

        After an earlier retry, only to those who were not reached by it either. Conflict while messages wait to be
        handed over, and when nothing failed. For the key see `send`.
        """
        path = f"/signalbox{_operation(operation_id).path}/Retry"
        return perform(self._settings, starting(path, None, idempotency_key, conflicts=True))


def _seek(resource: Resource[C], sid: str) -> Steps[FetchedMessage]:
    # The message is fetched by its id and not at the Location, so that credentials never go to another host.
    call = Call("GET", f"{_PATH}/Seek/{segment(sid)}", ResourceReference, redirected=True)
    found = yield from perform(resource._settings, call)
    return (yield from perform(resource._settings, Call("GET", _message(found.resource_id), FetchedMessage)))


def _request(
    to: Sequence[Mapping[str, object]],
    content: Mapping[str, object],
    from_: Mapping[str, object] | None,
    schedule: Mapping[str, object] | None,
    tags: Mapping[str, str] | None,
) -> dict[str, object]:
    body: dict[str, object] = {"to": to, "content": content, "from": from_, "schedule": schedule, "tags": tags}
    return {name: value for name, value in body.items() if value is not None}


def _message(id: str) -> str:
    return f"{_PATH}/{segment(id)}"


def _operation(operation_id: str) -> Call[MessageOperation]:
    return Call("GET", f"{_PATH}/Operations/{segment(operation_id)}", MessageOperation)
