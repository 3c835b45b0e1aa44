"""Senders: `client.senders`. `client.inventory` enters and changes them."""

import builtins
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

# ruff: noqa: A002 -- `id` is the API's word
from signalbox_client.calls import Call, Steps, encoded, perform, segment
from signalbox_client.pages import Listing
from signalbox_client.resource import C, Resource, call, listing
from signalbox_client.results import Channel, Resolution, Sender, SenderStatus

_PATH = "/v1/Senders"


class _Resolutions(msgspec.Struct, frozen=True):
    """The response of resolve."""

    results: list[Resolution]


class Senders(Resource[C]):
    """The account's senders, for reading and searching."""

    @listing
    def list(
        self,
        *,
        channel: Channel | None = None,
        status: SenderStatus | None = None,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
        page_token: str | None = None,
        page_size: int | None = None,
    ) -> Listing[Sender]:
        """The senders, newest first: of a channel, with a status, created strictly between the dates."""
        params = {
            "channel": channel,
            "status": status,
            "startDate": start_date,
            "endDate": end_date,
            "pageToken": page_token,
            "pageSize": page_size,
        }
        return Listing(self._settings, _PATH, "senders", Sender, params)

    @call
    def fetch(self, id: str) -> Steps[Sender]:
        """The sender."""
        return perform(self._settings, Call("GET", f"{_PATH}/{segment(id)}", Sender))

    @listing
    def search(
        self,
        *,
        address: str,
        channel: Channel,
        status: SenderStatus | None = None,
        page_token: str | None = None,
        page_size: int | None = None,
    ) -> Listing[Sender]:
        """The sender with an address on a channel, if it exists. The address is not in URLs or logs."""
        params = {
            "address": address,
            "channel": channel,
            "status": status,
            "pageToken": page_token,
            "pageSize": page_size,
        }
        return Listing(self._settings, f"{_PATH}/Search", "senders", Sender, params, body=True)

    @call
    def resolve(
        self,
        recipient_addresses: Sequence[Mapping[str, str]],
        *,
        sender_pool_id: str | None = None,
        sender_addresses: Sequence[Mapping[str, str]] | None = None,
        channels: Mapping[str, object] | None = None,
    ) -> Steps[builtins.list[Resolution]]:
        """The ways to reach one person, at most 10, best first.

        `recipient_addresses` are `{"address", "channel"}` with a channel of PHONE, WHATSAPP, EMAIL, PUSH. Senders are
        those of a pool, or those of `sender_addresses` (`{"address", "channel"}`, `{"address", "name"}` for email,
        `{"fcm", "apn"}` for push), or all. `channels` is `{"filterIn": [channel], "priority": [{"channel",
        "priority"}]}`. The fields are those of the API; its page on resolve explains them.
        """
        body = {
            "recipientAddresses": recipient_addresses,
            "senderPoolId": sender_pool_id,
            "senderAddresses": sender_addresses,
            "channels": channels,
        }
        return _resolve(self, {name: value for name, value in body.items() if value is not None})


def _resolve(resource: Resource[C], body: Mapping[str, object]) -> Steps[list[Resolution]]:
    call = Call("POST", f"{_PATH}/Resolve", _Resolutions, content=encoded(body))
    return (yield from perform(resource._settings, call)).results
