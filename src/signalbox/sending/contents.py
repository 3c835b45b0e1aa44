"""The content of an operation, and what a recipient gets of it on a channel. Contract sections 10.1 and 10.2."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from signalbox.rendering import liquid
from signalbox.rendering.liquid import Budget

LONGEST_SMS: Final = 1600
CHANNELS: Final = ("SMS", "RCS", "WHATSAPP")
# Whose text stands in for a channel without a module.
_STAND_INS: Final = ("sms", "whatsapp", "rcs")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

Fill: TypeAlias = Callable[[Mapping[str, str], int, Budget], Any]


class Rendered(NamedTuple):
    """The content for one channel, as JSON, the text that a phone shows of it, and whether it has media."""

    content: str
    text: str
    has_media: bool


class Content:
    """The content of one operation, parsed once. `content` is JSON, in the form of the request.

    `defaults` is JSON, and None for a content that is no template: only templates have variables like `{{ 1 }}`.
    """

    def __init__(self, content: str, defaults: str | None) -> None:
        self._raw: dict[str, Any] = _decode(content)
        self._defaults: dict[str, str] = _decode(defaults) if defaults else {}
        self._numbered = defaults is not None
        modules = self._raw.get("modules")
        if modules is None:
            self._parts = dict.fromkeys(CHANNELS, self._raw)
        else:
            by_name: dict[str, Any] = {name: part for module in modules for name, part in module.items()}
            text = next((by_name[name]["text"] for name in _STAND_INS if "text" in by_name.get(name, {})), None)
            spare = None if text is None else {"text": text}
            found = {channel: by_name.get(channel.lower(), spare) for channel in CHANNELS}
            self._parts = {channel: part for channel, part in found.items() if part is not None}
        self._fills = {channel: _fill(part, self._numbered) for channel, part in self._parts.items()}
        self._constant = {
            channel: _rendered(part) for channel, part in self._parts.items() if self._fills[channel] is None
        }

    @property
    def channels(self) -> list[str]:
        """The sender channels that the content has something for."""
        return [channel for channel in CHANNELS if channel in self._parts]

    def fits(self, channel: str) -> bool:
        """Whether the content has something for a sender channel."""
        return channel in self._parts

    def render(self, channel: str, variables: Mapping[str, str], now: int, budget: Budget) -> Rendered:
        """What the recipient gets on a channel that fits. Raises RenderError."""
        if constant := self._constant.get(channel):
            return constant
        fill = self._fills[channel]
        part = fill({**self._defaults, **variables}, now, budget) if fill else self._parts[channel]
        return _rendered(part)

    def whole(self, variables: Mapping[str, str], now: int) -> object:
        """The whole content, rendered, in the form of the request. Raises RenderError."""
        fill = _fill(self._raw, self._numbered)
        return fill({**self._defaults, **variables}, now, Budget()) if fill else self._raw

    @property
    def as_requested(self) -> object:
        """The content in the form of the request, not rendered."""
        return self._raw


@lru_cache(maxsize=64)
def of(content: str, defaults: str | None) -> Content:
    """The parsed content; batches of one operation share it."""
    return Content(content, defaults)


def _rendered(part: Mapping[str, Any]) -> Rendered:
    return Rendered(_encode(part).decode(), _shown_text(part), "media" in part)


def _shown_text(part: Mapping[str, Any]) -> str:
    """The text that a phone shows of a content for one channel."""
    if "text" in part:
        return str(part["text"])
    if "richCard" in part:
        card = part["richCard"]["standaloneCard"]["cardContent"]
        return "\n".join(card[name] for name in ("title", "description") if name in card)
    return ""


def texts(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text in plain JSON, with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for step, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(part, (*path, step))


def _fill(value: Any, numbered: bool) -> Fill | None:
    """A function that renders the texts in plain JSON; None if no text has Liquid."""
    if isinstance(value, str):
        if not liquid.has_liquid(value):
            return None
        render = liquid.parse(value, numbered=numbered).render
        return lambda variables, now, budget: render(variables, now, budget)
    if not isinstance(value, dict | list):
        return None
    parts = dict(value.items()) if isinstance(value, dict) else dict(enumerate(value))
    fills = {step: fill for step, part in parts.items() if (fill := _fill(part, numbered))}
    if not fills:
        return None

    def _all(variables: Mapping[str, str], now: int, budget: Budget) -> Any:
        filled = {step: fills[step](variables, now, budget) if step in fills else part for step, part in parts.items()}
        return filled if isinstance(value, dict) else list(filled.values())

    return _all
