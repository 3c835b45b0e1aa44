"""`signalbox messages why`, `signalbox messages retry` and `signalbox opt-outs`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import Shell, Terminal

from signalbox.cli.decisions import REASONS
from signalbox.sending import decisions
from signalbox.testing import Account

ADA, BOB = "+14155550199", "+447700900123"
REFUSED = "+15005550003"


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account that has two senders, one of them deactivated, in the pool `desk`."""
    found = Shell(tmp_path, signalbox_server)
    senders = signalbox_server.enter_senders(
        [
            {"channel": "SMS", "address": "+14155550100"},
            {"channel": "SMS", "address": "+14155550101", "status": "DEACTIVATED"},
        ]
    )
    done = found("pools", "create", "desk", "--senders", "-", "--watch", stdin="\n".join(senders))
    assert done.returncode == 0
    return found


def send(shell: Shell, *to: str, code: int = 0) -> str:
    """Sends a text from the pool and waits for the end; returns the id of the operation."""
    done = shell("messages", "send", *to, "--pool", "desk", "--text", "hello", "--watch")
    assert done.returncode == code, done.stderr
    return done.stdout.split()[0]


def test_why_shows_the_candidates_and_the_reasons(shell: Shell) -> None:
    operation = send(shell, ADA)
    (message,) = shell.lines("messages", "list", "--operation", operation)
    sender, pool = message["from"]["senderId"], message["from"]["senderPoolId"]
    first, table, reasons = shell("messages", "why", message["id"]).stdout.split("\n\n")
    assert re.sub(r"\d{4}-.*Z", "TIME", first).splitlines() == [
        f"message    {message['id']}",
        f"recipient  PHONE:{ADA}",
        f"pool       desk  {pool}",
        f"chosen     SMS:+14155550100  {sender}",
        "at         TIME",
    ]
    head, row = table.splitlines()
    assert head.split() == ["rank", "address", "senderId", "country", "area", "kept"]
    assert row.split() == ["0", "SMS:+14155550100", sender, "yes", "yes", "no"]
    said, head, row = reasons.splitlines()
    assert said == "1 sender left out:"
    assert head.split() == ["reason", "senders", "meaning"]
    assert row.split(maxsplit=2) == ["DEACTIVATED", "1", "the sender is deactivated"]


def test_why_prints_json_and_takes_the_id_of_an_attempt(shell: Shell) -> None:
    operation = send(shell, ADA)
    (message,) = shell.lines("messages", "list", "--operation", operation)
    decision = shell.json("messages", "why", message["id"])
    assert (decision["messageId"], decision["chosen"]) == (message["id"], message["from"]["senderId"])
    assert decision["at"].endswith("Z")
    (attempt,) = shell.json("messages", "show", message["id"])["attempts"]
    assert shell.json("messages", "why", attempt["id"]) == decision


def test_why_says_that_no_sender_was_chosen(shell: Shell) -> None:
    operation = send(shell, "+15005550002", code=3)
    (message,) = shell.lines("messages", "list", "--operation", operation)
    shown = shell("messages", "why", message["id"]).stdout
    assert "chosen     (no sender)\n" in shown
    assert "rank" not in shown
    assert "UNREACHABLE  1        no sender reaches the number\n" in shown
    assert shell("messages", "why", "x").returncode == 2
    missing = shell("messages", "why", "comms_message_00000000000000000000000000")
    assert (missing.returncode, missing.stdout) == (1, "")


def test_why_names_no_pool_where_none_was_named(shell: Shell) -> None:
    operation = shell.json("messages", "send", ADA, "--text", "hello", "--watch")["id"]
    (message,) = shell.lines("messages", "list", "--operation", operation)
    assert "pool       (all senders may send)\n" in shell("messages", "why", message["id"]).stdout


def test_every_reason_is_explained() -> None:
    source = Path(decisions.__file__).read_text("utf-8")
    statuses = {"SCHEDULED", "INBOUND", "QUEUED", "ACTIVATED"}
    channels = {"EMAIL", "PUSH", "SMS", "RCS"}
    assert set(re.findall(r'"([A-Z][A-Z_]+)"', source)) - statuses - channels == set(REASONS)


