"""The contract's pages: each section once, true marks of what is not built yet, every citation to a heading.

A status line below a heading says what is not built. `> **Not built yet.**`: everything; `> **Not built yet:** ...`:
what the line names; `> **Built.**`: nothing. A heading without a status line has the status of the heading above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, cast

import pytest

from docs_build import pages
from docs_build.anchors import anchor
from signalbox.api.document import build as build_document
from signalbox.api.routes import ROUTES
from signalbox.ground import settings

ROOT: Final = Path(__file__).parents[2]
CONTRACT: Final = {name: pages.text(name) for name in pages.every() if name.startswith("contract/")}
# Every file that may cite a section. The contract's pages are not here: they cite one another in a shorter form.
_FOLDERS: Final = ("src", "tests", "bench", "docs", "docs_build", "examples", ".ci", "clients/python", "console/src")
_SUFFIXES: Final = {".py", ".sql", ".md", ".ts", ".tsx", ".toml", ".go", ".java"}
_MADE: Final = {"site", "node_modules", "dist", ".venv", "contract"}
CITING: Final = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in [*ROOT.glob("*.md"), *(one for folder in _FOLDERS for one in sorted((ROOT / folder).rglob("*")))]
    if path.suffix in _SUFFIXES and not _MADE & set(path.relative_to(ROOT).parts) and path != Path(__file__)
}
# The document that a citation names before the number of the section.
_OURS: Final = re.compile(r"[Cc]ontract\]?(?:\([^)]*\))? $")
_OTHER_DOCUMENT: Final = re.compile(r"(?:RFC \d+|HTML Standard),? $")

_STATUS: Final = re.compile(r"^> \*\*(Not built yet|Built)([.:])\*\*(.*(?:\n> .*)*)", re.MULTILINE)
# The contract names `GET /v1/Senders/Search` to say that no such route exists.
_ENDPOINT: Final = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/(?:signalbox/)?v1/[^`?\s]*)`(?! is 405)")
_PATH: Final = re.compile(r"`(/(?:signalbox/)?v1/[^`?\s]+)`")
_SECTIONS: Final = re.compile(r"[Ss]ections? (\d+(?:\.\d)?(?:(?:, and|,| and| to) \d+(?:\.\d)?)*)")


def plain(path: str) -> str:
    """A path without the names of its placeholders, since the contract does not fix the names."""
    return re.sub(r"\{[^}]*\}", "{}", path)


BUILT: Final = {(route.method, plain(route.path)) for route in ROUTES}
BUILT_PATHS: Final = {path for _, path in BUILT}


class Part(NamedTuple):
    """A heading of the contract and the text up to the next heading; `line` is its status line."""

    page: str
    heading: str
    text: str
    line: str

    @property
    def endpoints(self) -> list[tuple[str, str]]:
        return [(method, plain(path)) for method, path in _ENDPOINT.findall(self.text)]


def parts() -> Iterator[Part]:
    for page, text in CONTRACT.items():
        inherited = ""
        for block in re.split(r"^(?=##)", text, flags=re.MULTILINE):
            heading, _, below = block.partition("\n")
            own = "\n\n".join(match[0] for match in _STATUS.finditer(below))
            if not heading.startswith("###"):
                inherited = own
            yield Part(page, heading.lstrip("# "), _STATUS.sub("", below), own or inherited)


PARTS: Final = list(parts())
MARKED: Final = {(part.page, part.line) for part in PARTS if part.line}
NUMBERED: Final = {
    part.heading.split()[0].rstrip("."): part.page for part in PARTS if re.match(r"\d+\. |\d+\.\d ", part.heading)
}


def named(line: str) -> tuple[set[tuple[str, str]], set[str]]:
    """The endpoints that a status line names, and all its other code."""
    endpoints = {(method, plain(path)) for method, path in _ENDPOINT.findall(line)}
    return endpoints, {code for code in re.findall("`([^`]+)`", line) if not re.match("[A-Z]+ /", code)}


def test_sections_1_to_16_are_there_once_and_in_order() -> None:
    headings = [part.heading.split()[0] for name in _order() for part in PARTS if part.page == name]
    assert [one for one in headings if re.fullmatch(r"\d+\.", one)] == [f"{number}." for number in range(1, 17)]
    assert len(NUMBERED) == len([one for one in headings if re.fullmatch(r"\d+\.\d?", one)])


def _order() -> list[str]:
    return [name for group in pages.groups() for name in group.pages if name in CONTRACT]


@pytest.mark.parametrize("part", [part for part in PARTS if part.endpoints], ids=lambda part: part.heading)
def test_endpoint_of_the_contract_is_served_or_marked_as_not_built(part: Part) -> None:
    built = set(part.endpoints) & BUILT
    status = _STATUS.match(part.line)
    if status is None or status[1] == "Built":
        expected = set(part.endpoints)
    elif status[2] == ".":
        expected = set()
    else:
        expected = set(part.endpoints) - named(part.line)[0]
    assert built == expected, f"{part.page}.md, {part.heading}: the line says otherwise than the route table"


@pytest.mark.parametrize(("page", "line"), sorted(MARKED), ids=[page for page, _ in sorted(MARKED)])
def test_line_that_says_not_built_names_nothing_that_is_built(page: str, line: str) -> None:
    status = _STATUS.match(line)
    assert status
    assert status[0] == line, "two status lines below one heading"
    if status[1] == "Built":
        return
    endpoints, others = named(line)
    near = [one for part in PARTS if (part.page, part.line) == (page, line) for one in part.endpoints]
    assert endpoints or others or near, f"{page}.md: {line!r} can be compared with nothing"
    assert not endpoints & BUILT
    assert not others & {setting.key for setting in settings.SETTINGS}
    near = near or [one for part in PARTS if part.page == page for one in part.endpoints]
    assert not others & set(_fields(near))


def _fields(endpoints: list[tuple[str, str]]) -> Iterator[str]:
    """The fields of these endpoints' bodies in the OpenAPI document."""
    document = build_document(ROUTES, "http://signalbox.test")
    paths = cast("dict[str, dict[str, object]]", document["paths"])
    waiting: list[object] = [
        described
        for path, methods in paths.items()
        for method, described in methods.items()
        if (method.upper(), plain(path)) in endpoints
    ]
    followed = set()
    while waiting:
        schema = waiting.pop()
        if isinstance(schema, list):
            waiting += schema
        elif isinstance(schema, dict):
            waiting += schema.values()
            yield from schema["properties"] if isinstance(schema.get("properties"), dict) else ()
            reference = schema.get("$ref")
            if isinstance(reference, str) and reference not in followed:
                followed.add(reference)
                waiting.append(_followed(document, reference))


