"""Decodes request bodies: valid ones on a fast path, for invalid ones every problem is reported with its place.

Contract sections 1 and 4.
"""

import asyncio
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar, cast

import msgspec
from msgspec import inspect

from signalbox.ground.errors import Invalid, Problem
from signalbox.http import constraints
from signalbox.http.findings import Wording
from signalbox.http.json_limits import HALVES, TWICE, may_repeat, repeated_names
from signalbox.http.json_text import MOST_EXAMINED, first_problem, parse_json
from signalbox.http.parameters import Schema
from signalbox.http.places import Path, problem_at

if TYPE_CHECKING:
    import jsonschema_rs

T_co = TypeVar("T_co", covariant=True)


class Media(NamedTuple):
    """A media type of a body or response besides JSON, with its description and an example."""

    type: str
    description: str = ""
    example: str | None = None


class Body(Generic[T_co]):
    """A type of request body. Valid bodies are decoded on a fast path; invalid ones are searched for every problem.

    Patterns and rules are declared at the fields of the type: see `constraints`. `example` is for the OpenAPI document.
    """

    def __init__(self, type_: type[T_co], example: T_co, media: Sequence[Media] = ()) -> None:
        self.type = type_
        self.example: object = example
        self.media = tuple(media)
        self.media_types = ("application/json", *(one.type for one in media))
        self._decode = msgspec.json.Decoder(type_).decode
        self._holds = constraints.check(inspect.type_info(type_)) or _anything

    async def read(self, data: bytes) -> T_co:
        """The value in `data`. Raises Invalid with every problem found."""
        decode_error: Exception | None = None
        try:
            # The types of bodies are not recursive and know all their fields, so this stops at the depth of the type.
            value = self._decode(data)
            # PostgreSQL stores no NUL in a text. These are the cheap checks; `_examine` finds the place.
            if _NUL not in data and self._holds(value) and not may_repeat(data, _plain(data)):
                return value
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            decode_error = error
        if decode_error is not None and len(data) > MOST_EXAMINED:
            raise Invalid([first_problem(decode_error)])
        return await self._examine(parse_json(data), await _repeated(data))

    async def _examine(self, raw: object, found: list[Problem]) -> T_co:
        """Raises Invalid with the problems `found` before and all others of plain JSON.

        Returns the value if there are none, as with the number 1.0.
        """
        looked_at = _trimmed(raw)
        unstorable = [problem_at(path, f"must not hold {what}") for path, what in _unstorable(looked_at, ())]
        found += unstorable
        if unstorable:
            looked_at = _without_halves(looked_at)
        type_ = inspect.type_info(self.type)
        wording = Wording(constraints.demands(type_))
        for part, path, offset in _parts(looked_at):
            for error in self._validator.iter_errors(part):
                found.extend(wording.problems_of(error, path, offset))
            # Each problem takes some 20 us: other requests run between the slices.
            await asyncio.sleep(0)
        found.extend(self._too_many(looked_at))
        by_rules = list(constraints.problems(type_, looked_at))
        alone = {problem.context for problem, stands_alone in by_rules if stands_alone}
        found = [problem for problem in found if problem.context not in alone]
        found.extend(problem for problem, _ in by_rules)
        if found:
            raise Invalid(found)
        try:
            # 1.0 is a whole number in JSON Schema and JavaScript.
            value = msgspec.convert(_with_whole_numbers(raw), self.type)
        except msgspec.ValidationError as error:
            raise Invalid([first_problem(error)]) from None
        if not self._holds(value):
            raise Invalid([Problem("the body does not have the documented shape", None, "$")])
        return value

    def _too_many(self, raw: object) -> Iterator[Problem]:
        """The problem of a list that is too long: the validator sees only slices of it."""
        for path, items in _long_lists(raw):
            limit = self._schema_at(path).get("maxItems")
            if isinstance(limit, int) and len(items) > limit:
                yield problem_at(path, f"must have at most {limit} items")

    def _schema_at(self, path: Path) -> Schema:
        (schema,), components = msgspec.json.schema_components([self.type])
        if "$ref" in schema:
            schema = components[schema["$ref"].rpartition("/")[2]]
        return cast("Schema", schema["properties"].get(path[0], {}) if path else schema)

    @cached_property
    def _validator(self) -> "jsonschema_rs.Validator":
        # Imported for the first invalid body only, to start faster.
        import jsonschema_rs

        return jsonschema_rs.validator_for(msgspec.json.schema(self.type))


