"""Values of Liquid while a text is rendered: their text, their size, and how they compare.

A value is None (what is absent, too), a bool, an int, a float, a str, a list of these, a range, a datetime, a Loop, or
one of the words `empty` and `blank`.
"""

from datetime import datetime
from enum import Enum
from typing import Final

from signalbox.rendering.budget import STEP_CHARACTERS, Budget, RenderError

# Beyond this no number of the vendor's Liquid goes: its numbers are doubles.
MOST_BITS: Final = 1024
_MOST_DIGITS: Final = 320


class Word(Enum):
    """The words that compare as equal to every empty, or every blank, value."""

    EMPTY = "empty"
    BLANK = "blank"


class Loop:
    """The variable `forloop`."""

    __slots__ = ("index", "length", "name", "parent")

    def __init__(self, name: str, length: int, parent: "Loop | None") -> None:
        self.name = name
        self.length = length
        self.parent = parent
        self.index = -1

    def get(self, key: object) -> object:
        """The property of this name; None for another name."""
        match key:
            case "index":
                return self.index + 1
            case "index0":
                return self.index
            case "rindex":
                return self.length - self.index
            case "rindex0":
                return self.length - self.index - 1
            case "first":
                return self.index == 0
            case "last":
                return self.index == self.length - 1
            case "length":
                return self.length
            case "name":
                return self.name
            case "parentloop":
                return self.parent
        return None


def size(value: object) -> int:
    """What reading a value costs, in characters. Constant time but for a list."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(STEP_CHARACTERS + len(item) if isinstance(item, str) else STEP_CHARACTERS for item in value)
    if isinstance(value, range):
        return length(value) * STEP_CHARACTERS
    return STEP_CHARACTERS


def text_of(value: object) -> str:
    """The text that output shows for a value. The items of a list follow each other."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "".join([text_of(item) for item in value])
    if isinstance(value, range):
        return f"{value.start}..{value.stop - 1}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S %z")
    return ""  # None, a loop, `empty` and `blank`


def items(value: object) -> list[object] | range:
    """The items that a filter of lists works on; a text or a number is a list of one."""
    if isinstance(value, list | range):
        return value
    return [] if value is None else [value]


def member(value: object, key: object) -> object:
    """What `value.key` or `value[key]` is; None if there is nothing. A text has a size and no characters."""
    if isinstance(value, Loop):
        return value.get(key)
    if key == "size":
        return length(value) if isinstance(value, str | list | range) else None
    if not isinstance(value, list | range):
        return None
    key = {"first": 0, "last": -1}.get(key, key) if isinstance(key, str) else key
    if not isinstance(key, int) or not -length(value) <= key < length(value):
        return None
    return value[key]


def length(value: str | list[object] | range) -> int:
    """The number of items or characters. `len` does not take the longest ranges."""
    return value.stop - value.start if isinstance(value, range) else len(value)


def whole(value: object) -> int:
    """A value as a whole number. Raises ValueError or TypeError if it is none, RenderError if it is too large."""
    if isinstance(value, str):
        if len(value) > _MOST_DIGITS:
            raise RenderError("a number is too large")
        return int(value)
    if isinstance(value, int | float):
        return bounded(int(value))
    raise TypeError


def number(value: object) -> int | float:
    """A value as a number; 0 if it is none, as in Liquid. Raises RenderError if it is too large."""
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str):
        return 0
    try:
        return whole(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return 0


def bounded(value: int) -> int:
    """An integer that is not too large. Raises RenderError."""
    if value.bit_length() > MOST_BITS:
        raise RenderError("a number is too large")
    return value


def truthy(value: object) -> bool:
    """Whether a condition holds: everything but nil and false."""
    return value is not None and value is not False


def equal(budget: Budget, left: object, right: object) -> bool:
    """Whether `left == right` in Liquid."""
    if isinstance(right, Word):
        left, right = right, left
    if isinstance(left, Word):
        return left is right or _is_word(budget, left, right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) and isinstance(right, str) and len(left) == len(right):
        budget.touch(len(left))
    elif isinstance(left, list) and isinstance(right, list):
        budget.touch(size(left))
    return left == right


def _is_word(budget: Budget, word: Word, value: object) -> bool:
    if isinstance(value, str):
        budget.touch(len(value))
        return not value or (word is Word.BLANK and value.isspace())
    return isinstance(value, list) and not value


def less(budget: Budget, left: object, right: object, operator: str, or_equal: bool = False) -> bool:
    """Whether `left < right`, or `left <= right`; nil is neither. Raises RenderError for types that have no order.

    `operator` is that of the text, for the message: `a > b` is `b < a`.
    """
    if left is None or right is None:
        return False
    if isinstance(left, str) and isinstance(right, str):
        budget.touch(min(len(left), len(right)))
        return left <= right if or_equal else left < right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left <= right if or_equal else left < right
    kinds = sorted({_kind(left), _kind(right)})
    raise RenderError(f"{operator} cannot compare {' with '.join(kinds * 2 if len(kinds) == 1 else kinds)}")


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "a text"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list | range) else "a word"


def contains(budget: Budget, left: object, right: object) -> bool:
    """Whether a text contains a text, or a list an item. Raises RenderError for another type."""
    if not truthy(left) or not truthy(right):
        return False
    budget.touch(size(left) if isinstance(left, str | list) else 0)
    if isinstance(left, str):
        budget.touch(size(right))
        return text_of(right) in left
    if isinstance(left, list):
        return right in left
    if isinstance(left, range):  # `in` would walk the whole range for a text
        return isinstance(right, int) and right in left
    raise RenderError(f"contains cannot look into {_kind(left)}")
