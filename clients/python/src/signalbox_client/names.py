"""The search by names, and the names of ids: `client.names`."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from signalbox_client.calls import Call, Steps, perform
from signalbox_client.pages import Listing
from signalbox_client.resource import C, Resource, call, listing
from signalbox_client.results import Names, Sender, SenderPool

T = TypeVar("T")


class NameSearch(Resource[C]):
    """Finds senders and pools by what people remember, and tells what ids are called."""

    @listing
    def search_sender_pools(
        self, text: str, *, page_token: str | None = None, page_size: int | None = None
    ) -> Listing[SenderPool]:
        """The pools whose name starts with the text in any case, or with this tag (`key:value`) or end of the id."""
        return self._search("SenderPools", "senderPools", SenderPool, text, page_token, page_size)

    @listing
    def search_senders(
        self, text: str, *, page_token: str | None = None, page_size: int | None = None
    ) -> Listing[Sender]:
        """The senders whose display name or address starts with the text, with this tag, or this end of their id."""
        return self._search("Senders", "senders", Sender, text, page_token, page_size)

    @call
    def name(self, ids: Iterable[str]) -> Steps[Names]:
        """What 1 to 1,000 ids of sender pools, senders and operations are called. Unknown ids are left out."""
        body = msgspec.json.encode({"ids": list(ids)})
        return perform(self._settings, Call("POST", "/signalbox/v1/Names", Names, content=body))

    def _search(
        self, noun: str, key: str, item: type[T], text: str, page_token: str | None, page_size: int | None
    ) -> Listing[T]:
        params = {"text": text, "pageToken": page_token, "pageSize": page_size}
        return Listing(self._settings, f"/signalbox/v1/{noun}/Search", key, item, params, body=True)
