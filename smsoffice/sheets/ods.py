"""ODS spreadsheets (OpenDocument 1.3): the rows of the first sheet that has any, without what is hidden."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from smsoffice.sheets.cells import MAX_CELL, date_as_text, number_as_text
from smsoffice.sheets.grid import MAX_COLUMNS, Grid, Row, SheetError, too_many_columns
from smsoffice.sheets.package import Package, XMLReader, local, locked

_MIMETYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_MANIFEST = "META-INF/manifest.xml"


def grid_of(package: Package) -> Grid:
    """The rows of the first sheet that has any.

    Raises:
        SheetError: the file is no spreadsheet, protected, damaged or empty.
    """
    if not package.read("mimetype").startswith(_MIMETYPE):
        raise SheetError(_("The file is a document, but no spreadsheet. Save the list as XLSX, ODS or CSV."))
    if _MANIFEST in package and b"encryption-data" in package.read(_MANIFEST):
        raise locked()
    grid = Grid()
    reader = _Content(grid)
    rows = _rows(package, reader)
    first = next(rows, None)
    if first is None:
        raise SheetError(_("No visible sheet of the file has any rows."))
    grid.rows = _all(first, rows, reader, grid)
    return grid


def _all(first: Row, rows: Iterator[Row], reader: _Content, grid: Grid) -> Iterator[Row]:
    yield first
    yield from rows
    # Known only now, as the sheets stand in one part, one after the other.
    if reader.count > 1:
        words = _("The sheet “%(name)s” was read; the file has %(count)d.")
        grid.notes.append(words % {"name": reader.name, "count": reader.count})


def _rows(package: Package, reader: _Content) -> Iterator[Row]:
    for _piece in package.parse("content.xml", reader):
        for first, last, cells in reader.done:
            for line in range(first, last + 1):
                yield line, cells.copy()
        reader.done.clear()


class _Content(XMLReader):
    """Collects the rows of the first sheet with any into `done`, from where they are to be taken after each piece."""

    def __init__(self, grid: Grid) -> None:
        # The first and the last line of equal rows, and their cells.
        self.done: list[tuple[int, int, list[str]]] = []
        self.name, self.count = "", 0
        self._grid = grid
        self._has_rows = self._is_open = False
        self._hidden_styles: set[str] = set()
        self._style = ""
        self._line = 0
        self._depth = self._cell_depth = 0
        self._row: tuple[int, bool] = (1, False)
        self._cells: list[str] = []
        self._blank = 0
        self._cell: dict[str, str] = {}
        self._text: list[str] = []
        self._length = 0
        self._takes_text = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        name = local(tag)
        if self._cell_depth:
            self._start_in_cell(name, attributes)
            return
        match name:
            case "style":
                self._style = _attribute(attributes, "name")
            case "table-properties":
                if _attribute(attributes, "display") == "false":
                    self._hidden_styles.add(self._style)
            case "table":
                self._begin_table(attributes)
            case "table-row" if self._is_open:
                self._begin_row(attributes)
            case "table-cell" | "covered-table-cell" if self._is_open:
                self._cell_depth = self._depth
                self._cell = {local(key): value for key, value in attributes.items()}
                self._text, self._length, self._takes_text = [], 0, False

    def _start_in_cell(self, name: str, attributes: dict[str, str]) -> None:
        # Paragraphs of the cell itself; those deeper down are of a comment or a drawing.
        if name == "p" and self._depth == self._cell_depth + 1:
            self._takes_text = True
            if self._text:
                self._add("\n")
        elif self._takes_text:
            match name:
                case "s":
                    self._add(" " * min(_count(attributes, "c"), MAX_CELL))
                case "tab":
                    self._add("\t")
                case "line-break":
                    self._add("\n")

    def data(self, text: str) -> None:
        if self._takes_text:
            self._add(text)

    def _add(self, text: str) -> None:
        if self._length <= MAX_CELL:
            self._text.append(text)
            self._length += len(text)

    def end(self, tag: str) -> None:
        if self._cell_depth:
            if self._depth == self._cell_depth:
                self._end_cell()
                self._cell_depth = 0
            elif self._depth == self._cell_depth + 1:
                self._takes_text = False
        elif self._is_open:
            match local(tag):
                case "table-row":
                    self._end_row()
                case "table":
                    self._is_open = False
        self._depth -= 1

    def _begin_table(self, attributes: dict[str, str]) -> None:
        self.count += 1
        is_hidden = _attribute(attributes, "style-name") in self._hidden_styles
        self._is_open = not (self._has_rows or is_hidden)
        if self._is_open:
            self.name, self._line = _attribute(attributes, "name")[:100], 0

    def _begin_row(self, attributes: dict[str, str]) -> None:
        is_hidden = _attribute(attributes, "visibility") in ("collapse", "filter")
        self._row = (_count(attributes, "number-rows-repeated"), is_hidden)
        self._cells, self._blank = [], 0

    def _end_row(self) -> None:
        repeated, is_hidden = self._row
        first, self._line = self._line + 1, self._line + repeated
        if not any(map(str.strip, self._cells)):
            return
        if is_hidden:
            self._grid.hidden += repeated
            return
        self._has_rows = True
        self.done.append((first, self._line, self._cells))

    def _end_cell(self) -> None:
        text = self._as_text()
        repeated = _count(self._cell, "number-columns-repeated")
        if not text:
            self._blank += repeated
            return
        if len(self._cells) + self._blank + repeated > MAX_COLUMNS:
            raise too_many_columns()
        self._cells.extend([""] * self._blank)
        self._blank = 0
        self._cells.extend([text[: MAX_CELL + 1]] * repeated)

    def _as_text(self) -> str:
        shown = "".join(self._text)
        match self._cell.get("value-type"):
            case "float":
                return self._number(shown)
            case "date":
                return self._date(shown)
            case "string":
                return shown or self._cell.get("string-value", "")
            case None if not shown:
                formula = self._cell.get("formula", "")
                return "=" + formula.partition("=")[2] if formula else ""
        return shown

    def _number(self, shown: str) -> str:
        bare = shown.replace(" ", "").replace("\xa0", "")
        try:
            text = number_as_text(value := float(self._cell.get("value", "")))
            if bare.isdecimal() and float(bare) == value:
                # With the zeros that its format puts before it.
                text = bare
        except (ValueError, OverflowError):
            return shown
        if text.isdecimal():
            self._grid.count_digits(len(self._cells) + self._blank, text)
        return text

    def _date(self, shown: str) -> str:
        given = self._cell.get("date-value", "")
        with contextlib.suppress(ValueError):
            moment = datetime.fromisoformat(given)
            shown = date_as_text(moment if "T" in given else moment.date())
            self._grid.dated = self._grid.dated or shown
        return shown


def _attribute(attributes: dict[str, str], name: str) -> str:
    return next((value for key, value in attributes.items() if local(key) == name), "")


def _count(attributes: dict[str, str], name: str) -> int:
    """How many of a thing there are; what is no number is one."""
    count = next((value for key, value in attributes.items() if local(key) == name), "1")
    return int(count) if count.isdecimal() and 0 < len(count) <= 8 and int(count) else 1
