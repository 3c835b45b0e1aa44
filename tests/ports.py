"""Free ports for programs that are told their port, such as those of the documentation's examples.

A port is chosen outside the range from which kernels choose ports themselves, for `--port 0` and for outgoing
connections. It is reserved until this process ends, by a UDP socket of the same number: other test processes that
choose the number cannot reserve it, while a TCP server can listen on it.
"""

from __future__ import annotations

import random
import socket
from typing import Final

_CHOICE: Final = range(10_000, 30_000)  # Linux chooses from 32768 on, macOS from 49152 on
_RANDOM: Final = random.SystemRandom()
_RESERVED: Final[list[socket.socket]] = []


def free_port() -> int:
    """A port on 127.0.0.1 on which nothing listens. Raises OSError when a hundred ports are in use."""
    for _ in range(100):
        port = _RANDOM.choice(_CHOICE)
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        try:
            reservation.bind(("127.0.0.1", port))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
        else:
            _RESERVED.append(reservation)
            return port
    raise OSError("no free port found")


def on_free_ports(text: str, ports: dict[int, int]) -> str:
    """The text of an example with other ports: `ports` maps a documented port to the one in its place."""
    for documented, port in ports.items():
        text = text.replace(f":{documented}", f":{port}").replace(f"--port {documented}", f"--port {port}")
    return text
