"""The first steps of a new user, with the time of each: `python .ci/newcomer.py [FOLDER]`.

FOLDER (default `dist`) has the packages that `.ci/packages.py` built. The steps run in a new folder that is also the
home, so that no cache, profile or checkout of this machine is used. Prints a table.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SENDERS: Final = """
print("channel,address,displayName")
for number in range(10000): print(f"SMS,+{12022000000 + number},Washington {number}")
"""
PROGRAM: Final = """
from signalbox_client import Signalbox

with Signalbox() as client:
    started = client.sender_pools.create(name="first", senders=[sender.id for sender in client.senders.list()])
    print(client.sender_pools.wait(started.operation_id).stats)
"""
TEST: Final = """
def test_inventory(signalbox_server):
    signalbox_server.enter_senders(3)
    assert len(list(signalbox_server.client.senders.list())) == 3
"""
NODE: Final = """
import { TwilioClient } from "signalbox-client";

const client = new TwilioClient({ accountId: process.env.SIGNALBOX_ACCOUNT_SID,
  authToken: process.env.SIGNALBOX_AUTH_TOKEN, baseUrl: process.env.SIGNALBOX_URL });
const page = await client.senderPools.listOperations({});
console.log(page.operations[0].status);
"""


class Newcomer:
    """A user with an empty home who types commands one after the other; each is timed."""

    def __init__(self, home: Path, dist: Path) -> None:
        self.home = home
        self.rows: list[tuple[str, float]] = []
        self.shown: dict[str, str] = {}
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "PYTHON"))},
            "HOME": str(home),
            "PATH": f"{home}/.venv/bin:{os.environ['PATH']}",
        }

    def types(self, what: str, command: str, expected: str = "") -> str:
        """Runs a command; exits when it fails or does not print what is expected."""
        started = time.perf_counter()
        done = subprocess.run(
            ["/bin/bash", "-c", command], cwd=self.home, env=self.env, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        if done.returncode or not re.search(expected, said):
            sys.exit(f"{command}\nended with {done.returncode}:\n{said}")
        self.note(what, started)
        return said

    def note(self, what: str, started: float) -> None:
        self.rows.append((what, time.perf_counter() - started))
        print(f"{self.rows[-1][1]:7.2f} s  {what}", file=sys.stderr, flush=True)

    def serves(self) -> subprocess.Popen[str]:
        """Starts the server in the background, and reads the account from its output."""
        started = time.perf_counter()
        server = subprocess.Popen(
            [self.home / ".venv" / "bin" / "signalbox", "serve", "--port", "0"],
            cwd=self.home,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        said = ""
        while server.stdout and "curl" not in said:
            line = server.stdout.readline()
            if not line:
                sys.exit(f"serve ended: {said}")
            said += line
        self.note("`signalbox serve`, until it shows the account", started)
        account = json.loads(next(line for line in said.splitlines() if "curl" in line))
        self.shown = {
            "SIGNALBOX_ACCOUNT_SID": account["accountSid"],
            "SIGNALBOX_AUTH_TOKEN": account["authToken"],
            "SIGNALBOX_URL": account["try"].split()[-1].partition("/v1")[0],
        }
        self.env["CURL"] = account["try"]
        return server


def begins(one: Newcomer, dist: Path) -> None:
    """From nothing to ten thousand senders in a pool, and a first program in two languages."""
    (tarball,) = dist.glob("signalbox-client-*.tgz")
    (wheel,), (client,) = dist.glob("signalbox_server-*.whl"), dist.glob("signalbox_client-*.whl")
    wheels = f"{client} '{wheel}[pytest]'"
    (one.home / "program.py").write_text(PROGRAM, "utf-8")
    (one.home / "program.mjs").write_text(NODE, "utf-8")
    (one.home / "test_first.py").write_text(TEST, "utf-8")
    (one.home / "make_senders.py").write_text(SENDERS, "utf-8")
    one.types("`python3 -m venv .venv`", "python3 -m venv .venv")
    one.types("`pip install` of the two wheels with `[pytest]`, nothing cached", f"pip install --quiet {wheels}")
    server = one.serves()
    try:
        one.types("the `curl` line that it shows", 'eval "$CURL" -s', '"senderPools":\\[\\]')
        login = "signalbox login --url $SIGNALBOX_URL --account-sid $SIGNALBOX_ACCOUNT_SID <<< $SIGNALBOX_AUTH_TOKEN"
        shown, one.env = one.env, {**one.env, **one.shown}
        one.types("`signalbox login`", login)
        one.env = shown
        one.types(
            "`signalbox senders import`, 10,000 senders",
            "python make_senders.py > senders.csv && signalbox senders import senders.csv",
            "10,?000",
        )
        one.env = {**one.env, **one.shown}
        one.types("a program of five lines: a pool with all of them", "python program.py", "created=10001")
        one.types(
            "`npm install` of the TypeScript client", f"npm init -y && npm install --no-audit --no-fund {tarball}"
        )
        one.types("the vendor's call, the import changed", "node program.mjs", "COMPLETED")
        one.types("a first test with the fixture: `pytest`", "python -m pytest -q test_first.py", "1 passed")
        shutil.copytree(ROOT / "examples" / "python-app", one.home / "python-app")
        one.types(
            "the example project: `pip install -e '.[test]'`", "cd python-app && pip install --quiet -e '.[test]'"
        )
        one.types("its tests: `pytest`", "cd python-app && python -m pytest -q", "11 passed")
    finally:
        server.terminate()
        code = server.wait(15)
    if code:
        sys.exit(f"serve ended with {code}")


def main() -> None:
    dist = Path(sys.argv[1] if len(sys.argv) > 1 else "dist").resolve()
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        one = Newcomer(Path(folder).resolve(), dist)
        begins(one, dist)
    print("| step | seconds |\n| --- | ---: |")
    for what, seconds in one.rows:
        print(f"| {what} | {seconds:.1f} |")
    print(f"| all of it | {sum(seconds for _, seconds in one.rows):.1f} |")


if __name__ == "__main__":
    main()
