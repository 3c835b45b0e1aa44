"""`signalbox completion`: the script that makes a shell complete commands, options, files, and names and ids."""

from __future__ import annotations

from typing import Final

import click

# As click's own scripts, except that these take names that contain spaces, commas and characters of the shell. Bash
# does not quote what it inserts: a name such as $(reboot) would run. Within quotes, names that need more are left out.
_BASH: Final = """\
%(complete_func)s() {
    local IFS=$'\\n' response type value
    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete $1)
    while IFS=',' read -r type value; do
        if [[ $type == 'dir' ]]; then
            COMPREPLY=()
            compopt -o dirnames
        elif [[ $type == 'file' ]]; then
            COMPREPLY=()
            compopt -o default
        elif [[ $type == 'plain' ]]; then
            case ${COMP_WORDS[COMP_CWORD]} in
                \\'*) [[ $value == *\\'* ]] && continue ;;
                \\"*) [[ $value == *[\\\\\\$\\`\\"!]* ]] && continue ;;
                *) printf -v value %%q "$value" ;;
            esac
            COMPREPLY+=("$value")
        fi
    done <<< "$response"
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_FISH: Final = """\
function %(complete_func)s;
    set -l response (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) \
%(prog_name)s);
    for completion in $response;
        set -l metadata (string split --max 1 "," $completion);
        if test $metadata[1] = "dir";
            __fish_complete_directories $metadata[2];
        else if test $metadata[1] = "file";
            __fish_complete_path $metadata[2];
        else if test $metadata[1] = "plain";
            echo $metadata[2];
        end;
    end;
end;
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)";
"""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options, and names and ids of pools and senders in a shell.

    \b
    bash:  eval "$(signalbox completion bash)"      in ~/.bashrc
    zsh:   eval "$(signalbox completion zsh)"       in ~/.zshrc
    fish:  signalbox completion fish | source       in ~/.config/fish/config.fish
    """
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    class Bash(BashComplete):
        source_template = _BASH

    class Fish(FishComplete):
        source_template = _FISH

    made = {"bash": Bash, "zsh": ZshComplete, "fish": Fish}[shell]
    click.echo(made(context.find_root().command, {}, "signalbox", "_SIGNALBOX_COMPLETE").source())
