"""Files as people have them: workbooks, gzip, UTF-16, other delimiters, and what a spreadsheet makes of names."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from commands import Shell, csv_of
from hypothesis import given
from hypothesis import strategies as st
from workbooks import workbook

from signalbox.cli.files import Input
from signalbox.cli.rows import CsvRows, Refusal, Row, open_rows
from signalbox.inventory.csv_text import BADLY_QUOTED
from signalbox.testing import Account

HEADER = ["channel", "address", "displayName"]
TABLE = "channel,address,displayName\nSMS,+12025550100,Zürich\nSMS,+12025550101,=1+1\n"


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account."""
    return Shell(tmp_path, signalbox_server)


class Named(io.BufferedReader):
    """Bytes as a file with a name."""

    name = "senders.csv"


def rows_of(content: bytes) -> CsvRows:
    rows = open_rows(Input(Named(io.BytesIO(content))), None)
    assert isinstance(rows, CsvRows)
    return rows


def names(shell: Shell) -> list[str]:
    return sorted(one["displayName"] for one in shell.lines("senders", "list"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("utf16.csv", TABLE.encode("utf-16")),
        ("tab.txt", TABLE.replace(",", "\t").encode("utf-16")),
        ("semicolon.csv", f"sep=;\r\n{TABLE.replace(',', ';')}".encode("utf-8-sig")),
        ("blank.csv", TABLE.replace("\n", ",,\n").encode() + b",,,,\n" * 1_247),
        ("packed.csv.gz", gzip.compress(TABLE.encode(), mtime=0)),
        ("packed", gzip.compress(TABLE.encode("utf-16"), mtime=0)),
        ("book.xlsx", workbook([[], *(line.split(",") for line in TABLE.splitlines()), [None, ""], [None]])),
        ("book.csv", workbook([line.split(",") for line in TABLE.splitlines()])),
        ("book.xlsx.gz", gzip.compress(workbook([line.split(",") for line in TABLE.splitlines()]))),
    ],
)
def test_file_in_another_form_is_imported(shell: Shell, name: str, content: bytes) -> None:
    done = shell("senders", "import", shell.write(name, content))
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 created, 0 updated, 0 refused\n", "")
    assert names(shell) == ["=1+1", "Zürich"]
    done = shell("senders", "import", "-", stdin=content)
    assert (done.returncode, done.stdout) == (0, "0 created, 2 updated, 0 refused\n")
    done = shell("pools", "create", "all", "--senders", name, "--watch")
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 created, 0 failed, 0 queued" in done.stdout


def test_packed_ndjson_and_pools_are_read(shell: Shell) -> None:
    line = b'{"channel": "SMS", "address": "+12025550100"}\n'
    assert shell.json("senders", "import", shell.write("a.ndjson.gz", gzip.compress(line, mtime=0)))["created"] == 1
    shell.write("pools.yaml.gz", gzip.compress(b"pools:\n  support:\n    tags: {team: red}\n"))
    assert "1 to create" in shell("pools", "apply", "pools.yaml.gz", "--yes").stdout


def test_badly_quoted_row_is_refused_alone_and_its_line_is_kept(shell: Shell) -> None:
    shell.write("a.csv", csv_of(3) + 'SMS,+12022000003,"open\nSMS,+12022000004,"ok"\n')
    done = shell("senders", "import", "a.csv")
    assert (done.returncode, done.stdout) == (3, "4 created, 0 updated, 1 refused\n")
    assert f"line 5: $[3]: {BADLY_QUOTED}" in done.stderr
    with (shell.folder / "a.refused.csv").open(newline="", encoding="utf-8") as file:
        _, row = csv.reader(file, strict=True)
    assert row == ["5", "$[3]", "20001", BADLY_QUOTED, 'SMS,+12022000003,"open']
    again = shell("senders", "import", "a.refused.csv")
    assert (again.returncode, again.stdout) == (3, "0 created, 0 updated, 1 refused\n")
    problems = shell("pools", "create", "p", "--senders", "a.csv")
    assert (problems.returncode, problems.stdout) == (1, "")
    assert f"a.csv, line 5: {BADLY_QUOTED}" in problems.stderr


def test_refused_rows_go_back_in_the_form_in_which_they_came(shell: Shell) -> None:
    shell.write("semicolon.csv", "channel;address\nSMS;+1555\n")
    assert shell("senders", "import", "semicolon.csv").returncode == 3
    text = (shell.folder / "semicolon.refused.csv").read_bytes()
    assert text.startswith(b"refusedLine;refusedContext;refusedCode;refusedMessage;channel;address\n2;$[0].address;")
    shell.write("book.xlsx", workbook([HEADER, ["SMS", 12025550100, "Zürich"], ["SMS", True, 4.5]]))
    done = shell("senders", "import", "book.xlsx")
    assert (done.returncode, done.stdout) == (3, "0 created, 0 updated, 2 refused\n")
    text = (shell.folder / "book.refused.csv").read_bytes()
    assert text.startswith("\ufeff".encode())  # a spreadsheet reads UTF-8 by its mark only
    with (shell.folder / "book.refused.csv").open(newline="", encoding="utf-8-sig") as file:
        _, number, other = csv.reader(file)
    assert (number[0], number[4:]) == ("2", ["SMS", "12025550100", "Zürich"])
    assert (other[0], other[4:]) == ("3", ["SMS", "TRUE", "4.5"])
    shell.write("packed.csv.gz", gzip.compress(b"channel,address\nSMS,+1555\n"))
    assert "refused rows are in packed.refused.csv" in shell("senders", "import", "packed.csv.gz").stderr


