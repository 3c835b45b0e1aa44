"""Compares contenders that run alternately in the same minutes: other load on the machine affects all of them."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.load import Load
from bench.machine import Process
from bench.report import Spread, percentile


@dataclass
class Measured:
    """One contender: a value for each round, every latency in seconds, CPU time of a request in each round."""

    values: list[float] = field(default_factory=list)
    seconds: array[float] = field(default_factory=lambda: array("d"))
    cpu_us: list[float] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        """Adds a round that consists of a single measurement."""
        self.values.append(seconds)
        self.seconds.append(seconds)

    @property
    def spread(self) -> Spread:
        return Spread.of(self.values)

    @property
    def spread_ms(self) -> Spread:
        """The spread in milliseconds, for values in seconds."""
        return Spread.of(value * 1000 for value in self.values)

    @property
    def cpu(self) -> Spread:
        """CPU time of the server for one request, in microseconds."""
        return Spread.of(self.cpu_us)

    @property
    def p50_ms(self) -> float:
        return percentile(self.seconds, 0.50) * 1000

    @property
    def p99_ms(self) -> float:
        return percentile(self.seconds, 0.99) * 1000

    def ratio(self, floor: Measured) -> Spread:
        """The ratio to the floor in each round."""
        return Spread.of(ours / theirs for ours, theirs in zip(self.values, floor.values, strict=True))


class Contender:
    """A server under load: the requests that it gets, the status it responds with, and its process."""

    def __init__(self, process: Process, requests: Sequence[bytes], expected: int = 200) -> None:
        self.process = process
        self.requests = requests
        self.expected = expected


async def throughput(contenders: Mapping[str, Contender], rounds: int, seconds: float) -> dict[str, Measured]:
    """Requests per second of each contender. Their bursts alternate; another contender starts in each round."""
    measured = {name: Measured() for name in contenders}
    loads = {name: await Load.open(one.process.url, one.requests, one.expected) for name, one in contenders.items()}
    for load in loads.values():
        await load.burst(min(seconds, 0.5))  # warm-up: caches, prepared statements, connections
    names = list(contenders)
    for _ in range(rounds):
        for name in names:
            process, into = contenders[name].process, measured[name]
            cpu = process.cpu_seconds
            burst = await loads[name].burst(seconds)
            into.values.append(burst.per_second)
            into.seconds.extend(burst.seconds)
            into.cpu_us.append((process.cpu_seconds - cpu) / len(burst.seconds) * 1e6)
            if burst.client_share > 0.8:
                raise RuntimeError("the load generator is the bottleneck: its core is busy with it")
        names.append(names.pop(0))
    for load in loads.values():
        load.close()
    return measured


async def one_by_one(
    contenders: Mapping[str, Callable[[], Awaitable[float]]], rounds: int, times: int = 1
) -> dict[str, Measured]:
    """Seconds of single acts; the contenders alternate. The value of a round is the median of its `times` acts."""
    measured = {name: Measured() for name in contenders}
    for act in contenders.values():
        await act()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            taken: dict[str, list[float]] = {name: [] for name in contenders}
            for _ in range(times):
                for name, act in contenders.items():
                    taken[name].append(await act())
            for name, seconds in taken.items():
                measured[name].values.append(percentile(seconds, 0.50))
                measured[name].seconds.extend(seconds)
    finally:
        gc.enable()
    return measured
