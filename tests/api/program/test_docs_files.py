"""The documentation as files: without a build, and for a client that has a page already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from people import Person
from signalbox.api.program import docs


@pytest.fixture
def unbuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A checkout in which nobody has built the documentation."""
    monkeypatch.setattr(docs, "SITE", tmp_path)
    docs._files.cache_clear()
    yield
    docs._files.cache_clear()


@pytest.mark.usefixtures("unbuilt")
@pytest.mark.parametrize("path", ["/docs", "/docs/errors", "/llms.txt"])
async def test_documentation_that_was_not_built_is_503_and_says_how(ada: Person, path: str) -> None:
    response = await ada.get(path, anonymous=True)
    assert response.status_code == 503
    assert "make docs builds it" in response.json()["message"]


@pytest.mark.usefixtures("built")
async def test_page_that_the_client_has_is_304(ada: Person) -> None:
    page = await ada.get("/docs/errors", anonymous=True)
    again = await ada.get("/docs/errors", anonymous=True, headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == page.headers["content-security-policy"]
