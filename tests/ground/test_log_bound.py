"""No log line is longer than 16 KiB, whatever is logged."""

import json
from collections.abc import Callable, Iterator

import pytest

from signalbox.ground import log


@pytest.fixture(autouse=True)
def _configuration_is_restored() -> Iterator[None]:
    yield
    log.configure("json", "info")


def lines(capture: pytest.CaptureFixture[str]) -> list[str]:
    return capture.readouterr().err.split("\n")[:-1]


def _deep(depth: int) -> object:
    return [_other(depth - 1)] if depth else []


def _other(depth: int) -> object:
    """With the function above: Python does not shorten the traceback of two functions that call each other."""
    return [_deep(depth - 1)] if depth else []


def _raised(act: Callable[[], object]) -> BaseException:
    try:
        act()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def _grouped(depth: int) -> object:
    error: Exception = ValueError("innermost")
    for _ in range(depth):
        error = ExceptionGroup("group", [error])
    raise error


def _chained() -> object:
    error = ValueError("first")
    for number in range(500):
        after = ValueError(f"number {number}")
        after.__cause__, error = error, after
    raise error


def _message(text: str) -> Callable[[], object]:
    def act() -> object:
        raise ValueError(text)

    return act


ERRORS = {
    "recursion": lambda: _deep(10_000),
    "message": _message("x" * 10_000_000),
    "controls": _message("\x00\U000e0001\ud800" * 100_000),
    "lines": _message("\nx" * 100_000),
    "groups": lambda: _grouped(50),
    "deep groups": lambda: _grouped(5_000),
    "chain": _chained,
}
ODD = {
    "long": "x" * 1_000_000,
    "escaped": "\U000e0001" * 100_000,
    "half": "\ud800" * 10_000,
    "list": list(range(100_000)),
    "number": 10**5000,
    "deep": _deep(400),
}


@pytest.mark.parametrize("format_", ["json", "console"])
@pytest.mark.parametrize("name", ERRORS)
def test_line_of_any_error_is_bounded(capfd: pytest.CaptureFixture[str], name: str, format_: str) -> None:
    log.configure("json" if format_ == "json" else "console")
    error = _raised(ERRORS[name])
    log.get().error("bug", error, requestId="r1", problem=type(error).__name__)
    written = capfd.readouterr().err
    assert len(written.encode()) <= log.MOST_BYTES + 1
    assert "r1" in written
    if format_ == "json":
        line = json.loads(written)
        assert (line["event"], line["requestId"]) == ("bug", "r1")
        assert line["problem"] in ("RecursionError", "ValueError", "ExceptionGroup")
    if name in ("recursion", "message", "controls", "lines"):
        assert "characters cut" in written
        assert "Traceback" in written


def test_traceback_is_cut_in_the_middle(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("json")
    log.get().error("bug", _raised(ERRORS["recursion"]))
    trace = json.loads(lines(capfd)[0])["exception"]
    assert trace.startswith("Traceback (most recent call last):\n")
    assert "RecursionError: maximum recursion depth exceeded" in trace[-200:]


@pytest.mark.parametrize("format_", ["json", "console"])
@pytest.mark.parametrize("name", ODD)
def test_line_of_many_or_long_values_is_bounded(capfd: pytest.CaptureFixture[str], format_: str, name: str) -> None:
    log.configure("json" if format_ == "json" else "console")
    log.get().warning("odd", value=ODD[name])
    log.get().warning("odd", requestId="r1", **{f"field{number}": ODD[name] for number in range(20)})
    log.get().warning("odd", requestId="r1", **{f"field{number}": "x" * 100 for number in range(1_000)})
    log.get().warning("odd" * 100_000, after="kept")
    found = lines(capfd)
    assert len(found) == 4
    assert max(len(line.encode()) for line in found) <= log.MOST_BYTES
    assert "r1" in found[1]
    assert "r1" in found[2]
    assert "fieldsCut" in found[2]
    assert "kept" in found[3]
    if format_ == "json":
        assert [json.loads(line)["level"] for line in found] == ["warning"] * 4


def test_value_that_fits_is_written_whole(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("json")
    log.get().warning("odd", value="x" * 16_000)
    assert json.loads(lines(capfd)[0])["value"] == "x" * 16_000


@pytest.mark.parametrize("format_", ["json", "console"])
def test_object_whose_repr_fails_is_named(capfd: pytest.CaptureFixture[str], format_: str) -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError

    log.configure("json" if format_ == "json" else "console")
    log.get().warning("odd", value=Odd())
    assert "the repr of this Odd raises RuntimeError" in capfd.readouterr().err
