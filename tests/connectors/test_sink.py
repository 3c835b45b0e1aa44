"""The sink: when it reports, as the setting `sink_reports` says. Contract section 13."""

from __future__ import annotations

import pytest

from people import Served
from sends import PATH, SMS, counts, to, whole
from signalbox.connectors.sink import Sink
from signalbox.db import Database
from signalbox.ground.metrics import Metrics
from signalbox.ground.setting_forms import SinkReports
from signalbox.worker import Workers


def reports(sink: Sink, address: str) -> list[tuple[str, int]]:
    """Status and milliseconds of each report about an SMS."""
    return [(one.status, one.after_ms) for one in sink.hand_over("SMS", address).reports]


@pytest.mark.parametrize(
    ("seconds", "plain", "read", "delayed"),
    [
        (0, [("DELIVERED", 0)], [("DELIVERED", 0), ("READ", 0)], [("DELIVERED", 10_000)]),
        (5, [("DELIVERED", 5_000)], [("DELIVERED", 5_000), ("READ", 5_000)], [("DELIVERED", 15_000)]),
        (None, [], [], []),
    ],
)
def test_reports_come_when_the_setting_says(
    seconds: int | None,
    plain: list[tuple[str, int]],
    read: list[tuple[str, int]],
    delayed: list[tuple[str, int]],
) -> None:
    sink = Sink(SinkReports(seconds))
    assert reports(sink, "+14155550199") == plain
    assert reports(sink, "+15005550071") == read
    assert reports(sink, "+15005550070") == delayed


@pytest.mark.parametrize(("seconds", "text"), [(0, "at-once"), (5, "after:5"), (None, "by-hand")])
def test_setting_is_shown_as_it_is_written(seconds: int | None, text: str) -> None:
    assert str(SinkReports(seconds)) == text


def test_what_the_sink_refuses_is_refused_whatever_it_reports() -> None:
    for seconds in (0, 5, None):
        sink = Sink(SinkReports(seconds))
        assert sink.hand_over("SMS", "+15005550003").error == 21408
        assert sink.hand_over("RCS", "+15005550061").error == 61337


async def test_message_by_hand_waits_for_the_report_of_its_test(database: Database) -> None:
    ada = await (await Served.on(database)).account("Ada")
    await ada.enter([SMS])
    response = await ada.post(PATH, json={"to": to("+14155550199", "+15005550033"), "content": {"text": "hello"}})
    workers = Workers(database, 0, Metrics(), Sink(SinkReports(None)))
    while await workers.unit():
        pass
    operation = await ada.finished(response)
    assert counts(operation) == {"sent": 2}
    (_, message) = await ada.walk(f"{PATH}?operationId={operation['id']}", "messages")
    assert (await ada.post(f"/signalbox/v1/Inbox/{message['id']}/Report", json={"status": "READ"})).status_code == 202
    assert (await whole(ada, message))["status"] == "READ"
