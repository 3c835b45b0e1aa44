"""Places of problems in a body. Contract section 4."""

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from signalbox.ground.errors import Problem

Path: TypeAlias = Sequence[str | int]

_PLAIN_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]{0,99}")


def place(path: Path) -> tuple[str | None, str]:
    """The `field` and the `context` of a path: `senders[3].senderId` and `$.senders[3].senderId`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_NAME.fullmatch(step):
            text += f".{step}"
        else:
            text += f"[{msgspec.json.encode(step[:100]).decode()}]"
    return text.removeprefix(".") or None, f"${text}"


def problem_at(path: Path, message: str, code: int | None = None) -> Problem:
    """A problem at a place in the body; its message starts with the place. `code`: see Problem."""
    field_, context = place(path)
    return Problem(f"{field_ or 'the body'} {message}", field_, context, code)
