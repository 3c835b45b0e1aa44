"""Keeps one sender pool for each team: the pool NAME has every active sender with the tag `team=NAME`.

    team-pools                  bring the pools up to date
    team-pools red +12025550123 print the sender of the team red that reaches this person best

The server's URL and the credentials come from the environment: SIGNALBOX_URL, SIGNALBOX_ACCOUNT_SID and
SIGNALBOX_AUTH_TOKEN.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from signalbox_client import Signalbox, SignalboxError

# The most senders that one request adds to a pool.
BATCH = 1000


@dataclass(frozen=True)
class Change:
    """What happened to the pool of one team."""

    team: str
    added: int
    removed: int


def bring_up_to_date(client: Signalbox) -> list[Change]:
    """Creates missing pools and corrects the others; returns the changes, none when it runs a second time."""
    pools = {pool.name: pool.id for pool in client.sender_pools.list()}
    changes = []
    for team, wanted in sorted(_teams(client).items()):
        if team not in pools:
            created = client.sender_pools.create(name=team)
            (pool,) = client.sender_pools.list(operation_id=created.operation_id)
            pools[team] = pool.id
        present = {sender.id for sender in client.sender_pools.list_senders(pools[team])}
        change = Change(
            team,
            added=_add(client, pools[team], sorted(wanted - present)),
            removed=_remove(client, pools[team], present - wanted),
        )
        if change.added or change.removed:
            changes.append(change)
    return changes


def best_sender(client: Signalbox, team: str, phone: str) -> str | None:
    """The address of the team's sender that reaches this person best; None when no sender does."""
    for pool in client.sender_pools.list():
        if pool.name == team:
            found = client.senders.resolve([{"address": phone, "channel": "PHONE"}], sender_pool_id=pool.id)
            return found[0].from_.address if found else None
    return None


def _teams(client: Signalbox) -> dict[str, set[str]]:
    teams: dict[str, set[str]] = {}
    for sender in client.senders.list(status="ACTIVATED", page_size=1000):
        if team := sender.tags.get("team"):
            teams.setdefault(team, set()).add(sender.id)
    return teams


def _add(client: Signalbox, pool_id: str, senders: list[str]) -> int:
    """Adds senders in as many operations as needed, waits for them, and returns how many were added."""
    started = [
        client.sender_pools.add_sender(pool_id, senders[start : start + BATCH])
        for start in range(0, len(senders), BATCH)
    ]
    operations = [client.sender_pools.wait(one.operation_id) for one in started]
    return sum(operation.stats.created for operation in operations)


def _remove(client: Signalbox, pool_id: str, senders: set[str]) -> int:
    for sender in senders:
        client.sender_pools.remove_sender(pool_id, sender)
    return len(senders)


def main() -> None:
    """Runs the command."""
    try:
        with Signalbox() as client:
            if len(sys.argv) == 3:
                print(best_sender(client, *sys.argv[1:]) or "nobody")
            for change in bring_up_to_date(client) if len(sys.argv) == 1 else ():
                print(f"{change.team}: {change.added} added, {change.removed} removed")
    except SignalboxError as error:
        sys.exit(f"team-pools: {error}")


if __name__ == "__main__":
    main()
