"""Rows for tests, each with what the test says of it and defaults that say nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from project.demo.models import Customer
from smsoffice.models.sms import OutputSMSMessage, SMSTemplate
from smsoffice.states import OPEN, State

NUMBER = "+420777123456"

BACKEND = "tests.backends.ScriptedGateway"


def numbers(count: int) -> list[str]:
    """Different numbers in E.164, in their order."""
    return [f"+420601{n:06}" for n in range(100_000, 100_000 + count)]


def message(state: State = State.WAITING, *, recipient: str = NUMBER, **columns: Any) -> OutputSMSMessage:
    """A stored message; what is not WAITING was handed over to the scripted gateway a moment ago."""
    now = timezone.now()
    defaults: dict[str, Any] = {"content": "Hello.", "created_at": now, "due_at": now}
    if state != State.WAITING:
        defaults |= {"backend": BACKEND, "send_attempts": 1}
    if state in OPEN:
        defaults |= {"sent_at": now, "check_after": now}
    return OutputSMSMessage.objects.create(**{**defaults, **columns}, recipient=recipient, state=state)


def messages(count: int, state: State = State.WAITING, **columns: Any) -> list[OutputSMSMessage]:
    """Stored messages to different numbers, in the order of their keys."""
    return [message(state, recipient=number, **columns) for number in numbers(count)]


def template(slug: str = "ready", body: str = "Order {{ number }} is ready.") -> SMSTemplate:
    """A stored template."""
    return SMSTemplate.objects.create(slug=slug, body=body)


def customer(name: str = "Jana") -> Customer:
    """An object of the host's, with an integer key."""
    return Customer.objects.create(name=name, phone=NUMBER)


def ago(**span: float) -> datetime:
    """A time in the past: `ago(hours=2)`."""
    return timezone.now() - timedelta(**span)


def ahead(**span: float) -> datetime:
    """A time in the future: `ahead(hours=2)`."""
    return timezone.now() + timedelta(**span)


def row(stored: OutputSMSMessage) -> OutputSMSMessage:
    """What the database holds of a message now."""
    return OutputSMSMessage.objects.get(pk=stored.pk)


def states(stored: Iterable[OutputSMSMessage]) -> list[str]:
    """The states that the rows have now, in the order of the messages."""
    known = dict(OutputSMSMessage.objects.values_list("pk", "state"))
    return [known[one.pk] for one in stored]


def timeline(stored: OutputSMSMessage) -> list[tuple[str, str, str, bool]]:
    """The lines of a message's timeline: from, to, source, and whether it was ignored."""
    return list(stored.events.values_list("from_state", "to_state", "source", "ignored"))
