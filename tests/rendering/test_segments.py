"""Segments: the alphabet of TS 23.038, and parts that are filled one by one."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.rendering.segments import BASIC, EXTENSION, Segments, count, parts

EMOJI = "😀"
gsm7_texts = st.text(st.sampled_from(BASIC + EXTENSION * 5), max_size=700)
texts = gsm7_texts | st.text(st.sampled_from(f"aé[ç{EMOJI}"), max_size=300) | st.text(max_size=300)


@pytest.mark.parametrize(
    ("text", "encoding", "number"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("[" * 80, "GSM-7", 1),
        ("[" * 81, "GSM-7", 2),
        # 153 is odd: a part has room for 76 escape sequences, so 153 of them are 3 parts and not 306/153.
        ("]" * 153, "GSM-7", 3),
        ("a" * 152 + "[" + "a" * 152, "GSM-7", 3),
        ("a" * 151 + "[" + "a" * 152, "GSM-7", 2),
        ("a" * 305 + "[", "GSM-7", 3),
        ("|" * 81, "GSM-7", 2),
        ("€" * 70, "GSM-7", 1),
        ("Ça va", "GSM-7", 1),
        ("ça va", "UCS-2", 1),
        ("`", "UCS-2", 1),
        ("\u00a0", "UCS-2", 1),
        ("\t", "UCS-2", 1),
        ("\x1b", "UCS-2", 1),
        ("\r\n\f", "GSM-7", 1),
        ("|" * 69 + "∞", "UCS-2", 1),
        ("|" * 70 + "∞", "UCS-2", 2),
        ("ж" * 70, "UCS-2", 1),
        ("ж" * 71, "UCS-2", 2),
        ("ж" * 134, "UCS-2", 2),
        ("ж" * 135, "UCS-2", 3),
        (EMOJI * 35, "UCS-2", 1),
        (EMOJI * 36, "UCS-2", 2),
        # 67 is odd: a part has room for 33 surrogate pairs, so 67 of them are 3 parts and not 134/67.
        (EMOJI * 67, "UCS-2", 3),
        ("ж" * 66 + EMOJI + "ж" * 66, "UCS-2", 3),
        ("ж" * 65 + EMOJI + "ж" * 67, "UCS-2", 2),
        ("\ud83d", "UCS-2", 1),
    ],
)
def test_encoding_and_count_follow_the_standard(text: str, encoding: Literal["GSM-7", "UCS-2"], number: int) -> None:
    assert count(text) == Segments(encoding, number)


def test_default_alphabet_has_127_characters_and_its_extension_10() -> None:
    assert len(set(BASIC)) == len(BASIC) == 127
    assert len(set(EXTENSION)) == 10
    assert not set(BASIC) & set(EXTENSION)
    # Codes that are easy to misplace, counted without 0x1B.
    assert [BASIC.index(character) for character in "@_ A¡a"] == [0, 0x11, 0x1F, 0x40, 0x3F, 0x60]


def test_escape_and_its_character_are_in_one_part() -> None:
    assert [len(part) for part in parts("a" * 152 + "[" + "a" * 152)] == [152, 152, 1]


@given(texts)
def test_parts_are_the_whole_text_and_as_many_as_counted(text: str) -> None:
    found = parts(text)
    assert "".join(found) == text
    assert len(found) == count(text).count


@given(texts)
def test_each_part_fits_and_is_full(text: str) -> None:
    encoding, number = count(text).encoding, count(text).count
    found = parts(text)
    if encoding == "GSM-7":
        sizes = [len(part) + sum(part.count(character) for character in EXTENSION) for part in found]
        first = [1 + (part[:1] in set(EXTENSION)) for part in found]
        single, most = 160, 153
    else:
        sizes = [len(part.encode("utf-16-be", "surrogatepass")) // 2 for part in found]
        first = [len(part[:1].encode("utf-16-be", "surrogatepass")) // 2 for part in found]
        single, most = 70, 67
    if number == 1:
        assert sizes[0] <= single
        return
    assert sum(sizes) > single
    for size, next_character in zip(sizes, first[1:], strict=False):
        assert size <= most < size + next_character
    assert sizes[-1] <= most


@given(st.text(max_size=50))
def test_text_is_gsm7_only_of_characters_of_the_tables(text: str) -> None:
    assert (count(text).encoding == "GSM-7") == (set(text) <= set(BASIC + EXTENSION))
