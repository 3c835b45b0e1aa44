"""The security page: each point names its tests, and these tests exist and run."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED: Final = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


@cache
def functions_of(path: str) -> dict[str, str]:
    """The tests of a file, with the source of their decorators."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.name: " ".join(map(ast.unparse, node.decorator_list))
        for node in ast.parse((ROOT / path).read_text("utf-8")).body
        if isinstance(node, functions) and node.name.startswith("test_")
    }


def test_tests_that_are_named_exist_and_are_not_skipped() -> None:
    for path, name in NAMED:
        found = functions_of(path)
        assert found, path
        assert not name or name in found, f"{path}::{name}"
        assert not name or "skip" not in found[name]


def test_every_point_of_the_review_names_a_test() -> None:
    _, _, review = PAGE.partition("\n## What was tried\n")
    points = review.partition("\n## ")[0].split("\n### ")[1:]
    assert len(points) >= 12
    for point in points:
        assert "`tests/" in point, point.partition("\n")[0]


def test_every_file_of_security_tests_is_named() -> None:
    there = {f"tests/security/{path.name}" for path in Path(__file__).parent.glob("test_*.py")}
    assert there == {path for path, _ in NAMED if path.startswith("tests/security/")}
