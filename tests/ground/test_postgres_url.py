"""PostgreSQL URLs of hosting companies and other drivers: what works, what is refused by name, what is ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest

from signalbox.ground import postgres_url, settings
from signalbox.ground.postgres_url import CONNECT_SECONDS, MOST_CONNECT_SECONDS, PostgresUrl, read, refused_variables
from signalbox.ground.settings import ConfigError

NO_FILE: Final = Path("/no/file")
SECRET: Final = "s3cr3t"

# As the consoles and manuals of these companies show them, with other names.
HOSTED: Final = {
    "heroku": f"postgres://u8s:{SECRET}@ec2-3-9-1-2.compute-1.amazonaws.com:5432/d6k",
    "neon": f"postgresql://me:{SECRET}@ep-cool-1.eu-2.aws.neon.tech/neondb?sslmode=require",
    "neon_endpoint": f"postgresql://me:{SECRET}@pg.neon.tech/neondb?sslmode=verify-full&options=endpoint%3Dep-cool-1",
    "supabase": f"postgresql://postgres:{SECRET}@db.abc.supabase.co:5432/postgres",
    "rds": f"postgresql://me:{SECRET}@db.c1.eu-1.rds.amazonaws.com/app?sslmode=verify-full&sslrootcert=/etc/rds.pem",
    "azure": f"postgres://me%40server:{SECRET}@server.postgres.database.azure.com:5432/app?sslmode=require",
    "azure_raw": f"postgres://me@server:{SECRET}@server.postgres.database.azure.com/app?sslmode=require",
    "cloud_sql": f"postgresql://me:{SECRET}@/app?host=/cloudsql/project:eu:instance",
    "fly": f"postgres://postgres:{SECRET}@app-db.flycast:5432/app?sslmode=disable",
    "render": f"postgresql://me:{SECRET}@dpg-c1-a.oregon-postgres.render.com/app_x1",
    "railway": f"postgresql://postgres:{SECRET}@containers-us-1.railway.app:6543/railway",
    "digitalocean": f"postgresql://doadmin:{SECRET}@db-1.b.db.ondigitalocean.com:25060/defaultdb?sslmode=require",
    "aiven": f"postgres://avnadmin:{SECRET}@pg-1.aivencloud.com:12345/defaultdb?sslmode=require&connect_timeout=10",
    "several_hosts": f"postgresql://me:{SECRET}@h1:5432,h2:5433/app?target_session_attrs=read-write",
}


def of(query: str) -> PostgresUrl:
    return read(f"postgresql://me:{SECRET}@db.internal/app?{query}", {})


def sent(url: PostgresUrl) -> list[dict[str, str]]:
    """What the driver reads in each DSN."""
    return [{name: value for name, (value,) in parse_qs(urlsplit(dsn).query).items()} for dsn in url.dsns]


@pytest.mark.parametrize("name", HOSTED)
def test_url_of_a_hosting_company_is_a_setting_without_a_warning(name: str) -> None:
    loaded = settings.load({"database": HOSTED[name]}, {}, NO_FILE)
    found = read(loaded.database, {})
    assert found.ignored == ()
    assert {one["password"] for one in sent(found)} == {SECRET}
    assert all(one["host"] and one["user"] and one["database"] for one in sent(found))


def test_user_with_an_at_sign_is_understood_raw_and_encoded() -> None:
    raw, encoded = (sent(read(HOSTED[name], {}))[0] for name in ("azure_raw", "azure"))
    assert raw["user"] == encoded["user"] == "me@server"
    assert raw["host"] == encoded["host"] == "server.postgres.database.azure.com"


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgres://h1:1,h2:2/a", [("h1", "1"), ("h2", "2")]),
        ("postgres://h1,h2:2/a", [("h1", ""), ("h2", "2")]),
        ("postgres://[::1]:5433,[fe80::1%25eth0]/a", [("[::1]", "5433"), ("[fe80::1%eth0]", "")]),
        ("postgres:///a?host=h1,h2&port=7", [("h1", "7"), ("h2", "7")]),
        ("postgres:///a?host=h1,h2&port=7,8", [("h1", "7"), ("h2", "8")]),
        ("postgres://ignored/a?host=::1", [("[::1]", "")]),
        ("postgres://%2Frun%2Fpg/a", [("/run/pg", "")]),
        ("postgres:///a?host=/run/pg&port=7", [("/run/pg", "7")]),
        ("postgres:///a?port=7", [("", "7")]),
        ("postgres:///a", [("", "")]),
    ],
)
def test_hosts_and_ports_are_those_of_libpq(url: str, hosts: list[tuple[str, str]]) -> None:
    assert [(one.get("host", ""), one.get("port", "")) for one in sent(read(url, {}))] == hosts


@pytest.mark.parametrize(
    ("written", "password"),
    [("p%40ss%2F%3F%23", "p@ss/?#"), ("a+b", "a+b"), ("100%sure", "100%sure"), ("p@ss", "p@ss"), ("[x]", "[x]")],
)
def test_password_is_decoded_once(written: str, password: str) -> None:
    (one,) = sent(read(f"postgres://me:{written}@host/app", {}))
    assert (one["password"], one["host"]) == (password, "host")


def test_meaningful_parameters_work() -> None:
    found = of("application_name=my%20app&options=-c%20geqo%3Doff&connect_timeout=3&schema=Other&ssl=true")
    assert found.settings == {
        "application_name": "my app",
        "options": "-c geqo=off",
        "search_path": '"Other"',
    }
    assert found.connect_seconds == 3
    assert sent(found)[0]["sslmode"] == "require"
    assert found.ignored == ()
    assert of("fallback_application_name=x").settings == {"application_name": "x"}
    assert of("connect_timeout=0").connect_seconds == of("connect_timeout=999").connect_seconds == MOST_CONNECT_SECONDS
    assert of("sslrootcert=system&sslcrl=/c").tls == {"sslcrl": "/c"}
    assert of("sslrootcert=/c").tls is None
    assert of("sslmode=").dsns == of("").dsns


@pytest.mark.parametrize(
    "query",
    [
        "channel_binding=require",
        "gssencmode=require",
        "requirepeer=postgres",
        "require_auth=scram-sha-256",
        "sslcrldir=/etc/crl",
        "sslcertmode=require",
        "sslsni=0",
        "sslaccept=strict",
        "sslidentity=x.p12",
        "ssl=verify",
        "ssl=1",
        "sslmode=no-verify",
        "sslmode=requier",
        "sslmod=require",
        "tls=true",
        "hostaddr=10.0.0.1",
        "replication=database",
        "servicefile=/x",
        "target_session_attrs=standby",
        "target_session_attrs=prefer-standby",
        "connect_timeout=soon",
        "sslrootcert=system&sslmode=require",
    ],
)
def test_parameter_that_cannot_be_honoured_is_refused_by_name(query: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings.load({"database": f"postgresql://me:{SECRET}@h/app?{query}"}, {}, NO_FILE)
    (problem,) = caught.value.problems
    assert problem.startswith("--database: ")
    assert query.partition("=")[0] in problem
    assert SECRET not in problem


@pytest.mark.parametrize("query", ["channel_binding=prefer", "gssencmode=disable", "sslsni=1", "client_encoding=UTF8"])
def test_parameter_that_is_satisfied_anyway_gives_no_warning(query: str) -> None:
    assert of(query).ignored == ()


@pytest.mark.parametrize(
    ("query", "cure"),
    [
        ("connection_limit=5", "database_connections"),
        ("pool_timeout=10", "options=-c"),
        ("client_encoding=LATIN1", "UTF8"),
        ("supa=base-pooler.x", "supa"),
        ("keepalives_idle=30", "keepalives_idle"),
        ("statement_timeout=5000", "options=-c"),
        ("load_balance_hosts=random", "load_balance_hosts"),
        ("uselibpqcompat=true", "uselibpqcompat"),
    ],
)
def test_other_parameter_is_ignored_with_a_warning(query: str, cure: str) -> None:
    (warning,) = of(query).ignored
    assert warning.startswith(f"{query.partition('=')[0]} is ignored")
    assert cure in warning


@pytest.mark.parametrize(
    "url",
    [
        f"postgres://me:12/{SECRET}@host/app",
        f"postgres://me:12?{SECRET}@host/app",
        f"postgres://me:12?{SECRET}=x@host/app",
        f"postgres://me:12#{SECRET}@host/app",
        f"postgres://me:{SECRET}@host:99999/app",
        f"postgres://me:{SECRET}@host:{SECRET}/app",
        f"postgres://me:{SECRET}@host,,b/app",
        f"postgres://me:{SECRET}@[::1/app",
        f"postgres://me:{SECRET}@host/app?port=x",
        f"postgres://me:{SECRET}@host,b/app?port=1,2,3",
        f"postgres://me:{SECRET}@host/app?a;{SECRET}",
    ],
)
def test_broken_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings.load({"database": url}, {}, NO_FILE)
    assert SECRET not in str(caught.value)


def test_variables_of_libpq_work_or_are_refused_by_name() -> None:
    environ = {"PGAPPNAME": "x", "PGOPTIONS": "-c geqo=off", "PGCONNECT_TIMEOUT": "7"}
    found = read("postgres://h/app?application_name=y", environ)
    assert found.settings == {"application_name": "y", "options": "-c geqo=off"}
    assert found.connect_seconds == 7
    assert refused_variables(environ) == []
    system = {"PGSSLROOTCERT": "system", "PGSSLCERT": "/c"}
    assert read("postgres://h/app", system).tls == read("postgres://h/app", system).files == {"sslcert": "/c"}
    with pytest.raises(ConfigError, match="PGCHANNELBINDING: channel_binding cannot be honoured"):
        settings.load({"database": "postgres://h/app"}, {"PGCHANNELBINDING": "require"}, NO_FILE)
    settings.load({"database": "sqlite://"}, {"PGCHANNELBINDING": "require"}, NO_FILE)


def test_page_names_every_parameter() -> None:
    """docs/postgresql.md has what works and what is refused."""
    page = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text("utf-8")
    works, _, refused = page.partition("\n## The URL\n")[2].partition("\n| refused | do |\n")
    known = (postgres_url._DRIVER | postgres_url._OURS) - {"database"}
    assert not [name for name in known if f"`{name}`" not in works]
    assert not [name for name in postgres_url._REFUSED if f"`{name}" not in refused]
    assert f"{CONNECT_SECONDS:g} without the parameter. At most {MOST_CONNECT_SECONDS:g}" in works


def test_url_of_a_pooler_needs_the_url_of_the_server() -> None:
    """Prisma's mark for a pooler in transaction mode."""
    pooled = {"database": "postgres://pooler:6543/app?pgbouncer=true"}
    with pytest.raises(ConfigError, match="needs database_direct as well"):
        settings.load(pooled, {}, NO_FILE)
    settings.load({**pooled, "database_direct": "postgres://db/app"}, {}, NO_FILE)