class RawBody(Body[bytes]):
    """A list of rows in one of several formats; its handler decodes it. `row` is the type of one row.

    `demands`: keywords of the list in the published schema. `example`: rows for the OpenAPI document.
    """

    def __init__(self, row: type, demands: Schema, example: Sequence[object], media: Sequence[Media]) -> None:
        super().__init__(bytes, b"", media)
        self.row = row
        self.demands = demands
        self.example = example

    async def read(self, data: bytes) -> bytes:
        """The bytes, not decoded."""
        return data


def _anything(_: object) -> bool:
    return True


async def _repeated(data: bytes) -> list[Problem]:
    """The problems of names that are given more than once; of a large body, the first."""
    found: list[Problem] = []
    for path in repeated_names(data):
        if path is None:
            await asyncio.sleep(0)
            continue
        found.append(problem_at(path, TWICE))
        if len(data) > MOST_EXAMINED:
            break
    return found


_plain: Final = msgspec.json.Decoder().decode
_NUL: Final = rb"\u0000"
# How much of an invalid body is examined, and how much of it between two turns of the event loop.
_MOST_ITEMS: Final = 10_001
_MOST_MEMBERS: Final = 200
_SLICE: Final = 200


def _trimmed(raw: object) -> object:
    """Plain JSON without what exceeds every limit: a million unknown fields would make a million problems."""
    if isinstance(raw, list):
        return [_trimmed(item) for item in raw[:_MOST_ITEMS]]
    if isinstance(raw, dict):
        return {name: _trimmed(value) for name, value in islice(raw.items(), _MOST_MEMBERS)}
    return raw


def _long_lists(raw: object) -> Iterator[tuple[tuple[str, ...], list[object]]]:
    """The body itself, or its first field, that is a list longer than a slice."""
    if isinstance(raw, list) and len(raw) > _SLICE:
        yield (), raw
    elif isinstance(raw, dict):
        for name, value in raw.items():
            if isinstance(value, list) and len(value) > _SLICE:
                yield (name,), value
                return


def _parts(raw: object) -> Iterator[tuple[object, Path, int]]:
    """The body in slices of its long list: the part to check, the path of the list, and the offset in the list."""
    path, items = next(_long_lists(raw), ((), None))
    if items is None:
        yield raw, (), 0
        return
    for offset in range(0, len(items), _SLICE):
        part = items[offset : offset + _SLICE]
        if not path:
            yield part, path, offset
        else:
            # The other fields are checked with the first slice only.
            yield {**(cast("dict[str, object]", raw) if offset == 0 else {}), path[0]: part}, path, offset


def _unstorable(raw: object, path: tuple[str | int, ...]) -> Iterator[tuple[Path, str]]:
    """The places of strings with characters that the databases do not store, and the names of these characters."""
    if isinstance(raw, str):
        if "\0" in raw:
            yield path, "a NUL character"
        if HALVES.search(raw):
            yield path, "half of a surrogate pair"
    elif isinstance(raw, list):
        for index, item in enumerate(raw):
            yield from _unstorable(item, (*path, index))
    elif isinstance(raw, dict):
        for name, value in raw.items():
            member = (*path, HALVES.sub("\ufffd", name))
            yield from _unstorable(name, member)
            yield from _unstorable(value, member)


def _without_halves(raw: object) -> object:
    """Plain JSON that can be encoded as UTF-8."""
    if isinstance(raw, str):
        return HALVES.sub("\ufffd", raw)
    if isinstance(raw, list):
        return [_without_halves(item) for item in raw]
    if isinstance(raw, dict):
        return {HALVES.sub("\ufffd", name): _without_halves(value) for name, value in raw.items()}
    return raw


def _with_whole_numbers(raw: object) -> object:
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if isinstance(raw, list):
        return [_with_whole_numbers(item) for item in raw]
    if isinstance(raw, dict):
        return {name: _with_whole_numbers(value) for name, value in raw.items()}
    return raw
