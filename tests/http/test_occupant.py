"""What is said about a port that this program cannot listen on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from signalbox.http import occupant
from signalbox.http.server import listen


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell who has a port")
def test_program_that_has_the_port_is_named_without_its_arguments() -> None:
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    with subprocess.Popen(["sleep", "600"], pass_fds=[sock.fileno()]) as process:
        sock.close()
        try:
            assert occupant.explain("127.0.0.1", port).startswith(f"by another program (process {process.pid}: sleep)")
        finally:
            process.kill()


def test_last_port_has_no_free_one_after_it() -> None:
    assert "is free" not in occupant.explain("127.0.0.1", 65535)


def test_address_of_another_machine_is_refused_without_a_program_that_has_it() -> None:
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1 port 8080: [^;(]*$"):
        listen("192.0.2.1", 8080)
