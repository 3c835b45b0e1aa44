"""The rooms of the house: imports only point down, and drivers stay behind the database door."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import signalbox

ROOT = Path(signalbox.__file__).parent

# Level of each room, the deepest first; a module may import what is lower, or in its own room.
LEVELS = (
    {"config", "errors", "ids", "clock", "page_tokens", "secrets"},
    {"log"},
    {"db"},
    {"metrics"},
    {"addresses"},
    {"accounts", "operations", "senders", "sender_pools", "resolve", "idempotency", "overview"},
    {"worker", "api", "console"},
    {"app"},
    {"cli", "testing"},
    {"__main__"},
)
# Which nouns a noun may know, so that they never know each other in a circle.
NOUNS = ("accounts", "idempotency", "senders", "resolve", "operations", "sender_pools", "overview")
DRIVERS = {"sqlite3": {"sqlite.py", "sqlite_connection.py"}, "asyncpg": {"postgres.py", "notify.py"}}
MODULES = sorted(ROOT.rglob("*.py"))


@cache
def _imports(path: Path) -> frozenset[str]:
    """What a module imports, wherever in it, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return frozenset(found)


def _rooms(path: Path) -> set[str]:
    """The rooms of ours that a module imports from."""
    rooms = {name.split(".")[1] for name in _imports(path) if name.startswith("signalbox.")}
    return rooms - {"__version__"}


def _room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _level(room: str) -> int:
    return next(level for level, rooms in enumerate(LEVELS) if room in rooms)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_imports_only_from_its_room_and_below(path: Path) -> None:
    room = _room(path)
    if room == "__init__":
        assert not _rooms(path)
        return
    level = _level(room)
    for other in _rooms(path) - {room}:
        beside = room in NOUNS and other in NOUNS and NOUNS.index(other) < NOUNS.index(room)
        ground = level == 0 and _level(other) == 0
        assert _level(other) < level or beside or ground, f"{room} must not import {other}"


def test_ground_imports_in_no_circle() -> None:
    graph = {room: _rooms(ROOT / f"{room}.py") & LEVELS[0] for room in LEVELS[0]}
    while graph:
        free = [room for room, needs in graph.items() if not needs & graph.keys()]
        assert free, f"a circle: {sorted(graph)}"
        for room in free:
            del graph[room]


@pytest.mark.parametrize("driver", DRIVERS)
def test_driver_is_imported_behind_the_database_door_only(driver: str) -> None:
    users = {path for path in MODULES if any(name.split(".")[0] == driver for name in _imports(path))}
    assert {path.name for path in users} <= DRIVERS[driver]
    assert {path.parent for path in users} == {ROOT / "db"}


def test_http_statuses_are_known_to_the_api_only() -> None:
    for path in MODULES:
        if _room(path) not in ("api", "app"):
            assert not {name.split(".")[0] for name in _imports(path)} & {"uvicorn", "httptools", "http"}, path


def test_nouns_and_ground_do_not_know_the_event_loop() -> None:
    """A noun awaits nothing but its transaction, so it has no use for asyncio."""
    for path in MODULES:
        if _room(path) in (*NOUNS, *LEVELS[0]):
            assert "asyncio" not in _imports(path), path


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "base", "manager", "service", "misc", "core"}
    assert not empty & {path.stem for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_readable(path: Path) -> None:
    """A file has 400 lines at most and a function 40; a handler of `api/` has 15."""
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            length = (node.end_lineno or 0) - first.lineno + 1
            assert length <= 40, f"{node.name}: {length} lines"
            if path.parent.name == "api" and node.args.args and node.args.args[0].arg in ("request", "_"):
                handler = isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_")
                assert length <= 15 or not handler or path.name == "references.py", f"{node.name}: {length} lines"


# An ASGI scope and a row of the database have the types that others gave them.
FOREIGN = [ROOT / "api" / "router.py", ROOT / "api" / "base_url.py", ROOT / "db" / "__init__.py"]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path not in FOREIGN], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_public_signature_has_any(path: Path) -> None:
    """`Any` in a signature switches the type checker off for whoever calls it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            hints = [node.returns, *(one.annotation for one in (*node.args.args, *node.args.kwonlyargs))]
            names = {name.id for hint in hints if hint for name in ast.walk(hint) if isinstance(name, ast.Name)}
            assert "Any" not in names, node.name
