"""The items of an operation with their outcomes, and the cancel of an operation: `client.ledger`."""

from signalbox_client.calls import Call, Steps, perform, segment
from signalbox_client.pages import Listing
from signalbox_client.resource import C, Resource, call, listing
from signalbox_client.results import Item, Outcome, ResourceReference

_PATH = "/signalbox/v1/SenderPools/Operations"


class Ledger(Resource[C]):
    """The items of operations."""

    @listing
    def list_items(
        self,
        operation_id: str,
        *,
        outcome: Outcome | None = None,
        page_token: str | None = None,
        page_size: int | None = None,
    ) -> Listing[Item]:
        """The items of an operation by ascending index from 0: all, or those with one outcome."""
        params = {"outcome": outcome, "pageToken": page_token, "pageSize": page_size}
        return Listing(self._settings, f"{_PATH}/{segment(operation_id)}/Items", "items", Item, params)

    @call
    def cancel(self, operation_id: str) -> Steps[ResourceReference]:
        """Cancels an operation: after this call no more items are applied. Conflict if it is final already."""
        return perform(self._settings, Call("POST", f"{_PATH}/{segment(operation_id)}/Cancel", ResourceReference))
