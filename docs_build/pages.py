"""The pages of the documentation: their order, their groups, and a description of one line each."""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, cast

from docs_build import changes

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "docs"
CONFIG: Final = ROOT / "zensical.toml"

_FENCE: Final = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_ITEM: Final = re.compile(r"(?:[-*]|\d\.) ")
_CHANGES: Final = "<!-- changes -->"
# Names of the samples' languages. Samples that directly follow each other become tabs.
_TABS: Final = {"bash": "curl", "sh": "curl", "python": "Python", "ts": "TypeScript"}


Entry = str | dict[str, "list[Entry]"]


class Group(NamedTuple):
    """A level of the navigation: the headings that lead to it, and its own pages."""

    title: str
    pages: tuple[str, ...]


@lru_cache(maxsize=1)
def navigation() -> list[Entry]:
    """The navigation as the generator's configuration has it: pages, and levels with a heading."""
    return cast("list[Entry]", tomllib.loads(CONFIG.read_text("utf-8"))["project"]["nav"])


def groups() -> tuple[Group, ...]:
    """The navigation in reading order; pages that follow each other on one level are one group."""
    return tuple(_groups(navigation(), ""))


def _groups(entries: list[Entry], title: str) -> Iterator[Group]:
    """The groups of a level; `title` has the headings that lead to the level."""
    run: list[str] = []
    for entry in entries:
        if isinstance(entry, str):
            run.append(entry.removesuffix(".md"))
            continue
        if run:
            yield Group(title or "Start", tuple(run))
        run = []
        for heading, below in entry.items():
            yield from _groups(below, f"{title}: {heading}" if title else heading)
    if run:
        yield Group(title or "More", tuple(run))


def every() -> list[str]:
    """The name of each page, its folder included: `errors`, `contract/messages`."""
    found = [path for pattern in ("*.md", "contract/*.md") for path in FOLDER.glob(pattern)]
    return sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in found)


def source(name: str) -> str:
    """The text of a page's file."""
    return (FOLDER / f"{name}.md").read_text("utf-8")


def text(name: str) -> str:
    """The page as it is served: its file, with the changes where the file has the mark for them."""
    written = source(name)
    return written.replace(_CHANGES, changes.markdown()) if _CHANGES in written else written


def title(name: str) -> str:
    """The page's first heading."""
    return text(name).partition("\n")[0].lstrip("# ")


def description(name: str) -> str:
    """The first sentence of the page, without its links."""
    paragraphs = text(name).split("\n\n")[1:]
    first = next(one for one in paragraphs if re.match(r"(?!```)[\w*`\[]", one))
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(first.split()))
    return re.split(r"(?<=[.:])\s", plain, maxsplit=1)[0].rstrip(":")


def for_generator(page: str) -> str:
    """The page in the form that the generator needs."""
    return _with_deep_lists(_with_tabs(page))


def _with_deep_lists(page: str) -> str:
    """Indents the contents of list items by four spaces, and puts a blank line between a paragraph and a list item.

    Other Markdown programs accept the indentation of the item's text, and a list item directly after a paragraph.
    """
    lines, deeper, fenced, paragraph = list[str](), 0, False, False
    for line in page.split("\n"):
        item = None if fenced else _ITEM.match(line)
        if item:
            deeper = 4 - len(item[0])
            lines += [""] * (paragraph and lines[-1] != "")
            paragraph = False
        elif line[:1].strip():
            deeper = deeper if fenced else 0
            fenced ^= line.startswith("```")
            paragraph = True
        elif not line:
            paragraph = True
        lines.append(" " * deeper + line if line.startswith("  ") else line)
    return "\n".join(lines)


def _with_tabs(page: str) -> str:
    """The page with consecutive samples in several languages as tabs."""
    made, end, run = "", 0, list[re.Match[str]]()
    for fence in [*_FENCE.finditer(page), None]:
        if fence and fence[1] in _TABS and (not run or not page[run[-1].end() : fence.start()].strip()):
            run.append(fence)
            continue
        if {"python", "ts"} & {one[1] for one in run} and len({one[1] for one in run}) == len(run) > 1:
            made += page[end : run[0].start()] + "\n\n".join(_tab(one) for one in run)
            end = run[-1].end()
        run = [fence] if fence and fence[1] in _TABS else []
    return made + page[end:]


def _tab(fence: re.Match[str]) -> str:
    indented = "\n".join(f"    {line}".rstrip() for line in fence[0].splitlines())
    return f'=== "{_TABS[fence[1]]}"\n\n{indented}'
