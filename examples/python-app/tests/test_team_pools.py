"""Each test has its own empty account on a real server in memory."""

import os
import subprocess
import sys

import pytest
from signalbox.testing import Account
from signalbox_client import Signalbox

from team_pools import Change, best_sender, bring_up_to_date

ROWS = [
    {"channel": "SMS", "address": "+12025550100", "tags": {"team": "red"}},
    {"channel": "SMS", "address": "+442079460000", "tags": {"team": "red"}},
    {"channel": "WHATSAPP", "address": "+442079460001", "tags": {"team": "blue"}},
    {"channel": "SMS", "address": "+12025550101"},
]


@pytest.fixture
def client(signalbox_server: Account) -> Signalbox:
    return signalbox_server.client


def test_every_team_gets_its_pool(signalbox_server: Account, client: Signalbox) -> None:
    first, second, third, _ = signalbox_server.enter_senders(ROWS)

    assert bring_up_to_date(client) == [Change("blue", 1, 0), Change("red", 2, 0)]

    members = {
        pool.name: {sender.id for sender in client.sender_pools.list_senders(pool.id)}
        for pool in client.sender_pools.list()
    }
    assert members == {"red": {first, second}, "blue": {third}}


def test_second_run_changes_nothing(signalbox_server: Account, client: Signalbox) -> None:
    signalbox_server.enter_senders(ROWS)
    bring_up_to_date(client)

    assert bring_up_to_date(client) == []


def test_sender_that_changes_its_team_moves(signalbox_server: Account, client: Signalbox) -> None:
    signalbox_server.enter_senders(ROWS)
    bring_up_to_date(client)

    signalbox_server.enter_senders([{**ROWS[0], "tags": {"team": "blue"}}])

    assert bring_up_to_date(client) == [Change("blue", 1, 0), Change("red", 0, 1)]


def test_more_senders_than_one_request_takes_are_all_added(signalbox_server: Account, client: Signalbox) -> None:
    rows = [{"channel": "PUSH", "address": f"app{number}", "tags": {"team": "red"}} for number in range(2500)]
    signalbox_server.enter_senders(rows)

    assert bring_up_to_date(client) == [Change("red", 2500, 0)]


def test_best_sender_is_one_of_the_persons_country(signalbox_server: Account, client: Signalbox) -> None:
    signalbox_server.enter_senders(ROWS)
    bring_up_to_date(client)

    assert best_sender(client, "red", "+442071838750") == "+442079460000"
    assert best_sender(client, "blue", "+442071838750") is None
    assert best_sender(client, "green", "+442071838750") is None


def test_command_says_what_it_did(signalbox_server: Account) -> None:
    """The program as users start it; the environment has the server's URL."""
    signalbox_server.enter_senders(ROWS)

    done = subprocess.run(
        [sys.executable, "-m", "team_pools"],
        env={**os.environ, **signalbox_server.environment},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "blue: 1 added, 0 removed\nred: 2 added, 0 removed\n"
