"""The pages about testing and CI: their examples run unchanged, in a separate folder."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from markdown_it import MarkdownIt

from installed import need_node
from ports import free_port, on_free_ports
from processes import environment

ROOT: Final = Path(__file__).parents[2]
BIN: Final = Path(sys.executable).parent
# Commands that prepare a machine; everything is installed here.
INSTALLS: Final = ("git clone ", "pip install ", "npm ci")


def fences(page: str, language: str) -> list[str]:
    found = MarkdownIt("commonmark").parse((ROOT / "docs" / f"{page}.md").read_text("utf-8"))
    return [token.content for token in found if token.type == "fence" and token.info == language]


def env(**more: str) -> dict[str, str]:
    """The environment with this project's programs first on the path, and without other pytest plugins."""
    clean = environment({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "signalbox.testing.plugin", **more})
    return {**clean, "PATH": f"{BIN}:{clean['PATH']}"}


def bash(script: str, folder: Path, **more: str) -> str:
    """Runs a script until its first failure and returns its output; background processes are ended with it."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT\n{script}"],
        cwd=folder,
        env=env(**more),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_python_examples_of_the_testing_page_pass(tmp_path: Path) -> None:
    examples = fences("testing", "python")
    for example in examples:
        name = re.match(r"# (\w+\.py)\n", example)
        assert name, example
        (tmp_path / name[1]).write_text(example)
    printed = bash("python -m pytest -q -p no:cacheprovider", tmp_path)
    assert f"{sum(one.count('def test_') for one in examples) - 1} passed" in printed
    bash("python -W error -m unittest tests_of_theirs.py", tmp_path)


def test_shell_example_of_the_testing_page_prints_an_empty_inventory(tmp_path: Path) -> None:
    (script,) = fences("testing", "bash")
    assert bash(script, tmp_path).startswith('{"senders":[],')


def test_shell_lines_of_the_ci_page_start_a_server_and_fill_it(tmp_path: Path) -> None:
    port = free_port()
    script = on_free_ports("\n".join(fences("ci", "bash")), {8080: port})
    printed = bash(script, tmp_path, SIGNALBOX_PORT=str(port))
    assert '"status":"ready"' in printed
    assert '{"senderPools":[],' in printed
    assert '{"created":2,"updated":0,"refused":[],"warnings":[]}' in printed
    assert "any-text-without-spaces" in script
    assert "any-text-without-spaces" not in printed + (tmp_path / "signalbox.log").read_text("utf-8")


def jobs() -> list[tuple[str, list[str], dict[str, str]]]:
    """The jobs of the page: the kind of CI, the shell lines without installations, and the environment."""
    found = []
    for fence in fences("ci", "yaml"):
        job: dict[str, Any]
        loaded = yaml.safe_load(fence)
        if "jobs" in loaded:
            (job,) = loaded["jobs"].values()
            lines = [step["run"] for step in job["steps"] if "run" in step and "if" not in step]
        else:
            (job,) = loaded.values()
            lines = job["script"]
        shell = [line for line in lines if not line.startswith(INSTALLS)]
        made = ("python" if "python -m pytest" in shell else "node", shell, dict(job.get("env", {})))
        if made not in found:  # two kinds of CI run the same lines
            found.append(made)
    return found


NODE: Final = """
const { SIGNALBOX_ACCOUNT_SID: sid, SIGNALBOX_AUTH_TOKEN: token } = process.env;
const url = process.env.SIGNALBOX_URL ?? `http://127.0.0.1:${process.env.SIGNALBOX_PORT}`;
const headers = { authorization: "Basic " + btoa(`${sid}:${token}`) };
const response = await fetch(`${url}/v1/Senders`, { headers });
console.log("status", response.status);
"""


@pytest.mark.parametrize(("kind", "lines", "variables"), jobs())
def test_jobs_of_the_ci_page_succeed(kind: str, lines: list[str], variables: dict[str, str], tmp_path: Path) -> None:
    """Those of Python run the tests of `examples/python-app`."""
    assert lines
    if kind == "node":
        need_node()
    project, port = tmp_path / "project", free_port()
    if kind == "python":
        shutil.copytree(ROOT / "examples" / "python-app", project)
    else:
        project.mkdir()
        (project / "package.json").write_text('{"scripts": {"test": "node test.mjs"}}')
        (project / "test.mjs").write_text(NODE)
    script = on_free_ports("\n".join(lines), {8080: port})
    printed = bash(script, project, SIGNALBOX_PORT=str(port), **variables)
    assert ("11 passed" if kind == "python" else "status 200") in printed


def test_containerfile_copies_only_what_is_there_and_is_not_ignored() -> None:
    ignored = (ROOT / ".containerignore").read_text("utf-8").splitlines()
    copies = re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Containerfile").read_text("utf-8"), re.MULTILINE)
    sources = {source for line in copies for source in line.split()[:-1]}
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, source
