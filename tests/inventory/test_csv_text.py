"""CSV as people have it: delimiters, blank rows, badly quoted cells, formulas."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.inventory.csv_text import REFUSED_COLUMNS, Record, Records, Table, neutralised, restored

CELLS = st.text(st.sampled_from("ab\"',;\t=+-@\r\n ＝é"), max_size=6)


def table(text: str) -> tuple[list[str], list[tuple[int, list[str] | None]]]:
    found = Table(Records(io.StringIO(text, newline="")))
    return found.header, [(row.line, row.cells) for row in found if row]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("above", ["", "\n", "{0}{0}\r\n", '"sep={0}"\r\n', "sep={0}\n\n"])
def test_delimiter_is_the_first_in_the_header(delimiter: str, above: str) -> None:
    text = above.format(delimiter) + f'"channel"{delimiter}address\nSMS{delimiter}"a{delimiter}b,;"\n'
    header, [(_, cells)] = table(text)
    assert header == ["channel", "address"]
    assert cells == ["SMS", f"a{delimiter}b,;"]


def test_blank_rows_and_empty_cells_beyond_the_header_are_ignored() -> None:
    text = ",,\nchannel,address,, \n,,,\n , \t\nSMS,+1,,,,\n\nSMS,\n,+1\nSMS\nSMS,+1,x\n,,\n"
    assert table(text) == (
        ["channel", "address"],
        [(5, ["SMS", "+1"]), (7, ["SMS", ""]), (8, ["", "+1"]), (9, ["SMS"]), (10, ["SMS", "+1", "x"])],
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (['1,"a', '2,"b"', "3,c"], [None, ["2", "b"], ["3", "c"]]),
        (['1,"a" x', "2,b"], [None, ["2", "b"]]),
        (['1,"a', "2,b", "3,c"], [None, ["2", "b"], ["3", "c"]]),
        (['1,"a', "2,b", '3,"c', "4,d", '5,"e" x', "6,f"], [None, ["2", "b"], None, ["4", "d"], None, ["6", "f"]]),
        (['1,"two', 'lines" x', "2,b"], [None, ['lines" x'], ["2", "b"]]),
        (['1,"two', 'lines"', "2,b"], [["1", "two\nlines"], ["2", "b"]]),
        (['1,"x"",""', '",y', "2,b"], [["1", 'x","\n', "y"], ["2", "b"]]),
        (['1,5" screen', "2,b"], [["1", '5" screen'], ["2", "b"]]),
    ],
)
def test_badly_quoted_row_ends_with_its_first_line(rows: list[str], expected: list[list[str] | None]) -> None:
    assert [cells for _, cells in table("\n".join(["h,i", *rows]))[1]] == expected


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3).filter(lambda row: "".join(row).strip()), max_size=6))
def test_what_rfc_4180_can_read_is_read_by_it(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["header", "b", "c"], *rows])
    found = [cells for _, cells in table(out.getvalue())[1]]
    assert found == [[*row[:3]] for row in rows]


@given(st.text(st.sampled_from('ab",\n'), max_size=40))
def test_no_line_is_lost_whatever_is_quoted(text: str) -> None:
    """Each line is in one row: in a good one, or in a bad one of its own."""
    lines = io.StringIO(text, newline="").readlines()
    rows = [row for row in Records(lines) if row]
    assert [row.line for row in rows] == sorted({row.line for row in rows})
    for row, following in zip(rows, [*rows[1:], Record(len(lines) + 1, [])], strict=False):
        if row.cells is None:
            assert following.line == row.line + 1
            assert row.text == lines[row.line - 1].rstrip("\r\n")
        else:
            raw = "".join(lines[row.line - 1 : following.line - 1])
            read = next(csv.reader(io.StringIO(raw, newline=""), strict=True))
            assert row.cells == (read or [""])  # an empty line


@pytest.mark.parametrize("line", ['x","y\n', '"\n', '"x\n', '""",\n', 'a,"""b\n'])
def test_time_is_linear_whatever_is_quoted(line: str) -> None:
    def seconds(count: int) -> float:
        start = time.process_time()
        for _ in Records(io.StringIO("h,i\n" + line * count, newline="")):
            pass
        return time.process_time() - start

    seconds(1_000)
    assert seconds(32_000) < 40 * max(seconds(4_000), 0.01)


def test_quote_that_never_closes_costs_only_its_row() -> None:
    rows = [f"{number},{'x' * 90}" for number in range(20_000)]
    found = table("\n".join(["h,i", '0,"open', *rows]))[1]
    assert found[0] == (2, None)
    assert len(found) == 20_001


@given(CELLS)
def test_neutralised_cell_is_restored_and_begins_no_formula(cell: str) -> None:
    assert restored(neutralised(cell)) == cell
    assert neutralised(cell)[:1] not in tuple("=+-@\t\r\n＝")


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("'=1+1", "''=1+1"),
        ("@x", "'@x"),
        ("-", "'-"),
        ("\tx", "'\tx"),
        ("+1", "'+1"),
        ("'quoted'", "'quoted'"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_only_what_begins_like_a_formula_is_neutralised(cell: str, written: str) -> None:
    assert neutralised(cell) == written
    assert restored(written) == cell


def test_file_of_refused_rows_is_read_as_the_rows_that_were_refused() -> None:
    head = ",".join([*REFUSED_COLUMNS, "channel", "address", "displayName"])
    text = f"{head}\n2,$[0],20001,m,SMS,+1,'=x\n3,$[1],20001,m,SMS,+1,''=x\n4,$[2],20001,m,,,\n"
    assert table(text) == (
        ["channel", "address", "displayName"],
        [(2, ["SMS", "+1", "=x"]), (3, ["SMS", "+1", "'=x"])],
    )
    assert table("channel,address,displayName\nSMS,+1,'=x\n")[1] == [(2, ["SMS", "+1", "'=x"])]
