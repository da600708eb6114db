"""Three hundred messages of the last two weeks, in every state, each with the timeline that led there.

The local gateway has never heard of them, so nothing asks it: those that are not final have no time to ask
after, and those that wait are due tomorrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from project.demo.data import TEMPLATES
from project.demo.models import Order
from project.demo.shop import FIRST_ORDER, data_of
from smsoffice.backend.sms import get_template_model
from smsoffice.models.accept import draft
from smsoffice.models.sms import (
    PRIORITY_BULK,
    PRIORITY_SINGLE,
    AbstractSMSTemplate,
    OutputSMSEvent,
    OutputSMSMessage,
    OutputSMSRelatedObject,
)
from smsoffice.states import OPEN, State

Source = OutputSMSEvent.Source

GATEWAY = "smsoffice.backend.sms.sms_operator.SMSOperatorBackend"
# Old enough for its whole timeline to lie in the past.
LAST_MESSAGE = timedelta(hours=1.5)
DUMMY = "smsoffice.backend.sms.dummy.DummySMSBackend"


class Step(NamedTuple):
    """A line of a timeline: how long after the line before, and what was said."""

    seconds: float
    state: State
    source: OutputSMSEvent.Source
    code: str = ""
    words: str = ""


HANDED_OVER = Step(1, State.UNKNOWN, Source.QUEUE)
TAKEN = Step(0.3, State.SENDING, Source.GATEWAY, "11")
ON_ITS_WAY = Step(4, State.SENT, Source.RECEIPT, "", "On its way to the receiver.")
DELIVERED = Step(9, State.DELIVERED, Source.ASKED, "0", "Delivered.")


class Story(NamedTuple):
    """What became of so many of the messages."""

    messages: int
    steps: tuple[Step, ...]
    error: str = ""


STORIES = (
    Story(190, (HANDED_OVER, TAKEN, DELIVERED)),
    Story(20, (HANDED_OVER, TAKEN, ON_ITS_WAY, DELIVERED)),
    Story(12, (HANDED_OVER, TAKEN, ON_ITS_WAY)),
    Story(10, (HANDED_OVER, TAKEN)),
    Story(8, (HANDED_OVER,)),
    Story(15, ()),
    Story(
        12,
        (HANDED_OVER, TAKEN, Step(3600, State.ERROR, Source.ASKED, "1", "Not delivered.")),
        "The gateway could not deliver it.",
    ),
    Story(
        8,
        (HANDED_OVER, Step(0.3, State.ERROR, Source.GATEWAY, "2", "The number does not exist.")),
        "The number does not exist.",
    ),
    Story(
        5,
        (HANDED_OVER, TAKEN, Step(120, State.ERROR, Source.ASKED, "10", "Partly delivered.")),
        "Only a part of it was delivered.",
    ),
    Story(20, (Step(1, State.DEBUG, Source.QUEUE),)),
)


def make_history(orders: list[Order], now: datetime, dice: Random) -> int:
    """Write the messages with their relations and timelines; gives back how many there are."""
    mine = get_template_model()._default_manager.filter(slug__in=TEMPLATES)
    templates = {template.slug: template for template in mine}
    told = sorted(_told(now, dice), key=lambda pair: pair[0])
    chosen = [dice.choice([order for order in orders if order.created_at <= born]) for born, _ in told]
    messages = OutputSMSMessage.objects.bulk_create(
        _message(order, templates, born, story, now, dice) for order, (born, story) in zip(chosen, told, strict=True)
    )
    for message, (born, story) in zip(messages, told, strict=True):
        message.changed_at = born + timedelta(seconds=sum(step.seconds for step in story.steps))
    OutputSMSMessage.objects.bulk_update(messages, ["changed_at"], batch_size=100)
    OutputSMSRelatedObject.objects.bulk_create(
        OutputSMSRelatedObject.to(message, obj)
        for message, order in zip(messages, chosen, strict=True)
        for obj in (order.customer, order)
    )
    OutputSMSEvent.objects.bulk_create(
        event
        for message, (born, story) in zip(messages, told, strict=True)
        for event in _timeline(message, born, story)
    )
    return len(messages)


def _told(now: datetime, dice: Random) -> Iterator[tuple[datetime, Story]]:
    """When each message was written: what is still open today, the rest any time since the first order."""
    for story in STORIES:
        still_open = not story.steps or story.steps[-1].state in OPEN
        span = timedelta(hours=6) if still_open else FIRST_ORDER - LAST_MESSAGE
        for _ in range(story.messages):
            yield now - LAST_MESSAGE - span * dice.random(), story


def _message(
    order: Order,
    templates: dict[str, AbstractSMSTemplate],
    born: datetime,
    story: Story,
    now: datetime,
    dice: Random,
) -> OutputSMSMessage:
    language = "-en" if order.customer.language == "en" else ""
    topic = dice.choice([slug for slug in TEMPLATES if not slug.endswith("-en")])
    template = templates[topic + language]
    campaign = topic.startswith("voucher")
    steps = story.steps
    state = steps[-1].state if steps else State.WAITING
    due = now + timedelta(days=1) if state == State.WAITING else None
    options = {
        "created_at": born,
        "send_after": due,
        "due_at": due or born,
        "tag": "campaign-december" if campaign else topic,
        "priority": PRIORITY_BULK if campaign else PRIORITY_SINGLE,
        "state": state,
        "error": story.error,
        "backend": {State.WAITING: "", State.DEBUG: DUMMY}.get(state, GATEWAY),
        "send_attempts": min(len(steps), 1),
        "sent_at": born + timedelta(seconds=steps[0].seconds) if steps and state != State.DEBUG else None,
        "check_after": None,
    }
    text = template.render_body(data_of(order, born, dice))
    return draft(order.customer.phone, text, options, template=template)


def _timeline(message: OutputSMSMessage, born: datetime, story: Story) -> Iterator[OutputSMSEvent]:
    at, before = born, State.WAITING
    for step in story.steps:
        at += timedelta(seconds=step.seconds)
        yield OutputSMSEvent(
            message=message,
            created_at=at,
            from_state=before,
            to_state=step.state,
            source=step.source,
            code=step.code,
            words=step.words,
        )
        before = step.state
