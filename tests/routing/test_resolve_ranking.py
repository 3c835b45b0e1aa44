"""Resolve finds by indexes what a roster of the whole inventory finds, whose order test_order.py proves."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from depth import searched
from signalbox.db import Database, Tx, connect
from signalbox.db.queries import PACKAGE_SQL
from signalbox.ground import clock, ids
from signalbox.inventory import addresses
from signalbox.routing import candidates, order
from signalbox.routing.order import Roster
from signalbox.routing.resolve import Criteria, Match, Recipient, resolve
from signalbox.routing.spread import Sender

ACCOUNTS = itertools.count(1)
POOL = "comms_senderpool_00000000000000000000000001"


class Inventory:
    """A new account and its senders in the order of entry."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.account_id = next(ACCOUNTS)
        self.senders: list[Sender] = []
        self.members: set[str] = set()
        self.deactivated: set[str] = set()

    async def enter(self, *rows: tuple[str, str], member: bool = False, active: bool = True) -> list[Sender]:
        status = "ACTIVATED" if active else "DEACTIVATED"
        new = [
            Sender(ids.new("comms_sender", clock.now_ms()), channel, address, addresses.region(address))
            for channel, address in rows
        ]
        texts = json.dumps([[*sender[:4], f"Name of {sender.id}", status, "{}", 0] for sender in new])
        numbers = Counter(sender.channel for sender in new)

        async def insert(tx: Tx) -> None:
            await tx.run("senders.insert", account_id=self.account_id, rows=texts)
            counts = [[channel, status, number] for channel, number in numbers.items()]
            await tx.run("senders.count", account_id=self.account_id, rows=json.dumps(counts))
            if member:
                members = [sender.id for sender in new]
                await tx.run("resolve_test.join", account_id=self.account_id, pool_id=POOL, ids=members)
                counts = [[POOL, channel, number] for channel, number in numbers.items()]
                await tx.run("sender_pools.count", account_id=self.account_id, rows=json.dumps(counts))

        await self.database.write(insert)
        self.senders += new
        self.members |= {sender.id for sender in new if member}
        self.deactivated |= {sender.id for sender in new if not active}
        return new

    async def ask(self, criteria: Criteria) -> list[Match]:
        return await self.database.read(lambda tx: resolve(tx, self.account_id, criteria))

    def roster(self, criteria: Criteria) -> Roster:
        """All senders that the criteria allow, in memory."""
        return Roster(
            [
                sender
                for sender in self.senders
                if sender.id not in self.deactivated
                and (criteria.pool_id is None or sender.id in self.members)
                and (criteria.sender_addresses is None or (sender.channel, sender.address) in criteria.sender_addresses)
            ],
            self.account_id,
            criteria.pool_id or "",
        )

    def expected(self, criteria: Criteria) -> list[tuple[str, Recipient]]:
        found = self.roster(criteria).ranked(recipient_of(criteria))
        return [(rank.sender.id, criteria.recipients[rank.address.order]) for rank in itertools.islice(found, 10)]


def recipient_of(criteria: Criteria) -> order.Recipient:
    to = order.read((one.channel, one.address) for one in criteria.recipients)
    return order.Recipient(to, criteria.filter_in, criteria.priority)


JOIN = """
-- name: resolve_test.join
INSERT INTO sender_pool_members (account_id, pool_id, sender_id, channel, status)
SELECT account_id, :pool_id, id, channel, status FROM senders
WHERE account_id = :account_id
    AND id /*pg: = ANY(:ids) */ /*sqlite: IN (SELECT value FROM json_each(:ids)) */;
"""


