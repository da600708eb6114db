"""The front page's numbers in words: tiles, tables, the chart, each figure with its link into the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice import dashboard
from smsoffice.admin.chart import Day, chart_of
from smsoffice.admin.common import gateway_title, number
from smsoffice.admin.dashboard_notes import Note, notes
from smsoffice.admin.dashboard_words import (
    day_in_words,
    every,
    how_long,
    in_link,
    in_states,
    labelled,
    linked,
    log_url,
    up_to_many,
)
from smsoffice.backend.sms import get_sms_backend
from smsoffice.conf import conf
from smsoffice.dashboard import Figures, InForce
from smsoffice.models.counts import bounds
from smsoffice.models.lasting import is_lasting
from smsoffice.models.rounds import CommandRun
from smsoffice.models.said import LOOKED_FOR, said
from smsoffice.states import OPEN, State

__all__ = ["Note", "log_url", "shown"]

HANDED_OVER = tuple(state for state in State if state not in {State.WAITING, State.DEBUG})
ON_THE_WAY = (State.WAITING, *sorted(OPEN))


@dataclass(frozen=True, slots=True)
class Tile:
    """Today's messages in one state."""

    state: State
    number: int
    url: str
    more: str = ""
    loud: bool = False


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One gateway's messages of the last 24 hours: numbers that are links.

    Args:
        share: percent of what was handed over that was delivered; None where the gateway does not say.
        is_silent: whether it does not say, although messages were handed over.
    """

    name: str
    url: str
    in_use: bool
    handed_over: str
    delivered: str
    share: float | None
    is_silent: bool
    failed: str
    open: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why messages failed, how many, what to do, and where they are; no filter finds those without a reason."""

    words: str
    number: str
    advice: str
    url: str


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day's messages: all, delivered, waiting or on the way, not delivered; numbers that are links."""

    day: date
    url: str
    numbers: Sequence[str]


def shown(*, may_send: bool) -> dict[str, Any]:
    """All that the front page shows."""
    figures, runs, now = dashboard.figures(), dashboard.command_runs(), timezone.now()
    in_force = dashboard.gateway_in_force()
    days = [_day(day, totals) for day, totals in figures.days]
    since, doubted_before = in_link(figures.since), in_link(figures.doubted_before)
    queue, undecided = figures.queue, figures.undecided
    needing = log_url(state=State.UNKNOWN, sent_before=doubted_before)
    return {
        "today": day_in_words(timezone.localtime(now), "DATE_FORMAT"),
        "notes": list(notes(figures, runs, in_force, now)),
        "tiles": list(_tiles(figures, in_force, now)),
        "waiting": linked(queue.waiting, log_url(state=State.WAITING), up_to_many),
        "due": up_to_many(queue.due),
        "scheduled": up_to_many(queue.scheduled),
        "oldest_due": how_long(queue.oldest_due, now),
        "need_decision": linked(undecided.need_decision, needing, up_to_many),
        "asked": linked(undecided.asked, log_url(state=State.UNKNOWN, sent_after=doubted_before), up_to_many),
        "oldest_undecided": how_long(undecided.oldest, now),
        "decide": undecided.need_decision and linked(undecided.need_decision, needing, _decide),
        "bulk_sends": dashboard.bulk_sends(),
        "commands": list(_commands(figures, runs, now)),
        "chart": chart_of(days),
        "chart_words": _chart_words(days),
        "day_rows": [_day_row(day) for day in reversed(days)],
        "is_empty": not any(day.total for day in days),
        "gateways": list(_gateways(figures, since)),
        "reasons": [_reason(error, count, since) for error, count in figures.reasons],
        "other_reasons": figures.other_reasons,
        "failed_url": log_url(state=State.ERROR, created_after=since),
        "failed": figures.failed,
        "as_of": timezone.localtime(figures.as_of),
        "log_url": log_url(),
        "send_url": reverse("admin:smsoffice_outputsmsmessage_add") if may_send else "",
    }


def _day(day: date, totals: dict[str, int]) -> Day:
    return Day(
        day,
        delivered=totals.get(State.DELIVERED, 0),
        open=_sum(totals, ON_THE_WAY),
        failed=totals.get(State.ERROR, 0),
        other=totals.get(State.DEBUG, 0),
    )


