"""Choices of a sender against one hash of the recipient, which no spread can do without: `make parts ARGS=choices`.

1,000 recipients of 200 area codes, 10,000 senders of the same. Numbers are parsed before, the roster is built and warm.
"""

from __future__ import annotations

import itertools
from hashlib import shake_128

from bench.parts.timing import best, show
from signalbox.ground import ids
from signalbox.routing import loads
from signalbox.routing.order import Address, Recipient, Roster
from signalbox.routing.spread import PROBES, Sender

SENDERS = 10_000
RECIPIENTS = 1_000


def main() -> None:
    series = ids.Series(0, shared=False)
    # Area codes that have real numbers: 201 to 989 without those of services.
    areas = [str(area) for area in range(201, 990) if area % 100 != 11][:200]

    def number(index: int) -> str:
        return f"+1{areas[index % len(areas)]}555{index % 10_000:04}"

    senders = [Sender(series.new("comms_sender"), "SMS", number(index), "US") for index in range(SENDERS)]
    people = [
        Recipient((Address(0, "PHONE", number(index * 7), "US", number(index * 7)[:5]),)) for index in range(RECIPIENTS)
    ]
    strangers = [Recipient((Address(0, "PHONE", number(index), "FR", ""),)) for index in range(RECIPIENTS)]
    roster = Roster(senders, 1, "pool")
    near, far, bounded = itertools.cycle(people), itertools.cycle(strangers), itertools.cycle(strangers)
    kept = loads.Loads(loads.count(roster, strangers * 1000))
    for person in people + strangers:
        roster.first(person)
    texts = itertools.cycle([f"1 pool {person.addresses[0].address}".encode() for person in people])
    found = best(
        {
            "choice among the senders of an area": lambda: roster.first(next(near)),
            "choice among all senders": lambda: roster.first(next(far)),
            "the same with the bounded load": lambda: kept.first(roster, next(bounded)),
            "floor: one hash of the recipient": lambda: shake_128(next(texts)).digest(PROBES * 4),
        }
    )
    show(f"one choice of {SENDERS:,} senders", found)
    floor = found.pop("floor: one hash of the recipient")
    for name, microseconds in found.items():
        print(f"  {name}: {1e6 / microseconds:,.0f} a second, {microseconds / floor:.1f} times the floor")


if __name__ == "__main__":
    main()
