"""Patterns that the document publishes and the server enforces: one declaration for both.

A `Pattern` says what a string must match, as JSON Schema has it, and how a problem is worded. Parameters and the fields
of bodies use the same objects.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import msgspec

from signalbox.ground import ids


@dataclass(frozen=True)
class Pattern:
    """A regular expression that means the same in Python and in ECMAScript, and what it demands of a text.

    `demand` is the rest of a sentence that starts with the name of the field. `one_line` promises that no text with a
    line feed matches: then long lists are checked by one expression over all their texts.
    """

    text: str
    demand: str
    one_line: bool = False

    @cached_property
    def matches(self) -> Callable[[str], object]:
        """Whether a text matches. `$` is the end of the text here, as in ECMAScript, not also before a last newline."""
        return re.compile(re.sub(r"\$$", r"\\Z", self.text)).search

    @cached_property
    def _lines(self) -> Callable[[str], object]:
        return re.compile(f"(?:{self.text.removeprefix('^').removesuffix('$')}\n)*").fullmatch

    def all_match(self, texts: Iterable[str]) -> bool:
        """Whether every text matches. One expression over 10,000 joined ids costs a third of one search for each."""
        texts = [*texts, ""]
        if not self.one_line or len(texts) < 10:
            return all(map(self.matches, texts[:-1]))
        joined = "\n".join(texts)
        return joined.count("\n") == len(texts) - 1 and self._lines(joined) is not None


def matching(pattern: Pattern) -> msgspec.Meta:
    """For `Annotated[str, ...]`: publishes the pattern, and makes every `Body` that has the field check it."""
    return msgspec.Meta(extra_json_schema={"pattern": pattern.text}, extra={"pattern": pattern})


@lru_cache
def id_pattern(kind: ids.Kind) -> Pattern:
    """The pattern of the ids of a type."""
    return Pattern(ids.pattern(kind), f"must be {kind.sentence}", one_line=True)


# Characters that either a Python or an ECMAScript regular expression counts as white space, and NUL.
_BLANK: Final = r"\s\u0000\u001c-\u001f\u0085\ufeff"
NOT_BLANK: Final = Pattern(f"[^{_BLANK}]", "must not be blank")
TAG: Final = Pattern("^[a-zA-Z0-9._~-]+$", "must have only the characters a-z A-Z 0-9 . _ ~ -", one_line=True)
NO_CONTROLS: Final = Pattern(r"^[^\u0000-\u001f\u007f-\u009f]*$", "must not have control characters", one_line=True)
