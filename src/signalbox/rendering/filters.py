"""The filters of standard Liquid. Each is charged for what it reads and makes before it does so. Contract section 10.2.

A filter is called with the run, the value on its left, and its arguments. TypeError, ValueError and ArithmeticError say
that it does not take these values.
"""

import base64
import html
import math
import re
import urllib.parse
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, Protocol

from signalbox.rendering import dates, list_filters
from signalbox.rendering.budget import STEP_CHARACTERS, Budget, utf8_bytes
from signalbox.rendering.values import bounded, length, number, size, text_of, whole

_NEWLINE: Final = re.compile(r"\r?\n")
_SPACES: Final = re.compile(r"\s+")
# What is removed with its content, and what ends it.
_HIDDEN: Final = (("<script", "</script>"), ("<style", "</style>"), ("<!--", "-->"))


class Run(Protocol):
    """What a filter may use of the rendering that it is part of."""

    budget: Budget
    now_ms: int

    def take(self, value: object, cost: int = 2) -> str:
        """The text of a value, charged `cost` times: by default once as input and once as output."""
        ...


Filter = Callable[..., object]


def _append(run: Run, value: object, other: object) -> str:
    return run.take(value) + run.take(other)


def _prepend(run: Run, value: object, other: object) -> str:
    return run.take(other) + run.take(value)


def _capitalize(run: Run, value: object) -> str:
    return run.take(value).capitalize()


def _downcase(run: Run, value: object) -> str:
    return run.take(value).lower()


def _upcase(run: Run, value: object) -> str:
    return run.take(value).upper()


def _strip(run: Run, value: object) -> str:
    return run.take(value).strip()


def _lstrip(run: Run, value: object) -> str:
    return run.take(value).lstrip()


def _rstrip(run: Run, value: object) -> str:
    return run.take(value).rstrip()


def _escape(run: Run, value: object) -> str:
    text = run.take(value)
    run.budget.touch(5 * sum(map(text.count, "&<>\"'")))  # an entity has at most 5 characters more
    return html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")


def _escape_once(run: Run, value: object) -> str:
    return _escape(run, html.unescape(run.take(value, 4)))


def _newline_to_br(run: Run, value: object) -> str:
    text = run.take(value)
    run.budget.touch(len("<br />") * text.count("\n"))
    return _NEWLINE.sub("<br />\n", text)


def _strip_newlines(run: Run, value: object) -> str:
    return _NEWLINE.sub("", run.take(value))


def _squish(run: Run, value: object) -> str:
    return _SPACES.sub(" ", run.take(value, 4).strip())


def _replace(run: Run, value: object, old: object, new: object = "", most: int = -1) -> str:
    text, wanted, other = run.take(value), run.take(old), run.take(new)
    found = text.count(wanted) if most < 0 else most
    run.budget.touch(found * len(other))
    return text.replace(wanted, other, most)


def _replace_first(run: Run, value: object, old: object, new: object = "") -> str:
    return _replace(run, value, old, new, 1)


def _replace_last(run: Run, value: object, old: object, new: object) -> str:
    text, wanted, other = run.take(value), run.take(old), run.take(new)
    at = text.rfind(wanted)
    return text if at < 0 else text[:at] + other + text[at + len(wanted) :]


def _remove(run: Run, value: object, old: object) -> str:
    return run.take(value).replace(run.take(old), "")


def _remove_first(run: Run, value: object, old: object) -> str:
    return run.take(value).replace(run.take(old), "", 1)


def _remove_last(run: Run, value: object, old: object) -> str:
    return _replace_last(run, value, old, "")


def _truncate(run: Run, value: object, longest: object = 50, end: object = "...") -> str:
    text, tail = run.take(value), run.take(end)
    most = whole(longest)
    return text if len(text) <= most else text[: max(most - len(tail), 0)] + tail


def _truncatewords(run: Run, value: object, longest: object = 15, end: object = "...") -> str:
    text, tail = run.take(value), run.take(end)
    most = max(whole(longest), 1)
    words = list_filters.words(run.budget, text, most)
    return " ".join(words) if len(words) < most else " ".join(words[:most]) + tail


def _slice(run: Run, value: object, start: object, many_wanted: object = 1) -> object:
    if isinstance(start, float) or isinstance(many_wanted, float):
        raise TypeError
    first, many = whole(start), max(whole(1 if many_wanted is None else many_wanted), 0)
    total = length(value) if isinstance(value, list | range) else len(run.take(value))
    first = first + total if first < 0 else first
    if first < 0:
        return [] if isinstance(value, list | range) else ""
    if not isinstance(value, list | range):
        return text_of(value)[first : first + many]
    many = max(min(many, total - first), 0)
    run.budget.touch(many * STEP_CHARACTERS)
    return list(value[first : first + many])


def _split(run: Run, value: object, separator: object = None) -> list[str]:
    text, between = run.take(value), run.take(separator)
    if between == " ":
        return list_filters.words(run.budget, text)
    run.budget.touch((text.count(between) + 1) * STEP_CHARACTERS)
    if not between:
        return list(text)
    return [] if text in ("", between) else text.split(between)


