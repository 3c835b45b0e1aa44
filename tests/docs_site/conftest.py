"""The site that the tests look at."""

import pytest

from docs_build import site


@pytest.fixture(scope="session")
def built() -> None:
    """The site, of the pages as they are now; `make docs` does the same."""
    if not site.is_current():
        site.build()
