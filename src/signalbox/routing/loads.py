"""The bounded load of one request. Contract section 11, step 6: `maxLoad`. Uses no database.

A sender gets at most `max_load` times its weighted share of the recipients that have the same equals, rounded up. A
recipient whose best sender has that many gets the next of the equals; recipients choose in the order of the request.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from signalbox.routing.order import Place, Rank, Recipient, Roster
from signalbox.routing.spread import Sender

MAX_LOAD: Final = 1.25
# So much of the end of an id stands for a sender. Two senders with the same end (one pair in 2^40) share one bound, so
# neither exceeds it.
_END: Final = 8


class Loads:
    """How many recipients of a request each sender has, and may have. Recipients of kept senders do not count.

    `counts`: the number of recipients for each set of equals, from `count`. `taken`: those that have their sender.
    """

    def __init__(
        self,
        counts: Mapping[str, int],
        taken: Mapping[str, Mapping[str, int]] | None = None,
        max_load: float | None = MAX_LOAD,
    ) -> None:
        self._counts = counts
        self._taken = {key: dict(numbers) for key, numbers in (taken or {}).items()}
        self._max_load = max_load

    def as_json(self) -> dict[str, dict[str, int]]:
        """`taken`, of plain JSON values: one number for each set of equals and each sender that has a recipient."""
        return self._taken

    def first(self, roster: Roster, recipient: Recipient) -> Rank | None:
        """The sender for the next recipient of the request, counted; None where no sender reaches it."""
        lead = roster.lead(recipient)
        if not isinstance(lead, Place):
            return lead
        key = _key(lead)
        number = self._counts.get(key)
        best = None
        for rank in roster.of_place(lead):
            best = best or rank
            if self._max_load is None or number is None:
                # The roster is another one than when the recipients were counted: nothing is known of these equals.
                break
            taken = self._taken.setdefault(key, {})
            end = rank.sender.id[-_END:]
            if taken.get(end, 0) < self._bound(lead, number, rank.sender):
                taken[end] = taken.get(end, 0) + 1
                return rank
        return best

    def ranked(self, roster: Roster, recipient: Recipient) -> Iterator[Rank]:
        """`first`, counted, and then all others in their order."""
        chosen = self.first(roster, recipient)
        if chosen is not None:
            yield chosen
            for rank in roster.ranked(recipient):
                if (rank.sender.id, rank.address) != (chosen.sender.id, chosen.address):
                    yield rank

    def _bound(self, place: Place, number: int, sender: Sender) -> int:
        weight = place.equals.weight
        if place.gone:
            weight -= sum(one.weight or 1 for one in place.equals.senders if one.id in place.gone)
        # Less than a sender's thousandth: 1.1 * 10 / 11 is a little more than 1 for a computer.
        return math.ceil((self._max_load or 0) * number * (sender.weight or 1) / weight - 1e-6)


def count(roster: Roster, recipients: Iterable[Recipient]) -> dict[str, int]:
    """The number of recipients for each set of equals, those of kept senders aside. Plain JSON values."""
    leads = (roster.lead(recipient) for recipient in recipients)
    return dict(Counter(_key(lead) for lead in leads if isinstance(lead, Place)))


def _key(place: Place) -> str:
    return " ".join((place.key, *place.gone))
