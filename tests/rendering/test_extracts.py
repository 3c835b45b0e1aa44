"""Codes and links: what a person would copy or follow, in time that grows with the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.rendering.extracts import codes, links


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("Your code is 123456", ["123456"]),
        ("123456 is your verification code", ["123456"]),
        ("G-123456 is your Google verification code.", ["123456"]),
        ("Your code: 123-456", ["123456"]),
        ("code 123 456", ["123456"]),
        ("Code:\n\n1234 5678", ["12345678"]),
        ("PIN: 0421. Valid until 2027", ["0421"]),
        ("Your code is 2024", ["2024"]),
        ("In 2026 use OTP 991234", ["991234"]),
        ("passcode 12345, PIN 6789", ["12345", "6789"]),
        ("Your code is 123456. Do not share this code. Call 5550100 for help.", ["123456"]),
        ("Order 88776655 shipped. Your code is 4242.", ["4242"]),
        ("Enter the code below. 481516", ["481516"]),
        ("Your code is 123456 and expires in 10 minutes", ["123456"]),
        ("code 123456 10 minutes", ["123456"]),
        # Other numbers.
        ("Total 123456", []),
        ("Pay $1234 with code 5678", ["5678"]),
        ("code: 4500 EUR, or 5678", ["5678"]),
        ("Call +1 212 555 0123 or use code 8812", ["8812"]),
        ("(415) 555 2671, code 9981", ["9981"]),
        ("code 415 555 2671", []),
        ("code 555-0100", []),
        ("code at 10:30, 1.2345, 1234.5, 14/03/2027, 2027-03-14", []),
        ("code AB1234 1234cd 12_34 x_1234 123 123456789", []),
        ("https://example.com/123456 code: 777888", ["777888"]),
        ("code:1234", ["1234"]),
        ("code-1234", []),
        ("[123456] code", ["123456"]),
        # Languages.
        ("Tu código es 9911 y vence a las 10:30", ["9911"]),
        ("Seu codigo: 445566", ["445566"]),
        ("Il tuo codice è 445566", ["445566"]),
        ("Ihr Sicherheitscode lautet 55 66 77", ["556677"]),
        ("Din kod är 5544", ["5544"]),
        ("Din kode er 5544", ["5544"]),
        ("Doğrulama kodunuz 554433", ["554433"]),
        ("Ваш код: 5533", ["5533"]),
        ("您的验证码是123456，请勿泄露", ["123456"]),
        ("認証コード：4821", ["4821"]),
        ("인증번호 [482193]", ["482193"]),
        ("رمز 482193", ["482193"]),
    ],
)
def test_codes_are_the_digits_nearest_to_a_word_for_code(text: str, found: list[str]) -> None:
    assert codes(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("See https://example.com/a. And (http://x.org/y_(z)) ok", ["https://example.com/a", "http://x.org/y_(z)"]),
        ("[x](https://a.b/c?d=1&e=2)!", ["https://a.b/c?d=1&e=2"]),
        ("<https://a.b/c>, \"https://a.b/d\"; 'https://a.b/e'", ["https://a.b/c", "https://a.b/d", "https://a.b/e"]),
        ("HTTPS://A.B", ["HTTPS://A.B"]),
        ("https://a.b/King's?a=1 http://a.b http://a.b", ["https://a.b/King's?a=1", "http://a.b"]),
        ("https://例え.jp/パス。次", ["https://例え.jp/パス"]),
        ("http:// https://. https:/// xhttps://no.pe ftp://a.b mailto:a@b.c", []),
        ("http://[2001:db8::1]:8080/a[1]", ["http://[2001:db8::1]:8080/a[1]"]),
    ],
)
def test_links_are_urls_without_the_punctuation_around_them(text: str, found: list[str]) -> None:
    assert links(text) == found


def test_links_of_html_follow_those_of_the_text_and_are_decoded_once() -> None:
    html = """<a href="https://example.com/King's?a=1&amp;amp;b=2">go</a> <!-- <a href="http://hidden.example"> -->
    <A class=x HREF=http://u.example/w>z</A> <a data-href="http://no.example" href=' https://t.example '>t</a>
    <a href="mailto:a@b.c">m</a> <a href="/relative">r</a> <a href="">e</a> <!-- <a href="http://end.example">"""
    assert links("to https://t.example", html) == [
        "https://t.example",
        "https://example.com/King's?a=1&amp;b=2",
        "http://u.example/w",
    ]


HOSTILE = [
    *("1", "123-456 ", "1-", "1 ", "code ", "code 123456 ", "code 1234. ", "http://", "http://a ", "http://a)"),
    *("<a ", '<a href="', "<a href='x\" ", "<!--", "href ", "$1234 "),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.process_time()
        codes(text)
        links(text, text)
        return time.process_time() - start

    few = max(min(seconds(10_000) for _ in range(3)), 0.001)
    assert seconds(100_000) < 40 * few  # quadratic time is 100 times


@given(st.text(st.sampled_from("code 1234-.:$\n+()"), max_size=60))
def test_codes_are_4_to_8_digits_of_the_text(text: str) -> None:
    for code in codes(text):
        assert code.isascii()
        assert code.isdecimal()
        assert 4 <= len(code) <= 8
        assert code in text.replace("-", "").replace(" ", "")


@given(st.text(st.sampled_from("htps:/.a()<>\"',! &;="), max_size=80))
def test_links_are_parts_of_the_text(text: str) -> None:
    for link in links(text):
        assert link in text
        assert link.lower().startswith(("http://", "https://"))
