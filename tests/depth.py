"""How much the tests search: enough to find a likely bug, or for hours with `DEEP_TESTS=1 make slow-tests ARGS=...`."""

from __future__ import annotations

import os
from typing import Final

DEEP: Final = bool(os.environ.get("DEEP_TESTS"))


def searched(usual: int, deep: int) -> int:
    """The number of examples, rounds or seeds that a test tries."""
    return deep if DEEP else usual
