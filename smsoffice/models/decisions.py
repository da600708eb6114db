"""What an operator does to messages: cancel what waits, decide what became of one, send one again.

Each is guarded like any other change, and stands in the timeline with who did it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from smsoffice.models.accept import announce
from smsoffice.models.sms import PRIORITY_SINGLE, OutputSMSEvent, OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.models.transitions import Evidence, Source, record
from smsoffice.states import OPEN, State

DECIDABLE_AFTER = timedelta(minutes=2)
"""The age of an UNKNOWN before which the gateway's answer is still awaited, and nobody decides."""

OUTCOMES = frozenset({State.DELIVERED, State.ERROR})
"""What an operator may know of a message: the customer has it, or has it not."""

MAY_HAVE_ARRIVED = frozenset({State.DELIVERED, *OPEN})
"""States of which a second message may be the second that the customer gets."""


def cancel(messages: Collection[int], user_id: int | None) -> int:
    """Move to ERROR those of the messages that still wait; gives back how many. What has left is left alone."""
    with transaction.atomic():
        waiting = OutputSMSMessage.objects.filter(pk__in=messages, state=State.WAITING).order_by("pk")
        rows = list(waiting.select_for_update())
        words = _("Cancelled by an operator.")
        record([_decided(row, State.ERROR, words, user_id) for row in rows], held=rows)
    return len(rows)


def may_be_decided(message: OutputSMSMessage) -> bool:
    """Whether it is not known what became of the message, and nobody is about to tell."""
    return message.state == State.UNKNOWN and timezone.now() >= decidable_from(message)


def decidable_from(message: OutputSMSMessage) -> datetime:
    """From when on one may decide what became of a message that was handed over."""
    return (message.sent_at or message.changed_at) + DECIDABLE_AFTER


def settle(message: OutputSMSMessage, outcome: State, note: str, user_id: int | None) -> bool:
    """Record what an operator knows of a message whose outcome is not known.

    Args:
        outcome: one of OUTCOMES.
        note: how the operator knows.

    Returns:
        Whether the decision was needed; not where news came first.
    """
    with transaction.atomic():
        row = OutputSMSMessage.objects.select_for_update().get(pk=message.pk)
        if not may_be_decided(row):
            return False
        record([_decided(row, outcome, note, user_id)], held=[row])
    return True


def _decided(message: OutputSMSMessage, state: State, words: str, user_id: int | None) -> Evidence:
    error = words if state == State.ERROR else ""
    return Evidence(message.pk, state, Source.OPERATOR, words=words, error=error, user_id=user_id)


def resend(message: OutputSMSMessage, key: str, user_id: int | None, send_after: datetime | None = None) -> Resent:
    """Send the same text to the same number again, letter for letter, as a new message tied to the old one.

    Args:
        message: one that does not wait.
        key: what tells this resend from another; a second call with it finds the first message.
        user_id: who does it.
        send_after: not before this time.

    Raises:
        ValueError: the message waits still.
    """
    if first := OutputSMSMessage.objects.filter(idempotency_key=key).first():
        return Resent(first, is_new=False)
    with transaction.atomic():
        # Two calls with one key: the second waits here, and finds what the first has written.
        message = OutputSMSMessage.objects.select_for_update().get(pk=message.pk)
        if first := OutputSMSMessage.objects.filter(idempotency_key=key).first():
            return Resent(first, is_new=False)
        if message.state == State.WAITING:
            raise ValueError("A message that waits is not sent again.")
        copy = copy_of(message, PRIORITY_SINGLE, send_after)
        copy.idempotency_key = key
        copy.save(force_insert=True)
        OutputSMSRelatedObject.objects.bulk_create(relations_like(message, copy))
        tell_of_resends([copy], user_id)
        announce([copy])
    return Resent(copy, is_new=True)


@dataclass(frozen=True, slots=True)
class Resent:
    """The message that was made, and whether this call made it."""

    message: OutputSMSMessage
    is_new: bool


def copy_of(message: OutputSMSMessage, priority: int, send_after: datetime | None = None) -> OutputSMSMessage:
    """The unsaved row of a resend: the same text, whatever the template and the settings have become."""
    now = timezone.now()
    return OutputSMSMessage(
        recipient=message.recipient,
        content=message.content,
        encoding=message.encoding,
        segments=message.segments,
        template_id=message.template_id,
        template_slug=message.template_slug,
        template_version=message.template_version,
        tag=message.tag,
        extra_data=message.extra_data,
        priority=priority,
        send_after=send_after,
        due_at=max(now, send_after or now),
        resend_of=message,
    )


def relations_like(message: OutputSMSMessage, copy: OutputSMSMessage) -> list[OutputSMSRelatedObject]:
    """The unsaved relations of a resend: what the first message belongs to."""
    return [
        OutputSMSRelatedObject(
            output_sms_message=copy,
            content_type_id=relation.content_type_id,
            object_id_int=relation.object_id_int,
            object_id=relation.object_id,
        )
        for relation in message.related_objects.all()
    ]


def tell_of_resends(copies: Iterable[OutputSMSMessage], user_id: int | None) -> None:
    """Write into the timelines of stored resends, and of the messages that they repeat, who did it."""
    lines = []
    for copy in copies:
        if copy.resend_of is not None:
            lines.append(_said(copy, _("Resend of message %s.") % copy.resend_of.pk, user_id))
            lines.append(_said(copy.resend_of, _("Resent as message %s.") % copy.pk, user_id))
    OutputSMSEvent.objects.bulk_create(lines)


def _said(message: OutputSMSMessage, words: str, user_id: int | None) -> OutputSMSEvent:
    """Words without news: nothing is written to the message itself."""
    return OutputSMSEvent(
        message=message,
        from_state=message.state,
        to_state=message.state,
        source=Source.OPERATOR,
        words=words,
        user_id=user_id,
    )
