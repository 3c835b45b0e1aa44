"""The API reference: it has every endpoint, and every sample runs against a real server.

The curl samples run while the pages are generated again; the Python and TypeScript samples are taken from the pages.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from docs_build import pages, reference
from docs_build.world import World, worlds
from installed import TYPESCRIPT, need_typescript_client
from signalbox.api.routes import ROUTES

PAGES: Final = reference.routes()
# Runs the samples one after the other, each with its own environment, and separates their output.
PYTHON: Final = """
import json, os, sys
for one in json.load(sys.stdin):
    os.environ.update(one["environment"])
    exec(compile(one["code"], one["name"], "exec"), {"__name__": "__main__"})
    print(end="\\036", flush=True)
"""
NODE: Final = """
for (const { file, environment } of JSON.parse(process.argv[2])) {
  Object.assign(process.env, environment);
  await import(file);
  process.stdout.write("\\x1e");
}
"""


@pytest.fixture(scope="module")
def world(built: None) -> Iterator[Callable[[str], World]]:
    with worlds() as world:
        yield world


def sections(page: str) -> dict[str, dict[str, str]]:
    """The samples of a page by endpoint and language."""
    found: dict[str, dict[str, str]] = {}
    for section in pages.text(page).split("\n## ")[1:]:
        fences = re.findall(r"^```(\w+)\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
        found[section.partition("\n")[0]] = dict(reversed(fences))
    return found


def test_reference_is_what_the_program_is_now(world: object) -> None:
    made = dict(reference.build())
    written = {path.stem: path.read_text("utf-8") for path in pages.FOLDER.glob("reference-*.md")}
    assert sorted(written) == sorted(made), "make reference"
    for name, text in made.items():
        assert written[name] == text, "make reference"


def test_reference_has_a_section_for_every_endpoint_that_is_called_by_hand() -> None:
    named = [name for page in PAGES for name in sections(page)]
    assert named == [route.name for routes in PAGES.values() for route in routes]
    left_out = {route.path for route in ROUTES} - {route.path for routes in PAGES.values() for route in routes}
    assert {"/".join(path.split("/")[:3]) for path in left_out if not path.startswith("/console")} == {
        "/docs/assets",
        "/docs/images",
    }
    for page in PAGES:
        for name, samples in sections(page).items():
            assert {"bash", "python", "ts"} < set(samples), name


@pytest.mark.parametrize("page", PAGES)
def test_samples_run_and_say_the_same_in_both_languages(
    page: str, world: Callable[[str], World], tmp_path: Path
) -> None:
    samples = sections(page)
    said_by_python = run_python(samples, world)
    assert all(said_by_python.values())
    assert run_ts(samples, world, tmp_path) == said_by_python


def run_python(samples: dict[str, dict[str, str]], world: Callable[[str], World]) -> dict[str, str]:
    """The output of the Python samples by endpoint."""
    placed = {name: world(name) for name in samples}
    jobs = [
        {"name": name, "code": one.real(samples[name]["python"]), "environment": one.environment}
        for name, one in placed.items()
    ]
    done = subprocess.run(
        [sys.executable, "-c", PYTHON], input=json.dumps(jobs), capture_output=True, text=True, timeout=300, check=False
    )
    return printed(done, placed)


def run_ts(samples: dict[str, dict[str, str]], world: Callable[[str], World], folder: Path) -> dict[str, str]:
    """The output of the TypeScript samples by endpoint; their types are checked first."""
    need_typescript_client()
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "signalbox-client").symlink_to(TYPESCRIPT)
    (folder / "node_modules" / "@types").symlink_to(TYPESCRIPT / "node_modules" / "@types")
    (folder / "package.json").write_text('{"type": "module"}')
    options = {
        "module": "nodenext",
        "lib": ["es2022", "dom"],
        "target": "es2022",
        "strict": True,
        "types": ["node"],
        "skipLibCheck": True,
    }
    placed, jobs, files = {name: world(name) for name in samples}, [], []
    for name, one in placed.items():
        (folder / f"{name}.ts").write_text(f"{one.real(samples[name]['ts'])}export {{}};\n", "utf-8")
        files.append(f"{name}.ts")
        jobs.append({"file": str(folder / f"{name}.js"), "environment": one.environment})
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": files}))
    compiler = TYPESCRIPT / "node_modules" / ".bin" / "tsc"
    typed = subprocess.run([compiler, "-p", folder], capture_output=True, text=True, timeout=300, check=False)
    assert typed.returncode == 0, typed.stdout
    (folder / "run.js").write_text(NODE)
    done = subprocess.run(
        ["node", "run.js", json.dumps(jobs)],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return printed(done, placed)


def printed(done: subprocess.CompletedProcess[str], placed: dict[str, World]) -> dict[str, str]:
    """Splits an output by endpoint, and replaces real ids by those of the samples."""
    parts = done.stdout.split("\036")
    assert done.returncode == 0, f"{list(placed)[len(parts) - 1]}: {done.stderr}"
    return {name: one.shown(part).strip() for (name, one), part in zip(placed.items(), parts, strict=False)}
