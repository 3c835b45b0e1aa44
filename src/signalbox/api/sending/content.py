"""The content of a message: text and media, or a module for each channel. Contract section 10.1.

Every field is checked, and an unknown field is a problem with its place. Published programs contain each of the
mistakes that have a message of their own here.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.ground import clock
from signalbox.http.constraints import Form, Found, Rule, at_least_one, hint, one_form, ruled
from signalbox.http.patterns import Pattern, matching

_URL: Final = Pattern(
    r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#\u0000][^\u0000-\u001f\u007f]*$",
    "must be an absolute http or https URL",
    one_line=True,
)
# A number may also come from a variable.
_PHONE: Final = Pattern(
    r"^(\+[1-9][0-9]{1,14}|[^\u0000-\u001f]*\{\{[^\u0000-\u001f]*)$",
    "must be a phone number in E.164: + and digits",
    one_line=True,
)
Text = Annotated[str, Meta(min_length=1, max_length=65_536)]
Url = Annotated[str, Meta(max_length=2_048), matching(_URL)]


def _bare_strings(raw: object) -> Iterator[Found]:
    for index, one in enumerate(raw if isinstance(raw, list) else ()):
        if isinstance(one, str):
            yield Found([index], 'must be an object: {"url": "https://..."}, not the bare URL', alone=True)


class MediaUrl(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An image, a sound, a video or a file."""

    url: Url


MediaUrls = Annotated[list[MediaUrl], Meta(min_length=1, max_length=10), ruled(Rule(lambda _: True, _bare_strings))]


class Reply(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A suggested reply, and the data that comes back when the recipient chooses the reply."""

    text: Text
    postback_data: Text


class OpenUrlAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Opens a page."""

    url: Url


class DialAction(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Calls a number."""

    phone_number: Annotated[str, Meta(max_length=256), matching(_PHONE)]


class LatLong(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place on Earth, in degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class ViewLocationAction(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Shows a place on a map: where it is, or what to search for."""

    rules: ClassVar = (at_least_one("latLong", "label", "query"),)
    lat_long: LatLong | UnsetType = UNSET
    label: Text | UnsetType = UNSET
    query: Text | UnsetType = UNSET


def _no_times(raw: object) -> Iterator[Found]:
    for name in ("startTime", "endTime"):
        text = raw.get(name) if isinstance(raw, dict) else None
        # A time may also come from a variable.
        if isinstance(text, str) and text and "{{" not in text:
            try:
                clock.parse_rfc3339(text)
            except ValueError:
                yield Found([name], "must be an RFC 3339 date-time such as 2026-01-31T09:30:00Z")


class CreateCalendarEventAction(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Makes an event in the calendar; the times are RFC 3339."""

    rules: ClassVar = (Rule.of(_no_times),)
    start_time: Text
    end_time: Text
    title: Text
    description: Text


class ShareLocationAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sends where the person is."""


_ACTIONS: Final = (
    "openUrlAction",
    "dialAction",
    "viewLocationAction",
    "createCalendarEventAction",
    "shareLocationAction",
)


def _exactly_one(*names: str, beside: int = 0) -> Rule:
    """A rule for an object: it has exactly one of these fields, and `beside` other fields, which are required."""

    def find(raw: object) -> Iterator[Found]:
        if isinstance(raw, dict) and sum(name in raw for name in names) != 1:
            yield Found((), f"must have exactly one of {', '.join(names)}")

    return Rule.of(find, {"minProperties": beside + 1, "maxProperties": beside + 1})


class Action(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A suggested action: one of five."""

    rules: ClassVar = (_exactly_one(*_ACTIONS, beside=2),)
    text: Text
    postback_data: Text
    open_url_action: OpenUrlAction | UnsetType = UNSET
    dial_action: DialAction | UnsetType = UNSET
    view_location_action: ViewLocationAction | UnsetType = UNSET
    create_calendar_event_action: CreateCalendarEventAction | UnsetType = UNSET
    share_location_action: ShareLocationAction | UnsetType = UNSET


class Suggestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reply or an action."""

    rules: ClassVar = (_exactly_one("reply", "action"),)
    reply: Reply | UnsetType = UNSET
    action: Action | UnsetType = UNSET


class ContentInfo(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where a medium is."""

    file_url: Url
    thumbnail_url: Url | UnsetType = UNSET
    force_refresh: bool | UnsetType = UNSET


class RcsMedia(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A medium of RCS, and how high it is shown."""

    content_info: ContentInfo
    height: Literal["SHORT", "MEDIUM", "TALL"] | UnsetType = UNSET


class CardContent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a card."""

    rules: ClassVar = (at_least_one("title", "description", "media", "suggestions"),)
    title: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    media: RcsMedia | UnsetType = UNSET
    suggestions: Annotated[list[Suggestion], Meta(max_length=4)] | UnsetType = UNSET


class StandaloneCard(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One card."""

    card_content: CardContent
    card_orientation: Literal["HORIZONTAL", "VERTICAL"] | UnsetType = UNSET
    thumbnail_image_alignment: Literal["LEFT", "RIGHT"] | UnsetType = UNSET


class RichCard(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A card of RCS."""

    standalone_card: StandaloneCard


class RcsModule(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """For RCS: a text or a medium, with suggestions, or a card."""

    rules: ClassVar = (
        one_form(
            "must be {text, suggestions}, {media, suggestions} or {richCard}",
            Form("RcsText", "A text.", ("text", "suggestions"), ("text",)),
            Form("RcsFile", "A medium.", ("media", "suggestions"), ("media",)),
            Form("RcsCard", "A card.", ("richCard",), ("richCard",)),
        ),
    )
    text: Text | UnsetType = UNSET
    media: RcsMedia | UnsetType = UNSET
    rich_card: RichCard | UnsetType = UNSET
    suggestions: Annotated[list[Suggestion], Meta(max_length=11)] | UnsetType = UNSET


class TextModule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For SMS or WhatsApp: text, media or both."""

    rules: ClassVar = (at_least_one("text", "media"),)
    text: Text | UnsetType = UNSET
    media: MediaUrls | UnsetType = UNSET


class Module(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content for one channel."""

    rules: ClassVar = (_exactly_one("sms", "rcs", "whatsapp"),)
    sms: TextModule | UnsetType = UNSET
    rcs: RcsModule | UnsetType = UNSET
    whatsapp: TextModule | UnsetType = UNSET


def _channel_twice(raw: object) -> Iterator[Found]:
    seen: set[str] = set()
    for index, one in enumerate(raw if isinstance(raw, list) else ()):
        for name in one if isinstance(one, dict) else ():
            if name in seen:
                yield Found([index, name], "is the second module for this channel")
            seen.add(name)


Modules = Annotated[list[Module], Meta(min_length=1, max_length=3), ruled(Rule.of(_channel_twice))]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content: text, media or both for every channel, or a module for each channel."""

    rules: ClassVar = (
        one_form(
            "must be {text, media}, of which one may be absent, or {modules}",
            Form("TextContent", "The same on every channel.", ("text", "media")),
            Form("ModulesContent", "What is said on each channel.", ("modules",), ("modules",)),
        ),
        hint(
            {
                "MessageContentTemplate": "is not a field here: contentId of a message names a template",
                "contentId": "is not a field here: a template is not made of another one",
                "expressions": "is not a field here: values of variables are in to[].variables and defaults",
            }
        ),
    )
    text: Text | UnsetType = UNSET
    media: MediaUrls | UnsetType = UNSET
    modules: Annotated[list[Module], Meta(min_length=1, max_length=3), ruled(Rule.of(_channel_twice))] | UnsetType = (
        UNSET
    )
