"""Compares reading a JSON body with and without the limits of depth and names: `make parts ARGS=json_limits`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from bench.parts.timing import show
from signalbox.api.inventory.sender_pools import SENDER_POOL_CREATE
from signalbox.http.json_limits import may_repeat, repeated_names, too_deep

BATCHES: Final = 60


def main() -> None:
    senders = [{"senderId": f"comms_sender_0{number:025d}"} for number in range(10_000)]
    rows = [
        {"channel": "SMS", "address": f"+1415555{number:04d}", "displayName": "Front: desk", "tags": {"team": "sales"}}
        for number in range(10_000)
    ]
    for title, value, calls in (
        ("a create without senders", {"name": "Europe", "tags": {"team": "sales"}}, 1_000),
        ("a create with 10,000 senders", {"name": "Europe", "senders": senders, "tags": {"a": "b"}}, 2),
        ("10,000 rows of inventory", rows, 2),
    ):
        _compare(title, msgspec.json.encode(value), calls)


def _compare(title: str, text: bytes, calls: int) -> None:
    plain = msgspec.json.decode(text)
    found: dict[str, Callable[[], object]] = {
        "msgspec without types": lambda: msgspec.json.decode(text),
        "too_deep": lambda: too_deep(text),
        "may_repeat": lambda: may_repeat(text, plain),
        "repeated_names, the search": lambda: [path for path in repeated_names(text) if path],
        "json.loads with pairs": lambda: json.loads(text, object_pairs_hook=_once),
    }
    if isinstance(plain, dict):
        found["Body.read"] = lambda: _run(SENDER_POOL_CREATE.read(text))
    show(title, {name: _least(call, calls) for name, call in found.items()})


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _run(coroutine: Any) -> object:
    """The value of a coroutine that does not wait."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the body was searched")


def _least(call: Callable[[], object], calls: int) -> float:
    least = float("inf")
    for _ in range(BATCHES):
        started = time.thread_time()
        for _ in range(calls):
            call()
        least = min(least, (time.thread_time() - started) / calls * 1e6)
    return least


if __name__ == "__main__":
    main()
