"""The work behind the pages, on bulk sends and cancellations, in slices that the queue does between two hand-overs."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_check import check_draft
from smsoffice.models.batch_control import end_some
from smsoffice.models.batch_watch import live, watch
from smsoffice.models.batch_write import AT_ONCE, accept_or_pause, extend, take
from smsoffice.models.cancellation import cancel_some, forget_cancellations

logger = logging.getLogger("smsoffice.batch")

T = TypeVar("T")

Status = Batch.Status

SLICE = 0.3
"""Seconds after which a slice begins nothing more: so long a single message may have to wait for it."""

LOOK = 1.0
"""Seconds between two looks at the bulk sends, while messages are handed over and nothing else is to be done."""

TIDY = 3600.0
"""Seconds between two searches for what is too old to be kept."""

DRAFT_KEPT = timedelta(days=2)
ROWS_KEPT = timedelta(days=30)
"""How long what was read or chosen is kept: without being confirmed; after its bulk send is over, or it is done."""


@dataclass(slots=True)
class _Check:
    """A draft's check that goes on from slice to slice, and until when nobody else may begin one."""

    steps: Iterator[int]
    until: datetime


class BatchWork:
    """What one worker does for bulk sends. Keep it as long as the worker: a check goes on where it was left."""

    def __init__(self) -> None:
        self._checks: dict[UUID, _Check] = {}
        self._turn = 0
        self._next_look = self._next_watch = self._next_tidying = -math.inf

    def step(self, *, look: bool = False) -> bool:
        """Do one slice; whether anything was done, so that there may be more.

        Args:
            look: search for work though there was none a moment ago.
        """
        if not look and time.monotonic() < self._next_look:
            return False
        if self._do_one():
            return True
        self._next_look = time.monotonic() + LOOK
        return False

    def watch(self) -> None:
        """Look after the running bulk sends now."""
        self._watch([batch for batch in live() if batch.status != Status.DRAFT])

    def _do_one(self) -> bool:
        batches = live()
        self._checks = {batch.pk: self._checks[batch.pk] for batch in batches if batch.pk in self._checks}
        if time.monotonic() >= self._next_watch:
            self._watch([batch for batch in batches if batch.status != Status.DRAFT])
        # First, as what is to be cancelled may be the next to leave.
        if _try(partial(_for_a_slice, cancel_some), "a cancellation"):
            return True
        jobs = [(job, batch) for batch in batches if (job := self._job_for(batch))]
        self._turn += 1
        for place in range(len(jobs)):
            # In turn, so that a long list does not hold up a short one.
            job, batch = jobs[(self._turn + place) % len(jobs)]
            if _try(partial(job, batch), f"bulk send {batch.pk}"):
                return True
        return self._tidy()

    def _job_for(self, batch: Batch) -> Callable[[Batch], bool] | None:
        if batch.status == Status.STOPPED:
            return self._end_rows
        if batch.status == Status.DRAFT:
            # Shorter ones are checked by the page that asks for it.
            return self._check if batch.total > AT_ONCE else None
        return None if batch.is_written else self._accept

    def _watch(self, batches: list[Batch]) -> None:
        for batch in batches:
            _try(partial(watch, batch), f"bulk send {batch.pk}")
        self._next_watch = time.monotonic() + LOOK

    def _end_rows(self, batch: Batch) -> bool:
        return _for_a_slice(lambda: end_some(batch))

    def _accept(self, batch: Batch) -> bool:
        return _for_a_slice(lambda: accept_or_pause(batch))

    def _check(self, batch: Batch) -> bool:
        check = self._checks.get(batch.pk)
        until = extend(batch.pk, check.until) if check else take(batch.pk, Status.DRAFT)
        if until is None:
            self._checks.pop(batch.pk, None)
            return False
        if check is None:
            check = self._checks[batch.pk] = _Check(check_draft(batch), until)
        check.until = until
        steps = check.steps
        try:
            return _for_a_slice(lambda: next(steps, None) is not None)
        except Exception:
            # It begins anew, by whoever is first when this worker's time is over.
            del self._checks[batch.pk]
            raise

    def _tidy(self) -> bool:
        if time.monotonic() < self._next_tidying:
            return False
        if _forget_one():
            return True
        now = timezone.now()
        forget_cancellations(drafts_before=now - DRAFT_KEPT, done_before=now - ROWS_KEPT)
        self._next_tidying = time.monotonic() + TIDY
        return False


def work(stopping: Callable[[], bool] = lambda: False) -> Iterator[int]:
    """Do all that there is to do for bulk sends now, a slice at a time; gives the number of each slice done."""
    mine, done = BatchWork(), 0
    while not stopping() and mine.step(look=True):
        done += 1
        yield done


def _try(job: Callable[[], T], what: str) -> T | None:
    """What goes wrong with one piece of work stops no other, nor the queue."""
    try:
        return job()
    except (OperationalError, InterfaceError):
        # The database's affair: who runs the rounds waits for it.
        raise
    except Exception:
        logger.exception("The work on %s failed; it is tried again", what)
        return None


def _for_a_slice(job: Callable[[], object]) -> bool:
    """Repeat `job` until it finds nothing to do, or the slice is over; whether it did anything."""
    end, did = time.monotonic() + SLICE, False
    while job():
        did = True
        if time.monotonic() >= end:
            break
    return did


def _forget_one() -> bool:
    """Delete one draft that nobody confirmed, or the rows of one bulk send that is long over."""
    now = timezone.now()
    draft = Batch.objects.filter(status=Status.DRAFT, created_at__lt=now - DRAFT_KEPT).first()
    if draft is not None:
        BatchChunk.objects.filter(batch=draft).delete()
        draft.delete()
        return True
    old = BatchChunk.objects.filter(batch__finished_at__lt=now - ROWS_KEPT).first()
    if old is not None:
        BatchChunk.objects.filter(batch_id=old.batch_id).delete()
    return old is not None
