"""Wire types that several resources share. Contract section 4."""

from typing import Annotated

import msgspec
from msgspec import Meta

from signalbox.ground import ids
from signalbox.http.constraints import named
from signalbox.http.patterns import TAG, id_pattern, matching

TagKey = Annotated[str, Meta(min_length=1, max_length=128), matching(TAG)]
TagValue = Annotated[str, Meta(min_length=1, max_length=256), matching(TAG)]
Tags = Annotated[
    dict[TagKey, TagValue], Meta(max_length=10, description="Labels of your own, string to string."), named("Tags")
]

Count = Annotated[int, Meta(ge=0)]
Time = Annotated[str, Meta(description="RFC 3339, UTC, with milliseconds.", extra_json_schema={"format": "date-time"})]
OperationId = Annotated[str, matching(id_pattern(ids.OPERATION))]
Location = Annotated[str, Meta(description="An absolute URL.", extra_json_schema={"format": "uri"})]


class Pagination(msgspec.Struct, frozen=True):
    """Tokens for `pageToken`: `next` for the next page, null on the last one; `self` for this page."""

    next: str | None
    self: str


class OperationReference(msgspec.Struct, frozen=True, rename="camel"):
    """The operation that was started, and its URL."""

    operation_id: OperationId
    operation_location: Location


class ResourceReference(msgspec.Struct, frozen=True, rename="camel"):
    """The resource that was changed, and its URL."""

    resource_id: str
    resource_location: Location


class ErrorItem(msgspec.Struct, frozen=True, rename="camel"):
    """One problem; `field` and `context` are null when it has no place."""

    code: int
    message: str
    field: str | None
    context: str | None
    info_url: Location


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every error."""

    code: int
    message: str
    status: int
    errors: list[ErrorItem]
