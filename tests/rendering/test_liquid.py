"""Liquid: a syntax error has its line and column; a tag outside the closed set is refused."""

from __future__ import annotations

import pytest

from signalbox.http.json_limits import MOST_DEPTH
from signalbox.rendering import liquid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello, }} and %} and { } are no Liquid",
        "{{ name }}",
        "{{1}} {{ 2 | default: 'x' }}",
        "{{ a.b[0].c | upcase | truncate: 5 }}",
        "{% if a == 'b' and c %}x{% elsif d %}y{% else %}z{% endif %}",
        "{%- unless a -%}x{%- endunless -%}",
        "{% case a %}{% when '1', '2' %}x{% else %}y{% endcase %}",
        "{% for i in (1..3) %}{{ forloop.index }}{% break %}{% else %}none{% endfor %}",
        "{% assign a = 'b' | append: 'c' %}{% capture d %}{{ a }}{% endcapture %}",
        "{% comment %}{{ a | }}{% endcomment %}{% # inline %}",
        "{% raw %}{{ a | {% endraw %}",
    ],
)
def test_text_of_standard_liquid_is_right(text: str) -> None:
    assert liquid.problem(text) is None


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("{{ name", 1, 1, "expected '}}'"),
        ("{{}}", 1, 3, "found end of expression"),
        ("Hi {{ a }}\nx {{ b | }} {{ c }}", 2, 10, "found end of expression"),
        ("é\n日本 {{ a | }}", 2, 11, "found end of expression"),
        ("x\n\n  {{ | }}", 3, 6, "found pipe"),
        ("{{ a b }}", 1, 6, "expected end of expression"),
        ("a {{ 'b }}", 1, 6, "unexpected"),
        ("{% if a %}x", 1, 12, "endif"),
        ("{% if a == %}{% endif %}", 1, 12, "found end of expression"),
        ("{% endif %}", 1, 4, "endif"),
        ("{% comment %}", 1, 4, "never closed"),
        ("{% for %}{% endfor %}", 1, 4, "missing expression"),
        ("a\nb {{ c | nosuch: 1 }}", 2, 10, "there is no filter nosuch"),
        ("{% nosuch %}", 1, 4, "nosuch"),
        ("a\n {% doc %}{% enddoc %}", 2, 5, "unexpected tag 'doc'"),
        ("a\n {% raw %}{{ a }}", 2, 2, "raw tag was never closed"),
        ("a {% if", 1, 3, "missing closing delimiter"),
        ("{{ a | safe }}", 1, 8, "there is no filter safe"),
        ("{{ a }}" * 5000 + "\n{{ a }}", 2, 1, "more than 5000 tags in one text"),
        # The library needs minutes for these.
        ("{{" * 50_000, 1, 1, "expected '}}'"),
        ("{%" * 50_000, 1, 1, "missing closing delimiter"),
        ("{% raw %}" * 50_000, 1, 1, "raw tag was never closed"),
        ("{% comment %}{% doc %}" * 50_000, 1, 17, "unexpected tag 'doc'"),
        ("{% if a %}" * 2000, 1, 1, ""),
        ("b\n {{ a" + "[a" * 65 + "]" * 65 + " }}", 2, 2, "more than 64 brackets and operators in one tag"),
        ("{{ a" + "[a" * 5000 + "]" * 5000 + " }}", 1, 1, "more than 64"),
        ("{% if a " + "and a or b " * 33 + "%}{% endif %}", 1, 1, "more than 64"),
        ("{% if a " + "and a " * 5000 + "%}{% endif %}", 1, 1, "more than 64"),
    ],
)
def test_wrong_text_is_told_with_line_and_column(text: str, line: int, column: int, words: str) -> None:
    found = liquid.problem(text)
    assert found
    assert words in found.message
    if words:
        assert (found.line, found.column) == (line, column)


@pytest.mark.parametrize(
    "text",
    [
        "{{ a" + "[a" * 64 + "]" * 64 + " | upcase }}",
        "{% if a " + "and a " * 64 + "%}{% endif %}",
        "{{ '" + "this and (that) [or] " * 100 + "' | upcase }}",
        "{{ a }} [or] (and) " * 100,
    ],
)
def test_text_within_the_depth_is_right(text: str) -> None:
    assert liquid.problem(text) is None


def test_depth_is_that_of_json() -> None:
    assert liquid.MOST_DEPTH == MOST_DEPTH


@pytest.mark.parametrize(
    "tag",
    ["include 'a'", "render 'a'", "liquid assign a = 1", "echo a", "cycle 'a', 'b'", "increment a", "tablerow a in b"],
)
def test_tag_outside_the_closed_set_is_refused(tag: str) -> None:
    found = liquid.problem(f"{{% {tag} %}}")
    assert found
    assert tag.split()[0] in found.message
