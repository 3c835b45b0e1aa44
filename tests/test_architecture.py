"""The rooms: a module imports only from lower levels, and only signalbox.db imports database drivers."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

import signalbox
from docs_build import pictures

ROOT = Path(signalbox.__file__).parent

# The rooms of each level, the deepest first. A room is a folder or a module at the root; a module imports from lower
# levels and from its own room.
LEVELS = (
    {"ground"},
    {"db"},
    {"queue"},
    {"accounts", "events", "inventory"},
    {"connectors", "rendering", "routing"},
    {"lab", "sending"},
    {"http", "supervisor", "worker"},
    {"api", "console"},
    {"app", "demo"},
    {"cli", "testing"},
    {"__main__"},
)
# The order of subjects on one level: a subject may import the subjects before it, so no cycle is possible.
SUBJECTS = ("accounts", "events", "inventory", "connectors", "rendering", "routing", "sending", "lab")
DRIVERS = {
    "sqlite3": {"sqlite.py", "sqlite_connection.py", "sqlite_surroundings.py"},
    "asyncpg": {"postgres.py", "postgres_connect.py", "postgres_errors.py", "postgres_surroundings.py", "notify.py"},
}
MODULES = sorted(ROOT.rglob("*.py"))
TESTS = Path(__file__).parent
# Folders of tests for the whole program, and not for one folder of the source.
WHOLE = {"acceptance", "chaos", "docs", "docs_site", "scaling", "security"}
FOLDERS = sorted({path.parent for path in MODULES})


@cache
def _imports(path: Path, for_types: bool = True) -> frozenset[str]:
    """All imports of a module, as dotted names; `for_types` includes imports for type checkers only."""
    found = set()
    tree = ast.parse(path.read_text("utf-8"))
    if not for_types:
        tree.body = [
            node for node in tree.body if not isinstance(node, ast.If) or ast.unparse(node.test) != "TYPE_CHECKING"
        ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return frozenset(found)


def _rooms(path: Path) -> set[str]:
    """The rooms that a module imports from."""
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
        beside = room in SUBJECTS and other in SUBJECTS and SUBJECTS.index(other) < SUBJECTS.index(room)
        assert _level(other) < level or beside, f"{room} must not import {other}"


@pytest.mark.parametrize(
    "room", sorted({path.parent for path in MODULES}), ids=lambda room: str(room.relative_to(ROOT))
)
def test_modules_of_a_room_import_each_other_in_no_circle(room: Path) -> None:
    dotted = ".".join(("signalbox", *room.relative_to(ROOT).parts))
    names = {path.stem for path in room.glob("*.py")} - {"__init__"}
    graph: dict[str, set[str]] = {name: set() for name in names}
    for name in names:
        for imported in _imports(room / f"{name}.py", for_types=False):
            head, _, rest = imported.partition(f"{dotted}.")
            if not head and (other := rest.split(".")[0]) in names:
                graph[name].add(other)
    while graph:
        free = [name for name, needs in graph.items() if not needs & graph.keys()]
        assert free, f"a circle: {sorted(graph)}"
        for name in free:
            del graph[name]


@pytest.mark.parametrize("driver", DRIVERS)
def test_driver_is_imported_behind_the_database_door_only(driver: str) -> None:
    users = {path for path in MODULES if any(name.split(".")[0] == driver for name in _imports(path))}
    assert {path.name for path in users} <= DRIVERS[driver]
    assert {path.parent for path in users} == {ROOT / "db"}


def test_http_statuses_are_known_to_the_api_only() -> None:
    for path in MODULES:
        if _room(path) not in ("api", "app", "http"):
            assert not {name.split(".")[0] for name in _imports(path)} & {"uvicorn", "httptools", "http"}, path


def test_nouns_and_ground_do_not_know_the_event_loop() -> None:
    """A noun awaits only its transaction, so a noun needs no asyncio."""
    for path in MODULES:
        if _room(path) in (*SUBJECTS, "ground") and path.stem != "log":
            assert "asyncio" not in _imports(path), path


def test_subjects_and_workers_take_the_time_from_their_transaction_only() -> None:
    """An account's clock can differ from the real clock, which code must therefore not read."""
    for path in MODULES:
        if _room(path) in (*SUBJECTS, "queue", "worker"):
            names = {ast.unparse(node) for node in ast.walk(ast.parse(path.read_text("utf-8")))}
            told = {"clock.now_ms", "time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today"}
            assert not names & told, path
            assert not _imports(path) & {"time.time", "time.time_ns", "signalbox.ground.clock.now_ms"}, path


