"""Lists that are text: pasted, or a CSV file in whatever encoding a spreadsheet program wrote it."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import IO

from django.utils.translation import gettext as _

from smsoffice.plaindata import grouped
from smsoffice.sheets.cells import MAX_CELL
from smsoffice.sheets.grid import Grid, Row, SheetError

MAX_LINE = 1_000_000
"""Characters of a line."""

MAX_LINES = 50
"""Lines of one row: more of them mean a quotation mark that nobody closed."""

_PIECE = 1 << 16
_DELIMITERS = ("\t", ";", ",")
_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)
# `="0601..."` is how a CSV file keeps Excel from dropping a zero.
_QUOTED = re.compile(r'="([^"]*)"')
_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f]")


def grid_of(pasted: str) -> Grid:
    """The rows of a pasted list, by the lines of the field that it was pasted into."""
    return Grid(_rows(_lines([pasted.removeprefix("\ufeff")]), by_record=False), is_exact=False)


def grid_of_file(uploaded: IO[bytes]) -> Grid:
    """The rows of a CSV file, counted as a spreadsheet program counts them.

    Raises:
        SheetError: it is no text.
    """
    encoding, name, mark = _encoding(uploaded)
    uploaded.seek(mark)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    pieces = (decoder.decode(piece, final=not piece) for piece in chain(_pieces(uploaded), [b""]))
    notes = [_("The file was read as %(encoding)s.") % {"encoding": name}]
    return Grid(_rows(_lines(pieces), by_record=True), notes, is_exact=False)


def _pieces(uploaded: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: uploaded.read(_PIECE), b"")


def _encoding(uploaded: IO[bytes]) -> tuple[str, str, int]:
    """The codec that reads the file, its name for people, and the bytes of its mark."""
    uploaded.seek(0)
    head = uploaded.read(_PIECE)
    for mark, codec, name in _MARKS:
        if head.startswith(mark):
            return codec, name, len(mark)
    # Latin letters in UTF-16 without a mark: every other byte is 0.
    for codec, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if b"\0" in head and zeros.count(0) > 0.5 * len(zeros):
            return codec, "UTF-16", 0
    if _BINARY.search(head):
        raise SheetError(_("The file is neither a spreadsheet nor a list in text. Save it as XLSX, ODS or CSV."))
    for codec, name in (("utf-8", "UTF-8"), ("cp1250", "Windows-1250")):
        if _decodes(uploaded, codec):
            return codec, name, 0
    raise SheetError(_("The encoding of the file is not known. Save it as CSV in UTF-8, or as XLSX."))


def _decodes(uploaded: IO[bytes], codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    uploaded.seek(0)
    try:
        for piece in _pieces(uploaded):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    """Lines with their line feed, which alone ends one: not what else Unicode counts among the line ends."""
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    rest, number = "", 0
    for piece in chain(pieces, [""]):
        *lines, rest = (rest + newlines.decode(piece, final=not piece)).split("\n")
        for line in lines:
            number += 1
            yield line + "\n"
        if len(rest) > MAX_LINE:
            words = _("Line %(line)d has more than %(most)s characters. This is no list of rows.")
            raise SheetError(words % {"line": number + 1, "most": grouped(MAX_LINE)})
    if rest:
        yield rest


def _rows(lines: Iterator[str], *, by_record: bool) -> Iterator[Row]:
    first = list(islice(lines, 20))
    skipped = 0
    if separator := _SEPARATOR.fullmatch(first[0].strip("\n\r ")) if first else None:
        delimiter: str | None = separator[1]
        skipped = 1
    else:
        delimiter = _delimiter(first)
    every = chain(first[skipped:], lines)
    if delimiter is None:
        # No quotation mark can make a cell of several lines here.
        return ((number, [_cell(line)]) for number, line in enumerate(every, start=1 + skipped))
    return _records(every, delimiter, skipped, by_record=by_record)


def _delimiter(lines: list[str]) -> str | None:
    """What stands between the cells of the first line that is not blank, outside of quotation marks."""
    first = next((line for line in lines if line.strip()), "")
    bare = re.sub('"[^"]*"', "", first)
    return next((delimiter for delimiter in _DELIMITERS if delimiter in bare), None)


def _records(lines: Iterator[str], delimiter: str, skipped: int, *, by_record: bool) -> Iterator[Row]:
    """The rows of CSV, each with its number or with the line that it starts in."""
    start = unfinished = 0

    def watched() -> Iterator[str]:
        nonlocal unfinished
        for line in lines:
            if unfinished >= MAX_LINES:
                break
            unfinished += 1
            yield line
        if unfinished:
            words = _('Line %(line)d: a quotation mark (") is opened and never closed.')
            raise SheetError(words % {"line": start + skipped + 1})

    reader = csv.reader(watched(), delimiter=delimiter)
    try:
        for number, cells in enumerate(reader, start=1):
            yield (number if by_record else start + 1) + skipped, list(map(_cell, cells))
            start, unfinished = reader.line_num, 0
    except csv.Error as error:
        words = _("Line %(line)d has a cell that is too long, or that cannot be read. Correct it.")
        raise SheetError(words % {"line": start + skipped + 1}) from error


def _cell(text: str) -> str:
    text = text.strip()
    if quoted := _QUOTED.fullmatch(text):
        return quoted[1]
    return text[: MAX_CELL + 1]
