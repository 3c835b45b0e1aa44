"""Counts the words of the documentation: everything between white space, in tables and code too.

The contract and the decisions are not counted. Text that a program writes is counted apart: the reference, the lists
between marks, and the changes.
"""

from typing import NamedTuple

from docs_build import lists, pages


class Count(NamedTuple):
    """The words of one page: those that a person wrote, and those that a program wrote."""

    page: str
    written: int
    made: int


def count() -> list[Count]:
    """The pages outside of the contract, the longest first."""
    counted = []
    for name in pages.every():
        if name.startswith("contract/"):
            continue
        whole = len(pages.text(name).split())
        written = 0 if name.startswith("reference-") else len(lists.without(pages.source(name)).split())
        counted.append(Count(name, written, whole - written))
    return sorted(counted, key=lambda one: -one.written)


def table() -> str:
    """The counts as lines of text, with their sums at the end."""
    counted = count()
    total = Count("total", sum(one.written for one in counted), sum(one.made for one in counted))
    return "\n".join(
        ["written   made  page", *(f"{one.written:7}{one.made:7}  {one.page}" for one in [*counted, total])]
    )
