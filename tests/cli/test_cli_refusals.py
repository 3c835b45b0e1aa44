"""Refused rows that cannot be written into their file: none is lost, and the file holds only whole rows."""

from __future__ import annotations

import io
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from signalbox.cli.files import Input
from signalbox.cli.refusals import Refusals
from signalbox.cli.rows import NdjsonRows, Refusal, Row

LINES = [b'{"channel":"SMS","address":"%d"}\n' % number for number in range(40)]


class Named(io.BytesIO):
    name = "a.ndjson"


def refused(*numbers: int) -> list[tuple[Row, list[Refusal]]]:
    return [(Row(at, at + 1, LINES[at]), [Refusal(at + 1, f"$[{at}]", 20001, "is wrong")]) for at in numbers]


def refusals(path: Path, free: bool = True) -> Refusals:
    return Refusals(path, free, NdjsonRows(Input(io.BufferedReader(Named(b"".join(LINES))))))


def addresses(text: str) -> list[int]:
    return [int(json.loads(line)["address"]) for line in text.splitlines() if line.startswith("{")]


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file of this process may become larger, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("size", "kept"), [(1000, [0, 1, 2]), (100, [])])
def test_rows_that_fit_into_no_file_follow_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int, kept: list[int]
) -> None:
    path = tmp_path / "a.refused.ndjson"
    with refusals(path) as file, disk_of(size):
        file.add(refused(0, 1))
        file.add(refused(2))
        file.add(refused(*range(3, 30)))
        file.add([])
        file.add(refused(30))
    said = capsys.readouterr().err
    assert file.unwritten == f"{path} cannot be written: File too large"
    assert addresses(said) == [number for number in range(31) if number not in kept]
    assert (addresses(path.read_text()) if path.exists() else []) == kept
    assert file.path == (path if kept else None)


def test_file_that_the_user_named_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.ndjson"
    path.write_text("mine")
    with refusals(path, free=False) as file:
        file.add(refused(0))
    assert path.read_text() == "mine"
    assert f"{path} cannot be written: File exists" in capsys.readouterr().err
