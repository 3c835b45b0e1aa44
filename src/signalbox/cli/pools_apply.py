"""`signalbox pools apply`: shows what a file would change, then changes the pools to match it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import BufferedReader
from typing import TYPE_CHECKING, Final

import click

from signalbox.cli.arguments import confirm, not_one, search
from signalbox.cli.endings import DIFFERS, INTERRUPTED, MISUSED, PARTLY, Ended, complain, finishing
from signalbox.cli.files import Input
from signalbox.cli.filling import Filling, Wanted, each, shortened, watch
from signalbox.cli.output import cell, counted, paint
from signalbox.cli.pools_file import PROBLEMS_SHOWN, WantedPool, WrongFile, read_pools
from signalbox.cli.profiles import connected
from signalbox.cli.streams import done_unseen

if TYPE_CHECKING:
    from signalbox_client import Sender, SenderPool, Signalbox

_SHOWN: Final = 20


@dataclass
class Change:
    """The changes to one pool. `add` and `remove` map ids to the name that the output shows."""

    name: str
    pool_id: str | None  # None: the pool does not exist yet
    tags_before: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] | None = None  # None: the tags are not changed
    add: dict[str, str] = field(default_factory=dict)
    remove: dict[str, str] = field(default_factory=dict)

    @property
    def needed(self) -> bool:
        """Whether the pool has to be changed."""
        return self.pool_id is None or self.tags is not None or bool(self.add or self.remove)

    def json(self) -> dict[str, object]:
        """The change as JSON, for programs."""
        found: dict[str, object] = {"name": self.name, "senderPoolId": self.pool_id, "tags": self.tags}
        return {**found, "add": list(self.add), "remove": list(self.remove)}


@dataclass
class Plan:
    """All changes, and the number of the account's pools that are not in the file."""

    changes: list[Change]
    unchanged: int
    others: int


def apply_file(file: BufferedReader, yes: bool, dry_run: bool, as_json: bool, profile: str | None) -> None:
    """Shows the plan and carries it out. Raises Ended; exits with 3 if senders failed, 4 if a dry run found changes."""
    source = Input(file)
    if source.workbook:
        raise Ended(f"{source.name}: is a workbook or a ZIP file, not YAML", code=MISUSED)
    try:
        wanted = read_pools(source.stream, source.name)
    except WrongFile as wrong:
        complain(*wrong.lines)
        _complain_of_the_rest(wrong.pools, profile)
        sys.exit(wrong.code)
    with connected(profile) as client:
        plan = _plan(client, wanted)
        planned = [change.json() for change in plan.changes]
        if not as_json:
            _show(plan)
        if plan.changes and not dry_run:
            confirm("Apply?", yes)
            failed = _apply(client, plan.changes, as_json)
        else:
            failed = 0
    if as_json:
        done = bool(plan.changes) and not dry_run
        for one, change in zip(planned, plan.changes, strict=True):
            one["action"] = "update" if one["senderPoolId"] else "create"
            one["senderPoolId"] = change.pool_id
        with done_unseen("all changes were made" if done else "nothing was changed"):
            click.echo(json.dumps({"applied": done, "changes": planned, "unchanged": plan.unchanged, "failed": failed}))
    if failed:
        sys.exit(PARTLY)
    if dry_run and plan.changes:
        sys.exit(DIFFERS)


# --- the plan


class _Impossible(Ended):
    """The file cannot be applied to the account as it is."""


def _complain_of_the_rest(pools: Sequence[WantedPool], profile: str | None) -> None:
    """Says what else the server would refuse in a file with problems, if the server responds."""
    try:
        with connected(profile, hurried=True) as client:
            _plan(client, pools)
    except _Impossible as impossible:
        complain(*impossible.lines)
    except Ended:  # no credentials, no server: the file has problems all the same
        return


