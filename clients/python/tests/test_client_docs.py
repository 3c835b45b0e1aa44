"""Every Python example in the README and on the client's page runs unchanged and prints the output shown below it."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from pathlib import Path
from typing import Final

import pytest
from markdown_it import MarkdownIt

import signalbox_client
from signalbox.testing import Account
from signalbox_client import Signalbox, errors

README: Final = Path(__file__).parents[1] / "README.md"
PAGE: Final = Path(__file__).parents[3] / "docs" / "python-client.md"
BASE_URL: Final = "http://127.0.0.1:8080"


def examples(path: Path) -> list[tuple[int, str, str]]:
    """The Python examples of a page, each with its line number and the output shown below it."""
    fences = [token for token in MarkdownIt().parse(path.read_text("utf-8")) if token.type == "fence"]
    found = []
    for fence, following in zip(fences, [*fences[1:], None], strict=True):
        if fence.info == "python":
            assert fence.map is not None
            shown = following is not None and following.info == "text" and following.map == _next(fence.map, following)
            found.append((fence.map[0], fence.content, following.content if following and shown else ""))
    return found


def _next(before: list[int], following: object) -> list[int] | None:
    place: list[int] | None = getattr(following, "map", None)
    return place if place is not None and place[0] == before[1] else None


@pytest.mark.parametrize("path", [README, PAGE], ids=lambda path: path.name)
def test_examples_run_and_print_what_follows_them(
    path: Path, signalbox_server: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in signalbox_server.environment.items():
        monkeypatch.setenv(name, value)
    namespace: dict[str, object] = {"__name__": "__main__"}
    found = examples(path)
    assert len(found) >= 2
    try:
        for line, code, shown in found:
            printed = io.StringIO()
            program = "\n" * (line + 1) + code.replace(BASE_URL, signalbox_server.url)
            with contextlib.redirect_stdout(printed):
                exec(compile(program, path, "exec"), namespace)  # noqa: S102 (our own page)
            assert printed.getvalue() == shown, f"{path.name}, line {line + 1}"
    finally:
        for client in namespace.values():
            if isinstance(client, Signalbox):
                client.close()  # a failed example did not reach its own close


def test_page_has_every_method_with_its_parameters() -> None:
    page = PAGE.read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+\.\w+)\(([^)]*)\)`", page, flags=re.MULTILINE))
    with Signalbox("AC", "token") as client:
        for noun in ("sender_pools", "senders", "inventory", "ledger", "messages", "inbox", "opt_outs", "recipients"):
            resource = getattr(client, noun)
            for name in dir(type(resource)):
                if not name.startswith("_"):
                    taken = set(inspect.signature(getattr(resource, name)).parameters) - {"page_token", "page_size"}
                    written = set(filter(None, rows.pop(f"{noun}.{name}").split(", ")))
                    assert written == taken, f"{noun}.{name}"
    assert not rows


def test_page_names_every_error() -> None:
    page = PAGE.read_text("utf-8").partition("\n## Errors\n")[2].partition("\n## ")[0]
    for name in signalbox_client.__all__:
        made = getattr(signalbox_client, name)
        if isinstance(made, type) and issubclass(made, errors.SignalboxError):
            assert f"`{name}`" in page, name
