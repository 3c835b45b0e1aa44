"""Enters, changes and removes senders: `client.inventory`."""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import UNSET, UnsetType

from signalbox_client.calls import Call, Steps, encoded, perform, segment
from signalbox_client.errors import InvalidArgument
from signalbox_client.resource import C, Resource, call
from signalbox_client.results import Entered, ResourceReference, Sender, SenderStatus
from signalbox_client.sender_pools import condition, removal

_PATH = "/signalbox/v1/Senders"
Media = Literal["application/json", "application/x-ndjson", "text/csv"]


class Inventory(Resource[C]):
    """The account's senders, for changes."""

    @call
    def enter(
        self, rows: Iterable[Mapping[str, object]] | bytes, *, media: Media = "application/json"
    ) -> Steps[Entered]:
        """Enters up to 10,000 rows. A row whose channel and address exist updates that sender. Invalid rows are
        returned in `refused`; the others are entered.

        `rows` are mappings with the API's fields (`channel`, `address`, `displayName`, `status`, `tags`), or bytes in
        the format `media`. The request is retried only after a 429. After another failure, call again with the same
        rows.
        """
        given: object = rows
        if isinstance(given, str):
            raise InvalidArgument("text must be given as bytes: text.encode()")
        if not isinstance(rows, bytes) and media != "application/json":
            raise InvalidArgument(f"rows of {media} must be given as bytes")
        content = rows if isinstance(rows, bytes) else encoded(list(rows))
        return perform(self._settings, Call("POST", _PATH, Entered, headers={"Content-Type": media}, content=content))

    @call
    def update(
        self,
        sender_id: str,
        *,
        display_name: str | UnsetType | None = UNSET,
        status: SenderStatus | UnsetType = UNSET,
        tags: Mapping[str, str] | UnsetType = UNSET,
        if_match: str | None = None,
    ) -> Steps[Sender]:
        """Changes what is given, and returns the sender. A display name of None removes it; tags replace all tags.

        With `if_match`, raises PreconditionFailed if the sender no longer has this ETag.
        """
        body = {"displayName": display_name, "status": status, "tags": tags}
        content = encoded({name: value for name, value in body.items() if value is not UNSET})
        return perform(
            self._settings, Call("PATCH", _sender(sender_id), Sender, headers=condition(if_match), content=content)
        )

    @call
    def delete(self, sender_id: str, *, if_match: str | None = None) -> Steps[ResourceReference]:
        """Removes the sender from the inventory and from every pool."""
        call = Call("DELETE", _sender(sender_id), ResourceReference, headers=condition(if_match))
        return removal(self, call, sender_id, f"/v1/Senders/{segment(sender_id)}")


def _sender(sender_id: str) -> str:
    return f"{_PATH}/{segment(sender_id)}"
