"""The inbox for tests: waits for a message, and says what did arrive when it does not come."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from signalbox_client import InboxItem, MessageChannel, Signalbox

_SHOWN: Final = 10
_LONGEST: Final = 80


class NothingArrived(AssertionError):
    """No message that matches arrived in time; the error lists the newest that did arrive."""


class Inbox:
    """What the phones of an account received."""

    def __init__(self, client: Signalbox) -> None:
        self._client = client

    def wait(
        self,
        *,
        to: str | None = None,
        contains: str | None = None,
        from_: str | None = None,
        channel: MessageChannel | None = None,
        after: InboxItem | datetime | str | None = None,
        timeout: int = 10,
    ) -> InboxItem:
        """The oldest message that matches: at once if it is there, else when it arrives.

        `contains` is compared in any case. Only what arrived after `after`, an item, its id or a time, is returned.
        `timeout` is in seconds, whole, 1 to 60. Raises NothingArrived, and what any call of the client raises.
        """
        found = self._client.inbox.wait(
            to=to,
            contains=contains,
            from_=from_,
            channel=channel,
            after=after if after is None or isinstance(after, str | datetime) else after.id,
            timeout=timeout,
        )
        if found is None:
            wanted = {"to": to, "contains": contains, "from_": from_, "channel": channel}
            given = ", ".join(f"{name}={value!r}" for name, value in wanted.items() if value is not None)
            later = " after the one given" if after is not None else ""
            raise NothingArrived(f"nothing with {given or 'any text'}{later} arrived in {timeout} s; {self._arrived()}")
        return found

    def items(self) -> list[InboxItem]:
        """Everything that arrived, oldest first."""
        return list(self._client.inbox.list(page_size=1000))[::-1]

    def _arrived(self) -> str:
        newest = next(self._client.inbox.list(page_size=_SHOWN).pages()).items
        if not newest:
            return "the inbox is empty"
        lines = (f"  {one.to.address} from {one.from_.address}: {(one.text or '')[:_LONGEST]!r}" for one in newest)
        return "\n".join(["the inbox has, newest first:", *lines])
