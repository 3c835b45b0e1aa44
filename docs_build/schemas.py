"""JSON Schemas in words: the rows of the reference's tables of fields."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

Schema = Mapping[str, Any]

# A schema of more rows than these has them once on a page.
_MANY_ROWS: Final = 15
_FORMATS: Final = {"date-time": "date-time", "uri": "URL"}


class Field(NamedTuple):
    """A row: the place of a field (`senders[].senderId`), its type, whether it is required, its description."""

    name: str
    type: str
    required: bool
    description: str


class Words:
    """Describes the schemas of one OpenAPI document, on one page: a large schema has its rows there once."""

    def __init__(self, document: Mapping[str, Any], ids: Mapping[str, str]) -> None:
        self._schemas: Mapping[str, Schema] = document["components"]["schemas"]
        self._ids = ids
        self._shown: set[str] = set()

    def fields(self, schema: Schema, place: str = "") -> Iterator[Field]:
        """The fields of an object or of an array's items; fields of a nested object follow it."""
        schema = self._resolved(schema)
        if "items" in schema:
            yield from self.fields(schema["items"], f"{place}[]")
            return
        if "oneOf" in schema:
            # Several forms may have a field of the same name: its first row is enough.
            rows = (field._replace(required=False) for form in schema["oneOf"] for field in self.fields(form, place))
            seen: dict[str, Field] = {}
            for row in rows:
                seen.setdefault(row.name, row)
            yield from seen.values()
            return
        if forms := [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]:
            yield from self.fields(forms[0], place)
            return
        for name, part in schema.get("properties", {}).items():
            path = f"{place}.{name}" if place else name
            row = Field(path, self.type(part), name in schema.get("required", ()), self._description(part))
            inner = list(self.fields(part, path))
            reference = part.get("$ref") or part.get("items", {}).get("$ref", "")
            if len(inner) > _MANY_ROWS and reference in self._shown:
                yield row._replace(description=f"{row.description} Its fields are in a table above.".strip())
            else:
                self._shown.add(reference)
                yield from (row, *inner)

    def type(self, schema: Schema) -> str:
        """The type of a value, with its limits."""
        schema = self._resolved(schema)
        if forms := schema.get("anyOf"):
            return " or ".join(self.type(one) for one in forms)
        if words := schema.get("enum"):
            return " ".join(f"`{word}`" for word in words)
        made = {"string": self._string, "array": self._array, "object": self._object, "integer": self._integer}
        kind = schema.get("type", "object")
        text = made[kind](schema) if kind in made else f"`{kind}`" if kind == "null" else str(kind)
        default = schema.get("default")
        return text if default in (None, []) else f"{text}, default {default}"

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        return schema

    def _description(self, part: Schema) -> str:
        return str(part.get("description") or self._resolved(part).get("description", "")).replace("|", "\\|")

    def _string(self, schema: Schema) -> str:
        pattern = schema.get("pattern", "")
        if pattern in self._ids:
            return self._ids[pattern]
        parts = [_FORMATS.get(schema.get("format", ""), "string")]
        if "maxLength" in schema:
            parts.append(f"{schema.get('minLength', 0)}-{schema['maxLength']} characters")
        elif schema.get("minLength"):
            parts.append("not empty")
        if pattern.startswith(r"[^\s"):
            parts.append("not blank")
        return ", ".join(parts)

    def _integer(self, schema: Schema) -> str:
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is not None and high is not None:
            return f"integer, {low}-{high}"
        return "integer" if low is None else f"integer, {low} or more"

    def _array(self, schema: Schema) -> str:
        low, high = schema.get("minItems", 0), schema.get("maxItems")
        return "array" if high is None else f"array of {low}-{high:,}"

    def _object(self, schema: Schema) -> str:
        if "additionalProperties" in schema and "properties" not in schema:
            keys, values = schema.get("propertyNames", {}), schema["additionalProperties"]
            limits = [
                f"at most {schema['maxProperties']} fields" if "maxProperties" in schema else "",
                f"keys of {keys.get('minLength', 0)}-{keys['maxLength']} characters" if "maxLength" in keys else "",
                f"values of {values.get('minLength', 0)}-{values['maxLength']}" if "maxLength" in values else "",
            ]
            return ", ".join(["object of strings", *filter(None, limits)])
        return "object"
