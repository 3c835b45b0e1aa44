"""Runs Signalbox's tests of the transport with granian as the server. Each failed test is a broken promise.

The promises are those of docs/transport.md. `bench/.venv/bin/python -m bench.parts.promises` runs the tests in .venv.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
TESTS: Final = (
    "tests/security/test_smuggling.py",
    "tests/security/test_slow_clients.py",
    "tests/acceptance/test_hostile.py",
)


def main() -> None:
    # Only on SQLite, because the server is the same on both engines. Warnings are not failures.
    options = ("-q", "-W", "default", "-p", "no:cacheprovider", "-k", "not postgres", "--timeout", "60")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sitecustomize.py").write_text("import bench.parts.granian_instead\n")
        paths = (folder, str(ROOT), sysconfig.get_path("purelib"))
        subprocess.run(
            [ROOT / ".venv/bin/python", "-m", "pytest", *options, *TESTS],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            check=False,
        )


if __name__ == "__main__":
    main()
