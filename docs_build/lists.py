"""Lists inside pages that are written from the program: settings, errors, commands, queries across accounts.

A page has the marks `<!-- list: NAME -->` and `<!-- end of list -->`, each on its own line. `make reference` replaces
what stands between them; a test compares.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import click

_LIST: Final = re.compile(r"^<!-- list: ([a-z-]+) -->\n(.*?)^<!-- end of list -->$", re.MULTILINE | re.DOTALL)

# The reason in the comment of a query.
_REASON: Final = re.compile(r"across accounts: ([^\n.]+)")


def without(page: str) -> str:
    """The page without its lists and their marks."""
    return _LIST.sub("", page)


def written(page: str) -> str:
    """The page with its lists written from the program. Raises KeyError for a list with an unknown name."""
    return _LIST.sub(lambda match: f"<!-- list: {match[1]} -->\n{LISTS[match[1]]()}\n<!-- end of list -->", page)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [" | ".join(cells) for cells in (head, ("---",) * len(head), *rows)]
    return "\n" + "\n".join(f"| {line} |".replace("|  |", "| |") for line in lines) + "\n"


def _settings() -> str:
    from signalbox.ground.settings import SETTINGS

    rows = [
        (
            f"`{one.key}`",
            f"`{one.flag}`" if one.option else "",
            f"`{one.variable}`",
            f"`{one.default_text}`",
            one.help.replace("|", "\\|"),
        )
        for one in SETTINGS
    ]
    return _table(("Key", "Option", "Environment", "Default", "Meaning"), rows)


def _errors() -> str:
    from signalbox.http.errors import ERROR_CODES

    rows = [(str(one.status), f"[{one.code}](errors.md#{one.code})", one.meaning) for one in ERROR_CODES.values()]
    return _table(("status", "code", "when"), rows)


def _commands() -> str:
    from signalbox.cli import main

    rows = [(f"`{path} {usage}`".replace(" `", "`").replace("|", "\\|"), help_) for path, usage, help_ in _each(main)]
    return _table(("command", "what the command does"), rows)


def _across_accounts() -> str:
    from signalbox.db.queries import PACKAGE_SQL, load

    reasons: dict[str, list[str]] = {}
    for query in load(PACKAGE_SQL / "queries", "postgres").values():
        if found := _REASON.search(query.comment):
            reasons.setdefault(found[1].rstrip("."), []).append(f"`{query.name}`")
    return _table(("Query", "What it does across accounts"), [(" ".join(names), why) for why, names in reasons.items()])


def _each(group: "click.Group", path: str = "signalbox") -> Iterator[tuple[str, str, str]]:
    """Each command: its path, its arguments and the first sentence of its help."""
    import click

    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _each(command, f"{path} {name}")
        elif not command.hidden:
            context = click.Context(command)
            arguments = " ".join(
                param.make_metavar(context) for param in command.params if isinstance(param, click.Argument)
            )
            yield f"{path} {name}", arguments, command.get_short_help_str(200)


LISTS: Final[dict[str, Callable[[], str]]] = {
    "settings": _settings,
    "errors": _errors,
    "commands": _commands,
    "across-accounts": _across_accounts,
}
