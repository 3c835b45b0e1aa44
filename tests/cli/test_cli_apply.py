"""`signalbox pools apply`: the plan, the prompt, the changes, and a second run that changes nothing."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from commands import Shell, Terminal

from processes import ACCOUNT, SID, TOKEN, Connect, Serve
from signalbox.testing import Account

FILE = """
pools:
  support:
    tags: {{team: red, version: 1.0}}
    senders:
      - {id}
      - {{channel: SMS, address: +12022000001}}
      - channel: SMS
        address: "+12022000002"
  empty:
"""


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account."""
    return Shell(tmp_path, signalbox_server)


@pytest.fixture
def ids(signalbox_server: Account) -> list[str]:
    """Five senders of the account."""
    return signalbox_server.enter_senders(5)


def members(shell: Shell, pool: str) -> list[str]:
    return sorted(one["id"] for one in shell.lines("pools", "show", pool, "--senders"))


def pools(shell: Shell) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in shell.lines("pools", "list")}


def test_apply_creates_what_is_missing_and_a_second_run_changes_nothing(shell: Shell, ids: list[str]) -> None:
    shell.write("pools.yaml", FILE.format(id=ids[0]))
    done = shell("pools", "apply", "pools.yaml", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    found = pools(shell)
    support = str(found["support"]["id"])
    assert done.stdout.splitlines() == [
        "+ pool support",
        "    tags: - -> team=red version=1.0",
        "    + 3 senders",
        f"      + {ids[0]}",
        f"      + {ids[1]}  SMS:+12022000001",
        f"      + {ids[2]}  SMS:+12022000002",
        "+ pool empty",
        "2 to create, 0 to change, 0 unchanged; not in the file and not changed: 0 pools",
        f"pool support ({support}): created, 3 senders added",
        f"pool empty ({found['empty']['id']}): created",
    ]
    assert found["support"]["tags"] == {"team": "red", "version": "1.0"}
    assert members(shell, support) == sorted(ids[:3])
    before = shell.lines("operations", "list")
    again = shell("pools", "apply", "pools.yaml", "--yes")
    assert (again.returncode, again.stdout.split(";")[0]) == (0, "0 to create, 0 to change, 2 unchanged")
    assert shell.lines("operations", "list") == before
    assert pools(shell) == found


def test_apply_makes_members_and_tags_exactly_what_is_listed(shell: Shell, ids: list[str]) -> None:
    shell.write("pools.yaml", FILE.format(id=ids[0]))
    shell("pools", "apply", "pools.yaml", "--yes")
    shell("pools", "create", "other")
    support = str(pools(shell)["support"]["id"])
    shell.write("pools.yaml", f"pools: {{support: {{tags: {{}}, senders: [{ids[0]}, {ids[3]}]}}}}")
    dry = shell("pools", "apply", "pools.yaml", "--dry-run")
    assert dry.returncode == 4
    assert f"      - {ids[1]}  SMS:+12022000001" in dry.stdout
    assert "not in the file and not changed: 2 pools" in dry.stdout
    assert members(shell, support) == sorted(ids[:3])
    done = shell("pools", "apply", "pools.yaml", "--yes", "--json")
    assert done.returncode == 0
    applied = json.loads(done.stdout)
    (change,) = applied["changes"]
    assert (applied["applied"], applied["unchanged"], applied["failed"]) == (True, 0, 0)
    assert {**change, "remove": sorted(change["remove"])} == {
        "name": "support",
        "senderPoolId": support,
        "action": "update",
        "tags": {},
        "add": [ids[3]],
        "remove": sorted(ids[1:3]),
    }
    assert members(shell, support) == sorted([ids[0], ids[3]])
    assert pools(shell)["support"]["tags"] == {}
    assert shell("pools", "apply", "pools.yaml", "--dry-run").returncode == 0


def test_what_a_pool_does_not_mention_stays(shell: Shell, ids: list[str]) -> None:
    shell.write("pools.yaml", FILE.format(id=ids[0]))
    shell("pools", "apply", "pools.yaml", "--yes")
    shell.write("less.yaml", "pools:\n  support:\n")
    assert shell("pools", "apply", "less.yaml", "--dry-run").returncode == 0
    shell.write("none.yaml", "pools:\n  support:\n    senders:\n")
    assert shell("pools", "apply", "none.yaml", "--yes").returncode == 0
    support = pools(shell)["support"]
    assert members(shell, str(support["id"])) == []
    assert support["tags"] == {"team": "red", "version": "1.0"}


def test_more_senders_than_one_call_takes_are_applied(shell: Shell, signalbox_server: Account) -> None:
    ids = signalbox_server.enter_senders(2500)
    listed = "\n".join(f"    - {one}" for one in ids)
    shell.write("pools.yaml", f"pools:\n  large:\n    senders:\n    - {ids[0]}\n")
    shell("pools", "apply", "pools.yaml", "--yes")
    shell.write("pools.yaml", f"pools:\n  large:\n    senders:\n{listed}\n")
    done = shell("pools", "apply", "pools.yaml", "--yes")
    assert done.returncode == 0
    assert "      and 2,479 more" in done.stdout
    assert "2,499 senders added" in done.stdout
    assert members(shell, str(pools(shell)["large"]["id"])) == sorted(ids)


def test_apply_asks_and_a_no_changes_nothing(shell: Shell, ids: list[str]) -> None:
    shell.write("pools.yaml", FILE.format(id=ids[0]))
    with Terminal(shell, "pools", "apply", "pools.yaml") as terminal:
        terminal.shows(r"Apply\? \[y/N\]")
        assert "\x1b[32m" in terminal.text
        terminal.types("n\n")
        assert terminal.ends() == 1
    assert pools(shell) == {}
    nobody = shell("pools", "apply", "pools.yaml")
    assert nobody.returncode == 2
    assert "2 to create" in nobody.stdout
    assert "use --yes" in nobody.stderr
    assert pools(shell) == {}
    assert shell("pools", "apply", "pools.yaml", "--json").returncode == 2
    with Terminal(shell, "pools", "apply", "pools.yaml") as terminal:
        terminal.shows(r"Apply\? \[y/N\]")
        terminal.types("y\n")
        assert terminal.ends() == 0
    assert sorted(pools(shell)) == ["empty", "support"]


def test_two_pools_of_one_name_are_an_error_that_names_them(shell: Shell) -> None:
    first = shell.json("pools", "create", "x")["senderPoolId"]
    second = shell.json("pools", "create", "x")["senderPoolId"]
    done = shell("pools", "apply", "-", "--yes", stdin="pools: {x: {tags: {a: b}}}")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"x: {second}, {first}; rename or delete all but one" in done.stderr
    assert shell("pools", "apply", "-", "--yes", stdin="pools: {y: }").returncode == 0


def test_senders_that_are_not_there_stop_the_plan_with_their_places(shell: Shell) -> None:
    text = (
        "pools:\n  a:\n    senders:\n    - comms_sender_00000000000000000000000000\n    - {channel: SMS, address: +1}\n"
    )
    done = shell("pools", "apply", shell.write("a.yaml", text), "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1:] == [
        "  a.yaml, line 4: pools.a.senders[0]: the account has no sender comms_sender_00000000000000000000000000",
        "  a.yaml, line 5: pools.a.senders[1]: the account has no sender SMS:+1",
    ]
    assert pools(shell) == {}


def test_short_code_of_a_file_needs_its_region_where_it_is_in_two_countries(
    shell: Shell, signalbox_server: Account
) -> None:
    rows = [{"channel": "SMS", "address": "27312", "region": region} for region in ("US", "CA")]
    us, ca = signalbox_server.enter_senders(rows)
    pool = "pools:\n  a:\n    senders:\n"
    text = pool + "".join(f"    - {{channel: SMS, address: 27312, region: {one}}}\n" for one in ("CA", "US"))
    for _ in range(2):
        assert shell("pools", "apply", shell.write("a.yaml", text), "--yes").returncode == 0
        listed = shell.lines("pools", "show", str(pools(shell)["a"]["id"]), "--senders")
        assert {one["id"] for one in listed} == {us, ca}
    text = f"{pool}    - {{channel: SMS, address: 27312}}\n"
    done = shell("pools", "apply", shell.write("b.yaml", text), "--yes")
    assert done.returncode == 1
    assert "pools.a.senders[0]: SMS:27312 is 2 senders, each in its country" in done.stderr


def test_every_problem_of_the_file_is_named_with_its_line_and_place(shell: Shell) -> None:
    text = """pools:
  support:
    tags: {"x y": z, l: [1], e: ""}
    sendrs: []
    senders:
    - {channel: FAX, address: +12022000007, x: 1}
    - nobody
    - {channel: SMS}
    - [1]
  support:
  "  ":
other: 1
"""
    done = shell("pools", "apply", shell.write("a.yaml", text), "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    head, *problems = done.stderr.splitlines()
    assert head == "signalbox: 12 problems in the file"
    places = [one.removeprefix("  a.yaml, line ").split(": ")[:2] for one in problems]
    assert places == [
        ["3", "pools.support.tags.x y"],
        ["3", "pools.support.tags.l"],
        ["3", "pools.support.tags.e"],
        ["4", "pools.support.sendrs"],
        ["6", "pools.support.senders[0].x"],
        ["6", "pools.support.senders[0].channel"],
        ["7", "pools.support.senders[1]"],
        ["8", "pools.support.senders[2].address"],
        ["9", "pools.support.senders[3]"],
        ["10", "pools.support"],
        ["11", "pools.  "],
        ["12", "other"],
    ]


# Ten lists, each of ten times the one before.
BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
# Two thousand pools with the same thousand members.
MANY_POOLS = f"pools:\n  p: &p {{senders: [{', '.join(['x'] * 1_000)}]}}\n" + "".join(
    f"  p{n:04}: *p\n" for n in range(2_000)
)


def test_problems_of_the_file_and_of_the_account_are_said_at_once(shell: Shell) -> None:
    for _ in range(2):
        shell.json("pools", "create", "twice")
    lost = "".join(f"    - {{channel: SMS, address: '+120255501{number:02}'}}\n" for number in range(30))
    wrong = shell.write("wrong.yaml", f"pools:\n twice:\n  tags: {{a b: c}}\n lost:\n  senders:\n{lost}")
    for arguments in (["--yes"], ["--dry-run"]):
        done = shell("pools", "apply", wrong, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "wrong.yaml, line 3: pools.twice.tags.a b: a tag's key" in done.stderr
        assert done.stderr.count("the account has no sender SMS:+120255501") == 30
        assert "several pools are called twice: " in done.stderr
    right = shell.write("right.yaml", f"pools:\n twice: {{}}\n lost:\n  senders:\n{lost}")
    done = shell("pools", "apply", right, "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("the account has no sender") == 30
    assert "several pools are called twice: " in done.stderr
    assert len(pools(shell)) == 1
    without_server = shell("pools", "apply", wrong, "--yes", "--url", "http://127.0.0.1:1")
    assert (without_server.returncode, len(without_server.stderr.splitlines())) == (2, 2)


TAGS = f"pools: {{a: {{tags: {{{', '.join(f'k{number}: v' for number in range(11))}}}}}}}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pools: [", "a.yaml, line "),
        ("", "a.yaml, line 1: the file is empty"),
        ("- 1", "a.yaml, line 1: must be a mapping of pools"),
        ("pool: {}", "pool: is not known here, only pools"),
        ("pools: []", "a.yaml, line 1: pools: must be a mapping"),
        ("pools: {a: {senders: b}}", "a.yaml, line 1: pools.a.senders: must be a list of senders"),
        ("pools: {[a]: {}}", "a.yaml, line 1: pools: must be text"),
        (TAGS, "a.yaml, line 1: pools.a.tags: a pool has at most 10 tags, not 11"),
        ("pools: \x07", "not valid YAML: unacceptable character #x0007"),
        ("--- {}\n--- {}", "not valid YAML"),
        ("pools: {a: *b}", "not valid YAML"),
        ("pools: {a: {senders: []}, a: {}}", "a.yaml, line 1: pools.a: is given twice"),
        ("[" * 65, "a.yaml, line 1, column 65: nested deeper than 64 levels"),
        ("[" * 100_000, "a.yaml, line 1, column 65: nested deeper than 64 levels"),
        ("{a: " * 100_000, "a.yaml, line 1, column 257: nested deeper than 64 levels"),
        ("- " * 100_000, "a.yaml, line 1, column 129: nested deeper than 64 levels"),
        ("\n".join(" " * n + "a:" for n in range(1_000)), "a.yaml, line 65, column 65: nested deeper than 64 levels"),
        (BOMB, "a.yaml, line 7, column 25: aliases stand for more than 1,000,000 nodes"),
        (MANY_POOLS, "column 10: aliases stand for more than 1,000,000 nodes"),
    ],
    ids=lambda value: value[:24],
)
def test_file_that_is_no_plan_is_misuse(shell: Shell, text: str, said: str) -> None:
    done = shell("pools", "apply", shell.write("a.yaml", text), "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_sender_that_is_gone_after_the_question_is_said(shell: Shell, signalbox_server: Account) -> None:
    (sender,) = signalbox_server.enter_senders(1)
    shell.write("pools.yaml", f"pools:\n  a: {{senders: [{sender}]}}\n")
    with Terminal(shell, "pools", "apply", "pools.yaml") as terminal:
        terminal.shows(r"Apply\? \[y/N\]")
        signalbox_server.client.inventory.delete(sender)
        terminal.types("y\n")
        assert terminal.ends() == 3
    assert "a: the server did not add 1 sender" in terminal.text
    assert "--failed` says why" in terminal.text
    assert sorted(pools(shell)) == ["a"]


def test_pool_that_is_gone_after_the_question_ends_the_command_with_what_is_done(
    shell: Shell, signalbox_server: Account
) -> None:
    pool_id = shell.json("pools", "create", "b", "--watch")["senderPoolId"]
    shell.write("pools.yaml", "pools:\n  a:\n  b: {tags: {team: red}}\n  c:\n")
    with Terminal(shell, "pools", "apply", "pools.yaml") as terminal:
        terminal.shows(r"Apply\? \[y/N\]")
        signalbox_server.client.sender_pools.delete(pool_id)
        terminal.types("y\n")
        assert terminal.ends() == 1
    assert "done: 1 of 3 pools" in terminal.text
    assert "apply the file again for the rest" in terminal.text
    assert sorted(pools(shell)) == ["a"]


def test_interrupted_apply_says_what_is_done_and_running_it_again_does_the_rest(
    tmp_path: Path, serve: Serve, client: Connect
) -> None:
    database = f"sqlite:///{tmp_path / 'a.db'}"
    idle = serve(database, "--workers", "0")
    (sender,) = client(idle.url, SID, TOKEN).enter(1)
    shell = Shell(tmp_path, SIGNALBOX_URL=idle.url, **ACCOUNT)
    shell.write("pools.yaml", f"pools:\n  a:\n  b: {{senders: [{sender}]}}\n  c:\n")
    with Terminal(shell, "pools", "apply", "pools.yaml", "--yes") as terminal:
        terminal.shows("PROCESSING 1 items")
        terminal.signal(signal.SIGINT)
        assert terminal.ends() == 130
    assert "done: 1 of 3 pools" in terminal.text
    assert "created, 1 of 1 sender sent" in terminal.text
    assert "apply the file again for the rest" in terminal.text
    assert sorted(pools(shell)) == ["a", "b"]
    assert idle.stop() == 0
    shell.env["SIGNALBOX_URL"] = serve(database).url
    assert shell("pools", "apply", "pools.yaml", "--yes").returncode == 0
    found = pools(shell)
    assert sorted(found) == ["a", "b", "c"]
    assert members(shell, str(found["b"]["id"])) == [sender]
