"""Compares rendering with that of the library that parses: `make parts ARGS=liquid`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from bench.parts.timing import show
from signalbox.rendering import liquid

BATCHES: Final = 20
CALLS: Final = 2_000
VARIABLES: Final = {"name": "Ada", "code": "123456", "shop": "Acme"}
TEXTS: Final = {
    "three variables with defaults": (
        'Hello {{ name | default: "you" }}, {{ code | default: "" }} is your code for {{ shop | default: "us" }}.'
    ),
    "filters and a condition": (
        "Hello {{ name | upcase }}, {{ code }} for {% if shop == 'Acme' %}{{ shop | append: '!' }}{% else %}us{% endif %}."
    ),
    "a loop": "{% for i in (1..20) %}{{ i }} {{ name }}{% unless forloop.last %}, {% endunless %}{% endfor %}",
}


def main() -> None:
    from liquid import Environment

    library: Any = Environment()
    for title, text in TEXTS.items():
        ours, theirs = liquid.parse(text), library.from_string(text)
        assert ours.render(VARIABLES, 0) == theirs.render(**VARIABLES)  # noqa: S101
        show(
            title,
            {
                "Signalbox": _least(lambda ours=ours: ours.render(VARIABLES, 0)),  # type: ignore[misc]
                "the library": _least(lambda theirs=theirs: theirs.render(**VARIABLES)),  # type: ignore[misc]
            },
        )


def _least(call: Callable[[], object]) -> float:
    """The least time of a call, in seconds."""
    least = float("inf")
    for _ in range(BATCHES):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        least = min(least, (time.perf_counter() - start) / CALLS)
    return least


if __name__ == "__main__":
    main()
