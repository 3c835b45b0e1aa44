"""How a command ends: its exit code, and its lines on standard error. docs/cli.md has the table."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

import click

from signalbox.cli.groups import Commands
from signalbox.cli.streams import OutputLost, done_unseen
from signalbox.ground.errors import Bug, SignalboxError
from signalbox.ground.settings import ConfigError

if TYPE_CHECKING:
    from signalbox_client import ApiError

FAILED: Final = 1
MISUSED: Final = 2  # the same as click's own usage errors
PARTLY: Final = 3
DIFFERS: Final = 4
INTERRUPTED: Final = 130  # 128 + SIGINT, the convention of shells


class Ended(Exception):
    """Ends the command with these lines on standard error, and this exit code."""

    def __init__(self, *lines: str, code: int = FAILED) -> None:
        super().__init__("\n".join(lines))
        self.lines: Sequence[str] = lines
        self.code = code


class Group(Commands):
    """Turns expected failures into lines on standard error and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Ended as ended:
            complain(*ended.lines)
            ctx.exit(ended.code)
        except ConfigError as error:
            for problem in error.problems:
                complain(problem)
            ctx.exit(MISUSED)
        except (KeyboardInterrupt, click.Abort):
            complain("interrupted")
            ctx.exit(INTERRUPTED)
        except (Bug, OutputLost):
            raise
        except (SignalboxError, OSError) as error:
            complain(str(error))
            ctx.exit(FAILED)
        except UnicodeEncodeError as error:
            # Python keeps the bytes of an argument that it cannot decode as half surrogate pairs.
            if error.reason != "surrogates not allowed":  # pragma: no cover - a mistake in the program
                raise
            complain("an argument is not text in this locale: set LC_ALL=C.UTF-8")
            ctx.exit(MISUSED)


@contextmanager
def ending_of_output() -> Iterator[None]:
    """Ends the command when its output was lost, also that of --help: the exit code must not say that all is well."""
    try:
        yield
    except OutputLost as lost:
        complain(*lost.lines)
        raise SystemExit(lost.code) from None


def complain(*lines: str) -> None:
    """Writes lines to standard error: the first after the program's name, the others indented."""
    for number, text in enumerate(lines):
        one_line = text if text.isprintable() else repr(text)[1:-1]
        click.echo(f"  {one_line}" if number else f"signalbox: {one_line}", err=True)


def error_lines(error: ApiError) -> list[str]:
    """The lines for an HTTP error: its message, each problem with its place, and the request id."""
    number = error.status if error.code is None else f"{error.status}, code {error.code}"
    lines = [f"{error.message} ({number})"]
    lines += [f"{one.context or one.field}: {one.message}" for one in error.problems if one.context or one.field]
    if error.request_id:
        lines.append(f"request id: {error.request_id}")
    return lines


def for_each(given: Sequence[str], work: Callable[[str], None]) -> None:
    """Does the work for each argument, also after failures; ends the command with code 1 if one failed.

    The code is that of wrong usage if nothing was done because of it.
    """
    from signalbox_client import ApiError

    codes: list[int] = []
    for number, text in enumerate(given, 1):
        try:
            with finishing(), done_unseen(f"done: {number:,} of {len(given):,}"):
                work(text)
        except ApiError as error:
            codes.append(FAILED)
            first, *more = error_lines(error)
            complain(f"{text}: {first}", *more)
        except Ended as ended:
            codes.append(ended.code)
            complain(*ended.lines)
    if codes:
        raise SystemExit(MISUSED if codes == [MISUSED] * len(given) else FAILED)


@contextmanager
def already_done(*lines: str) -> Iterator[None]:
    """When the block ends early, for any reason, the command says these lines on what it did before."""
    try:
        yield
    except KeyboardInterrupt:
        raise Ended("interrupted", *lines, code=INTERRUPTED) from None
    except Ended as ended:
        raise Ended(*ended.lines, *lines, code=ended.code) from None
    except Exception:
        complain(*lines)
        raise


@contextmanager
def finishing() -> Iterator[None]:
    """Delays Ctrl-C until the request ended, so that the command knows what it did. A second Ctrl-C counts at once."""
    before = signal.getsignal(signal.SIGINT)
    if before != signal.default_int_handler:  # SIGINT is ignored (background job), or has another handler
        yield
        return
    pressed = False

    def note(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        # Also after an error: a user who pressed Ctrl-C wants no further requests.
        if pressed:
            raise KeyboardInterrupt
