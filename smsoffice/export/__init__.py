"""The message log as a file: CSV or XLSX, of any size, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from django.db.models import QuerySet

from smsoffice.export.columns import Cell, headings, rows
from smsoffice.export.files import FORMATS
from smsoffice.models.sms import OutputSMSMessage


def export(
    messages: QuerySet[OutputSMSMessage],
    file_format: str,
    columns: Sequence[str],
    progress: Callable[[int], object] = lambda count: None,
) -> Iterator[bytes]:
    """The file of messages, newest first, piece by piece; the first needs no row. Closing it leaves nothing open.

    Args:
        file_format: one of FORMATS.
        columns: names of the columns, in their order.
        progress: called with the number of rows whenever some were written.
    """
    stored = rows(messages, columns)
    pieces = FORMATS[file_format](headings(columns), _counted(stored, progress))
    return _closing(pieces, stored)


def _counted(stored: Iterator[list[list[Cell]]], progress: Callable[[int], object]) -> Iterator[list[list[Cell]]]:
    for chunk in stored:
        yield chunk
        progress(len(chunk))


def _closing(pieces: Iterator[bytes], stored: Iterator[list[list[Cell]]]) -> Iterator[bytes]:
    with closing(stored):  # type: ignore[type-var]  # they are generators
        yield from pieces
