"""How far the tests search: far enough to notice a mistake, or for hours with `DEEP_TESTS=1 make test ARGS=...`."""

from __future__ import annotations

import os
from typing import Final

DEEP: Final = bool(os.environ.get("DEEP_TESTS"))


def searched(usual: int, deep: int) -> int:
    """How many examples, rounds or seeds a test tries."""
    return deep if DEEP else usual
