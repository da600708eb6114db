"""Bulk sends for tests: drafts with chunks, and running ones whose messages are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_numbers import Numbers, numbers
from smsoffice.models.sms import PRIORITY_BULK, OutputSMSMessage, SMSTemplate
from smsoffice.states import State
from tests import factories

Status = Batch.Status


def operator(name: str = "jana") -> Any:
    """The operator of this name."""
    return get_user_model().objects.get_or_create(username=name)[0]


def batch(status: Status = Status.RUNNING, **columns: Any) -> Batch:
    """A bulk send without rows."""
    now = timezone.now()
    defaults: dict[str, Any] = {"title": "Sale", "checked_at": now}
    if status != Status.DRAFT:
        defaults |= {"started_at": now}
    return Batch.objects.create(status=status, **{**defaults, **columns})


def running(count: int, state: State = State.WAITING, *, start: int = 0, **columns: Any) -> Batch:
    """A running bulk send of so many messages in one state, to the numbers from the `start`-th on."""
    made = batch(total=count, sendable=count, accepted=count, **columns)
    fill(made, count, state, start=start)
    return made


def fill(made: Batch, count: int, state: State = State.WAITING, *, start: int = 0, **columns: Any) -> None:
    """Messages of a bulk send, each in one row more than those there."""
    first = made.messages.count() + 1
    for row, number in enumerate(factories.numbers(start + count)[start:], start=first):
        columns = {"priority": PRIORITY_BULK, **columns}
        factories.message(state, recipient=number, batch=made, batch_row=row, **columns)


def draft(rows: Iterable[list[str]], *, chunk: int = 1000, **columns: Any) -> Batch:
    """A checked draft of “Hello {{ name }}.” to the rows [number, name], all of which can be sent."""
    numbered = list(enumerate(rows, start=2))
    count = len(numbered)
    defaults: dict[str, Any] = {
        "body": "Hello {{ name }}.",
        "template": SMSTemplate.objects.get_or_create(slug="hello", defaults={"body": "Hello {{ name }}."})[0],
        "template_slug": "hello",
        "template_version": 3,
        "columns": ["phone", "name"],
        "total": count,
        "sendable": count,
        "check_progress": count,
    }
    made = batch(Status.DRAFT, **{**defaults, **columns})
    for number, start in enumerate(range(0, count, chunk)):
        BatchChunk.objects.create(batch=made, number=number, rows=numbered[start : start + chunk])
    return made


def people(count: int) -> list[list[str]]:
    """Rows of as many people, with different numbers."""
    return [[number, f"Jana {place}"] for place, number in enumerate(factories.numbers(count))]


def fresh(made: Batch) -> Batch:
    """What the database holds of a bulk send now."""
    return Batch.objects.get(pk=made.pk)


def told(made: Batch) -> Numbers:
    """The numbers of a bulk send now, which add up."""
    now = numbers(fresh(made))
    assert now.handed_over + now.in_flight + now.not_sent + now.unknown == now.total
    return now


def recipients_of(made: Batch) -> list[str]:
    """The numbers that its messages go to, in the order of its rows."""
    return list(OutputSMSMessage.objects.filter(batch=made).order_by("batch_row").values_list("recipient", flat=True))
