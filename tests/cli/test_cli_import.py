"""`signalbox senders import`: files of any size and form, refused rows, and interruptions."""

from __future__ import annotations

import csv
import gzip
import json
import signal
from pathlib import Path

import pytest
from commands import Shell, Terminal, csv_of

from processes import ACCOUNT, Serve, eventually
from signalbox.testing import Account

NDJSON = [
    '{"channel": "SMS", "address": "+12025550100", "displayName": "Grüße"}',
    "",
    '{"channel": "SMS", "address": "+1555"}',
    "no JSON at all",
    "[1]",
    '{"channel": "EMAIL", "address": "hello@example.com", "tags": {"team": "red"}}',
    "{}",
]


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account."""
    return Shell(tmp_path, signalbox_server)


def test_import_sends_files_larger_than_a_request(shell: Shell) -> None:
    shell.write("senders.csv", csv_of(10_001) + "SMS,+1555,\n")
    done = shell("senders", "import", "senders.csv")
    assert done.returncode == 3
    assert done.stdout == "10,001 created, 0 updated, 1 refused\n"
    assert "line 10003: $[10001].address: " in done.stderr
    assert "refused rows are in senders.refused.csv" in done.stderr
    again = shell.json("senders", "import", "-", stdin=csv_of(10_001))
    expected = {"complete": True, "rows": 10_001, "created": 0, "updated": 10_001, "refused": 0}
    assert again == expected | {"warnings": 0, "refusedFile": None}


def test_numbers_that_no_plan_knows_are_imported_with_warnings(shell: Shell) -> None:
    """+1 436 is in service since 2024. Only some warnings are shown, and how many more there are."""
    text = csv_of(10_000) + "".join(f"SMS,+14365550{number:03},\n" for number in range(12))
    shell.write("senders.csv", text)
    done = shell("senders", "import", "senders.csv")
    assert (done.returncode, done.stdout) == (0, "10,012 created, 0 updated, 0 refused, 12 with a warning\n")
    shown = done.stderr.splitlines()
    place = "line 10002: $[10000].address"
    assert shown[0] == f"signalbox: warning: {place}: no numbering plan assigns such a number"
    assert shown[10:] == ["signalbox: warning: 2 more; the rows with a warning were entered"]
    assert shell.json("senders", "import", "senders.csv")["warnings"] == 12


def test_refused_rows_of_csv_can_be_corrected_and_imported_again(shell: Shell) -> None:
    rows = [
        "channel,address,displayName,tags",
        "SMS,+12025550100,good,",
        "",
        'SMS,+1555,"two\nlines, and ""quotes""",team=red',
        "SMS,+12025550101,too,many,cells",
        "SMSS,+1555,two problems,",
    ]
    shell.write("my.senders.csv", "\ufeff" + "\r\n".join(rows) + "\r\n")
    done = shell("senders", "import", "my.senders.csv")
    assert (done.returncode, done.stdout) == (3, "1 created, 0 updated, 3 refused\n")
    path = shell.folder / "my.senders.refused.csv"
    with path.open(newline="", encoding="utf-8-sig") as file:  # the mark of the imported file
        head, first, second, third = csv.reader(file)
    assert head[:4] == ["refusedLine", "refusedContext", "refusedCode", "refusedMessage"]
    assert head[4:] == ["channel", "address", "displayName", "tags"]
    assert [row[0] for row in (first, second, third)] == ["4", "6", "7"]
    assert first[1:3] == ["$[1].address; $[1].displayName", "20001"]
    assert first[4:] == ["SMS", "+1555", 'two\nlines, and "quotes"', "team=red"]
    assert second[4:] == ["SMS", "+12025550101", "too", "many", "cells"]
    assert third[1].startswith("$[3].channel")
    text = path.read_text("utf-8")
    corrected = text.replace("+1555", "+12025550102").replace(",too,many,cells", ",too,").replace("SMSS", "RCS")
    corrected = corrected.replace("two\nlines", "two lines")
    path.write_text(corrected, "utf-8", newline="")
    done = shell("senders", "import", path.name)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 created, 0 updated, 0 refused\n", "")
    names = {one["displayName"] for one in shell.lines("senders", "list")}
    assert names == {"good", 'two lines, and "quotes"', "too", "two problems"}


