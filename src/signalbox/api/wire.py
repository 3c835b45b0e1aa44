"""Reading what clients send: parameters and bodies, with every problem named at its place. Contract sections 1 and 4."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeAlias, TypeVar, cast

import msgspec

from signalbox import clock, ids
from signalbox.errors import Invalid, Problem

if TYPE_CHECKING:
    import jsonschema_rs

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
# A JSON Schema, or a part of one.
Schema: TypeAlias = dict[str, object]
Path: TypeAlias = Sequence[str | int]

# More than any legitimate request needs. A larger one that is wrong gets the first problem only: to look for all of
# them takes the body apart into objects, which at 10 MiB of brackets would hold up everybody else.
_LISTED_BODY: Final = 2 * 1024 * 1024


@dataclass(frozen=True)
class Param(Generic[T_co]):
    """A query or path parameter: how its text is read, and how it is described.

    `parse` raises ValueError with the rest of a sentence that starts with the parameter's name.
    """

    name: str
    parse: Callable[[str], T_co]
    schema: Schema
    description: str
    default: T_co | None = None


class Instant(NamedTuple):
    """A point in time as a client wrote it: milliseconds since the epoch and the finer digits, if any."""

    ms: int
    finer: str

    @classmethod
    def parse(cls, text: str) -> "Instant":
        """Reads an RFC 3339 date-time; a space before the offset is taken for the `+` it was before URL decoding."""
        try:
            return cls(*clock.parse_rfc3339(text.replace(" ", "+")))
        except ValueError:
            raise ValueError("must be an RFC 3339 date-time such as 2026-01-31T09:30:00Z") from None

    @property
    def first_ms_after(self) -> int:
        """The first millisecond that is strictly later."""
        return self.ms + 1

    @property
    def first_ms_not_before(self) -> int:
        """The first millisecond that is not earlier."""
        return self.ms + bool(self.finer)


def id_param(name: str, kind: str, description: str) -> Param[str]:
    """A parameter that holds an id of one type."""

    def parse(text: str) -> str:
        if not ids.is_id(kind, text):
            raise ValueError(f"must be {ID_SENTENCES[kind]}")
        return text

    return Param(name, parse, {"type": "string", "pattern": ids.pattern(kind)}, description)


def enum_param(name: str, values: Sequence[str], description: str) -> Param[str]:
    """A parameter that holds one of a few words."""

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


ID_SENTENCES: Final = {
    kind: f"{article} {noun} id: {kind}_, a digit from 0 to 7, and 25 to 34 more characters of a-z and 0-9 without i, l, o, u"
    for kind, article, noun in (
        (ids.SENDER, "a", "sender"),
        (ids.SENDER_POOL, "a", "sender pool"),
        (ids.OPERATION, "an", "operation"),
    )
}

START_DATE: Final = Param(
    "startDate",
    Instant.parse,
    {"type": "string", "format": "date-time"},
    "Created strictly after this moment.",
)
END_DATE: Final = Param(
    "endDate",
    Instant.parse,
    {"type": "string", "format": "date-time"},
    "Created strictly before this moment.",
)
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
    """The query parameters of one request, read; `unknown` are names that the path does not have."""

    values: dict[str, object] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def get(self, param: Param[T]) -> T | None:
        """The value of a parameter, its default when it was not given."""
        return cast("T | None", self.values.get(param.name, param.default))


def read_query(raw: bytes, params: Sequence[Param[object]], problems: list[Problem]) -> Query:
    """Reads a query string; what is wrong with it is added to `problems`."""
    query = Query()
    if not raw:
        return query
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


_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")


def _unquote(raw: bytes, errors: str) -> str:
    # urllib.parse does the same at ten times the cost for what is nearly always plain ASCII.
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        raw = _PERCENT.sub(lambda match: bytes([int(match[1], 16)]), raw)
    return raw.decode("utf-8", errors)


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
    """A type of request body: decoded and checked at once when it is right, searched for every problem when not."""

    def __init__(self, type_: type[T_co], *rules: Rule, media_types: Sequence[str] = ("application/json",)) -> None:
        self.type = type_
        self.media_types = media_types
        self._rules = rules
        self._decode = msgspec.json.Decoder(type_).decode

    def read(self, data: bytes) -> T_co:
        """The value in `data`. Raises Invalid with every problem found."""
        try:
            value = self._decode(data)
            if all(rule.holds(value) for rule in self._rules):
                return value
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if len(data) > _LISTED_BODY:
                raise Invalid(
                    [Problem(f"{_plain(error)} (of so large a body, only the first problem is named)")]
                ) from None
        raise Invalid(self.problems(parse_json(data)))

    def convert(self, raw: object) -> T_co:
        """The same for plain JSON that is already read."""
        try:
            value = msgspec.convert(raw, self.type)
            if all(rule.holds(value) for rule in self._rules):
                return value
        except msgspec.ValidationError:
            pass
        raise Invalid(self.problems(raw))

    def problems(self, raw: object) -> list[Problem]:
        """Everything that is wrong with plain JSON; never empty."""
        found = [problem for error in self._validator.iter_errors(raw) for problem in _problems_of(error)]
        for rule in self._rules:
            found.extend(rule.problems(raw))
        return found or [Problem("the body does not have the documented shape", None, "$")]

    @cached_property
    def _validator(self) -> "jsonschema_rs.Validator":
        # Needed only once somebody sends a body that is wrong.
        import jsonschema_rs

        return jsonschema_rs.validator_for(msgspec.json.schema(self.type))


class RawBody(Body[bytes]):
    """A body in one of several formats, which its handler reads."""

    def __init__(self, media_types: Sequence[str]) -> None:
        super().__init__(bytes, media_types=media_types)

    def read(self, data: bytes) -> bytes:
        """The bytes as they came."""
        return data


def matching(pattern: str) -> msgspec.Meta:
    """Publishes a pattern in the schema. msgspec is not told: it takes one string at a time, and `$` before a newline."""
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


def _malformed(data: bytes, at: int, what: str) -> Problem:
    line = data.count(b"\n", 0, at) + 1
    column = len(data[data.rfind(b"\n", 0, at) + 1 : at].decode("utf-8", "replace")) + 1
    return Problem(f"the body is not valid JSON: {what}, line {line}, column {column}", None, "$")


def _plain(error: Exception) -> str:
    return "the body is nested too deeply" if isinstance(error, RecursionError) else f"the body: {error}"


_TYPES: Final = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}

PATTERN_SENTENCES: Final = {ids.pattern(kind): f"must be {sentence}" for kind, sentence in ID_SENTENCES.items()}


def _problems_of(error: "jsonschema_rs.ValidationError") -> Iterator[Problem]:
    """The problems in one finding of the validator, in our words: its own would repeat what the client sent."""
    path = list(error.instance_path)
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
        yield from _problems_of_choice(path, cast("list[list[jsonschema_rs.ValidationError]]", kind["context"]))
    else:
        yield problem_at(path, _demand(rule, kind))


def _problems_of_choice(path: Path, choices: "list[list[jsonschema_rs.ValidationError]]") -> Iterator[Problem]:
    """The problems of the choice whose type was met; if none was, the types to choose from."""
    mismatches = [errors for errors in choices if errors[0].kind.name == "type" and errors[0].instance_path == path]
    for errors in choices:
        if errors not in mismatches:
            for error in errors:
                yield from _problems_of(error)
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
