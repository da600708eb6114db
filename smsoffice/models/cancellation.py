"""Cancelling more messages than one request can: fixed first, then confirmed, then done some at a time.

Whoever has time does it: the request that confirms, and the queue. What was done is committed with the messages it was
done to, so nothing is missed or counted twice, whoever is killed.
"""

from __future__ import annotations

import time
import uuid
from datetime import datetime

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from smsoffice.models.decisions import cancel
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

MOST = 100_000
"""Messages that are cancelled in one go."""

CHUNK = 1_000
"""Messages a transaction."""

AT_ONCE = 3.0
"""Seconds for which the request that confirms works on it itself; the queue does the rest."""

UNDER_WAY = Q(started_at__isnull=False, finished_at=None)


class Cancellation(models.Model):
    """Messages that wait and are not to be sent; its key is the one-time token of the page that confirms it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("who"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    # The messages' keys; emptied at the end.
    keys = models.JSONField(default=list)
    # Messages chosen; those looked at so far; those of them that still waited and were cancelled.
    total = models.PositiveIntegerField(_("messages"))
    done = models.PositiveIntegerField(_("looked at"), default=0)
    cancelled = models.PositiveIntegerField(_("cancelled"), default=0)

    class Meta:
        verbose_name = _("cancellation")
        verbose_name_plural = _("cancellations")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.id)


def store_cancellation(messages: QuerySet[OutputSMSMessage], user_id: int) -> Cancellation | None:
    """Keep which of the messages wait and are to be cancelled, the oldest first; None where none of them waits."""
    waiting = messages.filter(state=State.WAITING).order_by("created_at", "id").values_list("pk", flat=True)
    keys = list(waiting[:MOST])
    return Cancellation.objects.create(user_id=user_id, keys=keys, total=len(keys)) if keys else None


def confirm_cancellation(cancellation_id: uuid.UUID, user_id: int) -> bool:
    """Begin, once; whether it was this call that began it."""
    draft = Cancellation.objects.filter(pk=cancellation_id, started_at=None)
    return bool(draft.update(started_at=timezone.now(), user_id=user_id))


def go_on_cancelling(cancellation_id: uuid.UUID, seconds: float = AT_ONCE) -> None:
    """Work on a confirmed one for a while, or until it is done."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and _cancel_some(Cancellation.objects.filter(pk=cancellation_id)):
        pass


def cancel_some() -> bool:
    """Cancel some of what was confirmed longest ago; whether there was anything to do."""
    # Asked without a lock: there is almost never anything to do.
    return Cancellation.objects.filter(UNDER_WAY).exists() and _cancel_some(Cancellation.objects.order_by("started_at"))


def _cancel_some(cancellations: QuerySet[Cancellation]) -> bool:
    with transaction.atomic(), translation.override(settings.LANGUAGE_CODE):
        # Who is at it already is left to it.
        one = cancellations.filter(UNDER_WAY).select_for_update(skip_locked=True).first()
        if one is None:
            return False
        keys = one.keys[one.done : one.done + CHUNK]
        one.cancelled += cancel(keys, one.user_id)
        one.done += len(keys)
        if one.done < one.total:
            one.save(update_fields=["done", "cancelled"])
        else:
            one.finished_at, one.keys = timezone.now(), []
            one.save(update_fields=["done", "cancelled", "finished_at", "keys"])
    return True


def forget_cancellations(drafts_before: datetime, done_before: datetime) -> None:
    """Delete those that were made before a time and nobody confirmed, and those that were done before another."""
    Cancellation.objects.filter(started_at=None, created_at__lt=drafts_before).delete()
    Cancellation.objects.filter(finished_at__lt=done_before).delete()
