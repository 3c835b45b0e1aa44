"""The sink: keeps what is sent, and reports what the recipient asks for. Contract sections 13 and 14.

Magic recipients choose the outcome, as a table in docs/inbox.md says. Any other recipient gets `DELIVERED`.
"""

from typing import Final, Literal, NamedTuple

from signalbox.ground.setting_forms import SinkReports

Reported = Literal["DELIVERED", "READ", "UNDELIVERED"]

NAME: Final = "sink"
DELAY_MS: Final = 10_000

UNREACHABLE: Final = "+15005550002"
OPTED_OUT: Final = "+15005550004"
_REFUSED: Final = {"+15005550001": 21211, "+15005550003": 21408, "+15005550009": 21614}
_NO_RCS: Final = "+15005550061"
_DELAYED: Final = "+15005550070"
_READ: Final = "+15005550071"


class Report(NamedTuple):
    """A report that the sink makes `after_ms` after it took the message. `code` is that of an error."""

    status: Reported
    code: int | None = None
    after_ms: int = 0


class Outcome(NamedTuple):
    """What became of one attempt: refused with the code `error`, or taken, with the reports that follow."""

    error: int | None = None
    reports: tuple[Report, ...] = ()


_DELIVERED: Final = Outcome(reports=(Report("DELIVERED"),))
_OUTCOMES: Final = {
    **{address: Outcome(error) for address, error in _REFUSED.items()},
    **{f"+1500555003{n}": Outcome(reports=(Report("UNDELIVERED", 30000 + n),)) for n in range(3, 9)},
    _DELAYED: Outcome(reports=(Report("DELIVERED", after_ms=DELAY_MS),)),
    _READ: Outcome(reports=(Report("DELIVERED"), Report("READ"))),
}
_WITHOUT_RCS: Final = Outcome(61337)


class Sink:
    """The sink of a process. `reports`: when it reports; by hand, it never does, also for magic recipients."""

    def __init__(self, reports: SinkReports) -> None:
        self._delivered = _reporting(_DELIVERED, reports)
        self._outcomes = {address: _reporting(outcome, reports) for address, outcome in _OUTCOMES.items()}

    def hand_over(self, channel: str, address: str) -> Outcome:
        """The outcome of an attempt on a sender's channel to an address."""
        if address == _NO_RCS and channel == "RCS":
            return _WITHOUT_RCS
        return self._outcomes.get(address, self._delivered)


def _reporting(outcome: Outcome, reports: SinkReports) -> Outcome:
    """The outcome with its reports at the time that the setting says."""
    if reports.seconds is None:
        return outcome._replace(reports=())
    later = reports.seconds * 1000
    return outcome._replace(reports=tuple(one._replace(after_ms=one.after_ms + later) for one in outcome.reports))
