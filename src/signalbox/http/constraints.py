"""Patterns and rules: the constraints of a type that msgspec does not check when it decodes.

They are declared at the field, `Annotated[str, matching(TAG)]`, `Annotated[list[X], ruled(rule)]`, or in a struct,
`rules: ClassVar = (rule, ...)`. The OpenAPI document reads the same declarations.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias, cast

import msgspec
from msgspec import UNSET, inspect

from signalbox.ground.errors import Problem
from signalbox.http.parameters import Schema
from signalbox.http.patterns import Pattern
from signalbox.http.places import Path, problem_at

Holds: TypeAlias = Callable[[Any], object]


class Found(NamedTuple):
    """A problem that a rule found: its path inside the value, and the rest of a sentence about that place.

    `alone`: problems that the schema finds at the same place are left out. `code`: see Problem.
    """

    path: Path
    message: str
    alone: bool = False
    code: int | None = None


class Form(NamedTuple):
    """One of several forms of an object: the name of its schema, its fields and the required ones."""

    name: str
    description: str
    members: tuple[str, ...]
    required: tuple[str, ...] = ()


class Rule(NamedTuple):
    """A constraint that no type and no pattern expresses.

    `holds`: a quick check of the decoded value. `find`: the problems of the value as plain JSON, which may have any
    shape. `schema`: the keywords of the constraint in the OpenAPI document. `forms`: the forms of an object.
    """

    holds: Holds
    find: Callable[[object], Iterable[Found]]
    schema: Schema | None = None
    forms: tuple[Form, ...] = ()

    @classmethod
    def of(
        cls, find: Callable[[object], Iterable[Found]], schema: Schema | None = None, forms: tuple[Form, ...] = ()
    ) -> "Rule":
        """A rule for small values, which holds when `find` finds no problem."""
        return cls(lambda value: not any(True for _ in find(msgspec.to_builtins(value))), find, schema, forms)


def hint(hints: Mapping[str, str]) -> Rule:
    """A rule for an object: members that it does not have, each a known mistake, and what to use instead."""

    def find(raw: object) -> Iterator[Found]:
        for name in hints if isinstance(raw, dict) else ():
            if name in cast("dict[str, object]", raw):
                yield Found([name], hints[name], alone=True)

    return Rule(lambda _: True, find)


def ruled(rule: Rule) -> msgspec.Meta:
    """For `Annotated[...]`: every `Body` that has the field checks the rule."""
    return msgspec.Meta(extra={"rule": rule})


def named(name: str) -> msgspec.Meta:
    """For `Annotated[...]`: the OpenAPI document has one schema of this name for all fields of the type."""
    return msgspec.Meta(extra={"name": name})


def one_form(message: str, *forms: Form) -> Rule:
    """A rule for an object: its fields are those of one form. `message` lists the forms."""

    def find(raw: object) -> Iterator[Found]:
        if isinstance(raw, dict):
            names = set(raw)
            if not any(names and names.issuperset(form.required) and names <= {*form.members} for form in forms):
                yield Found((), message)

    return Rule.of(find, forms=forms)


def _any_member(value: Any) -> bool:
    return any(member is not UNSET for member in msgspec.structs.astuple(value))


def at_least_one(*names: str) -> Rule:
    """A rule for a change: it has at least one field. `names` are the fields on the wire."""

    def find(raw: object) -> Iterator[Found]:
        if isinstance(raw, dict) and not any(name in raw for name in names):
            yield Found((), f"must have at least one of {', '.join(names)}")

    return Rule(_any_member, find, {"minProperties": 1})


def check(type_: inspect.Type) -> Holds | None:
    """Whether a decoded value meets all patterns and rules of its type; None when the type has none."""
    if isinstance(type_, inspect.Metadata):
        extra = type_.extra or {}
        pattern, rule = cast("Pattern | None", extra.get("pattern")), cast("Rule | None", extra.get("rule"))
        return _all([pattern.matches if pattern else None, rule.holds if rule else None, check(type_.type)])
    if isinstance(type_, inspect.StructType):
        return _all([_members(type_), *(rule.holds for rule in rules_of(type_.cls))])
    if isinstance(type_, inspect.ListType):
        return _items(type_.item_type)
    if isinstance(type_, inspect.DictType):
        keys, values = _items(type_.key_type), _items(type_.value_type)
        return _all([keys, None if values is None else lambda value: values(value.values())])
    if isinstance(type_, inspect.UnionType):
        return _choice(type_)
    return None


def rules_of(struct: type) -> Sequence[Rule]:
    """The rules of a struct."""
    return cast("Sequence[Rule]", getattr(struct, "rules", ()))


def _all(checks: Iterable[Holds | None]) -> Holds | None:
    found = [one for one in checks if one is not None]
    if len(found) < 2:
        return found[0] if found else None

    def _all_hold(value: Any) -> bool:
        # Not all(...): a generator costs every request with a body 0.3 us more.
        for holds in found:  # noqa: SIM110
            if not holds(value):
                return False
        return True

    return _all_hold


def _members(struct: inspect.StructType) -> Holds | None:
    checks = [(attrgetter(field.name), holds) for field in struct.fields if (holds := check(field.type))]
    if not checks:
        return None

    def _all_hold(value: Any) -> bool:
        for get, holds in checks:
            member = get(value)
            if member is not UNSET and not holds(member):
                return False
        return True

    return _all_hold


def _items(type_: inspect.Type) -> Callable[[Iterable[Any]], object] | None:
    """A check of many values of a type. If a pattern is the only constraint, one search checks all values."""
    if pattern := _pattern(type_):
        return pattern.all_match
    if isinstance(type_, inspect.StructType) and not rules_of(type_.cls):
        demanding = [field for field in type_.fields if check(field.type)]
        if len(demanding) == 1 and demanding[0].required and (only := _pattern(demanding[0].type)):
            get = attrgetter(demanding[0].name)
            return lambda values: only.all_match(map(get, values))
    one = check(type_)
    return one and (lambda values: all(map(one, values)))


def _pattern(type_: inspect.Type) -> Pattern | None:
    """The pattern of a string type without another constraint."""
    if isinstance(type_, inspect.Metadata) and isinstance(type_.type, inspect.StrType):
        extra = type_.extra or {}
        return None if "rule" in extra else cast("Pattern | None", extra.get("pattern"))
    return None


_PYTHON: Mapping[type[inspect.Type], type] = {
    inspect.StrType: str,
    inspect.LiteralType: str,
    inspect.ListType: list,
    inspect.DictType: dict,
}


def _choice(union: inspect.UnionType) -> Holds | None:
    """The check of the type in the union that the value has; values of types without constraints hold."""
    checks: list[tuple[type, Holds]] = []
    for one in union.types:
        if holds := check(one):
            plain = one.type if isinstance(one, inspect.Metadata) else one
            checks.append((plain.cls if isinstance(plain, inspect.StructType) else _PYTHON[type(plain)], holds))
    if not checks:
        return None
    if len(checks) == 1:
        [(only, holds_only)] = checks
        return lambda value: not isinstance(value, only) or holds_only(value)
    return lambda value: all(holds(value) for class_, holds in checks if isinstance(value, class_))


def problems(type_: inspect.Type, raw: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Problem, bool]]:
    """The problems that the rules of a type find in plain JSON of any shape; the schema finds those of patterns.

    Each with its `alone`: see `Found`.
    """
    rules: Sequence[Rule] = ()
    if isinstance(type_, inspect.Metadata):
        rule = cast("Rule | None", (type_.extra or {}).get("rule"))
        rules = (rule,) if rule else ()
        yield from problems(type_.type, raw, path)
    elif isinstance(type_, inspect.StructType) and isinstance(raw, dict):
        rules = rules_of(type_.cls)
        for field in type_.fields:
            if field.encode_name in raw:
                yield from problems(field.type, raw[field.encode_name], (*path, field.encode_name))
    elif isinstance(type_, inspect.ListType) and isinstance(raw, list):
        if _has_rules(type_.item_type):
            for index, item in enumerate(raw):
                yield from problems(type_.item_type, item, (*path, index))
    elif isinstance(type_, inspect.UnionType):
        for one in type_.types:
            yield from problems(one, raw, path)
    for rule in rules:
        for found in rule.find(raw):
            yield problem_at([*path, *found.path], found.message, found.code), found.alone


def parts(type_: inspect.Type) -> Iterator[inspect.Type]:
    """The type, and all types in it."""
    yield type_
    if isinstance(type_, inspect.Metadata):
        yield from parts(type_.type)
    elif isinstance(type_, inspect.StructType):
        for field in type_.fields:
            yield from parts(field.type)
    elif isinstance(type_, inspect.ListType):
        yield from parts(type_.item_type)
    elif isinstance(type_, inspect.DictType):
        yield from parts(type_.key_type)
        yield from parts(type_.value_type)
    elif isinstance(type_, inspect.UnionType):
        for one in type_.types:
            yield from parts(one)


def demands(type_: inspect.Type) -> dict[str, str]:
    """The sentence of each pattern in a type, by the pattern's text."""
    metadata = (one.extra or {} for one in parts(type_) if isinstance(one, inspect.Metadata))
    found = (cast("Pattern", extra["pattern"]) for extra in metadata if "pattern" in extra)
    return {pattern.text: pattern.demand for pattern in found}


def _has_rules(type_: inspect.Type) -> bool:
    return any(
        (isinstance(one, inspect.StructType) and rules_of(one.cls))
        or (isinstance(one, inspect.Metadata) and "rule" in (one.extra or {}))
        for one in parts(type_)
    )
