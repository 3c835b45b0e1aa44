"""Finds the senders that can reach a recipient, best first. Contract section 7."""

import heapq
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

import msgspec

from signalbox.db import Tx
from signalbox.inventory import addresses

MOST_RESULTS: Final = 10
# The limits in resolve.sql.
_FEW: Final = 10
_WHOLE_POOL: Final = 1000

# The sender channels that reach an address of a recipient channel, the preferred one first.
REACHED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "PHONE": ("RCS", "SMS"),
    "WHATSAPP": ("WHATSAPP",),
    "EMAIL": ("EMAIL",),
    "PUSH": ("PUSH",),
}


class Recipient(msgspec.Struct, frozen=True):
    """One address of a recipient: `channel` is PHONE, WHATSAPP, EMAIL or PUSH."""

    channel: str
    address: str


class Criteria(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to reach, and with which senders: those of `pool_id`, those of `sender_addresses`, or all.

    `sender_addresses`: pairs (channel, address). `filter_in`: only these sender channels. `priority`: a number for a
    channel, lower first; other channels come last.
    """

    recipients: Sequence[Recipient]
    pool_id: str | None = None
    sender_addresses: Sequence[tuple[str, str]] | None = None
    filter_in: Sequence[str] | None = None
    priority: Mapping[str, int] | None = None


class Match(msgspec.Struct, frozen=True):
    """A sender and the recipient address that it reaches, as written in the request."""

    sender_id: str
    display_name: str | None
    channel: str
    address: str
    recipient: Recipient


class Sender(NamedTuple):
    id: str
    channel: str
    address: str
    region: str


class Target(NamedTuple):
    """A recipient address, normalised for comparison; `order` is its index in the request."""

    order: int
    channel: str
    address: str
    region: str


Pair: TypeAlias = tuple[Sender, Target]
# Senders of one channel; the `count` best ones for the target are among them.
Search: TypeAlias = Callable[[str, Target, int], Awaitable[Iterable[Sender]]]


async def resolve(tx: Tx, account_id: int, criteria: Criteria) -> list[Match]:
    """At most 10 matches, best first. The caller checks that the pool exists."""
    search = await _source(tx, account_id, criteria)
    best: list[Pair] = []
    empty: set[str] = set()
    for routes in _groups(targets(criteria.recipients), criteria):
        pairs: list[Pair] = []
        for channel, target in routes:
            if channel in empty:
                continue
            found = list(await search(channel, target, MOST_RESULTS - len(best)))
            if not found:
                # There is no sender of the channel at all, also for the next recipients.
                empty.add(channel)
            pairs.extend((sender, target) for sender in found)
        best += heapq.nsmallest(MOST_RESULTS - len(best), pairs, key=rank)
        if len(best) == MOST_RESULTS:
            break
    return await _matches(tx, account_id, criteria, best)


def rank(pair: Pair) -> tuple[bool, int, str, int]:
    """The sort key inside a group: same country first, longest common prefix, smallest id, order of recipients."""
    sender, target = pair
    abroad = not (target.region and sender.region == target.region)
    return abroad, -shared(sender.address, target.address), sender.id, target.order


def targets(recipients: Iterable[Recipient]) -> list[Target]:
    """The recipients, normalised like senders, each address once, with its country."""
    found: dict[tuple[str, str], Target] = {}
    for index, recipient in enumerate(recipients):
        address = addresses.normalise_for_search(recipient.channel, recipient.address)
        if (recipient.channel, address) not in found:
            region = addresses.region(address) if recipient.channel in ("PHONE", "WHATSAPP") else ""
            found[recipient.channel, address] = Target(index, recipient.channel, address, region)
    return list(found.values())


def place(channel: str, target: Target, priority: Mapping[str, int] | None) -> tuple[int, int, int]:
    """The sort key of a group: the request's priority for the channel, else the order of recipients."""
    if priority and channel in priority:
        return 0, priority[channel], 0
    return 1, target.order, REACHED_BY[target.channel].index(channel)


def shared(one: str, other: str) -> int:
    """The length of the common prefix."""
    length = 0
    for mine, yours in zip(one, other, strict=False):
        if mine != yours:
            break
        length += 1
    return length


def _groups(reached: Iterable[Target], criteria: Criteria) -> Iterator[list[tuple[str, Target]]]:
    groups: dict[tuple[int, int, int], list[tuple[str, Target]]] = {}
    for target in reached:
        for channel in REACHED_BY[target.channel]:
            if criteria.filter_in is None or channel in criteria.filter_in:
                groups.setdefault(place(channel, target, criteria.priority), []).append((channel, target))
    for key in sorted(groups):
        yield groups[key]


async def _source(tx: Tx, account_id: int, criteria: Criteria) -> Search:
    if criteria.sender_addresses is not None:
        rows = json.dumps(
            [
                (channel, addresses.normalise_for_search(channel, address))
                for channel, address in dict.fromkeys(criteria.sender_addresses)
                if "\0" not in address
            ]
        )
        found = await tx.all("resolve.named", account_id=account_id, rows=rows)
        return _whole({Sender(*row) for row in found})
    if criteria.pool_id is not None:
        return _pool(tx, account_id, criteria.pool_id)
    return _inventory(tx, account_id)


def _whole(senders: Iterable[Sender]) -> Search:
    by_channel: dict[str, list[Sender]] = {}
    for sender in senders:
        by_channel.setdefault(sender.channel, []).append(sender)

    async def search(channel: str, target: Target, count: int) -> Iterable[Sender]:
        return by_channel.get(channel, [])

    return search


def _inventory(tx: Tx, account_id: int) -> Search:
    async def ask(query: str, /, **params: str) -> list[Sender]:
        return [Sender(*row) for row in await tx.all(query, account_id=account_id, **params)]

    once = _Once(ask)

    async def search(channel: str, target: Target, count: int) -> Iterable[Sender]:
        return await _own_country_first(once, channel, target, count)

    return search


_MEMBERS_OF: Final = {
    "resolve.near": "resolve.near_members",
    "resolve.near_in_region": "resolve.near_members_in_region",
    "resolve.oldest_of_many": "resolve.oldest_of_many_members",
    "resolve.oldest": "resolve.oldest_members",
    "resolve.oldest_in_region": "resolve.oldest_members_in_region",
}


def _pool(tx: Tx, account_id: int, pool_id: str) -> Search:
    async def ask(query: str, /, **params: str) -> list[Sender]:
        query = _MEMBERS_OF.get(query, query)
        return [Sender(*row) for row in await tx.all(query, account_id=account_id, pool_id=pool_id, **params)]

    once = _Once(ask)

    async def search(channel: str, target: Target, count: int) -> Iterable[Sender]:
        members = await once("resolve.members", channel=channel)
        if len(members) < _WHOLE_POOL:
            return members
        return await _own_country_first(once, channel, target, count)

    return search


class _Ask(Protocol):
    async def __call__(self, query: str, /, **params: str) -> list[Sender]: ...


class _Once:
    """Runs each query once: the recipients of a request often have the same country and prefix."""

    def __init__(self, ask: _Ask) -> None:
        self._ask = ask
        self._found: dict[tuple[str, ...], list[Sender]] = {}

    async def __call__(self, query: str, /, **params: str) -> list[Sender]:
        key = query, *params.values()
        if key not in self._found:
            self._found[key] = await self._ask(query, **params)
        return self._found[key]


async def _own_country_first(ask: _Ask, channel: str, target: Target, count: int) -> Iterable[Sender]:
    own: list[Sender] = []
    if target.region:
        own = await _nearest(ask, channel, target, count, target.region)
        if len(own) >= count:
            return own
    # The second result may contain senders of the same country again: the set removes them.
    return {*own, *await _nearest(ask, channel, target, count, "")}


async def _nearest(ask: _Ask, channel: str, target: Target, count: int, region: str) -> list[Sender]:
    """Senders; the `count` (at most 10) best by common prefix and id are among them. Region '' means any."""
    where = {"channel": channel, "region": region} if region else {"channel": channel}
    suffix = "_in_region" if region else ""
    # No stored address has a NUL, and PostgreSQL accepts none as a parameter.
    address = target.address.partition("\0")[0]
    near = await ask(f"resolve.near{suffix}", address=address, **where)
    below = [sender for sender in near if sender.address <= address]
    above = [sender for sender in near if sender.address > address]
    lengths = sorted((shared(sender.address, address) for sender in near), reverse=True)
    # `last` is the prefix length of the last of the best. Among senders with exactly this prefix, the smallest ids win.
    # A side that is full, and whose farthest sender still has the prefix, may have more of them beyond its limit.
    last = lengths[min(count, len(lengths)) - 1] if lengths else 0
    if not any(len(side) == _FEW and _farthest(side, address) >= last for side in (below, above)):
        return near
    prefix = address[:last]
    bounds = {"prefix": prefix, "until": prefix + "\U0010ffff"}
    oldest = await ask("resolve.oldest_of_many", channel=channel, region=region, **bounds)
    if len(oldest) < _FEW:
        oldest = await ask(f"resolve.oldest{suffix}", **where, **bounds)
    return list({*near, *oldest})


def _farthest(side: Iterable[Sender], address: str) -> int:
    return min(shared(sender.address, address) for sender in side)


async def _matches(tx: Tx, account_id: int, criteria: Criteria, best: Sequence[Pair]) -> list[Match]:
    if not best:
        return []
    ids = list({sender.id for sender, _ in best})
    rows = await tx.all("resolve.display_names", account_id=account_id, ids=ids)
    names: dict[str, str | None] = {row[0]: row[1] for row in rows}
    return [
        Match(sender.id, names[sender.id], sender.channel, sender.address, criteria.recipients[target.order])
        for sender, target in best
        if sender.id in names  # on PostgreSQL, another transaction may delete it between the two statements
    ]
