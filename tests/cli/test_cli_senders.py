"""`signalbox senders`: lists, one sender, search, resolve, changes; tables for people and JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Shell, Terminal

from signalbox.testing import Account

NO_POOL = "comms_senderpool_00000000000000000000000000"


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account."""
    return Shell(tmp_path, signalbox_server)


def test_list_is_a_table_for_people_and_ndjson_for_programs(shell: Shell, signalbox_server: Account) -> None:
    ids = signalbox_server.enter_senders(
        [
            {"channel": "SMS", "address": "+12025550100", "displayName": "東京", "tags": {"a": "b", "c": "d"}},
            {"channel": "EMAIL", "address": "hello@example.com", "status": "DEACTIVATED"},
        ]
    )
    head, newest, oldest = shell("senders", "list").stdout.splitlines()
    assert head.split() == ["displayName", "id", "address", "status", "pools", "tags"]
    assert newest.split() == ["-", ids[1], "EMAIL:hello@example.com", "DEACTIVATED", "-", "-"]
    assert oldest.split() == ["東京", ids[0], "SMS:+12025550100", "ACTIVATED", "-", "a=b", "c=d"]
    # Columns are measured in cells of the terminal; these two characters take four cells.
    assert newest.index(ids[1]) == oldest.index(ids[0]) + 2
    first, second = shell.lines("senders", "list")
    assert first == signalbox_server._call("GET", f"/v1/Senders/{ids[1]}")
    assert second == signalbox_server._call("GET", f"/v1/Senders/{ids[0]}")


def test_list_has_every_page_and_the_filters_of_the_api(shell: Shell, signalbox_server: Account) -> None:
    signalbox_server.enter_senders(1001)
    signalbox_server.enter_senders([{"channel": "EMAIL", "address": "a@example.com", "status": "DEACTIVATED"}])
    assert len(shell.lines("senders", "list")) == 1002
    assert len(shell("senders", "list", "--all").stdout.splitlines()) == 1003
    assert len(shell.lines("senders", "list", "--limit", "3")) == 3
    assert len(shell.lines("senders", "list", "--channel", "EMAIL")) == 1
    assert len(shell.lines("senders", "list", "--status", "DEACTIVATED")) == 1
    assert len(shell.lines("senders", "list", "--since", "1h", "--limit", "5")) == 5
    assert shell.lines("senders", "list", "--until", "1h") == []
    assert shell.lines("senders", "list", "--since", "2020-01-01", "--until", "2020-01-01T08:00:00+01:00") == []


@pytest.mark.parametrize("text", ["yesterday", "2h ago", "2026-13-01", "2026-11-23T14:00:00", "99999999999w"])
def test_time_that_is_none_is_misuse(shell: Shell, text: str) -> None:
    done = shell("senders", "list", "--since", text)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not a time such as" in done.stderr


def test_sender_is_named_by_id_or_by_channel_and_address(shell: Shell, signalbox_server: Account) -> None:
    (sender_id,) = signalbox_server.enter_senders([{"channel": "EMAIL", "address": "a@Example.com"}])
    assert shell.json("senders", "show", sender_id)["address"] == "a@example.com"
    assert shell.json("senders", "show", "EMAIL:a@EXAMPLE.com")["id"] == sender_id
    assert f"id           {sender_id}\n" in shell("senders", "show", sender_id).stdout
    (found,) = shell.lines("senders", "search", "a@example.com", "--channel", "EMAIL")
    assert found["id"] == sender_id
    assert shell.lines("senders", "search", "b@example.com", "--channel", "EMAIL") == []


def test_missing_sender_is_said_with_the_request_id(shell: Shell) -> None:
    missing = "comms_sender_00000000000000000000000000"
    done = shell("senders", "show", missing)
    assert (done.returncode, done.stdout) == (1, "")
    first, second = done.stderr.splitlines()
    assert first.startswith("signalbox: ")
    assert first.endswith("(404, code 20404)")
    assert second.startswith("  request id: RQ")
    assert "the account has no such sender" in shell("senders", "show", "SMS:+12025550100").stderr


def test_problems_of_a_request_are_shown_with_their_places(shell: Shell) -> None:
    done = shell("senders", "resolve", "PHONE:+12025550100", "FAX:1", "--pool", NO_POOL)
    assert done.returncode == 1
    assert "(400, code 20001)" in done.stderr
    assert "  $.recipientAddresses[1].channel: " in done.stderr


