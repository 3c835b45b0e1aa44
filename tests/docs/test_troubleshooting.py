"""docs/troubleshooting.md: each message on the page is the message of the program in that situation."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx
import pytest
from written import FOLDER

from processes import ACCOUNT, SID, TOKEN, Serve, run

PAGE: Final = (FOLDER / "troubleshooting.md").read_text("utf-8")
HALF: Final = {"SIGNALBOX_ACCOUNT_SID": SID}

STARTS: Final[Mapping[str, tuple[list[str], Mapping[str, str]]]] = {
    "SIGNALBOX_ACCOUNT_SID: needs auth_token as well (SIGNALBOX_AUTH_TOKEN)": (["serve", "--port", "0"], HALF),
    "SIGNALBOX_ACCOUNT_SID: must be AC and 32 lower-case hexadecimal digits": (
        ["serve", "--port", "0"],
        {"SIGNALBOX_ACCOUNT_SID": "AC012", "SIGNALBOX_AUTH_TOKEN": "x"},
    ),
    "SIGNALBOX_DATABSE: no such setting (did you mean SIGNALBOX_DATABASE?); ignored": (
        ["accounts", "list"],
        {"SIGNALBOX_DATABSE": "x"},
    ),
    "--database: must be sqlite:///relative.db, sqlite:////absolute.db, sqlite:// (memory) or "
    "postgresql://user@host/name": (["serve", "--port", "0", "--database", "mysql://host/name"], {}),
    "The database file cannot be opened.": (["serve", "--port", "0", "--database", "sqlite:///no/such/file"], {}),
    "The database cannot be reached.": (["serve", "--port", "0", "--database", "postgresql://a@127.0.0.1:1/b"], {}),
    "channel_binding cannot be honoured": (
        ["serve", "--port", "0", "--database", "postgresql://a@127.0.0.1:1/b?channel_binding=require"],
        {},
    ),
    "pool_timeout is ignored": (["worker", "--database", "postgresql://a@127.0.0.1:1/b?pool_timeout=3"], {}),
    "processes: 2 processes need PostgreSQL, and the database is SQLite": (["serve", "--processes", "2"], {}),
    "database: sqlite:// is kept in the memory of one process; this command needs a file": (
        ["worker", "--database", "sqlite://"],
        {},
    ),
    "there is no such database": (["accounts", "list"], {}),
    "no credentials: run `signalbox login`": (["pools", "list"], {}),
    "nothing listens on": (["pools", "list"], {**ACCOUNT, "SIGNALBOX_URL": "http://127.0.0.1:1"}),
}
JSON: Final = {"Content-Type": "application/json"}
ENTER, POOLS, SENDERS = "/signalbox/v1/Senders", "/v1/SenderPools", "/v1/Senders"
ERRORS: Final[Mapping[str, tuple[str, str, str, Mapping[str, str]]]] = {
    "the body must be of type application/json": (
        "POST",
        POOLS,
        '{"name": "x"}',
        {"Content-Type": "application/x-www-form-urlencoded"},
    ),
    "the body is not valid JSON": ("POST", POOLS, "{'name': 'x'}", JSON),
    "there is no such path": ("GET", f"{SENDERS}/", "", {}),
    "this path allows GET, HEAD only": ("POST", SENDERS, "[]", JSON),
    "the body must be an array of senders, not an object": ("POST", ENTER, "{}", JSON),
    "a number is written as E.164: + and the country code first": (
        "POST",
        ENTER,
        '[{"channel": "SMS", "address": "2025550100"}]',
        JSON,
    ),
    "no numbering plan assigns such a number": (
        "POST",
        ENTER,
        '[{"channel": "SMS", "address": "+15555550100"}]',
        JSON,
    ),
    "region is required for a short code or an alphanumeric id": (
        "POST",
        ENTER,
        '[{"channel": "SMS", "address": "27312"}]',
        JSON,
    ),
    "the prefix whatsapp: is not part of the address": (
        "POST",
        ENTER,
        '[{"channel": "WHATSAPP", "address": "whatsapp:+12025550100"}]',
        JSON,
    ),
    "senders[0] must be an object": ("POST", POOLS, '{"senders": ["comms_sender_01h2xcejqtf2nbrexx3vqjhp41"]}', JSON),
    "senders[0].senderId must be a sender id": ("POST", POOLS, '{"senders": [{"senderId": "+12025550100"}]}', JSON),
    "startDate must be an RFC 3339 date-time such as 2026-01-31T09:30:00Z": (
        "GET",
        f"{SENDERS}?startDate=2026-11-23",
        "",
        {},
    ),
    "pageToken is not valid for this list": ("GET", f"{SENDERS}?pageToken=x", "", {}),
}
# Each message has a test: below, in tests/scaling/test_upgrade.py, or in tests/db/ for those of PostgreSQL.
OTHERS: Final = {
    "This is a pooler: name the server behind the pooler in the setting database_direct",
    "has the encoding LATIN1, which cannot hold every name.",
    "lacks the right to create tables.",
    "cannot listen on 127.0.0.1 port 8080: Address already in use",
    "A newer Signalbox has upgraded it",
    "Failed to connect",
    "wrong version number",
    "the credentials are missing or wrong",
}


@pytest.mark.parametrize("message", STARTS)
def test_command_says_what_the_page_shows(message: str, tmp_path: Path) -> None:
    command, variables = STARTS[message]
    done = run(tmp_path, *command, env={"XDG_CONFIG_HOME": str(tmp_path), **variables})
    assert message in PAGE
    assert message in done.stderr


def test_taken_port_is_named(serve: Serve, tmp_path: Path) -> None:
    port = str(serve("sqlite://").port)
    done = run(tmp_path, "serve", "--database", "sqlite://", "--port", port)
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in done.stderr


def test_errors_say_what_the_page_shows(serve: Serve) -> None:
    url = serve("sqlite://").url
    with httpx.Client(base_url=url, auth=(SID, TOKEN)) as client:
        for message, (method, path, body, headers) in ERRORS.items():
            assert message in PAGE
            assert message in client.request(method, path, content=body, headers=dict(headers)).text
        assert "the credentials are missing or wrong" in client.get(SENDERS, auth=(SID, "wrong")).text
        preflight = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "GET"}
        response = client.options(SENDERS, headers=preflight, auth=httpx.BasicAuth("", ""))
        assert response.status_code == 401
        assert not [name for name in response.headers if name.startswith("access-control")]
    for wrong, message in (("http://127.0.0.1:1", "Failed to connect"), (url, "wrong version number")):
        there = wrong if wrong.endswith(":1") else wrong.replace("http", "https")
        done = subprocess.run(["curl", "-sS", there], capture_output=True, text=True, timeout=300, check=False)
        assert message in done.stderr


def test_token_of_the_environment_counts_for_an_empty_database_only(serve: Serve) -> None:
    first = serve("sqlite:///signalbox.db")
    assert first.stop() == 0
    again = serve("sqlite:///signalbox.db", env={**ACCOUNT, "SIGNALBOX_AUTH_TOKEN": "another"})
    assert httpx.get(f"{again.url}{SENDERS}", auth=(SID, "another")).status_code == 401
    assert httpx.get(f"{again.url}{SENDERS}", auth=(SID, TOKEN)).status_code == 200


def test_import_with_refused_rows_ends_with_3(serve: Serve, tmp_path: Path) -> None:
    url = serve("sqlite://").url
    (tmp_path / "rows.csv").write_text("channel,address\nSMS,+12025550100\nSMS,+15551\n")
    done = run(tmp_path, "senders", "import", "rows.csv", env={**ACCOUNT, "SIGNALBOX_URL": url})
    assert done.returncode == 3
    assert (tmp_path / "rows.refused.csv").exists()


def test_every_message_of_the_page_is_one_of_those() -> None:
    """In the sections that show output of a program."""
    shown = set()
    for section in ("It does not start", "It starts, and does not let you in", "A request is refused"):
        below = PAGE.partition(f"\n## {section}\n")[2].split("\n## ")[0]
        for row in re.findall(r"^\| (`.*?`) \|", below, flags=re.MULTILINE):
            shown |= set(re.findall("`([^`]+)`", row))
    shown -= {"Connection refused"}  # other tools' words for the same error
    assert sorted(shown) == sorted(
        {*STARTS, *ERRORS, *OTHERS} - {"nothing listens on", "no credentials: run `signalbox login`"}
    )
