"""`signalbox messages` and `signalbox inbox`."""

from __future__ import annotations

import json
import select
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import Shell

from processes import PATIENCE
from signalbox.testing import Account

ADA, BOB = "+14155550199", "+447700900123"
TEXT = "Your code is 123456: https://example.com/in"
LATER = "2099-01-01T00:00:00Z"


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    """A shell with a new account that has one sender, in the pool `desk`."""
    found = Shell(tmp_path, signalbox_server)
    (sender,) = signalbox_server.enter_senders([{"channel": "SMS", "address": "+12025550100"}])
    assert found("pools", "create", "desk", "--senders", "-", "--watch", stdin=sender).returncode == 0
    return found


def send(shell: Shell, *more: str) -> str:
    """Sends the text and waits for the end; returns the id of the operation."""
    operation: str = shell.json("messages", "send", *more, "--text", TEXT, "--watch")["id"]
    return operation


def test_sent_message_is_listed_and_shown(shell: Shell) -> None:
    operation = send(shell, ADA, "--pool", "desk", "--tag", "campaign=spring")
    for more in ([], ["--operation", operation], ["--tag", "campaign=spring"], ["--status", "DELIVERED"]):
        (message,) = shell.lines("messages", "list", *more)
    assert shell.lines("messages", "list", "--channel", "RCS") == []
    head, line = shell("messages", "list").stdout.splitlines()
    assert head.split() == ["id", "to", "from", "status", "createdAt", "tags"]
    assert line.split()[:4] == [message["id"], f"PHONE:{ADA}", "SMS:+12025550100", "DELIVERED"]

    whole = shell.json("messages", "show", message["id"])
    assert whole["content"] == {"text": TEXT}
    assert message == {name: value for name, value in whole.items() if name not in ("attempts", "content")}
    assert whole["attempts"][0]["attemptedAt"].endswith("Z")
    assert shell.json("messages", "show", whole["attempts"][0]["id"]) == whole
    lines = shell("messages", "show", message["id"]).stdout.splitlines()
    assert f"attempt 1     SMS:+12025550100 to PHONE:{ADA}: DELIVERED" in lines
    assert f"text          {TEXT}" in lines


def test_send_without_watch_prints_the_operation(shell: Shell) -> None:
    done = shell("messages", "send", ADA, BOB, "--text", "hello", "--sender", "SMS:+12025550100")
    assert done.stdout.startswith("comms_operation_")
    assert done.stdout.endswith("  accepted\n")
    assert shell.json("messages", "send", f"WHATSAPP:{ADA}", "--text", "hello").keys() == {
        "operationId",
        "operationLocation",
    }


def test_variables_and_media_are_sent(shell: Shell) -> None:
    liquid = 'Hello {{ name | default: "there" }}'
    shell.json(
        "messages", "send", ADA, "--text", liquid, "--variable", "name=Ada", "--media", "https://a.example/b", "--watch"
    )
    (item,) = shell.lines("inbox", "list")
    assert item["text"] == "Hello Ada"
    assert item["media"] == [{"url": "https://a.example/b"}]


def test_watched_messages_that_failed_are_done_in_part(shell: Shell) -> None:
    done = shell("messages", "send", "+15005550002", ADA, "--text", "hello", "--watch")
    assert done.returncode == 3
    assert done.stdout.endswith("  2 messages: 1 delivered, 1 unaddressable\n")


def test_what_cannot_be_sent_is_refused(shell: Shell) -> None:
    for more, said in (
        ([], "nothing to send: give --text, --media or --template"),
        (["--text", "x", "--template", "HX" + "0" * 32], "--template cannot be used together with --text and --media"),
        (["--text", "x", "--pool", "desk", "--sender", "x"], "--pool and --sender cannot be used together"),
    ):
        done = shell("messages", "send", ADA, *more)
        assert done.returncode == 2
        assert said in done.stderr
    done = shell("messages", "send", "4155550199", "--text", "x")
    assert done.returncode == 1
    assert "$.to[0].address: to[0].address must be a phone number in E.164: + and digits" in done.stderr
    assert shell("messages", "send", ADA, "--template", "HX" + "0" * 32).returncode == 1
    assert shell("messages", "show", "x").returncode == 2
    assert shell("messages", "cancel", "x").returncode == 2
    assert shell.lines("messages", "list") == []


def test_time_far_ahead_is_refused(shell: Shell) -> None:
    later = shell("messages", "send", ADA, "--text", "x", "--at", LATER)
    assert later.returncode == 1
    assert "must not be more than 35 days ahead" in later.stderr


def test_message_and_operation_are_canceled(shell: Shell) -> None:
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    first = shell.json("messages", "send", ADA, BOB, "--text", "x", "--at", soon)["operationId"]
    second = shell.json("messages", "send", ADA, "--text", "x", "--at", soon)["operationId"]
    one = shell.lines("messages", "list", "--operation", first)[0]["id"]
    done = shell("messages", "cancel", one, second)
    assert done.stdout.splitlines() == [f"{one}  CANCELED", f"{second}  CANCELED"]
    again = shell("messages", "cancel", one, second)
    assert again.returncode == 1
    assert again.stderr.count("(409") == 2
    assert len(shell.lines("messages", "list", "--status", "SCHEDULED")) == 1


def test_inbox_is_listed_and_shown(shell: Shell) -> None:
    operation = send(shell, ADA, BOB)
    (item,) = shell.lines("inbox", "list", "--to", ADA, "--contains", "CODE", "--operation", operation)
    assert item["codes"] == ["123456"]
    assert shell.json("inbox", "show", item["id"]) == item
    assert shell.lines("inbox", "list", "--from", "+12025550100", "--channel", "SMS", "--limit", "1")
    assert shell.lines("inbox", "list", "--until", "2h") == []
    head, *lines = shell("inbox", "list").stdout.splitlines()
    assert head.split() == ["id", "to", "from", "text", "codes", "receivedAt"]
    assert len(lines) == 2
    shown = shell("inbox", "show", item["id"]).stdout
    assert "segments    1 of GSM-7\n" in shown
    assert "links       https://example.com/in\n" in shown


def test_watch_prints_what_arrives_from_now_on(shell: Shell) -> None:
    send(shell, ADA)
    watching = shell.start("inbox", "watch", "--to", BOB, "--count", "1")
    # The watch may begin after the first of these: then it shows the second.
    while watching.poll() is None:
        send(shell, BOB)
    out, _ = watching.communicate(timeout=PATIENCE)
    assert out.decode().endswith(f"Z  PHONE:{BOB} from SMS:+12025550100: {TEXT}\n")
    assert out.count(b"\n") == 1


def test_watch_goes_on_after_the_inbox_was_cleared_and_ends_with_ctrl_c(
    shell: Shell, signalbox_server: Account
) -> None:
    watching = shell.start("inbox", "watch", "--json")
    assert watching.stdout is not None
    # The watch may begin after the first message.
    while not select.select([watching.stdout], [], [], 0.5)[0]:
        send(shell, ADA)
    signalbox_server.client.inbox.clear()
    send(shell, BOB)
    while json.loads(watching.stdout.readline())["to"]["address"] != BOB:
        pass
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=PATIENCE)
    assert watching.returncode == 130
