"""The conformance page: each promise has tests, each test exists and runs, and the page covers the whole program."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from signalbox.api.document import described
from signalbox.api.routes import ROUTES
from signalbox.http.errors import ERROR_CODES, ErrorCode
from signalbox.http.router import Route

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docs" / "conformance.md").read_text("utf-8")
HEAD: Final = ["| promised | ours | proven by |", "| --- | --- | --- |"]
SECTIONS: Final = (
    "Throughout",
    "1. Transport",
    "2. Authentication",
    "3. Identifiers",
    "4. Common objects",
    "5. Objects",
    "6. Sender Pools",
    "7. Senders",
    "8. Ours",
    "9. Running it",
    "10. Messages",
    "10.6 Templates",
    "11. Which sender",
    "14. The inbox",
    "15.3 Inbound",
    "15.4 Opt-out",
)


class Row(NamedTuple):
    """A row of a table."""

    section: str
    promise: str
    ours: str
    proof: str

    @property
    def tests(self) -> list[str]:
        return re.findall(r"`([^`]+)`", self.proof)


def _rows() -> Iterator[Row]:
    for part in TEXT.split("\n## ")[1:]:
        section, *lines = part.splitlines()
        for line in lines:
            if line.startswith("|") and line not in HEAD:
                promise, ours, proof = (cell.strip() for cell in line.strip("|").split("|"))
                yield Row(section, promise, ours, proof)


ROWS: Final = list(_rows())
NAMED: Final = sorted({test for row in ROWS for test in row.tests})


def test_every_section_of_the_contract_has_its_table() -> None:
    parts = TEXT.split("\n## ")[1:]
    assert tuple(part.partition("\n")[0] for part in parts) == SECTIONS
    for part in parts:
        assert part.splitlines()[2:4] == HEAD
        assert len(part.strip().splitlines()) > 4


def test_every_row_names_one_to_three_tests_and_nothing_else() -> None:
    for row in ROWS:
        assert row.promise
        assert row.ours in ("", "ours")
        assert 1 <= len(row.tests) <= 3, row
        assert row.proof == ", ".join(f"`{test}`" for test in row.tests), row


def test_no_promise_is_there_twice_in_its_section() -> None:
    promises = [(row.section, row.promise) for row in ROWS if not row.promise.startswith("It ")]
    assert sorted(promises) == sorted(set(promises))


@cache
def _module(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


@pytest.mark.parametrize("test", NAMED)
def test_proof_exists_and_is_not_skipped(test: str) -> None:
    path, _, name = test.partition("::")
    assert re.fullmatch(r"tests/([a-z_]+/)*test_[a-z_]+\.py", path)
    assert (ROOT / path).is_file(), "there is no such file"
    module = _module(path)
    functions = [one for one in module.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = [one for one in functions if one.name == name]
    assert len(found) == 1, "there is no such test"
    assert name.startswith("test_")
    marks = [one for one in module.body if isinstance(one, ast.Assign) and "pytestmark" in ast.unparse(one.targets[0])]
    for part in (*found, *marks):
        assert not re.search(r"\b(skip|skipif|xfail|importorskip)\(", ast.unparse(part)), "it may be skipped"


@pytest.mark.parametrize("route", described(ROUTES), ids=lambda route: route.name)
def test_every_route_is_promised(route: Route) -> None:
    assert any(f"`{route.method} {route.path}`" in row.promise for row in ROWS)


@pytest.mark.parametrize("error_code", ERROR_CODES.values(), ids=lambda error_code: str(error_code.code))
def test_every_error_code_is_promised(error_code: ErrorCode) -> None:
    written = rf"\b{error_code.status} is code {error_code.code}\b"
    assert any(re.search(written, row.promise) for row in ROWS)
