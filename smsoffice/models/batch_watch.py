"""What a running bulk send does by itself: wait after its first rows, halt when too many fail, finish."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.conf import conf
from smsoffice.models.batch import Batch
from smsoffice.models.batch_control import pause
from smsoffice.models.batch_numbers import Numbers, final_states, numbers, sampled
from smsoffice.states import State

Status = Batch.Status

ENOUGH = 10
"""Outcomes without which nothing is concluded from failures."""


def live() -> list[Batch]:
    """The bulk sends that there is something to do for."""
    rows = Batch.objects.filter(status=Status.RUNNING) | Batch.objects.filter(status=Status.STOPPED, finished_at=None)
    drafts = Batch.objects.filter(status=Status.DRAFT, checked_at=None)
    return list((rows | drafts).order_by("created_at"))


def watch_all() -> None:
    """Look after every bulk send whose messages may have got new states."""
    for batch in live():
        if batch.status != Status.DRAFT:
            watch(batch)


def watch(batch: Batch) -> None:
    """Let a bulk send pause, finish, or note its pace, as its numbers ask for."""
    if batch.send_after and batch.send_after > timezone.now():
        return
    told = numbers(batch)
    waiting = told.by_state.get(State.WAITING, 0)
    if not (told.to_go or waiting or told.in_flight):
        finish(batch.pk)
    elif batch.status == Status.RUNNING:
        with translation.override(settings.LANGUAGE_CODE):
            reason = _too_many_failed(batch, told) or _first_are_gone(batch, told)
        if reason:
            pause(batch.pk, reason=reason)
        elif samples := sampled(batch, told):
            Batch.objects.filter(pk=batch.pk, status=Status.RUNNING).update(pace=samples)


def _too_many_failed(batch: Batch, told: Numbers) -> str:
    # What the gateway took has not failed so far: refusals are told at once, deliveries only later.
    failed_before, outcomes_before = batch.forgiven or (0, 0)
    failed, outcomes = told.failed - failed_before, told.handed_over - outcomes_before
    limit = conf.SMS_FAILURE_LIMIT if batch.failure_limit is None else batch.failure_limit
    if outcomes < ENOUGH or failed * 100 <= limit * outcomes:
        return ""
    words = _("%(failed)d of %(count)d failed, more than %(limit)d %%. See why, then go on or stop.")
    return words % {"failed": failed, "count": outcomes, "limit": limit}


def _first_are_gone(batch: Batch, told: Numbers) -> str:
    if batch.first is None or told.handed_over + told.unknown < batch.first:
        return ""
    words = ngettext(
        "The first message was handed over, and the others wait. See what became of it, then go on or stop.",
        "The first %(count)d were handed over, and the others wait. See what became of them, then go on or stop.",
        batch.first,
    )
    return words % {"count": batch.first}


def finish(batch_id: UUID) -> None:
    """End a bulk send of which nothing waits, nothing is in flight, and no row is missing."""
    with transaction.atomic():
        # The lock keeps a message that is just being put back from being overlooked.
        over = Batch.objects.select_for_update().filter(pk=batch_id, finished_at=None)
        batch = over.filter(status__in=[Status.RUNNING, Status.STOPPED]).first()
        if batch is None:
            return
        told = numbers(batch)
        unwritten = batch.status == Status.RUNNING and sum(told.by_state.values()) != batch.sendable
        if unwritten or told.by_state.get(State.WAITING) or told.in_flight:
            return
        batch.status = Status.FINISHED if batch.status == Status.RUNNING else batch.status
        batch.finished_at, batch.final_states = timezone.now(), final_states(told)
        batch.save(update_fields=["status", "finished_at", "final_states"])


def keep_states(batch_ids: Iterable[UUID]) -> None:
    """Note how the messages of bulk sends stand, before some are removed; where some are gone already, it is noted."""
    for batch in Batch.objects.filter(pk__in=batch_ids, finished_at__isnull=False):
        told = final_states(numbers(batch))
        if told != batch.final_states:
            Batch.objects.filter(pk=batch.pk).update(final_states=told)
