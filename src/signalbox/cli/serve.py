"""`signalbox serve` and `signalbox worker`: start the server."""

from __future__ import annotations

import gc
import sys

import click

from signalbox.cli.database import lasting, run, setting_options, settings_from
from signalbox.ground.settings import SETTINGS, ConfigError


@click.command()
@setting_options(*(setting.key for setting in SETTINGS if setting.option))
def serve(**command_line: str | bool | None) -> None:
    """Respond to requests, and work on operations."""
    settings = settings_from(command_line)
    gc.disable()  # until the server is ready
    from signalbox import app
    from signalbox.ground import log

    log.configure(settings.log_format, settings.log_level)
    sys.exit(run(app.serve(settings)))


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
