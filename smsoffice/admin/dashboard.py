"""The front page's numbers in words: notes on what is wrong, tiles, tables, each figure with its link into the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice import dashboard
from smsoffice.admin.chart import Day, chart_of
from smsoffice.admin.common import gateway_title
from smsoffice.backend.sms import get_sms_backend
from smsoffice.conf import conf
from smsoffice.dashboard import MANY, Figures
from smsoffice.models.counts import Counts, bounds
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.lasting import is_lasting
from smsoffice.models.rounds import CommandRun
from smsoffice.states import State

OLD = timedelta(minutes=5)
"""The age from which it is worth a word that a message waits."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is wrong.

    Args:
        tint: the state whose colours it has.
        icon: its icon.
        title: what is wrong.
        text: more of it.
        advice: what to do, and for whom.
        link: where it can be looked at: words and address.
        alarming: whether nothing is being sent.
    """

    tint: str
    icon: str
    title: str
    text: str
    advice: str = ""
    link: tuple[str, str] | None = None
    alarming: bool = False


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


def log_url(**query: Any) -> str:
    """The log, filtered."""
    address = reverse("admin:smsoffice_outputsmsmessage_changelist")
    return f"{address}?{urlencode(query, doseq=True)}" if query else address


def shown(*, may_send: bool) -> dict[str, Any]:
    """All that the front page shows."""
    figures, runs, now = dashboard.figures(), dashboard.command_runs(), timezone.now()
    days = [_day(day, counts) for day, counts in figures.days]
    since = timezone.localtime(figures.as_of - timedelta(hours=24)).strftime("%Y-%m-%dT%H:%M")
    return {
        "today": _day_in_words(timezone.localtime(now), "DATE_FORMAT"),
        "notes": list(_notes(figures, runs, now)),
        "tiles": list(_tiles(figures, now)),
        "queue": figures.queue,
        "oldest_due": _how_long(figures.queue.oldest_due, now),
        "undecided": figures.undecided,
        "oldest_undecided": _how_long(figures.undecided.oldest, now),
        "undecided_url": log_url(state=State.UNKNOWN),
        "due_url": log_url(state=State.WAITING),
        "bulk_sends": dashboard.bulk_sends(),
        "commands": list(_commands(runs, now)),
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


def _day_in_words(day: date, form: str) -> str:
    """A date with its day of the week, in the reader's spelling."""
    return f"{date_format(day, 'l')} {date_format(day, form)}"


def _totals(counts: Counts) -> dict[str, int]:
    totals: dict[str, int] = {}
    for states in counts.values():
        for state, number in states.items():
            totals[state] = totals.get(state, 0) + number
    return totals


def _day(day: date, counts: Counts) -> Day:
    totals = _totals(counts)
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


