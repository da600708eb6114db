"""What a text costs more than it must, and the least that would mend it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from smsoffice.conf import conf
from smsoffice.encoding import Encoding, Replacement, Segment, count, measure, to_gsm7
from smsoffice.preview import Look, look_at_sent

MOST_TO_CUT = 40
"""Characters. Nobody shortens a text by more for the sake of one part."""

MOST_SIGNS = 3
"""More different signs than that are accents, and a matter of the site's policy."""


@dataclass(frozen=True, slots=True)
class Shorter:
    """How many characters at the end must go, and how many parts are left then."""

    characters: int
    parts: int


def shorter(text: str) -> Shorter | None:
    """The fewest characters to cut from the end of a sent text that save a part; None where none or too many."""
    encoding, units, parts = count(text)
    if parts == 1:
        return None
    single, part = (160, 153) if encoding is Encoding.GSM7 else (70, 67)
    room = single if parts == 2 else part * (parts - 1)
    # A character has at most two units, and a pair that straddles a cut leaves one empty in each part.
    for characters in range(max(1, (units - room) // 2), min(MOST_TO_CUT + 1, len(text))):
        rest = count(text[:-characters])[2]
        if rest < parts:
            return Shorter(characters, rest)
    return None


@dataclass(frozen=True, slots=True)
class CostlySign:
    """A sign that forces the long alphabet on a whole text.

    Args:
        line: 1-based line of the body in which it stands first; None where it came in with a value.
    """

    sign: str
    replacement: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Costly:
    """The few signs for which a text takes more parts, and what it would take without them."""

    signs: list[CostlySign]
    more: int
    instead: Look


def costly(look: Look, body: str) -> Costly | None:
    """The few signs that make a sent text dearer; None where there are none, or where it is a matter of accents."""
    plain, replaced = to_gsm7(look.content)
    if look.is_plain or not 0 < len(replaced) <= MOST_SIGNS:
        return None
    instead = look_at_sent(plain)
    if instead.parts >= look.parts:
        return None
    signs = [CostlySign(one.original, one.replacement, _line(body, one.original)) for one in replaced]
    return Costly(signs, look.parts - instead.parts, instead)


def _line(body: str, sign: str) -> int | None:
    place = body.find(sign)
    return None if place < 0 else body.count("\n", 0, place) + 1


def marked(look: Look, found: Costly | None) -> Look:
    """The look with its costly signs marked, for the bubble: its texts are HTML."""
    if not found:
        return look
    marks = {sign.sign: format_html('<mark class="so-costly">{}</mark>', sign.sign) for sign in found.signs}
    segments = tuple(Segment(_marked(part.text, marks), part.units) for part in look.measured.segments)
    return replace(look, measured=replace(look.measured, segments=segments))


def _marked(text: str, marks: dict[str, SafeString]) -> SafeString:
    html = str(escape(text))
    for sign, mark in marks.items():
        html = html.replace(sign, mark)
    return mark_safe(html)  # noqa: S308  (escaped above, and signs that GSM-7 lacks are no part of HTML)


@dataclass(frozen=True, slots=True)
class Accents:
    """A text with its accents and without: what each costs, which of them is in force, and what is replaced."""

    kept: bool
    with_them: Look
    without: Look
    replaced: list[Replacement]


def accents(text: str, look: Look) -> Accents | None:
    """What accents cost in a rendered text; None where it has none."""
    composed = unicodedata.normalize("NFC", text)
    plain, replaced = to_gsm7(composed)
    if not replaced:
        return None
    without, with_them = look_at_sent(plain), Look(composed, measure(composed), [])
    return Accents(conf.SMS_USE_ACCENT, with_them, without, look.replaced)
