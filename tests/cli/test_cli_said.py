"""A command says what it did, also when something after it fails: a request, the file of refused rows, a wait."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest
from commands import Shell, Terminal, csv_of
from relays import cutting

from processes import ACCOUNT, COMMAND, SID, Serve
from signalbox.testing import Account

# No file can be created beside this name of standard input, not even by root.
NOWHERE = "/proc/self/fd/0"
ROWS = 'channel,address,displayName\nSMS,+12025550100,good\nSMS,+1555,"=bad, twice"\nSMS,+1556,Z\xfcrich\n'


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account."""
    return Shell(tmp_path, signalbox_server)


def test_refused_rows_are_on_standard_error_when_no_file_can_be_created(shell: Shell) -> None:
    done = shell("senders", "import", NOWHERE, stdin=ROWS)
    assert (done.returncode, done.stdout) == (3, "1 created, 0 updated, 2 refused\n")
    why, head, *rows, first, second, end = done.stderr.splitlines()
    assert why.startswith(f"signalbox: {NOWHERE}.refused.csv cannot be written: No such file or directory")
    assert [row.split(",", 1)[0] for row in rows] == ["3", "4"]
    assert "line 3: $[1].address" in first
    assert "line 4: $[2].address" in second
    assert f"refused rows are above, because {NOWHERE}.refused.csv cannot be written" in end
    text = "\n".join([head, *rows]).replace("+1555", "+12025550101").replace("+1556", "+12025550102")
    done = shell("senders", "import", shell.write("corrected.csv", text))
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 created, 0 updated, 0 refused\n", "")
    assert {one["displayName"] for one in shell.lines("senders", "list")} == {"good", "=bad, twice", "Z\xfcrich"}


def test_refused_rows_of_ndjson_are_on_standard_error_too(shell: Shell) -> None:
    done = shell("senders", "import", NOWHERE, "--json", stdin='{"channel": "SMS", "address": "+1555"}\nno JSON\n')
    assert done.returncode == 3
    assert json.loads(done.stdout)["refused"] == 2
    assert json.loads(done.stdout)["refusedFile"] is None
    _, number, why, text, *_ = done.stderr.splitlines()
    assert json.loads(number)["refused"][0]["line"] == 1
    assert json.loads(why)["refused"][0]["line"] == 2
    assert text == "no JSON"


def test_refused_rows_that_no_longer_fit_on_the_disk_are_on_standard_error(shell: Shell) -> None:
    """The file may have 512 bytes: the rows of the first request fit, those of the second do not."""
    bad = "".join(f"SMS,+1,{number}\n" for number in range(20))
    shell.write("a.csv", csv_of(9_999) + "SMS,+1,first\n" + csv_of(1, 20_000).split("\n", 1)[1] + bad)
    command: list[str] = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", str(COMMAND), "senders", "import", "a.csv"]
    done = subprocess.run(command, cwd=shell.folder, env=shell.env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (3, "10,000 created, 0 updated, 21 refused\n")
    assert (shell.folder / "a.refused.csv").read_text("utf-8").count("\n") == 2
    assert "a.refused.csv cannot be written: File too large" in done.stderr
    assert "refused rows are in a.refused.csv" in done.stderr
    assert "other refused rows are above" in done.stderr
    for number in range(20):
        assert f"SMS,+1,{number}\n" in done.stderr


def test_refused_rows_on_a_terminal_do_not_steer_it(shell: Shell) -> None:
    shell.write("a.csv", "channel,address,displayName\nSMS,+1555,a\x1b]0;owned\x07\n")
    command = ["senders", "import", "a.csv", "--refused", "/proc/self/refused.csv"]
    with Terminal(shell, *command) as terminal:
        assert terminal.ends() == 3
    assert "SMS,+1555,a\\x1b]0;owned\\x07" in terminal.text


def test_import_that_cannot_say_the_counts_on_standard_output_says_them_on_standard_error(shell: Shell) -> None:
    shell.write("a.csv", ROWS)
    with Path("/dev/full").open("wb") as full:
        command: list[str] = [str(COMMAND), "senders", "import", "a.csv"]
        done = subprocess.run(command, cwd=shell.folder, env=shell.env, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode != 0
    assert b"refused rows are in a.refused.csv" in done.stderr
    assert b"1 created, 0 updated, 2 refused" in done.stderr
    assert b"No space left on device" in done.stderr


def test_update_says_that_the_pool_was_changed_when_it_cannot_be_shown(shell: Shell, signalbox_server: Account) -> None:
    pool = shell.json("pools", "create", "before")["senderPoolId"]
    with cutting(signalbox_server.url, "GET", pool) as url:
        shell.env["SIGNALBOX_URL"] = url
        done = shell("pools", "update", pool, "--name", "after")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the pool {pool} was changed" in done.stderr
    shell.env["SIGNALBOX_URL"] = signalbox_server.url
    assert shell.json("pools", "show", pool)["name"] == "after"


@pytest.mark.parametrize("command", ["create", "add"])
def test_senders_that_were_sent_are_said_when_watching_fails(
    shell: Shell, signalbox_server: Account, command: str
) -> None:
    shell("senders", "import", "-", stdin=ROWS)
    pool = shell.json("pools", "create", "empty")["senderPoolId"]
    sender = shell.lines("senders", "list")[0]["id"]
    shell.write("ids.txt", sender)
    started = {"create": ["create", "full"], "add": ["add", pool]}[command]
    with cutting(signalbox_server.url, "GET", "") as url:
        # Looking up the new pool is a GET as well; only the add needs none.
        shell.env["SIGNALBOX_URL"] = url
        done = shell("pools", *started, "--senders", "ids.txt", "--watch")
    assert (done.returncode, done.stdout) == (1, "")
    assert "operation comms_operation_" in done.stderr or f"pool {pool}: 1 of 1 sender sent" in done.stderr
    assert "operations watch comms_operation_" in done.stderr or "creates the pool" in done.stderr


def test_interrupted_wait_says_that_the_change_was_made(tmp_path: Path, serve: Serve) -> None:
    database = f"sqlite:///{tmp_path / 'a.db'}"
    serve(database)
    shell = Shell(tmp_path, SIGNALBOX_DATABASE=database, **ACCOUNT)
    process = shell.start("accounts", "rotate-token", SID)
    assert process.stdout
    process.stdout.readline()  # the token is shown before the wait
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"signalbox: interrupted\n  the change was made" in err
