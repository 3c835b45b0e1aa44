"""Reads query and path parameters; every problem is reported with its place. Contract sections 1 and 4."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar, cast

from signalbox.ground import clock, ids
from signalbox.ground.errors import Problem
from signalbox.http.patterns import Pattern, id_pattern

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
# A JSON Schema, or a part of one.
Schema: TypeAlias = dict[str, object]


# URL decoding makes a space of a `+` that was not percent-encoded.
_OFFSET: Final = re.compile(r" (\d\d:\d\d)$")


@dataclass(frozen=True)
class Param(Generic[T_co]):
    """A parameter in a path, a query or a header: how it is parsed and described.

    `parse` raises ValueError with the rest of a sentence that starts with the parameter's name.
    """

    name: str
    parse: Callable[[str], T_co]
    schema: Schema
    description: str
    default: T_co | None = None
    example: str | None = None


@dataclass(frozen=True)
class IdParam(Param[str]):
    """A parameter that is the id of a resource. Ids may be logged.

    `noun`: the resource, with its article. `collection`: the path of the collection that the resource is in.
    """

    example: str = ""
    noun: str = ""
    collection: str = ""

    def path(self, resource_id: str) -> str:
        """The path of a resource."""
        return f"{self.collection}/{resource_id}"


class Instant(NamedTuple):
    """A point in time from a request: milliseconds since the epoch, and the further digits of its fraction."""

    ms: int
    finer: str

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> "Instant":
        """Parses an RFC 3339 date-time; a space before the offset is read as `+`. Raises ValueError.

        Results are cached, because a client repeats the same dates with every page of a list.
        """
        try:
            return cls(*clock.parse_rfc3339(_OFFSET.sub(r"+\1", text)))
        except ValueError:
            raise ValueError("must be an RFC 3339 date-time such as 2026-01-31T09:30:00Z") from None

    @property
    def first_ms_after(self) -> int:
        """The first millisecond after the instant."""
        return self.ms + 1

    @property
    def first_ms_not_before(self) -> int:
        """The first millisecond at or after the instant."""
        return self.ms + bool(self.finer)


def id_param(name: str, kind: ids.Kind, description: str, collection: str, example: str) -> IdParam:
    """A parameter that is an id of this type."""
    return pattern_param(name, id_pattern(kind), kind.noun, description, collection, example)


def pattern_param(name: str, pattern: Pattern, noun: str, description: str, collection: str, example: str) -> IdParam:
    """A parameter that is an id of this pattern."""

    def parse(text: str) -> str:
        if not pattern.matches(text):
            raise ValueError(pattern.demand)
        return text

    schema: Schema = {"type": "string", "pattern": pattern.text}
    return IdParam(name, parse, schema, description, None, example, noun, collection)


def text_param(name: str, description: str, example: str | None = None) -> Param[str]:
    """A parameter that may be any text."""
    return Param(name, str, {"type": "string"}, description, None, example)


def enum_param(name: str, values: Sequence[str], description: str) -> Param[str]:
    """A parameter that is one of `values`."""

    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return text

    return Param(name, parse, {"type": "string", "enum": list(values)}, description)


def _page_size(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= 1000:
        raise ValueError("must be a whole number from 1 to 1000")
    return int(text)


def _text(text: str) -> str:
    return text


START_DATE: Final = Param(
    "startDate",
    Instant.parse,
    {"type": "string", "format": "date-time"},
    "Created strictly after this moment.",
    example="2026-01-31T09:30:00.125Z",
)
END_DATE: Final = Param(
    "endDate",
    Instant.parse,
    {"type": "string", "format": "date-time"},
    "Created strictly before this moment.",
    example="2026-02-01T00:00:00Z",
)
# A page token has no example: it is valid only in the list of the response that it comes from.
PAGE_TOKEN: Final = Param(
    "pageToken",
    _text,
    {"type": "string", "minLength": 1},
    "A token from `pagination`; filters are repeated with it.",
)
PAGE_SIZE: Final = Param(
    "pageSize",
    _page_size,
    {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
    "How many resources a page holds.",
    50,
)


@dataclass(slots=True)
class Query:
    """The parsed query parameters of one request. `unknown`: names that the endpoint does not declare."""

    values: dict[str, object] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def get(self, param: Param[T]) -> T | None:
        """The value of a parameter, or its default."""
        return cast("T | None", self.values.get(param.name, param.default))


def read_query(raw: bytes, params: Sequence[Param[object]], problems: list[Problem]) -> Query:
    """Parses a query string; adds every problem to `problems`."""
    query = Query()
    known = {param.name: param for param in params}
    seen: set[str] = set()
    for pair in raw.split(b"&"):
        if not pair:
            continue
        raw_name, _, raw_value = pair.partition(b"=")
        name = _unquote(raw_name, "replace")
        param = known.get(name)
        if param is None:
            query.unknown.append(name)
        elif name in seen:
            problems.append(Problem.at(name, f"{name} is given more than once"))
        else:
            seen.add(name)
            try:
                text = _unquote(raw_value, "strict")
                if not text:
                    raise ValueError("is given without a value")
                query.values[name] = param.parse(text)
            except UnicodeDecodeError:
                problems.append(Problem.at(name, f"{name} is not UTF-8"))
            except ValueError as error:
                problems.append(Problem.at(name, f"{name} {error}"))
    start, end = query.values.get("startDate"), query.values.get("endDate")
    if isinstance(start, Instant) and isinstance(end, Instant) and end <= start:
        problems.append(Problem.at("endDate", "endDate must be later than startDate"))
    return query


_HEX: Final = "0123456789abcdefABCDEF"
_BYTES: Final = {(one + other).encode(): bytes([int(one + other, 16)]) for one in _HEX for other in _HEX}


def _unquote(raw: bytes, errors: str) -> str:
    # urllib.parse does the same at ten times the cost.
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        first, *others = raw.split(b"%")
        raw = first + b"".join([_BYTES.get(part[:2], b"%" + part[:2]) + part[2:] for part in others])
    return raw.decode("utf-8", errors)
