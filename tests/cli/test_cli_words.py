"""Channels and statuses: in capitals, as in the API; in small letters refused by API, clients and command line alike.

`clients/typescript/tests/failures.test.ts` says the same of the TypeScript client.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from commands import Shell

from signalbox.testing import Account
from signalbox_client import Invalid, Signalbox

ADDRESS: Final = "+12025550100"


@pytest.fixture
def shell(tmp_path: Path, signalbox_server: Account) -> Shell:
    return Shell(tmp_path, signalbox_server)


CALLS: Final[dict[str, tuple[Callable[[Signalbox, Any], object], tuple[str, ...], str]]] = {
    "list": (lambda client, word: list(client.senders.list(channel=word)), ("senders", "list", "--channel"), "SMS"),
    "status": (
        lambda client, word: list(client.senders.list(status=word)),
        ("senders", "list", "--status"),
        "ACTIVATED",
    ),
    "search": (
        lambda client, word: list(client.senders.search(address=ADDRESS, channel=word)),
        ("senders", "search", ADDRESS, "--channel"),
        "SMS",
    ),
    "operations": (
        lambda client, word: list(client.sender_pools.list_operations(status=word)),
        ("operations", "list", "--status"),
        "COMPLETED",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_small_letters_are_refused_and_capitals_accepted_by_client_and_command_line(
    name: str, shell: Shell, signalbox_server: Account
) -> None:
    call, command, word = CALLS[name]
    call(signalbox_server.client, word)
    assert shell(*command, word).returncode == 0
    for other in (word.lower(), word.capitalize()):
        with pytest.raises(Invalid, match=word):
            call(signalbox_server.client, other)
        done = shell(*command, other)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{other!r} is not written in capitals: {word}" in done.stderr


def test_channel_before_an_address_is_in_capitals_too(shell: Shell, signalbox_server: Account) -> None:
    signalbox_server.enter_senders([{"channel": "SMS", "address": ADDRESS}])
    recipient, named = [{"channel": "phone", "address": "+12025550123"}], f"sms:{ADDRESS}"
    with pytest.raises(Invalid, match="PHONE"):
        signalbox_server.client.senders.resolve(recipient)
    for command in (["senders", "resolve", "phone:+12025550123"], ["senders", "show", named]):
        done = shell(*command)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{command[-1]!r}: the channel is not written in capitals: " in done.stderr
    assert shell("senders", "show", named.replace("sms", "SMS")).returncode == 0


def test_channel_in_a_file_is_in_capitals_too(shell: Shell, signalbox_server: Account) -> None:
    signalbox_server.enter_senders([{"channel": "SMS", "address": ADDRESS}])
    shell.write("senders.csv", f"channel,address\nsms,{ADDRESS}\n")
    done = shell("pools", "create", "support", "--senders", "senders.csv")
    assert done.returncode != 0
    assert "the channel sms is not written in capitals: SMS" in done.stderr
    done = shell("senders", "import", "senders.csv")
    assert done.returncode == 3
    assert "0 created, 0 updated, 1 refused" in done.stdout + done.stderr
