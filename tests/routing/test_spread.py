"""The load of senders that only the spread decides between: contract section 11, step 6."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.routing import loads, order
from signalbox.routing.loads import Loads
from signalbox.routing.order import Recipient, Roster
from signalbox.routing.spread import RING, Equals, Sender, points, probes, ranges


def some(random: Random, number: int, weights: list[float]) -> list[Sender]:
    """Senders with ids that are the same in each run."""
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    return [
        Sender("comms_sender_0" + "".join(random.choices(alphabet, k=25)), "SMS", f"+1212555{index:04}", "US", weight)
        for index, weight in zip(range(number), weights * number, strict=False)
    ]


def person(number: int) -> Recipient:
    return Recipient((order.Address(0, "PHONE", f"+1206{number:07}", "US", "+1206"),))


@pytest.mark.parametrize("weights", [[1], [1, 2, 3], [0.5, 1]])
def test_share_over_weight_deviates_by_at_most_15_hundredths(weights: list[float]) -> None:
    senders = some(Random(1), 60, weights)
    equals = Equals(senders)
    recipients = 60 * 400
    chosen = Counter(equals.first(probes(1, "pool", f"+{number}")).id for number in range(recipients))
    total = sum(sender.weight for sender in senders)
    shares = [chosen[sender.id] / recipients / (sender.weight / total) for sender in senders]
    assert statistics.pstdev(shares) <= 0.15


def test_accounts_and_pools_spread_their_recipients_each_in_its_own_way() -> None:
    equals = Equals(some(Random(2), 100, [1]))
    chosen = [
        [equals.first(probes(account, pool, f"+{number}")).id for number in range(300)]
        for account, pool in ((1, ""), (1, "pool"), (2, "pool"))
    ]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert sum(mine == yours for mine, yours in zip(chosen[one], chosen[other], strict=True)) < 30


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 3, 65, 700]), st.sampled_from([[1.0], [1.0, 7.0], [0.1, 1, 50]]))
def test_first_is_the_first_of_the_whole_order(seed: int, number: int, weights: list[float]) -> None:
    random = Random(seed)
    equals = Equals(some(random, number, weights))
    for _ in range(20):
        wanted = probes(random.randrange(9), "", str(random.random()))
        ordered = list(equals.ordered(wanted))
        assert equals.first(wanted) == ordered[0]
        assert sorted(ordered) == sorted(equals.senders)


@given(
    st.integers(0, 2**32), st.sampled_from([1, 3, 40]), st.sampled_from([1, 30, 300]), st.sampled_from([1.05, 1.25, 4])
)
def test_bounded_load_exceeds_no_bound_and_leaves_no_recipient_out(
    seed: int, number: int, recipients: int, most: float
) -> None:
    random = Random(seed)
    senders = some(random, number, [1, 1, 3])
    roster = Roster(senders, 1, "pool")
    people = [person(random.randrange(50)) for _ in range(recipients)]
    counts = loads.count(roster, people)
    bounded = Loads(counts, max_load=most)
    chosen: Counter[str] = Counter()
    for index, one in enumerate(people):
        if index % 7 == 3:
            # Another process goes on with what this one wrote down.
            bounded = Loads(counts, json.loads(json.dumps(bounded.as_json())), most)
        rank = bounded.first(roster, one)
        assert rank is not None
        chosen[rank.sender.id] += 1
    total = sum(sender.weight for sender in senders)
    for sender in senders:
        assert chosen[sender.id] <= math.ceil(most * recipients * sender.weight / total)


def test_bounded_load_reorders_only_equals_and_counts_no_kept_sender() -> None:
    random = Random(3)
    near, far = some(random, 4, [1]), [one._replace(region="FR") for one in some(random, 4, [1])]
    roster = Roster(near + far, 1)
    people = [person(number) for number in range(40)]
    kept = [one._replace(kept={one.addresses[0].address: near[0].id}) for one in people]
    counts = loads.count(roster, people + kept)
    assert list(counts.values()) == [40]
    bounded = Loads(counts)
    ranks = [bounded.first(roster, one) for one in people + kept]
    assert all(rank and rank.country for rank in ranks)
    assert [rank.sender for rank in ranks[40:] if rank] == [near[0]] * 40
    assert max(Counter(rank.sender.id for rank in ranks[:40] if rank).values()) <= 13


def test_bounded_load_knows_equals_without_the_senders_that_are_not_eligible() -> None:
    """Ten recipients for whom one of two senders is not eligible all have the other one: nobody is equal to it."""
    one, other = some(Random(4), 2, [1])
    roster = Roster([one, other], 1)
    people = [person(number)._replace(without=[one.id]) for number in range(10)] + [person(99)]
    bounded = Loads(loads.count(roster, people))
    chosen = [rank.sender for rank in (bounded.first(roster, wanted) for wanted in people) if rank]
    assert chosen[:10] == [other] * 10
    assert len(chosen) == 11


def test_bounded_load_takes_the_best_sender_of_equals_that_were_not_counted() -> None:
    """A sender joined after the recipients were counted: these equals have no number."""
    senders = some(Random(5), 3, [1])
    bounded = Loads(loads.count(Roster(senders[:1], 1), [person(1)]))
    roster = Roster([*senders, senders[0]._replace(id=senders[0].id[:-1] + "0", region="FR")], 1)
    assert bounded.first(roster, person(1)) == roster.first(person(1))


def test_bounded_ranking_has_every_pair_once_and_the_counted_one_first() -> None:
    roster = Roster(some(Random(6), 5, [1]), 1)
    people = [person(1)] * 5
    bounded = Loads(loads.count(roster, people))
    ranked = [list(bounded.ranked(roster, one)) for one in people]
    # One recipient five times, at most two of five for each sender: the third one has another first sender.
    assert len({ranks[0].sender for ranks in ranked}) == 3
    assert all(len(ranks) == len(set(ranks)) == 5 for ranks in ranked)


def test_unbounded_load_gives_one_recipient_one_sender() -> None:
    roster = Roster(some(Random(7), 5, [1]), 1)
    people = [person(1)] * 9
    unbounded = Loads(loads.count(roster, people), max_load=None)
    assert len({rank.sender for rank in (unbounded.first(roster, one) for one in people) if rank}) == 1


@given(st.integers(0, 2**32), st.integers(0, RING))
def test_ranges_hold_exactly_the_senders_that_are_near(seed: int, radius: int) -> None:
    random = Random(seed)
    radius >>= random.randrange(40)
    wanted = probes(1, "pool", str(seed))
    found = ranges(wanted, radius)
    assert found == sorted(found)
    for sender in some(random, 50, [1]):
        around = [(place - (probe << 8)) % RING for place in points(sender.id) for probe in wanted]
        near = min(min(ahead, RING - ahead) for ahead in around) <= radius
        assert any(low <= sender.id[-8:] <= high for low, high in found) == near
