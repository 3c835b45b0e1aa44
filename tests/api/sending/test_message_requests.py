"""What a request to send may say: recipients, senders, contents, Liquid, times, tags. Contract section 10."""

from __future__ import annotations

from typing import Any

import pytest

from people import Person, contexts
from sends import OTHER, PATH, RCS, SMS, TEXT, counts, refused, sent, to, whole


async def test_sender_that_cannot_send_is_refused_at_its_place(ada: Person, ben: Person) -> None:
    sms, off, email = await ada.enter(
        [SMS, {**OTHER, "status": "DEACTIVATED"}, {"channel": "EMAIL", "address": "a@example.com"}]
    )
    (strange,) = await ben.enter([SMS])
    unknown = {"address": "+14155550177", "channel": "SMS"}
    for origin in (OTHER, unknown):
        assert (await refused(ada, **{"from": origin}))["$.from.address"][0] == 21606
    for sender_id in (off, email):
        assert (await refused(ada, **{"from": {"senderId": sender_id}}))["$.from.senderId"][0] == 21606
    service = await refused(ada, **{"from": {"address": "MG" + "a" * 32, "channel": "SMS"}})
    assert "sender pool" in service["$.from.address"][1]
    pool_id = await ben.pool(strange)
    for origin in ({"senderId": strange}, {"senderPoolId": pool_id}, {"senderPoolId": pool_id[:-2] + "00"}):
        response = await ada.post(PATH, json={"to": to("+14155550199"), "content": TEXT, "from": origin})
        assert response.status_code == 404
    assert sms


async def test_every_problem_is_named_at_its_place(ada: Person) -> None:
    found = await refused(
        ada,
        to=[
            {"address": "whatsapp:+14155550199", "channel": "WHATSAPP"},
            {"address": "4155550199", "channel": "PHONE"},
            {"addresses": [*to("+14155550199"), *to("1")]},
            {"profileId": "x", "memoryStoreId": "y"},
            {"address": "+14155550199"},
            {"address": "+14155550199", "channel": "PHONE", "addresses": to("+14155550199")},
            {"address": "+14155550199", "channel": "PHONE", "variables": {"n": 1}},
            {"address": "+14155550199", "channel": "SMS"},
        ],
        content={"media": ["https://example.com/a.png"]},
        schedule={"sendAt": "2027-01-01T00:00:00Z"},
        tags={"a": "b c"},
        messagingServiceSid="MG",
    )
    assert {place for place, (code, _) in found.items() if code == 21211} == {
        "$.to[0].address",
        "$.to[1].address",
        "$.to[2].addresses[1].address",
    }
    assert found.keys() == {
        "$.to[0].address",
        "$.to[1].address",
        "$.to[2].addresses[1].address",
        "$.to[3].profileId",
        "$.to[4].channel",
        "$.to[5]",
        "$.to[6].variables.n",
        "$.to[7].channel",
        "$.content.media[0]",
        "$.schedule.sendAt",
        "$.tags.a",
        "$.messagingServiceSid",
    }


