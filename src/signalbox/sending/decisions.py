"""Why a sender was chosen for a message, or would be. Contract section 11, `Decision` and `Explain`.

What is stored of a decision is small: the attempts, each with its sender and whether that sender was kept. The other
candidates, and the senders that were left out, are derived again from the senders as they are now.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from signalbox.db import Tx
from signalbox.ground.errors import NotFound
from signalbox.inventory import addresses
from signalbox.rendering.liquid import Budget, RenderError
from signalbox.routing import opt_outs, rosters
from signalbox.routing.order import REACHED_BY, Rank, matches
from signalbox.routing.rosters import Senders
from signalbox.routing.spread import Sender
from signalbox.sending import choices, codes, contents, message_operations, messages
from signalbox.sending.choices import Chooser, Due
from signalbox.sending.contents import CHANNELS, Content
from signalbox.sending.messages import Attempt, Message, NewOperation

# The most candidates and the most removed senders that a decision names.
MOST_NAMED: Final = 50


class Decision(NamedTuple):
    """The order of the senders for one recipient. `removed`: (sender id, reason); `counts`: reason and number.

    `to`: address and channel, as in the request. `at`: milliseconds.
    """

    to: tuple[str, str]
    chosen: str | None
    candidates: Sequence[Rank]
    removed: Sequence[tuple[str, str]]
    counts: Sequence[tuple[str, int]]
    at: int


class Explanation(NamedTuple):
    """How a request would spread: the decisions, each sender's part of the recipients, and when the last one leaves."""

    decisions: Sequence[Decision]
    shares: Sequence[tuple[str, float]]
    eta: int | None


async def fetch(tx: Tx, account_id: int, message: Message) -> Decision:
    """The decision of a message. Raises NotFound for one whose time has not come, and for one that came in."""
    if message.status in ("SCHEDULED", "INBOUND"):
        why = "its time has not come" if message.status == "SCHEDULED" else "it came in"
        raise NotFound(f"no sender was chosen for message {message.id}: {why}")
    sender, content, defaults = await message_operations.fetch_content(tx, account_id, message.operation_id)
    attempts = await messages.fetch_attempts(tx, account_id, message.id)
    waits = message.status == "QUEUED"
    at = attempts[0].attempted_at if attempts else tx.now if waits else message.updated_at
    due = Due(message.id, message.status, message.addresses, choices.read(message.addresses), message.variables)
    chooser = await Chooser.load(tx, account_id, sender)
    if waits:
        await chooser.remember(tx, [due.to])
    scene = await _Scene.read(tx, account_id, chooser, contents.of(content, defaults), [due])
    decided = scene.decide(due, at, {one.to_address for one in attempts if one.code == codes.NO_RCS})
    made = [_attempted(due, one) for one in attempts]
    done = {_pair(rank) for rank in made}
    others = [rank for rank in decided.candidates if _pair(rank) not in done]
    return decided._replace(chosen=message.sender_id, candidates=(*made, *others)[:MOST_NAMED])


async def explain(tx: Tx, account_id: int, new: NewOperation) -> Explanation:
    """What a request would do now. Nothing is stored, and nothing is sent."""
    content = contents.of(new.content, new.defaults)
    chooser = await Chooser.load(tx, account_id, new.sender)
    everyone = [
        Due("", "QUEUED", one.addresses, choices.read(one.addresses), one.variables or {}) for one in new.recipients
    ]
    await chooser.remember(tx, [due.to for due in everyone])
    if len(everyone) > 1:
        chooser.count([due.to for due in everyone], content.channels)
    scene = await _Scene.read(tx, account_id, chooser, content, everyone)
    decisions = []
    for due in everyone:
        decision = scene.decide(due, tx.now, ())
        if decision.candidates:
            # The next message to the same person goes out from the same sender.
            chooser.reached(decision.candidates[0].address, decision.candidates[0].sender.id)
        decisions.append(decision)
    chosen = Counter(one.chosen for one in decisions if one.chosen)
    shares = [(sender_id, number / len(decisions)) for sender_id, number in chosen.most_common()]
    leaving = [one.due or 0 for one, decision in zip(new.recipients, decisions, strict=True) if decision.chosen]
    return Explanation(decisions, shares, max(tx.now, *leaving) if leaving else None)


