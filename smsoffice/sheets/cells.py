"""Cells of spreadsheets as the text that stands for them in a message."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.utils import formats, translation
from django.utils.translation import gettext as _

from smsoffice.plaindata import grouped, plain_spaces

MAX_CELL = 2_000
"""Characters of a cell; ten parts of a message have 1,530."""

_FORMULA = re.compile(r"=\S")
_ERROR = re.compile(r"#[A-ZÁ-Ž0-9_/ ]+[!?]|#N/A|#NENÍ_K_DISPOZICI|#+|(?:Err|Chyba):\d{3}")


def fault_of(cell: str) -> str:
    """Why a cell cannot stand in a message, as a sentence; "" where it can."""
    if len(cell) > MAX_CELL:
        return _("The cell has more than %(most)s characters. Shorten it.") % {"most": grouped(MAX_CELL)}
    if "\ufffd" in cell:
        return _("The cell has a letter that another program has lost (�). Write it again.")
    # The common cell is over with two comparisons.
    if cell[:1] == "=" and _FORMULA.match(cell):
        return _(
            "The cell holds a formula without its result. Open the list in a spreadsheet program, save it, "
            "and choose it again."
        )
    if cell[:1] in ("#", "E", "C") and _ERROR.fullmatch(cell):
        return _("The cell holds an error of the spreadsheet. Correct its formula.")
    return ""


def position(place: int) -> str:
    """How a spreadsheet calls a column, counted from 0: A, B, ... Z, AA."""
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


class Format(NamedTuple):
    """What a number format does to a number, as far as a reader needs it."""

    is_date: bool = False
    is_elapsed: bool = False
    zeros: int = 0
    decimals: int | None = None
    is_percent: bool = False


GENERAL = Format()

# ECMA-376 part 1, 18.8.30: formats that a workbook need not spell out.
BUILT_IN = {
    2: "0.00",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    **dict.fromkeys((*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)), "yyyy"),
    46: "[h]:mm",
}
_NO_PLACEHOLDERS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)


@lru_cache(maxsize=512)
def format_of(code: str) -> Format:
    """What a format code such as “dd.mm.yyyy” or “00000” does."""
    # Of the sections for positive, negative and zero numbers the first one stands for all.
    bare = _NO_PLACEHOLDERS.sub("", code[:255]).split(";")[0]
    if bare.lower() == "general":
        return GENERAL
    if re.search(r"\[[hms]+\]", bare, re.IGNORECASE):
        return Format(is_elapsed=True)
    if re.search("[ymdhs]", bare, re.IGNORECASE):
        return Format(is_date=True)
    zeros = re.sub(r"[ -]", "", bare)
    if re.fullmatch("0{2,}", zeros):
        return Format(zeros=len(zeros))
    decimals = re.search(r"\.(0+)", bare)
    is_percent = "%" in bare
    return Format(decimals=len(decimals[1]) if decimals else 0 if is_percent else None, is_percent=is_percent)


def number_as_text(number: float, shape: Format = GENERAL, *, from_1904: bool = False) -> str:
    """A number as a reader expects it: digits for a whole one, the language's own comma, a date for a date.

    Raises:
        ValueError, OverflowError: it is no number, or no date.
    """
    if not math.isfinite(number):
        raise ValueError(number)
    if shape.is_date:
        return date_as_text(_moment(number, from_1904=from_1904))
    if shape.is_elapsed:
        minutes = round(number * 24 * 60)
        return f"{minutes // 60}:{minutes % 60:02}"
    if shape.is_percent:
        return f"{_decimal(number * 100, shape.decimals)} %"
    if shape.decimals:
        return _decimal(number, shape.decimals)
    if abs(number) >= 1e15:
        return f"{number:.15g}"
    if number == int(number):
        return f"{int(number)}".zfill(shape.zeros)
    return _decimal(number, None)


def _decimal(number: float, decimals: int | None) -> str:
    # Fifteen digits are those that the spreadsheet shows: 0.1 + 0.2 is 0.3.
    exact = f"{number:.15f}".rstrip("0").rstrip(".") if abs(number) < 1 else f"{number:.15g}"
    with translation.override(settings.LANGUAGE_CODE):
        return plain_spaces(formats.number_format(number if decimals is not None else exact, decimals))


def _moment(serial: float, *, from_1904: bool) -> datetime | date | time:
    """The moment of a count of days; in the one of 1900 the day 60 is a 29 February that never was."""
    if not from_1904 and serial < 1:
        return (datetime(1900, 1, 1) + timedelta(seconds=round(serial % 1 * 86_400))).time()
    first = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30 if serial >= 60 else 31)
    moment = first + timedelta(seconds=round(serial * 86_400))
    return moment.date() if serial == int(serial) else moment


def date_as_text(moment: datetime | date | time) -> str:
    """A date as the site's language writes it, whoever uploads the list: the message is not for them."""
    with translation.override(settings.LANGUAGE_CODE):
        if isinstance(moment, time):
            return plain_spaces(formats.time_format(moment, "TIME_FORMAT"))
        kind = "SHORT_DATETIME_FORMAT" if isinstance(moment, datetime) else "SHORT_DATE_FORMAT"
        return plain_spaces(formats.date_format(moment, kind))