async def test_ten_thousand_wrong_recipients_are_counted(ada: Person) -> None:
    response = await ada.post(PATH, json={"to": to(*map(str, range(10_000))), "content": TEXT})
    assert len(contexts(response)) == 100
    assert "9900 more are not" in response.json()["message"]
    response = await ada.post(PATH, json={"to": to(*["+14155550199"] * 10_001), "content": TEXT})
    assert contexts(response) == ["$.to"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello {{ name", "is no Liquid"),
        ("Hello {{ name }}", "uses the variable name without a default"),
        ("{% include 'x' %}", "is no Liquid"),
    ],
)
async def test_liquid_that_cannot_be_sent_is_refused_at_its_place(ada: Person, text: str, words: str) -> None:
    assert words in (await refused(ada, content={"text": text}))["$.content.text"][1]
    module = await refused(ada, content={"modules": [{"sms": {"text": "x"}}, {"rcs": {"text": text}}]})
    assert words in module["$.content.modules[1].rcs.text"][1]


async def test_text_is_rendered_for_each_recipient(ada: Person) -> None:
    await ada.enter([SMS])
    recipients = [*to("+14155550199", variables={"name": "Ada"}), *to("+14155550198")]
    content = {"text": 'Hello {{ name | default: "you" }}'}
    _, messages = await sent(ada, to=recipients, content=content, tags={"who": '{{ name | default: "nobody" }}'})
    assert [(await whole(ada, one))["content"]["text"] for one in messages] == ["Hello Ada", "Hello you"]
    assert [one["tags"] for one in messages] == [{"who": "Ada"}, {"who": "nobody"}]
    assert contexts(
        await ada.post(
            PATH, json={"to": to("+14155550199", variables={"a": "b c"}), "content": TEXT, "tags": {"x": "{{ a }}"}}
        )
    ) == ["$.to[0].variables"]


async def test_text_that_the_variables_break_fails_that_message_only(ada: Person) -> None:
    await ada.enter([SMS])
    recipients = [*to("+14155550199", variables={"n": "10"}), *to("+14155550198", variables={"bad": "1"})]
    content = {"text": '{% if bad %}{% if bad > 5 %}x{% endif %}{% endif %}{{ n | default: "0" }}'}
    operation, messages = await sent(ada, to=recipients, content=content)
    assert [one["status"] for one in messages] == ["DELIVERED", "FAILED"]
    errors = (await ada.get(f"{PATH}/Operations/{operation['id']}/Errors")).json()["errors"]
    assert [(one["messageId"], one["code"]) for one in errors] == [(messages[1]["id"], 20617)]


async def test_template_is_kept_as_it_was_accepted(ada: Person) -> None:
    await ada.enter([SMS])
    content_id = "HX" + "0a" * 16
    put = {"name": "x", "content": {"text": "{{ 1 }} of {{ what }}"}, "defaults": {"what": "two"}}
    await ada.call("PUT", f"/signalbox/v1/Templates/{content_id}", json=put)
    body = {"to": to("+14155550199"), "content": {"contentId": content_id}}
    assert contexts(await ada.post(PATH, json=body)) == ["$.to[0].variables"]
    _, (message,) = await sent(ada, to=to("+14155550199", variables={"1": "one"}), content=body["content"])
    await ada.delete(f"/signalbox/v1/Templates/{content_id}")
    assert (await whole(ada, message))["content"] == {"text": "one of two"}
    assert (await ada.post(PATH, json=body)).status_code == 404


async def test_channel_gets_its_module_or_the_text_of_another(ada: Person) -> None:
    await ada.enter([SMS, RCS])
    card = {"richCard": {"standaloneCard": {"cardContent": {"title": "A card"}}}}
    content: dict[str, Any] = {"modules": [{"rcs": card}]}
    _, messages = await sent(ada, "+14155550199", "+15005550061", content=content)
    assert [one["status"] for one in messages] == ["DELIVERED", "FAILED"]
    content = {"modules": [{"rcs": card}, {"sms": {"text": "for all"}}]}
    _, (message,) = await sent(ada, "+15005550061", content=content)
    assert (message["status"], message["from"]["channel"]) == ("DELIVERED", "SMS")


async def test_text_too_long_for_sms_goes_another_way_or_fails(ada: Person) -> None:
    (sms,) = await ada.enter([SMS])
    long = {"text": "x" * 1601}
    found = await refused(ada, content=long, **{"from": {"senderId": sms}})
    assert found["$.content.text"][0] == 21617
    grown = {"text": '{{ x | default: "" }}'}
    operation, (message,) = await sent(ada, to=to("+14155550199", variables={"x": "x" * 1601}), content=grown)
    assert (message["status"], counts(operation)) == ("FAILED", {"failed": 1})
    await ada.enter([RCS])
    _, (message,) = await sent(ada, "+14155550199", content=long)
    assert (message["status"], message["from"]["channel"]) == ("DELIVERED", "RCS")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2027-13-01T00:00:00Z", "must be a date-time"),
        ("tomorrow", "must be a date-time"),
        ("9999-12-31T23:59:59Z", "35 days"),
        ("9999-12-31T23:59:59", "35 days"),
    ],
)
async def test_time_that_cannot_be_is_refused(ada: Person, text: str, words: str) -> None:
    assert words in (await refused(ada, schedule={"sendAt": [text]}))["$.schedule.sendAt[0]"][1]


@pytest.mark.parametrize("tags", ["a:1", "a;", ";", "a:b c;", "a:1;" * 11 + "b:2", "", ":1;", "a:;"])
async def test_wrong_tags_filter_is_refused(ada: Person, tags: str) -> None:
    assert contexts(await ada.get(f"{PATH}?tags={tags}")) == ["$.tags"]


async def test_unknown_parameter_is_named(ada: Person) -> None:
    response = await ada.get(f"{PATH}?operation_id=comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h")
    assert "operationId" in response.headers["signalbox-warning"]


async def test_request_with_the_same_key_sends_once(ada: Person) -> None:
    await ada.enter([SMS])
    body = {"to": to("+14155550199"), "content": TEXT}
    headers = {"idempotency-key": "k"}
    first, second = await ada.post(PATH, json=body, headers=headers), await ada.post(PATH, json=body, headers=headers)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert (await ada.post(PATH, json={**body, "content": {"text": "x"}}, headers=headers)).status_code == 422
    await ada.finished(first)
    assert len(await ada.walk(PATH, "messages")) == 1
