"""The numbers of the admin's front page: is it sending, is anything stuck, does anything need somebody?

None of them is counted over the whole log: days that are over are kept as counts, and the rest are short ranges of an
index, counted once a minute for everybody. Looking writes nothing: the checks of states keep the counts up to date.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from smsoffice.backend.sms import get_sms_backend
from smsoffice.broker import answers, has_broker
from smsoffice.models.backlog import Queue, Undecided, queue_of, undecided_of
from smsoffice.models.batch import Batch
from smsoffice.models.counts import (
    Counts,
    Span,
    Tally,
    added_up,
    bounds,
    by_state,
    days_until,
    kept_counts_of,
    tallies,
)
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.rounds import CommandRun
from smsoffice.models.said import LOOKED_FOR
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

GOOD_FOR = 60
"""Seconds that the counts are shown for."""

A_DAY_IS_GOOD_FOR = 3600
"""Seconds that a day is shown for as this page has counted it, while nobody else has."""

NEEDS_DECISION = timedelta(minutes=15)
"""The age of an UNKNOWN from which it needs a decision; younger ones are being asked about."""

OLD = timedelta(minutes=5)
"""The age from which it is worth a word that something is due and not done."""

MANY = 10_000
"""Messages that are counted one by one; more are told as “more than”."""

SEVERAL = 3
"""Calls that failed one after the other, from which on it is worth a word."""

LATELY = timedelta(hours=24)
"""The time of which gateways and reasons are told."""

REASONS = 5
BULK_SENDS = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted once a minute.

    Args:
        days: the last DAYS days with their messages by state, the oldest first.
        by_gateway: the counts of LATELY.
        reasons: the errors of LATELY, the most frequent first; each with all messages that the log finds by its words.
        other_reasons: how many failed for others.
        failed: how many failed in all.
        as_of: when it was counted, to the second.
        broker_is_away: whether the site has a broker that does not answer.
    """

    days: Sequence[tuple[date, dict[str, int]]]
    queue: Queue
    undecided: Undecided
    by_gateway: Counts
    reasons: Sequence[tuple[str, int]]
    other_reasons: int
    failed: int
    as_of: datetime
    broker_is_away: bool

    @property
    def since(self) -> datetime:
        """When LATELY began."""
        return self.as_of - LATELY

    @property
    def doubted_before(self) -> datetime:
        """Before when an UNKNOWN that needs a decision was handed over."""
        return self.as_of - NEEDS_DECISION


@dataclass(frozen=True, slots=True)
class BulkSend:
    """A bulk send that runs or is paused: how many of how many have left."""

    batch: Batch
    gone: int
    total: int

    @property
    def percent(self) -> int:
        """How much of it has left."""
        return 100 * self.gone // max(self.total, 1)


@dataclass(frozen=True, slots=True)
class InForce:
    """The gateway that the site is set to.

    Args:
        fault: why there is none, in the words of the error; empty where there is one.
        is_test: whether it sends nothing.
    """

    fault: str = ""
    is_test: bool = False


def gateway_in_force() -> InForce:
    """Whether anything can be sent as the settings stand: who serves pages runs no checks."""
    try:
        return InForce(is_test=not get_sms_backend().sends)
    except ImproperlyConfigured as error:
        return InForce(fault=str(error))


def figures() -> Figures:
    """The counts, at most GOOD_FOR seconds old."""
    kept: Figures | None = cache.get("smsoffice.figures")
    if kept is None:
        kept = _count()
        cache.set("smsoffice.figures", kept, GOOD_FOR)
    return kept


