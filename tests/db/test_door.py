"""What both engines guarantee."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from small import add, connected, make_sql, names

from signalbox.db import Database, Statement, Tx, connect, safe_url
from signalbox.ground.errors import Bug, NotFound, Unavailable


@pytest.fixture(params=["file", "memory", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"sqlite:///{tmp_path / 'small.db'}"
    if request.param == "memory":
        return "sqlite://"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
async def door(url: str, tmp_path: Path) -> AsyncIterator[Database]:
    database = connect(url, sql_folder=make_sql(tmp_path / "sql"), connections=3)
    await database.open()
    if url.startswith("postgres"):
        await connected(database)
    yield database
    await database.close()


async def test_write_is_seen_by_the_next_read(door: Database) -> None:
    for number in range(20):
        assert await door.write(add(number, f"n{number}")) == 1
        row = await door.read(lambda tx, number=number: tx.one("items.get", id=number))  # type: ignore[misc]
        assert row is not None
        assert (row[0], [*row]) == (number, [number, f"n{number}"])


async def test_write_of_one_statement_is_committed_and_then_wakes(door: Database) -> None:
    async def work(tx: Tx, look: bool) -> tuple[str, Statement]:
        tx.wake("news")
        return "done", Statement("items.add", {"id": 1, "name": "a"})

    with door.wakeups.subscribe("news") as news:
        assert await door.write_one(work) == "done"
        assert await news.wait(5)
    assert await door.read(names) == ["a"]


async def test_write_of_one_statement_refuses_what_a_statement_may_not_be(door: Database) -> None:
    async def work(tx: Tx, look: bool) -> tuple[None, Statement]:
        return None, Statement("items.add", {"id": 1})

    with pytest.raises(Bug, match="missing parameters"):
        await door.write_one(work)
    assert await door.read(names) == []


async def test_one_returns_none_for_no_row_and_raises_for_two(door: Database) -> None:
    assert await door.read(lambda tx: tx.one("items.get", id=1)) is None
    await door.write(add(1, "a"))
    await door.write(add(2, "b"))
    with pytest.raises(Bug, match="2 rows"):
        await door.read(lambda tx: tx.one("items.all"))


async def test_list_parameter_arrives_as_rows_and_run_counts_them(door: Database) -> None:
    """A statement that starts with WITH and returns rows is counted too."""
    given: list[str] = ["a", "ü", "'quoted'"]
    assert await door.write(lambda tx: tx.run("items.add_many", names=given)) == 3
    assert await door.read(names) == given


async def test_raising_function_rolls_back_and_its_error_arrives(door: Database) -> None:
    async def work(tx: Tx) -> None:
        await tx.run("items.add", id=1, name="a")
        tx.wake("items")
        raise NotFound("no such pool")

    with door.wakeups.subscribe("items") as subscription:
        with pytest.raises(NotFound, match="no such pool"):
            await door.write(work)
        assert await door.read(names) == []
        assert not await subscription.wait(0)


async def test_many_writes_at_once_fail_each_alone(door: Database) -> None:
    """One write in ten violates a constraint, and one in ten raises an exception; the others are committed."""

    async def refused(tx: Tx) -> int:
        await tx.run("items.add", id=10_000, name="never")
        raise NotFound("refused")

    jobs = []
    for number in range(200):
        if number % 10 == 3:
            jobs.append(door.write(refused))
        else:
            jobs.append(door.write(add(number if number % 10 else 0, f"n{number}")))
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(result) for result in results[3::10]] == [NotFound] * 20
    assert [type(result) for result in results[::10]].count(Bug) == 19  # twenty writes insert id 0
    assert results[1::10] == [1] * 20
    assert len(await door.read(names)) == 161


async def test_wake_fires_after_the_commit(door: Database) -> None:
    with door.wakeups.subscribe("items") as items, door.wakeups.subscribe("other") as other:
        await door.write(add(1, "a"))
        assert await items.wait(1)
        assert not await items.wait(0)
        assert not await other.wait(0)


async def test_wrong_sql_unknown_names_and_wrong_parameters_are_bugs(door: Database) -> None:
    with pytest.raises(Bug, match=r"there is no query items\.gone"):
        await door.read(lambda tx: tx.all("items.gone"))
    with pytest.raises(Bug, match=r"missing parameters \['id'\], unknown parameters \['ids'\]"):
        await door.read(lambda tx: tx.all("items.get", ids=1))
    with pytest.raises(Bug, match=r"nowhere"):
        await door.read(lambda tx: tx.all("items.wrong"))
    with pytest.raises(Bug, match=r"inside read"):
        await door.read(add(1, "a"))
    assert await door.write(add(1, "a")) == 1


async def test_integrity_error_is_a_bug_and_the_door_goes_on(door: Database) -> None:
    await door.write(add(1, "a"))
    with pytest.raises(Bug):
        await door.write(add(1, "b"))
    assert await door.write(add(2, "b")) == 1


async def test_cancelled_write_leaves_the_door_usable(door: Database) -> None:
    tasks = [asyncio.create_task(door.write(add(number, f"n{number}"))) for number in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [result for result in results if not isinstance(result, asyncio.CancelledError)] == [1] * 25
    assert {f"n{number}" for number in range(1, 50, 2)} <= set(await door.read(names))
    assert await door.write(add(100, "last")) == 1


async def test_ready_is_silent_on_a_current_schema_and_closed_is_unavailable(door: Database) -> None:
    await door.ready()
    await door.close()
    with pytest.raises(Unavailable):
        await door.ready()
    with pytest.raises(Unavailable):
        await door.write(add(1, "a"))


async def test_figures_have_the_same_names_on_both_engines(door: Database) -> None:
    await door.write(add(1, "a"))
    figures = door.figures()
    assert figures["transactions"] == 1
    assert figures.keys() == connect("sqlite://", sql_folder=None).figures().keys()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "signalbox.db",
        "mysql://host/db",
        "sqlite://file.db",
        "sqlite:/file.db",
        "postgresql://host:port/db",
    ],
)
def test_url_of_no_engine_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"database URL|slashes|port"):
        connect(url)


def test_password_never_shows() -> None:
    assert safe_url("postgresql://ada:s3cret@host/db") == "postgresql://ada:***@host/db"
    assert safe_url("postgres://ada:p@ss/word@host/db?x=1") == "postgres://ada:***@host/db?x=1"
    assert safe_url("postgresql:///db?user=a&password=s3cret&x=1") == "postgresql:///db?user=a&password=***&x=1"
    assert safe_url("postgresql://h/db?p%61ssword=s3cret&x=1") == "postgresql://h/db?p%61ssword=***&x=1"
    assert (
        safe_url("postgresql://a:s3cret@h1:1,h2:2/db?sslpassword=s3cret")
        == "postgresql://a:***@h1:1,h2:2/db?sslpassword=***"
    )
    assert safe_url("sqlite:///a.db") == "sqlite:///a.db"
    with pytest.raises(ValueError, match=r"ada:\*\*\*@") as caught:
        connect("postgresql://ada:s3cret@host:port/db")
    assert "s3cret" not in str(caught.value)
