"""Numbers that several processes share: a slot of memory for each process, which only that process writes.

A slot outlives its process, also after SIGKILL. The process that takes its place goes on counting in the same slot, so
that no counter goes back. The memory belongs to a supervisor and the processes that it forks; no file is involved.
"""

import mmap
from collections.abc import Iterator
from typing import Final

# A series is a row: 128 bytes of name, then its values. Aligned numbers of 8 bytes are written and read whole.
VALUES: Final = 16
_NAME_BYTES: Final = 128
_NUMBER_BYTES: Final = 8
_ROW: Final = _NAME_BYTES // _NUMBER_BYTES + VALUES
# The labels are words of the program, so the number of series has a bound: some 64 for each of 60 endpoints. Only rows
# that were written take memory.
ROWS: Final = 4096
_SLOT: Final = _ROW * ROWS


class Slots:
    """The memory of `count` slots. Processes that are forked after this call share it."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._memory = mmap.mmap(-1, count * _SLOT * _NUMBER_BYTES)
        self.numbers = memoryview(self._memory).cast("d")

    def names(self, slot: int) -> Iterator[tuple[str, int]]:
        """Each series of a slot, with the position of its first value in `numbers`."""
        # The first row has no series: its first number is how many rows are in use.
        for row in range(1, int(self.numbers[slot * _SLOT]) + 1):
            start = slot * _SLOT + row * _ROW
            raw = self._memory[start * _NUMBER_BYTES : start * _NUMBER_BYTES + _NAME_BYTES]
            yield raw.rstrip(b"\0").decode(), start + _ROW - VALUES

    def add(self, slot: int, name: str) -> int:
        """A new series in a slot, all zero; returns the position of its first value.

        A slot without a free row returns the position of a row that `names` does not yield.
        """
        row = int(self.numbers[slot * _SLOT]) + 1
        if row >= ROWS - 1:
            return (slot + 1) * _SLOT - VALUES
        start = slot * _SLOT + row * _ROW
        raw = name.encode()[:_NAME_BYTES].ljust(_NAME_BYTES, b"\0")
        self._memory[start * _NUMBER_BYTES : start * _NUMBER_BYTES + _NAME_BYTES] = raw
        # Last: a process that is killed before this line leaves a row that the next process writes again.
        self.numbers[slot * _SLOT] = row
        return start + _ROW - VALUES

    def sums(self) -> dict[str, list[float]]:
        """The values of each series, added up over all slots."""
        found: dict[str, list[float]] = {}
        for slot in range(self.count):
            for name, position in self.names(slot):
                values = [float(one) for one in self.numbers[position : position + VALUES]]
                before = found.get(name)
                found[name] = [a + b for a, b in zip(before, values, strict=True)] if before else values
        return found
