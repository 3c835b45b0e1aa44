"""The forms of ids."""

from __future__ import annotations

import re
from typing import Final

import click

# The same pattern as in ids.py, whose import takes longer than that of all files of this folder.
SUFFIX: Final = "[0-7][a-hjkmnpqrstv-z0-9]{25,34}"


class Id(click.ParamType[str]):
    """The id of a thing of one kind, checked before any request."""

    def __init__(self, kind: str, name: str) -> None:
        self.name = name
        self._pattern = re.compile(rf"comms_{kind}_{SUFFIX}")

    def fullmatch(self, text: str) -> bool:
        """Whether the text has the form of such an id."""
        return bool(self._pattern.fullmatch(text))

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not self.fullmatch(text):
            self.fail(f"{text!r} is not the id of {self.name}", param, ctx)
        return text


POOL_ID: Final = Id("senderpool", "a pool")
OPERATION_ID: Final = Id("operation", "an operation")
MESSAGE_ID: Final = Id("message", "a message")
OPT_OUT_ID: Final = Id("optout", "an opt-out")
