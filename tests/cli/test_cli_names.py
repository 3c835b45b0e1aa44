"""Names on the command line: in lists, and in the place of ids."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Shell, Terminal

from signalbox.testing import Account


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account."""
    return Shell(tmp_path, signalbox_server)


def create(shell: Shell, name: str, *more: str, stdin: str = "") -> str:
    pool: str = shell.json("pools", "create", name, "--watch", *more, stdin=stdin)["senderPoolId"]
    return pool


def row(shell: Shell, *arguments: str) -> list[str]:
    """The words of the one row of a table."""
    done = shell(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    _, line = done.stdout.splitlines()
    return line.split()


def test_lists_show_the_name_first_the_id_second_and_what_belongs_to_them(
    shell: Shell, signalbox_server: Account
) -> None:
    ids = signalbox_server.enter_senders(
        [
            {"channel": "EMAIL", "address": "desk@example.com", "displayName": "Desk"},
            {"channel": "SMS", "address": "+12025550100"},
            {"channel": "SMS", "address": "+12025550101"},
        ]
    )
    pool = create(shell, "support", "--senders", "-", stdin="\n".join(ids))
    assert row(shell, "pools", "list")[:6] == ["support", pool, "3", "SMS", "2,", "EMAIL"]
    (operation,) = shell.lines("operations", "list")
    assert row(shell, "operations", "list")[:4] == ["support", operation["id"], "CREATE", "4"]
    desk = ["Desk", ids[0], "EMAIL:desk@example.com", "ACTIVATED", "support", "-"]
    assert row(shell, "senders", "list", "--channel", "EMAIL") == desk
    assert row(shell, "pools", "show", pool, "--senders", "--channel", "EMAIL") == desk
    assert row(shell, "senders", "find", "des") == desk
    assert row(shell, "senders", "search", "desk@example.com", "--channel", "EMAIL") == desk
    assert "senders    3\n" in shell("pools", "show", "support").stdout
    assert "pools        support\n" in shell("senders", "show", "Desk").stdout
    assert "pool       support\n" in shell("operations", "show", operation["id"]).stdout
    for number in range(4):
        create(shell, f"more {number}", "--senders", "-", stdin=ids[1])
    pools = shell("senders", "show", "+12025550100").stdout
    assert ", ..." in pools
    shell("pools", "delete", pool, "--yes")
    assert "pool       (deleted)\n" in shell("operations", "show", operation["id"]).stdout


def test_json_of_lists_stays_the_resources_of_the_api(shell: Shell, signalbox_server: Account) -> None:
    (sender,) = signalbox_server.enter_senders(1)
    pool = create(shell, "support", "--senders", "-", stdin=sender)
    assert shell.lines("pools", "list") == [signalbox_server._call("GET", f"/v1/SenderPools/{pool}")]
    assert shell.lines("pools", "find", "sup") == [signalbox_server._call("GET", f"/v1/SenderPools/{pool}")]
    assert shell.lines("senders", "list") == [signalbox_server._call("GET", f"/v1/Senders/{sender}")]
    assert shell.json("pools", "show", "support") == signalbox_server._call("GET", f"/v1/SenderPools/{pool}")


def test_pool_is_named_by_id_by_exact_name_or_by_what_the_search_finds_alone(shell: Shell) -> None:
    support, vip = create(shell, "support"), create(shell, "Support VIP", "--tag", "tier=gold")
    for text, pool in {
        support: support,
        "support": support,
        "support v": vip,
        "tier=gold": vip,
        vip[-6:]: vip,
        "Support VIP": vip,
    }.items():
        assert shell.json("pools", "show", text)["id"] == pool
    assert shell.json("pools", "update", "support v", "--name", "vip")["id"] == vip
    assert shell.json("pools", "show", "vip")["id"] == vip


def test_ambiguous_name_lists_the_candidates_and_exits_2(shell: Shell) -> None:
    first, second, other = create(shell, "sales"), create(shell, "sales"), create(shell, "sales team")
    for arguments in (["show"], ["update", "--name", "x"], ["add", "SMS:+12025550100"], ["delete", "--yes"]):
        done = shell("pools", arguments[0], "sales", *arguments[1:])
        assert (done.returncode, done.stdout) == (2, "")
        head, *candidates = done.stderr.splitlines()
        assert head == "signalbox: sales is the name of several pools: use an id"
        assert sorted(candidates) == sorted([f"  sales  {first}", f"  sales  {second}"])
    done = shell("pools", "show", "sal")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("signalbox: sal finds several pools: use an id, or more of the name\n")
    assert f"  sales team  {other}\n" in done.stderr
    assert len(shell.lines("pools", "list")) == 3


def test_many_candidates_are_listed_in_part(shell: Shell, signalbox_server: Account) -> None:
    for number in range(22):
        signalbox_server._call("POST", "/v1/SenderPools", {"name": f"a{number:02}"})
    lines = shell("pools", "show", "a").stderr.splitlines()
    assert (len(lines), lines[-1]) == (22, "  and more")


def test_name_that_is_the_id_of_another_pool_means_that_pool(shell: Shell) -> None:
    first = create(shell, "first")
    second = create(shell, first)
    assert shell.json("pools", "show", first)["name"] == "first"
    assert shell.json("pools", "show", second)["name"] == first


def test_destroying_without_a_question_needs_a_whole_name(shell: Shell, signalbox_server: Account) -> None:
    """A script that runs twice must not delete `support-2` because `support` is gone."""
    signalbox_server.enter_senders([{"channel": "SMS", "address": "+12025550100", "displayName": "Front desk"}])
    create(shell, "support-2")
    for arguments in (["pools", "delete", "support", "--yes"], ["senders", "remove", "Front", "--yes"]):
        done = shell(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "is called exactly" in done.stderr
        assert "support-2" in done.stderr or "Front desk" in done.stderr
    with Terminal(shell, "pools", "delete", "support") as terminal:
        terminal.shows(r"Delete 1 pool \(support-2  comms_senderpool_\w+\)")
        terminal.types("n\n")
        assert terminal.ends() == 1
    assert shell("pools", "delete", "support-2", "--yes").returncode == 0
    assert shell("senders", "remove", "Front desk", "--yes").returncode == 0
    assert shell.lines("pools", "list") + shell.lines("senders", "list") == []


def test_sender_is_named_by_display_name_address_or_what_the_search_finds_alone(
    shell: Shell, signalbox_server: Account
) -> None:
    desk, bar, app = signalbox_server.enter_senders(
        [
            {"channel": "SMS", "address": "+12025550100", "displayName": "Front desk"},
            {"channel": "SMS", "address": "+12025550101", "displayName": "Bar"},
            {"channel": "WHATSAPP", "address": "+12025550101"},
        ]
    )
    for text in ("Front desk", "front", "+12025550100", "12025550100", "+1 (202) 555-0100", desk, desk[-6:]):
        assert shell.json("senders", "show", text)["id"] == desk
    done = shell("senders", "show", "+12025550101")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"  Bar  {bar}  SMS:+12025550101\n" in done.stderr
    assert f"  -  {app}  WHATSAPP:+12025550101\n" in done.stderr
    assert shell.json("senders", "show", "WHATSAPP:+12025550101")["id"] == app
    pool = create(shell, "support")
    assert shell.json("pools", "add", "support", "Front desk", "Bar", "--watch")["senders"] == 2
    assert shell("pools", "remove-sender", "sup", "Bar").stdout == f"{bar}  removed\n"
    assert [one["id"] for one in shell.lines("pools", "show", pool, "--senders")] == [desk]


def test_resolve_and_operations_take_the_name_of_a_pool(shell: Shell, signalbox_server: Account) -> None:
    (sender,) = signalbox_server.enter_senders(1)
    create(shell, "support")
    create(shell, "other")
    shell.json("pools", "add", "support", sender, "--watch")
    (found,) = shell.lines("senders", "resolve", "PHONE:+12025550199", "--pool", "support")
    assert found["from"]["senderId"] == sender
    assert [one["stats"]["total"] for one in shell.lines("operations", "list", "--pool", "support")] == [1, 1]
    done = shell("operations", "list", "--pool", "support", "--limit", "1")
    assert [line.split()[:3:2] for line in done.stdout.splitlines()[1:]] == [["support", "ADD"]]


def test_operations_of_a_pool_say_that_there_are_more_only_if_there_are(
    shell: Shell, signalbox_server: Account
) -> None:
    (sender,) = signalbox_server.enter_senders(1)
    pool, body = create(shell, "support"), [{"senderId": sender}]
    for adds, err in ((49, ""), (1, "signalbox: there are more than these 50")):
        for _ in range(adds):
            signalbox_server._call("POST", f"/v1/SenderPools/{pool}/Senders", body)
        create(shell, "other")
        done = shell("operations", "list", "--pool", "support")
        assert (len(done.stdout.splitlines()), done.stderr[: len(err)]) == (51, err)
        assert bool(done.stderr) == bool(err)


@pytest.mark.parametrize("text", ["", "  ", "x" * 10_000], ids=["empty", "blank", "10,000 characters"])
def test_name_that_no_pool_can_have_is_misuse(shell: Shell, text: str) -> None:
    for arguments in (["pools", "show", text], ["senders", "show", text]):
        done = shell(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "must have 1 to 320 characters" in done.stderr
        assert len(done.stderr) < 200


def test_name_of_nothing_is_said_and_exits_1(shell: Shell) -> None:
    done = shell("pools", "show", "support")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "signalbox: the account has no pool support\n")
    done = shell("senders", "show", "support")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "signalbox: the account has no sender support\n")
