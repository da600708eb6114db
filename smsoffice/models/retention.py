"""Removal of what is no longer needed: texts and numbers, or whole messages. What was counted stays counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime

from django.db import transaction
from django.db.models import F, Func, Q, QuerySet, Value
from django.utils import timezone

from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_watch import keep_states
from smsoffice.models.counts import DayCount, count_day
from smsoffice.models.log import OLDEST, Position
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import OPEN, State

CHUNK = 2_000
"""Messages a transaction."""

NOTHING_PERSONAL = {"recipient": "", "content": "", "sender": "", "extra_data": {}, "extra_sender_data": {}}


def removable(before: datetime, *, whole: bool) -> QuerySet[OutputSMSMessage]:
    """Messages created before a time that nothing more is to happen to.

    Args:
        whole: whether rows are to be removed; otherwise those whose text and number are gone already are left out.
    """
    old = OutputSMSMessage.objects.filter(created_at__lt=before, check_after=None).exclude(state=State.WAITING)
    # What was handed over a moment ago, as it had been scheduled or put off, may come back to the queue.
    old = old.filter(~Q(state__in=OPEN) | Q(changed_at__lt=before))
    # In the words of the index, which has only these: whatever was emptied in nights before is not walked over again.
    return old if whole else old.filter(recipient__gt="")


def purge(
    before: datetime,
    *,
    whole: bool,
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[int]:
    """Remove messages' texts and numbers, or the messages, chunk by chunk, the oldest first.

    Yields:
        How many of each chunk.
    """
    oldest_first = removable(before, whole=whole).order_by("created_at", "pk")
    counted: set[date] = set()
    last = OLDEST
    while not stopping():
        # What was removed leaves its place in the index until the database cleans up: none is entered there again.
        rows = list(oldest_first.filter(last.newer()).values_list("pk", "created_at")[:CHUNK])
        if not rows:
            break
        pk, created_at = rows[-1]
        last = Position(created_at, pk)
        if whole:
            for day in {
                timezone.localtime(created, timezone.get_default_timezone()).date() for _, created in rows
            } - counted:
                if not DayCount.objects.filter(day=day, is_final=True).exists():
                    count_day(day, is_final=True)
                counted.add(day)
        yield _remove([pk for pk, _ in rows], before, whole=whole)
    forget_lists(before)


def _remove(keys: list[int], before: datetime, *, whole: bool) -> int:
    if whole:
        batches = OutputSMSMessage.objects.filter(pk__in=keys, batch__isnull=False).order_by()
        keep_states(list(batches.values_list("batch", flat=True).distinct()))
    with transaction.atomic():
        # What became of one meanwhile is seen, and what is about to be sent again waits until this is over.
        still = removable(before, whole=whole).filter(pk__in=keys).order_by("pk").select_for_update()
        keys = list(still.values_list("pk", flat=True))
        OutputSMSRelatedObject.objects.filter(output_sms_message__in=keys).delete()
        if whole:
            OutputSMSEvent.objects.filter(message__in=keys).delete()
            OutputSMSMessage.objects.filter(resend_of__in=keys).update(resend_of=None)
            rows = OutputSMSMessage.objects.filter(pk__in=keys)
            rows._raw_delete(rows.db)
        else:
            # What an operator or a gateway wrote may name the person.
            events = OutputSMSEvent.objects.filter(message__in=keys)
            decided = events.filter(source=OutputSMSEvent.Source.OPERATOR, from_state=State.UNKNOWN)
            OutputSMSMessage.objects.filter(pk__in=decided.values("message")).update(error="")
            events.exclude(words="").update(words="")
            error = Func(F("error"), F("recipient"), Value("…"), function="REPLACE")
            OutputSMSMessage.objects.filter(pk__in=keys).update(**NOTHING_PERSONAL, error=error)
    return len(keys)


def forget_lists(before: datetime) -> None:
    """Forget the lists of bulk sends that ended before a time; their numbers stay."""
    ended = Batch.objects.filter(created_at__lt=before, status__in=[Batch.Status.FINISHED, Batch.Status.STOPPED])
    BatchChunk.objects.filter(batch__in=ended).delete()
    ended.update(values={})
