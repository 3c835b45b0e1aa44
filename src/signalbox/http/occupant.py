"""Who has a port that this program cannot listen on, and which port is free instead."""

import contextlib
import re
import socket
from pathlib import Path
from typing import Final

_SECONDS: Final = 1.0
_TRIES: Final = 20
_LISTENS: Final = "0A"  # TCP_LISTEN in /proc/net/tcp


def explain(host: str, port: int) -> str:
    """A sentence part: the program that has the port, as far as it can be found out, and a port that is free."""
    who = "another Signalbox" if _is_signalbox(host, port) else "another program"
    process = _process(port)
    offered = _free(host, port)
    return f"by {who}{f' ({process})' if process else ''}" + (
        f"; port {offered} is free: --port {offered}" if offered else ""
    )


def _is_signalbox(host: str, port: int) -> bool:
    """Whether a server there responds with the request id of Signalbox."""
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    received = b""
    with contextlib.suppress(OSError), socket.create_connection((host, port), _SECONDS) as connection:
        connection.sendall(request)
        while len(received) < 4096 and (chunk := connection.recv(4096)):
            received += chunk
    return re.search(rb"\r\nx-request-id: RQ[0-9a-f]{32}\r\n", received, re.IGNORECASE) is not None


def _process(port: int) -> str:
    """`process 4242: signalbox serve`; empty where the system does not say it, as for processes of other users."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                columns = line.split()
                if columns[1].endswith(f":{port:04X}") and columns[3] == _LISTENS:
                    inodes.add(f"socket:[{columns[9]}]")
    holders: dict[str, tuple[str, str]] = {}
    for folder in Path("/proc").glob("[0-9]*/fd") if inodes else ():
        with contextlib.suppress(OSError):
            if any(str(one.readlink()) in inodes for one in folder.iterdir()):
                words = (folder.parent / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                parent = (folder.parent / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1]
                holders[folder.parent.name] = parent, _command(words)
    # Of several processes with the socket, the one that started the others: it would start them again.
    return next((f"process {one}: {command}" for one, (by, command) in holders.items() if by not in holders), "")


def _command(words: list[str]) -> str:
    """The name of the program and its command. Other arguments may contain secrets."""
    names = [Path(word).name for word in words if word and not word.startswith("-")]
    if len(names) > 1 and re.fullmatch(r"python[\d.]*", names[0]):
        del names[0]
    shown = " ".join(names[: 2 if names[:1] == ["signalbox"] else 1])
    return shown if shown.isprintable() else repr(shown)[1:-1]


def _free(host: str, taken: int) -> int | None:
    """The next port that nothing listens on."""
    for port in range(taken + 1, min(taken + _TRIES, 65535) + 1):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
            return port
    return None
