"""`signalbox completion`: the script that makes a shell complete commands, options and files."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in a shell.

    \b
    bash:  eval "$(signalbox completion bash)"      in ~/.bashrc
    zsh:   eval "$(signalbox completion zsh)"       in ~/.zshrc
    fish:  signalbox completion fish | source       in ~/.config/fish/config.fish
    """
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    made = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}[shell]
    click.echo(made(context.find_root().command, {}, "signalbox", "_SIGNALBOX_COMPLETE").source())