def test_retry_sends_again_to_those_who_were_not_reached(shell: Shell) -> None:
    operation = send(shell, ADA, REFUSED, code=3)
    done = shell("messages", "retry", operation, "--watch")
    assert done.returncode == 3
    again, outcome = done.stdout.rstrip("\n").split("  ")
    assert outcome == "1 message: 1 failed"
    (message,) = shell.lines("messages", "list", "--operation", again)
    assert [one["id"] for one in message["related"]] == [again, operation]
    assert shell.json("messages", "retry", operation).keys() == {"operationId", "operationLocation"}
    delivered = send(shell, ADA)
    done = shell("messages", "retry", delivered)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no message left that failed" in done.stderr
    assert shell("messages", "retry", "x").returncode == 2


def test_opt_outs_are_added_listed_and_deleted(shell: Shell) -> None:
    done = shell("opt-outs", "add", ADA, f"WHATSAPP:{BOB}")
    first, second = (line.split("  ") for line in done.stdout.splitlines())
    assert (first[1], second[1]) == ("opted out", "opted out")
    (again,) = shell.lines("opt-outs", "add", ADA)
    assert again["id"] == first[0]
    (of_pool,) = shell.lines("opt-outs", "add", ADA, "--pool", "desk")
    assert [one["id"] for one in shell.lines("opt-outs", "list")] == [of_pool["id"], second[0], first[0]]
    assert [one["id"] for one in shell.lines("opt-outs", "list", "--pool", "desk")] == [of_pool["id"]]
    assert [one["id"] for one in shell.lines("opt-outs", "list", "--channel", "WHATSAPP")] == [second[0]]
    assert len(shell.lines("opt-outs", "list", "--address", ADA)) == 2
    head, *rows = shell("opt-outs", "list").stdout.splitlines()
    assert head.split() == ["recipient", "id", "pool", "createdAt"]
    assert re.split("  +", rows[0])[:3] == [f"PHONE:{ADA}", of_pool["id"], "desk"]
    assert re.split("  +", rows[2])[:3] == [f"PHONE:{ADA}", first[0], "(the account)"]
    send(shell, ADA, code=3)
    done = shell("opt-outs", "delete", first[0], of_pool["id"])
    assert done.stdout.splitlines() == [f"{first[0]}  deleted", f"{of_pool['id']}  deleted"]
    send(shell, ADA)
    assert shell("opt-outs", "delete", first[0]).returncode == 1


def test_wrong_recipients_and_ids_are_refused(shell: Shell) -> None:
    for more in (["add", "phone:" + ADA], ["add", "PHONE:"], ["delete", "x"], ["delete"], ["list", "--channel", "SMS"]):
        assert shell("opt-outs", *more).returncode == 2, more
    done = shell("opt-outs", "add", "4155550199")
    assert done.returncode == 1
    assert "$.address: " in done.stderr
    assert shell.lines("opt-outs", "list") == []


def test_person_is_forgotten_and_opt_outs_only_when_asked(shell: Shell) -> None:
    send(shell, ADA)
    shell("opt-outs", "add", ADA)
    assert shell.json("opt-outs", "forget", f"WHATSAPP:{ADA}") == {"keptSenders": 0, "optOuts": 0}
    assert shell("opt-outs", "forget", ADA).stdout.split() == ["keptSenders", "1", "optOuts", "0"]
    done = shell("opt-outs", "forget", ADA, "--opt-outs")
    assert (done.returncode, done.stdout) == (2, "")
    assert "use --yes" in done.stderr
    with Terminal(shell, "opt-outs", "forget", ADA, "--opt-outs") as terminal:
        terminal.shows(f"Erase the opt-outs of \\{ADA}, so that messages are sent again\\?")
        terminal.types("n\n")
        assert terminal.ends() == 1
    assert len(shell.lines("opt-outs", "list")) == 1
    assert shell.json("opt-outs", "forget", ADA, "--opt-outs", "--yes") == {"keptSenders": 0, "optOuts": 1}
