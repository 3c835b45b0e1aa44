"""The reader of the files of SQL queries."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from signalbox.db.queries import PACKAGE_SQL, Dialect, load, rewrite
from signalbox.ground.errors import Bug
from signalbox.inventory.addresses import CHANNELS
from signalbox.inventory.senders import Status
from signalbox.sending import messages


def _load(tmp_path: Path, text: str, dialect: Dialect = "postgres") -> dict[str, str]:
    (tmp_path / "a.sql").write_text(text)
    return {name: query.text for name, query in load(tmp_path, dialect).items()}


def test_parameters_are_numbered_by_first_appearance_and_only_where_they_are_parameters(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.sql").write_text(
        "-- about this file: not sent\n\n"
        "-- name: x.y\n-- a comment with :no parameter\n"
        "SELECT ':no', \":no\", 'it''s :no', a::text, :b::int, :a, :b -- :no\n"
        "/* :no */ FROM t WHERE c = :c;\n\n"
    )
    query = load(tmp_path, "postgres")["x.y"]
    assert query.order == ("b", "a", "c")
    assert query.text.replace("\n ", "\n") == (
        "SELECT ':no', \":no\", 'it''s :no', a::text, $1::int, $2, $1\nFROM t WHERE c = $3"
    )
    assert "a comment with :no parameter" in query.comment
    assert load(tmp_path, "sqlite")["x.y"].text.endswith("WHERE c = :c")


def test_migration_has_no_parameters() -> None:
    """A colon stays as it is, in the slice of an array for example."""
    assert rewrite("SELECT a[1:n] FROM t", "postgres") == "SELECT a[1:n] FROM t"


def test_marker_is_opened_for_its_engine_only(tmp_path: Path) -> None:
    text = "-- name: x.y\nSELECT 1 /*pg: FOR UPDATE OF :t */ /*sqlite: LIMIT 1 */"
    assert _load(tmp_path, text)["x.y"] == "SELECT 1 FOR UPDATE OF $1"
    assert _load(tmp_path, text, "sqlite")["x.y"].split() == ["SELECT", "1", "LIMIT", "1"]


def test_text_for_each_word_is_repeated_with_the_word_quoted(tmp_path: Path) -> None:
    text = "-- name: x.y\nSELECT a FROM (/*each kind in BIG SMALL: SELECT a FROM t WHERE k = <kind> AND a < :a */) AS t"
    assert _load(tmp_path, text)["x.y"].split("\n") == [
        "SELECT a FROM (SELECT a FROM t WHERE k = 'BIG' AND a < $1",
        "UNION ALL",
        "SELECT a FROM t WHERE k = 'SMALL' AND a < $1) AS t",
    ]
    assert _load(tmp_path, text, "sqlite")["x.y"].count("a < :a") == 2


def test_texts_for_each_channel_and_status_name_all_of_them() -> None:
    words = {
        (match[1], match[2])
        for path in (PACKAGE_SQL / "queries").rglob("*.sql")
        for match in re.finditer(r"/\*each (\w+) in ([A-Z ]+):", path.read_text("utf-8"))
    }
    of_messages = [status for status in get_args(messages.Status) if status != "GROUP"]
    assert words == {
        ("channel", " ".join(CHANNELS)),
        ("status", " ".join(get_args(Status))),
        ("channel", " ".join(get_args(messages.SenderChannel))),
        # Before a sender is chosen.
        ("channel", " ".join(["NONE", *get_args(messages.SenderChannel)])),
        ("channel", " ".join(get_args(messages.RecipientChannel))),
        ("status", " ".join(of_messages)),
    }


def test_limit_is_hidden_from_the_planner_of_postgresql(tmp_path: Path) -> None:
    text = "-- name: x.y\nSELECT a FROM t WHERE a < :a ORDER BY a LIMIT :limit"
    assert _load(tmp_path, text)["x.y"].endswith("ORDER BY a LIMIT (SELECT CAST($2 AS bigint))")
    assert _load(tmp_path, text, "sqlite")["x.y"].endswith("ORDER BY a LIMIT :limit")


def test_dialect_blocks_are_chosen_by_engine(tmp_path: Path) -> None:
    text = "-- name: x.y\n-- dialect: sqlite\nSELECT 1\n-- name: x.y\n-- dialect: postgres\nSELECT 2"
    assert _load(tmp_path, text)["x.y"] == "SELECT 2"
    assert _load(tmp_path, text, "sqlite")["x.y"] == "SELECT 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-- name: x.y\nSELECT 1\n-- name: x.y\nSELECT 2", "twice"),
        ("-- name: x.y\nSELECT 1\n-- name: x.y\n-- dialect: sqlite\nSELECT 2", "twice"),
        ("-- name: x.y\n-- dialect: sqlite\nSELECT 1\n-- name: x.y\n-- dialect: sqlite\nSELECT 2", "twice"),
        ("-- name: x.y\n-- dialect: sqlite\nSELECT 2", "one dialect only"),
        ("-- name: x.y\n-- dialect: oracle\nSELECT 2", "oracle"),
        ("-- name: x.y\n-- nothing", "empty"),
        ("SELECT 1", "before the first"),
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_file_with_a_mistake_is_a_bug(tmp_path: Path, text: str, message: str, dialect: Dialect) -> None:
    with pytest.raises(Bug, match=message):
        _load(tmp_path, text, dialect)
