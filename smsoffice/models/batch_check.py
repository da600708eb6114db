"""The check of a list before anything is sent: what can be sent, and which rows are refused for what reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from smsoffice.exceptions import SMSError
from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_plan import Plan, RowRefused
from smsoffice.models.batch_report import Refusal, Report, Tally

__all__ = ["Plan", "Refusal", "Report", "RowRefused", "check_draft", "check_rows", "in_its_language"]


def check_rows(plan: Plan, rows: Iterable[tuple[int, list[str]]], keep: int = 50, pick: int = 1) -> Report:
    """Check a list that is not stored.

    Args:
        rows: as `smsoffice.sheets.Sheet` has them.
        keep: how many refused rows the report lists.
        pick: which of the sendable rows the report shows, from 1.

    Raises:
        SheetError: the list cannot be read to its end.
    """
    tally = Tally(keep, pick)
    for line, cells in rows:
        _check_row(plan, tally, line, cells)
    return tally.report(plan.unused)


def in_its_language(batch: Batch) -> translation.override:
    """The language of who stored the bulk send's list, whoever works on it: in it they read what is refused."""
    return translation.override(batch.summary.get("language") or settings.LANGUAGE_CODE)


def check_draft(batch: Batch) -> Iterator[int]:
    """Check a stored draft, a chunk a step; to begin anew is harmless.

    What was found is written: refused rows into the chunks, the totals and the summary into the bulk send; reasons in
    its operator's language.

    Yields:
        How many rows are checked.
    """
    drafts = Batch.objects.filter(pk=batch.pk, status=Batch.Status.DRAFT)
    tally, sendable = Tally(), []
    with in_its_language(batch):
        plan, problem = _plan_of(batch)
    # Nobody confirms it on the ground of an earlier check, of which half is overwritten.
    drafts.update(check_progress=0, checked_at=None)
    for pk in list(batch.chunks.order_by("number").values_list("pk", flat=True)):
        rows = BatchChunk.objects.values_list("rows", flat=True).get(pk=pk)
        with in_its_language(batch):
            found = [_check_row(plan, tally, line, cells, problem) for line, cells in rows]
        refused = [refusal for refusal in found if refusal]
        sendable.append(len(rows) - len(refused))
        BatchChunk.objects.filter(pk=pk, batch__in=drafts).update(refused=refused)
        if not drafts.update(check_progress=tally.total):
            return
        yield tally.total
    with in_its_language(batch):
        report = tally.report(plan.unused if plan else [])
    summary = {**batch.summary, **report.summary(), "sendable": sendable, "problem": problem}
    drafts.update(
        total=report.total,
        sendable=report.sendable,
        refused=report.refused,
        summary=summary,
        check_progress=report.total,
        checked_at=timezone.now(),
    )
    batch.refresh_from_db()


def _plan_of(batch: Batch) -> tuple[Plan | None, str]:
    """How its rows become messages; or why none of them can."""
    try:
        return Plan.of(batch), ""
    except SMSError as error:
        return None, str(error)


def _check_row(plan: Plan | None, tally: Tally, line: int, cells: Sequence[str], problem: str = "") -> Refusal | None:
    try:
        if plan is None:
            raise RowRefused("", "", problem)
        message = plan.draft(cells)
        if first := tally.same_as(line, message):
            words = _("The same text to the same number as line %(line)d.") % {"line": first}
            kind = _("The same text to the same number as another line.")
            raise RowRefused(plan.columns[plan.number_column], cells[plan.number_column], words, kind)
    except RowRefused as error:
        return tally.refuse(Refusal(line, error.column, error.cell, error.reason), error.kind)
    tally.accept(line, message)
    return None
