"""Groups of commands: options that may stand before the subcommand, and the commands `help` and `version`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Final

import click

from signalbox import __version__

_GIVEN: Final = "signalbox.cli.groups"
_CLICKS_LEAST: Final = 52


class Commands(click.Group):
    """A group that also accepts --json, --profile and --url, and passes them on to the command below.

    A command that has no such option refuses it by its name.
    """

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """The context of the command; its help is as narrow as the terminal, where click would use 50 columns."""
        columns = shutil.get_terminal_size().columns
        if columns < _CLICKS_LEAST:
            extra["terminal_width"] = max(columns - 2, 20)
        return super().make_context(info_name, args, parent, **extra)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The parameters of the group; those for the command below are shown in the help of the program only."""
        return [*(_HIDDEN if ctx.parent else _SHOWN), *super().get_params(ctx)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command below, and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not isinstance(command, click.Group):
            rest = [*ctx.meta.get(_GIVEN, {}).values(), *rest]
        return name, command, rest


def _keep(context: click.Context, parameter: click.Parameter, value: str | bool | None) -> None:
    if value:
        option = parameter.opts[0]
        context.meta.setdefault(_GIVEN, {})[option] = option if value is True else f"{option}={value}"


def _options(*, hidden: bool) -> list[click.Parameter]:
    return [
        click.Option(
            ["--json"],
            is_flag=True,
            hidden=hidden,
            expose_value=False,
            callback=_keep,
            help="Print JSON, for programs.",
        ),
        *(
            click.Option([option], metavar=name, hidden=hidden, expose_value=False, callback=_keep, help=words)
            for option, name, words in (
                ("--profile", "NAME", "Use this stored profile."),
                ("--url", "URL", "URL of the server."),
            )
        ),
    ]


_SHOWN: Final = _options(hidden=False)
_HIDDEN: Final = _options(hidden=True)


@click.command("version")
def version_command() -> None:
    """Print the version."""
    click.echo(f"signalbox {__version__}")


@click.command("help")
@click.argument("words", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def help_command(context: click.Context, words: Sequence[str]) -> None:
    """Print the help of the program or of a command."""
    place = context.find_root()
    for word in words:
        group = place.command
        command = group.get_command(place, word) if isinstance(group, click.Group) else None
        if command is None:
            raise click.UsageError(f"{place.command_path} has no command {word!r}")
        place = click.Context(command, info_name=word, parent=place)
    click.echo(place.get_help())
