"""A few short runs, enough to notice a broken promise. `make chaos` runs many longer ones."""

from __future__ import annotations

import pytest
from run import chaos, recorded_failure

from depth import searched


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 1 + searched(1, deep=10)))
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_every_promise_is_kept_through_kills_cuts_and_restarts(engine: str, seed: int) -> None:
    """Replay a failure with `make chaos ARGS="--engine ENGINE --seed SEED --runs 1"`; its journal is in build/."""
    result, journal = chaos(engine, seed, 2.5, inventory=300, reports=False)
    if result.violations:
        recorded_failure(result, journal)
    assert not result.violations, "\n".join([*result.violations[:10], *result.notes])
    assert result.totals["operations"] > 0
    assert sum(result.totals.get(name, 0) for name in ("kills", "terms", "cuts", "restarts fast")) > 0