def _day_row(day: Day) -> DayRow:
    start, end = map(in_link, bounds(day.day))
    url = log_url(created_after=start, created_before=end)
    numbers = [
        linked(day.total, url),
        linked(day.delivered, in_states(url, State.DELIVERED)),
        linked(day.open, in_states(url, *ON_THE_WAY)),
        linked(day.failed, in_states(url, State.ERROR)),
    ]
    return DayRow(day.day, url, numbers)


def _tiles(figures: Figures, in_force: InForce, now: datetime) -> Iterator[Tile]:
    today, totals = figures.days[-1]
    start = in_link(bounds(today)[0])
    for state in State:
        number = totals.get(state, 0)
        if state == State.DEBUG and not number and not in_force.is_test:
            continue
        more, loud = "", False
        if state == State.WAITING and dashboard.is_old(figures.queue.oldest_due, now):
            more = _("oldest %s") % how_long(figures.queue.oldest_due, now)
        elif state == State.UNKNOWN and figures.undecided.need_decision:
            needing = figures.undecided.need_decision
            more, loud = _need_a_decision(needing), True
            if needing > number:
                more = _("%s, counting all days") % more
        elif state == State.DELIVERED and number:
            more = _("%d %% of all") % (100 * number // max(sum(totals.values()), 1))
        yield Tile(state, number, log_url(state=state, created_after=start), more, loud)


def _need_a_decision(count: int) -> str:
    return ngettext("%s needs a decision", "%s need a decision", count) % up_to_many(count)


def _decide(count: int) -> str:
    if count > dashboard.MANY:
        return _("Decide on these, more than %s") % number(dashboard.MANY)
    return ngettext("Decide on this one", "Decide on these %(number)s", count) % {"number": number(count)}


def _commands(figures: Figures, runs: dict[str, CommandRun], now: datetime) -> Iterator[dict[str, Any]]:
    for name in CommandRun.Name:
        run = runs.get(name)
        late = dashboard.is_missed(name, run, figures, now)
        if run is None:
            yield {"name": name.value, "said": _("has not run yet"), "late": late, "when": ""}
            continue
        yield {
            "name": name.value,
            "said": _("expected %s") % every(run.interval) if late else labelled(run.said),
            "late": late,
            "when": run.finished_at,
        }


def _chart_words(days: list[Day]) -> str:
    """The chart in a sentence, for who does not see it."""
    if not any(day.total for day in days):
        return _("No message in these days.")
    worst = max(days, key=lambda day: day.share)
    told = {
        "least": min(day.total for day in days),
        "most": max(day.total for day in days),
        "share": f"{worst.share:.1f}",
        "day": day_in_words(worst.day, "MONTH_DAY_FORMAT"),
    }
    words = _("Between %(least)d and %(most)d messages a day; at most %(share)s %% not delivered, on %(day)s.")
    return words % told + " " + _("The same numbers stand in the table below.")


def _gateways(figures: Figures, since: str) -> Iterator[GatewayRow]:
    for path, counts in sorted(figures.by_gateway.items()):
        url = log_url(backend=path, created_after=since)
        handed_over, delivered = _sum(counts, HANDED_OVER), counts.get(State.DELIVERED, 0)
        tells = bool(handed_over and (delivered or _reports(path)))
        yield GatewayRow(
            gateway_title(path),
            url,
            path == conf.SMS_SENDER_BACKEND,
            linked(handed_over, in_states(url, *HANDED_OVER)),
            linked(delivered, in_states(url, State.DELIVERED)),
            100 * delivered / handed_over if tells else None,
            bool(handed_over) and not tells,
            linked(counts.get(State.ERROR, 0), in_states(url, State.ERROR)),
            linked(_sum(counts, OPEN), in_states(url, *sorted(OPEN))),
        )


def _sum(counts: dict[str, int], states: Iterable[State]) -> int:
    return sum(counts.get(state, 0) for state in states)


def _reports(path: str) -> bool:
    """Whether the gateway tells of deliveries."""
    try:
        return get_sms_backend(path).asks
    except Exception:
        # The gateway of an old message may be gone, or no longer configured.
        return False


def _reason(error: str, count: int, since: str) -> Reason:
    if not error.strip():
        return Reason(_("The reason is not known."), number(count), "", "")
    advice = _("Correct the number or the text.") if is_lasting(error) else _("Resend later.")
    # A long one is found by its beginning.
    url = log_url(state=State.ERROR, error=error[:LOOKED_FOR], created_after=since)
    return Reason(said(error), linked(count, url), advice, url)
