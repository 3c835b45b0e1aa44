"""The order of senders for a recipient: one for Resolve, for Explain and for sending. Contract section 11. No database.

A `Roster` is the senders that a request may use. It orders them for a recipient by channel, kept sender, country, area,
and those that are then equal by `spread.py`. A sender that is not eligible (step 1) is not in the roster, or is named
in `without` of the recipients for whom it is not.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from signalbox.inventory import addresses
from signalbox.routing import spread
from signalbox.routing.spread import Equals, Sender

# The sender channels that reach an address of a recipient channel, the preferred one first.
REACHED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "PHONE": ("RCS", "SMS"),
    "WHATSAPP": ("WHATSAPP",),
    "EMAIL": ("EMAIL",),
    "PUSH": ("PUSH",),
}


NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Address(NamedTuple):
    """An address of a recipient, normalised. `order`: its place in the request. `region`, `area`: '' without one."""

    order: int
    channel: str
    address: str
    region: str
    area: str


class Recipient(NamedTuple):
    """One person, as the choice of a sender needs to know them.

    `filter_in`: only these sender channels. `priority`: a number for a channel, lower first; other channels come last.
    `kept`: for an address, the id of its kept sender (step 3). `without`: the ids of senders that are not eligible.
    """

    addresses: tuple[Address, ...]
    filter_in: Collection[str] | None = None
    priority: Mapping[str, int] | None = None
    kept: Mapping[str, str] = NOTHING
    without: Collection[str] = ()


class Rank(NamedTuple):
    """A sender for an address, and what decided: it has the address's country, its area; it was kept."""

    sender: Sender
    address: Address
    country: bool
    area: bool
    kept: bool = False


class Place(NamedTuple):
    """The senders that are equal for a recipient after step 5, and better than all others.

    `key` is equal exactly for the same senders. Those of `gone` are not eligible for the recipient: fewer than all.
    """

    address: Address
    key: str
    equals: Equals
    country: bool
    area: bool
    gone: tuple[str, ...] = ()

    def rank(self, sender: Sender) -> Rank:
        """The rank of one of the senders."""
        return Rank(sender, self.address, self.country, self.area)


def read(written: Iterable[tuple[str, str]]) -> tuple[Address, ...]:
    """The addresses of one recipient, from (channel, address) in the order of the request. A repeated one counts once.

    Channels are PHONE, WHATSAPP, EMAIL and PUSH. Never raises: an address of no known form has no country and no area.
    """
    found: dict[tuple[str, str], Address] = {}
    for index, (channel, text) in enumerate(written):
        address = addresses.normalise_for_search(channel, text)
        if (channel, address) not in found:
            number = channel in ("PHONE", "WHATSAPP")
            region = addresses.region(address) if number else ""
            found[channel, address] = Address(
                index, channel, address, region, addresses.area(address) if number else ""
            )
    return tuple(found.values())


def routes(recipient: Recipient) -> list[tuple[str, Address]]:
    """The sender channels that reach the recipient, each with the address, in the order of step 2."""
    filter_in, priority = recipient.filter_in, recipient.priority
    found = [
        (channel, address)
        for address in recipient.addresses
        for channel in REACHED_BY[address.channel]
        if filter_in is None or channel in filter_in
    ]
    if priority:
        # A stable sort: channels with the same number keep the order of the addresses.
        found.sort(key=lambda route: (route[0] not in priority, priority.get(route[0], 0)))
    return found


class Roster:
    """Senders in memory, indexed for the choice. `pool_id`: '' where no pool was named.

    Building takes about 3 us a sender. Those of a country and of its areas are made when a recipient first needs them.
    """

    def __init__(self, senders: Iterable[Sender], account_id: int, pool_id: str = "") -> None:
        self._account_id = account_id
        self._pool_id = pool_id
        weighted: dict[str, list[Sender]] = {}
        # Weight 0: only when no other sender can reach the recipient.
        spare: dict[str, list[Sender]] = {}
        for sender in senders:
            (weighted if sender.weight else spare).setdefault(sender.channel, []).append(sender)
        self._tiers = [
            {channel: _Channel(f"{mark}{channel}", some) for channel, some in by_channel.items()}
            for mark, by_channel in (("", weighted), ("0 ", spare))
            if by_channel
        ]

    def first(self, recipient: Recipient) -> Rank | None:
        """The best sender for the recipient; None where no sender reaches it."""
        lead = self.lead(recipient)
        if not isinstance(lead, Place):
            return lead
        best = lead.equals.first(self._probes(lead.address))
        return next(self.of_place(lead)) if best.id in lead.gone else lead.rank(best)

    def ranked(self, recipient: Recipient) -> Iterator[Rank]:
        """Every sender for every address that it reaches, best first. Nothing is computed that is not taken."""
        reached_by = routes(recipient)
        for tier in self._tiers:
            for channel, address in reached_by:
                if channel in tier:
                    yield from self._of_channel(tier[channel], address, recipient)

    def lead(self, recipient: Recipient) -> Place | Rank | None:
        """The first of the kept senders where it is the best one, else the senders that are the best ones together."""
        reached_by = routes(recipient)
        for tier in self._tiers:
            for channel, address in reached_by:
                senders = tier.get(channel)
                if senders is None:
                    continue
                if recipient.kept and (kept := senders.kept(address, recipient)):
                    return kept
                if not recipient.without:
                    return Place(address, *senders.matching(address)[0])
                for place in senders.places(address):
                    gone = senders.gone(place, recipient.without)
                    if len(gone) < len(place.equals.senders):
                        return place._replace(gone=gone)
        return None

    def of_place(self, place: Place) -> Iterator[Rank]:
        """The eligible senders of a place in the order of step 6."""
        probes = self._probes(place.address)
        first = place.equals.first(probes)
        if first.id not in place.gone:
            yield place.rank(first)
        for sender in place.equals.ordered(probes):
            if sender.id != first.id and sender.id not in place.gone:
                yield place.rank(sender)

    def _probes(self, address: Address) -> spread.Probes:
        return spread.probes(self._account_id, self._pool_id, address.address)

    def _of_channel(self, senders: "_Channel", address: Address, recipient: Recipient) -> Iterator[Rank]:
        done = set(recipient.without)
        if recipient.kept and (kept := senders.kept(address, recipient)):
            done.add(kept.sender.id)
            yield kept
        for place in senders.places(address):
            for rank in self.of_place(place):
                if rank.sender.id not in done:
                    done.add(rank.sender.id)
                    yield rank


