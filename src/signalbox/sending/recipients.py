"""What is kept about a person beyond the messages, and how it is erased. Contract section 11, `Forget`."""

from collections.abc import Sequence
from typing import NamedTuple

from signalbox.accounts import accounts
from signalbox.db import Tx
from signalbox.routing import opt_outs
from signalbox.sending.choices import person


class Forgotten(NamedTuple):
    """How many kept senders and opt-outs of a person were erased."""

    kept_senders: int
    opt_outs: int


async def forget(tx: Tx, account_id: int, address: str, channels: Sequence[str], *, also_opt_outs: bool) -> Forgotten:
    """Erases the senders that were kept for an address on these channels, of every pool, and its opt-outs if asked."""
    key = (await accounts.keyring(tx)).digests
    kept = [
        await tx.run("kept_senders.forget", account_id=account_id, person=person(key, channel, address))
        for channel in channels
    ]
    ended = await opt_outs.forget(tx, account_id, address, channels) if also_opt_outs else 0
    return Forgotten(sum(kept), ended)
