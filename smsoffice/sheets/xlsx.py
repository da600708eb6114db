"""XLSX workbooks (ECMA-376): the rows of the first sheet that has any, without what is hidden."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from smsoffice.sheets.cells import BUILT_IN, GENERAL, Format, format_of
from smsoffice.sheets.grid import Grid, Row, SheetError
from smsoffice.sheets.package import Package, XMLReader, local
from smsoffice.sheets.xlsx_rows import Rows
from smsoffice.sheets.xlsx_strings import Strings

ROOTS = ("_rels/.rels", "xl/workbook.xml")

MAX_SHEETS = 255
MAX_STYLES = 65_490
"""What Excel itself allows."""

_MACROS = "xl/vbaProject.bin"


@dataclass(frozen=True)
class _Sheet:
    name: str
    part: str


def grid_of(package: Package) -> Grid:
    """The rows of the first sheet that has any.

    Raises:
        SheetError: the workbook is damaged, or empty.
    """
    workbook_part = _related(package, "_rels/.rels", "").get("officeDocument", ["xl/workbook.xml"])[0]
    book = _Book()
    package.parse_all(workbook_part, book)
    folder, file = posixpath.split(workbook_part)
    relations = _Relations(folder)
    package.parse_all(f"{folder}/_rels/{file}.rels", relations)
    formats = _Styles()
    for part in relations.of_kind("styles"):
        package.parse_all(part, formats)
    strings = Strings()
    for part in relations.of_kind("sharedStrings"):
        package.parse_all(part, strings)
    grid = Grid()
    if _MACROS in package:
        grid.notes.append(_("The macros in the file were not run."))
    sheets = [_Sheet(name, relations.parts[key]) for name, key in book.visible if key in relations.parts]
    for sheet in sheets:
        rows = _rows(package, sheet.part, Rows(grid, strings, formats.shapes, from_1904=book.from_1904))
        first = next(rows, None)
        if first is not None:
            if book.count > 1:
                words = _("The sheet “%(name)s” was read; the file has %(count)d.")
                grid.notes.append(words % {"name": sheet.name, "count": book.count})
            grid.rows = _again(first, rows)
            return grid
    raise SheetError(_("No visible sheet of the file has any rows."))


def _again(first: Row, rows: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rows


def _rows(package: Package, part: str, reader: Rows) -> Iterator[Row]:
    for _piece in package.parse(part, reader):
        yield from reader.done
        reader.done.clear()


def _related(package: Package, part: str, folder: str) -> dict[str, list[str]]:
    relations = _Relations(folder)
    if part in package:
        package.parse_all(part, relations)
    return relations.kinds


class _Relations(XMLReader):
    """Which parts belong to a part: by their key, and by their kind."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.parts: dict[str, str] = {}
        self.kinds: dict[str, list[str]] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if local(tag) != "Relationship" or attributes.get("TargetMode") == "External" or len(self.parts) > MAX_SHEETS:
            return
        target = posixpath.normpath(posixpath.join("/", self._folder, attributes.get("Target", ""))).lstrip("/")
        self.parts[attributes.get("Id", "")] = target
        self.kinds.setdefault(posixpath.basename(attributes.get("Type", "")), []).append(target)

    def of_kind(self, kind: str) -> list[str]:
        return self.kinds.get(kind, [])[:1]


class _Book(XMLReader):
    """The sheets of a workbook, and the day that it counts from."""

    def __init__(self) -> None:
        self.visible: list[tuple[str, str]] = []
        self.count = 0
        self.from_1904 = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        match local(tag):
            case "workbookPr":
                self.from_1904 = _is_true(attributes.get("date1904"))
            case "sheet":
                self.count += 1
                key = next((value for name, value in attributes.items() if local(name) == "id"), "")
                if attributes.get("state", "visible") == "visible" and len(self.visible) < MAX_SHEETS:
                    self.visible.append((attributes.get("name", "")[:100], key))


class _Styles(XMLReader):
    """What the formats of cells do to numbers, by the number of the cell's style."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._in_cells = False
        self.shapes: list[Format] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        match local(tag):
            case "numFmt":
                if len(self._codes) < MAX_STYLES:
                    self._codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            case "cellXfs":
                self._in_cells = True
            case "xf" if self._in_cells and len(self.shapes) < MAX_STYLES:
                self.shapes.append(self._shape(attributes.get("numFmtId", "0")))

    def _shape(self, key: str) -> Format:
        code = self._codes.get(key) or BUILT_IN.get(int(key) if key.isdecimal() else 0)
        return format_of(code) if code else GENERAL

    def end(self, tag: str) -> None:
        if local(tag) == "cellXfs":
            self._in_cells = False


def _is_true(value: str | None) -> bool:
    """Whether an attribute says yes."""
    return value in ("1", "true", "on")