def test_resolve_finds_the_best_sender_first(shell: Shell, signalbox_server: Account) -> None:
    rows = [("SMS", "+12025550100"), ("SMS", "+442071838750"), ("EMAIL", "a@example.com"), ("PUSH", "com.example")]
    ids = signalbox_server.enter_senders([{"channel": channel, "address": address} for channel, address in rows])
    found = shell.lines("senders", "resolve", "PHONE:+442071838751", "EMAIL:b@example.com")
    assert [one["from"]["senderId"] for one in found] == [ids[1], ids[0], ids[2]]
    preferred = shell.lines("senders", "resolve", "PHONE:+442071838751", "EMAIL:b@example.com", "--prefer", "EMAIL")
    assert preferred[0]["from"]["senderId"] == ids[2]
    only = shell.lines("senders", "resolve", "PHONE:+442071838751", "EMAIL:b@example.com", "--channel", "SMS")
    assert [one["from"]["senderId"] for one in only] == [ids[1], ids[0]]
    chosen = ["--sender", "SMS:+12025550100", "--sender", "EMAIL:a@example.com", "--sender", "PUSH:com.example"]
    from_chosen = shell.lines("senders", "resolve", "PHONE:+442071838751", "PUSH:device", *chosen)
    assert {one["from"]["senderId"] for one in from_chosen} == {ids[0], ids[3]}
    table = shell("senders", "resolve", "PHONE:+442071838751").stdout.splitlines()
    assert table[1].split() == ["-", ids[1], "SMS:+442071838750", "PHONE:+442071838751", "0"]


def test_activate_and_deactivate_change_each_and_say_what_failed(shell: Shell, signalbox_server: Account) -> None:
    first, second = signalbox_server.enter_senders(2)
    done = shell("senders", "deactivate", first, "SMS:+12025550199", "SMS:+12022000001")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [f"{first}  DEACTIVATED", f"{second}  DEACTIVATED"]
    assert done.stderr == "signalbox: SMS:+12025550199: the account has no such sender\n"
    assert [one["status"] for one in shell.lines("senders", "activate", first, second)] == ["ACTIVATED"] * 2


def test_one_short_code_in_two_countries_is_named_by_id(shell: Shell, signalbox_server: Account) -> None:
    rows = [{"channel": "SMS", "address": "27312", "region": region} for region in ("US", "CA")]
    us, ca = signalbox_server.enter_senders(rows)
    assert [shell.json("senders", "show", one)["region"] for one in (us, ca)] == ["US", "CA"]
    assert [one["id"] for one in shell.lines("senders", "search", "27312", "--channel", "SMS")] == [ca, us]
    done = shell("senders", "remove", "SMS:27312", "--yes")
    assert done.returncode == 1
    assert done.stderr == (f"signalbox: SMS:27312 is 2 senders, each in its country; name one by its id: {ca}, {us}\n")
    shell("senders", "remove", us, "--yes")
    assert shell.json("senders", "show", "SMS:27312")["id"] == ca


def test_remove_asks_on_a_terminal_and_needs_yes_elsewhere(shell: Shell, signalbox_server: Account) -> None:
    first, second = signalbox_server.enter_senders(2)
    refused = shell("senders", "remove", first)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "use --yes" in refused.stderr
    with Terminal(shell, "senders", "remove", first) as terminal:
        terminal.shows("Remove 1 sender, from every pool as well")
        terminal.types("n\n")
        assert terminal.ends() == 1
    assert len(shell.lines("senders", "list")) == 2
    with Terminal(shell, "senders", "remove", first) as terminal:
        terminal.shows("y/N")
        terminal.types("y\n")
        assert terminal.ends() == 0
    assert [one["id"] for one in shell.lines("senders", "list")] == [second]
    removed = shell("senders", "remove", "--yes", "--json", second, first)
    assert removed.returncode == 1
    assert json.loads(removed.stdout)["resourceId"] == second
    assert f"{first}: " in removed.stderr
    assert shell.lines("senders", "list") == []


def test_colours_are_for_terminals_without_no_color(shell: Shell, signalbox_server: Account) -> None:
    signalbox_server.enter_senders(1)
    seen = {}
    for name, env in {"colour": {}, "NO_COLOR": {"NO_COLOR": "1"}, "dumb": {"TERM": "dumb"}}.items():
        with Terminal(shell, "senders", "list", env=env) as terminal:
            assert terminal.ends() == 0
        seen[name] = terminal.text
    assert "\x1b[32mACTIVATED\x1b[0m" in seen["colour"]
    assert "\x1b" not in seen["NO_COLOR"] + seen["dumb"]
    assert "\x1b" not in shell("senders", "list").stdout


def test_what_the_server_says_cannot_reach_the_terminal_as_control_characters(
    shell: Shell, signalbox_server: Account
) -> None:
    """A display name may contain characters that change the direction of text, which a terminal obeys."""
    signalbox_server.enter_senders([{"channel": "SMS", "address": "+12025550100", "displayName": "a\u202eb"}])
    with Terminal(shell, "senders", "list", env={"NO_COLOR": "1"}) as terminal:
        assert terminal.ends() == 0
    assert "a\\u202eb" in terminal.text
    assert "a\\u202eb" in shell("senders", "show", "SMS:+12025550100").stdout
    assert shell.json("senders", "show", "SMS:+12025550100")["displayName"] == "a\u202eb"


def test_reader_that_goes_away_ends_the_command_quietly(shell: Shell, signalbox_server: Account) -> None:
    signalbox_server.enter_senders(3000)
    process = shell.start("senders", "list", "--all")
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()
    if process.stdin:
        process.stdin.close()
