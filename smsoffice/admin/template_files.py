"""The files that templates move in: CSV, JSON and XLSX, told apart by their content, and refused in words."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, ClassVar

import tablib
from django.utils.translation import gettext as _
from import_export.formats.base_formats import Format

from smsoffice.exceptions import SMSError
from smsoffice.export.files import MEDIA_TYPES, XLSX_TEXT, csv_file, xlsx_file
from smsoffice.export.formulas import BREAKS, INNER, safe

MAX_BYTES = 2_000_000
MAX_UNPACKED = 10_000_000
MAX_ROWS = 1_000
MAX_COLUMNS = 50

_ZIP, _OLE = b"PK", bytes.fromhex("D0CF11E0A1B11AE1")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DELIMITERS = (";", "\t", ",")
# Our own workbooks spell a text that looks like an escape so; Excel's own are read by the library.
_SPELLED = re.compile("_x005F_(?=x[0-9A-Fa-f]{4}_)")

Rows = Iterable[tuple[int, list[Any]]]


class FileError(SMSError):
    """The file cannot be read, or not be written; the text says why and what to do."""


class TemplateFile(Format):  # type: ignore[misc]  # import-export has no types
    """One of the kinds of file; what import-export asks of each."""

    title: ClassVar[str]
    extension: ClassVar[str]
    content_type: ClassVar[str]
    keeps_types: ClassVar[bool] = False
    """Whether a list stays a list and a truth a truth in it."""

    def get_title(self) -> str:
        return self.title

    def get_extension(self) -> str:
        return self.extension

    def get_content_type(self) -> str:
        return self.content_type

    def can_import(self) -> bool:
        return True

    def can_export(self) -> bool:
        return True


class CSVFile(TemplateFile):
    """CSV in whatever encoding a spreadsheet wrote it; written in UTF-8 with the mark by which Excel knows it."""

    title, extension, content_type = "CSV", "csv", MEDIA_TYPES["csv"]

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        text = _decoded(in_stream)
        first = text.lstrip("\r\n").partition("\n")[0]
        # The columns' names hold none of them, so whatever is there parts the cells.
        delimiter = next((sign for sign in _DELIMITERS if sign in first), ",")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        return dataset_of(_taken(enumerate(_csv_rows(reader), start=1)))

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        return b"".join(csv_file(dataset.headers, [_guarded(dataset)]))


class XLSXFile(TemplateFile):
    """The first sheet of an XLSX workbook; all cells are written as texts."""

    title, extension, content_type = "XLSX", "xlsx", MEDIA_TYPES["xlsx"]

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        return dataset_of(_taken(_xlsx_rows(in_stream)))

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        rows = _guarded(dataset)
        for row in rows:
            if any(len(cell) > XLSX_TEXT for cell in row):
                words = _("“%(slug)s” has more text than a cell of XLSX holds. Export as CSV or JSON.")
                raise FileError(words % {"slug": row[0]})
        return b"".join(xlsx_file(dataset.headers, [rows]))


class JSONFile(TemplateFile):
    """A list of objects, one a template."""

    title, extension, content_type, keeps_types = "JSON", "json", "application/json", True

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        try:
            rows = json.loads(_decoded(in_stream))
        except json.JSONDecodeError as error:
            words = _("Line %(line)d, column %(column)d: this is not JSON. Export the templates anew.")
            raise FileError(words % {"line": error.lineno, "column": error.colno}) from error
        except (ValueError, RecursionError) as error:
            raise FileError(_("This is not JSON of templates. Export the templates anew.")) from error
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise FileError(_("The JSON is no list of templates, each with its slug and body."))
        headers = list(dict.fromkeys(name for row in rows for name in row))
        if any(row.keys() != rows[0].keys() for row in rows):
            raise FileError(_("Not all templates of the file have the same fields. Export the templates anew."))
        return dataset_of([(0, headers), *enumerate(([row[name] for name in headers] for row in rows), start=1)])

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        return json.dumps(dataset.dict, ensure_ascii=False, indent=2, default=str).encode()


FILES: list[type[TemplateFile]] = [CSVFile, XLSXFile, JSONFile]


def kind_of(head: bytes) -> int:
    """The place in FILES of what a file is, told by its beginning.

    Raises:
        FileError: it is none of them.
    """
    if head.startswith(_OLE):
        raise FileError(_("This is a workbook of the old kind (XLS), or one with a password. Save it as XLSX."))
    if head.startswith(_ZIP):
        return FILES.index(XLSXFile)
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    return FILES.index(JSONFile if text[:1] in (b"[", b"{") else CSVFile)


def dataset_of(rows: Rows) -> tablib.Dataset:
    """The rows as import-export takes them: the first names the columns; blank ones are left out.

    The data set gets an attribute `lines`: the row that each of its rows is in the file.

    Raises:
        FileError: there are too many, or none.
    """
    filled = [(line, cells) for line, cells in rows if any(cell not in (None, "") for cell in cells)]
    if len(filled) < 2:
        raise FileError(_("There are no templates in the file."))
    if len(filled) > MAX_ROWS + 1:
        raise FileError(_("The file has more than %(most)d templates. Divide it.") % {"most": MAX_ROWS})
    (_first, names), *others = filled
    headers = [str(name).strip() for name in names]
    while headers and not headers[-1]:
        headers.pop()
    if len(set(headers)) < len(headers):
        raise FileError(_("Two columns have the same name. Rename one of them."))
    dataset = tablib.Dataset(headers=headers)
    for line, cells in others:
        if any(cell not in (None, "") for cell in cells[len(headers) :]):
            raise FileError(_("Row %(row)d has more cells than there are columns. Correct it.") % {"row": line})
        dataset.append([*cells, *[""] * len(headers)][: len(headers)])
    dataset.lines = [line for line, _cells in others]
    return dataset


# --- Cells that start no formula -------------------------------------------------------------------------------------


def _guarded(dataset: tablib.Dataset) -> list[list[Any]]:
    return [[guarded(str(cell)) for cell in row] for row in dataset]


# An apostrophe of the cell's own where one may be set gets another: else the reader could not tell the two.
_WITHIN = re.compile(rf"(?<=[{BREAKS}])'(?='*{INNER})")


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `unguarded` gives back what it was."""
    own = "'" if cell[:1] == "'" else ""
    return own + safe(_WITHIN.sub("''", cell))


