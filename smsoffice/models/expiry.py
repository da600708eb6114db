"""What is not handed over in time: it never is, and says so."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from smsoffice.models.sms import OutputSMSMessage
from smsoffice.models.transitions import Evidence, Source, record
from smsoffice.states import State

CHUNK = 500


def end_what_ran_out_of_time() -> int:
    """Move to ERROR what was not handed over before its `expires_at`; gives back how many."""
    ended = 0
    while True:
        now = timezone.now()
        with transaction.atomic():
            late = list(OutputSMSMessage.objects.out_of_time(now).select_for_update(skip_locked=True)[:CHUNK])
            record([_ran_out_of_time(message) for message in late], held=late)
        ended += len(late)
        if len(late) < CHUNK:
            return ended


def end_claimed(late: Collection[OutputSMSMessage]) -> None:
    """Move to ERROR what was claimed but has not left, so that it counts as what was never handed over."""
    with transaction.atomic():
        record([_taken_back(message) for message in late], held=late)
        record([_ran_out_of_time(message) for message in late], held=late)


def _taken_back(message: OutputSMSMessage) -> Evidence:
    return Evidence(message.pk, State.WAITING, Source.QUEUE, claimed_at=message.claimed_at, spent=False)


def _ran_out_of_time(message: OutputSMSMessage) -> Evidence:
    words = _("It was not handed over before %s, the latest time allowed for it. It was never sent.")
    latest = formats.date_format(timezone.localtime(message.expires_at), "DATETIME_FORMAT")
    return Evidence(message.pk, State.ERROR, Source.QUEUE, words=words % latest, error=words % latest)