@pytest.fixture
async def database(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """An open database with one additional query."""
    folder = tmp_path / "sql"
    shutil.copytree(PACKAGE_SQL, folder)
    (folder / "queries" / "resolve_test.sql").write_text(JOIN)
    opened = connect(database_url, sql_folder=folder)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def inventory(database: Database) -> Inventory:
    return Inventory(database)


def phones(*numbers: str) -> list[Recipient]:
    return [Recipient("PHONE", number) for number in numbers]


def pairs_of(matches: Sequence[Match]) -> list[tuple[str, Recipient]]:
    return [(match.sender_id, match.recipient) for match in matches]


async def test_resolve_puts_the_area_first_and_then_the_own_country(inventory: Inventory) -> None:
    """+1 416 and +1 437 are Toronto, +1 604 is Vancouver, +1 202 is Washington: one calling code, two countries."""
    abroad, own, near = await inventory.enter(("SMS", "+12025550199"), ("SMS", "+16045550100"), ("SMS", "+14165550199"))
    matches = await inventory.ask(Criteria(recipients=phones("+14165550123", "+12125550123")))
    assert [(match.sender_id, match.recipient.address) for match in matches[:4]] == [
        (near.id, "+14165550123"),
        (own.id, "+14165550123"),
        (abroad.id, "+14165550123"),
        (abroad.id, "+12125550123"),
    ]
    assert {match.sender_id for match in matches[4:]} == {own.id, near.id}


async def test_resolve_spreads_recipients_over_senders_that_are_equal(inventory: Inventory) -> None:
    senders = await inventory.enter(*(("SMS", f"+1202555010{digit}") for digit in range(4)))
    first = [(await inventory.ask(Criteria(recipients=phones(f"+1202555{n:04}"))))[0].sender_id for n in range(60)]
    assert {sender.id for sender in senders} == set(first)


async def test_resolve_reaches_a_phone_by_rcs_before_sms_and_recipients_in_their_order(
    inventory: Inventory,
) -> None:
    sms, rcs, mail = await inventory.enter(
        ("SMS", "+12025550100"), ("RCS", "my_brand_agent"), ("EMAIL", "hello@example.com")
    )
    recipients = [Recipient("EMAIL", "ada@example.org"), *phones("+12025550123")]
    matches = await inventory.ask(Criteria(recipients=recipients))
    assert [match.sender_id for match in matches] == [mail.id, rcs.id, sms.id]
    assert [match.recipient for match in matches] == [recipients[0], recipients[1], recipients[1]]
    assert matches[1] == Match(rcs.id, f"Name of {rcs.id}", "RCS", "my_brand_agent", recipients[1])


async def test_resolve_follows_the_priority_of_the_request_and_puts_other_channels_last(
    inventory: Inventory,
) -> None:
    sms, rcs, mail, push = await inventory.enter(
        ("SMS", "+12025550100"), ("RCS", "agent"), ("EMAIL", "hello@example.com"), ("PUSH", "com.example.app")
    )
    criteria = Criteria(
        recipients=[
            Recipient("EMAIL", "ada@example.org"),
            Recipient("PUSH", "token"),
            *phones("+12025550123"),
        ],
        priority={"SMS": 7, "PUSH": 2},
    )
    matches = await inventory.ask(criteria)
    assert [match.sender_id for match in matches] == [push.id, sms.id, mail.id, rcs.id]


async def test_resolve_knows_only_activated_senders_of_the_account(database: Database) -> None:
    ada, ben = Inventory(database), Inventory(database)
    await ada.enter(("SMS", "+12025550100"), active=False)
    await ben.enter(("SMS", "+12025550101"))
    assert await ada.ask(Criteria(recipients=phones("+12025550123"))) == []


async def test_resolve_keeps_to_the_pool(inventory: Inventory) -> None:
    await inventory.enter(("SMS", "+12025550122"))
    (member,) = await inventory.enter(("SMS", "+12025550100"), member=True)
    matches = await inventory.ask(Criteria(recipients=phones("+12025550123"), pool_id=POOL))
    assert [match.sender_id for match in matches] == [member.id]


async def test_resolve_keeps_to_the_senders_that_are_named(inventory: Inventory) -> None:
    """A named address matches a sender by its stored form; an unknown address is ignored."""
    named, _, push = await inventory.enter(
        ("EMAIL", "Ada@example.com"), ("EMAIL", "ben@example.com"), ("PUSH", "com.example.app")
    )
    criteria = Criteria(
        recipients=[Recipient("EMAIL", "eve@example.org"), Recipient("PUSH", "token")],
        sender_addresses=[
            ("EMAIL", "Ada@Example.COM"),
            ("EMAIL", "nobody@example.com"),
            ("PUSH", "nul\0"),
            ("PUSH", "com.example.app"),
            ("PUSH", "com.example.app"),
        ],
    )
    assert [match.sender_id for match in await inventory.ask(criteria)] == [named.id, push.id]


async def test_resolve_keeps_to_the_channels_of_filter_in(inventory: Inventory) -> None:
    sms, _ = await inventory.enter(("SMS", "+12025550100"), ("RCS", "agent"))
    matches = await inventory.ask(Criteria(recipients=phones("+12025550123"), filter_in=["SMS", "EMAIL"]))
    assert [match.sender_id for match in matches] == [sms.id]


async def test_resolve_counts_a_recipient_that_is_given_twice_once(inventory: Inventory) -> None:
    (sender,) = await inventory.enter(("EMAIL", "hello@example.com"))
    recipients = [Recipient("EMAIL", "ada@example.org"), Recipient("EMAIL", "ada@EXAMPLE.org")]
    assert pairs_of(await inventory.ask(Criteria(recipients=recipients))) == [(sender.id, recipients[0])]


@pytest.mark.parametrize("address", ["", "+", "nul\0nul", "+1202555", "\U0010ffff", "'", "no number"])
async def test_resolve_takes_any_text_for_a_recipient(inventory: Inventory, address: str) -> None:
    (sender,) = await inventory.enter(("SMS", "+12025550100"))
    matches = await inventory.ask(Criteria(recipients=phones(address)))
    assert pairs_of(matches) == [(sender.id, Recipient("PHONE", address))]


@pytest.mark.parametrize("pool", [None, POOL])
async def test_resolve_finds_the_best_of_thousands(inventory: Inventory, pool: str | None) -> None:
    """Most are of one area; few are of another one, of another country, or of none."""
    await inventory.enter(*(("SMS", f"+1202{number:07}") for number in range(6400)), member=True)
    await inventory.enter(*(("SMS", f"+1212{number:07}") for number in range(2_000_000, 2_000_030)), member=True)
    await inventory.enter(("SMS", "+14165550100"), ("SMS", "+14165550101"), member=True)
    await inventory.enter(*(("SMS", f"+1206{number:07}") for number in range(2_000_000, 2_000_500)))
    for number in ("+12022000000", "+12122000000", "+14162000000", "+12062000000", "+442079460000", "+80012345678"):
        criteria = Criteria(recipients=phones(number), pool_id=pool)
        assert pairs_of(await inventory.ask(criteria)) == inventory.expected(criteria), number


NUMBERS = ["+1202555", "+1212555", "+1416555", "+1604555", "+4479111", "+4478391", "+336121", "+3584012"]
LENGTHS = {"+12": 12, "+14": 12, "+16": 12, "+44": 13, "+33": 12, "+35": 13}


def random_number(random: Random, digits: str) -> str:
    start = random.choice(NUMBERS)
    return start + "".join(random.choices(digits, k=LENGTHS[start[:3]] - len(start)))


def random_address(random: Random, channel: str, digits: str) -> str:
    if channel in ("SMS", "WHATSAPP", "PHONE") or (channel == "RCS" and random.random() < 0.4):
        return random_number(random, digits)
    name = "".join(random.choices("abc", k=random.randint(1, 4)))
    return f"{name}@example.{random.choice(['org', 'test'])}" if channel == "EMAIL" else f"{name}_agent"


def random_criteria(random: Random, digits: str, senders: Sequence[Sender]) -> Criteria:
    kinds = random.choices(["PHONE", "WHATSAPP", "EMAIL", "PUSH"], [5, 2, 2, 1], k=random.randint(1, 4))
    channels = random.sample(addresses.CHANNELS, random.randint(1, 5))
    source = random.choice(["all", "all", "pool", "pool", "named"])
    named = [(sender.channel, sender.address) for sender in random.sample(senders, len(senders) // 2)]
    return Criteria(
        recipients=[Recipient(kind, random_address(random, kind, digits)) for kind in kinds],
        pool_id=POOL if source == "pool" else None,
        sender_addresses=named if source == "named" else None,
        filter_in=random.choice([None, channels]),
        priority=random.choice([None, {channel: random.randint(0, 2) for channel in channels}]),
    )


@pytest.mark.parametrize(("few", "of_region"), [(1, 3), (1, 6000), (1000, 6000)])
@settings(max_examples=searched(15, 500), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
async def test_resolve_agrees_with_the_ranking_of_every_pair(
    database: Database, few: int, of_region: int, seed: int
) -> None:
    """Areas with many senders and several countries; low limits make even small inventories use the indexes."""
    random = Random(seed)
    inventory = Inventory(database)
    digits = random.choice(["0", "01", "0123", "0123456789"]) + "9"
    weights = random.choice([[6, 2, 2, 2, 1], [20, 0, 1, 1, 0], [0, 5, 5, 0, 5]])
    rows: set[tuple[str, str]] = set()
    for _ in range(random.choice([0, 5, 40, 200, 400])):
        channel = random.choices(addresses.CHANNELS, weights)[0]
        rows.add((channel, random_address(random, channel, digits)))
    for part in range(3):
        chosen = sorted(rows)[part::3]
        random.shuffle(chosen)
        await inventory.enter(*chosen, member=part > 0, active=part > 1 or random.random() < 0.8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "FEW", few)
        patch.setattr(candidates, "_OF_REGION", of_region)
        patch.setattr(candidates, "_FIRST_LOOK", 4)
        for _ in range(8):
            criteria = random_criteria(random, digits, inventory.senders)
            assert pairs_of(await inventory.ask(criteria)) == inventory.expected(criteria), criteria


@pytest.mark.parametrize("few", [1, 20_000])
async def test_candidates_have_the_same_first_ranks_whether_read_whole_or_not(database: Database, few: int) -> None:
    """With a kept sender, also one of another pool, and with senders that are not eligible."""
    inventory = Inventory(database)
    foreign, *_ = await inventory.enter(*(("SMS", f"+1202555{n:04}") for n in range(50)))
    mine = await inventory.enter(*(("SMS", f"+1212555{n:04}") for n in range(120)), member=True)
    everything = inventory.roster(Criteria(recipients=[], pool_id=POOL))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "FEW", 1)
        for n in range(20):
            number = f"+1212555{n:04}"
            wanted = order.Recipient(
                order.read([("PHONE", number)]),
                kept={number: (mine[n], foreign)[n % 2].id},
                without=[sender.id for sender in mine[n : n + 30 : 2]] if n % 3 else (),
            )

            async def read(tx: Tx, wanted: order.Recipient = wanted) -> Roster:
                found = await candidates.read(tx, inventory.account_id, candidates.Source(POOL), few=few)
                assert (found.whole is None) == (few == 1)
                return await found.roster(wanted, 5)

            found = await database.read(read)
            assert list(itertools.islice(found.ranked(wanted), 5)) == list(
                itertools.islice(everything.ranked(wanted), 5)
            )


async def test_candidates_of_one_sender_are_that_sender_while_it_is_activated(database: Database) -> None:
    inventory = Inventory(database)
    (active,) = await inventory.enter(("SMS", "+12025550100"))
    (resting,) = await inventory.enter(("SMS", "+12025550101"), active=False)
    wanted = order.Recipient(order.read([("PHONE", "+12125550100")]))
    for sender, expected in ((active, active), (resting, None)):
        source = candidates.Source(sender_id=sender.id)
        found = await database.read(lambda tx, source=source: candidates.read(tx, inventory.account_id, source))
        best = found.whole.first(wanted) if found.whole else None
        assert (best.sender if best else None) == expected
