"""Pools and senders as people name them: by id, exact name or address, or what the search finds alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from signalbox.cli.endings import MISUSED, Ended
from signalbox.cli.forms import POOL_ID

if TYPE_CHECKING:
    from signalbox_client import Sender, SenderPool, Signalbox
    from signalbox_client.pages import Pages

T = TypeVar("T", bound="Sender | SenderPool")

_CANDIDATES: Final = 20
_PAGE: Final = 100
# The longest text that the server searches for.
_LONGEST: Final = 320


class Thing(NamedTuple):
    """A pool or a sender: its id, and what it is called."""

    id: str
    label: str


def pool_id(client: Signalbox, text: str) -> str:
    """The id of the pool that the text names. Raises Ended: no such pool, or several."""
    return pool(client, text).id


def pool(client: Signalbox, text: str, *, exactly: bool = False) -> Thing:
    """The pool with this id, else with exactly this name, else the only one that the search finds.

    With `exactly` there is no search: for commands that destroy without a question. Text that has the form of an id is
    an id, even if it is also the name of another pool.
    """
    if POOL_ID.fullmatch(text):
        return Thing(text, text)
    found = _one("pool", text, client.names.search_sender_pools, lambda one: [one.name], pool_label, exactly)
    return Thing(found.id, pool_label(found))


def sender(client: Signalbox, text: str, *, exactly: bool = False) -> Thing:
    """The sender with exactly this display name or address, else the only one that the search finds."""
    # People write numbers with spaces and brackets.
    number = re.sub(r"[\s()-]", "", text)
    spelled = {text.strip(), number} if re.fullmatch(r"\+?[0-9]+", number) else {text.strip()}

    def spellings(one: Sender) -> Collection[str]:
        return [one.display_name or "", *([text] if {one.address, one.address.lstrip("+")} & spelled else [])]

    found = _one("sender", text, client.names.search_senders, spellings, sender_label, exactly)
    return Thing(found.id, sender_label(found))


def pool_label(one: SenderPool) -> str:
    """What identifies a pool for a person."""
    return f"{one.name}  {one.id}"


def sender_label(one: Sender) -> str:
    """What identifies a sender for a person."""
    return f"{one.display_name or '-'}  {one.id}  {one.channel}:{one.address}"


def _one(
    kind: str,
    text: str,
    search: Callable[..., Pages[T]],
    spellings: Callable[[T], Collection[str]],
    label: Callable[[T], str],
    exactly: bool,
) -> T:
    if not text.strip() or len(text) > _LONGEST:
        raise Ended(f"the name of a {kind} must have 1 to {_LONGEST} characters, not only blanks", code=MISUSED)
    found: list[T] = []
    more = False
    for page in search(text, page_size=_PAGE).pages():
        found += page.items
        more = page.next is not None
        # The results come by name, so that exact ones are the first, and there may be any number of them.
        if not found or text.casefold() not in {one.casefold() for one in spellings(found[-1])}:
            break
    same = [one for one in found if text in spellings(one)]
    if len(same) == 1:
        return same[0]
    if same:
        head = f"{text} is the name of several {kind}s: use an id"
        raise Ended(head, *_listed(same, label, more=False), code=MISUSED)
    if not found:
        raise Ended(f"the account has no {kind} {text}")
    if exactly:
        head = f"no {kind} is called exactly {text}: use an id, or the whole name"
        raise Ended(head, *_listed(found, label, more), code=MISUSED)
    if len(found) > 1 or more:
        head = f"{text} finds several {kind}s: use an id, or more of the name"
        raise Ended(head, *_listed(found, label, more), code=MISUSED)
    return found[0]


def _listed(found: Sequence[T], label: Callable[[T], str], more: bool) -> list[str]:
    lines = [label(one) for one in found[:_CANDIDATES]]
    return [*lines, "and more"] if more or len(found) > _CANDIDATES else lines
