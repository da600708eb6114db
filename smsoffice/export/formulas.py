"""Texts that no spreadsheet takes for formulas, by whatever sign it parts the cells of a file."""

from __future__ import annotations

import re

BREAKS = ";,\t\r\n"
"""What parts cells somewhere. Who parts by another sign than the file was written with, knows a quote only where he
begins a cell: each of these within a text then begins one, within quotes too.
"""

# And what is not seen.
_BLANK = r" \v\f\x1c-\x1f\x85\xa0\u00ad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
_SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\u2212"
_SIGN = f"[{re.escape(_SIGNS)}]"

INNER = rf'["{_BLANK}]*{_SIGN}'
"""A formula's beginning behind one of these; a quote of the text may open a cell there."""

# A spreadsheet takes these for the start of a formula, after blanks and what is not seen too, and their full-width
# twins in some languages.
_FORMULA = re.compile(rf"[{_BLANK}\t\r\n]*{_SIGN}|[\t\r]")
_HARMLESS_START = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_PART = re.compile(rf"([{BREAKS}])({INNER})")

# Prices (250,-), lists and phone numbers, a line each: without a bracket or a bar nothing is called.
_ORDINARY = re.compile(r"[\w\t .,:;/%?€+-]*(?=[\r\n]|\Z)")
_QUOTED = re.compile('[";\r\n]')


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula, nor a phone number for a sum: with an apostrophe before it.

    One stands also before each part of it that would compute something where the cells are parted by another sign.
    """
    if not text:
        return text
    start = "'" if text[0] not in _HARMLESS_START and _FORMULA.match(text) else ""
    # Most texts have none of them, which is seen sooner than an expression would see it.
    for sign in _SIGNS:
        if sign in text:
            return start + _PART.sub(_safe_part, text)
    return start + text


def _safe_part(found: re.Match[str]) -> str:
    sign, beginning = found.groups()
    if sign in ",\r\n" and beginning.strip() in ("+", "-") and _is_ordinary(found.string, found.end()):
        return found[0]
    return f"{sign}'{beginning}"


def _is_ordinary(text: str, start: int) -> bool:
    """Whether a part that begins with a plus or a minus calls nothing, whatever follows the text in the file."""
    words = _ORDINARY.match(text, start)
    if words is None:
        return False
    # No formula has a quote or a separator of ours behind a word; behind a sign it may have a quote.
    return words.end() < len(text) or text[-1].isalnum() or text[-1] == "." or not _QUOTED.search(text)
