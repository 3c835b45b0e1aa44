"""Which sender each message of a batch goes out from: contract section 11, on what the database has now."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from signalbox.accounts import accounts
from signalbox.connectors import sink
from signalbox.db import Tx
from signalbox.ground import secrets
from signalbox.routing import loads, order, rosters
from signalbox.routing.loads import Loads
from signalbox.routing.order import Address, Rank, Recipient, Roster
from signalbox.routing.rosters import Source

# The default of the policy `affinityDays`.
AFFINITY_MS: Final = 90 * 24 * 60 * 60 * 1000

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Due(NamedTuple):
    """A message to hand over. `pairs`: (address, channel) as in the request; `to`: the same, for the choice."""

    id: str
    status: str
    pairs: Sequence[tuple[str, str]]
    to: tuple[Address, ...]
    variables: Mapping[str, str]


def read(pairs: Sequence[tuple[str, str]]) -> tuple[Address, ...]:
    """The addresses of a recipient, for the choice, from pairs (address, channel)."""
    return order.read((channel, address) for address, channel in pairs)


def allowed(to: Iterable[Address], opted_out: Collection[tuple[str, str]]) -> list[Address]:
    """The addresses that no opt-out forbids. `opted_out`: those that one does, as (channel, address)."""
    return [one for one in to if one.address != sink.OPTED_OUT and (one.channel, one.address) not in opted_out]


def reachable(to: Iterable[Address]) -> list[Address]:
    """The addresses that a sender may reach."""
    return [one for one in to if one.address != sink.UNREACHABLE]


class _Counted(msgspec.Struct, frozen=True):
    """What is stored of the loads of one request: see Loads."""

    counts: dict[str, int]
    taken: dict[str, dict[str, int]]


_decode_counted = msgspec.json.Decoder(_Counted).decode


class Chooser:
    """The senders of a request, the senders that people have been reached from, and the loads of the request."""

    def __init__(self, account_id: int, asked: dict[str, Any], source: Source, roster: Roster, key: bytes) -> None:
        channels = asked.get("channels", {})
        self._account_id = account_id
        self.source = source
        self.pool_id = source.pool_id
        self.filter_in: Collection[str] | None = channels.get("filterIn")
        self._priority = {one["channel"]: one["priority"] for one in channels.get("priority", ())} or None
        self._roster = roster
        self._key = key
        self._kept: dict[str, str] = {}
        self._reached: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._loads: Loads | None = None

    @classmethod
    async def load(cls, tx: Tx, account_id: int, sender: str | None) -> "Chooser":
        """Reads the senders that a request may use. `sender` is its `from`, as JSON."""
        asked: dict[str, Any] = _decode(sender) if sender else {}
        source = Source(*(asked.get(name, "") for name in ("senderPoolId", "senderId", "channel", "address")))
        roster = await rosters.read(tx, account_id, source)
        return cls(account_id, asked, source, roster, (await accounts.keyring(tx)).digests)

    async def remember(self, tx: Tx, recipients: Sequence[Sequence[Address]]) -> None:
        """Reads the kept senders of these people."""
        people = {self._person(address): address for to in recipients for address in to}
        rows = await tx.all(
            "kept_senders.of_people",
            account_id=self._account_id,
            pool_id=self.pool_id,
            people=_encode(list(people)).decode(),
            oldest=tx.now - AFFINITY_MS,
        )
        for person_, sender_id in rows:
            self._kept[people[person_].address] = sender_id

    def count(self, recipients: Sequence[Sequence[Address]], channels: Sequence[str]) -> None:
        """Counts the recipients of the whole request, of whom each sender gets its share."""
        self._counts = loads.count(self._roster, (self._recipient(to, channels) for to in recipients))
        self._loads = Loads(self._counts)

    def resume(self, counted: str) -> None:
        """Goes on with the loads that earlier batches of the request have stored."""
        stored = _decode_counted(counted)
        self._counts, self._loads = stored.counts, Loads(stored.counts, stored.taken)

    def counted(self) -> str | None:
        """What to store for the next batch."""
        return None if self._loads is None else _encode(_Counted(self._counts, self._loads.as_json())).decode()

    def ranked(self, to: Sequence[Address], channels: Sequence[str]) -> Iterator[Rank]:
        """The senders of these channels that reach a recipient, best first."""
        recipient = self._recipient(to, channels)
        return self._roster.ranked(recipient) if self._loads is None else self._loads.ranked(self._roster, recipient)

    def _recipient(self, to: Sequence[Address], channels: Sequence[str]) -> Recipient:
        wished = [channel for channel in channels if self.filter_in is None or channel in self.filter_in]
        kept = {one.address: self._kept[one.address] for one in to if one.address in self._kept}
        return Recipient(tuple(to), wished, self._priority, kept)

    def reached(self, address: Address, sender_id: str) -> None:
        """Keeps the sender for the next message to this person."""
        self._kept[address.address] = sender_id
        self._reached[self._person(address)] = sender_id

    async def keep(self, tx: Tx) -> None:
        """Writes the kept senders."""
        if self._reached:
            await tx.run(
                "kept_senders.keep",
                account_id=self._account_id,
                pool_id=self.pool_id,
                # In one order, so that two batches cannot wait for each other.
                rows=_encode(sorted(self._reached.items())).decode(),
                now=tx.now,
            )

    def _person(self, address: Address) -> str:
        return person(self._key, address.channel, address.address)


def person(key: bytes, channel: str, address: str) -> str:
    """What is stored of a person instead of the address. `address` is normalised."""
    return secrets.digest(key, f"{channel} {address}".encode()).hex()[:32]
