"""The glossary is kept: texts for people have none of the words that it replaces.

The texts are the pages of the docs, the changelog, the READMEs, the help of the command line, the strings of the
program with its error messages, the descriptions of the OpenAPI document, and the texts of the console. The published
contract and the decisions are not among them. Code in backticks and in fences is not read.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from docs_build import pages
from signalbox.api.document import build as build_document
from signalbox.api.routes import ROUTES
from signalbox.cli import main

ROOT: Final = Path(__file__).parents[2]
# What a text may not say, and what it says instead.
WORDS: Final = {
    r"answer(s|ed|ing)?": "response, to respond",
    r"theirs": "name the thing",
    r"(nobody|somebody|anybody|everybody)": "name the person or the program",
    r"refusals?": "error",
    r"strangers?": "client without credentials",
    r"mandatory": "required",
    r"(unknown|missing) members?": "field",
    r"members? of (a|the|an|its) (body|object|request|response|row|json)": "field",
    r"member \| \|": "field",
    r"hang(s|ing)? up|hung up": "close the connection",
    r"in hand": "name the work",
}
FOUND: Final = re.compile(rf"(?<![\w-])({'|'.join(WORDS)})(?![\w-])", re.IGNORECASE)
_CODE: Final = re.compile(r"^ *```.*?^ *```|`[^`\n]*`|\]\([^)]*\)", re.MULTILINE | re.DOTALL)


def wrong(text: str) -> list[str]:
    """The words of a text that the glossary replaces."""
    return [match[0] for match in FOUND.finditer(" ".join(_CODE.sub("`", text).split()))]


def test_planted_word_is_found_and_code_is_not_read() -> None:
    assert wrong("The server answers at once.") == ["answers"]
    assert wrong("| member | |") == ["member | |"]
    assert wrong("`UnexpectedAnswer` in [a page](answer.md)\n```\nanswer\n```\n") == []
    assert wrong("A member of the pool, and the response.") == []


PROSE: Final = {
    **{f"docs/{name}.md": pages.source(name) for name in pages.every() if not name.startswith("contract/")},
    **{
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for path in [*ROOT.glob("*.md"), *ROOT.glob("changelog.d/*.md"), *ROOT.glob("clients/*/README.md")]
    },
}


@pytest.mark.parametrize("name", PROSE)
def test_page_keeps_the_glossary(name: str) -> None:
    # The glossary itself lists the words that it replaces, as code.
    assert wrong(PROSE[name]) == []


def _helps(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    yield path, command.help or ""
    for param in command.params:
        yield path, getattr(param, "help", None) or ""
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from _helps(below, f"{path} {name}")


def test_help_of_every_command_keeps_the_glossary() -> None:
    assert {path: wrong(text) for path, text in _helps(main, "signalbox") if wrong(text)} == {}


def test_document_of_the_api_keeps_the_glossary() -> None:
    assert wrong(json.dumps(build_document(ROUTES, "http://signalbox.test"))) == []


def _strings(path: Path) -> Iterator[str]:
    """The strings of a module with a space in them; docstrings included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value


def test_messages_and_docstrings_of_the_program_keep_the_glossary() -> None:
    sources = [*(ROOT / "src" / "signalbox").rglob("*.py"), *(ROOT / "clients" / "python" / "src").rglob("*.py")]
    found = {
        path.relative_to(ROOT).as_posix(): [one for text in _strings(path) for one in wrong(text)] for path in sources
    }
    assert {name: words for name, words in found.items() if words} == {}


# In quotes with a space, between tags on one line, or a line of text alone.
_SHOWN: Final = re.compile(
    r"""\"([^\"\n]* [^\"\n]*)\"|`([^`\n]* [^`\n]*)`|>([^<>{}=;\n]*\w[^<>{}=;\n]*)<"""
    r"|^ *([A-Za-z][^={};<>\n]* [^={};<>\n]*)$",
    re.MULTILINE,
)


def test_texts_of_the_console_keep_the_glossary() -> None:
    found = {}
    for path in sorted((ROOT / "console" / "src").rglob("*.ts*")):
        texts = [" ".join(filter(None, match.groups())) for match in _SHOWN.finditer(path.read_text("utf-8"))]
        if words := [one for text in texts for one in wrong(re.sub(r"\$\{[^}]*\}", "", text))]:
            found[path.name] = words
    assert found == {}
