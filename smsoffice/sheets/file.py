"""An uploaded file: what it is, told by its content."""

from __future__ import annotations

from typing import IO

from django.utils.translation import gettext as _

from smsoffice.plaindata import grouped
from smsoffice.sheets import ods, text, xlsx
from smsoffice.sheets.grid import Grid, SheetError
from smsoffice.sheets.package import Package, locked

MAX_MEGABYTES = 25

_ZIP = b"PK"
_OLE = bytes.fromhex("D0CF11E0A1B11AE1")
# The name of the only stream of a workbook with a password, in the directory of the old container.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MARKUP = (b"<?xml", b"<html", b"<!doctype", b"<table", b"<head", b"<meta", b"<body")


def grid_of(name: str, uploaded: IO[bytes]) -> Grid:
    """The rows of a file.

    Args:
        name: as its owner calls it, for the sentences.
        uploaded: seekable.

    Raises:
        SheetError: it is not a list of rows, or not one that can be read.
    """
    uploaded.seek(0, 2)
    size = uploaded.tell()
    if not size:
        raise SheetError(_("The file “%(name)s” is empty.") % {"name": name[-100:]})
    if size > MAX_MEGABYTES * 1_000_000:
        words = _("The file has more than %(most)s MB. Leave out what is not sent, or divide it.")
        raise SheetError(words % {"most": grouped(MAX_MEGABYTES)})
    uploaded.seek(0)
    head = uploaded.read(1024)
    if head.startswith(_OLE):
        raise _why_not(uploaded)
    if head.startswith(_ZIP):
        return _spreadsheet(Package(uploaded))
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_MARKUP):
        words = _("The file is a web page. Open it in a spreadsheet program and save it as XLSX or ODS.")
        raise SheetError(words)
    if start.startswith(b"%pdf"):
        raise SheetError(_("The file is a PDF. Save the list as XLSX, ODS or CSV."))
    return text.grid_of_file(uploaded)


def _spreadsheet(package: Package) -> Grid:
    if "xl/workbook.bin" in package:
        raise SheetError(_("The file is a binary workbook (XLSB). Save it as XLSX."))
    if "mimetype" in package and "content.xml" in package:
        return ods.grid_of(package)
    if "[Content_Types].xml" in package and any(name in package for name in xlsx.ROOTS):
        return xlsx.grid_of(package)
    raise SheetError(_("The file is packed, but it is no spreadsheet. Save the list as XLSX, ODS or CSV."))


def _why_not(uploaded: IO[bytes]) -> SheetError:
    uploaded.seek(0)
    if _ENCRYPTED in uploaded.read():
        return locked()
    return SheetError(_("The file is in the old format of Excel (XLS). Open it there and save it as XLSX."))
