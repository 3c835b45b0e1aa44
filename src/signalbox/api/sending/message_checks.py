"""What a request to send messages must hold beyond its shape: Liquid, tags, times and senders. Contract section 10."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from signalbox.api.sending.message_request import MessageRecipient, MessageSend, MessageSender
from signalbox.db import Tx
from signalbox.ground import ids
from signalbox.ground.errors import Bug, Invalid, Problem
from signalbox.ground.page_tokens import IdRange
from signalbox.http.patterns import TAG
from signalbox.http.places import problem_at
from signalbox.inventory import addresses, sender_pools, senders
from signalbox.rendering import liquid
from signalbox.rendering.liquid import Budget, RenderError
from signalbox.sending import due, templates
from signalbox.sending.codes import NOT_A_SENDER, TOO_LONG
from signalbox.sending.contents import CHANNELS, LONGEST_SMS, texts
from signalbox.sending.messages import NewMessage, NewOperation

_MOST_PROBLEMS: Final = 1_000
# Recipients between two turns of the event loop.
_SLICE: Final = 250
_NO_VARIABLES: Final[dict[str, str]] = {}

_encode = msgspec.json.Encoder().encode


async def prepare(send: MessageSend, now: int) -> NewOperation:
    """The operation of a request, without what only the database knows. Raises Invalid with every problem."""
    content = {} if send.content.content_id is not UNSET else msgspec.to_builtins(send.content)
    found = await asyncio.to_thread(lambda: list(_liquid_problems(content, send.tags)))
    if found:
        raise Invalid(found)
    send_at = None if send.schedule is UNSET else due.parse(send.schedule.send_at[0])
    if send_at and send_at.surely_after(now + due.LONGEST_MS):
        raise _too_late()
    recipients: list[NewMessage] = []
    tags = _Tags(send.tags, now)
    for start in range(0, len(send.to), _SLICE):
        part = send.to[start : start + _SLICE]
        # Only Liquid and local times take long enough for another thread.
        made = (
            await asyncio.to_thread(_messages, part, start, tags, send_at, found)
            if tags.liquid or (send_at and send_at.wall)
            else _messages(part, start, tags, send_at, found)
        )
        recipients += made
        if len(found) > _MOST_PROBLEMS:
            break
        await asyncio.sleep(0)
    if send_at and any(one.due is not None and one.due > now + due.LONGEST_MS for one in recipients):
        found.append(_too_late().problems[0])
    if found:
        raise Invalid(found)
    sender = None if send.from_ is UNSET else _encode(send.from_).decode()
    pool_id = None if send.from_ is UNSET or send.from_.sender_pool_id is UNSET else send.from_.sender_pool_id
    return NewOperation(recipients, sender, pool_id, _encode(content).decode(), None)


class _Tags:
    """The tags of a request; those with Liquid are rendered for each recipient."""

    def __init__(self, tags: Mapping[str, str], now: int) -> None:
        self._plain = {key: value for key, value in tags.items() if not liquid.has_liquid(value)}
        self.liquid = {key: liquid.parse(value) for key, value in tags.items() if liquid.has_liquid(value)}
        self._order = list(tags)
        self._now = now

    def of(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The tags of one recipient. Raises ValueError for a value that a tag cannot have."""
        if not self.liquid:
            return self._plain
        made = dict(self._plain)
        budget = Budget()
        for key, template in self.liquid.items():
            try:
                value = template.render(variables, self._now, budget)
            except RenderError as error:
                raise ValueError(f"cannot be put into the tag {key}: {error}") from None
            if not 1 <= len(value) <= 256 or not TAG.matches(value):
                raise ValueError(f"make the tag {key} a text that {TAG.demand}, 1 to 256 of them")
            made[key] = value
        return {key: made[key] for key in self._order}


def _messages(
    recipients: Sequence[MessageRecipient], start: int, tags: _Tags, send_at: due.SendAt | None, found: list[Problem]
) -> list[NewMessage]:
    made = []
    for index, one in enumerate(recipients, start):
        variables = _NO_VARIABLES if one.variables is UNSET else one.variables
        pairs = one.pairs
        try:
            own = tags.of(variables)
        except ValueError as error:
            found.append(problem_at(["to", index, "variables"], str(error)))
            continue
        made.append(NewMessage(pairs, variables or None, own, send_at.at(pairs[0][0]) if send_at else None))
    return made


