"""What redaction removes, what it leaves, and that its time is linear."""

from __future__ import annotations

import base64
import json

import pytest

from signalbox.http.redaction import clean_body, clean_headers, clean_target, clean_text, own_secrets

S = "s3cr3tvalue"


@pytest.mark.parametrize(
    "text",
    [
        '{"authToken": "s3cr3tvalue"}',
        '{"auth_token":"s3cr3tvalue","name":"kept"}',
        '{"AUTHTOKEN" : "s3cr3tvalue"}',
        '{"auth\\u0054oken": "s3cr3tvalue"}',
        '{"secret": "a\\"s3cr3tvalue"}',
        '{"secret": ["x", "s3cr3tvalue"]}',
        '{"secret": {"a": {"b": "}"}, "c": "s3cr3tvalue"}}',
        '{"keySecret": 1, "password": "s3cr3tvalue"}',
        '{"privateKey": "s3cr3tvalue", "apiKey": "s3cr3tvalue"}',
        '{"password": "s3cr3tvalue',
        '{"credentials": {"user": "s3cr3tvalue"',
        'x" {"authToken": "s3cr3tvalue"}',
        '{"body": "{\\"authToken\\": \\"s3cr3tvalue\\"}"}',
        "password=s3cr3tvalue&name=kept",
        "{'token': 's3cr3tvalue'}",
        "Authorization: Basic s3cr3tvalue",
        "cookie: s3cr3tvalue",
        "Bearer s3cr3tvalue",
        "http://127.0.0.1:8080/console#sign-in=s3cr3tvalue",
        "postgresql://ada:s3cr3tvalue@db/signalbox",
        "-----BEGIN RSA PRIVATE KEY-----\ns3cr3tvalue\n-----END RSA PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.s3cr3tvalue.s3cr3tvalue",
    ],
)
def test_secret_is_removed(text: str) -> None:
    cleaned = clean_text(text)
    assert S not in cleaned
    assert "[removed]" in cleaned
    assert ("kept" in text) == ("kept" in cleaned)
    for codec in ("utf-8", "utf-16", "utf-32", "latin-1"):
        data, removed = clean_body(text.encode(codec), ())
        assert S not in data.decode(codec)
        assert removed


def test_json_without_its_secrets_is_json() -> None:
    value = {"authToken": "x", "secret": [1, {"a": "]"}], "keys": [{"sid": "SK1", "secret": "y"}], "n": 1}
    assert json.loads(clean_text(json.dumps(value))) == {
        "authToken": "[removed]",
        "secret": "[removed]",
        "keys": [{"sid": "SK1", "secret": "[removed]"}],
        "n": 1,
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Support", "tags": {"team": "sales"}, "pageToken": "51k_QbpYRSk", "idempotencyKey": "a"}',
        "/v1/Senders?pageToken=51k_QbpYRSk&pageSize=5",
        "the credentials are missing or wrong: HTTP Basic with an account SID and its auth token, or a key",
        '{"text": "a \\\\u0041 b"}',
        "password=&name=kept",
        "",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert clean_text(text) == text
    assert clean_body(text.encode(), ()) == (text.encode(), False)


def test_own_credentials_are_removed_wherever_they_stand() -> None:
    credentials = base64.b64encode(b"AC1:hunter2hunter2").decode()
    own = own_secrets({b"authorization": f"Basic {credentials}".encode()})
    assert own == [credentials, "hunter2hunter2"]
    assert clean_body(b'\xff{"name": "hunter2hunter2"}', own).data == b'\xff{"name": "[removed]"}'
    assert clean_target(b"/v1/x/hunter2hunter2", b"", own) == "/v1/x/[removed]"
    assert own_secrets({b"authorization": b"Basic %%%"}) == []
    assert own_secrets({}) == []


def test_headers_that_hold_secrets_keep_their_names_only() -> None:
    names = (
        "authorization",
        "Cookie",
        "set-cookie",
        "x-api-key",
        "cf-access-jwt-assertion",
        "x-session",
        "x-auth-user",
    )
    assert clean_headers([(name.encode(), S.encode()) for name in names], ()) == [(name, "[removed]") for name in names]
    plain = [("idempotency-key", "monday"), ("content-type", "application/json"), ("x-request-id", "RQ1")]
    assert clean_headers([(n.encode(), v.encode()) for n, v in plain], ()) == plain


def test_secret_in_a_query_is_removed_under_any_spelling_of_its_name() -> None:
    assert clean_target(b"/v1/x", b"auth%54oken=s3cr3t&pageToken=abc&flag", ()) == (
        "/v1/x?auth%54oken=[removed]&pageToken=abc&flag"
    )


@pytest.mark.parametrize(
    "piece",
    ['\\"', '"', "token", 'token"', "token:", "{", "eyJ", "://a:", "basic ", "\\u0041", "-----BEGIN PRIVATE KEY-----"],
)
def test_time_is_linear(piece: str) -> None:
    """A megabyte of each takes some 0.1 s; an expression that backtracks would take hours."""
    text = '{"secret": ' + piece * (1024 * 1024 // len(piece))
    assert len(clean_text(text)) > 0
