"""Demo data: the inventory of an invented shop, with two weeks of pools and operations. `signalbox dev` begins with it.

Every number is reserved for fiction: +1 NPA 555-0100 to 0199 (NANPA), +44 20 7946 0xxx and +44 161 496 0xxx (Ofcom),
+49 171 39200xx (Bundesnetzagentur), +33 1 99 00 xx xx (ARCEP), +46 70-174 06 05 to 99 (PTS). Host names: RFC 2606.
"""

import asyncio
import json
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from signalbox.db import Database, Statement, Tx
from signalbox.ground import clock, ids
from signalbox.ground.page_tokens import IdRange
from signalbox.inventory import addresses, pool_operations, sender_pools, senders
from signalbox.inventory.pool_operations import PoolOperation
from signalbox.inventory.senders import SENDER, Channel, Filter, SenderRow, Status
from signalbox.queue.kinds import Hand
from signalbox.sending import templates

_DAY: Final = 86_400_000
_DONE_AFTER: Final = 400
_CANCELLED_AFTER: Final = 90_000


class _Line(NamedTuple):
    """Senders that were entered together: `{}` in the address and in the name is a running number."""

    channel: Channel
    address: str
    first: int
    length: int
    name: str
    tags: Mapping[str, str]


class _Step(NamedTuple):
    """One operation: `days` ago, the senders with these tags into the pool, and its end."""

    days: float
    pool: str
    wanted: Mapping[str, str]
    unknown: int = 0
    cancelled: bool = False
    tags: Mapping[str, str] = {}


_CITIES: Final = (("New York", "212"), ("Boston", "617"), ("Chicago", "312"), ("Austin", "512"), ("Seattle", "206"))
_LINES: Final = (
    *(
        _Line("SMS", f"+1{area}55501{{:02}}", 0, 12, f"{city} orders {{}}", {"country": "US", "use": "orders"})
        for city, area in _CITIES
    ),
    *(
        _Line("SMS", f"+1{area}55501{{:02}}", 40, 6, f"{city} care {{}}", {"country": "US", "use": "care"})
        for city, area in _CITIES
    ),
    _Line("SMS", "+141655501{:02}", 10, 8, "Toronto orders {}", {"country": "CA", "use": "orders"}),
    _Line("SMS", "+160455501{:02}", 10, 5, "Vancouver care {}", {"country": "CA", "use": "care"}),
    _Line("SMS", "+442079460{:03}", 100, 30, "UK orders {}", {"country": "GB", "use": "orders"}),
    _Line("SMS", "+442079460{:03}", 300, 12, "UK codes {}", {"country": "GB", "use": "codes"}),
    _Line("SMS", "+4917139200{:02}", 10, 16, "Germany orders {}", {"country": "DE", "use": "orders"}),
    _Line("SMS", "+331990000{:02}", 20, 14, "France orders {}", {"country": "FR", "use": "orders"}),
    _Line("SMS", "+467017406{:02}", 10, 6, "Sweden orders {}", {"country": "SE", "use": "orders"}),
    _Line("WHATSAPP", "+441614960{:03}", 500, 10, "Harbour & Pine UK {}", {"country": "GB", "use": "care"}),
    _Line("WHATSAPP", "+164655501{:02}", 60, 8, "Harbour & Pine US {}", {"country": "US", "use": "care"}),
    _Line("WHATSAPP", "+331990001{:02}", 10, 6, "Harbour & Pine FR {}", {"country": "FR", "use": "care"}),
    _Line("RCS", "harbour-pine-{}@rbm.goog", 1, 4, "Harbour & Pine {}", {"use": "orders", "stage": "pilot"}),
    _Line("EMAIL", "orders{}@example.com", 1, 6, "Orders {}", {"use": "orders"}),
    _Line("EMAIL", "care{}@example.org", 1, 6, "Customer care {}", {"use": "care"}),
    _Line("EMAIL", "news{}@example.net", 1, 3, "Harbour & Pine news {}", {"use": "news"}),
    _Line("PUSH", "com.example.harbourpine{}", 1, 2, "The app {}", {"use": "orders"}),
)
_STEPS: Final = (
    _Step(13.9, "Order updates, North America", {"country": "US", "use": "orders"}, tags={"team": "logistics"}),
    _Step(13.2, "Order updates, North America", {"country": "CA", "use": "orders"}),
    _Step(12.8, "Order updates, UK", {"country": "GB", "use": "orders"}, tags={"team": "logistics"}),
    _Step(11.1, "Customer care", {"use": "care"}, unknown=2, tags={"team": "care", "hours": "24/7"}),
    _Step(9.4, "Order updates, Germany", {"country": "DE"}, tags={"team": "logistics"}),
    _Step(8.7, "Order updates, France", {"country": "FR", "use": "orders"}, tags={"team": "logistics"}),
    _Step(7.6, "Two-factor codes", {"use": "codes"}, tags={"team": "identity", "priority": "high"}),
    _Step(6.3, "Winter sale", {"use": "news"}, cancelled=True, tags={"team": "marketing"}),
    _Step(5.2, "Customer care", {"country": "FR", "use": "care"}, unknown=5),
    _Step(3.9, "RCS pilot", {"stage": "pilot"}, tags={"team": "care", "stage": "pilot"}),
    _Step(2.5, "Order updates, Nordics", {"country": "SE"}, tags={"team": "logistics"}),
    _Step(1.3, "Everything that ships", {"use": "orders"}, unknown=1, tags={"team": "logistics"}),
    _Step(0.4, "Winter sale", {"use": "news"}),
    _Step(0.02, "Everybody", {}, unknown=3, tags={"team": "marketing"}),
)
_TEMPLATES: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "Order shipped": ("Hello {{ name }}, your order {{ order }} has left our warehouse.", {"name": "there"}),
    "Delivery window": ("{{ name }}, we deliver on {{ day }} between {{ from }} and {{ to }}. Reply 1 to change.", {}),
    "Sign-in code": ("{{ code }} is your code for Harbour & Pine. We never ask for it on the phone.", {}),
    "Back in stock": ("{{ item }} is back in stock: https://shop.example.com/{{ path }}", {"path": "new"}),
    "Care survey": ("How was your conversation with {{ agent }}? Reply 1 (poor) to 5 (great).", {"agent": "us"}),
}
# Senders that are switched off, as in every real inventory.
_OFF: Final = frozenset({"+12125550103", "+442079460107", "+441614960502", "+491713920012"})


