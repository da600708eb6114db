"""What waits and what is not known, counted up to a bound: so that it costs the same however much it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, IntegerField, Min, OuterRef, Q, QuerySet, Subquery

from smsoffice.models.batch import Batch
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import OPEN, State

Messages = QuerySet[OutputSMSMessage]


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits: how many are due, since when the oldest is, how many are to leave later, and all.

    `waiting` counts with these what a paused bulk send keeps back.
    """

    due: int
    oldest_due: datetime | None
    scheduled: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Undecided:
    """UNKNOWN messages: how many need a decision and since when, and how many are asked about now.

    `oldest_question` is when the gateways should have been asked first, about any message that is not final.
    """

    need_decision: int
    oldest: datetime | None
    asked: int
    oldest_question: datetime | None


class _Range(NamedTuple):
    """What one range of the queue's indexes holds: that of a priority, or of a bulk send."""

    due: int
    oldest_due: datetime | None
    scheduled: int


class _HowMany(Subquery):
    """How many rows a query gives that may be cut off."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"

    def __init__(self, rows: Messages) -> None:
        super().__init__(rows.values("pk"), output_field=IntegerField())


class _Beside(Subquery):
    """The answer to another question, told beside aggregates."""

    contains_aggregate = True


def queue_of(now: datetime, many: int) -> Queue:
    """What waits at `now`. A paused bulk send's messages are not due.

    Args:
        many: up to how many each number is exact; `many + 1` stands for more.
    """
    waiting = OutputSMSMessage.objects.filter(state=State.WAITING)
    due = Q(due_at__lte=now) & (Q(batch=None) | Q(batch__status=Batch.Status.RUNNING))
    # Ordered as an index is, so that it is read from its end and no further.
    told = waiting.order_by("-created_at", "-pk")[: many + 1].aggregate(
        all=Count("pk"),
        due=Count("pk", filter=due),
        oldest=Min("due_at", filter=due),
        scheduled=Count("pk", filter=Q(due_at__gt=now)),
    )
    if told["all"] <= many:
        return Queue(told["due"], told["oldest"], told["scheduled"], told["all"])
    ranges = [*_by_priority(waiting, now, many), *_by_bulk_send(waiting, now, many)]
    return Queue(
        due=min(sum(one.due for one in ranges), many + 1),
        oldest_due=min((one.oldest_due for one in ranges if one.oldest_due), default=None),
        scheduled=min(sum(one.scheduled for one in ranges), many + 1),
        waiting=many + 1,
    )


def _by_priority(waiting: Messages, now: datetime, many: int) -> Iterator[_Range]:
    """The ranges outside of bulk sends, one question each."""
    single = waiting.filter(batch=None)
    told = _with_numbers_of(single, single.filter(priority=OuterRef("priority")), now, many)
    rows = told.order_by("-priority").values_list("priority", "due", "head", "scheduled")
    row = rows.first()
    while row is not None:
        yield _Range(*row[1:])
        row = rows.filter(priority__lt=row[0]).first()


def _by_bulk_send(waiting: Messages, now: datetime, many: int) -> Iterator[_Range]:
    active = Batch.objects.filter(status__in=[Batch.Status.RUNNING, Batch.Status.PAUSED]).order_by()
    told = _with_numbers_of(active, waiting.filter(batch=OuterRef("pk")), now, many)
    for status, due, head, scheduled in told.values_list("status", "due", "head", "scheduled"):
        yield _Range(due, head, scheduled) if status == Batch.Status.RUNNING else _Range(0, None, scheduled)


def _with_numbers_of(rows: QuerySet[Any], messages: Messages, now: datetime, many: int) -> Any:
    """Rows with what the range of each holds, read from both its ends."""
    due = messages.filter(due_at__lte=now).order_by("due_at", "pk")
    scheduled = messages.filter(due_at__gt=now).order_by("due_at", "pk")
    return rows.annotate(
        due=_HowMany(due[: many + 1]),
        head=Subquery(due.values("due_at")[:1]),
        scheduled=_HowMany(scheduled[: many + 1]),
    )


def undecided_of(before: datetime, many: int) -> Undecided:
    """The UNKNOWN messages.

    Args:
        before: what was handed over before needs a decision.
        many: up to how many each number is exact; `many + 1` stands for more. Of more, `oldest` is of those that
            were created first.
    """
    unknown = OutputSMSMessage.objects.filter(state=State.UNKNOWN)
    needing, oldest_first = Q(sent_at__lt=before), ("created_at", "pk")
    questions = OutputSMSMessage.objects.filter(check_after__isnull=False, state__in=OPEN).order_by("check_after")
    told = unknown.order_by(*oldest_first)[: many + 1].aggregate(
        all=Count("pk"),
        needing=Count("pk", filter=needing),
        oldest=Min("sent_at", filter=needing),
        question=_Beside(questions.values("check_after")[:1]),
    )
    question = told["question"]
    if told["all"] <= many:
        return Undecided(told["needing"], told["oldest"], told["all"] - told["needing"], question)
    told = unknown.filter(needing).order_by(*oldest_first)[: many + 1].aggregate(all=Count("pk"), oldest=Min("sent_at"))
    # A short range of what was handed over last.
    asked = unknown.filter(sent_at__gte=before).order_by("sent_at")[: many + 1].count()
    return Undecided(told["all"], told["oldest"], asked, question)
