"""The pytest plugin: the fixtures `signalbox_server` and `signalbox_process`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signalbox.testing import Account, Server, server


@pytest.fixture(scope="session")
def signalbox_process() -> Iterator[Server]:
    """The server of this test run, started at its first use; `account()` creates further accounts."""
    with server() as running:
        yield running


@pytest.fixture
def signalbox_server(request: pytest.FixtureRequest, signalbox_process: Server) -> Iterator[Account]:
    """A new account of a real Signalbox server.

    It has `client`, a ready client; `enter_senders(...)`; `inbox.wait(to=..., contains=...)` for a text that was sent;
    and `url`, `account_sid`, `auth_token` and `environment` for the program under test.
    """
    signalbox_process.forget_log()
    account = signalbox_process.account()
    yield account
    account.close()
    # Shown for a failed test, below its own output.
    request.node.add_report_section("teardown", "signalbox", signalbox_process.log())