def _followed(document: object, reference: str) -> object:
    for key in reference.removeprefix("#/").split("/"):
        assert isinstance(document, dict)
        document = document[key]
    return document


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.page}: {part.heading}")
def test_path_and_setting_of_a_built_section_are_there(part: Part) -> None:
    if part.line and "Not built yet.**" in part.line:
        return
    _, unbuilt = named(part.line)
    assert {plain(path) for path in _PATH.findall(part.text)} <= BUILT_PATHS
    named_settings = set(re.findall(r"\bsetting `([a-z_]+)`", part.text))
    assert named_settings - unbuilt <= {setting.key for setting in settings.SETTINGS}


def test_contract_names_every_path_of_the_api() -> None:
    named_paths = {plain(path) for text in CONTRACT.values() for path in re.findall(r"`(?:[A-Z]+ )?(/[^`?\s]+)`", text)}
    assert {path for path in BUILT_PATHS if "/v1/" in path} <= named_paths


# --- references


def cited(text: str) -> Iterator[tuple[str, str]]:
    """Each section that a text cites: the text before the citation, and the number."""
    flat = re.sub(r"\s+(?:#|--|//|\*)?\s*", " ", text)
    for match in _SECTIONS.finditer(flat):
        for number in re.findall(r"\d+(?:\.\d)?", match[1]):
            yield flat[max(0, match.start() - 24) : match.start()], number


def test_section_that_is_cited_is_a_heading_of_the_contract() -> None:
    """A citation names the document: `contract section 6`, `RFC 9110 section 13`."""
    found = [(path, *one) for path, text in CITING.items() for one in cited(text) if not _OTHER_DOCUMENT.search(one[0])]
    assert len(found) > 50
    for path, before, number in found:
        assert _OURS.search(before), f"{path}: ...{before}section {number}: say of what"
        assert number in NUMBERED, f"{path}: the contract has no section {number}"


def test_page_of_the_contract_cites_sections_that_are_there() -> None:
    for page, text in CONTRACT.items():
        numbers = [number for _, number in cited(text)] + re.findall(r"(?<=[( ])(\d\d\.\d)(?=[) ])", text)
        assert set(numbers) <= set(NUMBERED), page
        for number, target in re.findall(r"\[section (\d+)\]\(([^)#]*)[^)]*\)", text):
            assert NUMBERED[number] == f"contract/{target.removesuffix('.md')}", page


def test_heading_of_a_page_that_is_cited_is_there() -> None:
    found = [
        (path, *one) for path, text in CITING.items() for one in re.findall(r"\bdocs/([a-z/-]+)\.md#([a-z0-9-]+)", text)
    ]
    assert found
    for path, page, heading in found:
        headings = re.findall(r"^#+ (.+)$", pages.text(page), flags=re.MULTILINE)
        assert heading in map(anchor, headings), f"{path}: docs/{page}.md has no heading {heading}"


def test_glossary_has_one_form_that_a_program_can_read() -> None:
    """Each word comes once, with its meaning; the words not to write are in backticks, separated by commas."""
    rows = re.findall(r"^\| (?!---|word )(.+) \|$", pages.text("glossary"), flags=re.MULTILINE)
    words = set()
    for row in rows:
        word, meaning, others = (cell.strip() for cell in row.split(" | "))
        assert meaning
        assert re.fullmatch(r"`[A-Za-z' -]+`(?:, `[A-Za-z' -]+`)*", others), row
        assert word not in words
        assert f"`{word}`" not in others
        words.add(word)
    assert len(words) > 40
