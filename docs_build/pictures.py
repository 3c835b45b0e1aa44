"""Draws the pictures of the pages, as SVG, from the texts in `docs_build/pictures/`.

A text has a word at the start of each line, and what it is about after it:

    title TEXT      above the picture
    note TEXT       below it
    down WORD       an arrow beside the rows from the first to the last, with this word; `up`: from last to first
    row LABEL       a row of boxes; the label may be absent
      box NAME | CAPTION     `later` instead of `box`: dashed, for what is not there yet
        errors CODES         statuses that the box before responds with, in order

Other lines are empty or begin with `#`. The same text gives the same bytes.
"""

import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("pictures")
_STYLE: Final = FOLDER / "pictures.css"

# All in CSS pixels. The page's column is about this wide, so that a picture is shown in its own size.
_WIDTH: Final = 760
_MARGIN: Final = 16
_GAP: Final = 10
_LANE: Final = 64  # beside the rows, for an arrow and its word
_PAD: Final = 10
_LINE: Final = 17
_NAME, _CAPTION, _LABEL, _TITLE = 14.0, 12.5, 11.5, 16.0


@dataclass
class _Box:
    name: str
    caption: str
    later: bool
    errors: list[str] = field(default_factory=list)


@dataclass
class _Row:
    label: str
    boxes: list[_Box] = field(default_factory=list)


@dataclass
class Picture:
    """What a text says: rows of boxes from the top down, and the words around them."""

    words: dict[str, str] = field(default_factory=dict)
    rows: list[_Row] = field(default_factory=list)


def names() -> list[str]:
    """Every picture there is; `rooms` is drawn from `rooms.txt`."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def read(name: str) -> Picture:
    """The picture that a text describes. Raises ValueError for a line that says nothing known."""
    picture = Picture()
    for line in (FOLDER / f"{name}.txt").read_text("utf-8").splitlines():
        word, _, rest = line.strip().partition(" ")
        if not word or word == "#":
            continue
        if word in ("title", "note", "down", "up"):
            picture.words[word] = rest
        elif word == "row":
            picture.rows.append(_Row(rest))
        elif word in ("box", "later"):
            title, _, caption = rest.partition(" | ")
            picture.rows[-1].boxes.append(_Box(title, caption, word == "later"))
        elif word == "errors":
            picture.rows[-1].boxes[-1].errors = rest.split()
        else:
            raise ValueError(f"{name}.txt: {line!r}")
    return picture


def draw(name: str) -> str:
    """The picture as SVG, for a light and for a dark page."""
    picture = read(name)
    left = _MARGIN + (_LANE if "down" in picture.words else 0)
    right = _WIDTH - _MARGIN - (_LANE if "up" in picture.words else 0)
    title = picture.words["title"]
    parts, top = [_text(_WIDTH / 2, 32, title, _TITLE, "name", "middle")], 50.0
    first = top
    for row in picture.rows:
        height = max(_height(box, _box_width(row, left, right)) for box in row.boxes) + 2 * _PAD
        height += _LINE if row.label else 0
        parts += _row(row, left, right, top, height)
        top += height + _GAP
    last = top - _GAP
    if "down" in picture.words:
        parts += _arrow(_MARGIN + _LANE / 2, first, last, picture.words["down"])
    if "up" in picture.words:
        parts += _arrow(_WIDTH - _MARGIN - _LANE / 2, last, first, picture.words["up"])
    for line in _wrapped(picture.words.get("note", ""), _WIDTH - 4 * _MARGIN, _CAPTION):
        parts.append(_text(_WIDTH / 2, top + 10, line, _CAPTION, "quiet", "middle"))
        top += _LINE
    height = top + _MARGIN
    card = f'<rect class="card" x=".5" y=".5" width="{_WIDTH - 1}" height="{height - 1:g}" rx="8"/>'
    style = _STYLE.read_text("utf-8")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{style}</style>", card, *parts, "</svg>", ""])


def _box_width(row: _Row, left: float, right: float) -> float:
    return (right - left - 2 * _PAD - _GAP * (len(row.boxes) - 1)) / len(row.boxes)


def _height(box: _Box, width: float) -> float:
    lines = 1 + len(_wrapped(box.caption, width - 2 * _PAD, _CAPTION))
    return 2 * _PAD + lines * _LINE - 4 + (28 if box.errors else 0)


def _row(row: _Row, left: float, right: float, top: float, height: float) -> list[str]:
    parts = [f'<rect class="row" x="{left:g}" y="{top:g}" width="{right - left:g}" height="{height:g}" rx="6"/>']
    inside = top + _PAD
    if row.label:
        parts.append(_text(left + _PAD, inside + 6, row.label, _LABEL, "quiet"))
        inside += _LINE
    width = _box_width(row, left, right)
    for number, box in enumerate(row.boxes):
        parts += _box(box, left + _PAD + number * (width + _GAP), inside, width, top + height - _PAD - inside)
    return parts


def _box(box: _Box, x: float, y: float, width: float, height: float) -> list[str]:
    kind = "box later" if box.later else "box"
    parts = [f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>']
    line = y + _PAD + 11
    parts.append(_text(x + _PAD, line, box.name, _NAME, "name quiet" if box.later else "name"))
    for words in _wrapped(box.caption, width - 2 * _PAD, _CAPTION):
        line += _LINE
        parts.append(_text(x + _PAD, line, words, _CAPTION, "quiet"))
    at = x + _PAD
    for code in box.errors:
        wide = 10 + 8 * len(code)
        parts.append(f'<rect class="error" x="{at:g}" y="{line + 8:g}" width="{wide}" height="20" rx="4"/>')
        parts.append(_text(at + wide / 2, line + 22, code, _CAPTION, "code", "middle"))
        at += wide + 4
    return parts


def _arrow(x: float, start: float, end: float, word: str) -> list[str]:
    """A line with its head at `end`, and the word in its middle, written along the line."""
    back = 12 if end > start else -12
    half = _width(word, _CAPTION) / 2 + 8
    middle = (start + end) / 2
    near, far = (middle - half, middle + half) if end > start else (middle + half, middle - half)
    turned = f"translate({x + 4:g} {middle:g}) rotate(-90)"
    return [
        f'<path class="arrow" d="M{x:g} {start:g}V{near:g}M{x:g} {far:g}V{end - back:g}"/>',
        f'<path class="head" d="M{x - 6:g} {end - back:g}h12L{x:g} {end:g}z"/>',
        f'<g transform="{turned}">{_text(0, 0, word, _CAPTION, "word", "middle")}</g>',
    ]


def _text(x: float, y: float, words: str, size: float, kind: str, anchor: str = "start") -> str:
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" font-size="{size:g}"{place}>{escape(words)}</text>'


def _wrapped(words: str, width: float, size: float) -> list[str]:
    """The words in lines of at most this width."""
    lines = list[str]()
    for word in words.split():
        if lines and _width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _width(words: str, size: float) -> float:
    """At least as wide as the fonts of `pictures.css` draw these words; a test measures them in a browser."""
    narrow = len(re.findall(r"[iljtfr.,:;'|!()\[\]/ I-]", words))
    wide = len(re.findall(r"[mwMWA-HK-Z<>]", words))
    return size * (0.34 * narrow + 0.85 * wide + 0.6 * (len(words) - narrow - wide))
