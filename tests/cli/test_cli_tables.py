"""Lists on terminals of any width, and in pipes: pages, cut names, whole ids."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import Shell, Terminal

from processes import create_database
from signalbox.cli.tables import cut, laid_out, width_of
from signalbox.testing import Account

COLUMNS = ("name", "id", "senders", "channels", "tags")


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account."""
    return Shell(tmp_path, signalbox_server)


def shown(shell: Shell, columns: int, *arguments: str) -> list[str]:
    """The lines that a command shows on a terminal of so many columns."""
    with Terminal(shell, *arguments, env={"NO_COLOR": "1"}, columns=columns) as terminal:
        assert terminal.ends() == 0
    return terminal.text.splitlines()


@pytest.mark.parametrize("room", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal_unless_an_id_alone_is(room: int) -> None:
    for widths in ((256, 43, 7, 60, 2000), (4, 43, 7, 3, 4), (12, 43, 7, 12, 12)):
        lines = laid_out(COLUMNS, widths, room)
        assert [place.column for line in lines for place in line] == list(range(5))
        for number, line in enumerate(lines):
            indent = 2 if number and room >= 60 else 0
            total = indent + sum(place.width for place in line) + 2 * (len(line) - 1)
            assert total <= room or [place.column for place in line] == [1]
            assert all(place.width == 43 for place in line if place.column == 1)


def test_what_fits_is_not_cut_and_only_the_widest_columns_are() -> None:
    (line,) = laid_out(COLUMNS, (20, 43, 7, 10, 10), 100)
    assert [place.width for place in line] == [20, 43, 7, 10, 10]
    (line,) = laid_out(COLUMNS, (200, 43, 7, 10, 10), 100)
    assert [place.width for place in line] == [22, 43, 7, 10, 10]


def test_cut_text_ends_with_an_ellipsis_and_fills_its_cells() -> None:
    assert cut("Washington", 10) == "Washington"
    assert cut("Washington", 9) == "Washingt…"
    for text in ("東京東京東京", "a東京", "e\u0301" * 9):
        for width in range(1, 9):
            assert width_of(cut(text, width)) <= width


def test_long_name_is_cut_on_a_terminal_and_full_in_a_pipe(shell: Shell, signalbox_server: Account) -> None:
    long = "Washington " * 20
    (sender,) = signalbox_server.enter_senders(
        [{"channel": "SMS", "address": "+12025550100", "displayName": long[:128]}]
    )
    pool = shell.json("pools", "create", long[:256], "--senders", "-", "--watch", stdin=sender)["senderPoolId"]
    for columns in (60, 80, 120):
        for arguments, thing in (
            (["pools", "list"], pool),
            (["senders", "list"], sender),
            (["operations", "list"], shell.lines("operations", "list")[0]["id"]),
        ):
            lines = shown(shell, columns, *arguments)
            assert max(map(len, lines)) <= columns
            text = "\n".join(lines)
            assert thing in text
            assert re.search(r"Washington .*…", text)
    assert long.strip()[:128] in shell("senders", "list").stdout
    assert long.strip() in shell("pools", "list").stdout


def test_terminal_of_40_columns_shows_a_row_on_several_lines(shell: Shell, signalbox_server: Account) -> None:
    (sender,) = signalbox_server.enter_senders(1)
    lines = shown(shell, 40, "senders", "list")
    assert lines == [
        "displayName",
        "id",
        "address           status     pools  tags",
        "",
        "-",
        sender,
        "SMS:+12022000000  ACTIVATED  -      -",
    ]
    shell.json("pools", "create", "support", "--watch")
    for arguments in (["pools", "list"], ["operations", "list"], ["pools", "show", "support"], ["help", "pools"]):
        for line in shown(shell, 40, *arguments):
            assert len(line) <= 40 or "comms_" in line or "signalbox " in line


def test_list_is_a_page_of_50_and_standard_error_says_that_there_is_more(
    shell: Shell, signalbox_server: Account
) -> None:
    signalbox_server.enter_senders(51)
    more = "signalbox: these are 50 of 51: --limit N shows N of them, --all shows all\n"
    for arguments, count, err in (
        ([], 50, more),
        (["--limit", "7"], 7, ""),
        (["--limit", "51"], 51, ""),
        (["--all"], 51, ""),
        (["--until", "1h"], 0, ""),
    ):
        done = shell("senders", "list", *arguments)
        assert (done.returncode, len(done.stdout.splitlines()) - 1, done.stderr) == (0, count, err)
    assert len(shell("senders", "find", "+1202").stdout.splitlines()) == 51
    assert shell("senders", "list", "--all", "--limit", "1").returncode == 2


def test_json_is_whole_unless_a_limit_is_given(shell: Shell, signalbox_server: Account) -> None:
    """A program that pipes a list into another command must not lose what is not on the first page."""
    signalbox_server.enter_senders(51)
    assert len(shell.lines("senders", "list")) == len(shell.lines("senders", "find", "+1202")) == 51
    assert len(shell.lines("senders", "list", "--limit", "7")) == 7


async def test_accounts_and_keys_are_listed_by_name_in_pages_too(tmp_path: Path) -> None:
    await create_database(f"sqlite:///{tmp_path}/signalbox.db")
    shell = Shell(tmp_path)
    for name in ("Ada", "Ben"):
        sid = shell.json("accounts", "create", name)["accountSid"]
        shell.json("keys", "create", "--account", sid, "--name", f"key of {name}")
    for noun in ("accounts", "keys"):
        head, first, second = shell(noun, "list").stdout.splitlines()
        assert head.split()[0] == "name"
        assert "Ada" in first
        assert "Ben" in second
        cut_short = shell(noun, "list", "--limit", "1")
        assert len(cut_short.stdout.splitlines()) == 2
        assert cut_short.stderr == ""


def test_standard_error_has_the_total_of_the_list_with_its_filters(shell: Shell, signalbox_server: Account) -> None:
    senders = signalbox_server.enter_senders(52)
    shell.json("pools", "create", "support", "--senders", "-", "--watch", stdin="\n".join(senders))
    shell("senders", "deactivate", senders[0])
    for _ in range(50):
        signalbox_server._call("POST", "/v1/SenderPools", {"senders": []})
    for arguments, total in (
        (["senders", "list"], 52),
        (["senders", "list", "--status", "ACTIVATED", "--channel", "SMS"], 51),
        (["pools", "show", "support", "--senders"], 52),
        (["pools", "list"], 51),
        (["operations", "list", "--status", "COMPLETED"], 51),
    ):
        assert shell(*arguments).stderr.startswith(f"signalbox: these are 50 of {total}: "), arguments