def test_refused_rows_of_ndjson_can_be_corrected_and_imported_again(shell: Shell) -> None:
    shell.write("senders.ndjson", "\n".join(NDJSON))
    done = shell("senders", "import", "senders.ndjson")
    assert (done.returncode, done.stdout) == (3, "2 created, 0 updated, 4 refused\n")
    path = shell.folder / "senders.refused.ndjson"
    number, why_text, text, why_array, array, empty = path.read_text("utf-8").splitlines()
    assert json.loads(number)["address"] == "+1555"
    (refused,) = json.loads(number)["refused"]
    assert {**refused, "message": ""} == {"line": 3, "context": "$[1].address", "code": 20001, "message": ""}
    assert [json.loads(why)["refused"][0]["line"] for why in (why_text, why_array)] == [4, 5]
    assert (text, array) == ("no JSON at all", "[1]")
    assert [one["context"] for one in json.loads(empty)["refused"]] == ["$[5].channel", "$[5].address"]
    good = '{"channel": "SMS", "address": "+12025550105"}'
    lines = [number.replace("+1555", "+12025550104"), why_text, good, why_array, empty.replace("{", good[:-1] + ",", 1)]
    path.write_text("\n".join(lines), "utf-8")
    done = shell("senders", "import", path.name)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 created, 1 updated, 0 refused\n", "")


def test_refused_rows_never_replace_a_file_that_exists(shell: Shell) -> None:
    shell.write("a.csv", "channel,address\nSMS,+1555\n")
    shell.write("a.refused.csv", "mine")
    done = shell("senders", "import", "a.csv")
    assert done.returncode == 3
    assert (shell.folder / "a.refused.csv").read_text("utf-8") == "mine"
    assert "refused rows are in a.refused-2.csv" in done.stderr
    once_more = shell("senders", "import", "a.refused-2.csv", "--json")
    assert json.loads(once_more.stdout)["refusedFile"] == "a.refused-3.csv"
    chosen = shell("senders", "import", "a.csv", "--refused", "a.refused.csv")
    assert (chosen.returncode, chosen.stdout) == (2, "")
    fine = shell("senders", "import", "a.csv", "--refused", "b.csv")
    assert fine.returncode == 3
    assert (shell.folder / "b.csv").exists()


def test_rows_that_are_not_utf8_are_refused_alone_and_keep_their_bytes(shell: Shell) -> None:
    shell.write("a.csv", b"channel,address,displayName\nSMS,+12025550100,Z\xfcrich\nSMS,+12025550101,ok\n")
    done = shell("senders", "import", "a.csv")
    assert (done.returncode, done.stdout) == (3, "1 created, 0 updated, 1 refused\n")
    assert "line 2: $[0]: not UTF-8" in done.stderr
    assert b"Z\xfcrich" in (shell.folder / "a.refused.csv").read_bytes()
    shell.write("a.ndjson", b'{"channel": "SMS", "address": "\xfc"}\n')
    assert shell("senders", "import", "a.ndjson").returncode == 3
    assert b'"\xfc"' in (shell.folder / "a.refused.ndjson").read_bytes()


def test_format_is_the_one_given_or_named_or_looked_at(shell: Shell) -> None:
    line = '{"channel": "SMS", "address": "+12025550100"}\n'
    assert shell.json("senders", "import", shell.write("a.jsonl", line))["created"] == 1
    assert shell.json("senders", "import", shell.write("a.txt", f"\n {line}"))["updated"] == 1
    assert shell.json("senders", "import", "-", stdin=line)["updated"] == 1
    assert shell.json("senders", "import", "-", stdin="channel,address\nSMS,+12025550100\n")["updated"] == 1
    assert shell.json("senders", "import", "--format", "ndjson", shell.write("a.csv", line))["updated"] == 1


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b'[{"channel": "SMS"}]', 2, "is a JSON array"),
        (b"", 1, "contains no rows"),
        (b"\n\n", 1, "contains no rows"),
        (b"channel,address\n", 1, "contains no rows"),
        (b"channel,adress\nSMS,+1\n", 1, "did you mean address?"),
        (b'{"channel": "SMS"}'.decode().encode("utf-16")[:-1], 1, "line 1 or later: not UTF-16"),
        (gzip.compress(b"channel,address\n")[:-8] + b"\0" * 8, 1, "CRC check failed"),
    ],
    ids=["array", "empty", "blank", "header", "columns", "half a character", "damaged"],
)
def test_file_that_cannot_be_imported_is_said(shell: Shell, content: bytes, code: int, said: str) -> None:
    done = shell("senders", "import", shell.write("a.txt", content))
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert shell.lines("senders", "list") == []