# Key, senders, whether country and area match.
_Matching: TypeAlias = tuple[str, Equals, bool, bool]


class _Channel:
    """The senders of one channel: all of them, those of a country, those of an area."""

    def __init__(self, name: str, senders: list[Sender]) -> None:
        self._name = name
        self._all = Equals(senders)
        self._regions: dict[str, Equals] | None = None
        self._areas: dict[str, dict[str, Equals]] = {}
        self._ids: dict[str, Sender] | None = None
        self._found: dict[tuple[str, str], list[_Matching]] = {}

    def places(self, address: Address) -> Iterator[Place]:
        """The senders that match area and country, then those that match the country, then all."""
        return (Place(address, *one) for one in self.matching(address))

    def matching(self, address: Address) -> list[_Matching]:
        """The same without the address: at least one. Equal senders have one name, that of the widest description."""
        found = self._found.get((address.region, address.area))
        if found is None:
            found = self._found[address.region, address.area] = self._match(address.region, address.area)
        return found

    def kept(self, address: Address, recipient: Recipient) -> Rank | None:
        """The kept sender of the address, where it is eligible."""
        sender_id = recipient.kept.get(address.address)
        sender = self._by_id().get(sender_id) if sender_id and sender_id not in recipient.without else None
        if sender is None:
            return None
        return Rank(sender, address, *matches(sender, address.region, address.area), kept=True)

    def gone(self, place: Place, without: Collection[str]) -> tuple[str, ...]:
        """Those of `without` that are in the place, in their order."""
        region, area = place.address.region, place.address.area
        by_id = self._by_id()
        return tuple(
            sorted(
                sender_id
                for sender_id in set(without)
                if (sender := by_id.get(sender_id)) and matches(sender, region, area) >= (place.country, place.area)
            )
        )

    def _by_id(self) -> dict[str, Sender]:
        if self._ids is None:
            self._ids = {sender.id: sender for sender in self._all.senders}
        return self._ids

    def _match(self, region: str, area: str) -> list[_Matching]:
        found: list[_Matching] = [(self._name, self._all, False, False)]
        for name, narrower in ((region, self._of_region(region)), (area, self._of_area(region, area))):
            if narrower is not None:
                key, wider, *_ = found[-1]
                if len(narrower.senders) < len(wider.senders):
                    found.append((f"{self._name} {name}", narrower, True, name is area))
                else:
                    found[-1] = (key, wider, True, name is area)
        return found[::-1]

    def _of_region(self, region: str) -> Equals | None:
        if self._regions is None:
            by_region: dict[str, list[Sender]] = {}
            for sender in self._all.senders:
                by_region.setdefault(sender.region, []).append(sender)
            self._regions = {name: Equals(some) for name, some in by_region.items() if name}
        return self._regions.get(region)

    def _of_area(self, region: str, area: str) -> Equals | None:
        of_region = self._of_region(region)
        if not area or of_region is None:
            return None
        if region not in self._areas:
            by_area: dict[str, list[Sender]] = {}
            for sender in of_region.senders:
                by_area.setdefault(addresses.area(sender.address), []).append(sender)
            self._areas[region] = {name: Equals(some) for name, some in by_area.items() if name}
        return self._areas[region].get(area)


def matches(sender: Sender, region: str, area: str) -> tuple[bool, bool]:
    """Whether the sender is of this country, and of this area of it."""
    country = bool(region) and sender.region == region
    return country, country and bool(area) and addresses.area(sender.address) == area
