"""Rows as CSV or XLSX, a piece at a time, safe to open in a spreadsheet: no cell ever starts a formula."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from xml.sax.saxutils import escape

from django.utils import formats
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from smsoffice.export.columns import Cell
from smsoffice.export.formulas import safe

Chunks = Iterable[list[list[Cell]]]

XLSX_ROWS = 1_048_575
"""Rows that a sheet holds beneath its headings."""

XLSX_TEXT = 32_767
"""Characters that a cell of a sheet holds."""


def csv_file(headings: Sequence[str], chunks: Chunks) -> Iterator[bytes]:
    """CSV in UTF-8 with the mark by which Excel knows it; fields are parted as Excel expects in the active language."""
    separator = ";" if formats.get_format("DECIMAL_SEPARATOR") == "," else ","
    return _csv_pieces(headings, chunks, separator)


def _csv_pieces(headings: Sequence[str], chunks: Chunks, separator: str) -> Iterator[bytes]:
    yield "\ufeff".encode() + _csv([list(headings)], separator)
    for chunk in chunks:
        yield _csv(zip(*map(_safe_column, zip(*chunk, strict=True)), strict=True), separator)


def _safe_column(column: Sequence[Cell]) -> Sequence[Cell]:
    # Most columns say the same few things in all rows, and each is looked at once.
    texts = {cell for cell in column if isinstance(cell, str)}
    changed = {text: made for text in texts if (made := safe(text)) != text}
    return [changed.get(cell, cell) if isinstance(cell, str) else cell for cell in column] if changed else column


def _csv(rows: Iterable[Sequence[Cell]], separator: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode()


# --- XLSX: openpyxl makes the workbook, and we its rows, as it would hold each cell as an object --------------------

_SHEET = "xl/worksheets/sheet1.xml"
_DAY_ZERO = datetime(1899, 12, 30)
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What reads like the escape of a character would be read as that character.
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_TEXT, _MOMENT = 1, 2
_WIDTHS = (20, 18, 60)


def xlsx_file(headings: Sequence[str], chunks: Chunks) -> Iterator[bytes]:
    """An XLSX workbook of one sheet; texts are cells of text, times are times."""
    pieces = _Pieces()
    frame = _frame(headings)
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, content in frame.parts.items():
            package.writestr(name, content)
        with package.open(_SHEET, "w", force_zip64=True) as sheet:
            sheet.write(frame.before)
            yield pieces.take()
            for chunk in chunks:
                sheet.write("".join(map(_xlsx_row, chunk)).encode())
                yield pieces.take()
            sheet.write(frame.after)
    yield pieces.take()


class _Pieces(io.RawIOBase):
    """A file that can only be appended to, and is taken away in pieces."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._written += data
        return len(data)

    def take(self) -> bytes:
        piece, self._written = bytes(self._written), bytearray()
        return piece


class _Frame(NamedTuple):
    """A workbook without its rows: all parts but the sheet, and the sheet's beginning and end."""

    parts: dict[str, bytes]
    before: bytes
    after: bytes


def _frame(headings: Sequence[str]) -> _Frame:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("SMS")
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABC", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append([_xlsx_text(heading) for heading in headings])
    # A row that is cut off again: by it the workbook has the styles, in the order of _TEXT and _MOMENT.
    samples = [WriteOnlyCell(sheet, value="") for _style in ("@", "yyyy-mm-dd hh:mm:ss")]
    for cell, style in zip(samples, ("@", "yyyy-mm-dd hh:mm:ss"), strict=True):
        cell.number_format = style
    sheet.append(samples)
    saved = io.BytesIO()
    book.save(saved)
    with zipfile.ZipFile(saved) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    before, _sample_row, after = re.split(b'(<row r="2">.*?</row>)', parts.pop(_SHEET), maxsplit=1)
    return _Frame(parts, before, after)


def _xlsx_row(row: list[Cell]) -> str:
    return f"<row>{''.join(map(_xlsx_cell, row))}</row>"


def _xlsx_cell(cell: Cell) -> str:
    if isinstance(cell, str):
        if not cell:
            return "<c/>"
        text = escape(_xlsx_text(cell), {"\r": "&#13;"})
        return f'<c t="inlineStr" s="{_TEXT}"><is><t xml:space="preserve">{text}</t></is></c>'
    if isinstance(cell, datetime):
        return f'<c s="{_MOMENT}"><v>{(cell - _DAY_ZERO).total_seconds() / 86400}</v></c>'
    return f"<c><v>{cell}</v></c>"


def _xlsx_text(text: str) -> str:
    """As much of a text as a cell takes."""
    return _ESCAPE.sub("_x005F_", _UNWRITABLE.sub("\ufffd", text[:XLSX_TEXT]))


FORMATS: dict[str, Callable[[Sequence[str], Chunks], Iterator[bytes]]] = {"csv": csv_file, "xlsx": xlsx_file}

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
