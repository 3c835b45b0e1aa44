"""The filters of lists. Texts and numbers are the only items, because every variable is a text."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from signalbox.rendering.budget import STEP_CHARACTERS, Budget, RenderError
from signalbox.rendering.values import bounded, items, size, text_of, whole

if TYPE_CHECKING:
    from signalbox.rendering.filters import Filter, Run


def words(budget: Budget, text: str, most: int | None = None) -> list[str]:
    """The words of a text. With `most`, there is at most one item more: the rest. Raises RenderError."""
    affordable = budget.characters // STEP_CHARACTERS
    found = text.split(None, affordable if most is None else min(most, affordable))
    budget.touch(len(found) * STEP_CHARACTERS)
    return found


def _list(run: "Run", value: object, cost: int = 2) -> list[object]:
    """The items of a value, charged before they are copied."""
    run.budget.touch(cost * size(value))
    return list(items(value))


def _first(_: "Run", value: object) -> object:
    return value[0] if isinstance(value, list | range) and value else None


def _last(_: "Run", value: object) -> object:
    return value[-1] if isinstance(value, list | range) and value else None


def _join(run: "Run", value: object, separator: object = " ") -> str:
    found, between = _list(run, value), run.take(separator)
    run.budget.touch(len(found) * len(between))
    return between.join([text_of(item) for item in found])


def _concat(run: "Run", value: object, other: object) -> list[object]:
    if not isinstance(other, list | range):
        raise TypeError
    return _list(run, value) + _list(run, other)


def _reverse(run: "Run", value: object) -> list[object]:
    return _list(run, value)[::-1]


def _compact(run: "Run", value: object) -> list[object]:
    return [item for item in _list(run, value) if item is not None]


def _uniq(run: "Run", value: object) -> list[object]:
    return list(dict.fromkeys(_list(run, value)))


def _sort(run: "Run", value: object) -> list[object]:
    found = _list(run, value)
    run.budget.touch(size(found) * len(found).bit_length())
    if any(isinstance(item, str) for item in found) and not all(isinstance(item, str) for item in found):
        raise RenderError("sort cannot compare texts with numbers")
    return sorted(found)  # type: ignore[type-var]


def _sort_natural(run: "Run", value: object) -> list[object]:
    found = _list(run, value)
    run.budget.touch(size(found) * len(found).bit_length())
    return sorted(found, key=lambda item: text_of(item).lower())


def _sum(run: "Run", value: object) -> int | float:
    total: int | Decimal = 0
    for item in _list(run, value):
        total += _addend(item)
    return float(total) if isinstance(total, Decimal) else bounded(total)


def _addend(item: object) -> int | Decimal:
    if isinstance(item, float):
        return Decimal(str(item))
    try:
        return whole(item)
    except (TypeError, ValueError):
        pass
    try:
        return Decimal(text_of(item)) if isinstance(item, str) else 0
    except InvalidOperation:
        return 0


def _property(item: object, key: str) -> str | None:
    """The property of an item: a text that contains the key has it, as in Liquid, and nothing else does."""
    return key if isinstance(item, str) and key in item else None


def _map(run: "Run", value: object, key: object) -> list[object]:
    name = run.take(key)
    found = _list(run, value)
    run.budget.touch(len(found) * len(name))
    return [_property(item, name) for item in found]


def _matching(run: "Run", value: object, key: object, wanted: object) -> list[bool]:
    """For each item whether its property is `wanted`, or, with none wanted, whether it has the property."""
    name = run.take(key)
    run.take(wanted)
    found = _list(run, value)
    run.budget.touch(len(found) * len(name))
    if wanted is None:
        return [_property(item, name) is not None for item in found]
    return [_property(item, name) == wanted for item in found]


def _where(run: "Run", value: object, key: object, wanted: object = None) -> list[object]:
    matching = _matching(run, value, key, wanted)
    return [item for item, matches in zip(items(value), matching, strict=True) if matches]


def _reject(run: "Run", value: object, key: object, wanted: object = None) -> list[object]:
    matching = _matching(run, value, key, wanted)
    return [item for item, matches in zip(items(value), matching, strict=True) if not matches]


def _find_index(run: "Run", value: object, key: object, wanted: object = None) -> int | None:
    matching = _matching(run, value, key, wanted)
    return matching.index(True) if True in matching else None


def _find(run: "Run", value: object, key: object, wanted: object = None) -> object:
    at = _find_index(run, value, key, wanted)
    return None if at is None else items(value)[at]


def _has(run: "Run", value: object, key: object, wanted: object = None) -> bool:
    return True in _matching(run, value, key, wanted)


FILTERS: Final[Mapping[str, "Filter"]] = {
    "compact": _compact,
    "concat": _concat,
    "find": _find,
    "find_index": _find_index,
    "first": _first,
    "has": _has,
    "join": _join,
    "last": _last,
    "map": _map,
    "reject": _reject,
    "reverse": _reverse,
    "sort": _sort,
    "sort_natural": _sort_natural,
    "sum": _sum,
    "uniq": _uniq,
    "where": _where,
}
