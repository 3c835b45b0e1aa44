"""Compares rendering with that of the library that parses: `make parts ARGS=liquid`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from bench.parts.timing import best, show
from signalbox.rendering import liquid

BATCHES: Final = 20
CALLS: Final = 500
VARIABLES: Final = {"name": "Ada", "code": "123456", "shop": "Acme"}
TEXTS: Final = {
    "three variables with defaults": (
        'Hello {{ name | default: "you" }}, {{ code | default: "" }} is your code for {{ shop | default: "us" }}.'
    ),
    "filters and a condition": (
        "Hello {{ name | upcase }}, {{ code }} for "
        "{% if shop == 'Acme' %}{{ shop | append: '!' }}{% else %}us{% endif %}."
    ),
    "a loop": "{% for i in (1..20) %}{{ i }} {{ name }}{% unless forloop.last %}, {% endunless %}{% endfor %}",
}


def main() -> None:
    from liquid import Environment

    library: Any = Environment()
    for title, text in TEXTS.items():
        ours, theirs = liquid.parse(text), library.from_string(text)
        assert ours.render(VARIABLES, 0) == theirs.render(**VARIABLES)
        contenders: dict[str, Callable[[], object]] = {
            "Signalbox": partial(ours.render, VARIABLES, 0),
            "the library": partial(theirs.render, **VARIABLES),
        }
        show(title, best(contenders, CALLS, BATCHES))


if __name__ == "__main__":
    main()
