"""The front page's numbers in words: tiles, tables, the chart, each figure with its link into the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice import dashboard
from smsoffice.admin.chart import Day, chart_of
from smsoffice.admin.common import gateway_title
from smsoffice.admin.dashboard_notes import Note, notes
from smsoffice.admin.dashboard_words import day_in_words, every, how_long, labelled, log_url
from smsoffice.backend.sms import get_sms_backend
from smsoffice.conf import conf
from smsoffice.dashboard import MANY, Figures, InForce
from smsoffice.filters import LONGEST
from smsoffice.models.counts import bounds
from smsoffice.models.lasting import is_lasting
from smsoffice.models.rounds import CommandRun
from smsoffice.models.said import said
from smsoffice.states import State

__all__ = ["Note", "log_url", "shown"]


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
    """One gateway's messages of the last 24 hours; `share` is None where it does not report deliveries."""

    name: str
    url: str
    in_use: bool
    handed_over: int
    delivered: int
    share: float | None
    failed: int
    open: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why messages failed, how many, what to do, and where they are."""

    words: str
    number: int
    advice: str
    url: str


def shown(*, may_send: bool) -> dict[str, Any]:
    """All that the front page shows."""
    figures, runs, now = dashboard.figures(), dashboard.command_runs(), timezone.now()
    in_force = dashboard.gateway_in_force()
    days = [_day(day, totals) for day, totals in figures.days]
    since = timezone.localtime(figures.as_of - timedelta(hours=24)).strftime("%Y-%m-%dT%H:%M")
    return {
        "today": day_in_words(timezone.localtime(now), "DATE_FORMAT"),
        "notes": list(notes(figures, runs, in_force, now)),
        "tiles": list(_tiles(figures, in_force, now)),
        "queue": figures.queue,
        "oldest_due": how_long(figures.queue.oldest_due, now),
        "undecided": figures.undecided,
        "oldest_undecided": how_long(figures.undecided.oldest, now),
        "undecided_url": log_url(state=State.UNKNOWN),
        "due_url": log_url(state=State.WAITING),
        "bulk_sends": dashboard.bulk_sends(),
        "commands": list(_commands(figures, runs, now)),
        "chart": chart_of(days),
        "chart_words": _chart_words(days),
        "day_rows": [(day, _log_of_day(day.day)) for day in reversed(days)],
        "is_empty": not any(day.total for day in days),
        "gateways": list(_gateways(figures, since)),
        "reasons": [_reason(error, number, since) for error, number in figures.reasons],
        "other_reasons": figures.other_reasons,
        "failed_url": log_url(state=State.ERROR, created_after=since),
        "failed": sum(number for _error, number in figures.reasons) + figures.other_reasons,
        "as_of": timezone.localtime(figures.as_of),
        "log_url": log_url(),
        "send_url": reverse("admin:smsoffice_outputsmsmessage_add") if may_send else "",
    }


def _day(day: date, totals: dict[str, int]) -> Day:
    on_the_way = (State.WAITING, State.SENDING, State.SENT, State.UNKNOWN)
    return Day(
        day,
        delivered=totals.get(State.DELIVERED, 0),
        open=sum(totals.get(state, 0) for state in on_the_way),
        failed=totals.get(State.ERROR, 0),
        other=totals.get(State.DEBUG, 0),
    )


def _log_of_day(day: date) -> str:
    start, end = bounds(day)
    return log_url(created_after=f"{start:%Y-%m-%dT%H:%M}", created_before=f"{end:%Y-%m-%dT%H:%M}")


def _tiles(figures: Figures, in_force: InForce, now: datetime) -> Iterator[Tile]:
    today, totals = figures.days[-1]
    start = bounds(today)[0].strftime("%Y-%m-%dT%H:%M")
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


def _need_a_decision(number: int) -> str:
    if number > MANY:
        return _("more than %d need a decision") % MANY
    return ngettext("%d needs a decision", "%d need a decision", number) % number


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
    for path, states in sorted(figures.by_gateway.items()):
        handed_over = sum(number for state, number in states.items() if state not in {State.WAITING, State.DEBUG})
        delivered = states.get(State.DELIVERED, 0)
        yield GatewayRow(
            gateway_title(path),
            log_url(backend=path, created_after=since),
            path == conf.SMS_SENDER_BACKEND,
            handed_over,
            delivered,
            100 * delivered / handed_over if handed_over and (delivered or _reports(path)) else None,
            states.get(State.ERROR, 0),
            sum(states.get(state, 0) for state in (State.UNKNOWN, State.SENDING, State.SENT)),
        )


def _reports(path: str) -> bool:
    """Whether the gateway tells of deliveries."""
    try:
        return get_sms_backend(path).asks
    except Exception:
        # The gateway of an old message may be gone, or no longer configured.
        return False


def _reason(error: str, number: int, since: str) -> Reason:
    advice = _("Correct the number or the text.") if is_lasting(error) else _("Resend later.")
    # A long one is found by its beginning.
    url = log_url(state=State.ERROR, error=error[:LONGEST], created_after=since)
    return Reason(said(error) or _("The reason is not known."), number, advice if error else "", url)
