"""Compares a request's log line and the import of the module with structlog: `make parts ARGS=log_lines`.

Standard error is redirected to /dev/null.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import msgspec
import structlog

from bench.parts.timing import best, show
from signalbox.ground import log


def _import_ms(module: str) -> float:
    """Processor time of an import, the least of ten. Modules that every start needs are imported before."""
    code = (
        f"import asyncio, logging, time; s = time.process_time(); import {module}; print((time.process_time()-s)*1e3)"
    )
    return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(10))


def main() -> None:
    fields: dict[str, Any] = {
        "requestId": "RQ" + "0" * 32,
        "method": "GET",
        "path": "/v1/SenderPools/Operations",
        "status": 200,
        "ms": 0.25,
        "account": "AC" + "0" * 32,
    }
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    log.configure("json", "info")
    encode = msgspec.json.Encoder(enc_hook=repr).encode
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=lambda line, **_: encode(line)),
        ],
        logger_factory=structlog.BytesLoggerFactory(file=os.fdopen(2, "wb", buffering=0)),
        wrapper_class=structlog.make_filtering_bound_logger(20),
        cache_logger_on_first_use=True,
    )
    theirs = structlog.get_logger()
    ours = log.get()
    found = best(
        {"ours": lambda: ours.info("request", **fields), "structlog": lambda: theirs.info("request", **fields)}
    )
    show("one line, written at once", found)
    print(f"import: ours {_import_ms('signalbox.ground.log'):.1f} ms, structlog {_import_ms('structlog'):.1f} ms")


if __name__ == "__main__":
    main()
