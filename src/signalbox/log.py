"""Log lines: one JSON object or one readable line each, on standard error.

Fields are passed with the call or bound: `log.get().bind(requestId=...)`. Nothing a client sends can start a
new line or reach the terminal as a control character.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import sys
import traceback
from collections import deque
from collections.abc import Callable
from typing import ClassVar, Literal, cast

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from signalbox import clock

__all__ = ["FilteringBoundLogger", "configure", "get", "printable"]

_STDERR = 2
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_COLOURS = {
    "debug": "\x1b[2m",
    "info": "\x1b[32m",
    "warning": "\x1b[33m",
    "error": "\x1b[31m",
    "critical": "\x1b[31;1m",
}
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_encode = msgspec.json.Encoder(enc_hook=repr).encode


def configure(format: Literal["auto", "json", "console"] = "auto", level: str = "info") -> None:  # noqa: A002
    """From now on every line of this process looks so, those of libraries (warnings and worse) included.

    `level` is debug, info, warning or error. Loggers made before change with it.
    """
    console = format == "console" or (format == "auto" and sys.stderr.isatty())
    colours = console and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    render = (_coloured if colours else _console) if console else _json
    _set_up(render, _LEVELS[level])
    # Libraries log with the standard library: their warnings take the same road, their chatter none.
    logging.basicConfig(handlers=[_FromLogging()], level=max(logging.WARNING, _LEVELS[level]), force=True)
    logging.captureWarnings(True)


def get() -> FilteringBoundLogger:
    """A logger: one per module; `.bind(requestId=...)` gives another that adds these fields to each line."""
    return cast(FilteringBoundLogger, structlog.get_logger())


def printable(text: str) -> str:
    """The text with control characters, line breaks and direction marks escaped: it stays on its line."""
    return text if text.isprintable() else repr(text)[1:-1]


class _Stderr:
    """Writes whole lines past Python's buffers, so that several processes can share one standard error.

    Lines of one turn of an event loop leave together; those that tell of trouble leave at once.
    """

    waiting: ClassVar[deque[bytes]] = deque()
    # The loop that will flush: a loop may end before it does, and then the next one takes over.
    loop: ClassVar[asyncio.AbstractEventLoop | None] = None

    def msg(self, line: bytes) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            _write([line])
            return
        if not self.waiting or _Stderr.loop is not loop:
            _Stderr.loop = loop
            loop.call_soon(flush)
        self.waiting.append(line)

    def now(self, line: bytes) -> None:
        flush()
        _write([line])

    debug = info = msg
    warning = error = critical = now


def flush() -> None:
    """Writes the lines that wait for the end of the event loop's turn."""
    lines = []
    while _Stderr.waiting:
        lines.append(_Stderr.waiting.popleft())
    if lines:
        _write(lines)


def _write(lines: list[bytes]) -> None:
    rest = b"".join([line + b"\n" for line in lines])
    try:
        while rest:
            rest = rest[os.write(_STDERR, rest) :]
    except OSError:
        pass  # nobody reads any more, or the disk is full: no reason to fail a request


atexit.register(flush)


class _FromLogging(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception:  # a library's mistake in its own log call must not become ours
            text = str(record.msg)
        level = min(record.levelno // 10 * 10, logging.CRITICAL)
        get().log(level, text, logger=record.name, exc_info=record.exc_info)


def _line(method: str, fields: EventDict) -> EventDict:
    trace = _trace(fields.pop("exc_info", None))
    now, event = clock.rfc3339(clock.now_ms()), fields.pop("event", "")
    line = {"timestamp": now, "level": method, "event": event, **fields}
    if trace:
        line["exception"] = trace
    return line


def _trace(exc_info: object) -> str:
    if exc_info is True:
        exc_info = sys.exc_info()[1]
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    if not isinstance(exc_info, BaseException):
        return ""
    return "".join(traceback.format_exception(exc_info)).rstrip()


def _json(_: WrappedLogger, method: str, fields: EventDict) -> bytes:
    line = _line(method, fields)
    try:
        return _encode(line)
    except Exception:  # a lone surrogate, a huge number, a strange key: the line matters more than its types
        return _encode({printable(str(key)): _safe(value) for key, value in line.items()})


def _safe(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text.encode("utf-8", "backslashreplace").decode()


def _console(_: WrappedLogger, method: str, fields: EventDict) -> bytes:
    return _readable(method, fields, lambda _, text: text)


def _coloured(_: WrappedLogger, method: str, fields: EventDict) -> bytes:
    return _readable(method, fields, lambda colour, text: f"{colour}{text}{_PLAIN}")


def _readable(method: str, fields: EventDict, paint: Callable[[str, str], str]) -> bytes:
    line = _line(method, fields)
    trace = line.pop("exception", "")
    parts = [
        paint(_DIM, line.pop("timestamp")),
        paint(_COLOURS.get(line.pop("level"), _PLAIN), f"{method:<7}"),
        printable(str(line.pop("event"))),
        *(f"{paint(_DIM, printable(str(key)) + '=')}{_value(value)}" for key, value in line.items()),
    ]
    # Indented and escaped: no line of an exception's message can pass for a line of the log.
    parts_of_trace = [f"    {printable(one)}" for one in str(trace).splitlines()]
    return "\n".join([" ".join(parts), *parts_of_trace]).encode("utf-8", "backslashreplace")


def _value(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    if not isinstance(value, str):
        return printable(text)
    return text if text.isprintable() and text and not set(text) & set(" ='\"") else repr(text)


def _set_up(render: Callable[[WrappedLogger, str, EventDict], bytes], level: int) -> None:
    # Not cached on first use: it saves 1.4 of 7 us a line, and pins loggers to the first configuration.
    structlog.configure(
        processors=[render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Stderr(),
        cache_logger_on_first_use=False,
    )


# What a program that never calls configure() gets; structlog's own default is standard output.
_set_up(_json, _LEVELS["info"])
