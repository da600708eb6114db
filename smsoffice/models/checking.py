"""Which messages a gateway is asked about next: claimed like the queue, less and less often, not for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from smsoffice.conf import conf
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.models.transitions import Evidence, Source, check_delay, record
from smsoffice.states import State

CHUNK = 500


def claim_for_check(backend: str, size: int) -> list[OutputSMSMessage]:
    """Up to `size` messages to ask `backend` about now; nobody else gets them until their next time."""
    now = timezone.now()
    due = OutputSMSMessage.objects.due_for_check(now).filter(backend=backend).order_by("check_after", "pk")
    with transaction.atomic():
        messages = list(due.select_for_update(skip_locked=True)[:size])
        for message in messages:
            message.check_after = now + check_delay(now - (message.sent_at or message.created_at))
        OutputSMSMessage.objects.bulk_update(messages, ["check_after"])
    return messages


def put_first(keys: Sequence[int]) -> int:
    """Let the next rounds ask about messages, due or not; gives back how many."""
    put = 0
    for start in range(0, len(keys), CHUNK):
        rows = OutputSMSMessage.objects.filter(pk__in=keys[start : start + CHUNK], check_after__isnull=False)
        with transaction.atomic():
            # What is just being asked about needs no more.
            free = list(rows.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True))
            put += OutputSMSMessage.objects.filter(pk__in=free).update(check_after=timezone.now())
    return put


def give_up_asking() -> int:
    """Stop asking about what is older than PYMESS_SMS_CHECK_MAX_AGE, and say so; no outcome is invented.

    Returns:
        How many messages were given up.
    """
    limit = timedelta(seconds=conf.SMS_CHECK_MAX_AGE)
    words = _("The gateway is no longer asked: it has not told the outcome within %(hours)d hours.")
    words %= {"hours": round(limit.total_seconds() / 3600)}
    given_up = 0
    while True:
        now = timezone.now()
        too_old = OutputSMSMessage.objects.due_for_check(now).filter(sent_at__lt=now - limit)
        with transaction.atomic():
            messages = list(too_old.select_for_update(skip_locked=True)[:CHUNK])
            record([_no_longer_asked(message, words) for message in messages], held=messages)
            OutputSMSMessage.objects.filter(pk__in=[m.pk for m in messages]).update(check_after=None)
        given_up += len(messages)
        if len(messages) < CHUNK:
            return given_up


def _no_longer_asked(message: OutputSMSMessage, words: str) -> Evidence:
    """SENT is still the best that is known; “it is on its way” is not, after so long."""
    state = State.UNKNOWN if message.state == State.SENDING else State(message.state)
    return Evidence(message.pk, state, Source.QUEUE, words=words, error=words)
