"""docs/moving.md: recipes that need only the tools of the test environment are run as written."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipes import (
    ACCOUNT,
    BY_HAND,
    EACH_RUN,
    IN_ANOTHER_WAY,
    NEVER_RUN,
    TOKEN,
    pool_is_made,
    written_for,
)
from written import headings

from installed import need_node
from processes import SID, Connect, Serve


@pytest.mark.parametrize("heading", EACH_RUN)
def test_recipe_makes_a_pool_here(heading: str, serve: Serve, client: Connect, tmp_path: Path) -> None:
    if EACH_RUN[heading].command[0] == "node":
        need_node()
    url = serve("sqlite://", env=ACCOUNT).url
    pool_is_made(written_for(heading, url), EACH_RUN[heading], tmp_path, client(url, SID, TOKEN))


def test_every_recipe_is_run_in_one_way_or_named_as_not_tried() -> None:
    written = [*headings("moving", "SDKs"), *headings("moving", "HTTP tools")]
    assert sorted(written) == sorted([*EACH_RUN, *BY_HAND, *IN_ANOTHER_WAY, *NEVER_RUN])
