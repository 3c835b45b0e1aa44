"""Opt-outs, `client.opt_outs`, and what is kept about a person, `client.recipients`."""

# ruff: noqa: A002 -- `id` is the API's word

from signalbox_client.calls import Call, Steps, encoded, perform, segment
from signalbox_client.decision_results import Forgotten, OptOut, OptOutChannel
from signalbox_client.pages import Listing
from signalbox_client.resource import C, Resource, call, listing
from signalbox_client.results import ResourceReference
from signalbox_client.sender_pools import removal

_PATH = "/signalbox/v1/OptOuts"


class OptOuts(Resource[C]):
    """People who get nothing from a pool, or from the account."""

    @listing
    def list(
        self,
        *,
        address: str | None = None,
        channel: OptOutChannel | None = None,
        sender_pool_id: str | None = None,
        page_token: str | None = None,
        page_size: int | None = None,
    ) -> Listing[OptOut]:
        """The opt-outs, newest first: of one address, on one channel, of one pool."""
        params = {
            "address": address,
            "channel": channel,
            "senderPoolId": sender_pool_id,
            "pageToken": page_token,
            "pageSize": page_size,
        }
        return Listing(self._settings, _PATH, "optOuts", OptOut, params)

    @call
    def create(self, *, address: str, channel: OptOutChannel, sender_pool_id: str | None = None) -> Steps[OptOut]:
        """Opts a person out of the pool, or of the whole account. Who has opted out already keeps that opt-out.

        Retried only after a 429. After another failure, call again: there will be one opt-out.
        """
        body = {"address": address, "channel": channel}
        if sender_pool_id is not None:
            body["senderPoolId"] = sender_pool_id
        return perform(self._settings, Call("POST", _PATH, OptOut, content=encoded(body)))

    @call
    def delete(self, id: str) -> Steps[ResourceReference]:
        """Deletes an opt-out: the person gets messages again."""
        path = f"{_PATH}/{segment(id)}"
        return removal(self, Call("DELETE", path, ResourceReference), id, path)


class Recipients(Resource[C]):
    """What is kept about people beyond their messages."""

    @call
    def forget(self, address: str, *, channel: OptOutChannel | None = None, opt_outs: bool = False) -> Steps[Forgotten]:
        """Erases which senders have reached the address, and with `opt_outs` its opt-outs; on one channel, or on all.

        Messages stay. Whose opt-outs are erased gets messages again.
        """
        body: dict[str, object] = {"address": address, "optOuts": opt_outs}
        if channel is not None:
            body["channel"] = channel
        path = "/signalbox/v1/Recipients/Forget"
        return perform(self._settings, Call("POST", path, Forgotten, content=encoded(body)))
