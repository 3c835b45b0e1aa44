"""Depth of JSON, and names that are given once: contract sections 1 and 4, on every path that reads a body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from people import Person, contexts, problems
from signalbox.api.routes import ROUTES
from signalbox.http import constraints
from signalbox.http.bodies import Body, RawBody
from signalbox.http.json_limits import MOST_DEPTH, may_repeat, repeated_names, too_deep, where_too_deep

POOL: Final = "comms_senderpool_01hzzzzzzzzzzzzzzzzzzzzzzz"
SENDER: Final = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"
BODIES: Final = [(route, route.endpoint.body) for route in ROUTES if route.endpoint.body is not None]
TYPED: Final = [(route, body) for route, body in BODIES if not isinstance(body, RawBody)]


def _path(path: str) -> str:
    return path.replace("{senderPoolId}", POOL).replace("{senderId}", SENDER).replace("{contentId}", "HX" + "0" * 32)


def nested(depth: int, kind: str) -> bytes:
    """JSON text of this depth: of arrays, objects, or both with other values and brackets in texts beside them."""
    if kind == "arrays":
        return b"[" * depth + b"]" * depth
    if kind == "objects":
        return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)
    whole, half = divmod(depth, 2)
    text = rb'{"]\"[": "\\", "a": [1, ' * whole + b"[]" * half
    return text + (b"1" if not half else b"") + b"]}" * whole


KINDS: Final = ("arrays", "objects", "both")


@pytest.mark.parametrize("kind", KINDS)
def test_depth_is_counted_as_written(kind: str) -> None:
    for depth in (*range(1, 70), 500, 100_000):
        assert too_deep(nested(depth, kind)) is (depth > MOST_DEPTH), depth


def test_depth_is_that_of_brackets_that_are_still_open() -> None:
    beside = b'[{"a": 1}, ' * (MOST_DEPTH - 1) + b"["
    assert not too_deep(beside + b"1" + b"]" * MOST_DEPTH)
    text = beside + b"[]" + b"]" * MOST_DEPTH
    assert too_deep(text)
    assert where_too_deep(text) == len(beside)


def _depth(value: object) -> int:
    inside = value if isinstance(value, list) else value.values() if isinstance(value, dict) else None
    return 0 if inside is None else 1 + max(map(_depth, inside), default=0)


TEXTS: Final = st.text(st.sampled_from('[]{}"\\:, \n\tab\u00e9\u0000'), max_size=4)
VALUES: Final = st.recursive(
    TEXTS | st.integers(0, 1) | st.none(), lambda inside: st.lists(inside) | st.dictionaries(TEXTS, inside)
)


@given(VALUES, st.booleans(), st.integers(0, 70))
def test_depth_of_any_text_is_that_of_its_value(value: object, ascii_: bool, more: int) -> None:
    text = b"[" * more + json.dumps(value, ensure_ascii=ascii_).encode() + b"]" * more
    deep = _depth(value) + more > MOST_DEPTH
    assert too_deep(text) is deep
    if deep:
        before = text[: where_too_deep(text)]
        assert not too_deep(before)
        assert too_deep(before + text[len(before) : len(before) + 1])


@given(st.text(st.sampled_from('[]{}"\\ab'), max_size=300))
def test_depth_of_text_that_is_no_json_is_found_before_the_parser_sees_it(text: str) -> None:
    data = b"[" * 60 + text.encode()
    if not too_deep(data):
        decoded = msgspec.DecodeError
        with pytest.raises(decoded):
            msgspec.json.decode(data)


@pytest.mark.parametrize("depth", [65, 66, 100, 300, 500, 700, 900, 950, 990, 1_000, 1_100, 2_000, 10_000])
@pytest.mark.parametrize("kind", KINDS)
async def test_body_beyond_the_depth_is_400_at_its_place(ada: Person, depth: int, kind: str) -> None:
    for body in (nested(depth, kind), b'{"name": ' + nested(depth - 1, kind) + b"}", nested(depth, kind)[:-1]):
        refused = await ada.post("/v1/SenderPools", content=body)
        assert problems(refused) == {(None, "$")}
        column = where_too_deep(body) + 1
        assert refused.json()["message"] == f"the body is nested deeper than 64 levels at line 1, column {column}"


async def test_brackets_after_a_quote_outside_of_a_string_are_400(ada: Person) -> None:
    refused = await ada.post("/v1/SenderPools", content=rb"\"" + b"[" * 70)
    assert problems(refused) == {(None, "$")}
    assert refused.json()["message"] == "the body is nested deeper than 64 levels at line 1, column 73"


@pytest.mark.parametrize(("route", "body"), BODIES, ids=lambda value: getattr(value, "name", ""))
async def test_every_body_has_the_one_limit_and_a_small_log(
    ada: Person, route: Any, body: Body[object], capfd: pytest.CaptureFixture[str]
) -> None:
    for depth in range(40, 1_200, 29):
        for kind in KINDS:
            text = nested(depth, kind)
            response = await ada.call(route.method, _path(route.path), content=text)
            rows = isinstance(body, RawBody) and depth <= MOST_DEPTH and kind == "arrays"
            assert response.status_code == (200 if rows else 400)
            assert ("nested deeper than 64 levels" in response.text) is (depth > MOST_DEPTH)
    log = capfd.readouterr().err
    assert "Traceback" not in log
    assert max(map(len, log.splitlines())) < 1_000


async def test_line_beyond_the_depth_is_refused_and_the_others_enter(ada: Person) -> None:
    good = b'{"channel": "EMAIL", "address": "a%d@example.com"}\n'
    body = good % 1 + nested(65, "both") + b"\n" + nested(100_000, "arrays") + b"\n" + good % 2
    entered = await ada.post("/signalbox/v1/Senders", content=body, headers={"content-type": "application/x-ndjson"})
    assert entered.status_code == 200
    assert entered.json()["created"] == 2
    assert [(one["line"], one["message"]) for one in entered.json()["refused"]] == [
        (2, "the line is nested deeper than 64 levels"),
        (3, "the line is nested deeper than 64 levels"),
    ]


# --- names that are given once


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ('{"name": "a", "name": "a"}', {("name", "$.name")}),
        ('{"name": "a", "n\\u0061me": "b"}', {("name", "$.name")}),
        ('{"name" : "a",\n"name"\t: "b"}', {("name", "$.name")}),
        ('{"name": "a:b", "name": ": \\":"}', {("name", "$.name")}),
        ('{"name": "a", "name": "\\u003a"}', {("name", "$.name")}),
        ('{"name": "a", "name": "\\u003A"}', {("name", "$.name")}),
        ('{"name": 1, "name": "b"}', {("name", "$.name")}),
        ('{"name": "b", "name": 1}', {("name", "$.name")}),
        ('{"tags": {"a": "1", "\\u0061": "2"}}', {("tags.a", "$.tags.a")}),
        ('{"tags": {"a.b": "1", "a.b": "2"}}', {('tags["a.b"]', '$.tags["a.b"]')}),
        ('{"tags": {"a": "1"}, "tags": {}}', {("tags", "$.tags")}),
        ('{"tags": {}, "tags": {}, "tags": {}}', {("tags", "$.tags")}),
        (
            f'{{"senders": [{{"senderId": "{SENDER}"}}, {{"senderId": "{SENDER}y", "senderId": "{SENDER}x"}}]}}',
            {("senders[1].senderId", "$.senders[1].senderId")},
        ),
        ('{"senders": [], "senders": [], "name": "a", "name": "b"}', {("senders", "$.senders"), ("name", "$.name")}),
        ('{"name": "a", "name": "b", "nmae": 1}', {("name", "$.name"), ("nmae", "$.nmae")}),
        ('{"x": 1, "x": 1}', {("x", "$.x")}),
        ('{"\\ud800": 1, "\\ud800": 1}', {('["\ufffd"]', '$["\ufffd"]')}),
    ],
)
async def test_repeated_name_is_400_at_its_place(ada: Person, body: str, places: set[tuple[str, str]]) -> None:
    refused = await ada.post("/v1/SenderPools", content=body.encode())
    assert problems(refused) == places
    assert "is given more than once" in refused.text


def _doubled(value: object, at: tuple[str | int, ...]) -> str:
    """The value as JSON text; the object at this path has its first name twice."""
    if isinstance(value, dict):
        pairs = [(name, _doubled(one, at[1:] if at[:1] == (name,) else (None,))) for name, one in value.items()]  # type: ignore[arg-type]
        if not at and pairs:
            pairs.append(pairs[0])
        return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in pairs) + "}"
    if isinstance(value, list):
        items = [_doubled(one, at[1:] if at[:1] == (index,) else (None,)) for index, one in enumerate(value)]  # type: ignore[arg-type]
        return f"[{', '.join(items)}]"
    return json.dumps(value)


def _objects(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each object in the value with its path, and its first name."""
    if isinstance(value, dict):
        if value:
            yield path, next(iter(value))
        for name, one in value.items():
            yield from _objects(one, (*path, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _objects(one, (*path, index))


@pytest.mark.parametrize(("route", "body"), BODIES, ids=lambda value: getattr(value, "name", ""))
async def test_repeated_name_is_found_on_every_path_at_every_depth(ada: Person, route: Any, body: Body[object]) -> None:
    example = msgspec.to_builtins(body.example)
    tried = 0
    for path, name in _objects(example):
        refused = await ada.call(route.method, _path(route.path), content=_doubled(example, path).encode())
        assert refused.status_code == 400, refused.text
        assert any(str(one).endswith((f".{name}", f'["{name}"]')) for one in contexts(refused)), refused.text
        tried += 1
    assert tried


async def test_repeated_name_in_a_line_is_refused_and_the_others_enter(ada: Person) -> None:
    lines = [
        '{"channel": "EMAIL", "address": "a@example.com"}',
        '{"channel": "EMAIL", "address": "b@example.com", "addr\\u0065ss": "c@example.com"}',
        '{"channel": "EMAIL", "address": "d@example.com", "tags": {"a": "1", "a": "2"}}',
        '{"channel": "PUSH", "address": "a:b", "displayName": "\\": : \\":"}',
    ]
    entered = await ada.post(
        "/signalbox/v1/Senders", content="\n".join(lines), headers={"content-type": "application/x-ndjson"}
    )
    assert entered.status_code == 200
    assert entered.json()["created"] == 2, entered.text
    assert [(one["line"], one["context"], one["message"]) for one in entered.json()["refused"]] == [
        (2, "$[1].address", "address is given more than once"),
        (3, "$[2].tags.a", "tags.a is given more than once"),
    ]


async def test_repeated_name_beside_a_number_of_more_than_64_bits_is_found(ada: Person) -> None:
    """Repeated names are noticed by encoding the value again, which must be possible for every number."""
    row = '{"channel": "EMAIL", "address": "a@example.com", "displayName": %d}'
    twice = row.replace('"address"', '"channel": "EMAIL", "address"')
    entered = await ada.post(
        "/signalbox/v1/Senders",
        content=f"{row % 2**70}\n{twice % 2**70}",
        headers={"content-type": "application/x-ndjson"},
    )
    assert [(one["line"], one["message"]) for one in entered.json()["refused"]] == [
        (1, "displayName must be a string or null, not a number"),
        (2, "channel is given more than once"),
    ]


async def test_first_repeated_name_of_a_large_body_is_reported(ada: Person) -> None:
    twice = b'{"name": "a", "name": "b", "tags": {}, "tags": {}'
    for more, places in ((0, {("name", "$.name"), ("tags", "$.tags")}), (1024 * 1024, {("name", "$.name")})):
        refused = await ada.post("/v1/SenderPools", content=twice + b" " * more + b"}")
        assert problems(refused) == places


@given(VALUES)
def test_value_without_repeated_names_has_none(value: object) -> None:
    for text in (msgspec.json.encode(value), json.dumps(value, indent=1, separators=(" , ", " : ")).encode()):
        assert [path for path in repeated_names(text) if path is not None] == []


@given(VALUES, st.data())
def test_repeated_name_in_any_value_is_found(value: object, data: st.DataObject) -> None:
    objects = list(_objects(value))
    if objects:
        path, name = data.draw(st.sampled_from(objects))
        text = _doubled(value, path).encode()
        found = [path for path in repeated_names(text) if path is not None]
        assert found == [(*path, name)]
        assert may_repeat(text, msgspec.json.decode(text))


def test_usual_bodies_are_not_searched_for_repeated_names() -> None:
    """The search takes ten times as long as the decoder."""
    senders = [{"senderId": f"comms_sender_0{number:025d}"} for number in range(10_000)]
    values: list[object] = [{"name": 'Europe : ": sales', "senders": senders, "tags": {"a": "b:"}}, {}, {"tags": {}}]
    for value in values:
        for text in (msgspec.json.encode(value), json.dumps(value).encode(), json.dumps(value, indent=1).encode()):
            assert not may_repeat(text, msgspec.json.decode(text))


@pytest.mark.parametrize(("route", "body"), TYPED, ids=lambda value: getattr(value, "name", ""))
def test_type_of_a_body_ends_the_recursion_of_its_decoder(route: Any, body: Body[object]) -> None:
    """A decoder that skipped unknown fields would be as recursive as the text is deep."""
    for one in constraints.parts(inspect.type_info(cast(type, body.type))):
        assert not isinstance(one, inspect.AnyType | inspect.RawType)
        if isinstance(one, inspect.StructType):
            assert one.forbid_unknown_fields, one.cls


# --- other forms of a body


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ("{}".encode("utf-16"), "UTF-16"),
        ("\ufeff{}".encode("utf-16-be"), "UTF-16"),
        (b"\x1f\x8b\x08\x00", "compressed with gzip"),
    ],
)
async def test_body_in_another_form_is_told_which(ada: Person, body: bytes, words: str) -> None:
    refused = await ada.post("/v1/SenderPools", content=body)
    assert problems(refused) == {(None, "$")}
    assert words in refused.json()["message"]
    assert "line 1, column 1" in refused.json()["message"]
