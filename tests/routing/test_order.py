"""The order of senders for a recipient, before any database: contract section 11, steps 2 to 5."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from signalbox.ground import ids
from signalbox.inventory import addresses
from signalbox.routing import order, spread
from signalbox.routing.order import Rank, Recipient, Roster
from signalbox.routing.spread import RING, Sender, points, probes

POOL = "comms_senderpool_00000000000000000000000001"
SERIES = ids.Series(0, shared=False)

NEW_YORK, NEW_YORK_TOO, SEATTLE = "+12125550100", "+12125550101", "+12065550100"
TORONTO, LONDON, PARIS = "+14165550100", "+442079460000", "+33140000000"


def sender(address: str, channel: str = "SMS", weight: float = 1) -> Sender:
    return Sender(SERIES.new("comms_sender"), channel, address, addresses.region(address), weight)


def phone(*numbers: str) -> Recipient:
    return Recipient(order.read([("PHONE", number) for number in numbers]))


def roster(*senders: Sender) -> Roster:
    return Roster(senders, 1, POOL)


def addresses_of(ranks: list[Rank]) -> list[str]:
    return [rank.sender.address for rank in ranks]


def test_order_puts_the_area_before_the_country_and_the_country_before_others() -> None:
    senders = [sender(number) for number in (PARIS, SEATTLE, NEW_YORK, TORONTO)]
    found = list(roster(*senders).ranked(phone(NEW_YORK_TOO)))
    assert addresses_of(found)[:2] == [NEW_YORK, SEATTLE]
    assert [(rank.country, rank.area) for rank in found] == [
        (True, True),
        (True, False),
        (False, False),
        (False, False),
    ]


def test_order_takes_channels_by_address_and_rcs_before_sms() -> None:
    sms, rcs, whatsapp = sender(NEW_YORK), sender("agent", "RCS"), sender(PARIS, "WHATSAPP")
    person = Recipient(order.read([("WHATSAPP", LONDON), ("PHONE", SEATTLE)]))
    found = list(roster(sms, rcs, whatsapp).ranked(person))
    assert [rank.sender for rank in found] == [whatsapp, rcs, sms]
    assert [rank.address.order for rank in found] == [0, 1, 1]


def test_order_follows_the_priority_and_then_the_order_of_the_addresses() -> None:
    sms, rcs, whatsapp = sender(NEW_YORK), sender("agent", "RCS"), sender(PARIS, "WHATSAPP")
    person = Recipient(
        order.read([("WHATSAPP", LONDON), ("PHONE", SEATTLE), ("PHONE", TORONTO)]), priority={"SMS": 3, "RCS": 3}
    )
    found = list(roster(sms, rcs, whatsapp).ranked(person))
    assert [(rank.sender, rank.address.order) for rank in found] == [
        (rcs, 1),
        (sms, 1),
        (rcs, 2),
        (sms, 2),
        (whatsapp, 0),
    ]
    filtered = person._replace(filter_in=["SMS"])
    assert [rank.address.order for rank in roster(sms, rcs, whatsapp).ranked(filtered)] == [1, 2]


def test_order_puts_the_kept_sender_before_country_and_area_of_its_channel() -> None:
    near, far, rcs = sender(NEW_YORK), sender(PARIS), sender("agent", "RCS")
    person = phone(NEW_YORK_TOO)._replace(kept={NEW_YORK_TOO: far.id})
    found = list(roster(near, far, rcs).ranked(person))
    assert [(rank.sender, rank.kept) for rank in found] == [(rcs, False), (far, True), (near, False)]
    assert roster(near, far).first(person) == Rank(far, person.addresses[0], country=False, area=False, kept=True)
    without = person._replace(without={far.id})
    assert [rank.sender for rank in roster(near, far).ranked(without)] == [near]
    assert roster(near).first(person) == Rank(near, person.addresses[0], country=True, area=True)


def test_order_has_a_sender_of_weight_0_only_when_no_other_can_reach_the_recipient() -> None:
    idle, idle_rcs, far = sender(NEW_YORK, weight=0), sender("agent", "RCS", weight=0), sender(PARIS)
    assert [rank.sender for rank in roster(idle, idle_rcs, far).ranked(phone(NEW_YORK_TOO))] == [far, idle_rcs, idle]
    assert roster(idle).first(phone(NEW_YORK_TOO)) is not None


def test_order_knows_no_sender_for_a_recipient_that_none_reaches() -> None:
    mail = Recipient(order.read([("EMAIL", "ada@example.org")]))
    assert roster(sender(NEW_YORK)).first(mail) is None
    assert list(roster().ranked(mail)) == []
    only = sender(NEW_YORK)
    assert roster(only).first(phone(SEATTLE)._replace(without=[only.id])) is None


def test_order_counts_a_repeated_address_once() -> None:
    found = order.read([("EMAIL", "ada@example.org"), ("EMAIL", "ada@EXAMPLE.org"), ("PHONE", "\0")])
    assert [(one.address, one.order) for one in found] == [("ada@example.org", 0), ("\0", 2)]


def test_order_has_one_key_for_equals_that_are_the_same_senders() -> None:
    here = roster(sender(NEW_YORK), sender(NEW_YORK_TOO))
    places = [here.lead(phone(number)) for number in (NEW_YORK, SEATTLE, PARIS)]
    assert len({place.key for place in places if isinstance(place, order.Place)}) == 1
    assert [(place.country, place.area) for place in places if place] == [(True, True), (True, False), (False, False)]


NUMBERS = st.sampled_from([NEW_YORK, NEW_YORK_TOO, SEATTLE, TORONTO, LONDON, PARIS, "agent"])
SENDERS = st.lists(
    st.builds(
        lambda address, channel, weight: sender(address, channel if address != "agent" else "RCS", weight),
        NUMBERS,
        st.sampled_from(["SMS", "RCS", "WHATSAPP"]),
        st.sampled_from([0, 1, 1, 1, 2.5, 100]),
    ),
    max_size=90,
)
PEOPLE = st.builds(
    lambda written, filter_in, priority, seed: (Recipient(order.read(written), filter_in, priority), seed),
    st.lists(st.tuples(st.sampled_from(["PHONE", "WHATSAPP"]), NUMBERS), min_size=1, max_size=4),
    st.none() | st.sets(st.sampled_from(["SMS", "RCS", "WHATSAPP"])),
    st.none() | st.dictionaries(st.sampled_from(["SMS", "RCS", "WHATSAPP"]), st.integers(-1, 1)),
    st.integers(0, 2**32),
)


def key(one: Sender, address: order.Address, recipient: Recipient) -> tuple[object, ...]:
    """The definition of the order, of one pair of sender and address."""
    priority = recipient.priority or {}
    place = one.channel not in priority, priority.get(one.channel, 0), address.order, one.channel != "RCS"
    own = bool(address.region) and one.region == address.region
    near = own and address.area != "" and addresses.area(one.address) == address.area
    starts = [probe << 8 for probe in probes(1, POOL, address.address)]
    around = [(place - start) % RING for start in starts for place in points(one.id)]
    score = min(min(ahead, RING - ahead) for ahead in around) / (one.weight or 1)
    kept = recipient.kept.get(address.address) == one.id
    return one.weight == 0, *place, not kept, not own, not near, score, one.id


@given(SENDERS, PEOPLE)
def test_order_is_the_ranking_of_every_pair(senders: list[Sender], wanted: tuple[Recipient, int]) -> None:
    recipient, seed = wanted
    chance = Random(seed)
    some = chance.sample(senders, len(senders) // 3)
    recipient = recipient._replace(
        without={one.id for one in some[::2]},
        kept={
            one.address: chance.choice(senders).id for one in recipient.addresses if senders and chance.random() < 0.5
        },
    )
    pairs = [
        (one, address)
        for address in recipient.addresses
        for one in senders
        if one.channel in order.REACHED_BY[address.channel]
        and (recipient.filter_in is None or one.channel in recipient.filter_in)
        and one.id not in recipient.without
    ]
    pairs.sort(key=lambda pair: key(pair[0], pair[1], recipient))
    chance.shuffle(senders)
    here = roster(*senders)
    found = list(here.ranked(recipient))
    assert [(rank.sender.id, rank.address) for rank in found] == [(one.id, address) for one, address in pairs]
    assert here.first(recipient) == (found[0] if found else None)
    # Who leaves moves nobody between two that stay.
    leaving = {one.id for one in some}
    stay = [one for one in senders if one.id not in leaving]
    assert list(roster(*stay).ranked(recipient)) == [rank for rank in found if rank.sender.id not in leaving]


def test_point_is_the_random_end_of_an_id() -> None:
    assert points("comms_sender_01jd0000000000000000000001") == (1, 5)
    assert points("comms_sender_01jd00000000000000zzzzzzzz") == (2**40 - 1, 2**40 - 5)
    assert spread.RING == 32**8


def test_points_of_ids_of_one_millisecond_are_even() -> None:
    """The chi-squared test over 64 parts of the ring: 63 degrees of freedom, 150 is beyond one in a million."""
    series = ids.Series(1, shared=False)
    counts = [0] * 64
    for _ in range(20_000):
        counts[points(series.new("comms_sender"))[0] * 64 // RING] += 1
    expected = 20_000 / 64
    assert sum((count - expected) ** 2 / expected for count in counts) < 150
