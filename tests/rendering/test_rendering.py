"""Rendering: the results of the library within a budget, and nothing of its kind beyond it."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalbox.rendering import budget as limits
from signalbox.rendering import liquid
from signalbox.rendering.liquid import Budget, Malformed, RenderError

NOW = int(datetime(2027, 3, 1, 9, 5, 7, tzinfo=UTC).timestamp() * 1000) + 250
VARIABLES = {
    "a": "Ada",
    "b": "<b>x & y</b>",
    "n": "10",
    "e": "",
    "w": "one two  three\nfour",
    "c": "b,a,,B,10",
    "s": " ",
    "liquid": "{{ a }}{% if",
}


def rendered(text: str, variables: dict[str, str] = VARIABLES) -> str:
    return liquid.parse(text).render(variables, NOW)


def of_library(text: str, variables: dict[str, str] = VARIABLES) -> str:
    return liquid._environment().from_string(text).render(**variables)


@pytest.mark.parametrize("text", (Path(__file__).parent / "as_library.txt").read_text().splitlines())
def test_result_is_that_of_the_library(text: str) -> None:
    assert rendered(text) == of_library(text)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        # Liquid as the vendor's engine has it, where the library differs.
        ("{{ \"'\" | escape }}{{ '\"' | escape }}", "&#39;&#34;"),
        ("{{ 'abc' | truncate: 2 }}", "..."),
        ("{{ 'abcdef' | slice: -9, 2 }}", ""),
        ("{{ c | split: ',' | slice: -9, 2 | size }}", "0"),
        ("{{ '<script>a</script>b<style>c</style><!-- d > -->e<br>f<g' | strip_html }}", "bef<g"),
        ("{{ '<script>a<b>c<!-- d <style>e' | strip_html }}", "ace"),
        ("{{ c | split: ',' | upcase }}", "BAB10"),
        ("{% for i in (1..3) limit:0 %}x{% else %}none{% endfor %}", "none"),
        ("{% case 1 %}{% when 1, 1 %}x{% endcase %}", "x"),
        ("{% if a == 'Ada' %}x{% break %}{% endif %}y", "x"),
        ("{% for i in (1..2) %}{{ forloop }}{{ i.size }}{% endfor %}", ""),
        ("{{ '1' | map: 'x' | join }}{{ zz | map: 'x' | join }}", ""),
        ("{% assign l = 'a' | split: ',' | map: 'x' %}{{ l | compact | size }}{{ l | sum }}", "00"),
        ("{{ 'a,1.5' | split: ',' | concat: r | size }}{{ (1..2) | concat: q | size }}", ""),
        # The account's time, whatever the machine's is.
        ("{{ now }}|{{ today | date: '%F' }}", "2027-03-01 09:05:07 +0000|2027-03-01"),
        ("{{ 'now' | date: '%Y-%m-%dT%H:%M:%S.%L %z %Z %s' }}", "2027-03-01T09:05:07.000 +0000 UTC 1803891907"),
        (
            "{{ 'today' | date: '%-d %-m %_d %e %^b %^a %P %k %l %-I %C %h %N %n%t%%|%Q %' }}",
            "1 3  1  1 MAR MON am  9  9 9 20 Mar 000000000 \n\t%|%Q %",
        ),
        (
            "{{ 'now' | date: '%0e %c|%x|%X|%r|%v' }}",
            "01 Mon Mar  1 09:05:07 2027|03/01/27|09:05:07|09:05:07 AM| 1-MAR-2027",
        ),
        ("{{ '10:30' | date: '%F %R' }}", "2027-03-01 10:30"),
        ("{{ '2027-03-14T10:30:00+02:00' | date: '%R %z %Z' }}", "10:30 +0200 +0200"),
        ("{{ '2027-03-14 10:30 EST' | date: '%R %z' }}{{ '10:30 +99:00' | date: '%z' }}", "10:30 +0000+0000"),
        ("{{ '99999999999999999999' | date: '%Y' }}", "99999999999999999999"),
        ("{{ now | date: '%F' }}{{ 1.5 | sum }}{{ 'x' | sum }}", "2027-03-011.50"),
        ("{{ 1.5 | date: '%s' }}{{ true | date }}{{ c | split: ',' | date: '%Y' }}", "1trueba" + "B10"),
    ],
)
def test_result_where_the_library_is_not_followed(text: str, result: str) -> None:
    variables = VARIABLES
    if "concat" in text:
        with pytest.raises(RenderError, match="the filter concat does not take these values"):
            rendered(text)
        return
    assert rendered(text, variables) == result


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{% if "10" > 5 %}x{% endif %}', "> cannot compare a number with a text"),
        ('{% if "10" <= 5 %}x{% endif %}', "<= cannot compare a number with a text"),
        ("{% assign l = c | split: ',' %}{% if l < l %}x{% endif %}", "< cannot compare a list with a list"),
        ("{% if empty >= 5 %}x{% endif %}", ">= cannot compare a number with a word"),
        ("{% if 5 contains 5 %}x{% endif %}", "contains cannot look into a number"),
        ("{{ n | divided_by: 0 }}", "the filter divided_by does not take these values"),
        ("{{ n | modulo: 0 }}", "the filter modulo does not take these values"),
        ("{{ a | append }}", "the filter append does not take these values"),
        ("{{ a | upcase: 1 }}", "the filter upcase does not take these values"),
        ("{{ a | truncate: 'x' }}", "the filter truncate does not take these values"),
        ("{{ a | slice: 1.5 }}", "the filter slice does not take these values"),
        ("{{ a | slice: zz }}", "the filter slice does not take these values"),
        ("{{ a | default: 1, nosuch: 2 }}", "the filter default does not take these values"),
        ("{{ 'x' | base64_decode }}", "the filter base64_decode does not take these values"),
        ("{{ '1e308' | times: 10 | round }}", "the filter round does not take these values"),
        ("{% for i in (1..3) limit: a %}{% endfor %}", "the limit of a loop must be a whole number"),
        ("{% for i in (1..3) offset: a %}{% endfor %}", "the offset of a loop must be a whole number"),
        (
            "{{ (1..2) | concat: (3..4) | sort }}{{ 'a' | split: ',' | concat: (1..2) | sort }}",
            "sort cannot compare texts with numbers",
        ),
    ],
)
def test_operation_that_types_do_not_allow_is_an_error_in_plain_words(text: str, words: str) -> None:
    with pytest.raises(RenderError) as raised:
        rendered(text)
    assert str(raised.value) == words


def test_value_is_never_rendered_itself() -> None:
    assert rendered("{{ liquid | append: liquid }}") == VARIABLES["liquid"] * 2


def test_text_that_is_no_liquid_cannot_be_parsed() -> None:
    with pytest.raises(Malformed) as raised:
        liquid.parse("x {{ a")
    assert raised.value.problem.column == 3


# Every part of a text that is made of variables and defaults alone, and parts that make it another text.
pieces = st.sampled_from(
    [
        *("Hi ", "\n", "}", "{{ a }}", "{{a}}", "{{- b -}}", "{{ a.b }}", "{{ 'x' }}", "{% raw %}{{ a }}{% endraw %}"),
        *("{{ zz | default: 'you' }}", '{{ e | default: "{{" }}', "{{ n | default: 5 }}", "{{ zz | default }}"),
        *("{{ zz | default: a }}", "{{ e | default: 'x' | upcase }}", "{{ now.x }}"),
    ]
)


@given(st.lists(pieces, max_size=6).map("".join), st.dictionaries(st.sampled_from("abenw"), st.text(max_size=5)))
@example("{{ a }} {{ e | default: 'x' }}", {"a": ""})
def test_simple_text_is_rendered_as_by_the_library(text: str, variables: dict[str, str]) -> None:
    assert rendered(text, variables) == of_library(text, variables)


@pytest.mark.parametrize(
    ("text", "missing", "used"),
    [
        ("plain", [], set()),
        ("{{ a }}{{ b | default: 'x' }}{{ a | upcase }}{{ c | upcase | default: d }}", ["a"], {"a", "b", "c", "d"}),
        ("{{ b }}{{ a }}{{ b }}", ["b", "a"], {"a", "b"}),
        ("{{ a.b[c] }}{{ [d] }}{{ 'x' | append: e }}", ["a", "d"], {"a", "c", "d", "e"}),
        ("{% raw %}{{ a }}{% endraw %}{% comment %}{{ b }}{% endcomment %}", [], set()),
        (
            "{% for i in list %}{{ i }}{{ forloop.index }}{{ a }}{% else %}{{ b }}{% endfor %}{{ i }}",
            ["a", "b", "i"],
            {"list", "a", "b", "i"},
        ),
        (
            "{{ x }}{% assign x = y %}{{ x }}{% capture z %}{{ x }}{{ q }}{% endcapture %}{{ z }}",
            ["x", "q"],
            {"x", "y", "q"},
        ),
        ("{% if a == b %}{{ c }}{% elsif d %}{{ e }}{% else %}{{ f }}{% endif %}", ["c", "e", "f"], set("abcdef")),
        (
            "{% case a %}{% when b %}{{ c }}{% else %}{{ d }}{% endcase %}{{ now }}{{ 'now' | date: '%Y' }}",
            ["c", "d"],
            set("abcd"),
        ),
        ("{{ 1 }}{{ '1' }}{{ (1..a) }}{{ ['the name'] }}{{ 2x }}", ["the name", "2x"], {"a", "the name", "2x"}),
    ],
)
def test_variables_without_a_default_are_named_in_their_order(text: str, missing: list[str], used: set[str]) -> None:
    template = liquid.parse(text)
    assert template.undefaulted() == missing
    assert template.variables() == used


def test_number_is_a_variable_only_in_the_output_of_a_numbered_text() -> None:
    text = "{{1}} {{ 2 | default: 'x' }} {% if 1 == 1 %}{{ 1 | append: 1 }}{{ -1 }}{{ 1.5 }}{% endif %}"
    variables = {"1": "Ada"}
    template = liquid.parse(text, numbered=True)
    assert template.render(variables, NOW) == "Ada x Ada1-11.5"
    assert template.undefaulted() == ["1"]
    assert template.variables() == {"1", "2"}
    assert liquid.parse(text).render(variables, NOW) == "1 2 11-11.5"
    assert liquid.parse("plain", numbered=True).render(variables, NOW) == "plain"


BIG = {
    "a": "Ada",
    "big": "ab," * 100_000,
    "lt": "<" * 10**6,
    "tags": "<script>" * 10**5,
    "amp": "&" * 10**6,
    "d": "1" * 10**5,
    "words": "a b " * 10**5,
}
LOOP = "{% for i in (1..50000) %}"
HOSTILE = {
    "append": "{% assign x = 'aaaaaaaaaaaaaaaa' %}" + "{% assign x = x | append: x %}" * 40,
    "replace": "{{ 'aaaaaaaaaa'" + "| replace: 'a', 'aaaaaaaaaa'" * 8 + "| size }}",
    "join of a range": "{{ (1..1000000000) | join }}",
    "sum of a range": "{{ (1..1000000000) | sum }}",
    "loop": "{% for i in (1..1000000000000) %}{% endfor %}",
    "nested loops": "{% for i in (1..1000) %}{% for j in (1..1000) %}{% endfor %}{% endfor %}",
    "loop of outputs": LOOP + "{{ i }}" * 2000 + "{% endfor %}",
    "loop of tags": LOOP + "{% assign x = a | upcase %}" * 200 + "{% endfor %}",
    "loop of conditions": LOOP + "{% if a == b or a == b or a == b or a == b %}{% endif %}" * 9 + "{% endfor %}",
    "loop of cases": LOOP + "{% case a %}{% when " + ",".join("1" * 3000) + " %}{% endcase %}{% endfor %}",
    "loop of filters": LOOP + "{% assign x = big | upcase %}{% endfor %}",
    "loop of lists": "{% assign l = big | split: ',' %}" + LOOP + "{% assign m = l %}{% endfor %}",
    "loop of sorts": "{% assign l = big | split: ',' %}" + LOOP + "{% assign m = l | sort %}{% endfor %}",
    "loop of comparisons": "{% assign y = big | append: '' %}"
    + LOOP
    + "{% if y == big or y <= big %}{% endif %}{% endfor %}",
    "loop of searches": LOOP + "{% if big contains 'zz' %}{% endif %}{% endfor %}",
    "numbers": "{% assign x = 10 %}" + LOOP + "{% assign x = x | times: x %}{% endfor %}",
    "digits": "{{ d | plus: 1 }}",
    "number in a text": "{% for i in (1..d) %}{% endfor %}",
    "characters": "{{ big | split: '' | sort | join }}",
    "capture": LOOP + "{% capture x %}{{ x }}{{ x }}a{% endcapture %}{% endfor %}",
    "base64": "{{ big" + "| base64_encode" * 40 + "| size }}",
    "escape": "{{ amp" + "| escape" * 3 + " }}",
    "percent": "{{ lt | url_encode }}",
    "output": "{{ big }}",
    "output of parts": LOOP + "éé{% endfor %}",
    "words": LOOP + "{{ big | split: ' ' }}{% endfor %}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_ends_in_few_steps(text: str) -> None:
    template = liquid.parse(text)
    calls, error = _calls(lambda: template.render(BIG, NOW))
    assert error
    assert str(error).startswith(("more than ", "a number is too large"))
    assert calls < 2_000_000


@pytest.mark.parametrize("name", ["append", "replace", "loop of lists", "characters", "capture", "base64", "escape"])
def test_hostile_text_needs_little_memory(name: str) -> None:
    template = liquid.parse(HOSTILE[name])
    tracemalloc.start()
    try:
        with pytest.raises(RenderError):
            template.render(BIG, NOW)
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in (1..1000000000) reversed limit: 2 offset: 999999990 %}{{ i }}{% endfor %}",
        "{{ tags | strip_html | size }}",
        "{{ words | truncatewords: 3 }}{{ big | date: '%Y' | size }}{{ 'now' | date: a }}",
        "{% assign r = (1..1000000000) %}{% if r contains 'x' %}{% endif %}{{ r | size }}{{ r.last }}",
        "{% assign r = (1..1000000000) %}{{ r | slice: 5, 2 | join }}",
        LOOP + "{% endfor %}",
        "{% assign s = 0 %}" + LOOP + "{% assign s = s | plus: 1 %}{% endfor %}{{ s }}",
    ],
)
def test_large_work_within_the_budget_is_done_in_few_steps(text: str) -> None:
    template = liquid.parse(text)
    calls, error = _calls(lambda: template.render(BIG, NOW))
    assert not error
    assert calls < 2_000_000


def test_each_bound_holds_exactly() -> None:
    assert len(rendered("{{ x }}", {"x": "x" * limits.OUTPUT_BYTES})) == limits.OUTPUT_BYTES
    for text in ("{{ x }}é", "{{ x | append: '' }}é", "é{{ x }}"):
        with pytest.raises(RenderError, match="more than 65536 bytes of output"):
            rendered(text, {"x": "x" * (limits.OUTPUT_BYTES - 1)})
    assert rendered("{% for i in (1..50000) %}{% endfor %}") == ""
    with pytest.raises(RenderError, match="more than 50000 loop steps"):
        rendered("{% for i in (1..50001) %}{% endfor %}")
    half = {"x": "x" * (8 * 2**20 - 1000)}
    assert rendered("{{ x | upcase | size }}", half)
    with pytest.raises(RenderError, match="more than 16777216 characters touched"):
        rendered("{{ x | append: '12345678901234567890' | size }}", {"x": "x" * (8 * 2**20)})
    assert rendered("{% assign y = x %}{% assign y = x %}", half) == ""
    with pytest.raises(RenderError, match="more than 16777216 bytes assigned"):
        rendered("{% assign y = x %}{% assign z = x %}{% assign z2 = x %}", half)


def test_texts_of_a_message_share_a_budget() -> None:
    shared = Budget()
    simple, other = liquid.parse("{{ x }}"), liquid.parse("{{ x | upcase }}")
    variables = {"x": "x" * 30_000}
    simple.render(variables, NOW, shared)
    other.render(variables, NOW, shared)
    with pytest.raises(RenderError, match="bytes of output"):
        simple.render(variables, NOW, shared)
    assert simple.render(variables, NOW)


def _calls(work: Callable[[], object]) -> tuple[int, RenderError | None]:
    """The calls of functions, of Python and C, that work makes, and the error that it ends with."""
    count = 0
    error: RenderError | None = None

    def counted(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()
    except RenderError as raised:
        error = raised
    finally:
        sys.setprofile(None)
    return count, error