def unguarded(cell: str) -> str:
    """The cell without the apostrophes that `guarded` set."""
    cell = _WITHIN.sub("", cell)
    return cell[1:] if cell[:1] == "'" and safe(cell[1:])[:1] == "'" else cell


def _taken(rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[Any]]]:
    for line, cells in rows:
        yield line, list(map(unguarded, cells))


# --- Reading ---------------------------------------------------------------------------------------------------------


def _decoded(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    for encoding in () if b"\0" in content else ("utf-8", "cp1250"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileError(_("The encoding of the file is not known. Save it as CSV in UTF-8, or as XLSX."))


def _csv_rows(reader: Any) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        words = _("Line %(line)d has a cell that is too long, or that cannot be read. Correct it.")
        raise FileError(words % {"line": reader.line_num}) from error


def _xlsx_rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            # The library never unpacks more of a part than its size as it is told here.
            size = sum(part.file_size for part in package.infolist())
    except Exception as error:
        raise _damaged() from error
    if size > MAX_UNPACKED:
        raise FileError(_("The file would unpack to far more than a list of rows. Save it anew with the rows alone."))
    try:
        yield from _cells(content)
    except Exception as error:
        # Whatever the library trips on.
        raise _damaged() from error


def _cells(content: bytes) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        # What it says of styles and extensions that it does not know.
        warnings.simplefilter("ignore")
        sheet = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False).worksheets[0]
        rows = enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True), start=1)
        # A cell at the far end of the sheet has a million blank rows before it.
        filled = ((line, row) for line, row in rows if any(cell is not None for cell in row))
        for line, row in islice(filled, MAX_ROWS + 2):
            yield line, list(map(_as_text, row))


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return _SPELLED.sub("_", value) if isinstance(value, str) else str(value)


def _damaged() -> FileError:
    return FileError(_("The file is damaged. Open it in a spreadsheet program, save it, and choose it again."))