async def fill(database: Database, account_id: int, account_sid: str) -> None:
    """Enters the data into an empty account. Times lie in the past two weeks; the workers do the last operation.

    For SQLite: transactions that wait together run in their order, and are committed together.
    """
    now = clock.now_ms()
    entered = _rows()
    rows = [row for row, _ in entered]
    begin = database.write(lambda tx: senders.enter(tx, account_id, rows), lambda: now - 14 * _DAY)
    puts = []
    for number, (name, (text, defaults)) in enumerate(_TEMPLATES.items(), 1):
        new = templates.NewTemplate(name, json.dumps({"text": text}), dict(defaults))
        put = partial(templates.put, account_id=account_id, content_id=f"HX{number:032x}", new=new)
        puts.append(database.write(put, partial(int, now - (14 - number) * _DAY)))
    await asyncio.gather(begin, *puts)
    known = await database.read(lambda tx: _ids(tx, account_id))
    found = [(known[row.channel, row.address], tags) for row, tags in entered]
    history = _History(database, Hand(account_id, account_sid))
    for step in _STEPS:
        wanted = [one for one, tags in found if step.wanted.items() <= tags.items()]
        history.add(step, wanted, now - int(step.days * _DAY))
    await asyncio.gather(*history.transactions)


class _History:
    """Starts operations at times in the past, and brings them to their end; the last step stays for the workers."""

    def __init__(self, database: Database, hand: Hand) -> None:
        self.transactions: list[Awaitable[object]] = []
        self._database = database
        self._hand = hand
        self._pools: dict[str, str] = {}
        self._newest = ""

    def add(self, step: _Step, wanted: Sequence[str], at: int) -> None:
        """Adds the transactions of a step at its time."""
        self.transactions.append(self._database.write_one(partial(self._start, step, wanted, at), lambda: at))
        if step.cancelled:
            self.transactions.append(self._database.write(self._cancel, lambda: at + _CANCELLED_AFTER))
        elif step is not _STEPS[-1]:
            batch = partial(pool_operations.run_batch, hand=self._hand)
            self.transactions.append(self._database.write(batch, lambda: at + _DONE_AFTER))

    async def _start(
        self, step: _Step, wanted: Sequence[str], at: int, tx: Tx, look: bool
    ) -> tuple[PoolOperation, Statement]:
        account_id = self._hand.account_id
        sender_ids = [*wanted, *(ids.new(SENDER, at) for _ in range(step.unknown))]
        if pool := self._pools.get(step.pool):
            operation, statement = await sender_pools.add_senders(tx, look, account_id, pool, sender_ids)
        else:
            operation, statement = await sender_pools.create(
                tx, look, account_id, step.pool, dict(step.tags), sender_ids
            )
            self._pools[step.pool] = str(statement.params["pool_id"])
        self._newest = operation.id
        return operation, statement

    async def _cancel(self, tx: Tx) -> None:
        await pool_operations.cancel(tx, self._hand.account_id, self._newest)


def _rows() -> list[tuple[SenderRow, Mapping[str, str]]]:
    """Every sender with its tags, checked as the API checks it."""
    found = []
    for line in _LINES:
        for number in range(line.first, line.first + line.length):
            address, region, _ = addresses.check(line.channel, line.address.format(number))
            name = line.name.format(number - line.first + 1)
            status: Status = "DEACTIVATED" if address in _OFF else "ACTIVATED"
            found.append((SenderRow(line.channel, address, region, name, status, dict(line.tags)), line.tags))
    return found


async def _ids(tx: Tx, account_id: int) -> dict[tuple[str, str], str]:
    everything = IdRange(ids.greatest(SENDER), ids.least(SENDER), 10_000)
    return {(one.channel, one.address): one.id for one in await senders.list_page(tx, account_id, Filter(), everything)}
