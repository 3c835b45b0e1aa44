"""The server's URL and the credentials have one name in the environment, in the clients and in the test fixture."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Final

import pytest

import docs_build.pages
from signalbox.testing import Account
from signalbox_client import AsyncSignalbox, Signalbox

ROOT: Final = Path(__file__).parents[2]
CLIENT: Final = ROOT / "clients" / "typescript" / "src" / "client.ts"
ACCOUNT: Final = Account("http://127.0.0.1:1", "AC" + 32 * "0", "token")
# SIGNALBOX_ACCOUNT_SID: account_sid
NAMES: Final = {name.removeprefix("SIGNALBOX_").lower() for name in ACCOUNT.environment}
OTHER: Final = re.compile(r"\b(?:Async)?Signalbox\([^)]*\b(?:account_id|base_url|accountId|baseUrl)\b")


def camel(name: str) -> str:
    """`account_sid` as TypeScript writes it."""
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def test_environment_has_the_three_names() -> None:
    assert {"url", "account_sid", "auth_token"} == NAMES


@pytest.mark.parametrize("client", [Signalbox, AsyncSignalbox])
def test_arguments_of_the_python_clients_are_named_as_the_environment(client: type) -> None:
    arguments = inspect.signature(client).parameters.keys()
    assert arguments - {"timeout", "max_retries", "http"} == NAMES


def test_options_of_the_typescript_client_are_named_as_the_environment() -> None:
    found = re.search(
        r"interface SignalboxOptions .*?\{\n(.*?)^\}", CLIENT.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert found
    assert set(re.findall(r"readonly (\w+)\?:", found[1])) == set(map(camel, NAMES))


def test_attributes_of_the_fixture_are_named_as_the_environment() -> None:
    values = {name: getattr(ACCOUNT, name.removeprefix("SIGNALBOX_").lower()) for name in ACCOUNT.environment}
    assert values == ACCOUNT.environment
    assert ACCOUNT.client.url == ACCOUNT.url


def test_no_page_shows_other_names() -> None:
    places = [ROOT / "README.md", *(docs_build.pages.FOLDER.glob("*.md")), *(ROOT / "clients").glob("*/README.md")]
    found = {path.name: OTHER.findall(path.read_text("utf-8")) for path in places}
    assert len(found) > 40
    assert {name: calls for name, calls in found.items() if calls} == {}
