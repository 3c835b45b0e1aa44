"""Processor time of a call: the least of many alternating batches, so that other programs have little effect."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


def best(contenders: Mapping[str, Callable[[], object]], calls: int = 300, batches: int = 200) -> dict[str, float]:
    """Microseconds of one call of each contender."""
    found = dict.fromkeys(contenders, float("inf"))
    for _ in range(batches):
        for name, call in contenders.items():
            started = time.thread_time()
            for _ in range(calls):
                call()
            found[name] = min(found[name], (time.thread_time() - started) / calls * 1e6)
    return found


def show(title: str, found: Mapping[str, float]) -> None:
    """Prints the title, and one line for each contender."""
    print(title)
    for name, microseconds in found.items():
        print(f"  {name:<40} {microseconds:8.2f} us")