class _Scene:
    """What the decisions of one request share."""

    def __init__(
        self,
        chooser: Chooser,
        content: Content,
        senders: Sequence[Senders],
        opted_out: Collection[tuple[str, str]],
    ) -> None:
        self._chooser = chooser
        self._content = content
        self._senders = senders
        self._opted_out = opted_out

    @classmethod
    async def read(
        cls,
        tx: Tx,
        account_id: int,
        chooser: Chooser,
        content: Content,
        everyone: Sequence[Due],
    ) -> "_Scene":
        people = (address for due in everyone for address in due.to)
        return cls(
            chooser,
            content,
            await rosters.summary(tx, account_id, chooser.source, MOST_NAMED),
            await opt_outs.among(tx, account_id, chooser.pool_id, people),
        )

    def decide(self, due: Due, now: int, without_rcs: Collection[str]) -> Decision:
        """The order for one recipient. `without_rcs`: addresses whose device has no RCS."""
        reasons = self._reasons(due, now, without_rcs)
        candidates = list(islice(self._order(due, reasons, without_rcs), MOST_NAMED))
        removed: list[tuple[str, str]] = []
        counts: Counter[str] = Counter()
        for some in self._senders:
            reason = "DEACTIVATED" if some.status != "ACTIVATED" else reasons.get(some.channel)
            if reason:
                counts[reason] += some.number
                removed += [(sender_id, reason) for sender_id in some.oldest]
        chosen = candidates[0].sender.id if candidates else None
        return Decision(due.pairs[0], chosen, candidates, removed[:MOST_NAMED], sorted(counts.items()), now)

    def _order(self, due: Due, reasons: dict[str, str], without_rcs: Collection[str]) -> Iterator[Rank]:
        """As in a batch: channels that a reason removes are passed over after the choice, so the loads are the same."""
        reachable = choices.reachable(choices.allowed(due.to, self._opted_out))
        for rank in self._chooser.ranked(reachable, self._content.channels):
            channel = rank.sender.channel
            if reasons.get(channel) == "NOT_RENDERED":
                # The message fails here: nothing after it is tried.
                return
            if channel not in reasons and not (channel == "RCS" and rank.address.address in without_rcs):
                yield rank

    def _reasons(self, due: Due, now: int, without_rcs: Collection[str]) -> dict[str, str]:
        """Why no sender of a channel can be used, for each channel of which that is so."""
        found = {"EMAIL": "CHANNEL", "PUSH": "CHANNEL"}
        budget = Budget()
        for channel in CHANNELS:
            if reason := self._reason(due, channel, without_rcs):
                found[channel] = reason
                continue
            try:
                text = self._content.render(channel, due.variables, now, budget).text
            except RenderError:
                found[channel] = "NOT_RENDERED"
                continue
            if channel == "SMS" and len(text) > contents.LONGEST_SMS:
                found[channel] = "TOO_LONG"
        return found

    def _reason(self, due: Due, channel: str, without_rcs: Collection[str]) -> str | None:
        filter_in = self._chooser.filter_in
        if filter_in is not None and channel not in filter_in:
            return "FILTER"
        reached = [one for one in due.to if channel in REACHED_BY[one.channel]]
        if not reached:
            return "CHANNEL"
        if not self._content.fits(channel):
            return "CONTENT"
        allowed = choices.allowed(reached, self._opted_out)
        if not allowed:
            return "OPTED_OUT"
        reachable = choices.reachable(allowed)
        if not reachable:
            return "UNREACHABLE"
        return "NO_RCS" if channel == "RCS" and all(one.address in without_rcs for one in reachable) else None


def _attempted(due: Due, attempt: Attempt) -> Rank:
    """The rank of an attempt, from what is stored. The sender may have been deleted since."""
    to = (attempt.to_channel, attempt.to_address)
    address = next((one for one in due.to if (one.channel, one.address) == to), due.to[0])
    sender = Sender(attempt.sender_id, attempt.channel, attempt.address, addresses.region(attempt.address))
    return Rank(sender, address, *matches(sender, address.region, address.area), kept=bool(attempt.kept))


def _pair(rank: Rank) -> tuple[str, str]:
    return rank.sender.id, rank.address.address
