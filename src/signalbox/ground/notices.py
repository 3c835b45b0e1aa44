"""What a server prints on standard output when it starts: lines on a terminal, else one JSON object a line."""

import json
import sys
from collections.abc import Mapping
from typing import Final

_LABELS: Final = {
    "api": "API",
    "console": "Console",
    "docs": "Docs",
    "database": "Database",
    "stop": "Stop",
    "signIn": "Sign in",
    "try": "Try",
    "shell": "Shell",
    "accountSid": "Account SID",
    "authToken": "Auth token",
}


def show(event: str, fields: Mapping[str, str], before: str = "", after: str = "") -> None:
    """Prints one event. On a terminal each field is a line, below `before` and above `after`."""
    if _on_terminal():
        width = max(len(_LABELS[name]) for name in fields) + 2
        lines = [f"  {_LABELS[name]:<{width}}{value}" for name, value in fields.items()]
        blocks = [*([f"  {before}"] if before else []), "\n".join(lines), *([f"  {after}"] if after else [])]
        text = "\n" + "\n\n".join(blocks)
    else:
        text = json.dumps({"event": event, **fields}, separators=(",", ":"))
    print(text, flush=True)  # noqa: T201 (does nothing where the process has no standard output)


def started(url: str, database: str) -> None:
    """Prints what a person can do next with a server that is ready."""
    stop = "Ctrl-C" if _on_terminal() else "SIGTERM"
    fields = {
        "api": f"{url}/v1",
        "console": f"{url}/console",
        "docs": f"{url}/docs",
        "database": database,
        "stop": stop,
    }
    show("started", fields)


def first_account(sid: str, token: str, url: str) -> None:
    """Prints the credentials of the account that an empty database got. They are printed only this once."""
    call = f"curl -u {sid}:{token} {url}/v1/SenderPools"
    if _on_terminal():
        before = "The database was empty. It has an account now. Its token is shown only once:"
        show("account", {"accountSid": sid, "authToken": token}, before, f"Try it:\n\n    {call}")
    else:
        show("account", {"accountSid": sid, "authToken": token, "try": call})


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()
