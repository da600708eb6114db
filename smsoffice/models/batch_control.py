"""The red button: pause, go on and stop a bulk send. Each is one guarded UPDATE, and the claim obeys it at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from smsoffice.exceptions import SMSError
from smsoffice.models.batch import Batch
from smsoffice.models.batch_numbers import numbers
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.models.transitions import Evidence, Source, record
from smsoffice.states import State

Status = Batch.Status

CHUNK = 500
PATIENCE = 30.0
"""Seconds for which the button tries to be pressed where only one may write at a time."""

AT_ONCE = 2_000
"""Rows that `stop` itself ends; the queue ends the others."""


class BatchOver(SMSError):
    """The bulk send has finished or was stopped before.

    Args:
        batch: as it stands now.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        stopped = batch.status == Status.STOPPED
        words = _("It had been stopped at %s.") if stopped else _("It had finished at %s.")
        moment = timezone.localtime((batch.stopped_at if stopped else batch.finished_at) or timezone.now())
        super().__init__(words % formats.date_format(moment, "DATETIME_FORMAT"))


class Moved(NamedTuple):
    """What a button did: the bulk send as it stands now, and whether this press moved it there; else it was there."""

    batch: Batch
    by_this_press: bool


def pause(batch_id: UUID, user_id: int | None = None, reason: str = "") -> Moved:
    """Hand nothing more over until `go_on`; what is in flight is answered.

    Args:
        user_id: who; None where it pauses itself, for `reason` in words.

    Raises:
        BatchOver: there is nothing left to pause.
    """
    by = {"paused_at": timezone.now(), "paused_by_id": user_id, "pause_reason": reason}
    return _move(batch_id, [Status.RUNNING], Status.PAUSED, **by)


def go_on(batch_id: UUID, user_id: int) -> Moved:
    """Hand over again. Failures are counted anew, and the first rows are not waited for a second time.

    Raises:
        BatchOver: there is nothing left to hand over.
    """
    batch = Batch.objects.get(pk=batch_id)
    told = numbers(batch)
    seen: dict[str, Any] = {"forgiven": [told.failed, told.handed_over], "pause_reason": "", "pace": []}
    if batch.first is not None and told.total - told.not_sent >= batch.first:
        seen["first"] = None
    return _move(batch_id, [Status.PAUSED], Status.RUNNING, **seen)


def stop(batch_id: UUID, user_id: int) -> Moved:
    """End it for good: what waits becomes ERROR, rows that are not written yet never are.

    Raises:
        BatchOver: it had finished, or been stopped.
    """
    by = {"stopped_at": timezone.now(), "stopped_by_id": user_id}
    if not _moved(batch_id, [Status.RUNNING, Status.PAUSED], Status.STOPPED, **by):
        raise BatchOver(_confirmed(batch_id))
    batch = Batch.objects.get(pk=batch_id)
    ended = 0
    while ended < AT_ONCE and (count := end_some(batch)):
        ended += count
    batch.refresh_from_db()
    return Moved(batch, by_this_press=True)


def end_some(batch: Batch) -> int:
    """Move some of what waits in a stopped bulk send to ERROR; gives back how many."""
    with transaction.atomic(), translation.override(settings.LANGUAGE_CODE):
        waiting = OutputSMSMessage.objects.filter(batch=batch, state=State.WAITING).order_by("due_at", "pk")
        messages = list(waiting.select_for_update(skip_locked=True)[:CHUNK])
        words = _("Stopped by an operator")
        user = batch.stopped_by_id
        ended = [Evidence(m.pk, State.ERROR, Source.OPERATOR, words=words, error=words, user_id=user) for m in messages]
        record(ended, held=messages)
    return len(messages)


def _move(batch_id: UUID, old: list[Status], new: Status, **changes: Any) -> Moved:
    moved = _moved(batch_id, old, new, **changes)
    batch = _confirmed(batch_id)
    if not moved and batch.status in {Status.STOPPED, Status.FINISHED}:
        raise BatchOver(batch)
    return Moved(batch, moved)


def _moved(batch_id: UUID, old: list[Status], new: Status, **changes: Any) -> bool:
    rows = Batch.objects.filter(pk=batch_id, status__in=old)
    return bool(_before_the_workers(lambda: rows.update(status=new, **changes)))


def _before_the_workers(write: Callable[[], int]) -> int:
    """Write as soon as anybody may.

    On SQLite who waits for the others' writing asks ever more seldom; between two workers that write without end, that
    may be too seldom for a red button.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return write()
    end = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        [patience] = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    return write()
                except OperationalError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.002)
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")


def _confirmed(batch_id: UUID) -> Batch:
    return Batch.objects.exclude(status=Status.DRAFT).get(pk=batch_id)
