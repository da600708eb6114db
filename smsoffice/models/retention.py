"""Removal of what is no longer needed: texts and numbers, or whole messages. What was counted stays counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_watch import keep_states
from smsoffice.models.counts import DayCount, count_day
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State

CHUNK = 2_000
"""Messages a transaction."""

NOTHING_PERSONAL = {"recipient": "", "content": "", "sender": "", "extra_data": {}, "extra_sender_data": {}}


def removable(before: datetime, *, whole: bool) -> QuerySet[OutputSMSMessage]:
    """Messages created before a time that nothing more is to happen to.

    Args:
        whole: whether rows are to be removed; otherwise those whose text and number are gone already are left out.
    """
    old = OutputSMSMessage.objects.filter(created_at__lt=before, check_after=None).exclude(state=State.WAITING)
    return old if whole else old.exclude(recipient="")


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
    newest_first = removable(before, whole=whole).order_by("created_at", "pk")
    counted: set[date] = set()
    while not stopping():
        rows = list(newest_first.values_list("pk", "created_at")[:CHUNK])
        if not rows:
            break
        if whole:
            for day in {
                timezone.localtime(created, timezone.get_default_timezone()).date() for _, created in rows
            } - counted:
                if not DayCount.objects.filter(day=day, is_final=True).exists():
                    count_day(day, is_final=True)
                counted.add(day)
        _remove([pk for pk, _ in rows], whole=whole)
        yield len(rows)
    forget_lists(before)


def _remove(keys: list[int], *, whole: bool) -> None:
    if whole:
        batches = OutputSMSMessage.objects.filter(pk__in=keys, batch__isnull=False).order_by()
        keep_states(list(batches.values_list("batch", flat=True).distinct()))
    with transaction.atomic():
        OutputSMSRelatedObject.objects.filter(output_sms_message__in=keys).delete()
        if whole:
            OutputSMSEvent.objects.filter(message__in=keys).delete()
            OutputSMSMessage.objects.filter(resend_of__in=keys).update(resend_of=None)
            rows = OutputSMSMessage.objects.filter(pk__in=keys)
            rows._raw_delete(rows.db)
        else:
            # What an operator or a gateway wrote may name the person.
            OutputSMSEvent.objects.filter(message__in=keys).exclude(words="").update(words="")
            OutputSMSMessage.objects.filter(pk__in=keys).update(**NOTHING_PERSONAL)


def forget_lists(before: datetime) -> None:
    """Forget the lists of bulk sends that ended before a time; their numbers stay."""
    ended = Batch.objects.filter(created_at__lt=before, status__in=[Batch.Status.FINISHED, Batch.Status.STOPPED])
    BatchChunk.objects.filter(batch__in=ended).delete()
    ended.update(values={})
