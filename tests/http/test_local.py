"""Sign-in links of a server for development: one use, five minutes."""

from __future__ import annotations

import time

import pytest

from signalbox.ground.errors import Forbidden
from signalbox.http.local import Local


@pytest.fixture
def here() -> Local:
    return Local("AC" + "0" * 32, "token")


def test_link_works_once(here: Local) -> None:
    link = here.new_link()
    here.use(link)
    with pytest.raises(Forbidden, match="used already"):
        here.use(link)


def test_link_works_for_five_minutes(here: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = time.monotonic()
    in_time, late = here.new_link(), here.new_link()
    monkeypatch.setattr("signalbox.http.local.time.monotonic", lambda: begin + 299)
    here.use(in_time)
    monkeypatch.setattr("signalbox.http.local.time.monotonic", lambda: begin + 301)
    with pytest.raises(Forbidden, match="five minutes"):
        here.use(late)


def test_links_are_independent_and_bounded(here: Local) -> None:
    links = [here.new_link() for _ in range(101)]
    assert len(set(links)) == 101
    with pytest.raises(Forbidden, match="earlier start"):
        here.use(links[0])
    here.use(links[1])
    here.use(links[100])


def test_memory_of_the_process_has_no_link_in_plain_text(here: Local) -> None:
    link = here.new_link()
    assert link not in repr(vars(here))
