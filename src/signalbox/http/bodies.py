"""Reading request bodies: at once when they are right, and with every problem at its place when not.

Contract sections 1 and 4.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeAlias, TypeVar, cast

import msgspec

from signalbox.ground import ids
from signalbox.ground.errors import Invalid, Problem
from signalbox.http.parameters import ID_SENTENCES, Schema

if TYPE_CHECKING:
    import jsonschema_rs

T_co = TypeVar("T_co", covariant=True)
Path: TypeAlias = Sequence[str | int]

# More than any legitimate request needs. A larger one that is wrong gets the first problem only: to look for all of
# them takes the body apart into objects, which at 10 MiB of brackets would hold up everybody else.
_LISTED_BODY: Final = 1024 * 1024


class Rule(NamedTuple):
    """A demand on a body beyond its types: `holds` decides quickly; `problems` names the places, given plain JSON.

    A rule whose demand the published schema states as well (a pattern) has no `problems` of its own.
    """

    holds: Callable[[object], bool]
    problems: Callable[[object], Iterable[Problem]] = lambda _: ()

    @classmethod
    def of(cls, problems: Callable[[object], Iterable[Problem]]) -> "Rule":
        """A rule for small bodies: it holds when there are no problems."""
        return cls(lambda value: not any(True for _ in problems(msgspec.to_builtins(value))), problems)


class Body(Generic[T_co]):
    """A type of request body: decoded and checked at once when it is right, searched for every problem when not.

    `demands` are keywords that the published schema has beyond those of the type; the rules hold the body to them.
    """

    def __init__(
        self,
        type_: type[T_co],
        *rules: Rule,
        media_types: Sequence[str] = ("application/json",),
        demands: Schema | None = None,
    ) -> None:
        self.type = type_
        self.media_types = media_types
        self.demands = demands or {}
        self._rules = rules
        self._decode = msgspec.json.Decoder(type_).decode

    async def read(self, data: bytes) -> T_co:
        """The value in `data`. Raises Invalid with every problem found."""
        refusal: Exception | None = None
        try:
            value = self._decode(data)
            # A NUL can stand in no text that PostgreSQL stores. Most likely there is none, which this tells at once.
            if _NUL not in data and all(rule.holds(value) for rule in self._rules):
                return value
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            refusal = error
        if refusal is not None and len(data) > _LISTED_BODY:
            raise Invalid([_first_problem(refusal)])
        return await self._examine(parse_json(data))

    async def _examine(self, raw: object) -> T_co:
        """The second look: finds all problems of plain JSON, or that there are none after all."""
        looked_at = _trimmed(raw)
        found = [problem_at(path, "must not hold a NUL character") for path in _nuls(looked_at, ())]
        for part, path, offset in _parts(looked_at):
            for error in self._validator.iter_errors(part):
                found.extend(_problems_of(error, path, offset))
            # A finding costs some 20 us to make; others get a turn between slices.
            await asyncio.sleep(0)
        found.extend(self._too_many(looked_at))
        for rule in self._rules:
            found.extend(rule.problems(looked_at))
        if found:
            raise Invalid(found)
        try:
            # JSON Schema and JavaScript count 1.0 as a whole number.
            value = msgspec.convert(_with_whole_numbers(raw), self.type)
        except msgspec.ValidationError as error:
            raise Invalid([_first_problem(error)]) from None
        if not all(rule.holds(value) for rule in self._rules):
            raise Invalid([Problem("the body does not have the documented shape", None, "$")])
        return value

    def _too_many(self, raw: object) -> Iterator[Problem]:
        """A problem for a list that was looked at in slices, none of which shows how long the whole is."""
        for path, items in _long_lists(raw):
            limit = self._schema_at(path).get("maxItems")
            if isinstance(limit, int) and len(items) > limit:
                yield problem_at(path, _demand("maxItems", {"limit": limit}))

    def _schema_at(self, path: Path) -> Schema:
        (schema,), components = msgspec.json.schema_components([self.type])
        if "$ref" in schema:
            schema = components[schema["$ref"].rpartition("/")[2]]
        return cast("Schema", schema["properties"].get(path[0], {}) if path else schema)

    @cached_property
    def _validator(self) -> "jsonschema_rs.Validator":
        # Needed only once somebody sends a body that is wrong.
        import jsonschema_rs

        return jsonschema_rs.validator_for(msgspec.json.schema(self.type))


class RawBody(Body[bytes]):
    """A body in one of several formats, which its handler reads; `row` is the type of one row of it."""

    def __init__(self, media_types: Sequence[str], row: type, demands: Schema) -> None:
        super().__init__(bytes, media_types=media_types, demands=demands)
        self.row = row

    async def read(self, data: bytes) -> bytes:
        """The bytes as they came."""
        return data


_NUL: Final = rb"\u0000"
# How much of a wrong body is looked at, and how much of it between two turns of the event loop.
_MOST_ITEMS: Final = 10_001
_MOST_MEMBERS: Final = 200
_SLICE: Final = 200


def _trimmed(raw: object) -> object:
    """Plain JSON without what is beyond every limit: nobody reads about a million unknown members."""
    if isinstance(raw, list):
        return [_trimmed(item) for item in raw[:_MOST_ITEMS]]
    if isinstance(raw, dict):
        return {name: _trimmed(value) for name, value in islice(raw.items(), _MOST_MEMBERS)}
    return raw


def _long_lists(raw: object) -> Iterator[tuple[tuple[str, ...], list[object]]]:
    """The body itself, or the first of its members, that is a list of more than a slice."""
    if isinstance(raw, list) and len(raw) > _SLICE:
        yield (), raw
    elif isinstance(raw, dict):
        for name, value in raw.items():
            if isinstance(value, list) and len(value) > _SLICE:
                yield (name,), value
                return


def _parts(raw: object) -> Iterator[tuple[object, Path, int]]:
    """The body in slices of its long list, if it has one: what to look at, where the list is, how much came before."""
    path, items = next(_long_lists(raw), ((), None))
    if items is None:
        yield raw, (), 0
        return
    for offset in range(0, len(items), _SLICE):
        part = items[offset : offset + _SLICE]
        if not path:
            yield part, path, offset
        else:
            # The other members are looked at with the first slice only.
            yield {**(cast("dict[str, object]", raw) if offset == 0 else {}), path[0]: part}, path, offset


def _nuls(raw: object, path: tuple[str | int, ...]) -> Iterator[Path]:
    """Where strings with a NUL are."""
    if isinstance(raw, str):
        if "\0" in raw:
            yield path
    elif isinstance(raw, list):
        for index, item in enumerate(raw):
            yield from _nuls(item, (*path, index))
    elif isinstance(raw, dict):
        for name, value in raw.items():
            if "\0" in name:
                yield (*path, name)
            yield from _nuls(value, (*path, name))


def _with_whole_numbers(raw: object) -> object:
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if isinstance(raw, list):
        return [_with_whole_numbers(item) for item in raw]
    if isinstance(raw, dict):
        return {name: _with_whole_numbers(value) for name, value in raw.items()}
    return raw


def matching(pattern: str) -> msgspec.Meta:
    """Publishes a pattern in the schema. msgspec is not told: its `$` also matches before a newline."""
    return msgspec.Meta(extra_json_schema={"pattern": pattern})


def place(path: Path) -> tuple[str | None, str]:
    """The `field` and the `context` of a place in a body: `senders[3].senderId` and `$.senders[3].senderId`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_NAME.fullmatch(step):
            text += f".{step}"
        else:
            text += f"[{msgspec.json.encode(step[:100]).decode()}]"
    return text.removeprefix(".") or None, f"${text}"


