"""The list that an operator sends to: pasted, in a file, or kept from the draft that the page came back from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, cast

from django.core.files.uploadedfile import UploadedFile
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from smsoffice.exceptions import SMSError
from smsoffice.models.batch import Batch
from smsoffice.sheets import Sheet, read_file, read_text

PASTED = 5_000
"""Lines that can be pasted."""

LARGEST_FILE = 20 * 1024 * 1024
"""Bytes of an uploaded list."""

FILE_TYPES = (".csv", ".txt", ".xlsx", ".ods")


@dataclass(frozen=True, slots=True)
class Recipients:
    """A list, before its rows are read.

    Args:
        field: the input that it came from, which errors are said at.
        columns: their names.
        number_column: where the numbers stand; None where there is no list.
        source: begins to read it, each time anew.
        lines: how many were pasted.
        file_name: of an uploaded list.
        error: why it cannot be read.
    """

    field: str = "recipients"
    columns: Sequence[str] = ()
    source: Callable[[], Sheet] | None = None
    lines: int = 0
    file_name: str = ""
    error: str = ""
    number_column: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no list at all."""
        return not (self.source or self.error)

    def open(self) -> Sheet:
        """Begin to read it.

        Raises:
            SMSError: it cannot be read.
        """
        if self.source is None:
            raise SMSError(self.error)
        return self.source()


def recipients_of(pasted: str, file: UploadedFile | None, kept: Batch | None) -> Recipients:
    """The one list that is meant; where there are two, that is its error.

    Args:
        pasted: what stands in the text area.
        file: what was uploaded with the form.
        kept: a draft whose uploaded list is still meant.
    """
    lines = sum(1 for line in pasted.splitlines() if line.strip())
    if file and lines:
        return Recipients("file", error=_("Paste the numbers or choose a file, not both."))
    if file:
        return _uploaded(file)
    if kept and lines:
        return Recipients(error=_("Paste the numbers or keep the file, not both."))
    if kept:
        return Recipients(
            "file",
            kept.columns,
            partial(_kept, kept),
            file_name=kept.file_name,
            number_column=kept.summary.get("number_column", 0),
        )
    return _pasted(pasted, lines) if lines else Recipients()


def _pasted(text: str, lines: int) -> Recipients:
    if lines > PASTED:
        told = {"most": number_format(PASTED, force_grouping=True), "count": number_format(lines, force_grouping=True)}
        words = _("At most %(most)s lines at a time; there are %(count)s. Put them in a file.")
        return Recipients(lines=lines, error=words % told)
    try:
        sheet = read_text(text)
        source = partial(read_text, text)
        return Recipients(columns=sheet.columns, source=source, lines=lines, number_column=sheet.number_column)
    except SMSError as error:
        return Recipients(lines=lines, error=str(error))


def _uploaded(file: UploadedFile) -> Recipients:
    name = file.name or ""
    if (file.size or 0) > LARGEST_FILE:
        return Recipients("file", error=too_large())

    def read() -> Sheet:
        file.seek(0)
        return read_file(name, cast(IO[bytes], file))

    try:
        sheet = read()
        return Recipients("file", sheet.columns, read, file_name=name, number_column=sheet.number_column)
    except SMSError as error:
        return Recipients("file", error=str(error))


def too_large() -> str:
    """What is said of a file that is larger than any list needs to be."""
    words = _("The file is larger than %(most)d MB. Save the sheet alone, or send it in several files.")
    return words % {"most": LARGEST_FILE // 1024**2}


def _kept(batch: Batch) -> Sheet:
    return Sheet(
        columns=batch.columns,
        rows=_rows_of(batch),
        notes=list(batch.notes),
        number_column=batch.summary.get("number_column", 0),
        heading=batch.summary.get("heading"),
    )


def _rows_of(batch: Batch) -> Iterator[tuple[int, list[str]]]:
    for rows in batch.chunks.order_by("number").values_list("rows", flat=True).iterator(chunk_size=10):
        yield from rows
