"""PostgreSQL with the two roles of docs/security.md: one role upgrades, the other serves and has no more rights."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import asyncpg
import httpx
import pytest

from processes import SID, TOKEN, Connect, Serve, Work, create_database, run

PAGE: Final = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")


def documented(heading: str) -> str:
    """The SQL below a heading of docs/security.md."""
    _, _, below = PAGE.partition(f"\n### {heading}\n")
    found = re.search(r"```sql\n(.*?)```", below, flags=re.DOTALL)
    assert found, heading
    return found[1]


class Roles:
    """A database after the documented statements, with the URLs of its owner and of the program."""

    def __init__(self, url: str) -> None:
        self.admin = url
        self.owner = url.replace("postgres@", "signalbox_owner@")
        self.app = url.replace("postgres@", "signalbox@")

    async def refused(self, statement: str) -> bool:
        connection = await asyncpg.connect(self.app)
        try:
            await connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            return True
        finally:
            await connection.close()
        return False


@pytest.fixture
async def roles(empty_postgres_url: str) -> AsyncIterator[Roles]:
    roles = Roles(empty_postgres_url)
    name = urlname(empty_postgres_url)
    admin = await asyncpg.connect(empty_postgres_url)
    try:
        # The page's statements, changed for the test's database, which already exists.
        statements = documented("Once, as a superuser")
        statements = re.sub(r"CREATE DATABASE signalbox .*;", "", statements).replace(
            "DATABASE signalbox ", f"DATABASE {name} "
        )
        await admin.execute(f"ALTER DATABASE {name} OWNER TO postgres; {statements}")
        await admin.execute(f"ALTER DATABASE {name} OWNER TO signalbox_owner")
        await create_database(roles.owner)
        owner = await asyncpg.connect(roles.owner)
        await owner.execute(documented("After each upgrade, as the owner"))
        await owner.close()
        yield roles
    finally:
        await admin.execute("DROP OWNED BY signalbox; REASSIGN OWNED BY signalbox_owner TO postgres")
        await admin.execute(f"ALTER DATABASE {name} OWNER TO postgres")
        await admin.execute("DROP OWNED BY signalbox_owner; DROP ROLE signalbox; DROP ROLE signalbox_owner")
        await admin.close()


def urlname(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def test_program_does_all_its_work_with_the_lesser_role(
    roles: Roles, serve: Serve, work: Work, client: Connect, tmp_path: Path
) -> None:
    """Serving, working, idempotency keys, deleting, sweeping, and commands of each kind."""
    server = serve(roles.app, "--workers", "0")
    work(roles.app)
    known = client(server.url)
    senders = known.enter(20)
    operation = known.create_pool(senders[:10], key="once")
    assert known.create_pool(senders[:10], key="once") == operation
    known.completed(operation)
    pool = known.pool_of(operation)
    refs = [{"senderId": one} for one in senders[10:]]
    added = known.http.post(f"/v1/SenderPools/{pool}/Senders", json=refs).json()["operationId"]
    known.completed(added)
    assert sorted(known.members(pool)) == sorted(senders)
    cancel = f"/signalbox/v1/SenderPools/Operations/{added}/Cancel"
    for method, path, body, status in (
        ("POST", cancel, None, 409),
        ("PATCH", f"/v1/SenderPools/{pool}", {"name": "renamed"}, 202),
        ("PATCH", f"/signalbox/v1/Senders/{senders[0]}", {"status": "DEACTIVATED"}, 200),
        ("DELETE", f"/v1/SenderPools/{pool}/Senders/{senders[1]}", None, 202),
        ("DELETE", f"/signalbox/v1/Senders/{senders[2]}", None, 202),
        ("DELETE", f"/v1/SenderPools/{pool}", None, 202),
        ("GET", "/readyz", None, 200),
        ("GET", "/metrics", None, 200),
    ):
        response = known.http.request(method, path, json=body)
        assert response.status_code == status, response.text
    made = json.loads(run(tmp_path, "accounts", "create", "Ben", "--json", "--database", roles.app).stdout)
    key = json.loads(
        run(tmp_path, "keys", "create", "--account", made["accountSid"], "--json", "--database", roles.app).stdout
    )
    assert httpx.get(f"{server.url}/v1/Senders", auth=(key["keySid"], key["secret"])).status_code == 200
    for command in (
        ("keys", "list"),
        ("keys", "revoke", key["keySid"]),
        ("accounts", "rotate-token", made["accountSid"]),
        ("accounts", "resume", made["accountSid"]),
    ):
        done = run(tmp_path, *command, "--database", roles.app)
        assert done.returncode == 0, done.stderr
    assert httpx.get(f"{server.url}/v1/Senders", auth=(SID, TOKEN)).status_code == 200
    assert not [line for line in server.log if line["level"] == "error"]


BEYOND: Final = (
    "CREATE TABLE mine (id int)",
    "CREATE TABLE public.mine (id int)",
    "CREATE TEMPORARY TABLE mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DROP TABLE senders",
    "ALTER TABLE senders ADD COLUMN mine int",
    "ALTER TABLE senders DISABLE TRIGGER ALL",
    "TRUNCATE senders",
    "DROP INDEX senders_pkey",
    "UPDATE keyring SET key = ''",
    "DELETE FROM keyring",
    "UPDATE signalbox_schema SET version = 0",
    "INSERT INTO signalbox_schema VALUES (99, 'mine', 0)",
    "DELETE FROM accounts",
    "DELETE FROM api_keys",
    "SELECT * FROM pg_authid",
    "COPY accounts TO '/tmp/mine'",
    "COPY accounts TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SET ROLE signalbox_owner",
    "SET SESSION AUTHORIZATION postgres",
    "ALTER ROLE signalbox SUPERUSER",
    "ALTER SYSTEM SET log_statement = 'all'",
)


async def test_lesser_role_may_do_nothing_else(roles: Roles) -> None:
    """The role cannot change the schema, the server, files or keys, and cannot delete an account."""
    assert [statement for statement in BEYOND if not await roles.refused(statement)] == []


async def test_others_may_not_even_connect(roles: Roles) -> None:
    """The role of another program on the same server."""
    admin = await asyncpg.connect(roles.admin)
    try:
        await admin.execute("CREATE ROLE stranger LOGIN")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(roles.admin.replace("postgres@", "stranger@"))
    finally:
        await admin.execute("DROP ROLE stranger")
        await admin.close()


async def test_process_without_the_right_to_upgrade_does_not_start_on_an_old_schema(
    roles: Roles, tmp_path: Path
) -> None:
    """The process prints one sentence and does not change the database."""
    owner = await asyncpg.connect(roles.owner)
    try:
        await owner.execute("DELETE FROM signalbox_schema WHERE version > 1")
        refused = run(tmp_path, "accounts", "list", "--database", roles.app)
        assert refused.returncode != 0
        assert "Traceback" not in refused.stderr
        assert "right" in refused.stderr
        assert await owner.fetchval("SELECT count(*) FROM signalbox_schema") == 1
    finally:
        await owner.close()