def _count() -> Figures:
    now = timezone.now()
    # Whole seconds, so that a link into the log can say the same times.
    as_of = now.replace(microsecond=0)
    today = timezone.localdate(now, timezone.get_default_timezone())
    counts, recent = _count_days(today, as_of - LATELY)
    errors: Counter[str] = Counter()
    for one in recent:
        if one.state == State.ERROR:
            errors[one.error] += one.number
    reasons = _reasons(errors)
    by_gateway = added_up(recent)
    by_gateway.pop("", None)
    return Figures(
        days=[(day, by_state(counts[day])) for day in (*days_until(today), today)],
        queue=queue_of(now, MANY),
        undecided=undecided_of(as_of - NEEDS_DECISION, MANY),
        by_gateway=by_gateway,
        reasons=reasons,
        other_reasons=sum(errors[error] for error in errors if not any(_has(error, words) for words, _ in reasons)),
        failed=errors.total(),
        as_of=as_of,
        broker_is_away=has_broker() and not answers(),
    )


def _reasons(errors: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent errors. One that is found by the words of another is counted with it, as the log lists it."""
    told: list[str] = []
    for error in sorted((error for error, _number in errors.most_common(REASONS)), key=len):
        if not any(_has(error, words) for words in told):
            told.append(error)
    numbers = {words: sum(number for error, number in errors.items() if _has(error, words)) for words in told}
    return Counter(numbers).most_common()


def _has(error: str, words: str) -> bool:
    """Whether the log finds an error by the words of another; one without words by none but its like."""
    looked_for = words[:LOOKED_FOR].strip().lower()
    return looked_for in error.lower() if looked_for else not error.strip()


def _count_days(today: date, since: datetime) -> tuple[dict[date, Counts], list[Tally]]:
    """The counts of the days that are shown, and what was created since a time: no row is read twice."""
    over = days_until(today)
    remembered: dict[date, Counts] = cache.get("smsoffice.days", {})
    counts = remembered | kept_counts_of(over)
    missing = [day for day in over if day not in counts]
    midnight = bounds(today)[0]
    # On the day on which the clocks go back midnight was longer ago.
    *told, lately = tallies(
        [*(Span(*bounds(day), by_state=True) for day in missing), Span(min(midnight, since), late=max(midnight, since))]
    )
    counted = {day: added_up(rows) for day, rows in zip(missing, told, strict=True)}
    if counted:
        cache.set("smsoffice.days", remembered | counted, A_DAY_IS_GOOD_FOR)
    counted[today] = added_up(one for one in lately if one.is_late or midnight <= since)
    return counts | counted, [one for one in lately if one.is_late or since <= midnight]


def bulk_sends() -> list[BulkSend]:
    """The newest bulk sends that run or are paused."""
    # The ranges of an index, one for each state: of all others than WAITING it would read what waits too.
    left = OutputSMSMessage.objects.filter(batch=OuterRef("pk"), state__in=set(State) - {State.WAITING}).order_by()
    gone = Coalesce(Subquery(left.values("batch").annotate(all=Count("pk")).values("all")), 0)
    active = Batch.objects.filter(status__in=[Batch.Status.RUNNING, Batch.Status.PAUSED]).annotate(gone=gone)
    newest = active.order_by("-created_at")[:BULK_SENDS]
    return [BulkSend(batch, batch.gone, max(batch.sendable, batch.accepted)) for batch in newest]


def gateways_in_trouble() -> list[GatewayStatus]:
    """The gateways that refuse us, or failed several times in a row."""
    return list(GatewayStatus.objects.filter(~Q(refusal="") | Q(failures__gte=SEVERAL)))


def command_runs() -> dict[str, CommandRun]:
    """The last round of each periodic command, by its name."""
    return {run.name: run for run in CommandRun.objects.all()}


def is_missed(name: CommandRun.Name, run: CommandRun | None, figures: Figures, now: datetime) -> bool:
    """Whether a command is late; one that has never run is, once something has waited for it for long."""
    if run is not None:
        return run.is_late(now)
    sends = name == CommandRun.Name.SEND
    return is_old(figures.queue.oldest_due if sends else figures.undecided.oldest_question, now)


def is_old(since: datetime | None, now: datetime) -> bool:
    """Whether something has been due for so long that it is worth a word."""
    return since is not None and now - since > OLD
