"""Commands of `signalbox` as forks of one process that has imported the program.

Each command is a separate process with its own arguments, environment, folder and streams, like the installed command.
Only the import of the program, a third of a second, happens once.
"""

from __future__ import annotations

import gc
import io
import json
import multiprocessing
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signalbox import cli

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *("forked", "pytest", "signalbox.app", "signalbox.db.postgres", "signalbox.db.sqlite", "signalbox_client"),
        *(f"signalbox.cli.{module.name}" for module in pkgutil.iter_modules(cli.__path__)),
        *("rich.console", "rich.live", "rich.progress", "rich.table", "yaml"),
        # What the first request imports: a tenth of a second.
        *("httpcore", "h11", "encodings.idna", "click.shell_completion"),
    ]
)


@dataclass(frozen=True)
class Streams:
    """The standard streams of a command: "" is the usual one, None a closed one, "|" a pipe whose reader is gone."""

    stdin: str | None = ""
    stdout: str | None = ""
    stderr: str | None = ""


def command(
    arguments: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | None,
    stdin: bytes = b"",
    seconds: float,
    streams: Streams = Streams(),
) -> subprocess.CompletedProcess[bytes]:
    """Runs `signalbox` to its end with these arguments and this environment. Raises TimeoutExpired.

    Without `cwd`, in a folder that was deleted.
    """
    words = [str(one) for one in arguments]
    with tempfile.TemporaryDirectory(prefix="signalbox-forked-") as name:
        folder = Path(name)
        (folder / "stdin").write_bytes(stdin)
        process = _FORKS.Process(target=_run, args=(words, dict(env), cwd and str(cwd), name, streams))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, seconds)
        # A stream that is not usual has no file.
        out, err = ((folder / one).read_bytes() if (folder / one).exists() else b"" for one in ("stdout", "stderr"))
        code = process.exitcode
        process.close()
    return subprocess.CompletedProcess(words, code, out, err)


@dataclass(frozen=True)
class Case:
    """A command of `commands`; without `cwd` it runs in a folder that was deleted."""

    arguments: Sequence[str]
    env: Mapping[str, str]
    cwd: str | None
    streams: Streams = Streams()


def commands(cases: Sequence[Case], *, seconds: float, at_once: int) -> list[subprocess.CompletedProcess[bytes]]:
    """Runs many commands, some at a time, as forks of one fork. A command that does not end in time has code -14."""
    with tempfile.TemporaryDirectory(prefix="signalbox-forked-") as name:
        process = _FORKS.Process(target=_run_all, args=(cases, name, seconds, at_once))
        process.start()
        process.join()
        process.close()
        codes = json.loads((Path(name) / "codes").read_text())
        results = []
        for number, case in enumerate(cases):
            folder = Path(name) / str(number)
            out, err = (one.read_bytes() if one.exists() else b"" for one in (folder / "stdout", folder / "stderr"))
            results.append(subprocess.CompletedProcess(list(case.arguments), codes[str(number)], out, err))
        return results


def _run_all(cases: Sequence[Case], folder: str, seconds: float, at_once: int) -> None:
    gc.freeze()
    running: dict[int, int] = {}
    codes: dict[int, int] = {}
    for number, case in enumerate(cases):
        while len(running) == at_once:
            _reap(running, codes)
        Path(folder, str(number)).mkdir()
        Path(folder, str(number), "stdin").touch()
        pid = os.fork()
        if pid == 0:
            signal.alarm(round(seconds))
            os._exit(_code_of(case, f"{folder}/{number}"))
        running[pid] = number
    while running:
        _reap(running, codes)
    Path(f"{folder}/codes").write_text(json.dumps(codes))


def _reap(running: dict[int, int], codes: dict[int, int]) -> None:
    pid, status = os.wait()
    codes[running.pop(pid)] = os.waitstatus_to_exitcode(status)


def _code_of(case: Case, folder: str) -> int:
    """Runs the command as the interpreter does, to the flush of its streams."""
    code = 0
    try:
        _run(list(case.arguments), dict(case.env), case.cwd, folder, case.streams)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        code = 1
        with suppress(Exception):
            traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.write(2, b"Exception ignored at the end\n")
            code = 120
    return code


def _run(arguments: list[str], env: dict[str, str], cwd: str | None, folder: str, streams: Streams) -> None:
    from signalbox.__main__ import main

    os.environ.clear()
    os.environ.update(env)
    if cwd is None:
        gone = Path(folder, "gone")
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()
    else:
        os.chdir(cwd)
    for number, (name, given) in enumerate(vars(streams).items()):
        if given is not None:
            _connect(number, f"{folder}/{name}" if given == "" else given)
    for number, given in enumerate(vars(streams).values()):
        if given is None:
            os.close(number)  # after all others, which would take the free number
    # As the interpreter does at its start.
    encoding = env.get("PYTHONIOENCODING") or "utf-8"
    stdin = io.FileIO(0, closefd=False) if streams.stdin is not None else None
    if stdin is not None:
        stdin.name = "<stdin>"
    sys.stdin = None if stdin is None else io.TextIOWrapper(io.BufferedReader(stdin), encoding)
    sys.stdout = None if streams.stdout is None else os.fdopen(1, "w", encoding=encoding, closefd=False)
    sys.stderr = None if streams.stderr is None else os.fdopen(2, "w", 1, encoding, "backslashreplace", closefd=False)
    sys.argv = ["signalbox", *arguments]
    main()


def _connect(number: int, to: str) -> None:
    """Makes a descriptor lead to a file, or to a pipe whose reader is gone."""
    if to == "|":
        reading, opened = os.pipe()
        os.close(reading)
    else:
        opened = os.open(to, os.O_CREAT | os.O_APPEND | (os.O_WRONLY if number else os.O_RDONLY), 0o600)
    os.dup2(opened, number)
    os.close(opened)