def problem_at(path: Path, message: str) -> Problem:
    """A problem at a place in the body, its message led by that place."""
    field_, context = place(path)
    return Problem(f"{field_ or 'the body'} {message}", field_, context)


def parse_json(data: bytes) -> object:
    """Plain JSON from bytes. Raises Invalid with line and column when it is none."""
    try:
        return cast(object, msgspec.json.decode(data))
    except UnicodeDecodeError:
        pass
    except RecursionError:
        raise Invalid([Problem("the body is nested too deeply", None, "$")]) from None
    except msgspec.DecodeError as error:
        if len(data) <= _LISTED_BODY and (malformed := _by_standard_library(data)):
            raise Invalid([malformed]) from None
        message = str(error)
        if at := _BYTE.search(message):
            raise Invalid([_malformed(data, int(at[1]), message[: at.start()].removeprefix(_MALFORMED))]) from None
        if half := _HALF_SURROGATE.search(data):
            raise Invalid([_malformed(data, half.start(), "half of a surrogate pair")]) from None
        raise Invalid([_malformed(data, len(data), message[:1].lower() + message[1:])]) from None
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Invalid([_malformed(data, error.start, "not UTF-8")]) from None
    raise Invalid([Problem("the body is not UTF-8", None, "$")])


_PLAIN_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]{0,99}")
_BYTE: Final = re.compile(r" \(byte (\d+)\)")
_MALFORMED: Final = "JSON is malformed: "
_HALF_SURROGATE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


def _by_standard_library(data: bytes) -> Problem | None:
    """The same verdict from Python's own reader, which is slower and exact about the place; None if it has none."""
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        at = len(error.doc[: error.pos].encode("utf-8", "surrogatepass"))
        return _malformed(data, at, error.msg[:1].lower() + error.msg[1:])
    except (ValueError, RecursionError):
        pass
    return None


