"""The export of the whole log: rows a second, when the first byte comes, and the memory that it takes."""

from __future__ import annotations

import csv
import io
import resource
import time
from pathlib import Path
from typing import Any

from django.test import Client

from smsoffice.export.columns import USUAL
from smsoffice.models.sms import OutputSMSMessage
from tests.benchmarks.log_pages import LIST

MOST_FIRST_BYTE, MOST_MEMORY = 0.5, 30.0
LEAST_RATE = {"csv": 40_000, "xlsx": 0}
"""Rows a second; of a workbook none are promised."""


def memory() -> float:
    """The memory that this process holds now, in MB; a peak would hide behind an earlier one."""
    pages_held = int(Path("/proc/self/statm").read_text().split()[1])
    return pages_held * resource.getpagesize() / 1e6


def tell_bare(count: int) -> None:
    """The bare limit of an export: the same columns, read as they are stored and written by Python's csv module."""
    columns = ["created_at", "recipient", "content", "state", "error"]
    columns += ["sent_at", "backend", "template_slug", "tag", "segments"]
    rows = OutputSMSMessage.objects.order_by("-created_at", "-pk").values_list(*columns)
    writer, started = csv.writer(io.StringIO()), time.perf_counter()
    for row in rows[:count].iterator(chunk_size=2_000):
        writer.writerow(row)
    print(f"bare limit of an export, by csv.writer: {count / (time.perf_counter() - started):,.0f} rows/s")


def export(client: Client, count: int, file_format: str) -> None:
    """Take the log away as a file, and tell what it cost."""
    before, started = memory(), time.perf_counter()
    answer: Any = client.post(f"{LIST}export/", {"format": file_format, "column": list(USUAL)})
    stream = iter(answer.streaming_content)
    size = len(next(stream))
    first_byte = time.perf_counter() - started
    most = before
    for piece in stream:
        size += len(piece)
        most = max(most, memory())
    rate, grown = count / (time.perf_counter() - started), most - before
    holds = rate >= LEAST_RATE[file_format] and first_byte <= MOST_FIRST_BYTE and grown <= MOST_MEMORY
    promised = f"promised {f'{LEAST_RATE[file_format]:,}/s, ' if LEAST_RATE[file_format] else ''}0.5 s, 30 MB"
    print(
        f"export of {count:,} as {file_format.upper()}: {rate:,.0f} rows/s, first byte after {first_byte:.3f} s, "
        f"{grown:.1f} MB more memory, {size / 1e6:.0f} MB of file   {promised}   {verdict(holds)}"
    )


def verdict(holds: bool) -> str:
    """The last word of a line."""
    return "holds" if holds else "DOES NOT HOLD"