def test_nouns_that_make_ids_tell_the_transaction_the_newest_one() -> None:
    """Otherwise an account's new ids could sort before older ids of a process whose clock is ahead."""
    makers = [path for path in MODULES if _room(path) in SUBJECTS and "tx.new_id(" in path.read_text("utf-8")]
    assert len(makers) >= 3
    for path in makers:
        assert re.search(r"tx\.after\(|\bfollow\(", path.read_text("utf-8")), path


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
            if _room(path) == "api" and node.args.args and node.args.args[0].arg in ("request", "_"):
                handler = isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_")
                assert length <= 15 or not handler, f"{node.name}: {length} lines"


def test_code_that_coverage_leaves_out_says_why() -> None:
    """`make coverage` counts a branch as covered when its pragma has a reason; a pragma without one has no effect."""
    excluded = re.compile(r"# pragma: no (cover|branch) - \w+( \S+){2,}$")
    for path in MODULES:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            assert not re.search("pragma", line, re.IGNORECASE) or excluded.search(line) or "PRAGMA " in line, (
                f"{path.relative_to(ROOT)}, line {number}: # pragma: no branch - the reason in words"
            )
    report = tomllib.loads((TESTS.parent / "pyproject.toml").read_text("utf-8"))["tool"]["coverage"]["report"]
    for pattern in (*report["exclude_lines"], *report["partial_branches"]):
        assert not re.search(pattern, "        return  # pragma: no cover")
        assert not re.search(pattern, "        if x:  # pragma: no branch -")


# ASGI and the database drivers define the types of a scope and of a row.
TYPED_ELSEWHERE = [ROOT / "http" / "router.py", ROOT / "http" / "base_url.py", ROOT / "db" / "__init__.py"]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path not in TYPED_ELSEWHERE], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_public_signature_has_any(path: Path) -> None:
    """`Any` in a signature switches the type checker off in the code that calls the function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            hints = [node.returns, *(one.annotation for one in (*node.args.args, *node.args.kwonlyargs))]
            names = {name.id for hint in hints if hint for name in ast.walk(hint) if isinstance(name, ast.Name)}
            assert "Any" not in names, node.name


# --- the pictures of docs/architecture.md


def test_rooms_of_the_picture_are_those_of_the_source_level_by_level() -> None:
    rows = pictures.read("rooms").rows
    drawn = [{box.name for box in row.boxes} for row in reversed(rows)]
    assert drawn == [rooms for rooms in LEVELS if rooms != {"__main__"}]
    for row in rows:
        subjects = [box.name for box in row.boxes if box.name in SUBJECTS]
        assert subjects == sorted(subjects, key=SUBJECTS.index)
        assert bool(row.label) == bool(subjects)


def test_rooms_that_are_not_there_yet_are_drawn_so() -> None:
    there = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    there |= {"console"}  # a folder of built files, without Python
    boxes = [box for row in pictures.read("rooms").rows for box in row.boxes]
    assert {box.name for box in boxes if not box.later} == there - {"__init__", "__main__"}


def test_files_that_the_way_of_a_request_names_are_there() -> None:
    for row in pictures.read("request").rows:
        for name in row.label.split(", "):
            assert list(ROOT.glob(re.sub("<[a-z]+>", "*", name))), f"{name}: there is no such file"


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_tests_lie_where_their_source_lies(path: Path) -> None:
    """A test file has 400 lines at most, in a folder that the source also has, or in one for the whole program."""
    folder = path.parent.relative_to(TESTS)
    assert str(folder) in WHOLE or (ROOT / folder).is_dir()
    assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_tests_take_programs_and_ports_from_where_others_take_them(path: Path) -> None:
    """`installed.py` skips a test whose program is missing; `ports.py` gives no port twice."""
    text = path.read_text("utf-8")
    assert not re.search(r"\bwhich\(", text)
    assert "xdist_" + "group" not in text