def test_names_that_begin_like_a_formula_are_neutralised_and_come_back(shell: Shell) -> None:
    given = ["=1+1", "'=1+1", "''=x", "+1", "-x", "@x", "'", "''", "a=b", "x"]
    bad = "".join(f"SMS,+1202,{name}\n" for name in given)
    shell.write("a.csv", f"channel,address,displayName\n{bad}")
    assert shell("senders", "import", "a.csv").returncode == 3
    path = shell.folder / "a.refused.csv"
    with path.open(newline="", encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    assert [row[-1] for row in rows] == ["'=1+1", "''=1+1", "'''=x", "'+1", "'-x", "'@x", "'", "''", "a=b", "x"]
    text = path.read_text("utf-8")
    for number in range(len(given)):
        text = text.replace("+1202,", f"+120255501{number:02},", 1)
    path.write_text(text, "utf-8")
    done = shell("senders", "import", path.name)
    assert (done.returncode, done.stdout) == (0, "10 created, 0 updated, 0 refused\n")
    assert names(shell) == sorted(given)


CELLS = st.text(st.sampled_from("ab\"',;\t=+-@\r\n ＝é"), max_size=6)


@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3).filter(lambda row: "".join(row).strip()), min_size=1, max_size=5),
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_written_rows_are_read_again_as_they_were(rows: list[list[str]], delimiter: str, encoding: str) -> None:
    """However often they are refused: what a request would hold stays the same."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([HEADER, *rows])
    content, expected = out.getvalue().encode(encoding), rows
    for _ in range(3):
        file = rows_of(content)
        read = list(file)
        assert [next(csv.reader(io.StringIO(row.body.decode(), newline=""))) for row in read] == expected
        content = file.mark + file.refused_head() + b"".join(file.refused(row, [_why(row)]) for row in read)
        for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter):
            assert not any(cell[:1] in tuple("=+-@\t\r\n＝") for cell in row)


def _why(row: Row) -> Refusal:
    return Refusal(row.line, f"$[{row.index}]", 20001, "wrong, and so on")


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("a.csv", b"PK\x03\x04 but not a workbook", 2, "is no workbook that can be read"),
        ("a.csv.bz2", b"BZh91AY&SY", 2, "is a bzip2 file"),
        ("a.csv", TABLE.encode("utf-16-le"), 2, "UTF-16 needs a byte order mark"),
        ("a.csv", b'channel,"address\nSMS,+1\n', 2, f"not valid CSV: line 1: {BADLY_QUOTED}"),
        ("a.csv", TABLE.encode("utf-16") + b"x", 1, "not UTF-16-LE"),
        ("a.xlsx", workbook([HEADER]), 1, "contains no rows"),
        ("a.xlsx", workbook([]), 1, "contains no rows"),
    ],
)
def test_file_that_cannot_be_read_is_said(shell: Shell, name: str, content: bytes, code: int, said: str) -> None:
    done = shell("senders", "import", shell.write(name, content))
    assert done.returncode == code
    assert said in done.stderr


def test_workbook_that_is_given_as_yaml_is_named(shell: Shell) -> None:
    shell.write("pools.yaml", workbook([HEADER]))
    done = shell("pools", "apply", "pools.yaml", "--yes")
    assert (done.returncode, done.stderr) == (2, "signalbox: pools.yaml: is a workbook or a ZIP file, not YAML\n")


def test_gzip_file_that_is_cut_off_enters_what_precedes_the_cut(shell: Shell) -> None:
    packed = gzip.compress(csv_of(30_000).encode())
    shell.write("a.csv.gz", packed[: len(packed) // 2])
    done = shell("senders", "import", "a.csv.gz", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["created"] == report["rows"] > 1_000
    assert "the gzip file cannot be unpacked further" in done.stderr
    assert f"all rows up to line {report['rows'] + 1} were sent" in done.stderr


def test_other_sheets_are_said(shell: Shell) -> None:
    sheet = [line.split(",") for line in TABLE.splitlines()]
    done = shell("senders", "import", shell.write("a.xlsx", workbook(sheet, sheet)))
    assert (done.returncode, done.stdout) == (0, "2 created, 0 updated, 0 refused\n")
    assert done.stderr == "signalbox: a.xlsx: only the sheet Sheet1 is read; the workbook has 1 more\n"
