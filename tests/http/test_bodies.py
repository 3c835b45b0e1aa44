"""Bodies of any type: what JSON Schema and the decoder see differently, and constraints that a new noun may declare."""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar

import msgspec
import pytest
from msgspec import Meta

from signalbox.ground.errors import Invalid
from signalbox.http.bodies import Body
from signalbox.http.constraints import Rule, one_form, ruled
from signalbox.http.patterns import TAG, matching


class Plain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    count: Annotated[int, Meta(multiple_of=5)] = 0
    counts: list[int] = []
    by_name: dict[str, int] = {}
    day: datetime.date | None = None


PLAIN = Body(Plain, Plain())


async def refused(body: Body[object], data: bytes) -> list[tuple[str | None, str | None, str]]:
    """Field, context and message of each problem of a body that is refused."""
    with pytest.raises(Invalid) as caught:
        await body.read(data)
    return [(one.field, one.context, one.message) for one in caught.value.problems]


async def test_whole_number_may_be_written_with_a_point() -> None:
    """It is the same number in JavaScript, and the published schema allows it."""
    read = await PLAIN.read(b'{"count": 5.0, "counts": [1, 2.0], "by_name": {"a": 3.0}}')
    assert read == Plain(5, [1, 2], {"a": 3})
    assert [type(one) for one in (read.count, *read.counts, *read.by_name.values())] == [int] * 4


async def test_value_that_only_its_type_refuses_is_refused_at_its_place() -> None:
    assert await refused(PLAIN, b'{"day": "2026-02-30"}') == [("day", "$.day", "day: invalid RFC3339 encoded date")]


async def test_keyword_without_a_sentence_is_refused_at_its_place() -> None:
    assert await refused(PLAIN, b'{"count": 7}') == [("count", "$.count", "count does not have the documented shape")]


class Guarded(msgspec.Struct, frozen=True):
    rules: ClassVar = (Rule(lambda value: value.name != "wrong", lambda _: ()),)
    name: str = ""


async def test_body_that_a_check_refuses_is_refused_without_a_place() -> None:
    """The check of the decoded value decides, also when no rule finds the problem in the JSON."""
    body = Body(Guarded, Guarded())
    assert await body.read(b'{"name": "right"}') == Guarded("right")
    assert await refused(body, b'{"name": "wrong"}') == [(None, "$", "the body does not have the documented shape")]


FORMS = one_form("must be a short or a long one")


class Choices(msgspec.Struct, frozen=True):
    """Unions with no constraint, one and two."""

    free: str | int = 0
    form: Annotated[dict[str, str] | str, ruled(FORMS)] = ""
    tags: Annotated[str, matching(TAG)] | list[Annotated[str, matching(TAG)]] = "a"


@pytest.mark.parametrize(
    ("data", "places"),
    [
        (b'{"free": 1, "form": "a", "tags": "a"}', []),
        (b'{"free": "1", "form": "a", "tags": ["a", "b"]}', []),
        (b'{"form": {"a": "b"}}', ["$.form"]),
        (b'{"tags": "a b"}', ["$.tags"]),
        (b'{"tags": ["a", "b c"]}', ["$.tags[1]"]),
    ],
)
async def test_constraints_of_a_choice_are_those_of_the_type_that_the_value_has(data: bytes, places: list[str]) -> None:
    body = Body(Choices, Choices())
    if places:
        assert [context for _, context, _ in await refused(body, data)] == places
    else:
        assert await body.read(data)
