"""The pictures that are drawn from texts: words fit their boxes in a browser, and the site shows the drawings.

What two of them say of the source is tested in test_architecture.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

import installed
from docs_build import pages, pictures, site

# Of every text: itself, and the smallest rectangle around its start, as left, right, bottom of both.
_MEASURED: Final = """() => [...document.querySelectorAll('svg > text')].map(text => {
    const at = text.getBoundingClientRect();
    const holds = one => one.left <= at.left && one.top <= at.top + 3 && one.right > at.left && one.bottom > at.top + 5;
    const boxes = [...document.querySelectorAll('svg rect')].map(rect => rect.getBoundingClientRect()).filter(holds);
    const around = boxes.sort((a, b) => a.width * a.height - b.width * b.height)[0];
    return [text.textContent, at.right - around.right, at.bottom - around.bottom, at.left, at.top, at.right, at.bottom];
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = installed.chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.mark.parametrize("name", pictures.names())
def test_words_of_a_picture_are_inside_their_boxes_and_apart(browser: Browser, name: str) -> None:
    page = browser.new_page()
    page.set_content(pictures.draw(name))
    measured = page.evaluate(_MEASURED)
    page.close()
    assert len(measured) > 10
    assert not [words for words, right, bottom, *_ in measured if right > -2 or bottom > 0]
    places = [(words, *place) for words, _, _, *place in measured]
    for (words, left, top, right, bottom), (other, left2, top2, right2, bottom2) in combinations(places, 2):
        beside = right <= left2 or right2 <= left or bottom <= top2 + 2 or bottom2 <= top + 2
        assert beside, f"{words!r} and {other!r} lie on each other"


@pytest.mark.parametrize("name", pictures.names())
def test_boxes_of_a_picture_are_inside_each_other_or_apart(name: str) -> None:
    found = re.findall(r'<rect [^>]*x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', pictures.draw(name))
    boxes = [(x, y, x + width, y + height) for x, y, width, height in (map(float, one) for one in found)]
    assert len(boxes) > 10
    for one, other in combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        inside = one[0] < other[0] and one[1] < other[1] and one[2] > other[2] and one[3] > other[3]
        assert apart or inside, f"{one} and {other} cross"


@pytest.mark.parametrize("name", pictures.names())
def test_picture_is_shown_on_a_page_and_is_the_drawing_of_its_text(name: str, built: None) -> None:
    assert any(f"](images/{name}.svg)" in pages.text(page) for page in pages.every())
    drawn = (site.SITE / "docs" / "images" / f"{name}.svg").read_text("utf-8")
    assert drawn == pictures.draw(name)


def test_text_of_a_picture_with_an_unknown_word_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wrong.txt").write_text("title Wrong\nrow\n  circle here\n", "utf-8")
    monkeypatch.setattr(pictures, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"wrong\.txt: '  circle here'"):
        pictures.read("wrong")
