"""Words for messages about values of another author."""

from collections.abc import Collection


def suggestion(name: str, known: Collection[str]) -> str:
    """` (did you mean x?)` for a name that is close to a known one, else nothing."""
    from difflib import get_close_matches

    near = get_close_matches(name, sorted(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def shown(value: object) -> str:
    """The value as Python writes it, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def plain(text: str) -> str:
    """The text, escaped if it has characters that do not print."""
    return text if text.isprintable() else repr(text)


def kind_of(value: object) -> str:
    """The kind of a decoded JSON value, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    names: dict[type, str] = {str: "a string", list: "an array", dict: "an object"}
    return names.get(type(value), "this")
