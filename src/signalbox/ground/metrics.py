"""Metrics of this process, counted in dictionaries and written in Prometheus' format at each scrape.

Counting costs less than a microsecond a request; `prometheus_client` is imported at the first scrape.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from prometheus_client.core import Metric

# Upper bounds in seconds.
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Histogram:
    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BUCKETS) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(_BUCKETS, seconds)] += 1
        self.sum += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        total = 0
        rows = []
        for bound, count in zip((*map(str, _BUCKETS), "+Inf"), self.counts, strict=True):
            total += count
            rows.append((bound, float(total)))
        return rows


class Metrics:
    """The metrics of this process since its start."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], _Histogram] = {}
        self._batches = _Histogram()
        self._items: dict[str, int] = {"created": 0, "failed": 0}
        self._work: dict[tuple[str, str], int] = {}

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one response."""
        key = (route, method, status)
        histogram = self._requests.get(key)
        if histogram is None:
            # A client can invent methods; unknown ones share a label, so that the number of series stays bounded.
            if method not in ("GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"):
                key = (route, "other", status)
            histogram = self._requests.setdefault(key, _Histogram())
        histogram.observe(seconds)

    def batch(self, created: int, failed: int, seconds: float) -> None:
        """Counts one batch of an operation."""
        self._batches.observe(seconds)
        self._items["created"] += created
        self._items["failed"] += failed

    def work(self, kind: str, outcome: Literal["done", "failed", "retried"]) -> None:
        """One unit of work of this kind was done, has failed, or is tried after a failure."""
        self._work[kind, outcome] = self._work.get((kind, outcome), 0) + 1

    def exposition(self, database: Mapping[str, float], backlog: Mapping[str, float]) -> bytes:
        """The text for a Prometheus scrape; `database` and `backlog` are the current gauges."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(list(self._families(database, backlog))))
        return generate_latest(registry)

    def _families(self, database: Mapping[str, float], backlog: Mapping[str, float]) -> "Iterator[Metric]":
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        requests = HistogramMetricFamily(
            "signalbox_request_seconds", "Time to respond to requests.", labels=["route", "method", "status"]
        )
        for (route, method, status), histogram in self._requests.items():
            requests.add_metric([route, method, str(status)], histogram.cumulative(), histogram.sum)
        yield requests
        batches = HistogramMetricFamily("signalbox_batch_seconds", "Time to apply batches of operations.")
        batches.add_metric([], self._batches.cumulative(), self._batches.sum)
        yield batches
        items = CounterMetricFamily("signalbox_items", "Items applied by this process.", labels=["outcome"])
        for outcome, count in self._items.items():
            items.add_metric([outcome], count)
        yield items
        work = CounterMetricFamily("signalbox_work", "Units of work of this process.", labels=["kind", "outcome"])
        for (kind, done), count in sorted(self._work.items()):
            work.add_metric([kind, done], count)
        yield work
        for prefix, help_, figures in (
            (
                "signalbox_backlog",
                "Work waiting, of all processes on this database; at most 10,000 operations are counted.",
                backlog,
            ),
            ("signalbox_database", "This process and its database.", database),
        ):
            for name, value in figures.items():
                yield GaugeMetricFamily(f"{prefix}_{name}", help_, value)


class _Collector:
    def __init__(self, families: "list[Metric]") -> None:
        self._families = families

    def collect(self) -> "list[Metric]":
        return self._families
