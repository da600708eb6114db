"""Messages counted by day, gateway and state, and kept: so that no page counts the whole log, and what retention
removes stays counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Case, Count, F, IntegerField, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

DAYS = 14
"""Days that are shown, with today; those before it are kept up to date."""

TODAY_IS_GOOD_FOR = timedelta(seconds=60)
A_DAY_IS_GOOD_FOR = timedelta(hours=1)

SETTLED_AFTER = timedelta(days=8)
"""How long after its end a day may still change: receipts come late, and gateways are asked for a week."""

Counts = dict[str, dict[str, int]]
"""Messages by the gateway's path, and by state."""


class DayCount(models.Model):
    """The messages that were created on one day of the site's time, as they stood when they were counted."""

    day = models.DateField(_("day"), unique=True)
    counts = models.JSONField(_("messages"), default=dict, encoder=DjangoJSONEncoder)
    counted_at = models.DateTimeField(_("counted"))
    # Rows of this day were removed: it is never counted again.
    is_final = models.BooleanField(_("final"), default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.day)

    def is_good(self, now: datetime) -> bool:
        """Whether it need not be counted again."""
        if self.is_final:
            return True
        _start, end = bounds(self.day)
        if self.counted_at >= end + SETTLED_AFTER:
            return True
        # What was counted before midnight lacks the rest of the day.
        keeps = TODAY_IS_GOOD_FOR if now < end or self.counted_at < end else A_DAY_IS_GOOD_FOR
        return now - self.counted_at < keeps


class Span(NamedTuple):
    """A time whose messages are counted.

    Args:
        end: None for none.
        late: the moment from which on messages are late in it.
        by_state: whether nothing is asked but states, which the index knows by itself.
    """

    start: datetime
    end: datetime | None = None
    late: datetime | None = None
    by_state: bool = False


class Tally(NamedTuple):
    """How many messages of a span have a gateway, a state and an error in common, and whether they are late in it.

    Gateway and error are empty where only states were asked for.
    """

    backend: str
    state: str
    error: str
    is_late: bool
    number: int


def bounds(day: date) -> tuple[datetime, datetime]:
    """The first moment of a day of the site's time, and of the next one."""
    zone = timezone.get_default_timezone()
    return tuple(datetime.combine(day + timedelta(days=n), time.min, tzinfo=zone) for n in (0, 1))  # type: ignore[return-value]


def counts_of(days: Iterable[date]) -> dict[date, Counts]:
    """The counts of some days, each counted only where what is kept of it is too old."""
    wanted, now = set(days), timezone.now()
    kept = {row.day: row for row in DayCount.objects.filter(day__in=wanted)}
    return {
        day: kept[day].counts if day in kept and kept[day].is_good(now) else count_day(day) for day in sorted(wanted)
    }


def keep_up() -> None:
    """Keep the counts of the days that are shown up to date: by what runs in the background, so that no page has to."""
    counts_of(days_until(timezone.localdate(timezone.now(), timezone.get_default_timezone())))


def days_until(today: date) -> list[date]:
    """The days that are shown before today, the oldest first."""
    return [today - timedelta(days=n) for n in range(DAYS - 1, 0, -1)]


def kept_counts_of(days: Iterable[date]) -> dict[date, Counts]:
    """The counts of those days that were counted when they were over."""
    kept = DayCount.objects.filter(day__in=days)
    return {row.day: row.counts for row in kept if row.is_final or row.counted_at >= bounds(row.day)[1]}


def tallies(spans: Sequence[Span]) -> list[list[Tally]]:
    """Count the messages of some spans of time, in one question: each is read as a range of an index."""
    found: list[list[Tally]] = [[] for _span in spans]
    first, *others = (_tally(number, span) for number, span in enumerate(spans))
    for number, *columns in first.union(*others, all=True) if others else first:
        found[number].append(Tally(*columns))
    return found


def _tally(number: int, span: Span) -> Any:
    rows = OutputSMSMessage.objects.filter(created_at__gte=span.start).order_by()
    rows = rows.filter(created_at__lt=span.end) if span.end else rows
    # Two ranges in place of this would be counted by processes of their own, which take longer to start than to count.
    late = Case(When(created_at__gte=span.late, then=True), default=False) if span.late else Value(False)
    of, why = (Value(""), Value("")) if span.by_state else (F("backend"), F("error"))
    # With all states named it is a short range of the index for each, and no row is looked at.
    rows = rows.filter(state__in=list(State)) if span.by_state else rows
    counted = rows.values("state").annotate(of=of, why=why, late=late)
    counted = counted.annotate(number=Count("pk"), span=Value(number, IntegerField()))
    return counted.values_list("span", "of", "state", "why", "late", "number")


def added_up(told: Iterable[Tally]) -> Counts:
    """Tallies by gateway and state."""
    counts: Counts = {}
    for one in told:
        states = counts.setdefault(one.backend, {})
        states[one.state] = states.get(one.state, 0) + one.number
    return counts


def by_state(counts: Counts) -> dict[str, int]:
    """The sums over all gateways."""
    totals: Counter[str] = Counter()
    for states in counts.values():
        totals.update(states)
    return dict(totals)


def count_day(day: date, *, is_final: bool = False) -> Counts:
    """Count a day now and keep the result.

    Args:
        is_final: rows of it are about to be removed, so it is not to be counted again.
    """
    start, end = bounds(day)
    rows = OutputSMSMessage.objects.filter(created_at__gte=start, created_at__lt=end).order_by()
    counts: Counts = {}
    for backend, state, number in rows.values_list("backend", "state").annotate(Count("pk")):
        counts.setdefault(backend, {})[state] = number
    values = {"counts": counts, "counted_at": timezone.now(), "is_final": is_final}
    # What is final is kept, though another process began to count before.
    if not DayCount.objects.filter(day=day, is_final=False).update(**values):
        row, _made = DayCount.objects.get_or_create(day=day, defaults=values)
        return dict(row.counts)
    return counts
