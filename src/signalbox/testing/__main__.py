"""`python -m signalbox.testing COMMAND ...`: runs the tests of any language with a server of their own.

The command finds the server, and an account with nothing in it, in SIGNALBOX_BASE_URL, SIGNALBOX_ACCOUNT_SID and
SIGNALBOX_AUTH_TOKEN. The exit code is the command's; 128 and the number of the signal that ended it, 127 when there
is no such command, 1 when the server does not start.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from signalbox.testing import ServerDied, server


def run(command: Sequence[str]) -> int:
    """Runs the command beside a server; returns the exit code."""
    try:
        with server() as running:
            env = {**os.environ, **running.account().environment}
            code = subprocess.call(command, env=env)  # noqa: S603 (what the user wants to run)
            return code if code >= 0 else 128 - code
    except KeyboardInterrupt:
        return 130
    except FileNotFoundError:
        _complain(f"there is no command {command[0]}")
        return 127
    except ServerDied as error:
        _complain(str(error))
        return 1


def _complain(text: str) -> None:
    sys.stderr.write(f"signalbox.testing: {text}\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        _complain("usage: python -m signalbox.testing COMMAND ...")
        sys.exit(2)
    sys.exit(run(sys.argv[1:]))
