"""`signalbox serve` and `signalbox worker`: start the server."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

import click

from signalbox.cli.database import lasting, run, setting_options, settings_from
from signalbox.cli.endings import FAILED
from signalbox.ground.errors import Bug, SignalboxError
from signalbox.ground.settings import SETTINGS, ConfigError

if TYPE_CHECKING:
    from signalbox.ground.settings import Settings
    from signalbox.supervisor import Child


@click.command()
@setting_options(*(setting.key for setting in SETTINGS if setting.option))
def serve(**command_line: str | bool | None) -> None:
    """Respond to requests, and work on operations."""
    settings = settings_from(command_line)
    if settings.processes > 1:
        _require_several(settings)
    gc.disable()  # until the server is ready
    from signalbox import app
    from signalbox.ground import log

    log.configure(settings.log_format, settings.log_level)
    sys.exit(run(app.serve(settings)) if settings.processes == 1 else _serve_in_processes(settings))


def _serve_in_processes(settings: Settings) -> int:
    """Runs the supervisor, or one of its processes; returns the exit code of either."""
    from signalbox import app

    child = app.supervise(settings)
    return child if isinstance(child, int) else _serve_as(child, settings)


def _serve_as(child: Child, settings: Settings) -> int:
    from signalbox import app
    from signalbox.ground import log

    try:
        return run(app.serve(settings, child=child))
    except Bug:  # pragma: no cover - a mistake in the program keeps its trace
        raise
    except (SignalboxError, OSError) as error:
        log.get().error("process cannot start", problem=str(error))
        return FAILED


def _require_several(settings: Settings) -> None:
    """Raises ConfigError where several processes cannot serve."""
    if settings.database.startswith("sqlite"):
        raise ConfigError(
            [
                f"processes: {settings.processes} processes need PostgreSQL, and the database is SQLite, which one"
                " process serves: name a PostgreSQL with --database postgresql://user@host/name, or set processes to 1"
            ]
        )
    if not hasattr(os, "fork"):  # pragma: no cover - Windows cannot fork
        raise ConfigError(["processes: must be 1 on this system, which cannot fork"])


@click.command()
@setting_options("database", "workers", "database_connections", "database_direct", "log_format", "log_level", "config")
def worker(**command_line: str | bool | None) -> None:
    """Work on operations only, beside processes that serve."""
    settings = lasting(settings_from(command_line))
    if settings.workers == 0:
        raise ConfigError(["workers: must be at least 1 for `signalbox worker`"])
    gc.disable()  # until the worker is ready
    from signalbox import app
    from signalbox.ground import log

    log.configure(settings.log_format, settings.log_level)
    sys.exit(run(app.work(settings)))
