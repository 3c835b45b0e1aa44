"""What the phones received: `client.inbox`."""

# ruff: noqa: A002 -- `id` is the API's word

from datetime import datetime

import msgspec

from signalbox_client.calls import Call, Steps, encoded, perform, segment
from signalbox_client.errors import InvalidArgument
from signalbox_client.message_results import InboxItem, MessageChannel, ReportedStatus
from signalbox_client.pages import Listing, present
from signalbox_client.resource import C, Resource, call, listing

_PATH = "/signalbox/v1/Inbox"
LONGEST_WAIT_SECONDS = 60


class _Waited(msgspec.Struct, frozen=True):
    """The response of a wait."""

    item: InboxItem | None


class Inbox(Resource[C]):
    """The account's inbox: every message that the server's own connector, the sink, was handed."""

    @listing
    def list(
        self,
        *,
        to: str | None = None,
        from_: str | None = None,
        channel: MessageChannel | None = None,
        operation_id: str | None = None,
        message_id: str | None = None,
        contains: str | None = None,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
        page_token: str | None = None,
        page_size: int | None = None,
    ) -> Listing[InboxItem]:
        """What arrived, newest first: at an address, from an address, with a text that contains this in any case."""
        params = {
            "to": to,
            "from": from_,
            "channel": channel,
            "operationId": operation_id,
            "messageId": message_id,
            "contains": contains,
            "startDate": start_date,
            "endDate": end_date,
            "pageToken": page_token,
            "pageSize": page_size,
        }
        return Listing(self._settings, _PATH, "items", InboxItem, params)

    @call
    def fetch(self, id: str) -> Steps[InboxItem]:
        """The message as it arrived."""
        return perform(self._settings, Call("GET", _item(id), InboxItem))

    @call
    def wait(
        self,
        *,
        to: str | None = None,
        from_: str | None = None,
        channel: MessageChannel | None = None,
        operation_id: str | None = None,
        message_id: str | None = None,
        contains: str | None = None,
        after: datetime | str | None = None,
        timeout: int = 10,
    ) -> Steps[InboxItem | None]:
        """The oldest message that matches: at once if it is there, else when it arrives; None after `timeout` seconds.

        `timeout` is whole, 1 to 60, and is added to the timeout of the client. Only what arrived after `after`, the
        id of an item or a time, is returned: so an old code is not taken for the new one.
        """
        if not 1 <= timeout <= LONGEST_WAIT_SECONDS or timeout != int(timeout):
            raise InvalidArgument(f"timeout must be a whole number of seconds, 1 to {LONGEST_WAIT_SECONDS}")
        params = present(
            {
                "to": to,
                "from": from_,
                "channel": channel,
                "operationId": operation_id,
                "messageId": message_id,
                "contains": contains,
                "after": after,
                "timeout": int(timeout),
            }
        )
        query = {name: str(value) for name, value in params.items()}
        return _wait(self, Call("GET", f"{_PATH}/Wait", _Waited, query, extra_seconds=timeout))

    @call
    def report(self, id: str, *, status: ReportedStatus, code: int | None = None) -> Steps[None]:
        """Reports what the phone would report about the message. `code`: why it was not delivered."""
        body = {"status": status} if code is None else {"status": status, "code": code}
        return _done(self, Call("POST", f"{_item(id)}/Report", dict[str, object], content=encoded(body)))

    @call
    def reply(self, id: str, *, text: str) -> Steps[None]:
        """Replies as the person who received the message: an inbound message to its sender."""
        return _done(self, Call("POST", f"{_item(id)}/Reply", dict[str, object], content=encoded({"text": text})))

    @call
    def clear(self) -> Steps[None]:
        """Empties the inbox: what arrived until now. The messages stay in `client.messages`."""
        return _done(self, Call("DELETE", _PATH, dict[str, object]))


def _wait(resource: Resource[C], call: Call[_Waited]) -> Steps[InboxItem | None]:
    return (yield from perform(resource._settings, call)).item


def _done(resource: Resource[C], call: Call[dict[str, object]]) -> Steps[None]:
    yield from perform(resource._settings, call)


def _item(id: str) -> str:
    return f"{_PATH}/{segment(id)}"
