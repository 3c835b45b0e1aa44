"""Finds the senders that can reach a recipient, best first. Contract sections 7 and 11."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

import msgspec

from signalbox.db import Tx
from signalbox.inventory import addresses
from signalbox.routing import candidates, order
from signalbox.routing.order import Rank, Roster
from signalbox.routing.spread import Sender

MOST_RESULTS: Final = 10


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


async def resolve(tx: Tx, account_id: int, criteria: Criteria) -> list[Match]:
    """At most 10 matches, best first. The caller checks that the pool exists."""
    to = order.read((one.channel, one.address) for one in criteria.recipients)
    recipient = order.Recipient(to, criteria.filter_in, criteria.priority)
    if criteria.sender_addresses is not None:
        roster = Roster(await _named(tx, account_id, criteria.sender_addresses), account_id)
    else:
        source = candidates.Source(criteria.pool_id or "")
        channels = {channel for channel, _ in order.routes(recipient)}
        found = await candidates.read(tx, account_id, source, channels, candidates.FEW)
        roster = await found.roster(recipient, MOST_RESULTS)
    return await _matches(tx, account_id, criteria, list(islice(roster.ranked(recipient), MOST_RESULTS)))


async def _named(tx: Tx, account_id: int, pairs: Sequence[tuple[str, str]]) -> set[Sender]:
    """The activated senders with these channels and addresses."""
    rows = [
        (channel, addresses.normalise_for_search(channel, address))
        for channel, address in dict.fromkeys(pairs)
        if "\0" not in address  # no stored address has one, and PostgreSQL accepts none as a parameter
    ]
    found = await tx.all("candidates.named", account_id=account_id, rows=json.dumps(rows))
    return {Sender(*row) for row in found}


async def _matches(tx: Tx, account_id: int, criteria: Criteria, best: Sequence[Rank]) -> list[Match]:
    if not best:
        return []
    ids = list({rank.sender.id for rank in best})
    rows = await tx.all("resolve.display_names", account_id=account_id, ids=ids)
    names: dict[str, str | None] = {row[0]: row[1] for row in rows}
    return [
        Match(
            rank.sender.id,
            names[rank.sender.id],
            rank.sender.channel,
            rank.sender.address,
            criteria.recipients[rank.address.order],
        )
        for rank in best
        if rank.sender.id in names  # on PostgreSQL, another transaction may delete it between the two statements
    ]
