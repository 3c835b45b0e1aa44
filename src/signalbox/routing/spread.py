"""The last step of the order of senders: weighted consistent hashing. Contract section 11, step 6. No database.

Every sender has two points on a ring, both from the random end of its id. Every recipient has 32 probes on the ring,
hashed from the account, the pool and its address. The score of a sender is the least distance between one of its points
and a probe, divided by its weight; a lower score comes first. Other senders have no part in a score, so one that joins
or leaves changes no order among the rest. Many probes and few points are an idea of Appleton and O'Reilly, "Multi-probe
consistent hashing". Two points, and distances in both directions, keep a sender from being hidden behind its neighbour.
docs/decisions/0026-spread.md has the deviations that were measured.
"""

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from hashlib import shake_128
from heapq import merge
from itertools import compress, repeat
from operator import rshift
from typing import Final, NamedTuple, TypeAlias

PROBES: Final = 32
# ids.Series: two ids of one millisecond differ by a random number of 40 bits, so the last 40 bits of an id, 8 of its
# characters, are random and independent of all other ids.
RING_BITS: Final = 40
RING: Final = 1 << RING_BITS
_POINT_CHARACTERS: Final = 8
# The second point is the first one times this: prime to the ring, and small, so that an index of first points finds the
# second points in five ranges.
SECOND: Final = 5
_PROBE_BITS: Final = 32
_LOW_BITS: Final = RING_BITS - _PROBE_BITS
_unpack = struct.Struct(f">{PROBES}I").unpack
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_TO_BASE32HEX: Final = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
# Buckets of the ring for each point, in the table that skips probes without a sender nearby.
_BUCKETS: Final = 24
# Up to so many senders are ordered whole.
_FEW: Final = 64

# The first 32 of the 40 bits of each probe.
Probes: TypeAlias = tuple[int, ...]


class Sender(NamedTuple):
    """A sender that may be chosen. `region`: a country of ISO 3166, '' without one. `weight`: its part of the load."""

    id: str
    channel: str
    address: str
    region: str
    weight: float = 1


def points(sender_id: str) -> tuple[int, int]:
    """The places of a sender on the ring, 0 to 2^40 - 1. Where two first points are near, the second ones are not."""
    first = int(sender_id[-_POINT_CHARACTERS:].translate(_TO_BASE32HEX), 32)
    return first, first * SECOND % RING


def probes(account_id: int, pool_id: str, address: str) -> Probes:
    """The probes of a recipient in a pool, '' for none. `address` in its normalised form."""
    key = f"{account_id} {pool_id} {address}".encode("utf-8", "surrogatepass")
    return _unpack(shake_128(key).digest(PROBES * 4))


