"""The numbers of the admin's front page: is it sending, is anything stuck, does anything need somebody?

None of them is counted over the whole log: days are kept as counts, and the rest are short ranges of an index, counted
once a minute for everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.cache import cache
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from smsoffice.broker import answers, has_broker
from smsoffice.models.batch import Batch
from smsoffice.models.counts import Counts, counts_of
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.rounds import CommandRun
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

DAYS = 14
GOOD_FOR = 60
"""Seconds that the counts are shown for."""

NEEDS_DECISION = timedelta(minutes=15)
"""The age of an UNKNOWN from which it needs a decision; younger ones are being asked about."""

MANY = 10_000
"""Messages that are counted one by one; more are told as “more than”."""

SEVERAL = 3
"""Calls that failed one after the other, from which on it is worth a word."""

REASONS = 5
BULK_SENDS = 5


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits: how many are due, since when the oldest is, how many are to leave later. Counted up to MANY + 1."""

    due: int
    oldest_due: datetime | None
    scheduled: int


@dataclass(frozen=True, slots=True)
class Undecided:
    """UNKNOWN messages: how many need a decision and since when, and how many are asked about now."""

    need_decision: int
    oldest: datetime | None
    asked: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted once a minute.

    Args:
        days: the last DAYS days with their counts, the oldest first.
        by_gateway: the last 24 hours' counts.
        reasons: the last 24 hours' errors, the most frequent first, and how many others there are.
        as_of: when it was counted.
        broker_is_away: whether the site has a broker that does not answer.
    """

    days: Sequence[tuple[date, Counts]]
    queue: Queue
    undecided: Undecided
    by_gateway: Counts
    reasons: Sequence[tuple[str, int]]
    other_reasons: int
    as_of: datetime
    broker_is_away: bool


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


def figures() -> Figures:
    """The counts, at most GOOD_FOR seconds old."""
    kept: Figures | None = cache.get("smsoffice.figures")
    if kept is None:
        kept = _count()
        cache.set("smsoffice.figures", kept, GOOD_FOR)
    return kept


def _count() -> Figures:
    now = timezone.now()
    today = timezone.localdate(now, timezone.get_default_timezone())
    days = [today - timedelta(days=n) for n in reversed(range(DAYS))]
    counts = counts_of(days)
    since = now - timedelta(hours=24)
    reasons = Counter(dict(_reasons(since)))
    top = reasons.most_common(REASONS)
    return Figures(
        days=[(day, counts[day]) for day in days],
        queue=_queue(now),
        undecided=_undecided(now),
        by_gateway=_by_gateway(since),
        reasons=top,
        other_reasons=sum(reasons.values()) - sum(count for _, count in top),
        as_of=now,
        broker_is_away=has_broker() and not answers(),
    )


def _up_to_many(found: QuerySet[OutputSMSMessage]) -> int:
    return found.order_by()[: MANY + 1].count()


def _queue(now: datetime) -> Queue:
    waiting = OutputSMSMessage.objects.filter(state=State.WAITING)
    single, bulk = waiting.filter(batch=None), waiting.filter(batch__status=Batch.Status.RUNNING)
    firsts: list[datetime] = []
    # One range of the queue's index for each priority, however much waits.
    priority = single.order_by("-priority").values_list("priority", flat=True).first()
    while priority is not None:
        due = single.filter(priority=priority, due_at__lte=now).order_by("due_at", "pk")
        firsts += due.values_list("due_at", flat=True)[:1]
        below = single.filter(priority__lt=priority).order_by("-priority")
        priority = below.values_list("priority", flat=True).first()
    firsts += bulk.filter(due_at__lte=now).order_by("batch", "due_at").values_list("due_at", flat=True)[:1]
    may_leave = Q(batch=None) | Q(batch__status=Batch.Status.RUNNING)
    return Queue(
        due=_up_to_many(waiting.filter(may_leave, due_at__lte=now)),
        oldest_due=min(firsts, default=None),
        scheduled=_up_to_many(waiting.filter(due_at__gt=now)),
    )


def _undecided(now: datetime) -> Undecided:
    needs = needs_decision(now)
    told = OutputSMSMessage.objects.filter(state=State.UNKNOWN).aggregate(
        all=Count("pk"), needing=Count("pk", filter=needs), oldest=Min("sent_at", filter=needs)
    )
    return Undecided(told["needing"], told["oldest"], told["all"] - told["needing"])


def needs_decision(now: datetime) -> Q:
    """Which UNKNOWN messages nobody is about to tell of."""
    return Q(sent_at__lte=now - NEEDS_DECISION)


def _by_gateway(since: datetime) -> Counts:
    counts: Counts = {}
    recent = OutputSMSMessage.objects.filter(created_at__gte=since).exclude(backend="").order_by()
    for backend, state, number in recent.values_list("backend", "state").annotate(Count("pk")):
        counts.setdefault(backend, {})[state] = number
    return counts


def _reasons(since: datetime) -> Sequence[tuple[str, int]]:
    failed = OutputSMSMessage.objects.filter(state=State.ERROR, created_at__gte=since).order_by()
    return [(error, number) for error, number in failed.values_list("error").annotate(Count("pk"))]


def bulk_sends() -> list[BulkSend]:
    """The newest bulk sends that run or are paused."""
    active = Batch.objects.filter(status__in=[Batch.Status.RUNNING, Batch.Status.PAUSED])
    batches = list(active.order_by("-created_at")[:BULK_SENDS])
    left = OutputSMSMessage.objects.filter(batch__in=batches).exclude(state=State.WAITING).order_by()
    gone = dict(left.values_list("batch").annotate(Count("pk")))
    return [BulkSend(batch, gone.get(batch.pk, 0), max(batch.sendable, batch.accepted)) for batch in batches]


def gateways_in_trouble() -> list[GatewayStatus]:
    """The gateways that refuse us, or failed several times in a row."""
    return list(GatewayStatus.objects.filter(~Q(refusal="") | Q(failures__gte=SEVERAL)))


def command_runs() -> dict[str, CommandRun]:
    """The last round of each periodic command, by its name."""
    return {run.name: run for run in CommandRun.objects.all()}
