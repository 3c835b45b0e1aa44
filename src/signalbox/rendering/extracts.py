"""One-time codes and links of a text that was received. Contract section 14. Every function takes linear time."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Final, NamedTuple

# Words for a code, whole or as the end of a longer word (`Sicherheitscode`).
_WORDS: Final = re.compile(
    r"(?:c(?:ode|ódigo|odigo|odice|odi)|k(?:ode|od|ód|oodi)|passwor[dt])(?:s|n|u|unuz|en|et)?\b"
    r"|\b(?:pin|otp|tan|passcode|verification|mã|κωδικό[ςs]?|код[аыуъ]?т?|رمز|كود|کد|קוד|הקוד)\b"
    r"|कोड|ओटीपी|รหัส|验证码|驗證碼|校验码|动态码|確認碼|認証番号|暗証番号|コード|인증번호|코드",
    re.IGNORECASE,
)
_SENTENCE_END: Final = re.compile(r"[.!?](?=\s)|[。！？]")
_DIGITS: Final = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
_PART: Final = re.compile(r"[0-9]+(?:-[0-9]+)*")
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
# Lengths of the groups of a code; every one of 4 to 8 digits is a code without groups.
_GROUPED: Final = frozenset({(2, 2), (3, 3), (4, 4), (2, 2, 2)})
_PHONE_DIGITS: Final = 7
_PHONE_GROUP: Final = 4
# Before or after digits, these say that they are part of a number, a time, a date, an address or a price.
_JOINTS: Final = frozenset(".,:/-")
_CURRENCIES: Final = "$€£¥₹₩₽₺₫₪฿"
_CURRENCY_BEFORE: Final = re.compile(rf"(?:[{_CURRENCIES}]|\b(?:USD|EUR|GBP|CHF|Rs\.?))\s?$")
_CURRENCY_AFTER: Final = re.compile(rf"\s?(?:[{_CURRENCIES}%]|(?:USD|EUR|GBP|CHF)\b)")
_PREFIX: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{1,3}-$")
_CONTEXT: Final = 8  # characters before digits that tell what they are

_URL: Final = re.compile(
    r"""(?<![A-Za-z0-9])https?://[^\s<>"`{}|\\^\u3000-\u303f\uff00-\uff0f\uff1a-\uff1f“”«»]+""", re.IGNORECASE
)
_TRAILING: Final = frozenset(".,;:!?'*_~…’")
_BRACKETS: Final = {")": "(", "]": "["}
_HREF: Final = re.compile(r"""<a\s[^<>]*?(?<![\w-])href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_SCHEME: Final = re.compile(r"https?://[^\s/]", re.IGNORECASE)


class _Digits(NamedTuple):
    """Digits that may be a code, and their place."""

    digits: str
    start: int
    end: int


def codes(text: str) -> list[str]:
    """The one-time codes of a text, the likeliest first: the digits nearest to each word for code.

    Digits alone: `123-456`, `123 456` and `G-123456` are 123456. Prices, times, dates and telephone numbers are no
    codes; what may be a year is one only if there is nothing else. A text without a word for code has no code.
    """
    found = list(_candidates(text)) if _WORDS.search(text) else []
    if not found:
        return []
    found = [one for one in found if not _YEAR.fullmatch(one.digits)] or found
    starts = [one.start for one in found]
    sentences = [match.start() for match in _SENTENCE_END.finditer(text)]
    near: list[tuple[bool, int, str]] = []
    for word in _WORDS.finditer(text):
        at = bisect_left(starts, word.start())
        choices = [
            (
                bisect_left(sentences, one.start) != bisect_left(sentences, word.start()),
                # What comes before the word is taken only when it is clearly nearer.
                one.start - word.end() if one.start >= word.end() else 2 * max(word.start() - one.end, 0) + 1,
                one.digits,
            )
            for one in found[max(at - 1, 0) : at + 1]
        ]
        near.append(min(choices))
    near.sort()
    # Digits of another sentence than every word for code are the code only if no sentence has both.
    return list(dict.fromkeys(digits for other, _, digits in near if not other)) or [near[0][2]]


def _candidates(text: str) -> Iterator[_Digits]:
    for run in _DIGITS.finditer(text):
        if _is_other_number(text, run.start(), run.end()):
            continue
        if found := _code(run[0], run.start()):
            yield found
            continue
        groups = re.split("[ -]", run[0]) if len(run[0]) <= _CONTEXT * _CONTEXT else ()
        if sum(map(len, groups)) >= _PHONE_DIGITS and all(len(group) <= _PHONE_GROUP for group in groups):
            continue  # a telephone number, or that of a card
        for part in _PART.finditer(run[0]):
            if found := _code(part[0], run.start() + part.start()):
                yield found


def _code(written: str, start: int) -> _Digits | None:
    """Digits as a code, if they have the form of one."""
    if not 4 <= len(written) <= len("12-34-56") + 1:
        return None
    lengths = tuple(map(len, re.split("[ -]", written)))
    if lengths not in _GROUPED and (len(lengths) > 1 or not 4 <= lengths[0] <= 8):
        return None
    return _Digits(written.replace("-", "").replace(" ", ""), start, start + len(written))


def _is_other_number(text: str, start: int, end: int) -> bool:
    """Whether digits are part of a longer number or word, of a telephone number, a time, a date or a price."""
    before, after = text[max(start - _CONTEXT, 0) : start], text[end : end + _CONTEXT]
    if after[:1].isascii() and (after[:1].isalpha() or after[:1] == "_"):
        return True
    if after[:1] in _JOINTS and after[1:2].isdecimal():
        return True
    if _CURRENCY_BEFORE.search(before) or _CURRENCY_AFTER.match(after):
        return True
    last = before[-1:]
    if last == "-" and _PREFIX.search(before):
        return False
    if last in _JOINTS and before[-2:-1].isalnum():
        return last != ":" or before[-2:-1].isdecimal()
    return last in ("+", "_") or (last.isascii() and last.isalpha()) or before.endswith(("+ ", ") "))


def links(text: str, html: str | None = None) -> list[str]:
    """The http and https URLs of a text, then those that only the links of `html` have, each once, in order.

    Punctuation after a URL is not part of it, nor is a closing bracket that it does not open.
    """
    found = [_trimmed(match[0]) for match in _URL.finditer(text)]
    if html is not None:
        found += _hrefs(html)
    return list(dict.fromkeys(url for url in found if _SCHEME.match(url)))


def _trimmed(url: str) -> str:
    surplus = {close: url.count(close) - url.count(opening) for close, opening in _BRACKETS.items()}
    end = len(url)
    while True:  # the scheme ends it
        last = url[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return url[:end]


def _hrefs(source: str) -> Sequence[str]:
    first, *rest = source.split("<!--")
    visible = " ".join([first, *(part.partition("-->")[2] for part in rest)])
    return [unescape(match[1] or match[2] or match[3] or "").strip() for match in _HREF.finditer(visible)]
