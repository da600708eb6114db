"""Which messages leave next: a choice reads the ends of a few ranges of two indexes, however much waits in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from smsoffice.models.batch import Batch
from smsoffice.models.batch_numbers import may_be_handed_over
from smsoffice.models.sms import PRIORITY_BULK, OutputSMSMessage
from smsoffice.states import State

Source = Mapping[str, Any]
"""What the messages of one range have in common: no bulk send and a priority, or a bulk send."""


def pick(now: datetime, size: int) -> list[OutputSMSMessage]:
    """Up to `size` due messages: what is more urgent than bulk, then bulk by its age, then the rest.

    They are locked where the database can; what another worker has locked is left to it.
    """
    picked: list[OutputSMSMessage] = []
    for source in _sources(now):
        if (room := _room(source["batch"], size - len(picked))) > 0:
            picked += locked(now).filter(**source).order_by("due_at", "pk")[:room]
        if len(picked) >= size:
            break
    return picked


def locked(now: datetime) -> QuerySet[OutputSMSMessage]:
    """The due messages, to be locked; without those that another worker has locked."""
    return OutputSMSMessage.objects.due(now).select_for_update(skip_locked=True)


def anything_waits() -> bool:
    """Whether there is a message that waits, and not for an operator to let its bulk send go on."""
    waiting = OutputSMSMessage.objects.filter(state=State.WAITING)
    return waiting.filter(batch=None).exists() or any(batch.head for batch in running_with_head_of(waiting))


def _sources(now: datetime) -> Iterator[Source]:
    priority = _highest()
    while priority is not None and priority > PRIORITY_BULK:
        yield {"batch": None, "priority": priority}
        priority = _highest(priority__lt=priority)
    yield from _bulk(now, with_unbatched=priority == PRIORITY_BULK)
    if priority == PRIORITY_BULK:
        priority = _highest(priority__lt=priority)
    while priority is not None:
        yield {"batch": None, "priority": priority}
        priority = _highest(priority__lt=priority)


def _highest(**below: int) -> int | None:
    """The highest priority in which anything waits outside of bulk sends."""
    waiting = OutputSMSMessage.objects.filter(state=State.WAITING, batch=None, **below).order_by("-priority")
    return waiting.values_list("priority", flat=True).first()


def _bulk(now: datetime, *, with_unbatched: bool) -> list[Source]:
    """The running bulk sends, and what waits with their priority outside of any: whose oldest is due longest first."""
    due = OutputSMSMessage.objects.due(now).order_by("due_at", "pk")
    running = running_with_head_of(due)
    heads: list[tuple[datetime, Source]] = [(batch.head, {"batch": batch}) for batch in running if batch.head]
    if with_unbatched:
        unbatched = {"batch": None, "priority": PRIORITY_BULK}
        heads += [(head, unbatched) for head in due.filter(**unbatched).values_list("due_at", flat=True)[:1]]
    return [source for _head, source in sorted(heads, key=lambda one: one[0])]


def running_with_head_of(waiting: QuerySet[OutputSMSMessage]) -> Any:
    """The running bulk sends, each with the time when the first that it has of `waiting` is due: `head`, or None."""
    head = Subquery(waiting.filter(batch=OuterRef("pk")).values("due_at")[:1])
    return Batch.objects.filter(status=Batch.Status.RUNNING).order_by().annotate(head=head).only("first")


def _room(batch: Batch | None, size: int) -> int:
    """How many may be picked of a source: of a bulk send no more than the first rows after which it waits."""
    if batch is None or batch.first is None:
        return size
    # Locked, so that two workers do not both hand over the last of them.
    running = Batch.objects.select_for_update().filter(pk=batch.pk, status=Batch.Status.RUNNING).first()
    if running is None:
        return 0
    return size if running.first is None else min(size, may_be_handed_over(running))
