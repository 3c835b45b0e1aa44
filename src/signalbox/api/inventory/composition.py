"""The composition of a sender pool over HTTP, under `/signalbox/v1`: its members by channel and by country."""

import asyncio
from collections import Counter
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from signalbox.api.inventory.overview import GROUP
from signalbox.api.inventory.sender_pools import SENDER_POOL_ID
from signalbox.api.inventory.senders import Channel
from signalbox.ground import ids
from signalbox.http.endpoint import Endpoint
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import Count
from signalbox.inventory import composition, sender_pools, senders

# Rows read in one turn of the event loop, on which SQLite reads: half a millisecond.
_SLICE: Final = 250
MOST_MEMBERS: Final = 10_000


class ChannelCount(msgspec.Struct, frozen=True):
    """The number of counted members with this channel."""

    channel: Channel
    count: Count


class CountryCount(msgspec.Struct, frozen=True):
    """The number of counted members with a number of this country: two letters of ISO 3166, null for none."""

    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] | None
    count: Count


class SenderPoolComposition(msgspec.Struct, frozen=True):
    """The counts of a pool's members by channel and country. If not `complete`, only the newest 10,000 are counted."""

    counted: Annotated[int, Meta(ge=0, le=MOST_MEMBERS)]
    complete: bool
    channels: list[ChannelCount]
    countries: list[CountryCount]


async def fetch_composition(request: Request) -> Response:
    """Count a pool's members by channel and by country."""
    pool_id = request.path(SENDER_POOL_ID)
    await request.services.db.read(lambda tx: sender_pools.fetch(tx, request.account_id, pool_id))
    channels, countries, complete = await _members(request, pool_id)
    counted = SenderPoolComposition(
        channels.total(),
        complete,
        [ChannelCount(channel, count) for channel, count in sorted(channels.items(), key=_most_first)],
        [CountryCount(region or None, count) for region, count in sorted(countries.items(), key=_most_first)],
    )
    return json_response(counted)


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


async def _members(request: Request, pool_id: str) -> tuple[Counter[senders.Channel], Counter[str], bool]:
    """The newest members by channel and by country, and whether these are all."""
    channels, countries = Counter[senders.Channel](), Counter[str]()
    before = ids.greatest(senders.SENDER)
    while channels.total() < MOST_MEMBERS:
        rows = await request.services.db.read(
            lambda tx, before=before: composition.list_members(tx, request.account_id, pool_id, before, _SLICE)  # type: ignore[misc]
        )
        channels.update(row.channel for row in rows)
        countries.update(row.region for row in rows)
        if len(rows) < _SLICE:
            return channels, countries, True
        before = rows[-1].id
        await asyncio.sleep(0)
    rows = await request.services.db.read(
        lambda tx: composition.list_members(tx, request.account_id, pool_id, before, 1)
    )
    return channels, countries, not rows


_COMPOSITION: Final = SenderPoolComposition(
    counted=3,
    complete=True,
    channels=[ChannelCount("SMS", 2), ChannelCount("EMAIL", 1)],
    countries=[CountryCount("US", 2), CountryCount(None, 1)],
)

FETCH: Final = Endpoint(fetch_composition, GROUP, path=(SENDER_POOL_ID,), example=_COMPOSITION, errors=(404,))
