"""The rows of one sheet of an XLSX workbook, as its XML goes by."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime

from smsoffice.sheets.cells import GENERAL, MAX_CELL, Format, date_as_text, number_as_text
from smsoffice.sheets.grid import MAX_COLUMNS, Grid, Row, too_many_columns
from smsoffice.sheets.package import XMLReader, damaged, local
from smsoffice.sheets.xlsx_strings import Strings, unescaped

LAST_ROW = 2**20
LAST_COLUMN = 2**14
"""What Excel itself has; a file with more was not made by a spreadsheet program."""


class Rows(XMLReader):
    """Collects rows into `done`, from where they are to be taken after each piece.

    Args:
        grid: where is counted what is left out or written otherwise.
        strings: the texts that cells point to.
        shapes: what the styles do to numbers.
        from_1904: the workbook counts its days from 1904.
    """

    def __init__(self, grid: Grid, strings: Strings, shapes: Sequence[Format], *, from_1904: bool) -> None:
        self.done: list[Row] = []
        self._grid, self._strings, self._shapes, self._from_1904 = grid, strings, shapes, from_1904
        self._line = 0
        self._is_hidden = False
        self._cells: list[str] = []
        self._place = -1
        self._kind, self._shape = "n", GENERAL
        self._value: list[str] = []
        self._formula: list[str] | None = None
        self._into: list[str] | None = None
        self._length = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        match local(tag):
            case "c":
                self._begin_cell(attributes)
            case "v" | "t":
                self._into, self._length = self._value, 0
            case "f":
                self._into = self._formula = []
                self._length = 0
            case "row":
                self._begin_row(attributes)
            case "rPh":
                self._into = None

    def data(self, text: str) -> None:
        if self._into is not None and self._length <= MAX_CELL:
            self._into.append(text)
            self._length += len(text)

    def end(self, tag: str) -> None:
        match local(tag):
            case "c":
                self._end_cell()
            case "v" | "t" | "f":
                self._into = None
            case "row":
                self._end_row()

    def _begin_row(self, attributes: dict[str, str]) -> None:
        line = int(attributes.get("r", self._line + 1))
        if not self._line < line <= LAST_ROW:
            raise damaged()
        self._line, self._cells, self._place = line, [], -1
        height = attributes.get("ht", "")
        self._is_hidden = attributes.get("hidden") in ("1", "true") or (height != "" and float(height) == 0)

    def _end_row(self) -> None:
        if not any(map(str.strip, self._cells)):
            return
        if self._is_hidden:
            self._grid.hidden += 1
        else:
            self.done.append((self._line, self._cells))

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        self._place = _place(reference) if reference else self._place + 1
        if self._place >= LAST_COLUMN:
            raise too_many_columns()
        self._kind = attributes.get("t", "n")
        style = int(attributes.get("s", "0"))
        self._shape = self._shapes[style] if 0 <= style < len(self._shapes) else GENERAL
        self._value, self._formula, self._into = [], None, None

    def _end_cell(self) -> None:
        text = self._text()
        if not text:
            return
        if self._place >= MAX_COLUMNS:
            raise too_many_columns()
        missing = self._place - len(self._cells)
        if missing < 0:
            raise damaged()
        self._cells.extend([""] * missing)
        self._cells.append(text[: MAX_CELL + 1])

    def _text(self) -> str:
        value = "".join(self._value)
        if not value and self._formula is not None and self._kind != "str":
            # The file was written by a program that calculates nothing.
            return f"={''.join(self._formula) or '…'}"
        match self._kind:
            case "n":
                return self._number(value) if value else ""
            case "s":
                return self._strings[int(value)] if value else ""
            case "b":
                return "TRUE" if value == "1" else "FALSE"
            case "d":
                return self._date(value)
        return unescaped(value)

    def _number(self, value: str) -> str:
        try:
            text = number_as_text(float(value), self._shape, from_1904=self._from_1904)
        except (ValueError, OverflowError):
            return value
        if self._shape.is_date:
            self._grid.dated = self._grid.dated or text
        elif text.isdecimal():
            self._grid.count_digits(self._place, text)
        return text

    def _date(self, value: str) -> str:
        with contextlib.suppress(ValueError):
            moment = datetime.fromisoformat(value)
            value = date_as_text(moment if "T" in value else moment.date())
            self._grid.dated = self._grid.dated or value
        return value


def _place(reference: str) -> int:
    """The place of a cell's column, from 0: that of “AB12” is 27."""
    place = 0
    for letter in reference:
        if not "A" <= letter <= "Z":
            break
        place = place * 26 + ord(letter) - ord("A") + 1
        if place > LAST_COLUMN:
            raise too_many_columns()
    if not place:
        raise damaged()
    return place - 1
