"""What people, forms and spreadsheets write for a phone number -> its digits, behind a "+" where it has one."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from django.utils.translation import gettext as _
from phonenumbers import NumberParseException

E164_DIGITS = 15
"""ITU-T E.164 §6.1: the country code and the national number together."""

_NUMBER_DIGITS = 8  # that many make a number by themselves; "0049171/1234567" is one number in two groups

_SCHEME = re.compile(r"(?:tel|sms):", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"\+?(\d+)(?:[.,](\d+))?E\+?(\d{1,3})", re.IGNORECASE)
_FLOAT = re.compile(r"(\+?\d[\d ]{6,})[.,]0{1,2}")
_BETWEEN_NUMBERS = re.compile(r"[^\d ()./+-]+|/|(?=\+)")
_NO_PHONE_CHARACTER = re.compile(r"[^\d ()\[\]./+-]")
_TRUNK_ZERO = re.compile(r"\( *0 *\)")
_WRAPPING = " ,;\n'\"‘’“”`"  # spreadsheets put an apostrophe before a number that must stay text


class Refused(Exception):
    """Why a number is not possible, as the second half of a sentence."""


def undressed(raw: str) -> str:
    """The digits alone, behind a "+" where the number has one.

    Raises:
        Refused: it is empty, or more or else than one phone number.
    """
    text = _plain(raw).strip(_WRAPPING)
    text = _out_of_spreadsheet(_SCHEME.sub("", text))
    if not text:
        raise Refused(_("it is empty"))
    _refuse_several(text)
    _refuse_strays(" ".join(text.split()))
    text = _without_trunk_zero(text)
    bare = re.sub(r"[^+0-9]", "", text)
    digits = bare.lstrip("+")
    if not digits:
        raise Refused(_("it has no digits"))
    if "+" in digits:
        raise Refused(_("it has a plus sign in the middle"))
    # "+00420": no country code begins with 0, so the two can only be the international prefix written twice.
    return "+" + digits.removeprefix("00") if bare != digits else digits


def _plain(raw: str) -> str:
    """ASCII digits, spaces and hyphens for those of any script; what nobody sees is left out."""
    if raw.isascii() and raw.isprintable():
        return raw
    return "".join(map(_plain_character, unicodedata.normalize("NFKC", raw)))


def _plain_character(character: str) -> str:
    if character.isspace():
        return " " if unicodedata.category(character) == "Zs" else "\n"
    match unicodedata.category(character):
        case "Nd":
            return str(unicodedata.decimal(character))
        case "Pd":
            return "-"
        case "Cf" | "Cc" | "Mn" | "Me":
            return ""
    return "-" if character == "\N{MINUS SIGN}" else character


def _out_of_spreadsheet(text: str) -> str:
    """The digits of a cell that a spreadsheet took for a quantity ("777123456.0", "4.20777123456E+11")."""
    if cell := _FLOAT.fullmatch(text):
        return cell[1]
    if cell := _SCIENTIFIC.fullmatch(text):
        whole, fraction, exponent = cell[1], cell[2] or "", int(cell[3])
        if len(fraction) != exponent:
            raise Refused(
                _(
                    "a spreadsheet has turned it into a quantity and its last digits are lost. "
                    "Format the column as text and export it again"
                )
            )
        return whole + fraction
    return text


def _refuse_several(text: str) -> None:
    is_too_much_for_one = sum(map(str.isdigit, text)) > E164_DIGITS
    if _holds_several(_BETWEEN_NUMBERS.split(text)) or (is_too_much_for_one and _holds_several(text.split())):
        raise Refused(_("there are several numbers in one field. Give each its own"))


def _holds_several(pieces: list[str]) -> bool:
    return sum(sum(map(str.isdigit, piece)) >= _NUMBER_DIGITS for piece in pieces) > 1


def _refuse_strays(text: str) -> None:
    stray = _NO_PHONE_CHARACTER.search(text)
    if not stray:
        return
    try:
        # Any region will do: the extension is read before the region matters.
        extension = phonenumbers.parse(text, "CZ").extension
    except NumberParseException:
        extension = None
    if extension:
        words = _("it has an extension (“%(extension)s”), which an SMS cannot reach")
        raise Refused(words % {"extension": extension})
    if letters := "".join(filter(str.isalpha, text)):
        raise Refused(_("there are letters in it (“%(letters)s”)") % {"letters": _shortened(letters, 20)})
    raise Refused(_("“%(sign)s” does not belong in a phone number") % {"sign": stray[0]})


def _without_trunk_zero(text: str) -> str:
    """ "+44 (0)20 7946 0018" is dialled without the zero from abroad; only Italy's like keep it."""
    without = _TRUNK_ZERO.sub("", text, count=1)
    if without == text or "+" not in text:
        return without
    try:
        keeps_it = phonenumbers.is_valid_number(phonenumbers.parse(_TRUNK_ZERO.sub("0", text)))
        return text if keeps_it and not phonenumbers.is_valid_number(phonenumbers.parse(without)) else without
    except NumberParseException:
        return without


def as_typed(raw: str) -> str:
    """The text as it was given, short, for a sentence about it."""
    # The sentence may be stored and shown: what a database or a page cannot hold stays out of it.
    return _shortened("".join(c if c.isprintable() else " " if c.isspace() else "" for c in raw).strip(), 60)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
