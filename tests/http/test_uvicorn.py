"""`signalbox.http.protocol` uses private parts of uvicorn: an upgrade that changes these parts fails here.

After such an upgrade: read uvicorn's changes between the two versions, adapt `protocol.py`, run the tests of transport
and smuggling, and only then write the new digests and the new upper bound.
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
# The digest of each part's source in the version of uvicorn that pyproject.toml names.
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
    added = {"_feed", "_feed_again", "_head_bytes", "_headers_came", "_must_wait", "_take_host_of_target", "_too_slow"}
    assert ours - added == {name for name in ours if hasattr(HttpToolsProtocol, name)}


def test_uvicorn_is_capped_below_its_next_minor_version() -> None:
    [dependency] = [
        one for one in tomllib.loads(PROJECT.read_text())["project"]["dependencies"] if one.startswith("uvicorn")
    ]
    major, minor, *_ = version("uvicorn").split(".")
    assert dependency == f"uvicorn>={major}.{minor},<{major}.{int(minor) + 1}"
