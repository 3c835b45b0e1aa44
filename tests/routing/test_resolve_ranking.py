"""The order of Resolve: its search finds what a ranking of every pair finds."""

from __future__ import annotations

import itertools
import json
import shutil
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
from signalbox.routing import resolve as module
from signalbox.routing.resolve import Criteria, Match, Recipient, Sender, place, rank, resolve, shared, targets

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
        texts = json.dumps([[*sender, f"Name of {sender.id}", status, "{}", 0] for sender in new])

        async def insert(tx: Tx) -> None:
            await tx.run("senders.insert", account_id=self.account_id, rows=texts)
            if member:
                members = [sender.id for sender in new]
                await tx.run("resolve_test.join", account_id=self.account_id, pool_id=POOL, ids=members)

        await self.database.write(insert)
        self.senders += new
        self.members |= {sender.id for sender in new if member}
        self.deactivated |= {sender.id for sender in new if not active}
        return new

    async def ask(self, criteria: Criteria) -> list[Match]:
        return await self.database.read(lambda tx: resolve(tx, self.account_id, criteria))

    def expected(self, criteria: Criteria) -> list[tuple[str, Recipient]]:
        """The definition of the order, applied to every pair of sender and recipient."""
        pairs = []
        for target in targets(criteria.recipients):
            for sender in self.senders:
                reaches = {"SMS": "PHONE", "RCS": "PHONE"}.get(sender.channel, sender.channel)
                if (
                    reaches == target.channel
                    and sender.id not in self.deactivated
                    and (criteria.pool_id is None or sender.id in self.members)
                    and (
                        criteria.sender_addresses is None
                        or (sender.channel, sender.address) in criteria.sender_addresses
                    )
                    and (criteria.filter_in is None or sender.channel in criteria.filter_in)
                ):
                    key = place(sender.channel, target, criteria.priority), rank((sender, target))
                    pairs.append((key, sender.id, criteria.recipients[target.order]))
        pairs.sort(key=lambda pair: pair[0])
        return [(sender_id, recipient) for _, sender_id, recipient in pairs[:10]]


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


async def test_resolve_puts_a_number_of_the_own_country_before_a_longer_prefix(inventory: Inventory) -> None:
    """+1 416 is Toronto and +1 202 is Washington: one calling code, two countries."""
    abroad, own = await inventory.enter(("SMS", "+14165550199"), ("SMS", "+12025550100"))
    matches = await inventory.ask(Criteria(recipients=phones("+14375550123", "+12125550123")))
    assert [(match.sender_id, match.recipient.address) for match in matches] == [
        (abroad.id, "+14375550123"),
        (own.id, "+14375550123"),
        (own.id, "+12125550123"),
        (abroad.id, "+12125550123"),
    ]


async def test_resolve_puts_the_longest_common_prefix_first_and_then_the_oldest_sender(
    inventory: Inventory,
) -> None:
    far, old, new, near = await inventory.enter(
        ("SMS", "+13015550100"), ("SMS", "+12025550188"), ("SMS", "+12025550199"), ("SMS", "+12025550122")
    )
    matches = await inventory.ask(Criteria(recipients=phones("+12025550123")))
    assert [match.sender_id for match in matches] == [near.id, old.id, new.id, far.id]


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
async def test_resolve_finds_the_oldest_of_a_rare_prefix_behind_thousands(
    inventory: Inventory, pool: str | None
) -> None:
    """The best sender is neither among the nearest prefixes nor among the oldest senders of the channel."""
    first = await inventory.enter(("SMS", "+12122000000"), member=True)
    await inventory.enter(*(("SMS", f"+1202{number:07}") for number in range(2100)), member=True)
    later = await inventory.enter(
        *(("SMS", f"+1212{number:07}") for number in range(2_000_099, 2_000_000, -1)), member=True
    )
    rare = first + later
    criteria = Criteria(recipients=phones("+12129999999"), pool_id=pool)
    matches = await inventory.ask(criteria)
    assert [match.sender_id for match in matches] == [sender.id for sender in rare[:10]]
    criteria = Criteria(recipients=phones("+12065550100"), pool_id=pool)
    assert pairs_of(await inventory.ask(criteria)) == inventory.expected(criteria)


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


@pytest.mark.parametrize("whole_pool", [1, 1000])
@settings(max_examples=searched(15, 500), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
async def test_resolve_agrees_with_the_ranking_of_every_pair(database: Database, whole_pool: int, seed: int) -> None:
    """Prefixes with many senders, ties, several countries; `whole_pool` 1 makes even small pools use the index."""
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
        patch.setattr(module, "_WHOLE_POOL", whole_pool)
        for _ in range(8):
            criteria = random_criteria(random, digits, inventory.senders)
            assert pairs_of(await inventory.ask(criteria)) == inventory.expected(criteria), criteria


def test_shared_counts_the_characters_both_begin_with() -> None:
    assert [shared("", "a"), shared("+12", "+13"), shared("ab", "ab"), shared("b", "ab")] == [0, 2, 2, 0]
