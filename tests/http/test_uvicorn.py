"""What `signalbox.http.protocol` builds on is private to uvicorn: an upgrade that changes it is read first.

When a test here fails after an upgrade: read what changed in uvicorn between the two versions, mend `protocol.py`, run
the tests of transport and smuggling, and only then write the new digests and the new cap.
"""

from __future__ import annotations

import hashlib
import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server

from signalbox.http.protocol import Protocol

PROJECT: Final = Path(__file__).parent.parent.parent / "pyproject.toml"
# What each says in the version that pyproject.toml names.
PARTS: Final[dict[Any, str]] = {
    HttpToolsProtocol: "18fdf324b11bf160",
    RequestResponseCycle: "e67d470d435dcc1c",
    FlowControl: "126debcdaa894c83",
    Server.capture_signals: "e1bbcd4770d1c887",
}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__qualname__)
def test_private_part_of_uvicorn_is_the_one_that_was_read(part: Any) -> None:
    found = hashlib.sha256(inspect.getsource(part).encode()).hexdigest()[:16]
    assert found == PARTS[part], f"uvicorn {version('uvicorn')} changed {part.__qualname__}"


def test_what_the_protocol_overrides_exists_in_uvicorn() -> None:
    ours = {name for name, value in vars(Protocol).items() if inspect.isfunction(value)}
    added = {"_headers_came", "_too_slow"}
    assert ours - added == {name for name in ours if hasattr(HttpToolsProtocol, name)}


def test_uvicorn_is_capped_below_its_next_minor_version() -> None:
    [dependency] = [
        one for one in tomllib.loads(PROJECT.read_text())["project"]["dependencies"] if one.startswith("uvicorn")
    ]
    major, minor, *_ = version("uvicorn").split(".")
    assert dependency == f"uvicorn>={major}.{minor},<{major}.{int(minor) + 1}"
