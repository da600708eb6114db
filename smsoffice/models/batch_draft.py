"""Drafts of bulk sends: a list that is kept by the thousand rows, and read again a row at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from django.utils.translation import get_language

from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_check import Plan, Refusal
from smsoffice.models.bulk import CHUNK
from smsoffice.models.common import storable
from smsoffice.models.sms import AbstractSMSTemplate, OutputSMSMessage
from smsoffice.sheets import Sheet


def store_draft(
    *,
    user_id: int,
    template: AbstractSMSTemplate | None,
    own_text: str,
    values: Mapping[str, Any],
    sheet: Sheet,
    file_name: str = "",
    tag: str = "",
    send_after: datetime | None = None,
    expires_at: datetime | None = None,
    first: int | None = None,
    failure_limit: int | None = None,
    title: str = "",
) -> Batch:
    """Keep a list as a draft, with the text as it is now. Its rows are read once and never held whole.

    Each thousand rows are a transaction of their own, so that nobody waits while a long file is read. Until all are
    there the draft has no total, nothing checks it, and it cannot be confirmed. The language in force is kept with it:
    in that its rows are refused, whoever checks them.

    Args:
        template: None for `own_text`.
        values: common values by the variables' names.
        file_name: of an uploaded list; "" for a pasted one.
        first: pause after so many rows; None: do not.
        failure_limit: percent that may fail before it pauses; None: as the settings say.

    Raises:
        SheetError: the list cannot be read to its end; nothing is kept.
    """
    batch = Batch.objects.create(
        title=storable(title)[:200],
        user_id=user_id,
        template=template,  # type: ignore[misc]  # the model in force, which a host may have swapped
        template_slug=template.slug if template else "",
        template_version=template.version if template else None,
        body=template.body if template else own_text,
        values=dict(values),
        columns=sheet.columns,
        file_name=storable(file_name)[-200:],
        tag=tag,
        send_after=send_after,
        expires_at=expires_at,
        first=first,
        failure_limit=failure_limit,
        summary={"number_column": sheet.number_column, "heading": sheet.heading, "language": get_language()},
    )
    try:
        batch.total = _store_rows(batch, sheet.rows)
        # Complete only now that the rows were read.
        batch.notes = storable(sheet.notes)
        batch.save(update_fields=["total", "notes"])
    except BaseException:
        batch.chunks.all().delete()
        batch.delete()
        raise
    return batch


def _store_rows(batch: Batch, rows: Iterator[tuple[int, list[str]]]) -> int:
    total = number = 0
    while chunk := [(line, storable(cells)) for line, cells in islice(rows, CHUNK)]:
        BatchChunk.objects.create(batch=batch, number=number, rows=chunk)
        total += len(chunk)
        number += 1
    return total


def sendable_row(batch: Batch, number: int) -> tuple[int, OutputSMSMessage] | None:
    """The line and the unsaved message of one of the rows that can be sent.

    Args:
        number: which of them, from 1.

    Returns:
        None where there are fewer, or where they are messages already.

    Raises:
        SMSError: nothing can be made out of the draft any more: as for `Plan.of`.
    """
    if not 1 <= number <= batch.sendable:
        return None
    for place, sendable in enumerate(batch.summary.get("sendable", ())):
        if number <= sendable:
            return _row(batch, place, number)
        number -= sendable
    return None


def _row(batch: Batch, place: int, number: int) -> tuple[int, OutputSMSMessage] | None:
    chunk = batch.chunks.order_by("number")[place]
    left_out = {line for line, *_rest in chunk.refused}
    rows = ((line, cells) for line, cells in chunk.rows if line not in left_out)
    found = next(islice(rows, number - 1, None), None)
    return (found[0], Plan.of(batch).draft(found[1])) if found else None


def longest_row(batch: Batch) -> tuple[int, OutputSMSMessage] | None:
    """The line and the unsaved message of the longest text; None as for `sendable_row`."""
    longest = batch.summary.get("longest")
    return sendable_row(batch, longest["number"]) if longest else None


def refused_rows(batch: Batch) -> Iterator[Refusal]:
    """The rows that are not sent, in the order of the list."""
    for refused in batch.chunks.order_by("number").values_list("refused", flat=True).iterator(chunk_size=10):
        for row in refused:
            yield Refusal(*row)


def draft_text(batch: Batch) -> str:
    """A pasted list as it can be pasted again, each row on its line; "" for an uploaded one."""
    if batch.file_name:
        return ""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    written = 0
    for line, cells in _with_heading(batch):
        text.write("\n" * (line - written - 1))
        writer.writerow(cells)
        written = line + sum(cell.count("\n") for cell in cells)
    return text.getvalue()


def _with_heading(batch: Batch) -> Iterator[tuple[int, list[str]]]:
    if heading := batch.summary.get("heading"):
        yield heading, batch.columns
    for rows in batch.chunks.order_by("number").values_list("rows", flat=True).iterator(chunk_size=10):
        yield from rows
