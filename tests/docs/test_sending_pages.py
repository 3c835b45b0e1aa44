"""The pages about messages say what the program does: magic recipients, meanings of codes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from docs_build import pages
from signalbox.cli.decisions import REASONS
from signalbox.connectors import sink
from signalbox.connectors.sink import Sink
from signalbox.ground.setting_forms import SinkReports
from signalbox.sending.codes import MEANINGS, NO_RCS, OPTED_OUT, UNADDRESSABLE

ROWS: Final = re.findall(r"^\| `(\+1500\d+)` \| (.+?) \| (\d*) ?\| (\d) \|$", pages.text("inbox"), flags=re.MULTILINE)
SINK: Final = Sink(SinkReports(0))
# The sender refuses these before the sink sees them.
BEFORE: Final = {sink.UNREACHABLE: UNADDRESSABLE, sink.OPTED_OUT: OPTED_OUT}


def test_table_has_every_magic_recipient() -> None:
    listed = {address for address, *_ in ROWS}
    numbers = [f"+150055500{n:02}" for n in range(100)]
    plain = SINK.hand_over("SMS", "+14155550199"), SINK.hand_over("RCS", "+14155550199")
    magic = {one for one in numbers if (SINK.hand_over("SMS", one), SINK.hand_over("RCS", one)) != plain}
    assert listed == magic | BEFORE.keys()
    assert len(ROWS) == len(listed)


@pytest.mark.parametrize(("address", "outcome", "code", "attempts"), ROWS, ids=[row[0] for row in ROWS])
def test_magic_recipient_does_what_the_table_says(address: str, outcome: str, code: str, attempts: str) -> None:
    statuses = re.findall("`([A-Z]+)`", outcome)
    if address in BEFORE:
        assert (statuses, int(code), attempts) == (["FAILED"], BEFORE[address], "0")
        return
    taken = SINK.hand_over("SMS", address)
    without_rcs = SINK.hand_over("RCS", address).error == NO_RCS
    assert attempts == ("2" if without_rcs else "1")
    if taken.error:
        assert (statuses, int(code)) == (["FAILED"], taken.error)
        return
    delayed = any(report.after_ms for report in taken.reports)
    assert statuses == ["SENT"] * delayed + [report.status for report in taken.reports]
    assert not delayed or f"{taken.reports[0].after_ms // 1000} seconds" in outcome
    codes = [report.code for report in taken.reports if report.code] + [NO_RCS] * without_rcs
    assert code == "".join(map(str, codes))


@pytest.mark.parametrize("code", MEANINGS)
def test_errors_page_has_the_meaning_of_every_code(code: int) -> None:
    section = re.search(rf"^## {code} .+\n\n(.+)$", pages.text("errors"), flags=re.MULTILINE)
    assert section
    assert section[1].startswith(MEANINGS[code])


def test_reasons_of_decisions_are_explained_on_the_page_and_in_the_console() -> None:
    """tests/cli/test_cli_decisions.py compares those of the command line with the program."""
    section = pages.text("messages").partition("## Why this sender")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", section, flags=re.MULTILINE)) == set(REASONS)
    source = (Path(__file__).parents[2] / "console" / "src" / "decision.tsx").read_text("utf-8")
    assert set(re.findall(r'^  ([A-Z_]+): "', source, flags=re.MULTILINE)) == set(REASONS)