def _plan(client: Signalbox, wanted: Sequence[WantedPool]) -> Plan:
    pools, others, twice = _existing(client, {pool.name for pool in wanted})
    members: dict[str, list[Sender]] = {
        pool.name: list(client.sender_pools.list_senders(pools[pool.name].id, page_size=1000))
        for pool in wanted
        if pool.senders is not None and pool.name in pools
    }
    try:
        ids = _ids(client, wanted, [sender for found in members.values() for sender in found])
    except _Impossible as impossible:
        raise _Impossible(*impossible.lines, *twice) from None
    if twice:
        raise _Impossible(*twice)
    changes = [_change(pool, pools.get(pool.name), members.get(pool.name, []), ids) for pool in wanted]
    needed = [change for change in changes if change.needed]
    return Plan(needed, len(changes) - len(needed), others)


def _existing(client: Signalbox, names: set[str]) -> tuple[dict[str, SenderPool], int, list[str]]:
    """The pools with these names, the number of other pools, and lines on names that several pools have."""
    found: dict[str, list[SenderPool]] = {}
    others = 0
    for pool in client.sender_pools.list(page_size=1000):
        if pool.name in names:
            found.setdefault(pool.name, []).append(pool)
        else:
            others += 1
    twice = [
        f"several pools are called {name}: {', '.join(pool.id for pool in pools)}; rename or delete all but one"
        for name, pools in found.items()
        if len(pools) > 1
    ]
    return {name: pools[0] for name, pools in found.items()}, others, twice


def _ids(client: Signalbox, wanted: Sequence[WantedPool], members: Sequence[Sender]) -> dict[Wanted, str]:
    """The id of every sender in the file. Raises _Impossible with each sender that the account does not have."""
    from signalbox.inventory.addresses import is_national
    from signalbox_client import NotFound

    known = {sender.id for sender in members}
    by_address: dict[tuple[str, str], str] = {
        (sender.channel, sender.address): sender.id
        for sender in members
        if not is_national(sender.channel, sender.address)
    }

    def find(one: Wanted) -> list[str]:
        if one.id is None:
            return search(client, one.channel, one.address, one.region)
        try:
            return [client.senders.fetch(one.id).id]
        except NotFound:
            return []

    senders = [one for pool in wanted for one in pool.senders or ()]
    ids: dict[Wanted, list[str]] = {}
    unknown: dict[str, Wanted] = {}
    for one in senders:
        if one.id in known:
            ids[one] = [one.id]
        elif there := by_address.get((one.channel, one.address)):
            ids[one] = [there]
        else:
            unknown[str(one)] = one
    found = dict(zip(unknown, each("looking up", find, list(unknown.values())), strict=True))
    ids |= {one: found[str(one)] for one in senders if one not in ids}
    problems = [f"{one.place}: {problem}" for one in senders if (problem := not_one(one, ids[one]))]
    if problems:
        raise _Impossible("the file names senders that the account does not have", *shortened(problems, PROBLEMS_SHOWN))
    return {one: several[0] for one, several in ids.items()}


def _change(
    wanted: WantedPool, pool: SenderPool | None, members: Sequence[Sender], ids: Mapping[Wanted, str]
) -> Change:
    change = Change(wanted.name, pool.id if pool else None)
    if pool:
        change.tags_before = dict(pool.tags)
    if wanted.tags is not None and wanted.tags != change.tags_before:
        change.tags = wanted.tags
    if wanted.senders is not None:
        there = {sender.id: f"{sender.channel}:{sender.address}" for sender in members}
        listed = {ids[one]: str(one) for one in wanted.senders}
        change.add = {one: text for one, text in listed.items() if one not in there}
        change.remove = {one: text for one, text in there.items() if one not in listed}
    return change


