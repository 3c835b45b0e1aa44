"""The budget of work that bounds rendering. Contract section 10.2.

It counts work and not time, so a text and its variables have the same result on every machine. Each part is charged
before the work is done.
"""

from sys import getsizeof
from typing import Final

OUTPUT_BYTES: Final = 64 * 1024  # of UTF-8
LOOP_STEPS: Final = 50_000
FILTERED_CHARACTERS: Final = 16 * 1024 * 1024
MEMORY_BYTES: Final = 16 * 1024 * 1024
# What a tag, a filter, or an item of a list costs beside its characters. Python needs about as long for one of these as
# for this many characters, so the budget bounds the time of texts with many small steps as well.
STEP_CHARACTERS: Final = 128


class RenderError(Exception):
    """A text cannot be rendered with these variables. The message is for people."""


class Budget:
    """What is left for the texts of one message."""

    __slots__ = ("characters", "loop_steps", "memory", "output")

    def __init__(self) -> None:
        self.output = OUTPUT_BYTES
        self.loop_steps = LOOP_STEPS
        self.characters = FILTERED_CHARACTERS
        self.memory = MEMORY_BYTES

    def write(self, text: str) -> None:
        """Charges a text of the output. Raises RenderError."""
        self.output -= utf8_bytes(text)
        if self.output < 0:
            raise RenderError(f"more than {OUTPUT_BYTES} bytes of output")

    def step(self) -> None:
        """Charges one turn of a loop. Raises RenderError."""
        self.loop_steps -= 1
        if self.loop_steps < 0:
            raise RenderError(f"more than {LOOP_STEPS} loop steps")

    def touch(self, characters: int) -> None:
        """Charges characters that a filter or a comparison reads or makes. Raises RenderError."""
        self.characters -= characters
        if self.characters < 0:
            raise RenderError(f"more than {FILTERED_CHARACTERS} characters touched by filters and tags")

    def hold(self, size: int) -> None:
        """Charges the bytes of an assigned value; a negative size gives them back. Raises RenderError."""
        self.memory -= size
        if self.memory < 0:
            raise RenderError(f"more than {MEMORY_BYTES} bytes assigned")

    def hold_text(self, text: str) -> None:
        """Charges the bytes of a part of a captured text. Raises RenderError."""
        self.hold(getsizeof(text))


def utf8_bytes(text: str) -> int:
    """The number of bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
