"""The `signalbox` command: a file for each noun. A command imports its dependencies when it runs, for a fast start."""

from __future__ import annotations

import click

from signalbox import __version__
from signalbox.cli import (
    accounts,
    completion,
    dev,
    examples,
    groups,
    inbox,
    login,
    messages,
    operations,
    opt_outs,
    pools,
    senders,
    serve,
)
from signalbox.cli.endings import Group

__all__ = ["main"]


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="signalbox", message="%(prog)s %(version)s")
def main() -> None:
    """The Communications API as a program you run: senders, sender pools, messages and an inbox.

    serve, worker, accounts and keys run the server. The other commands send requests to a running server,
    with the credentials that `signalbox login` stored.

    Every setting of the server is an option, an environment variable (SIGNALBOX_...) and a key of
    signalbox.toml; the command line wins, then the environment, then the file.
    """


for _command in (
    dev.dev,
    serve.serve,
    serve.worker,
    accounts.accounts,
    accounts.keys,
    login.login,
    login.logout,
    login.env,
    senders.senders,
    pools.pools,
    operations.operations,
    messages.messages,
    inbox.inbox,
    opt_outs.opt_outs,
    completion.completion,
    groups.help_command,
    groups.version_command,
):
    main.add_command(_command)
examples.add_to(main)
