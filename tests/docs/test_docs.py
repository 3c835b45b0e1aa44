"""The documentation names everything in the program, its links have targets, and its examples run.

Fences by language: bash runs the `sh` fences of a page in order, in one shell, beside a fresh server. A `json` or
`text` fence directly after an `sh` fence is its output. In `console` fences, commands and options must exist. Every
`json` fence is valid JSON.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Final, NamedTuple
from urllib.request import urlopen

import click
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

import docs_build.changes
import docs_build.lists
import docs_build.pages
from docs_build.anchors import anchor
from signalbox.api.routes import ROUTES
from signalbox.cli import main
from signalbox.ground import log, settings
from signalbox.http import json_limits, json_text, protocol, receiving, server
from signalbox.http.errors import ERROR_CODES, ErrorCode
from signalbox.http.router import Route
from signalbox.sending.codes import MEANINGS

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docs"
SOURCE: Final = ROOT / "src" / "signalbox"
PAGES: Final = {name: FOLDER / f"{name}.md" for name in docs_build.pages.every()}
TEXTS: Final = {name: path.read_text("utf-8") for name, path in PAGES.items()}
FILES: Final = [ROOT / "README.md", *PAGES.values(), *sorted(FOLDER.glob("decisions/*.md"))]

SID, TOKEN = "AC0123456789abcdef0123456789abcdef", "token"
EVENTS: Final = ("debug", "info", "warning", "error")


def tokens(path: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(path.read_text("utf-8"))


def anchors(path: Path) -> list[str]:
    found = tokens(path)
    return [anchor(text.content) for head, text in pairwise(found) if head.type == "heading_open"]


def table(page: str, heading: str) -> dict[str, set[str]]:
    """The rows of the tables below a heading: the code of the first cell, and all code of the other cells."""
    _, _, below = TEXTS[page].partition(f"\n## {heading}\n")
    assert below, f"{page}.md has no heading {heading}"
    rows = [line.split("|")[1:-1] for line in below.split("\n## ")[0].splitlines() if line.startswith("| `")]
    return {row[0].strip().strip("`"): set(re.findall("`([^`]+)`", " ".join(row[1:]))) for row in rows}


# --- everything in the program is named


@pytest.mark.parametrize("error_code", ERROR_CODES.values(), ids=lambda error_code: str(error_code.code))
def test_error_code_has_a_heading_that_info_urls_lead_to(error_code: ErrorCode) -> None:
    headings = re.findall(r"^## (\d{5}) \S", TEXTS["errors"], flags=re.MULTILINE)
    assert str(error_code.code) in headings
    assert str(error_code.code) in anchors(PAGES["errors"])


def test_errors_page_has_no_code_that_no_response_and_no_message_has() -> None:
    headings = re.findall(r"^## (\d{5}) ", TEXTS["errors"], flags=re.MULTILINE)
    assert sorted(headings) == sorted(str(code) for code in (*(one.code for one in ERROR_CODES.values()), *MEANINGS))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_route_is_documented(route: Route) -> None:
    written = rf"{route.method} {re.escape(route.path)}(?![\w/{{-])"
    explained = [text for name, text in TEXTS.items() if not name.startswith("contract/")]
    assert any(re.search(written, text) for text in explained), f"no page has {route.method} {route.path}"


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda setting: setting.key)
def test_setting_is_a_row_of_the_configuration_page(setting: settings.Setting) -> None:
    row = table("configuration", "Settings")[setting.key]
    assert setting.variable in row
    assert setting.default_text in row
    assert (setting.flag in row) == setting.option


def commands(group: click.Group, path: str = "signalbox") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


@pytest.mark.parametrize("command", [name for name, _ in commands(main)])
def test_command_is_documented(command: str) -> None:
    assert any(command in text for text in TEXTS.values())


def test_metrics_page_and_program_name_the_same_figures(served: Served) -> None:
    with urlopen(f"{served.url}/metrics", timeout=60) as response:  # noqa: S310 (our own server)
        shown = set(re.findall(r"^# TYPE (\S+)", response.read().decode(), flags=re.MULTILINE))
    assert set(table("monitoring", "Metrics")) == shown


def test_log_page_and_program_name_the_same_events_and_fields() -> None:
    documented = table("monitoring", "Log lines")
    said: dict[str, set[str]] = {}
    of_requests: set[str] = {param.name for route in ROUTES for param in route.endpoint.ids}
    for path in sorted(SOURCE.rglob("*.py")):
        if path.name == "log.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                words = {word.arg for word in node.keywords if word.arg}
                owner = ast.unparse(node.func.value)
                logged = node.func.attr in EVENTS and re.search(r"(\b|_)log(ger)?(\.get\(\))?$", owner)
                if logged and isinstance(node.args[0], ast.Constant):
                    event = ast.literal_eval(node.args[0])
                    said.setdefault(event, set()).update("exception" if w == "exc_info" else w for w in words)
                elif node.func.attr == "update" and owner.endswith(".fields"):
                    of_requests |= words
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Done":
                # Log lines of a worker's work, which have a duration.
                event, fields = ast.literal_eval(node.args[0]), node.args[1]
                words = {ast.literal_eval(key) for key in fields.keys if key} if isinstance(fields, ast.Dict) else set()
                said.setdefault(event, set()).update({"ms", *words})
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith(".fields"):
                of_requests.add(ast.literal_eval(node.slice))
    said["request"] |= of_requests
    assert sorted(documented) == sorted(said)
    missing = {event: fields - documented[event] for event, fields in said.items()}
    assert not {event: fields for event, fields in missing.items() if fields}


def test_limits_of_the_transport_page_are_those_of_the_program() -> None:
    limits = (
        f"| body | {receiving.MOST_BODY_BYTES >> 20} MiB",
        f"| request line and headers together | {protocol.MOST_HEADER_BYTES >> 10} KiB",
        f"| until the headers are complete | {protocol.HEADER_SECONDS:.0f} s",
        f"| until the body is complete | {receiving.BODY_SECONDS:.0f} s",
        f"| a connection without a request | {server.KEEP_ALIVE_SECONDS} s",
    )
    assert not [words for words in limits if words not in TEXTS["transport"]]
    listed = f"larger than {json_text.MOST_EXAMINED >> 20} MiB only"
    assert listed in TEXTS["errors"]
    assert f"| {json_limits.MOST_DEPTH}: 400 |" in TEXTS["transport"]
    assert f"longer than {log.MOST_BYTES >> 10} KiB" in TEXTS["monitoring"]


def test_navigation_has_every_page_once() -> None:
    named = [name for group in docs_build.pages.groups() for name in group.pages]
    assert sorted(named) == sorted(PAGES)


MOST_ENTRIES: Final = 7


def test_navigation_has_few_entries_on_each_level() -> None:
    def levels(entries: list[docs_build.pages.Entry]) -> Iterator[int]:
        yield len(entries)
        for entry in entries:
            if isinstance(entry, dict):
                assert len(entry) == 1
                for below in entry.values():
                    yield from levels(below)

    assert max(levels(docs_build.pages.navigation())) <= MOST_ENTRIES


def test_comparison_with_the_rented_api_is_at_the_top_and_there_is_one_quickstart() -> None:
    assert docs_build.pages.navigation()[:2] == ["index.md", "differences.md"]
    assert [name for name in PAGES if "quickstart" in name] == ["quickstart"]


def test_changes_are_a_page() -> None:
    page = docs_build.pages.text("whats-new")
    for texts in docs_build.changes.entries().values():
        for text in texts:
            assert " ".join(re.sub(r"\]\(docs/", "](", text).split()) in " ".join(page.split())


def test_lists_of_pages_are_what_the_program_is_now() -> None:
    for name, text in TEXTS.items():
        assert docs_build.lists.written(text) == text, f"{name}.md: make reference"


# --- links


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_headings_that_exist(path: Path) -> None:
    served_page = path in PAGES.values()
    for inline in tokens(path):
        for part in inline.children or ():
            target = part.attrs.get("href") if part.type == "link_open" else None
            if not isinstance(target, str) or re.match("[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = path.parent / name if name else path
            assert file.exists(), f"{target}: there is no such file"
            if served_page and name:
                # The program serves only these pages, and makes its links from URLs in this form.
                assert file.resolve() in PAGES.values(), f"{target}: not a page that the program serves"
                assert re.fullmatch(r"(\.\./|contract/)?[a-z-]+\.md", name), f"{target}: not in its shortest spelling"
            if anchor:
                assert anchor in anchors(file), f"{target}: there is no such heading"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_starts_with_its_title_and_has_each_heading_once(path: Path) -> None:
    assert path.read_text("utf-8").startswith("# ")
    found = anchors(path)
    assert sorted(found) == sorted(set(found))


# --- examples


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_json_examples_are_json(path: Path) -> None:
    for token in tokens(path):
        if token.type == "fence" and token.info == "json":
            json.loads(token.content)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_shown_commands_and_options_exist(path: Path) -> None:
    known = dict(commands(main))
    for token in tokens(path):
        if token.type != "fence" or token.info not in ("", "console", "sh"):
            continue
        for line in re.findall(r"^(?:\$ )?(?:[A-Z_]+=\S* )*(signalbox .*)", token.content, flags=re.MULTILINE):
            words = shlex.split(line.partition("|")[0].partition(">")[0], comments=True)
            options = {word.partition("=")[0] for word in words if word.startswith("-")}
            if words[1].startswith("-"):
                command: click.Command = main
            else:
                name = next(n for n in (" ".join(words[:3]), " ".join(words[:2])) if n in known)
                command = known[name]
            params = command.get_params(click.Context(command))
            assert options <= {option for one in params for option in (*one.opts, *one.secondary_opts)}


class Served(NamedTuple):
    """A newly started server, and its working folder."""

    url: str
    folder: Path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Starts a server on a new database file with one account."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "signalbox", "serve", "--port", "0", "--log-format", "json"],
        cwd=tmp_path,
        env={**clean, "SIGNALBOX_ACCOUNT_SID": SID, "SIGNALBOX_AUTH_TOKEN": TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    lines, said = process.stderr, ""
    try:
        while '"event":"ready"' not in (ready := lines.readline()):
            assert ready, f"the server ended before it was ready: {said}"
            said += ready
        rest = threading.Thread(target=lines.read, daemon=True)
        rest.start()
        yield Served(json.loads(ready)["url"], tmp_path)
        process.terminate()
        assert process.wait(20) == 0
        rest.join(10)
    finally:
        process.kill()
        process.wait()
        lines.close()


class Example(NamedTuple):
    """A block that can be run, and its output if the page shows any directly below."""

    line: int
    script: str
    language: str
    response: str


def examples(path: Path) -> list[Example]:
    found = tokens(path)
    shown = []
    for token, after in zip_longest(found, found[1:]):
        if token.type == "fence" and token.info == "sh" and token.map:
            has_output = after is not None and after.type == "fence" and after.info in ("json", "text")
            language, response = (after.info, after.content) if has_output else ("", "")
            shown.append(Example(token.map[0] + 1, token.content, language, response))
    return shown


RUNNABLE: Final = [name for name, path in PAGES.items() if examples(path)]
_VARYING: Final = (
    (r"\b(comms_[a-z]+)_[0-7][a-z0-9]{25}\b", r"\1_ID"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME"),
    (r"http://[a-z0-9.]+:\d+", "URL"),
    (r"\b(AC|SK|RQ)[0-9a-f]{32}\b", r"\1"),
    (r'"[0-9a-f]{24}"', "ETAG"),
)
_SECRET: Final = {"next", "self", "authToken", "secret"}


def plain(text: str) -> str:
    """The text without the parts that differ from run to run."""
    for pattern, name in _VARYING:
        text = re.sub(pattern, name, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def plain_json(value: object, key: str = "") -> object:
    """The JSON value without the parts that differ from run to run."""
    if isinstance(value, dict):
        return {name: plain_json(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [plain_json(one) for one in value]
    if isinstance(value, str):
        return key.upper() if key in _SECRET else plain(value)
    return value


@pytest.mark.parametrize("page", RUNNABLE)
def test_examples_run_and_print_what_is_shown(page: str, served: Served) -> None:
    shown = examples(PAGES[page])
    script = f"export SIGNALBOX_URL={served.url} SIGNALBOX_ACCOUNT_SID={SID} SIGNALBOX_AUTH_TOKEN={TOKEN}\n"
    script += "".join(f"{one.script}\nprintf '\\036'\n" for one in shown)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=served.folder,
        env={"PATH": programs, "HOME": str(served.folder), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    *outputs, rest = done.stdout.split("\036")
    assert len(outputs) == len(shown), f"line {shown[len(outputs)].line} failed: {done.stderr}{rest}"
    assert (done.returncode, done.stderr) == (0, "")
    for example, output in zip(shown, outputs, strict=True):
        where = f"{page}.md, line {example.line}"
        if example.language == "json":
            last = output.strip().splitlines()[-1]
            assert plain_json(json.loads(last)) == plain_json(json.loads(example.response)), where
        elif example.language == "text":
            assert plain(output) == plain(example.response), where
        else:
            assert '"errors":[' not in output, f"{where}: {output}"
