"""Lists of people, pasted or out of a spreadsheet -> columns and rows of text, or a sentence that says what is wrong.

Nothing that a file holds is run, fetched or expanded, no file is held whole, and what it may cost is limited.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO

from django.utils.translation import gettext as _

from smsoffice import phone
from smsoffice.exceptions import InvalidRecipient
from smsoffice.sheets import file, text
from smsoffice.sheets.cells import MAX_CELL, fault_of, position
from smsoffice.sheets.grid import (
    MAX_COLUMNS,
    MAX_ROWS,
    Grid,
    Row,
    SheetError,
    too_many_columns,
    too_many_rows,
    too_much_text,
)

__all__ = [
    "MAX_CELL",
    "MAX_COLUMNS",
    "MAX_ROWS",
    "Sheet",
    "SheetError",
    "fault_of",
    "number_column_of",
    "position",
    "read_file",
    "read_text",
]

MAX_TEXT = 50_000_000
"""Characters of all cells together: a small file may repeat a long text without end."""

LOOKED_AT = 20
"""Rows that tell where the numbers are."""

_NAMES = frozenset(
    {"phone", "phonenumber", "phoneno", "mobile", "mobilephone", "mobilenumber", "cellphone", "telephone", "recipient"}
    | {"telefon", "tel", "telefonnicislo", "cislotelefonu", "mobil", "mobilnitelefon", "mobilnicislo", "cislomobilu"}
    | {"prijemce", "msisdn", "gsm", "handy", "telefonnummer"}
)
# Of these a list may have others: the number of an order, of a customer.
_WEAK_NAMES = frozenset({"cislo", "number", "cell", "kontakt", "contact"})


@dataclass
class Sheet:
    """A list as it was read.

    Args:
        columns: names, each once; "" for one without a name.
        rows: the line in the user's list, counted from 1 with its heading, always growing; the cells as text. A row of
            a pasted list may have more or fewer cells than there are columns. To be read once.
        notes: sentences on what was done with the list; complete once the rows are exhausted.
        number_column: the place of the phone numbers among the columns.
        heading: the line that the names stand in; 0 where the columns have no names and are called A, B, C.
    """

    columns: list[str]
    rows: Iterator[Row]
    notes: list[str]
    number_column: int = 0
    heading: int = 0


def read_text(pasted: str) -> Sheet:
    """A pasted list: a number a line, or rows with tabs, semicolons or commas and the names of the columns on top.

    Raises:
        SheetError: it is empty, or no list; reading `rows` may raise it too.
    """
    return _sheet(text.grid_of(pasted))


def read_file(name: str, uploaded: IO[bytes]) -> Sheet:
    """A CSV, XLSX or ODS file; its content says which, whatever it is called.

    Args:
        name: what the user calls it, for the sentences.
        uploaded: seekable; it must stay open until the rows are read.

    Raises:
        SheetError: it cannot be read, for the reason told; reading `rows` may raise it too.
    """
    return _sheet(file.grid_of(name, uploaded))


def number_column_of(columns: Sequence[str]) -> int | None:
    """The place of the column whose name says that it holds phone numbers; None where no name does."""
    plain = [_plain(name) for name in columns]
    for names in (_NAMES, _WEAK_NAMES):
        for place, name in enumerate(plain):
            if name in names:
                return place
    return None


def _sheet(grid: Grid) -> Sheet:
    rows = _bounded(grid.rows)
    first = list(islice(rows, LOOKED_AT))
    if not first:
        raise SheetError(_("There are no rows in the list."))
    line, names = first[0]
    names = names[: _filled(names)]
    if has_names := _are_names(names):
        del first[0]
        _refuse_double(names)
        if not first:
            raise SheetError(_("The list has only the names of its columns. Put the rows under them."))
    else:
        _refuse_several(line, names)
        names = [position(n) for n in range(max(_filled(cells) for _line, cells in first))]
        if len(names) > 1:
            words = _("The first row has no names of columns, so they are called by their position: %(names)s.")
            grid.notes.append(words % {"names": ", ".join(names[:5]) + ("…" if len(names) > 5 else "")})
    number_column = _number_column(names, first)
    if len(names) > 1 and number_column_of(names) is None:
        words = _("The numbers are taken from the column “%(name)s”.")
        grid.notes.append(words % {"name": names[number_column] or position(number_column)})
    fitted = _fitted(grid, names, number_column, chain(first, rows))
    return Sheet(names, fitted, grid.notes, number_column, line if has_names else 0)


def _bounded(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows that are not blank, as far as the limits let them through."""
    characters = 0
    for line, cells in rows:
        stripped = [cell.strip() for cell in cells]
        filled = _filled(stripped)
        if not filled:
            continue
        characters += sum(map(len, stripped))
        if filled > MAX_COLUMNS:
            raise too_many_columns()
        if characters > MAX_TEXT:
            raise too_much_text()
        yield line, stripped


def _filled(cells: list[str]) -> int:
    """How many cells there are up to the last that is not empty."""
    return next((place for place in range(len(cells), 0, -1) if cells[place - 1]), 0)


def _fitted(grid: Grid, names: list[str], number_column: int, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows with as many cells as there are columns, where none can have slipped."""
    width, has_more = len(names), False
    for count, (line, cells) in enumerate(rows, start=1):
        if count > MAX_ROWS:
            raise too_many_rows()
        del cells[max(width, _filled(cells)) :]
        if grid.is_exact and len(cells) != width:
            has_more = has_more or len(cells) > width
            cells = cells[:width] + [""] * (width - len(cells))
        yield line, cells
    if has_more:
        grid.notes.append(_("What stands to the right of the named columns is not used."))
    grid.finish(names, number_column)


def _are_names(cells: list[str]) -> bool:
    if len(cells) == 1:
        # Else a mistyped first number would be taken for a name, and silently left out.
        return number_column_of(cells) is not None
    return not any(map(_looks_like_number, cells))


def _looks_like_number(cell: str) -> bool:
    digits = sum(map(str.isdigit, cell))
    return digits >= 5 and (not any(map(str.isalpha, cell)) or _is_number(cell))


def _is_number(cell: str) -> bool:
    try:
        phone.to_e164(cell)
    except InvalidRecipient:
        return False
    return True


def _refuse_double(names: list[str]) -> None:
    double = next((name for place, name in enumerate(names) if name and name in names[:place]), None)
    if double is not None:
        raise SheetError(_("Two columns are called “%(name)s”. Rename one of them.") % {"name": double[:100]})


def _refuse_several(line: int, cells: list[str]) -> None:
    """Numbers that stand side by side would be taken for columns, and all but the first be left out."""
    if len(cells) > 1 and all(_is_number(cell) for cell in cells if cell):
        words = _("Line %(line)d holds %(count)d phone numbers. Write each on a line of its own.")
        raise SheetError(words % {"line": line, "count": len([cell for cell in cells if cell])})


def _number_column(names: list[str], rows: list[Row]) -> int:
    named = number_column_of(names)
    if named is not None:
        return named
    for place in range(len(names)):
        if any(_is_number(cells[place]) for _line, cells in rows if place < len(cells)):
            return place
    return 0


def _plain(name: str) -> str:
    """A name's letters alone, small and without accents: “Tel. číslo” and “tel_cislo” are one."""
    decomposed = unicodedata.normalize("NFKD", name[:MAX_CELL]).casefold()
    return "".join(filter(str.isalpha, decomposed))
