"""What a shell offers for a pool or a sender: names and ids, asked of the server."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Final, NamedTuple

import click
from click.shell_completion import CompletionItem

from signalbox.cli.endings import Ended

if TYPE_CHECKING:
    from signalbox_client import Signalbox

# A person waits for this: better no completion than a late one.
_SECONDS: Final = 2.0
_OFFERED: Final = 50
_IDS: Final = 1000


class _Known(NamedTuple):
    """A pool or sender, by id, and the names that a command accepts for it."""

    id: str
    names: Sequence[str]


def complete_pool(context: click.Context, _parameter: click.Parameter, start: str) -> list[CompletionItem]:
    """Names of pools that start with the text, or ids; nothing when the server does not respond."""

    def known(client: Signalbox) -> list[_Known]:
        size = _page(start)
        found = client.names.search_sender_pools(start, page_size=size) if size else None
        pages = (found or client.sender_pools.list(page_size=_IDS)).pages()
        return [_Known(one.id, [one.name]) for one in next(pages).items]

    return _offered(context, start, known)


def complete_sender(context: click.Context, _parameter: click.Parameter, start: str) -> list[CompletionItem]:
    """As `complete_pool`, for senders: display names and addresses."""

    def known(client: Signalbox) -> list[_Known]:
        size = _page(start)
        found = client.names.search_senders(start, page_size=size) if size else None
        pages = (found or client.senders.list(page_size=_IDS)).pages()
        return [_Known(one.id, [one.display_name or "", one.address]) for one in next(pages).items]

    return _offered(context, start, known)


def _page(start: str) -> int | None:
    """The size of a page of the search; None for what the search does not find: the beginning of an id, and nothing."""
    return None if start.startswith("comms_") or not start.strip() else _OFFERED


def _offered(context: click.Context, start: str, ask: Callable[[Signalbox], Sequence[_Known]]) -> list[CompletionItem]:
    from signalbox.cli.profiles import connected

    try:
        # A warning in the middle of a command line that a person types helps no one.
        with (
            context.scope(cleanup=False),
            redirect_stderr(io.StringIO()),
            connected(context.params.get("profile"), hurried=True) as client,
        ):
            things = ask(client)
    except (Ended, OSError):
        return []
    spelled = Counter(name for thing in things for name in thing.names)
    items = []
    for thing in things:
        names = [name for name in thing.names if spelled[name] == 1 and _is_word(name)]
        begun = [name for name in names if name.casefold().startswith(start.casefold())]
        if begun:
            items.append(CompletionItem(begun[0], help=thing.id))
        elif thing.id.startswith(start) or thing.id.endswith(start):
            items.append(CompletionItem(thing.id, help=next(iter(names), None)))
    return items[:_OFFERED]


def _is_word(name: str) -> bool:
    """Whether a command takes the name for what it is, in one line, and neither for an option nor for an id."""
    return bool(name) and name.isprintable() and not name.startswith(("-", "comms_"))
