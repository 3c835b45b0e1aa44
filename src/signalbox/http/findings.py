"""From errors of the JSON Schema validator to problems: each with our wording and its place."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, cast

from signalbox.ground.errors import Problem
from signalbox.http.places import Path, problem_at

if TYPE_CHECKING:
    import jsonschema_rs

_TYPES: Final = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


class Wording:
    """Words problems; `demands` has the sentence of each pattern in the type of the body."""

    def __init__(self, demands: Mapping[str, str]) -> None:
        self._demands = demands

    def problems_of(
        self, error: "jsonschema_rs.ValidationError", sliced: Path = (), offset: int = 0
    ) -> Iterator[Problem]:
        """The problems in one error of the validator. Its own messages repeat what the client sent; ours do not.

        The validator may have seen a part of the list at `sliced`, which starts at `offset`.
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
                yield problem_at([*path, name], "is not a field of this request")
        elif rule == "propertyNames":
            inner = cast("jsonschema_rs.ValidationError", kind["error"])
            demand = self._demand(inner.kind.name, inner.kind.as_dict())
            yield problem_at([*path, str(inner.instance)], f"has a name that {demand}")
        elif rule == "anyOf":
            yield from self._choice(
                path, cast("list[list[jsonschema_rs.ValidationError]]", kind["context"]), sliced, offset
            )
        else:
            yield problem_at(path, self._demand(rule, kind))

    def _choice(
        self, path: Path, choices: "list[list[jsonschema_rs.ValidationError]]", sliced: Path, offset: int
    ) -> Iterator[Problem]:
        """The problems of the choice with the right type; without one, a problem that lists the types."""
        mismatches = [
            errors for errors in choices if errors[0].kind.name == "type" and len(errors[0].instance_path) == len(path)
        ]
        for errors in choices:
            if errors not in mismatches:
                for error in errors:
                    yield from self.problems_of(error, sliced, offset)
                return
        types = [name for errors in mismatches for name in errors[0].kind.as_dict()["types"]]
        yield problem_at(path, self._demand("type", {"types": types}))

    def _demand(self, rule: str, kind: dict[str, object]) -> str:
        """What a keyword of the schema demands, as the rest of a sentence."""
        limit = kind.get("limit")
        s = "" if limit == 1 else "s"
        match rule:
            case "type":
                types = cast("list[str]", kind["types"])
                return f"must be {' or '.join(_TYPES[name] for name in types)}"
            case "enum":
                return f"must be one of {', '.join(str(one) for one in cast('list[object]', kind['options']))}"
            case "pattern":
                return self._demands.get(str(kind["pattern"]), f"must match {kind['pattern']}")
            case "minLength":
                return f"must have at least {limit} character{s}"
            case "maxLength":
                return f"must have at most {limit} character{s}"
            case "minItems":
                return f"must have at least {limit} item{s}"
            case "maxItems":
                return f"must have at most {limit} item{s}"
            case "maxProperties":
                return f"must have at most {limit} field{s}"
            case "minimum":
                return f"must be at least {limit}"
            case "maximum":
                return f"must be at most {limit}"
            case _:
                return "does not have the documented shape"
