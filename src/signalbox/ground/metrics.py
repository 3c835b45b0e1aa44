"""Metrics of the processes on one port, counted in shared memory and written in Prometheus' format at each scrape.

Counting costs less than a microsecond a request; `prometheus_client` is imported at the first scrape.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Literal

from signalbox.ground.metric_slots import Slots

if TYPE_CHECKING:
    from prometheus_client.core import Metric

# Upper bounds in seconds.
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# The values of a histogram's series: a count for each bucket and one for what is above them, then the sum.
_SUM: Final = len(_BUCKETS) + 1
# The first word of a series' name is its kind, the others are the labels.
_GAUGE: Final = "gauge"
_TOTAL: Final = "total"
# Figures of the database that only grow.
_GROWING: Final = frozenset({"transactions", "commits", "retries"})


class Metrics:
    """The metrics that one process counts. It also knows those of the other processes with the same `slots`."""

    def __init__(self, slots: Slots | None = None, slot: int = 0) -> None:
        self._slots = slots or Slots(1)
        self._slot = slot
        self._numbers = self._slots.numbers
        # A process that replaces another one finds the series of its slot.
        self._series = dict(self._slots.names(slot))
        self._requests: dict[tuple[str, str, int], int] = {}
        self._batches = self._at("batch")
        self._items = self._at("item created"), self._at("item failed")
        # What earlier processes of the slot had counted.
        self._before = {name: self._numbers[self._at(f"{_TOTAL} {name}")] for name in sorted(_GROWING)}

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one response."""
        at = self._requests.get((route, method, status))
        if at is None:
            # A client can invent methods; unknown ones share a label, so that the number of series stays bounded.
            known = method in ("GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS")
            at = self._at(f"request {route} {method if known else 'other'} {status}")
            if known:
                self._requests[route, method, status] = at
        self._observe(at, seconds)

    def batch(self, created: int, failed: int, seconds: float) -> None:
        """Counts one batch of an operation."""
        self._observe(self._batches, seconds)
        for at, count in zip(self._items, (created, failed), strict=True):
            self._numbers[at] += count

    def work(self, kind: str, outcome: Literal["done", "failed", "retried"]) -> None:
        """One unit of work of this kind was done, has failed, or is tried after a failure."""
        self._numbers[self._at(f"work {kind} {outcome}")] += 1

    def ready(self) -> None:
        """This process responds to requests from now on."""
        self._numbers[self._at(f"{_GAUGE} processes")] = 1

    def restarted(self) -> None:
        """A process that had ended was started again."""
        self._numbers[self._at("restart")] += 1

    def ended(self, slot: int) -> None:
        """The process with this slot has ended: it has no connections, and nothing waits in it."""
        for name, at in self._slots.names(slot):
            if name.startswith(f"{_GAUGE} "):
                self._numbers[at] = 0

    def publish(self, figures: Mapping[str, float]) -> None:
        """Makes the figures of this process' database known to the other processes."""
        for name, value in figures.items():
            if name in _GROWING:
                self._numbers[self._at(f"{_TOTAL} {name}")] = self._before[name] + value
            else:
                self._numbers[self._at(f"{_GAUGE} {name}")] = value

    def exposition(self, figures: Mapping[str, float], backlog: Mapping[str, float]) -> bytes:
        """The text for a Prometheus scrape: this process' figures of its database, and the backlog in it.

        Without a backlog, the database did not respond.
        """
        from prometheus_client import CollectorRegistry, generate_latest

        self.publish(figures)
        sums = self._slots.sums()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector([*_counted(sums), *_gauges(sums, figures, backlog)]))
        return generate_latest(registry)

    def _at(self, name: str) -> int:
        at = self._series.get(name)
        if at is None:
            at = self._series[name] = self._slots.add(self._slot, name)
        return at

    def _observe(self, at: int, seconds: float) -> None:
        self._numbers[at + bisect_left(_BUCKETS, seconds)] += 1
        self._numbers[at + _SUM] += seconds


_Sums = Mapping[str, Sequence[float]]


def _counted(sums: _Sums) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    requests = HistogramMetricFamily(
        "signalbox_request_seconds", "Time to respond to requests.", labels=["route", "method", "status"]
    )
    for labels, values in _of_kind("request", sums):
        requests.add_metric(labels, _cumulative(values), values[_SUM])
    yield requests
    batches = HistogramMetricFamily("signalbox_batch_seconds", "Time to apply batches of operations.")
    for _, values in _of_kind("batch", sums):
        batches.add_metric([], _cumulative(values), values[_SUM])
    yield batches
    items = CounterMetricFamily("signalbox_items", "Items applied by these processes.", labels=["outcome"])
    work = CounterMetricFamily("signalbox_work", "Units of work of these processes.", labels=["kind", "outcome"])
    for kind, counter in (("item", items), ("work", work)):
        for labels, values in _of_kind(kind, sums):
            counter.add_metric(labels, values[0])
        yield counter
    restarts = sum(values[0] for _, values in _of_kind("restart", sums))
    yield CounterMetricFamily("signalbox_process_restarts", "Processes started again after their end.", restarts)


def _gauges(sums: _Sums, figures: Mapping[str, float], backlog: Mapping[str, float]) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    def summed(name: str) -> float:
        return sums[f"{_TOTAL if name in _GROWING else _GAUGE} {name}"][0]

    yield GaugeMetricFamily(
        "signalbox_processes", "Processes that respond on this port.", sums.get(f"{_GAUGE} processes", [0.0])[0]
    )
    for name, value in backlog.items():
        yield GaugeMetricFamily(
            f"signalbox_backlog_{name}",
            "Work waiting, of all processes on this database; at most 10,000 operations are counted.",
            value,
        )
    database = {"up": float(bool(backlog))} | {name: summed(name) for name in figures}
    for name, value in database.items():
        yield GaugeMetricFamily(f"signalbox_database_{name}", "These processes and their database.", value)


def _of_kind(kind: str, sums: _Sums) -> list[tuple[list[str], Sequence[float]]]:
    """The labels and the values of each series of a kind, in order."""
    found = sorted((name.split(" "), values) for name, values in sums.items())
    return [(labels, values) for (one, *labels), values in found if one == kind]


def _cumulative(values: Sequence[float]) -> list[tuple[str, float]]:
    return list(zip((*map(str, _BUCKETS), "+Inf"), accumulate(values[:_SUM]), strict=True))


class _Collector:
    def __init__(self, families: "list[Metric]") -> None:
        self._families = families

    def collect(self) -> "list[Metric]":
        return self._families
