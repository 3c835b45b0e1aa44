"""Templates: named contents that clients enter, checked on entry."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from people import Person, contexts

PATH: Final = "/signalbox/v1/Templates"
ID: Final = "HX3f1c9a5be2d04786a1b7c3d95e60f284"
TEXT: Final[dict[str, Any]] = {"text": "Hello {{ name | default: 'there' }}"}


def template(content: object = TEXT, **more: object) -> dict[str, object]:
    return {"name": "Greeting", "content": content, **more}


async def refused(ada: Person, content: object) -> dict[str, str]:
    """The problems of a content, by place."""
    response = await ada.post(PATH, json=template(content))
    assert response.status_code == 400, response.text
    return {one["context"]: one["message"] for one in response.json()["errors"]}


def rcs(**module: object) -> dict[str, object]:
    return {"modules": [{"rcs": module}]}


def action(**members: object) -> dict[str, object]:
    return rcs(text="x", suggestions=[{"action": {"text": "Go", "postbackData": "go", **members}}])


async def test_put_enters_a_template_under_the_client_s_id(ada: Person) -> None:
    response = await ada.call("PUT", f"{PATH}/{ID}", json=template(defaults={"1": "one", "name": "x"}))
    assert response.status_code == 200
    made = response.json()
    assert list(made) == ["contentId", "name", "content", "defaults", "createdAt", "updatedAt"]
    assert made == made | template(defaults={"1": "one", "name": "x"}) | {"contentId": ID}
    assert made["createdAt"] == made["updatedAt"]
    fetched = await ada.get(f"{PATH}/{ID}")
    assert fetched.json() == made
    assert fetched.headers["etag"] == response.headers["etag"]


async def test_put_replaces_the_template_and_keeps_when_it_was_created(ada: Person) -> None:
    first = (await ada.call("PUT", f"{PATH}/{ID}", json=template(defaults={"a": "b"}))).json()
    second = (await ada.call("PUT", f"{PATH}/{ID}", json={"name": "Other", "content": {"text": "x"}})).json()
    assert second["createdAt"] == first["createdAt"]
    assert second["updatedAt"] > first["updatedAt"]
    assert (second["name"], second["content"], second["defaults"]) == ("Other", {"text": "x"}, {})
    assert len(await ada.walk(PATH, "templates")) == 1


async def test_post_makes_the_id(ada: Person) -> None:
    response = await ada.post(PATH, json=template())
    assert response.status_code == 201
    made = response.json()
    assert made["contentId"].startswith("HX")
    assert response.headers["location"].endswith(f"{PATH}/{made['contentId']}")
    assert (await ada.get(response.headers["location"])).json() == made


async def test_list_is_newest_first_whatever_the_ids_are(ada: Person) -> None:
    ids = [f"HX{digit * 32}" for digit in "b7f0"]
    for one in ids:
        await ada.call("PUT", f"{PATH}/{one}", json=template())
    await ada.call("PUT", f"{PATH}/{ids[0]}", json=template())
    assert [one["contentId"] for one in await ada.walk(PATH, "templates", size=1)] == ids[::-1]


async def test_deleted_template_is_gone(ada: Person) -> None:
    await ada.call("PUT", f"{PATH}/{ID}", json=template())
    response = await ada.delete(f"{PATH}/{ID}")
    assert response.status_code == 202
    assert response.json()["resourceId"] == ID
    assert (await ada.get(f"{PATH}/{ID}")).status_code == 404
    assert (await ada.delete(f"{PATH}/{ID}")).status_code == 404


async def test_if_match_guards_every_change(ada: Person) -> None:
    stale = {"if-match": '"0123456789abcdef01234567"'}
    missing = await ada.call("PUT", f"{PATH}/{ID}", json=template(), headers={"if-match": "*"})
    assert missing.status_code == 412
    etag = (await ada.call("PUT", f"{PATH}/{ID}", json=template())).headers["etag"]
    assert (await ada.call("PUT", f"{PATH}/{ID}", json=template(), headers=stale)).status_code == 412
    assert (await ada.call("DELETE", f"{PATH}/{ID}", headers=stale)).status_code == 412
    assert (await ada.call("PUT", f"{PATH}/{ID}", json=template(), headers={"if-match": etag})).status_code == 200
    assert (await ada.call("DELETE", f"{PATH}/{ID}", headers={"if-match": etag})).status_code == 412


@pytest.mark.parametrize(
    "content",
    [
        {"text": "x"},
        {"media": [{"url": "https://example.com/a.png"}]},
        {"text": "x", "media": [{"url": f"HTTP://example.com/{{{{ n }}}}/{n}"} for n in range(10)]},
        {"modules": [{"sms": {"text": "x"}}, {"rcs": {"text": "y"}}, {"whatsapp": {"media": [{"url": "http://a/b"}]}}]},
        rcs(text="x", suggestions=[{"reply": {"text": "y", "postbackData": "z"}}] * 11),
        rcs(
            media={
                "contentInfo": {"fileUrl": "https://a/b", "thumbnailUrl": "https://a/c", "forceRefresh": True},
                "height": "TALL",
            }
        ),
        rcs(
            richCard={
                "standaloneCard": {
                    "cardOrientation": "VERTICAL",
                    "thumbnailImageAlignment": "LEFT",
                    "cardContent": {
                        "title": "t",
                        "description": "d",
                        "media": {"contentInfo": {"fileUrl": "https://a/b"}, "height": "SHORT"},
                        "suggestions": [{"reply": {"text": "y", "postbackData": "z"}}] * 4,
                    },
                }
            }
        ),
        action(openUrlAction={"url": "https://example.com"}),
        action(dialAction={"phoneNumber": "+14155550123"}),
        action(dialAction={"phoneNumber": "{{ phone }}"}),
        action(viewLocationAction={"latLong": {"latitude": 52.5, "longitude": -180}, "label": "here"}),
        action(viewLocationAction={"query": "coffee"}),
        action(
            createCalendarEventAction={
                "startTime": "2026-01-31T09:30:00Z",
                "endTime": "{{ end }}",
                "title": "t",
                "description": "d",
            }
        ),
        action(shareLocationAction={}),
    ],
)
async def test_content_of_every_form_comes_back_as_it_was_entered(ada: Person, content: object) -> None:
    response = await ada.post(PATH, json=template(content))
    assert response.status_code == 201, response.text
    assert response.json()["content"] == content


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        ({}, "$.content", "{text, media}"),
        ({"text": "x", "modules": [{"sms": {"text": "y"}}]}, "$.content", "{modules}"),
        ({"media": ["https://example.com/a.png"]}, "$.content.media[0]", '{"url": "https://..."}'),
        ({"media": [{"url": "ftp://example.com"}]}, "$.content.media[0].url", "http or https"),
        ({"media": [{"url": "/a.png"}]}, "$.content.media[0].url", "http or https"),
        ({"text": "x", "MessageContentTemplate": "HX1"}, "$.content.MessageContentTemplate", "contentId"),
        ({"contentId": ID}, "$.content.contentId", "another one"),
        ({"text": "x", "expressions": []}, "$.content.expressions", "defaults"),
        ({"text": "x", "colour": "red"}, "$.content.colour", "not a field"),
        ({"modules": [{}]}, "$.content.modules[0]", "exactly one of sms, rcs, whatsapp"),
        ({"modules": [{"sms": {"text": "x"}, "rcs": {"text": "y"}}]}, "$.content.modules[0]", "exactly one"),
        ({"modules": [{"sms": {"text": "x"}}] * 2}, "$.content.modules[1].sms", "second module"),
        ({"modules": [{"sms": {}}]}, "$.content.modules[0].sms", "at least one of text, media"),
        (rcs(text="x", media={"contentInfo": {"fileUrl": "https://a"}}), "$.content.modules[0].rcs", "{richCard}"),
        (rcs(suggestions=[]), "$.content.modules[0].rcs", "{richCard}"),
        (action(), "$.content.modules[0].rcs.suggestions[0].action", "exactly one of openUrlAction"),
        (
            action(dialAction={"phoneNumber": "555"}),
            "$.content.modules[0].rcs.suggestions[0].action.dialAction.phoneNumber",
            "E.164",
        ),
        (
            action(createCalendarEventAction={"startTime": "noon", "endTime": "x", "title": "t", "description": "d"}),
            "$.content.modules[0].rcs.suggestions[0].action.createCalendarEventAction.startTime",
            "RFC 3339",
        ),
        (
            action(viewLocationAction={"latLong": {"latitude": 91, "longitude": 0}}),
            "$.content.modules[0].rcs.suggestions[0].action.viewLocationAction.latLong.latitude",
            "at most 90",
        ),
    ],
)
async def test_wrong_content_is_refused_at_its_place_with_words_that_help(
    ada: Person, content: object, place: str, words: str
) -> None:
    found = await refused(ada, content)
    assert words in found[place], found


async def test_hint_is_the_only_problem_at_its_place(ada: Person) -> None:
    response = await ada.post(PATH, json=template({"media": ["https://example.com/a.png"]}))
    assert contexts(response) == ["$.content.media[0]"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"text": "Hi\n{{ name | }}"}, "$.content.text"),
        ({"media": [{"url": "https://a/b"}, {"url": "https://a/{{ x"}]}, "$.content.media[1].url"),
        (rcs(text="x", suggestions=[{"reply": {"text": "{% if %}", "postbackData": "y"}}]), None),
    ],
)
async def test_liquid_is_checked_in_every_text(ada: Person, content: object, place: str | None) -> None:
    found = await refused(ada, content)
    ((context, message),) = found.items()
    assert context == (place or "$.content.modules[0].rcs.suggestions[0].reply.text")
    assert "line " in message
    assert "column " in message
    if place == "$.content.text":
        assert "line 2, column 11" in message


async def test_every_text_with_wrong_liquid_is_listed(ada: Person) -> None:
    body = template({"text": "{{", "media": [{"url": "https://a/{{"}]}, defaults={"a": "{% x %}"})
    assert contexts(await ada.post(PATH, json=body)) == ["$.content.text", "$.content.media[0].url", "$.defaults.a"]


@pytest.mark.parametrize("escape", [r"\u0000", r"\ud800", r"\udc00", r"\ude00\ud83d"])
@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"name": "a%s", "content": {"text": "x"}}', "$.name"),
        ('{"name": "x", "content": {"text": "a%sb"}}', "$.content.text"),
        ('{"name": "x", "content": {"modules": [{"rcs": {"text": "%s"}}]}}', "$.content.modules[0].rcs.text"),
        ('{"name": "x", "content": {"text": "x"}, "defaults": {"a": "%s"}}', "$.defaults.a"),
    ],
)
async def test_text_that_cannot_be_stored_is_refused_at_its_place(
    ada: Person, body: str, place: str, escape: str
) -> None:
    response = await ada.post(PATH, content=(body % escape).encode())
    assert contexts(response) == [place]


async def test_pair_of_surrogates_is_a_character(ada: Person) -> None:
    response = await ada.post(PATH, content=json.dumps(template({"text": "\U0001f600"})).encode())
    assert response.json()["content"] == {"text": "\U0001f600"}


async def test_ids_of_other_forms_are_refused(ada: Person) -> None:
    for wrong in ("HX1", "MX" + "0" * 32, "HX" + "g" * 32, "HX" + "0" * 33):
        assert contexts(await ada.get(f"{PATH}/{wrong}")) == ["$.contentId"]
