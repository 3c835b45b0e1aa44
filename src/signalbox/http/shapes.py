"""Wire types that several resources share. Contract section 4."""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Final, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.ground import ids
from signalbox.ground.errors import Problem
from signalbox.http.bodies import TAG, Rule, matching, problem_at

_TAG: Final = re.compile("[a-zA-Z0-9._~-]+")

TagKey = Annotated[str, Meta(min_length=1, max_length=128), matching(TAG)]
TagValue = Annotated[str, Meta(min_length=1, max_length=256), matching(TAG)]
Tags = Annotated[dict[TagKey, TagValue], Meta(max_length=10, description="Labels of your own, string to string.")]

Time = Annotated[str, Meta(description="RFC 3339, UTC, with milliseconds.", extra_json_schema={"format": "date-time"})]
SenderId = Annotated[str, matching(ids.pattern(ids.SENDER))]
SenderPoolId = Annotated[str, matching(ids.pattern(ids.SENDER_POOL))]
OperationId = Annotated[str, matching(ids.pattern(ids.OPERATION))]
Location = Annotated[str, Meta(description="An absolute URL.", extra_json_schema={"format": "uri"})]


class Pagination(msgspec.Struct, frozen=True):
    """Tokens for `pageToken`: `next` for the following page, null on the last; `self` for this page again."""

    next: str | None
    self: str


class OperationReference(msgspec.Struct, frozen=True, rename="camel"):
    """Work that was accepted, and where to watch it."""

    operation_id: OperationId
    operation_location: Location


class ResourceReference(msgspec.Struct, frozen=True, rename="camel"):
    """The resource that was changed, and where it is."""

    resource_id: str
    resource_location: Location


class ErrorItem(msgspec.Struct, frozen=True, rename="camel"):
    """One problem; `field` and `context` are null where it has no place."""

    code: int
    message: str
    field: str | None
    context: str | None
    info_url: Location


class ErrorBody(msgspec.Struct, frozen=True):
    """Every answer that is no success."""

    code: int
    message: str
    status: int
    errors: list[ErrorItem]


def tags_rule(tags_of: Callable[[object], dict[str, str] | UnsetType]) -> Rule:
    """Holds the tags of a body to the pattern that their schema publishes."""

    def holds(value: object) -> bool:
        tags = tags_of(value)
        return tags is UNSET or all(_TAG.fullmatch(text) for pair in tags.items() for text in pair)

    return Rule(holds)


def at_least_one_rule(*names: str) -> Rule:
    """Demands that a change names something to change. `names` are members on the wire."""
    message = f"must have at least one of {', '.join(names)}"

    def holds(value: object) -> bool:
        return any(member is not UNSET for member in msgspec.structs.astuple(cast("msgspec.Struct", value)))

    def problems(raw: object) -> Iterable[Problem]:
        if isinstance(raw, dict) and not any(name in raw for name in names):
            yield problem_at((), message)

    return Rule(holds, problems)
