"""Metrics of several processes in shared memory: they add up, and no counter goes back."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from signalbox.ground import metric_slots
from signalbox.ground.metric_slots import Slots
from signalbox.ground.metrics import Metrics

FIGURES: Mapping[str, float] = {"connections_in_use": 2, "transactions": 10, "commits": 10, "retries": 1}


def samples(metrics: Metrics, figures: Mapping[str, float] = FIGURES) -> dict[tuple[str, ...], float]:
    """The samples of a scrape, by name and values of the labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.exposition(figures, {}).decode())
        for sample in family.samples
    }


def test_figures_of_all_processes_add_up_in_every_scrape() -> None:
    slots = Slots(3)
    supervisor, one, two = (Metrics(slots, number) for number in range(3))
    for metrics, count in ((one, 3), (two, 4)):
        for _ in range(count):
            metrics.request("senders.list", "GET", 200, 0.003)
        metrics.batch(5, 1, 0.02)
        metrics.work("pool_operations", "done")
        metrics.ready()
        metrics.publish(FIGURES)
    supervisor.restarted()
    found = samples(one)
    assert found == samples(two)
    assert found["signalbox_request_seconds_count", "GET", "senders.list", "200"] == 7
    assert found["signalbox_request_seconds_bucket", "0.0025", "GET", "senders.list", "200"] == 0
    assert found["signalbox_request_seconds_bucket", "0.005", "GET", "senders.list", "200"] == 7
    assert round(found["signalbox_request_seconds_sum", "GET", "senders.list", "200"], 9) == 0.021
    assert found["signalbox_batch_seconds_count",] == 2
    assert (found["signalbox_items_total", "created"], found["signalbox_items_total", "failed"]) == (10, 2)
    assert found["signalbox_work_total", "pool_operations", "done"] == 2
    assert (found["signalbox_processes",], found["signalbox_process_restarts_total",]) == (2, 1)
    assert found["signalbox_database_connections_in_use",] == 4
    assert found["signalbox_database_transactions",] == 20


def test_process_that_replaces_another_goes_on_counting() -> None:
    """Its gauges are its own: the connections of the process that ended are closed."""
    slots = Slots(3)
    supervisor, one, two = (Metrics(slots, number) for number in range(3))
    for metrics in (one, two):
        metrics.request("senders.list", "GET", 200, 0.003)
        metrics.ready()
        metrics.publish(FIGURES)
    supervisor.ended(2)
    between = samples(one)
    assert between["signalbox_processes",] == 1
    assert between["signalbox_database_connections_in_use",] == 2
    assert between["signalbox_database_transactions",] == 20
    replacement = Metrics(slots, 2)
    replacement.publish(dict.fromkeys(FIGURES, 0))
    replacement.request("senders.list", "GET", 200, 0.003)
    replacement.publish({**FIGURES, "transactions": 5})
    found = samples(one)
    assert found["signalbox_request_seconds_count", "GET", "senders.list", "200"] == 3
    assert found["signalbox_database_transactions",] == 25
    assert found["signalbox_database_connections_in_use",] == 4


def test_series_of_a_process_that_died_while_it_made_one_is_made_again() -> None:
    """The name is written before the row counts: an unfinished row is written again."""
    slots = Slots(1)
    first = slots.add(0, "work a done")
    slots.numbers[0] = 0
    assert slots.add(0, "work b done") == first
    assert slots.sums().keys() == {"work b done"}


def test_full_slot_counts_what_it_knows_and_leaves_other_slots_alone() -> None:
    slots = Slots(2)
    full, other = Metrics(slots, 0), Metrics(slots, 1)
    other.request("senders.list", "GET", 200, 0.003)
    for number in range(metric_slots.ROWS + 10):
        full.request("senders.list", "GET", number, 0.003)
    full.request("senders.list", "GET", 0, 0.003)
    found = samples(other)
    assert found["signalbox_request_seconds_count", "GET", "senders.list", "0"] == 2
    assert found["signalbox_request_seconds_count", "GET", "senders.list", "200"] == 2
    assert ("signalbox_request_seconds_count", "GET", "senders.list", str(metric_slots.ROWS)) not in found