def _show(plan: Plan) -> None:
    for change in plan.changes:
        new = change.pool_id is None
        head = f"+ pool {cell(change.name)}" if new else f"~ pool {cell(change.name)} ({cell(change.pool_id)})"
        click.echo(paint(head, "green" if new else "yellow", bold=True))
        if change.tags is not None:
            click.echo(f"    tags: {cell(change.tags_before)} -> {cell(change.tags)}")
        _show_senders(change.add, "+", "green")
        _show_senders(change.remove, "-", "red")
    create = sum(change.pool_id is None for change in plan.changes)
    counts = f"{create:,} to create, {len(plan.changes) - create:,} to change, {plan.unchanged:,} unchanged"
    click.echo(f"{counts}; not in the file and not changed: {counted(plan.others, 'pool')}")


def _show_senders(senders: Mapping[str, str], sign: str, colour: str) -> None:
    if not senders:
        return
    click.echo(paint(f"    {sign} {counted(len(senders), 'sender')}", colour))
    for sender_id, text in list(senders.items())[:_SHOWN]:
        click.echo(paint(f"      {sign} {cell(sender_id)}" + (f"  {cell(text)}" if text != sender_id else ""), colour))
    if len(senders) > _SHOWN:
        click.echo(f"      and {len(senders) - _SHOWN:,} more")


# --- carrying it out


def _apply(client: Signalbox, changes: Sequence[Change], quiet: bool) -> int:
    """Makes every change; returns the number of senders that the server failed to add."""
    from signalbox_client import SignalboxError

    failed = 0
    for number, change in enumerate(changes):
        done: list[str] = []
        try:
            failed += _make(client, change, done)
        except (Ended, KeyboardInterrupt) as error:
            code = error.code if isinstance(error, Ended) else INTERRUPTED
            lines = error.lines if isinstance(error, Ended) else ("interrupted",)
            raise Ended(*lines, *_left(changes, number, done), code=code) from None
        except SignalboxError:
            complain(*_left(changes, number, done))
            raise
        if not quiet:
            with done_unseen(f"done: {number + 1:,} of {counted(len(changes), 'pool')}"):
                click.echo(f"pool {cell(change.name)} ({cell(change.pool_id)}): {', '.join(done)}")
    return failed


def _make(client: Signalbox, change: Change, done: list[str]) -> int:
    from signalbox_client import NotFound

    filling = Filling(len(change.add), change.pool_id)
    try:
        if change.pool_id is None:
            filling.create(client, change.name, change.tags or {}, list(change.add))
        else:
            if change.tags is not None:
                with finishing():
                    client.sender_pools.update(change.pool_id, tags=change.tags)
                    done.append("tags replaced")
            filling.add(client, change.pool_id, list(change.add))
    finally:
        if change.pool_id is None and filling.operation_ids:
            change.pool_id = filling.pool_id
            done.append("created")
        if filling.handed:
            done.append(f"{filling.handed:,} of {counted(filling.total, 'sender')} sent")
    progress = watch(client, filling.operation_ids)
    failed = progress.stats["failed"]
    if filling.handed:
        done[-1] = f"{counted(filling.handed - failed, 'sender')} added"
    for number, sender_id in enumerate(change.remove, 1):
        with finishing():
            with suppress(NotFound):  # another client removed it first
                client.sender_pools.remove_sender(filling.pool_id or "", sender_id)
            if number > 1:
                done.pop()
            left = len(change.remove) - number
            done.append(f"{counted(number, 'sender')} removed" + (f", {left:,} not yet" if left else ""))
    if failed:
        complain(
            f"{change.name}: the server did not add {counted(failed, 'sender')}",
            *(f"`signalbox operations items {one} --failed` says why" for one in filling.operation_ids[:1]),
        )
    return failed


def _left(changes: Sequence[Change], number: int, done: Sequence[str]) -> list[str]:
    """Lines on where the command ended: pools that are done, what was done for this pool, pools not begun."""
    change = changes[number]
    return [
        f"done: {number:,} of {counted(len(changes), 'pool')}",
        f"{change.name} ({change.pool_id or 'no such pool yet'}): {', '.join(done) or 'nothing was done'}",
        "apply the file again for the rest",
    ]
