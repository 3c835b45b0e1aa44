"""How many things a list has: `client.totals`; and whether a worker is running: `client.workers`."""

from datetime import datetime

# ruff: noqa: A002 -- `id` is the API's word
from signalbox_client.calls import Call, Steps, perform, segment
from signalbox_client.pages import present
from signalbox_client.resource import C, Resource, call
from signalbox_client.results import Channel, OperationStatus, SenderStatus, Total, Workers


class Totals(Resource[C]):
    """Counts what the lists with the same filters have, up to 10,000."""

    @call
    def senders(
        self,
        *,
        channel: Channel | None = None,
        status: SenderStatus | None = None,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
    ) -> Steps[Total]:
        """How many senders `client.senders.list` finds."""
        return self._total("Senders", start_date, end_date, channel=channel, status=status)

    @call
    def sender_pools(
        self, *, start_date: datetime | str | None = None, end_date: datetime | str | None = None
    ) -> Steps[Total]:
        """How many pools `client.sender_pools.list` finds."""
        return self._total("SenderPools", start_date, end_date)

    @call
    def senders_of_pool(
        self,
        id: str,
        *,
        channel: Channel | None = None,
        status: SenderStatus | None = None,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
    ) -> Steps[Total]:
        """How many senders `client.sender_pools.list_senders` finds in the pool."""
        return self._total(f"SenderPools/{segment(id)}/Senders", start_date, end_date, channel=channel, status=status)

    @call
    def operations(
        self,
        *,
        status: OperationStatus | None = None,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
    ) -> Steps[Total]:
        """How many operations `client.sender_pools.list_operations` finds."""
        return self._total("SenderPools/Operations", start_date, end_date, status=status)

    def _total(
        self, path: str, start_date: datetime | str | None, end_date: datetime | str | None, **filters: str | None
    ) -> Steps[Total]:
        given = present({**filters, "startDate": start_date, "endDate": end_date})
        params = {name: str(value) for name, value in given.items()}
        return perform(self._settings, Call("GET", f"/signalbox/v1/{path}/Total", Total, params))


class WorkersOfServer(Resource[C]):
    """The workers of all processes on the server's database."""

    @call
    def fetch(self) -> Steps[Workers]:
        """Whether a worker is running: without one, operations wait."""
        return perform(self._settings, Call("GET", "/signalbox/v1/Workers", Workers))
