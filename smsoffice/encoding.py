"""Text -> alphabet, units and segments; transliteration to GSM-7.

The standard: 3GPP TS 23.038 §6.2.1 (the alphabet) and TS 23.040 §9.2.3.24.1 (concatenation). Every gateway's messages
are counted by it. Twilio keeps grapheme clusters whole and Amazon SNS keeps words whole, so they may bill more parts.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from unidecode import unidecode

from smsoffice.conf import conf

# 3GPP TS 23.038 §6.2.1, the default alphabet: sixteen codes a line, 0x00 first. 0x1B is the escape, which is no letter.
GSM7_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
# 3GPP TS 23.038 §6.2.1.1, the extension table: each costs two septets, the escape and the code.
GSM7_EXTENSION = "\f^{}\\[~]|€"

_ESCAPE = "\x1b"
_ALPHABET = re.escape(GSM7_BASIC + GSM7_EXTENSION)
_NOT_GSM7 = re.compile(f"[^{_ALPHABET}]")
_EXTENDED = re.compile(f"[{re.escape(GSM7_EXTENSION)}]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Encoding(StrEnum):
    """The alphabets that a segment can be sent in."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


class _Room(NamedTuple):
    """What one encoding's segments hold: the units of a lone one, of a part, and the two units that stay together."""

    single: int
    part: int
    pair: re.Pattern[str]


_ROOM = {
    Encoding.GSM7: _Room(160, 153, re.compile(_ESCAPE + ".", re.DOTALL)),
    Encoding.UCS2: _Room(70, 67, re.compile("[\ud800-\udbff][\udc00-\udfff]")),
}


@dataclass(frozen=True)
class Segment:
    """One SMS of a text: what it says, and the septets (GSM-7) or 16-bit units (UCS-2) that it takes."""

    text: str
    units: int


@dataclass(frozen=True)
class Measured:
    """A text as the network will carry it; `units` are those of the text, without any left empty at a part's end."""

    encoding: Encoding
    units: int
    segments: tuple[Segment, ...]

    @property
    def capacity(self) -> int:
        """Units that each segment holds: 160 or 70 alone, 153 or 67 as a part of several."""
        room = _ROOM[self.encoding]
        return room.single if len(self.segments) == 1 else room.part

    @property
    def units_left(self) -> int:
        """Units still free in the last segment."""
        return self.capacity - self.segments[-1].units


@dataclass(frozen=True)
class Replacement:
    """What a text lost to GSM-7: `original` became `replacement`, `count` times."""

    original: str
    replacement: str
    count: int


