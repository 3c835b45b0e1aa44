"""Commands of `signalbox` as forks of one process that has imported the program.

Each command is a separate process with its own arguments, environment, folder and streams, like the installed command.
Only the import of the program, a third of a second, happens once.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from signalbox import cli

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *("forked", "pytest", "signalbox.app", "signalbox.db.postgres", "signalbox.db.sqlite", "signalbox_client"),
        *(f"signalbox.cli.{module.name}" for module in pkgutil.iter_modules(cli.__path__)),
        *("rich.console", "rich.live", "rich.progress", "rich.table", "yaml"),
    ]
)


def command(
    arguments: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, stdin: bytes = b"", seconds: float
) -> subprocess.CompletedProcess[bytes]:
    """Runs `signalbox` to its end with these arguments and this environment. Raises TimeoutExpired."""
    words = [str(one) for one in arguments]
    with tempfile.TemporaryDirectory(prefix="signalbox-forked-") as name:
        streams = Path(name)
        (streams / "stdin").write_bytes(stdin)
        process = _FORKS.Process(target=_run, args=(words, dict(env), str(cwd), name))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, seconds)
        out, err = ((streams / stream).read_bytes() for stream in ("stdout", "stderr"))
        code = process.exitcode
        process.close()
    return subprocess.CompletedProcess(words, code, out, err)


def _run(arguments: list[str], env: dict[str, str], cwd: str, streams: str) -> None:
    from signalbox.__main__ import main

    flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
    for number, (stream, how) in enumerate({"stdin": os.O_RDONLY, "stdout": flags, "stderr": flags}.items()):
        os.dup2(os.open(f"{streams}/{stream}", how, 0o600), number)
    stdin = io.FileIO(0, closefd=False)
    stdin.name = "<stdin>"
    sys.stdin = io.TextIOWrapper(io.BufferedReader(stdin), encoding="utf-8")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, "utf-8", "backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["signalbox", *arguments]
    main()
