"""How far a bulk send is: four numbers that add up to its rows at every moment, its pace, and the time to go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from smsoffice.conf import conf
from smsoffice.models.batch import Batch
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

NOT_SENT = "not_sent"
"""Beside the states in `final_states`: how many of the ERROR had not left."""

LEFT_OUT = Q(state=State.ERROR, sent_at=None)
"""What ended before it left: stopped, or out of time."""

SHORTEST_PACE = 30
"""Seconds of data without which no time to go is told."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How the rows of a bulk send stand. The first four add up to `total`.

    Args:
        handed_over: the gateway has answered.
        in_flight: claimed by a worker, which waits for the gateway's answer now.
        not_sent: not handed over: waiting, not yet written as messages, stopped, or out of time.
        unknown: handed over, and what became of it is not known.
        total: all rows that could be sent.
        by_state: the messages that are written, by state.
        failed: of those handed over, the ERRORs.
        to_go: of those not sent, how many would still leave.
    """

    handed_over: int
    in_flight: int
    not_sent: int
    unknown: int
    total: int
    by_state: dict[str, int]
    failed: int
    to_go: int


def numbers(batch: Batch) -> Numbers:
    """Count a bulk send by one query, so that all numbers are of one moment."""
    # Until then even “never heard of it” proves nothing: the call may be under way.
    grace = timezone.now() - timedelta(seconds=conf.SMS_UNKNOWN_GRACE)
    mine = OutputSMSMessage.objects.filter(batch=batch).order_by()
    # Each state is a range of the index; only of the few that may be one of the last two rows are looked at.
    counts = {str(state): _count(mine.filter(state=state)) for state in State}
    counts["ended"] = _count(mine.filter(LEFT_OUT))
    counts["awaited"] = _count(mine.filter(state=State.UNKNOWN, error="", sent_at__gt=grace))
    found: dict[str, Any] = {**Batch.objects.filter(pk=batch.pk).values(**counts).get()}
    left_out, in_flight = found.pop("ended"), found.pop("awaited")
    by_state = {state: count for state, count in found.items() if count}
    kept = {state: count for state, count in batch.final_states.items() if state != NOT_SENT}
    if batch.finished_at and sum(by_state.values()) < sum(kept.values()):
        # Retention has removed messages.
        by_state, left_out, in_flight = kept, batch.final_states.get(NOT_SENT, 0), 0
    return _numbers(batch, by_state, left_out, in_flight)


def _count(messages: QuerySet[OutputSMSMessage]) -> Coalesce:
    return Coalesce(Subquery(messages.values("batch").annotate(all=Count("*")).values("all")), 0)


def _numbers(batch: Batch, by_state: dict[str, int], left_out: int, in_flight: int) -> Numbers:
    written, waiting, open_ = sum(by_state.values()), by_state.get(State.WAITING, 0), by_state.get(State.UNKNOWN, 0)
    total = max(batch.sendable, written)
    to_go = waiting + total - written
    return Numbers(
        handed_over=written - waiting - open_ - left_out,
        in_flight=in_flight,
        not_sent=to_go + left_out,
        unknown=open_ - in_flight,
        total=total,
        by_state=by_state,
        failed=by_state.get(State.ERROR, 0) - left_out,
        to_go=0 if batch.status == Batch.Status.STOPPED else to_go,
    )


def final_states(told: Numbers) -> dict[str, Any]:
    """What is kept of a bulk send for the time when its messages are gone."""
    return {**told.by_state, NOT_SENT: told.by_state.get(State.ERROR, 0) - told.failed}


def may_be_handed_over(batch: Batch) -> int:
    """How many more of the first rows may leave before it waits, `batch.first` being set."""
    left = OutputSMSMessage.objects.filter(batch=batch).exclude(state=State.WAITING).exclude(LEFT_OUT)
    return (batch.first or 0) - left[: batch.first].count()


def pace(batch: Batch, told: Numbers) -> float | None:
    """Messages handed over a second, in the last minute; None with less than half a minute of data."""
    if not batch.pace:
        return None
    since, then = batch.pace[0]
    seconds = timezone.now().timestamp() - since
    return max(_gone(told) - then, 0) / seconds if seconds >= SHORTEST_PACE else None


def time_to_go(batch: Batch, told: Numbers) -> timedelta | None:
    """How long until all have been handed over; None where nobody can tell."""
    rate = pace(batch, told) if batch.status == Batch.Status.RUNNING else None
    refused = GatewayStatus.objects.filter(backend=conf.SMS_SENDER_BACKEND, refused_since__isnull=False)
    if not rate or refused.exists():
        return None
    return timedelta(seconds=told.to_go / rate)


def sampled(batch: Batch, told: Numbers) -> list[list[float]] | None:
    """What `batch.pace` is to be now; None while the last sample is fresh."""
    now = timezone.now().timestamp()
    if batch.pace and now - batch.pace[-1][0] < 5:
        return None
    return [*[one for one in batch.pace if now - one[0] <= 60], [now, _gone(told)]]


def _gone(told: Numbers) -> int:
    return told.handed_over + told.in_flight + told.unknown