def count(text: str) -> tuple[Encoding, int, int]:
    """The encoding, units and number of segments of a text: `measure()` without its segments, for bulk."""
    if not _NOT_GSM7.search(text):
        encoding, units = Encoding.GSM7, len(text) + len(_EXTENDED.findall(text))
    else:
        text = _join_halves(text)
        encoding, units = Encoding.UCS2, len(text) + len(_ASTRAL.findall(text))
    room = _ROOM[encoding]
    if units <= room.single:
        return encoding, units, 1
    if units == len(text):  # nothing of two units can straddle a boundary
        return encoding, units, -(-units // room.part)
    return encoding, units, len(_cut(_spell(text, encoding), room))


def measure(text: str) -> Measured:
    """How a text will be sent: its alphabet, its units and its segments, cut greedily by the standard.

    An escape sequence is never split, nor a surrogate pair; a CRLF may be. An empty text is one segment of 0 units.
    A lone surrogate counts as one UCS-2 unit; two halves that stand together are taken for the letter that they make.

    Source: 3GPP TS 23.038 §6.2.1, TS 23.040 §9.2.3.24.1.
    """
    encoding = Encoding.UCS2 if _NOT_GSM7.search(text) else Encoding.GSM7
    spelled = _spell(_join_halves(text), encoding)
    parts = _cut(spelled, _ROOM[encoding])
    return Measured(encoding, len(spelled), tuple(Segment(_unspell(part, encoding), len(part)) for part in parts))


def _spell(text: str, encoding: Encoding) -> str:
    """The text with one character for each unit: escapes, and surrogates, stand by themselves."""
    if encoding is Encoding.GSM7:
        return _EXTENDED.sub(_ESCAPE + r"\g<0>", text)
    return "".join(map(chr, array("H", text.encode("utf-16", "surrogatepass")[2:])))


def _unspell(spelled: str, encoding: Encoding) -> str:
    return spelled.replace(_ESCAPE, "") if encoding is Encoding.GSM7 else _join_halves(spelled)


def _cut(spelled: str, room: _Room) -> list[str]:
    if len(spelled) <= room.single:
        return [spelled]
    parts, start = [], 0
    while start < len(spelled):
        end = start + room.part
        if room.pair.match(spelled, end - 1):
            end -= 1
        parts.append(spelled[start:end])
        start = end
    return parts


def _join_halves(text: str) -> str:
    """The text with each high and low surrogate that stand together made one letter; lone ones stay."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


# --- What the operator wrote -> what may be sent -------------------------------------------------------------------

_NEWLINE = re.compile("\r\n?|[\x85\u2028\u2029]")
# A phone shows none of them, and PostgreSQL stores no NUL. Tab, line feed and form feed stay.
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")

# Marks that change the letter or picture before them: accents, keycaps, variation selectors, skin tones, tags of flags.
_EXTENDER = (
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_JOINED = f"(?:\u200d.{_EXTENDER}*)*"
# What a reader takes for one sign, so that a family or a flag becomes one "?" and not seven.
_FOREIGN_SIGN = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|.{_EXTENDER}+{_JOINED}|[^{_ALPHABET}]{_JOINED}", re.DOTALL)
# Where Unidecode's ASCII is not what a reader expects: a low quote would become commas.
_PREFERRED = {"„": '"', "«": '"', "»": '"', "‚": "'"}


def apply_accent_policy(text: str) -> tuple[str, list[Replacement]]:
    """The text as it will be sent under PYMESS_SMS_USE_ACCENT, and what was replaced.

    True: the text as it is, but for NFC, line feeds for every kind of line end, no control characters, and "?" for a
    lone surrogate (it can be neither stored nor sent). False: `to_gsm7(text)`.
    """
    return _tidy(text) if conf.SMS_USE_ACCENT else to_gsm7(text)


def to_gsm7(text: str) -> tuple[str, list[Replacement]]:
    """The text in GSM-7 letters only, and what was replaced, in the order of its first appearance.

    Letters that GSM-7 has stay (é, ü, Ω, €); others are transliterated by Unidecode; a sign that has no
    transliteration, such as an emoji, becomes "?". What nobody sees is not listed: line ends, spaces for other white
    space, zero-width and control characters left out.
    """
    if "\r" not in text and not _NOT_GSM7.search(text):
        return text, []
    text, replacements = _tidy(text)
    replaced: Counter[tuple[str, str]] = Counter()

    def in_gsm7(match: re.Match[str]) -> str:
        sign = match[0]
        replacement = _transliterated(sign)
        if replacement.strip(" ") or not _is_unseen(sign):
            replaced[sign, replacement] += 1
        return replacement

    text = _FOREIGN_SIGN.sub(in_gsm7, text)
    return text, replacements + [Replacement(*pair, times) for pair, times in replaced.items()]


def _tidy(text: str) -> tuple[str, list[Replacement]]:
    text = _CONTROL.sub("", _NEWLINE.sub("\n", _join_halves(text)))
    text, lone = _SURROGATE.subn("?", text)
    return unicodedata.normalize("NFC", text), [Replacement("\ufffd", "?", lone)] if lone else []


@lru_cache(maxsize=4096)
def _transliterated(sign: str) -> str:
    return "".join(map(_letter, sign)) or ("" if _is_unseen(sign) else "?")


def _letter(letter: str) -> str:
    if not _NOT_GSM7.match(letter):
        return letter
    category = unicodedata.category(letter)
    if letter == "\t" or category == "Zs":
        return " "
    if category == "Cf":  # Unidecode makes a space of some zero-width characters
        return ""
    ascii_letters = _PREFERRED.get(letter) or unidecode(letter)
    return _NOT_GSM7.sub("?", ascii_letters.replace("`", "'"))


def _is_unseen(sign: str) -> bool:
    """Whether a sign is white space, or made only of format characters and of marks that lost their letter."""
    return sign.isspace() or all(unicodedata.category(letter) in ("Cf", "Mn", "Me") for letter in sign)