def ranges(probes: Probes, radius: int) -> list[tuple[str, str]]:
    """The ends of the ids of all senders at most `radius` from a probe: ranges that do not overlap, in their order."""
    found = []
    for probe in probes:
        start = probe << _LOW_BITS
        for factor in (1, SECOND):
            # The first points, whose product with the factor is near the probe, in each round of the ring.
            for turn in range(0, factor * RING, RING):
                low = -((radius - start - turn) // factor)
                high = (start + radius + turn) // factor
                offsets = (-RING, 0, RING) if low < 0 or high >= RING else (0,)
                found += [(max(low + offset, 0), min(high + offset, RING - 1)) for offset in offsets]
    merged: list[tuple[int, int]] = []
    for low, high in sorted(one for one in found if one[0] <= one[1]):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return [(_text(low), _text(high)) for low, high in merged]


def _text(place: int) -> str:
    return "".join([_ALPHABET[place >> shift & 31] for shift in range(RING_BITS - 5, -1, -5)])


class Equals:
    """Senders between which only the spread decides, at least one. All weights are 0 and count as 1, or none is 0."""

    __slots__ = ("_rings", "senders", "weight")

    def __init__(self, senders: Sequence[Sender]) -> None:
        self.senders = senders
        by_weight: dict[float, list[Sender]] = {}
        for sender in senders:
            by_weight.setdefault(sender.weight or 1, []).append(sender)
        self.weight = sum(weight * len(some) for weight, some in by_weight.items())
        self._rings = [_Ring(weight, some) for weight, some in by_weight.items()]

    def first(self, probes: Probes) -> Sender:
        """The sender with the least score. Takes some 10 us for each weight, whatever the number of senders."""
        rings = self._rings
        if len(rings) == 1:
            return rings[0].nearest(probes)[1]
        found = [ring.nearest(probes) for ring in rings]
        return min(found, key=lambda one: (one[0], one[1].id))[1]

    def ordered(self, probes: Probes) -> Iterator[Sender]:
        """All senders, the least score first. Computes only as many as are taken, by powers of eight."""
        return (sender for _, _, sender in merge(*(ring.ordered(probes) for ring in self._rings)))


class _Ring:
    """Senders of one weight, by their points."""

    __slots__ = ("_near", "_points", "_senders", "_shift", "_weight")

    def __init__(self, weight: float, senders: Sequence[Sender]) -> None:
        placed = sorted((place, sender.id, sender) for sender in senders for place in points(sender.id))
        places = [place for place, _, _ in placed]
        ranked = [sender for _, _, sender in placed]
        # The ring is closed: the last one comes before the first one as well, and the first one after the last.
        self._points = [places[-1] - RING, *places, places[0] + RING]
        self._senders = [ranked[-1], *ranked, ranked[0]]
        self._weight = weight
        # How far a probe is shifted to its bucket, and one byte for each bucket: whether a point is in it or in one of
        # its neighbours. Computed by the first `nearest`.
        self._shift = _PROBE_BITS - min((_BUCKETS * len(places)).bit_length() - 1, _PROBE_BITS)
        self._near = b""

    def nearest(self, probes: Probes) -> tuple[float, Sender]:
        """The least score and its sender."""
        if not self._near:
            self._near = self._table()
        hits = compress(probes, map(self._near.__getitem__, map(rshift, probes, repeat(self._shift))))
        distance, sender = self._least(hits)
        # A probe that was skipped is farther than a bucket from all points.
        if distance > 1 << self._shift + _LOW_BITS:
            distance, sender = self._least(iter(probes))
        return distance / self._weight, sender

    def _least(self, probes: Iterator[int]) -> tuple[int, Sender]:
        points, senders = self._points, self._senders
        least, best = RING, senders[0]
        for probe in probes:
            start = probe << _LOW_BITS
            index = bisect_left(points, start)
            # Both neighbours; written out, because this loop is most of a choice.
            distance = points[index] - start
            if distance <= least and (distance < least or senders[index].id < best.id):
                least, best = distance, senders[index]
            distance = start - points[index - 1]
            if distance <= least and (distance < least or senders[index - 1].id < best.id):
                least, best = distance, senders[index - 1]
        return least, best

    def _table(self) -> bytes:
        shift = self._shift + _LOW_BITS
        buckets = 1 << RING_BITS - shift
        near = bytearray(buckets)
        for place in self._points[1:-1]:
            bucket = place >> shift
            near[bucket - 1] = near[bucket] = near[(bucket + 1) % buckets] = 1
        return bytes(near)

    def ordered(self, probes: Probes) -> Iterator[tuple[float, str, Sender]]:
        """Score, id and sender, the least score first."""
        starts = sorted(probe << _LOW_BITS for probe in probes)
        radius = _FEW * RING // (2 * PROBES * len(self._points))
        beyond = -1
        while radius * 4 * PROBES < RING:
            yield from self._scored(self._within(starts, radius), beyond)
            beyond, radius = radius, radius * 8
        yield from self._scored(self._all(starts), beyond)

    def _scored(self, found: dict[int, int], beyond: int) -> list[tuple[float, str, Sender]]:
        """Those of the senders whose score is not within `beyond`, which are ordered already."""
        least: dict[str, int] = {}
        by_id = {}
        for index, distance in found.items():
            sender = self._senders[index]
            if distance < least.get(sender.id, RING):
                least[sender.id] = distance
                by_id[sender.id] = sender
        return sorted((far / self._weight, name, by_id[name]) for name, far in least.items() if far > beyond)

    def _within(self, starts: Sequence[int], radius: int) -> dict[int, int]:
        """The points at most `radius` from a probe: index to distance from the nearest one."""
        found: dict[int, int] = {}
        points, last = self._points, len(self._points) - 1
        for start in starts:
            # What passes the end of the ring goes on at its start.
            for base in (start, start - RING, start + RING):
                begin = bisect_left(points, base - radius, 1, last)
                end = bisect_right(points, base + radius, 1, last)
                for index in range(begin, end):
                    distance = abs(points[index] - base)
                    if distance < found.get(index, RING):
                        found[index] = distance
        return found

    def _all(self, starts: Sequence[int]) -> dict[int, int]:
        """Every point: index to distance from the nearest probe."""
        closed = [starts[-1] - RING, *starts, starts[0] + RING]
        found = {}
        for index in range(1, len(self._points) - 1):
            place = self._points[index]
            after = bisect_left(closed, place)
            found[index] = min(closed[after] - place, place - closed[after - 1])
        return found
