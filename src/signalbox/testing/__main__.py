"""`python -m signalbox.testing COMMAND ...`: runs a command, such as the tests in any language, with its own server.

The command reads the server's URL and the credentials of an empty account from SIGNALBOX_URL,
SIGNALBOX_ACCOUNT_SID and SIGNALBOX_AUTH_TOKEN. The exit code is that of the command; 128 plus the number of the signal
that ended it; 127 when the command does not exist; 1 when the server does not start.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from signalbox.testing import ServerDied, server


def run(command: Sequence[str]) -> int:
    """Runs the command while a server runs; returns the exit code."""
    try:
        with server() as running:
            env = {**os.environ, **running.account().environment}
            code = subprocess.call(command, env=env)  # noqa: S603 (the user's own command)
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
    if sys.stderr is not None:  # closed
        sys.stderr.write(f"signalbox.testing: {text}\n")


if __name__ == "__main__":  # pragma: no branch - this module is run and never imported
    if len(sys.argv) < 2:
        _complain("usage: python -m signalbox.testing COMMAND ...")
        sys.exit(2)
    sys.exit(run(sys.argv[1:]))
