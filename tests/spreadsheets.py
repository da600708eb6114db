"""Spreadsheets for tests: workbooks by openpyxl, and files whose parts a test writes itself."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from openpyxl import Workbook

SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_OASIS = "urn:oasis:names:tc:opendocument:xmlns"


def workbook(rows: Iterable[Iterable[Any]]) -> Workbook:
    """A workbook whose only sheet has these rows."""
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    return book


def saved(book: Workbook) -> io.BytesIO:
    """The workbook as its file."""
    file = io.BytesIO()
    book.save(file)
    return file


def xlsx(rows: Iterable[Iterable[Any]]) -> io.BytesIO:
    """An XLSX file with these rows."""
    return saved(workbook(rows))


def packed(parts: Mapping[str, str | bytes]) -> io.BytesIO:
    """A zip file with these parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


def xlsx_of(sheet: str, strings: str = "", head: str = "") -> io.BytesIO:
    """An XLSX file whose `sheetData` and shared strings are written by the test.

    Args:
        sheet: the XML of the rows.
        strings: the XML of the shared strings.
        head: what stands before the root of the sheet.
    """
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": _relations(("rId1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="People" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(
            ("rId1", "worksheet", "worksheets/sheet1.xml"), ("rId2", "sharedStrings", "sharedStrings.xml")
        ),
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{strings}</sst>',
        "xl/worksheets/sheet1.xml": f'{head}<worksheet xmlns="{_MAIN}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    return packed(parts)


def _relations(*relations: tuple[str, str, str]) -> str:
    each = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"/>' for key, kind, target in relations
    )
    return f'<Relationships xmlns="{_PACKAGE}">{each}</Relationships>'


def ods(
    tables: str, *, styles: str = "", mimetype: str = SPREADSHEET, manifest: str = "", head: str = ""
) -> io.BytesIO:
    """An ODS file whose tables are written by the test."""
    spaces = " ".join(f'xmlns:{name}="{_OASIS}:{name}:1.0"' for name in ("office", "table", "text", "style", "draw"))
    content = (
        f"{head}<office:document-content {spaces}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    return packed({"mimetype": mimetype, "content.xml": content, "META-INF/manifest.xml": manifest})


def ods_table(rows: Iterable[str], name: str = "People", style: str = "") -> str:
    """A table of rows that are XML."""
    return f'<table:table table:name={quoteattr(name)} table:style-name="{style}">{"".join(rows)}</table:table>'


def ods_row(*cells: str, attributes: str = "") -> str:
    """A row of cells that are XML, as `ods_cell` makes them."""
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def ods_cell(text: str = "", attributes: str = 'office:value-type="string"') -> str:
    """A cell that shows a text."""
    shown = f"<text:p>{escape(text)}</text:p>" if text else ""
    return f"<table:table-cell {attributes}>{shown}</table:table-cell>"
