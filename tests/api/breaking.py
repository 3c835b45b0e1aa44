"""Wrong values for a published schema: each breaks one constraint and names the place of the expected problem."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from signalbox.http.places import place

Schema = dict[str, Any]
Path = tuple[str | int, ...]


class Broken(NamedTuple):
    """A complete value that breaks one constraint, and the place that the problem must name."""

    constraint: str
    path: Path
    value: Any

    @property
    def name(self) -> str:
        """The name of the test case, for the reader of a failure."""
        return f"{self.constraint} at {place(self.path)[1]}"

    def within(self, parent: Any, step: str | int) -> Broken:
        """The same broken value, inside a list or object."""
        whole: Any = dict(parent) if isinstance(parent, dict) else list(parent)
        whole[step] = self.value
        return Broken(self.constraint, (step, *self.path), whole)


# Texts that break nearly every pattern. A text that ends with a line feed passes where `$` has Python's meaning.
_STRANGE: Final = ("{right}\n", "\u0007", " ", "a b", "é", "x")


class Breaker:
    """Makes values that break the schemas of one OpenAPI document."""

    def __init__(self, document: Schema) -> None:
        self._schemas = document["components"]["schemas"]

    def right(self, schema: Schema) -> Any:
        """The smallest value that fits the schema."""
        schema = self._resolved(schema)
        if "enum" in schema:
            return schema["enum"][0]
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self.right(schema[choice][0])
        match schema.get("type"):
            case "string":
                return self._text(schema)
            case "integer":
                return schema.get("minimum", 0)
            case "number":
                return schema.get("minimum", 0)
            case "boolean":
                return True
            case "array":
                return [self.right(schema["items"])] * max(1, schema.get("minItems", 1))
            case "object":
                names = dict.fromkeys([*schema.get("required", ()), *schema.get("properties", {})])
                most = max(len(schema.get("required", ())), schema.get("minProperties", 0))
                return {name: self.right(schema["properties"][name]) for name in list(names)[:most]}
        raise NotImplementedError(schema)

    def broken(self, schema: Schema, right: Any) -> Iterator[Broken]:
        """For each constraint of the schema and its subschemas, a right value with that constraint broken."""
        schema = self._resolved(schema)
        if "anyOf" in schema:
            yield from self._broken_choice(schema["anyOf"], right)
        elif "oneOf" in schema:
            forms = [self._resolved(form) for form in schema["oneOf"]]
            for form in forms:
                for one in self.broken(form, self.right(form)):
                    if one.constraint == "required" and any(_has_members(other, one.value) for other in forms):
                        continue
                    # An object without a field that its form requires, or with an unknown field, fits no form.
                    formless = len(one.path) == 1 and one.constraint in ("required", "additionalProperties")
                    yield one._replace(path=()) if formless else one
        elif "enum" in schema:
            yield Broken("enum", (), "NONE-OF-THESE")
            yield Broken("type", (), 17)
        else:
            wrong = {"array": {}, "object": [], "integer": "x", "number": "x", "boolean": "x"}.get(schema["type"], 17)
            yield Broken("type", (), wrong)
            look: dict[str, Callable[[Schema, Any], Iterator[Broken]]] = {
                "string": self._broken_text,
                "array": self._broken_array,
                "object": self._broken_object,
            }
            yield from look.get(schema["type"], _broken_number)(schema, right)

    def _broken_choice(self, choices: list[Schema], right: Any) -> Iterator[Broken]:
        for choice in (self._resolved(one) for one in choices):
            if choice.get("type") != "null":
                fits = right is not None and not ("enum" in choice and right not in choice["enum"])
                yield from self.broken(choice, right if fits else self.right(choice))

    def _broken_text(self, schema: Schema, right: str) -> Iterator[Broken]:
        if schema.get("minLength", 0) > 0:
            yield Broken("minLength", (), (right * schema["minLength"])[: schema["minLength"] - 1])
        if "maxLength" in schema:
            yield Broken("maxLength", (), (right or "x") * (schema["maxLength"] + 1))
        if "pattern" in schema:
            pattern = re.compile(re.sub(r"\$$", r"\\Z", schema["pattern"]))
            for strange in (one.format(right=right) for one in _STRANGE):
                if not pattern.search(strange):
                    yield Broken("pattern", (), strange)
        yield Broken("storable", (), f"{right}\0")

    def _broken_array(self, schema: Schema, right: list[Any]) -> Iterator[Broken]:
        right = right or [self.right(schema["items"])]
        if schema.get("minItems", 0) > 0:
            yield Broken("minItems", (), right[: schema["minItems"] - 1])
        if "maxItems" in schema:
            yield Broken("maxItems", (), right[:1] * (schema["maxItems"] + 1))
        for index, item in enumerate(right[:5]):
            for one in self.broken(schema["items"], item):
                yield one.within(right, index)

    def _broken_object(self, schema: Schema, right: dict[str, Any]) -> Iterator[Broken]:
        for name in schema.get("required", ()):
            yield Broken("required", (name,), {key: value for key, value in right.items() if key != name})
        optional = [name for name in schema.get("properties", {}) if name not in schema.get("required", ())]
        if schema.get("minProperties"):
            yield Broken("minProperties", (), {name: right[name] for name in schema.get("required", ())})
        if "maxProperties" in schema and "properties" in schema:
            more = {name: self.right(schema["properties"][name]) for name in optional}
            yield Broken("maxProperties", (), more | right)
        if "not" in schema:
            both = {name: self.right(schema["properties"][name]) for name in schema["not"]["required"]}
            yield Broken("not", (schema["not"]["required"][-1],), right | both)
        if schema.get("additionalProperties") is False:
            yield Broken("additionalProperties", ("unknownMember",), right | {"unknownMember": 1})
        for name, part in schema.get("properties", {}).items():
            others = right if name in right or "maxProperties" not in schema else _without(right, optional)
            for one in self.broken(part, right[name] if name in right else self.right(part)):
                yield one.within(others, name)
        if isinstance(values := schema.get("additionalProperties"), dict):
            yield from self._broken_map(schema, values)

    def _broken_map(self, schema: Schema, values: Schema) -> Iterator[Broken]:
        right = self.right(values)
        if "maxProperties" in schema:
            yield Broken("maxProperties", (), {f"k{n}": right for n in range(schema["maxProperties"] + 1)})
        names = {"type": "string", **schema.get("propertyNames", {})}
        for one in self._broken_text(names, self._text(names)):
            if one.value:
                yield Broken(f"propertyNames {one.constraint}", (one.value,), {one.value: right})
        for one in self.broken(values, right):
            yield one.within({"key": right}, "key")

    def _text(self, schema: Schema) -> str:
        pattern = schema.get("pattern", "")
        if prefix := re.match(r"\^(comms_[a-z]+_)", pattern):
            return f"{prefix[1]}{'0' * 26}"
        if sid := re.match(r"\^([A-Z]{2})\[", pattern):
            return f"{sid[1]}{'0' * 32}"
        if schema.get("format") == "date-time":
            return "2026-01-31T09:30:00Z"
        least = "x" * max(1, schema.get("minLength", 1))
        return next(text for text in (least, "GB", "https://example.com/a", "+14155550123") if re.search(pattern, text))

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        return schema


def _without(value: Schema, names: list[str]) -> Schema:
    return {name: part for name, part in value.items() if name not in names}


def _has_members(form: Schema, value: Schema) -> bool:
    """Whether an object has the fields of a form."""
    return bool(value) and set(form.get("required", ())) <= set(value) <= set(form["properties"])


def _broken_number(schema: Schema, _: Any) -> Iterator[Broken]:
    if "minimum" in schema:
        yield Broken("minimum", (), schema["minimum"] - 1)
    if "maximum" in schema:
        yield Broken("maximum", (), schema["maximum"] + 1)
    if schema["type"] == "integer":
        yield Broken("type", (), 1.5)
