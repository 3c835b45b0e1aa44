"""The search for sender pools and senders by what people remember: the end of an id, a name, an address, a tag.

A search has sections, in this order; within a section, results are in the order of its index. A result that an earlier
section has shown is left out.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from signalbox.db import Row, Tx, Value
from signalbox.ground import ids
from signalbox.inventory import names, sender_pools, senders
from signalbox.inventory.sender_pools import SenderPool
from signalbox.inventory.senders import Sender

T = TypeVar("T", bound=SenderPool | Sender)

# The characters of an id's end that an index finds. Shorter texts are searched as names, addresses and tags only.
_ENDING: Final = 4
_ID_END: Final = re.compile(r"[a-z_]*[0-9a-hjkmnp-tv-z]{4,26}")
_TAG: Final = re.compile(r"([a-zA-Z0-9._~-]{1,128})[:=]([a-zA-Z0-9._~-]{1,256})")
# Above every character in the order of bytes.
_LAST: Final = "\U0010ffff"
# The rows that one request reads, at most: more only where nearly all results were shown before.
_MOST_READ: Final = 2_000


class Position(NamedTuple):
    """A place in the results: the section, the channel of an address, the key in the section's index, and the id."""

    section: int
    channel: str
    key: str
    id: str


class Found(NamedTuple, Generic[T]):
    """A result, and its place."""

    item: T
    position: Position


@dataclass(frozen=True)
class _Section:
    """One way to find things. `matches` says whether this section has a thing."""

    query: str
    params: dict[str, Value]
    start: Position
    matches: Callable[[SenderPool | Sender], bool]


async def find_pools(tx: Tx, account_id: int, text: str, after: Position | None, limit: int) -> list[Found[SenderPool]]:
    """At most `limit` of the account's pools that the text finds, after a place: by end of id, name, tag."""
    sections = [
        *_by_ending("names.pools_by_ending", text),
        _by_name("names.pools_by_name", text),
        *_by_tag("names.pools_by_tag", text, sender_pools.SENDER_POOL),
    ]
    return await _find(tx, account_id, sections, sender_pools.from_row, after, limit)


async def find_senders(tx: Tx, account_id: int, text: str, after: Position | None, limit: int) -> list[Found[Sender]]:
    """As `find_pools`, for senders: by the end of the id, by display name, by address, by tag."""
    sections = [
        *_by_ending("names.senders_by_ending", text),
        _by_name("names.senders_by_name", text),
        *_by_address(text),
        *_by_tag("names.senders_by_tag", text, senders.SENDER),
    ]
    return await _find(tx, account_id, sections, senders.from_row, after, limit)


async def _find(
    tx: Tx,
    account_id: int,
    sections: Sequence[_Section],
    from_row: Callable[[Row], T],
    after: Position | None,
    limit: int,
) -> list[Found[T]]:
    found: list[Found[T]] = []
    read = 0
    for number, section in enumerate(sections):
        if after is not None and number < after.section:
            continue
        place = after if after is not None and number == after.section else section.start._replace(section=number)
        while len(found) < limit and read < _MOST_READ:
            rows = await tx.all(section.query, **_place(section, place), account_id=account_id, limit=limit)
            read += len(rows)
            for row in rows:
                item = from_row(row)
                channel = item.channel if isinstance(item, Sender) and place.channel else ""
                place = Position(number, channel, row[len(row) - 1], item.id)
                if section.matches(item) and not any(earlier.matches(item) for earlier in sections[:number]):
                    found.append(Found(item, place))
            if len(rows) < limit or "ending" in section.params:
                break
    return found[:limit]


def _place(section: _Section, place: Position) -> dict[str, Value]:
    """The parameters of the section's query from this place on."""
    if "ending" in section.params:
        return section.params
    if "tag" in section.params:
        return section.params | {"after_id": place.id}
    after: dict[str, Value] = {"after_key": place.key, "after_id": place.id}
    return section.params | after | ({"after_channel": place.channel} if place.channel else {})


def _by_ending(query: str, text: str) -> list[_Section]:
    ending = text.strip().lower()
    if not _ID_END.fullmatch(ending):
        return []
    return [
        _Section(query, {"ending": ending[-_ENDING:]}, Position(0, "", "", ""), lambda item: item.id.endswith(ending))
    ]


def _by_name(query: str, text: str) -> _Section:
    key = names.key(text)
    return _Section(
        query,
        {"until": key + _LAST},
        # A key is above its own prefix, but equal when it is the whole name: then its id decides.
        Position(0, "", key, ""),
        lambda item: names.key(_name(item)).startswith(key),
    )


def _name(item: SenderPool | Sender) -> str:
    return item.name if isinstance(item, SenderPool) else item.display_name or ""


def _by_address(text: str) -> list[_Section]:
    # As addresses are stored: numbers without spaces and with a plus, domains in lower case.
    prefix = re.sub(r"[\s()]", "", text)
    if re.fullmatch(r"[0-9-]+", prefix):
        prefix = "+" + prefix
    if prefix.startswith("+"):
        prefix = prefix.replace("-", "")
    if not prefix:
        return []
    return [
        _Section(
            "names.senders_by_address",
            {"prefix": prefix, "until": prefix + _LAST},
            # The first channel in the order of the results, which is that of their names.
            Position(0, "EMAIL", prefix, ""),
            lambda item: isinstance(item, Sender) and item.address.startswith(prefix),
        )
    ]


def _by_tag(query: str, text: str, kind: ids.Kind) -> list[_Section]:
    tag = _TAG.fullmatch(text.strip())
    if tag is None:
        return []
    key, value = tag.groups()
    return [
        _Section(
            query,
            {"tag": f"{key}:{value}", "until": f"{kind}_{_LAST}"},
            Position(0, "", "", f"{kind}_"),
            lambda item: item.tags.get(key) == value,
        )
    ]