def test_what_precedes_an_unreadable_line_enters_and_is_said(shell: Shell) -> None:
    shell.write("a.csv", csv_of(3) + "SMS," + "1" * (11 << 20))
    done = shell("senders", "import", "a.csv", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["created"] == 3
    assert json.loads(done.stdout)["complete"] is False
    first, *more = done.stderr.splitlines()
    assert first == "signalbox: line 5: longer than 10 MiB"
    assert "all rows up to line 4 were sent" in "".join(more)


def test_file_that_is_missing_is_misuse(shell: Shell) -> None:
    done = shell("senders", "import", "nowhere.csv")
    assert (done.returncode, done.stdout) == (2, "")


def test_import_shows_rows_rate_and_time_left_on_a_terminal_only(shell: Shell) -> None:
    shell.write("a.csv", csv_of(20_000))
    with Terminal(shell, "senders", "import", "a.csv") as terminal:
        assert terminal.ends() == 0
    assert "importing 10,000 rows" in terminal.text
    assert "/s" in terminal.text
    assert "ETA" in terminal.text
    assert terminal.text.endswith("20,000 created, 0 updated, 0 refused\r\n")
    assert terminal.text.rindex("\x1b[?25h") > terminal.text.rindex("\x1b[?25l")
    done = shell("senders", "import", "a.csv")
    assert (done.stdout, done.stderr) == ("0 created, 20,000 updated, 0 refused\n", "")


def test_interrupted_import_says_what_was_sent_and_exits_130(shell: Shell, signalbox_server: Account) -> None:
    process = shell.start("senders", "import", "-")
    assert process.stdin
    process.stdin.write(csv_of(10_500).encode())
    process.stdin.flush()
    eventually(lambda: bool(signalbox_server._call("GET", "/v1/Senders?pageSize=1")["senders"]), "rows enter")
    # The last row in the pipe may still be in a buffer: the command waits for more input.
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert out == b"10,000 created, 0 updated, 0 refused\n"
    lines = err.decode().splitlines()
    assert lines[0] == "signalbox: interrupted"
    assert "all rows up to line 10001 were sent" in lines[1]
    assert "the whole file can be imported again" in lines[1]


def test_import_waits_when_the_server_says_later(tmp_path: Path, serve: Serve) -> None:
    """The rate limit permits a request every two seconds: the second and third get a 429 at first."""
    server = serve(f"sqlite:///{tmp_path / 'a.db'}", env={**ACCOUNT, "SIGNALBOX_RATE_LIMIT": "1/2"})
    shell = Shell(tmp_path, SIGNALBOX_URL=server.url, **ACCOUNT)
    done = shell.json("senders", "import", "-", stdin=csv_of(20_001))
    assert (done["created"], done["refused"]) == (20_001, 0)
    assert sum(line["event"] == "request" and line["status"] == 429 for line in server.log) >= 1


def test_import_that_loses_its_server_says_what_was_sent_and_can_be_repeated(tmp_path: Path, serve: Serve) -> None:
    database = f"sqlite:///{tmp_path / 'a.db'}"
    server = serve(database)
    shell = Shell(tmp_path, SIGNALBOX_URL=server.url, **ACCOUNT)
    process = shell.start("senders", "import", "-")
    assert process.stdin
    text = csv_of(20_000).encode()
    middle = text.index(b"SMS,+12022010005")
    process.stdin.write(text[:middle])
    process.stdin.flush()
    eventually(lambda: any(line.get("created") == 10_000 for line in server.log), "the first request has its response")
    server.kill()
    out, err = process.communicate(text[middle:], timeout=300)
    assert process.returncode == 1
    assert out == b"10,000 created, 0 updated, 0 refused\n"
    assert b"nothing listens on " in err
    assert b"all rows up to line 10001 were sent" in err
    shell.env["SIGNALBOX_URL"] = serve(database).url
    again = shell.json("senders", "import", "-", stdin=text.decode())
    assert again["created"] == again["updated"] == 10_000