def _strip_html(run: Run, value: object) -> str:
    text = run.take(value, 4)
    lowered = text.lower() if len(text.lower()) == len(text) else text
    kept = []
    at = 0
    endless: set[str] = set()  # ends that do not come again, so that each is looked for in vain once
    while (start := text.find("<", at)) >= 0:
        end = -1
        run.budget.touch(STEP_CHARACTERS)
        for opening, closing in (*_HIDDEN, ("<", ">")):
            if closing not in endless and lowered.startswith(opening, start):
                end = lowered.find(closing, start)
                if end >= 0:
                    end += len(closing)
                    break
                endless.add(closing)
        kept.append(text[at:start])
        if end < 0:
            at = start
            break
        at = end
    kept.append(text[at:])
    return "".join(kept)


def _url_encode(run: Run, value: object) -> str:
    text = run.take(value)
    run.budget.touch(8 * utf8_bytes(text))  # 3 characters a byte, made one by one
    return urllib.parse.quote_plus(text, errors="replace")


def _url_decode(run: Run, value: object) -> str:
    return urllib.parse.unquote_plus(run.take(value, 8))


def _base64_encode(run: Run, value: object) -> str:
    data = run.take(value).encode("utf-8", "replace")
    run.budget.touch(len(data))
    return base64.b64encode(data).decode()


def _base64_decode(run: Run, value: object) -> str:
    return base64.b64decode(run.take(value)).decode()


def _base64_url_safe_encode(run: Run, value: object) -> str:
    return _base64_encode(run, value).replace("+", "-").replace("/", "_")


def _base64_url_safe_decode(run: Run, value: object) -> str:
    return base64.urlsafe_b64decode(run.take(value)).decode()


def _exact(value: int | float) -> Decimal:
    """A float by its digits, so that 0.1 + 0.2 is 0.3."""
    return Decimal(str(value))


def _calculate(whole_result: Callable[[int, int], int], exact_result: Callable[[Decimal, Decimal], Decimal]) -> Filter:
    def apply(_: Run, value: object, other: object) -> int | float:
        left, right = number(value), number(other)
        if isinstance(left, int) and isinstance(right, int):
            return bounded(whole_result(left, right))
        return float(exact_result(_exact(left), _exact(right)))

    return apply


def _divided_by(_: Run, value: object, other: object) -> int | float:
    left, right = number(value), number(other)
    return left // right if isinstance(left, int) and isinstance(right, int) else left / right


def _modulo(_: Run, value: object, other: object) -> int | float:
    left, right = number(value), number(other)
    return left % right if isinstance(left, int) and isinstance(right, int) else float(_exact(left) % _exact(right))


def _round(_: Run, value: object, digits: object = None) -> int | float:
    places = int(number(digits))
    if places < 0:
        return 0
    return round(number(value), places) if places else round(number(value))


def _abs(_: Run, value: object) -> int | float:
    return abs(number(value))


def _at_least(_: Run, value: object, other: object) -> int | float:
    return max(number(value), number(other))


def _at_most(_: Run, value: object, other: object) -> int | float:
    return min(number(value), number(other))


def _ceil(_: Run, value: object) -> int:
    return math.ceil(number(value))


def _floor(_: Run, value: object) -> int:
    return math.floor(number(value))


def _size(_: Run, value: object) -> int:
    return length(value) if isinstance(value, str | list | range) else 0


def _default(_: Run, value: object, other: object = "", *, allow_false: object = False) -> object:
    if value is False and allow_false is True:
        return value
    return other if value is None or value is False or value in ("", []) else value


def _date(run: Run, value: object, pattern: object = None) -> object:
    if value is None or pattern is None:
        return text_of(value)
    run.budget.touch(size(value))
    written = run.take(pattern, 32)  # no directive of two characters makes more than 32
    moment = dates.moment_of(value, run.now_ms)
    return text_of(value) if moment is None else dates.formatted(moment, written)


FILTERS: Final[Mapping[str, Filter]] = {
    "abs": _abs,
    "append": _append,
    "at_least": _at_least,
    "at_most": _at_most,
    "base64_decode": _base64_decode,
    "base64_encode": _base64_encode,
    "base64_url_safe_decode": _base64_url_safe_decode,
    "base64_url_safe_encode": _base64_url_safe_encode,
    "capitalize": _capitalize,
    "ceil": _ceil,
    "date": _date,
    "default": _default,
    "divided_by": _divided_by,
    "downcase": _downcase,
    "escape": _escape,
    "escape_once": _escape_once,
    "floor": _floor,
    "lstrip": _lstrip,
    "minus": _calculate(int.__sub__, Decimal.__sub__),
    "modulo": _modulo,
    "newline_to_br": _newline_to_br,
    "plus": _calculate(int.__add__, Decimal.__add__),
    "prepend": _prepend,
    "remove": _remove,
    "remove_first": _remove_first,
    "remove_last": _remove_last,
    "replace": _replace,
    "replace_first": _replace_first,
    "replace_last": _replace_last,
    "round": _round,
    "rstrip": _rstrip,
    "size": _size,
    "slice": _slice,
    "split": _split,
    "squish": _squish,
    "strip": _strip,
    "strip_html": _strip_html,
    "strip_newlines": _strip_newlines,
    "times": _calculate(int.__mul__, Decimal.__mul__),
    "truncate": _truncate,
    "truncatewords": _truncatewords,
    "upcase": _upcase,
    "url_decode": _url_decode,
    "url_encode": _url_encode,
    **list_filters.FILTERS,
}
