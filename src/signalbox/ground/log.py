"""Log lines on standard error: one JSON object or one readable line for each event.

Fields are keyword arguments: `log.get().info("ready", url=...)`. Text from clients cannot start a new line or put a
control character on the terminal. No line is longer than MOST_BYTES: long values are cut in the middle, with a mark.
"""

import asyncio
import atexit
import logging
import os
import sys
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from signalbox.ground import clock

Fields: TypeAlias = dict[str, object]

# The most bytes of one line, or of one readable line with its traceback. Collectors of logs split or drop longer lines.
MOST_BYTES: Final = 16 * 1024

_STDERR: Final = 2
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_COLOURS: Final = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_encode = msgspec.json.Encoder(enc_hook=repr).encode


class Among(NamedTuple):
    """This process among others that write to the same standard error."""

    number: int
    # An open file that they all inherited. Its lock is taken for each write.
    lock: int


class Logger:
    """Writes the log of this process: warnings and errors at once, other lines at the end of the event loop's turn."""

    __slots__ = ("_among", "_level", "_loop", "_plain", "_render", "_waiting")

    def __init__(self) -> None:
        # Renders without the name of the process; `_render` adds it where there are several.
        self._plain: Callable[[Fields], bytes] = _json
        self._render: Callable[[Fields], bytes] = self._plain
        self._level = _LEVELS["info"]
        self._among: Among | None = None
        self._waiting: deque[bytes] = deque()
        # The loop that will flush. If it ends before that, the next loop takes its place.
        self._loop: asyncio.AbstractEventLoop | None = None

    def set_up(self, render: Callable[[Fields], bytes], level: int) -> None:
        """Sets the format of later lines, and the lowest level that is written."""
        self._plain = self._render = render
        self._level = level

    def among(self, among: Among) -> None:
        """Later lines name this process, and are not mixed with those of the other processes."""
        self._among = among
        first, plain = {"timestamp": "", "level": "", "process": among.number}, self._plain
        self._render = lambda line: plain({**first, **line})

    def debug(self, event: str, **fields: object) -> None:
        """Logs a detail for troubleshooting."""
        if self._level <= 10:
            self._later(self._render({"timestamp": "", "level": "debug", "event": event, **fields}))

    def info(self, event: str, **fields: object) -> None:
        """Logs a normal event."""
        if self._level <= 20:
            self._later(self._render({"timestamp": "", "level": "info", "event": event, **fields}))

    def warning(self, event: str, **fields: object) -> None:
        """Logs an event that the operator should know."""
        if self._level <= 30:
            self._now(self._render({"timestamp": "", "level": "warning", "event": event, **fields}))

    def error(self, event: str, error: BaseException | None = None, **fields: object) -> None:
        """Logs a failure of the program; `error` adds its traceback."""
        if error is not None:
            fields["exception"] = _trace(error)
        self._now(self._render({"timestamp": "", "level": "error", "event": event, **fields}))

    def flush(self) -> None:
        """Writes the lines that wait for the end of the event loop's turn."""
        lines = []
        while self._waiting:
            lines.append(self._waiting.popleft())
        if lines:
            self._write(lines)

    def _later(self, line: bytes) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write([line])
            return
        if not self._waiting or self._loop is not loop:
            self._loop = loop
            loop.call_soon(self.flush)
        self._waiting.append(line)

    def _now(self, line: bytes) -> None:
        self.flush()
        self._write([line])

    def _write(self, lines: list[bytes]) -> None:
        if self._among is None:
            _write(lines)
            return
        import fcntl  # not on every system; those without it cannot fork either

        # To a pipe that is full, the kernel writes long texts in parts, between which other processes could write.
        with suppress(OSError):  # a line that is mixed with another one is better than none
            fcntl.lockf(self._among.lock, fcntl.LOCK_EX)
        try:
            _write(lines)
        finally:
            with suppress(OSError):
                fcntl.lockf(self._among.lock, fcntl.LOCK_UN)


def get() -> Logger:
    """The logger of this process."""
    return _logger


def configure(format: Literal["auto", "json", "console"] = "auto", level: str = "info") -> None:  # noqa: A002
    """Sets the format and level of all later lines of this process, also of those of libraries (from warnings up).

    `level` is debug, info, warning or error.
    """
    console = format == "console" or (format == "auto" and sys.stderr.isatty())
    colours = console and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    _logger.set_up((_coloured if colours else _console) if console else _json, _LEVELS[level])
    # Libraries use the standard library's logging: their warnings and errors are written here, the rest is dropped.
    logging.basicConfig(handlers=[_FromLogging()], level=max(logging.WARNING, _LEVELS[level]), force=True)
    logging.captureWarnings(True)


