"""Log lines: their shape, their level, and that no value can forge a line."""

import json
import logging
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest

from signalbox.ground import log

FORGED = "x\n2026-01-01T00:00:00.000Z error   forged\r\x1b[2J\u2028\u202e\x85"


@pytest.fixture(autouse=True)
def _configuration_is_restored() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    log.configure("json", "info")
    logging.captureWarnings(False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lines(capture: pytest.CaptureFixture[str]) -> list[str]:
    out, err = capture.readouterr()
    assert out == ""
    return err.split("\n")[:-1]


def objects(capture: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines(capture)]


def test_json_line_has_time_level_event_and_fields(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("json")
    log.get().info("request", requestId="r1", account=7, path="/v1", ms=1.5)
    (line,) = objects(capfd)
    assert list(line) == ["timestamp", "level", "event", "requestId", "account", "path", "ms"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(line.pop("timestamp")))
    assert line == {
        "level": "info",
        "event": "request",
        "requestId": "r1",
        "account": 7,
        "path": "/v1",
        "ms": 1.5,
    }


def test_level_hides_what_is_less_serious_for_old_loggers_too(capfd: pytest.CaptureFixture[str]) -> None:
    logger = log.get()
    log.configure("json", "warning")
    logger.debug("hidden")
    logger.info("hidden")
    logger.warning("shown")
    log.configure("json", "error")
    logger.warning("hidden")
    log.configure("json", "debug")
    logger.debug("shown too")
    assert [(line["level"], line["event"]) for line in objects(capfd)] == [
        ("warning", "shown"),
        ("debug", "shown too"),
    ]


@pytest.mark.parametrize("format_", ["json", "console"])
def test_values_cannot_forge_lines_or_reach_the_terminal(capfd: pytest.CaptureFixture[str], format_: str) -> None:
    log.configure("json" if format_ == "json" else "console")
    log.get().warning(FORGED, value=FORGED, listed=[FORGED], **{FORGED: FORGED})
    (line,) = lines(capfd)
    assert not {"\r", "\x1b"} & set(line)
    if format_ == "console":
        assert line.isprintable()


def test_console_traceback_cannot_forge_lines(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("console")
    try:
        raise ValueError(FORGED)
    except ValueError as error:
        log.get().error("failed", error, code=1)
    first, *rest = lines(capfd)
    assert first.endswith(" error   failed code=1")
    assert rest
    assert all(line.startswith("    ") and line.isprintable() for line in rest)


def test_console_line_is_readable(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("console")
    log.get().info("listening", url="http://h:1", name="two words", empty="", count=2)
    (line,) = lines(capfd)
    assert line.split(" ", 1)[1] == "info    listening url=http://h:1 name='two words' empty='' count=2"


def test_json_exception_is_a_text_field(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("json")
    try:
        raise ValueError("broken")
    except ValueError as error:
        log.get().error("failed", error)
    (line,) = objects(capfd)
    assert str(line["exception"]).startswith("Traceback (most recent call last):\n")
    assert str(line["exception"]).endswith("\nValueError: broken")


def test_exception_that_cannot_be_formatted_is_logged_by_its_type(capfd: pytest.CaptureFixture[str]) -> None:
    class Odd(Exception):
        @property
        def __notes__(self) -> list[str]:  # type: ignore[override]
            raise LookupError

    log.configure("json")
    log.get().error("failed", Odd())
    (line,) = objects(capfd)
    assert line["exception"] == "Odd (its traceback cannot be formatted)"


@pytest.mark.parametrize("value", ["\ud800", 1 << 80, {1, 2}, {(1, 2): 3}, object(), b"\xff", float("nan")])
@pytest.mark.parametrize("format_", ["json", "console"])
def test_any_value_can_be_logged(capfd: pytest.CaptureFixture[str], format_: str, value: object) -> None:
    log.configure("json" if format_ == "json" else "console")
    log.get().info("odd", value=value)
    assert len(lines(capfd)) == 1


def test_libraries_warnings_take_the_same_road(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("json")
    logging.getLogger("uvicorn.error").info("chatter")
    logging.getLogger("uvicorn.error").warning("odd %s", "thing")
    logging.getLogger("asyncio").warning("mistake %s %s", "here")
    logging.getLogger("asyncio").error("failed")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("old", RuntimeWarning, stacklevel=1)
    found = objects(capfd)
    assert [(line["level"], line["logger"]) for line in found] == [
        ("warning", "uvicorn.error"),
        ("warning", "asyncio"),
        ("error", "asyncio"),
        ("warning", "py.warnings"),
    ]
    assert [line["event"] for line in found][:3] == ["odd thing", "mistake %s %s", "failed"]


def test_auto_is_json_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("auto")
    log.get().info("x")
    assert objects(capfd)[0]["event"] == "x"


@pytest.mark.parametrize("no_color", ["", "1"])
def test_auto_is_console_on_a_terminal_with_colours_unless_refused(no_color: str) -> None:
    reader, writer = os.openpty()
    code = "from signalbox.ground import log; log.configure('auto'); log.get().info('x', a='b c')"
    with os.fdopen(reader, "rb", buffering=0) as terminal:
        subprocess.run(
            [sys.executable, "-c", code], check=True, stderr=writer, env={**os.environ, "NO_COLOR": no_color}
        )
        os.close(writer)
        line = terminal.read(4096).decode()
    assert ("\x1b[32m" in line) is (no_color == "")
    assert "a=" in line


def test_a_closed_standard_error_fails_nobody() -> None:
    code = "import os; from signalbox.ground import log; os.close(2); log.get().info('x'); print('on')"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "on\n"


def test_lines_of_several_processes_stay_whole_on_a_slow_pipe() -> None:
    """Two processes write long lines to a pipe that is always full. Each line comes whole, and names its process."""
    writer = """
import os, sys
from signalbox.ground import log
lock = os.memfd_create("lock") if hasattr(os, "memfd_create") else os.dup(2)
number = 1 if os.fork() else 2
log.configure("json")
log.get().among(log.Among(number, lock))
for turn in range(60):
    log.get().warning("long", turn=turn, text=str(number) * 12_000)
if number == 1:
    os.wait()
"""
    running = subprocess.Popen([sys.executable, "-c", writer], stderr=subprocess.PIPE)
    assert running.stderr
    with running, running.stderr as pipe:
        found = [json.loads(line) for line in pipe]
    assert running.returncode == 0
    assert len(found) == 120
    for line in found:
        assert list(line)[:4] == ["timestamp", "level", "process", "event"]
        assert set(line["text"].split(" ")[0]) == {str(line["process"])}
