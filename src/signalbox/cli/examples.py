"""Three examples for the help of each command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import click

# By the words of a command after `signalbox`. Each example is a line for a shell.
EXAMPLES: Final[Mapping[str, tuple[str, str, str]]] = {
    "": (
        "signalbox login",
        "signalbox pools list",
        "signalbox --profile production --json senders find Washington",
    ),
    "serve": (
        "signalbox serve",
        "signalbox serve --port 8081 --database sqlite:///signalbox.db",
        "signalbox serve --config signalbox.toml",
    ),
    "dev": (
        "signalbox dev",
        "signalbox dev --empty --port 8081",
        "signalbox dev --memory --no-open",
    ),
    "worker": (
        "signalbox worker --database postgresql://signalbox@localhost/signalbox",
        "signalbox worker --workers 4",
        "signalbox worker --config signalbox.toml",
    ),
    "accounts": (
        "signalbox accounts create 'Acme Ltd'",
        "signalbox accounts list",
        "signalbox help accounts rotate-token",
    ),
    "accounts create": (
        "signalbox accounts create 'Acme Ltd'",
        "signalbox accounts create staging --database sqlite:///signalbox.db",
        "signalbox accounts create staging --json",
    ),
    "accounts list": (
        "signalbox accounts list",
        "signalbox accounts list --all --database sqlite:///signalbox.db",
        "signalbox accounts list --json",
    ),
    "accounts suspend": (
        "signalbox accounts suspend AC0123456789abcdef0123456789abcdef",
        "signalbox accounts suspend AC0123456789abcdef0123456789abcdef --database sqlite:///signalbox.db",
        "signalbox accounts suspend AC0123456789abcdef0123456789abcdef --json",
    ),
    "accounts resume": (
        "signalbox accounts resume AC0123456789abcdef0123456789abcdef",
        "signalbox accounts resume AC0123456789abcdef0123456789abcdef --database sqlite:///signalbox.db",
        "signalbox accounts resume AC0123456789abcdef0123456789abcdef --json",
    ),
    "accounts delete": (
        "signalbox accounts delete AC0123456789abcdef0123456789abcdef",
        "signalbox accounts delete AC0123456789abcdef0123456789abcdef --yes",
        "signalbox accounts delete AC0123456789abcdef0123456789abcdef --database sqlite:///signalbox.db",
    ),
    "accounts rotate-token": (
        "signalbox accounts rotate-token AC0123456789abcdef0123456789abcdef",
        "signalbox accounts rotate-token AC0123456789abcdef0123456789abcdef --database sqlite:///signalbox.db",
        "signalbox accounts rotate-token AC0123456789abcdef0123456789abcdef --json",
    ),
    "accounts recount": (
        "signalbox accounts recount",
        "signalbox accounts recount --database sqlite:///signalbox.db",
        "signalbox accounts recount --json",
    ),
    "keys": (
        "signalbox keys create --account AC0123456789abcdef0123456789abcdef --name laptop",
        "signalbox keys list",
        "signalbox keys revoke SK0123456789abcdef0123456789abcdef",
    ),
    "keys create": (
        "signalbox keys create --account AC0123456789abcdef0123456789abcdef",
        "signalbox keys create --account AC0123456789abcdef0123456789abcdef --name laptop",
        "signalbox keys create --account AC0123456789abcdef0123456789abcdef --json",
    ),
    "keys list": (
        "signalbox keys list",
        "signalbox keys list --account AC0123456789abcdef0123456789abcdef",
        "signalbox keys list --json",
    ),
    "keys revoke": (
        "signalbox keys revoke SK0123456789abcdef0123456789abcdef",
        "signalbox keys revoke SK0123456789abcdef0123456789abcdef --database sqlite:///signalbox.db",
        "signalbox keys revoke SK0123456789abcdef0123456789abcdef --json",
    ),
    "login": (
        "signalbox login",
        "signalbox login --profile production",
        "printf '%s\\n' \"$SIGNALBOX_AUTH_TOKEN\" | signalbox login --account-sid AC0123456789abcdef0123456789abcdef",
    ),
    "env": (
        'eval "$(signalbox env)"',
        "signalbox env --profile production",
        "signalbox env | source",
    ),
    "logout": (
        "signalbox logout",
        "signalbox logout --profile production",
        "signalbox --profile production logout",
    ),
    "senders": (
        "signalbox senders import senders.csv",
        "signalbox senders find +1202",
        "signalbox senders list --channel SMS",
    ),
    "senders import": (
        "signalbox senders import senders.csv",
        "signalbox senders import --format ndjson - < senders.ndjson",
        "signalbox senders import senders.csv --refused refused.csv",
    ),
    "senders list": (
        "signalbox senders list --limit 10",
        "signalbox senders list --channel SMS --status DEACTIVATED --all",
        "signalbox senders list --since 2h --json",
    ),
    "senders show": (
        "signalbox senders show +12025550100",
        "signalbox senders show SMS:+12025550100 --json",
        "signalbox senders show 'Front desk'",
    ),
    "senders find": (
        "signalbox senders find Washington",
        "signalbox senders find +1202 --all",
        "signalbox senders find team=red --json",
    ),
    "senders search": (
        "signalbox senders search +12025550100 --channel SMS",
        "signalbox senders search hello@example.com --channel EMAIL --status ACTIVATED",
        "signalbox senders search +12025550100 --channel WHATSAPP --json",
    ),
    "senders resolve": (
        "signalbox senders resolve PHONE:+12025550123",
        "signalbox senders resolve PHONE:+12025550123 EMAIL:ada@example.com --prefer EMAIL",
        "signalbox senders resolve PHONE:+12025550123 --pool support --channel SMS",
    ),
    "senders activate": (
        "signalbox senders activate SMS:+12025550100",
        "signalbox senders activate 'Front desk' +12025550101",
        "signalbox senders activate SMS:+12025550100 --json",
    ),
    "senders deactivate": (
        "signalbox senders deactivate SMS:+12025550100",
        "signalbox senders deactivate 'Front desk' +12025550101",
        "signalbox senders deactivate SMS:+12025550100 --json",
    ),
    "senders remove": (
        "signalbox senders remove SMS:+12025550100",
        "signalbox senders remove 'Front desk' +12025550101",
        "signalbox senders remove SMS:+12025550100 --yes --json",
    ),
    "pools": (
        "signalbox pools list",
        "signalbox pools create support --senders senders.csv --watch",
        "signalbox pools show support --senders",
    ),
    "pools create": (
        "signalbox pools create support --tag team=red",
        "signalbox pools create support --senders senders.csv --watch",
        "signalbox senders list --channel SMS --json | signalbox pools create texts --senders -",
    ),
    "pools add": (
        "signalbox pools add support SMS:+12025550100",
        "signalbox pools add support --senders senders.csv --watch",
        "signalbox senders find team=red --json | signalbox pools add support --senders -",
    ),
    "pools list": (
        "signalbox pools list --limit 10",
        "signalbox pools list --since 2026-11-23 --all",
        "signalbox pools list --json",
    ),
    "pools find": (
        "signalbox pools find supp",
        "signalbox pools find team=red --all",
        "signalbox pools find supp --json",
    ),
    "pools show": (
        "signalbox pools show support",
        "signalbox pools show support --senders --channel SMS --limit 10",
        "signalbox pools show comms_senderpool_01kg9p6jhxf29s4fr84g98pbsk --json",
    ),
    "pools update": (
        "signalbox pools update support --name 'Customer support'",
        "signalbox pools update support --tag team=red --tag tier=gold",
        "signalbox pools update support --no-tags",
    ),
    "pools remove-sender": (
        "signalbox pools remove-sender support SMS:+12025550100",
        "signalbox pools remove-sender support 'Front desk' +12025550101",
        "signalbox pools remove-sender support SMS:+12025550100 --json",
    ),
    "pools delete": (
        "signalbox pools delete support",
        "signalbox pools delete support sales --yes",
        "signalbox pools delete comms_senderpool_01kg9p6jhxf29s4fr84g98pbsk --yes --json",
    ),
    "pools apply": (
        "signalbox pools apply pools.yaml",
        "signalbox pools apply pools.yaml --dry-run",
        "signalbox pools apply - --yes --json < pools.yaml",
    ),
    "operations": (
        "signalbox operations list --since 2h",
        "signalbox operations list --pool support",
        "signalbox operations watch comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
    ),
    "operations list": (
        "signalbox operations list --status PROCESSING",
        "signalbox operations list --pool support --since 2h",
        "signalbox operations list --limit 10 --json",
    ),
    "operations show": (
        "signalbox operations show comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
        "signalbox operations show comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h --json",
        "signalbox --profile production operations show comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
    ),
    "operations watch": (
        "signalbox operations watch comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
        "signalbox operations watch comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h --json",
        "signalbox --profile production operations watch comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
    ),
    "operations items": (
        "signalbox operations items comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
        "signalbox operations items comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h --failed --all",
        "signalbox operations items comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h --json",
    ),
    "operations cancel": (
        "signalbox operations cancel comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
        "signalbox operations cancel comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h --json",
        "signalbox --profile production operations cancel comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
    ),
    "messages": (
        "signalbox messages send +12025550123 --text hello --watch",
        "signalbox messages list --status FAILED",
        "signalbox messages show comms_message_01kg9p6jhxf2ar6w5q6m2s7d3n",
    ),
    "messages send": (
        "signalbox messages send +12025550123 +12025550124 --text hello --pool support --watch",
        "signalbox messages send +12025550123 --text 'Hello {{ name | default: \"there\" }}' --variable name=Ada",
        "signalbox messages send WHATSAPP:+12025550123 --text hello --at 2026-12-01T09:00 --json",
    ),
    "messages list": (
        "signalbox messages list --limit 10",
        "signalbox messages list --status UNDELIVERED --tag campaign=spring --since 2h",
        "signalbox messages list --operation comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h --json",
    ),
    "messages show": (
        "signalbox messages show comms_message_01kg9p6jhxf2ar6w5q6m2s7d3n",
        "signalbox messages show comms_message_01kg9p6jhxf2ar6w5q6m2s7d3n --json",
        "signalbox messages show SM0a1b2c3d0a1b2c3d0a1b2c3d0a1b2c3d",
    ),
    "messages why": (
        "signalbox messages why comms_message_01kg9p6jhxf2ar6w5q6m2s7d3n",
        "signalbox messages why comms_message_01kg9p6jhxf2ar6w5q6m2s7d3n --json",
        "signalbox messages why SM0a1b2c3d0a1b2c3d0a1b2c3d0a1b2c3d",
    ),
    "messages retry": (
        "signalbox messages retry comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
        "signalbox messages retry comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h --watch",
        "signalbox messages retry comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h --json",
    ),
    "messages cancel": (
        "signalbox messages cancel comms_message_01kg9p6jhxf2ar6w5q6m2s7d3n",
        "signalbox messages cancel comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
        "signalbox messages cancel comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h --json",
    ),
    "inbox": (
        "signalbox inbox list --to +12025550123",
        "signalbox inbox watch",
        "signalbox inbox show comms_message_01kg9p6jhxf2ar6w5q6m2s7d3n",
    ),
    "inbox list": (
        "signalbox inbox list --limit 10",
        "signalbox inbox list --to +12025550123 --contains code",
        "signalbox inbox list --since 2h --json",
    ),
    "inbox show": (
        "signalbox inbox show comms_message_01kg9p6jhxf2ar6w5q6m2s7d3n",
        "signalbox inbox show comms_message_01kg9p6jhxf2ar6w5q6m2s7d3n --json",
        "signalbox --profile production inbox show comms_message_01kg9p6jhxf2ar6w5q6m2s7d3n",
    ),
    "inbox watch": (
        "signalbox inbox watch",
        "signalbox inbox watch --to +12025550123 --contains code --count 1",
        "signalbox inbox watch --channel SMS --json",
    ),
    "opt-outs": (
        "signalbox opt-outs list --pool support",
        "signalbox opt-outs add +12025550123",
        "signalbox opt-outs forget +12025550123",
    ),
    "opt-outs list": (
        "signalbox opt-outs list --limit 10",
        "signalbox opt-outs list --address +12025550123",
        "signalbox opt-outs list --pool support --channel WHATSAPP --json",
    ),
    "opt-outs add": (
        "signalbox opt-outs add +12025550123",
        "signalbox opt-outs add +12025550123 WHATSAPP:+12025550123 --pool support",
        "signalbox opt-outs add +12025550123 --json",
    ),
    "opt-outs delete": (
        "signalbox opt-outs delete comms_optout_01kg9p6jhxf2ar6w5q6m2s7d3n",
        "signalbox opt-outs delete comms_optout_01kg9p6jhxf2ar6w5q6m2s7d3n --json",
        "signalbox --profile production opt-outs delete comms_optout_01kg9p6jhxf2ar6w5q6m2s7d3n",
    ),
    "opt-outs forget": (
        "signalbox opt-outs forget +12025550123",
        "signalbox opt-outs forget WHATSAPP:+12025550123",
        "signalbox opt-outs forget +12025550123 --opt-outs --yes",
    ),
    "completion": (
        'eval "$(signalbox completion bash)"',
        'eval "$(signalbox completion zsh)"',
        "signalbox completion fish | source",
    ),
    "help": (
        "signalbox help",
        "signalbox help pools",
        "signalbox help pools create",
    ),
    "version": (
        "signalbox version",
        "signalbox --version",
        "signalbox version | cut -d ' ' -f 2",
    ),
}


def add_to(group: click.Group, path: str = "") -> None:
    """Adds the examples to the help of a group, and of all commands in it."""
    _show(group, path)
    for name, command in group.commands.items():
        inner = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            add_to(command, inner)
        else:
            _show(command, inner)


def _show(command: click.Command, path: str) -> None:
    if path in EXAMPLES:  # pragma: no branch - every command and group has examples now
        command.epilog = "\n".join(["\b", "Examples:", *(f"  {one}" for one in EXAMPLES[path])])