def _malformed(data: bytes, at: int, what: str) -> Problem:
    line = data.count(b"\n", 0, at) + 1
    column = len(data[data.rfind(b"\n", 0, at) + 1 : at].decode("utf-8", "replace")) + 1
    return Problem(f"the body is not valid JSON: {what}, line {line}, column {column}", None, "$")


def _first_problem(error: Exception) -> Problem:
    """msgspec's own finding, the only one that is named for a body that is wrong and larger than any that is right."""
    if isinstance(error, RecursionError):
        return Problem("the body is nested too deeply", None, "$")
    message, _, at = str(error).partition(" - at `")
    context = at.rstrip("`") or "$"
    message = message[:1].lower() + message[1:]
    return Problem(
        f"{context.removeprefix('$.') if at else 'the body'}: {message}", context[1:].lstrip(".") or None, context
    )


_TYPES: Final = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}

# Characters that either a Python or an ECMAScript regular expression counts as white space, and NUL.
_BLANK: Final = r"\s\u0000\u001c-\u001f\u0085\ufeff"
NOT_BLANK: Final = f"[^{_BLANK}]"
TAG: Final = "^[a-zA-Z0-9._~-]+$"
NO_CONTROLS: Final = r"^[^\u0000-\u001f\u007f-\u009f]*$"

PATTERN_SENTENCES: Final = {
    **{ids.pattern(kind): f"must be {sentence}" for kind, sentence in ID_SENTENCES.items()},
    NOT_BLANK: "must not be blank",
    TAG: "must have only the characters a-z A-Z 0-9 . _ ~ -",
    NO_CONTROLS: "must not have control characters",
}


def _problems_of(error: "jsonschema_rs.ValidationError", sliced: Path = (), offset: int = 0) -> Iterator[Problem]:
    """The problems in one finding of the validator, in our words: its own would repeat what the client sent.

    What was looked at may be a slice: of the list at `sliced`, from `offset` on.
    """
    path = list(error.instance_path)
    if offset:
        at = len(sliced)
        if len(path) <= at or path[:at] != list(sliced):
            return
        path[at] = int(path[at]) + offset
    kind = error.kind.as_dict()
    rule = error.kind.name
    if rule == "required":
        yield problem_at([*path, str(kind["property"])], "is required")
    elif rule == "additionalProperties":
        for name in cast("list[str]", kind["unexpected"]):
            yield problem_at([*path, name], "is not a member that this request has")
    elif rule == "propertyNames":
        inner = cast("jsonschema_rs.ValidationError", kind["error"])
        demand = _demand(inner.kind.name, inner.kind.as_dict())
        yield problem_at([*path, str(inner.instance)], f"has a name that {demand}")
    elif rule == "anyOf":
        yield from _problems_of_choice(
            path, cast("list[list[jsonschema_rs.ValidationError]]", kind["context"]), sliced, offset
        )
    else:
        yield problem_at(path, _demand(rule, kind))


def _problems_of_choice(
    path: Path, choices: "list[list[jsonschema_rs.ValidationError]]", sliced: Path, offset: int
) -> Iterator[Problem]:
    """The problems of the choice whose type was met; if none was, the types to choose from."""
    mismatches = [
        errors for errors in choices if errors[0].kind.name == "type" and len(errors[0].instance_path) == len(path)
    ]
    for errors in choices:
        if errors not in mismatches:
            for error in errors:
                yield from _problems_of(error, sliced, offset)
            return
    types = [name for errors in mismatches for name in errors[0].kind.as_dict()["types"]]
    yield problem_at(path, _demand("type", {"types": types}))


def _demand(rule: str, kind: dict[str, object]) -> str:
    """What a schema's keyword asks for, as the rest of a sentence."""
    limit = kind.get("limit")
    s = "" if limit == 1 else "s"
    match rule:
        case "type":
            types = cast("list[str]", kind["types"])
            return f"must be {' or '.join(_TYPES[name] for name in types)}"
        case "enum":
            return f"must be one of {', '.join(str(one) for one in cast('list[object]', kind['options']))}"
        case "pattern":
            return PATTERN_SENTENCES.get(str(kind["pattern"]), f"must match {kind['pattern']}")
        case "minLength":
            return f"must have at least {limit} character{s}"
        case "maxLength":
            return f"must have at most {limit} character{s}"
        case "minItems":
            return f"must have at least {limit} item{s}"
        case "maxItems":
            return f"must have at most {limit} item{s}"
        case "maxProperties":
            return f"must have at most {limit} member{s}"
        case "minimum":
            return f"must be at least {limit}"
        case "maximum":
            return f"must be at most {limit}"
        case _:
            return "does not have the documented shape"