def _too_late() -> Invalid:
    return Invalid([problem_at(["schedule", "sendAt", 0], "must not be more than 35 days ahead")])


def _liquid_problems(content: object, tags: Mapping[str, str]) -> Iterator[Problem]:
    for path, text in texts({"content": content, "tags": dict(tags)}):
        if wrong := liquid.problem(text):
            yield problem_at(path, f"is no Liquid: {wrong.message}, line {wrong.line}, column {wrong.column}")
        elif path[0] == "content":
            for name in liquid.parse(text).undefaulted() if liquid.has_liquid(text) else ():
                yield problem_at(path, f'uses the variable {name} without a default: {{{{ {name} | default: "..." }}}}')


async def complete(tx: Tx, account_id: int, send: MessageSend, new: NewOperation) -> NewOperation:
    """Checks what the request names, and puts the content of a template in its place.

    Raises NotFound, and Invalid for a sender that cannot send and for variables that a template needs.
    """
    only_sms = False
    if send.from_ is not UNSET:
        only_sms = await _require_sender(tx, account_id, send.from_)
    if send.content.content_id is not UNSET:
        template = await templates.fetch(tx, account_id, send.content.content_id)
        _require_variables(template, send.to)
        new = msgspec.structs.replace(new, content=template.content, defaults=_encode(template.defaults).decode())
    elif only_sms and (found := list(_too_long(send))):
        raise Invalid(found)
    return new


async def _require_sender(tx: Tx, account_id: int, sender: MessageSender) -> bool:
    """Whether every sender that may be used is of the channel SMS. Raises NotFound and Invalid."""
    if sender.sender_pool_id is not UNSET:
        await sender_pools.fetch(tx, account_id, sender.sender_pool_id)
        if sender.channels is not UNSET and sender.channels.filter_in is not UNSET:
            return set(sender.channels.filter_in) == {"SMS"}
        row = await tx.one("messages.other_channels", account_id=account_id, pool_id=sender.sender_pool_id)
        return row is None
    if sender.sender_id is not UNSET:
        found = await senders.fetch(tx, account_id, sender.sender_id)
        if found.status != "ACTIVATED" or found.channel not in CHANNELS:
            what = f"is a sender of channel {found.channel}" if found.status == "ACTIVATED" else "is deactivated"
            raise Invalid([problem_at(["from", "senderId"], what, NOT_A_SENDER)])
        return found.channel == "SMS"
    if sender.address is UNSET or sender.channel is UNSET:  # pragma: no cover - one_form has refused this
        raise Bug("a sender without a form")
    address = addresses.normalise_for_search(sender.channel, sender.address)
    one = IdRange(ids.greatest(senders.SENDER), ids.least(senders.SENDER), 1)
    if not await senders.search(tx, account_id, sender.channel, address, "ACTIVATED", one):
        message = f"is not an activated {sender.channel} sender of this account"
        raise Invalid([problem_at(["from", "address"], message, NOT_A_SENDER)])
    return sender.channel == "SMS"


def _require_variables(template: templates.Template, recipients: Sequence[MessageRecipient]) -> None:
    needed: set[str] = set()
    for _, text in texts(msgspec.json.decode(template.content)):
        if liquid.has_liquid(text):
            needed.update(liquid.parse(text, numbered=True).undefaulted())
    needed -= template.defaults.keys()
    found = []
    for index, one in enumerate(recipients if needed else ()):
        given = _NO_VARIABLES if one.variables is UNSET else one.variables
        if missing := sorted(needed - given.keys()):
            message = f"must have {', '.join(missing)}: the template has no default for it"
            found.append(problem_at(["to", index, "variables"], message))
    if found:
        raise Invalid(found)


def _too_long(send: MessageSend) -> Iterator[Problem]:
    """The plain texts that no SMS can hold, when every sender is of the channel SMS."""
    content = send.content
    if content.text is not UNSET and content.modules is UNSET:
        yield from _if_long(["content", "text"], content.text)
    for index, module in enumerate(() if content.modules is UNSET else content.modules):
        if module.sms is not UNSET and module.sms.text is not UNSET:
            yield from _if_long(["content", "modules", index, "sms", "text"], module.sms.text)


def _if_long(path: list[str | int], text: str) -> Iterator[Problem]:
    if len(text) > LONGEST_SMS and not liquid.has_liquid(text):
        yield problem_at(path, f"must have at most {LONGEST_SMS} characters for SMS, not {len(text)}", TOO_LONG)