def _how_long(since: datetime | None, now: datetime) -> str:
    """An age in a word or two: “44 min”, “3 h”, “2 d”."""
    if since is None:
        return ""
    minutes = int((now - since).total_seconds()) // 60
    if minutes < 1:
        return _("under a minute")
    if minutes < 60:
        return _("%d min") % minutes
    return _("%d h") % (minutes // 60) if minutes < 48 * 60 else _("%d d") % (minutes // 1440)


def _tiles(figures: Figures, now: datetime) -> Iterator[Tile]:
    today, counts = figures.days[-1]
    totals = _totals(counts)
    start = bounds(today)[0].strftime("%Y-%m-%dT%H:%M")
    for state in State:
        number = totals.get(state, 0)
        if state == State.DEBUG and not number and get_sms_backend().sends:
            continue
        more, loud = "", False
        if state == State.WAITING and (oldest := figures.queue.oldest_due) and now - oldest > OLD:
            more = _("oldest %s") % _how_long(oldest, now)
        elif state == State.UNKNOWN and figures.undecided.need_decision:
            needing = figures.undecided.need_decision
            more, loud = ngettext("%d needs a decision", "%d need a decision", needing) % needing, True
        elif state == State.DELIVERED and number:
            more = _("%d %% of all") % (100 * number // max(sum(totals.values()), 1))
        yield Tile(state, number, log_url(state=state, created_after=start), more, loud)


def _notes(figures: Figures, runs: dict[str, CommandRun], now: datetime) -> Iterator[Note]:
    for status in dashboard.gateways_in_trouble():
        in_use = status.backend == conf.SMS_SENDER_BACKEND
        if status.refusal:
            yield _refused(status, figures, in_use)
        elif in_use and status.not_before:
            words = _("The gateway cannot take messages now; the next attempt is at %s.") % _clock(status.not_before)
            yield Note("unknown", "warning", words, _waiting_words(figures.queue.due))
    waiting = log_url(state=State.WAITING)
    for name in CommandRun.Name:
        run = runs.get(name)
        if run is None and figures.queue.due and name == CommandRun.Name.SEND and conf.SMS_BATCH_SENDING:
            yield Note(
                "error",
                "error",
                _("Nothing is being sent."),
                _("%s has never run.") % name.value + " " + _waiting_words(figures.queue.due),
                _("For the administrator: add its cron line, or start it; README tells how."),
                (_("Show the waiting messages"), waiting),
                alarming=True,
            )
        elif run is not None and run.is_late(now):
            yield _late(run, figures, now)
    if figures.broker_is_away:
        yield Note(
            "unknown",
            "warning",
            _("Celery's broker does not answer."),
            _("Sending goes on by the commands, where they run; nothing is lost."),
            _("For the administrator: look after the broker of CELERY_BROKER_URL."),
        )
    if not get_sms_backend().sends:
        yield Note(
            "unknown",
            "warning",
            _("Test mode."),
            _("The gateway in force sends nothing: messages end as Debug."),
            _("For the administrator: name a gateway in PYMESS_SMS_SENDER_BACKEND."),
        )


def _refused(status: GatewayStatus, figures: Figures, in_use: bool) -> Note:
    since = _clock(status.refused_since) if status.refused_since else ""
    told = {"gateway": gateway_title(status.backend), "since": since, "words": _(status.refusal)}
    words = _("%(gateway)s has refused us since %(since)s: %(words)s") % told
    return Note(
        "error" if in_use else "unknown",
        "error" if in_use else "warning",
        _("Nothing is being sent.") if in_use else _("A gateway refuses us."),
        f"{words} {_waiting_words(figures.queue.due)}" if in_use else words,
        _("For the administrator: correct the gateway's setting, then run “manage.py check”."),
        (_("Show the waiting messages"), log_url(state=State.WAITING)),
        alarming=in_use,
    )


def _waiting_words(due: int) -> str:
    if not due:
        return _("No message waits.")
    number = _("more than %d") % MANY if due > MANY else str(due)
    return ngettext("%s message waits; it is not lost.", "%s messages wait; none is lost.", due) % number


def _late(run: CommandRun, figures: Figures, now: datetime) -> Note:
    ago = _how_long(run.finished_at, now)
    told = {"command": run.name, "ago": ago, "every": _every(run.interval)}
    words = _("%(command)s last finished %(ago)s ago; it is expected %(every)s.") % told
    advice = _("For the administrator: look whether it runs, by cron, as a service or by Celery.")
    if run.name == CommandRun.Name.SEND:
        return Note("error", "error", _("Sending is late."), words, advice, alarming=bool(figures.queue.due))
    return Note("unknown", "warning", _("States may be out of date."), words, advice)


def _every(seconds: float) -> str:
    whole = max(round(seconds), 1)
    if whole % 60:
        return ngettext("every %d second", "every %d seconds", whole) % whole
    return ngettext("every %d minute", "every %d minutes", whole // 60) % (whole // 60)


def _commands(runs: dict[str, CommandRun], now: datetime) -> Iterator[dict[str, Any]]:
    for name in CommandRun.Name:
        run = runs.get(name)
        if run is None:
            yield {"name": name.value, "said": _("has not run yet"), "late": name == CommandRun.Name.SEND, "when": ""}
            continue
        late = run.is_late(now)
        yield {
            "name": name.value,
            "said": _("expected %s") % _every(run.interval) if late else _labelled(run.said),
            "late": late,
            "when": run.finished_at,
        }


def _labelled(said: str) -> str:
    """What a command did, with the states as operators know them."""
    return " ".join(_label(word) for word in said.split())


def _label(word: str) -> str:
    name = word.rstrip(",")
    return word.replace(name, str(State(name).label)) if name in State.values else word


def _chart_words(days: list[Day]) -> str:
    """The chart in a sentence, for who does not see it."""
    if not any(day.total for day in days):
        return _("No message in these days.")
    worst = max(days, key=lambda day: day.share)
    told = {
        "least": min(day.total for day in days),
        "most": max(day.total for day in days),
        "share": f"{worst.share:.1f}",
        "day": _day_in_words(worst.day, "MONTH_DAY_FORMAT"),
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
    url = log_url(state=State.ERROR, error=error, created_after=since)
    return Reason(_(error) if error else _("The reason is not known."), number, advice if error else "", url)


def _clock(moment: datetime) -> str:
    local = timezone.localtime(moment)
    if local.date() == timezone.localdate():
        return time_format(local, "H:i")
    return date_format(local, "SHORT_DATETIME_FORMAT")