def flush() -> None:
    """Writes every waiting line."""
    _logger.flush()


def printable(text: str) -> str:
    """The text with control characters, line breaks and direction marks escaped, so that it stays on one line."""
    return text if text.isprintable() else repr(text)[1:-1]


def _write(lines: list[bytes]) -> None:
    # One unbuffered write, so that nothing of this process comes between the lines.
    rest = b"".join([line + b"\n" for line in lines])
    try:
        while rest:
            rest = rest[os.write(_STDERR, rest) :]
    except OSError:
        pass  # standard error is closed or the disk is full: no reason to fail a request


class _FromLogging(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception:  # a wrong log call in a library must not raise here
            text = str(record.msg)
        if record.levelno >= logging.ERROR:
            _logger.error(text, record.exc_info[1] if record.exc_info else None, logger=record.name)
        else:
            _logger.warning(text, logger=record.name)


def _trace(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error)).rstrip()
    except Exception:  # an attribute of the error raises; it may be the error of a library
        return f"{type(error).__name__} (its traceback cannot be formatted)"


def _json(line: Fields) -> bytes:
    line["timestamp"] = clock.rfc3339(clock.now_ms())
    return _bounded(line, _object)


def _object(line: Fields) -> bytes:
    try:
        return _encode(line)
    except Exception:  # a lone surrogate, a huge number, an unusual key: write the line with values as text
        return _encode({printable(str(key)): _safe(value) for key, value in line.items()})


def _safe(value: object) -> str:
    return _text(value).encode("utf-8", "backslashreplace").decode()


# Escaped, one character takes up to six bytes in JSON and up to ten in a readable line.
_MOST_OF_TRACE: Final = 8192
_SHORTER: Final = ((_MOST_OF_TRACE, 2048), (_MOST_OF_TRACE // 4, 256), (512, 64))
_MOST_FIELDS: Final = 12


def _bounded(line: Fields, render: Callable[[Fields], bytes]) -> bytes:
    """The line; if it is too long, with shorter values, and at last with its first fields only."""
    rendered = render(line)
    for most_of_trace, most in _SHORTER:
        if len(rendered) <= MOST_BYTES:
            return rendered
        shorter = {key: _cut(one, most_of_trace if key == "exception" else most) for key, one in line.items()}
        rendered = render(shorter)
    if len(rendered) > MOST_BYTES:
        few = list(line.items())[:_MOST_FIELDS]
        rendered = render({key[:64]: _cut(value, 32) for key, value in few} | {"fieldsCut": len(line) - len(few)})
    return rendered


def _cut(value: object, most: int) -> object:
    """A value without its middle, with a mark in its place; a value that is not long is unchanged."""
    text = _text(value)
    if len(text) <= most:
        return value
    half = most // 2
    return f"{text[:half]} ... {len(text) - 2 * half} characters cut ... {text[-half:]}"


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return repr(value)
    except Exception as error:  # nested too deeply, or a mistake in the class
        return f"(the repr of this {type(value).__name__} raises {type(error).__name__})"


def _console(line: Fields) -> bytes:
    return _bounded(line, lambda fields: _readable(fields, lambda _, text: text))


def _coloured(line: Fields) -> bytes:
    return _bounded(line, lambda fields: _readable(fields, lambda colour, text: f"{colour}{text}{_PLAIN}"))


def _readable(line: Fields, paint: Callable[[str, str], str]) -> bytes:
    line = dict(line)
    _, level, event = line.pop("timestamp"), str(line.pop("level")), str(line.pop("event"))
    trace = str(line.pop("exception", ""))
    parts = [
        paint(_DIM, clock.rfc3339(clock.now_ms())),
        paint(_COLOURS.get(level, _PLAIN), f"{level:<7}"),
        printable(event),
        *(f"{paint(_DIM, printable(str(key)) + '=')}{_value(value)}" for key, value in line.items()),
    ]
    # Indented and escaped: no line of an exception's message can look like a line of the log.
    trace_lines = [f"    {printable(one)}" for one in trace.splitlines()]
    return "\n".join([" ".join(parts), *trace_lines]).encode("utf-8", "backslashreplace")


def _value(value: object) -> str:
    if not isinstance(value, str):
        return printable(_text(value))
    return value if value.isprintable() and value and not set(value) & set(" ='\"") else repr(value)


_logger: Final = Logger()
atexit.register(_logger.flush)
