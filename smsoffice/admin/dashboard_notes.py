"""What the front page says of what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice import dashboard
from smsoffice.admin.common import gateway_title
from smsoffice.admin.dashboard_words import clock, every, how_long, log_url, up_to_many
from smsoffice.conf import conf
from smsoffice.dashboard import Figures, InForce
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.rounds import CommandRun
from smsoffice.models.said import said
from smsoffice.states import State


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


def notes(figures: Figures, runs: dict[str, CommandRun], in_force: InForce, now: datetime) -> Iterator[Note]:
    """All that is wrong now."""
    if in_force.fault:
        yield _not_set_up(in_force, figures)
    yield from _of_gateways(figures, in_force)
    yield from _of_commands(figures, runs, in_force, now)
    if figures.broker_is_away:
        yield Note(
            "unknown",
            "warning",
            _("Celery's broker does not answer."),
            "" if in_force.fault else _("Sending goes on by the commands, where they run; nothing is lost."),
            _("For the administrator: look after the broker of CELERY_BROKER_URL."),
        )
    if in_force.is_test:
        yield Note(
            "unknown",
            "warning",
            _("Test mode."),
            _("The gateway in force sends nothing: messages end as Debug."),
            _("For the administrator: name a gateway in PYMESS_SMS_SENDER_BACKEND."),
        )


def _not_set_up(in_force: InForce, figures: Figures) -> Note:
    return Note(
        "error",
        "error",
        _("Nothing is being sent."),
        _("This site is not set up for its gateway.") + " " + _waiting_words(figures.queue.due),
        _("For the administrator: %s") % in_force.fault,
        _to_what_waits(),
        alarming=True,
    )


def _of_gateways(figures: Figures, in_force: InForce) -> Iterator[Note]:
    for status in dashboard.gateways_in_trouble():
        in_use = status.backend == conf.SMS_SENDER_BACKEND
        if in_use and in_force.fault:
            # What it said when it could still be asked is no news.
            continue
        if status.refusal:
            yield _refused(status, figures, in_use)
        elif in_use and status.not_before:
            words = _("The gateway cannot take messages now; the next attempt is at %s.") % clock(status.not_before)
            yield Note("unknown", "warning", words, _waiting_words(figures.queue.due))


def _of_commands(figures: Figures, runs: dict[str, CommandRun], in_force: InForce, now: datetime) -> Iterator[Note]:
    for name in CommandRun.Name:
        # Without a gateway there is nothing to send by, and why is said.
        if name == CommandRun.Name.SEND and in_force.fault:
            continue
        run = runs.get(name)
        if dashboard.is_missed(name, run, figures, now):
            yield _late(run, figures, now) if run else _never_ran(name, figures)


def _to_what_waits() -> tuple[str, str]:
    return _("Show the waiting messages"), log_url(state=State.WAITING)


def _refused(status: GatewayStatus, figures: Figures, in_use: bool) -> Note:
    since = clock(status.refused_since) if status.refused_since else ""
    told = {"gateway": gateway_title(status.backend), "since": since, "words": said(status.refusal)}
    words = _("%(gateway)s has refused us since %(since)s: %(words)s") % told
    return Note(
        "error" if in_use else "unknown",
        "error" if in_use else "warning",
        _("Nothing is being sent.") if in_use else _("A gateway refuses us."),
        f"{words} {_waiting_words(figures.queue.due)}" if in_use else words,
        _("For the administrator: correct the gateway's setting, then run “manage.py check”."),
        _to_what_waits(),
        alarming=in_use,
    )


def _waiting_words(due: int) -> str:
    if not due:
        return _("No message waits.")
    return ngettext("%s message waits; it is not lost.", "%s messages wait; none is lost.", due) % up_to_many(due)


def _never_ran(name: CommandRun.Name, figures: Figures) -> Note:
    words = _("%s has never run.") % name.value
    advice = _("For the administrator: add its cron line, or start it; README tells how.")
    if name == CommandRun.Name.SEND:
        words = f"{words} {_waiting_words(figures.queue.due)}"
        # Without PYMESS_SMS_BATCH_SENDING what is accepted leaves all the same, unless it has to wait.
        title = _("What waits is not being sent.")
        return Note("error", "error", title, words, advice, _to_what_waits(), alarming=True)
    return Note("unknown", "warning", _("States may be out of date."), words, advice)


def _late(run: CommandRun, figures: Figures, now: datetime) -> Note:
    ago = how_long(run.finished_at, now)
    told = {"command": run.name, "ago": ago, "every": every(run.interval)}
    words = _("%(command)s last finished %(ago)s ago; it is expected %(every)s.") % told
    advice = _("For the administrator: look whether it runs, by cron, as a service or by Celery.")
    if run.name == CommandRun.Name.SEND:
        return Note("error", "error", _("Sending is late."), words, advice, alarming=bool(figures.queue.due))
    return Note("unknown", "warning", _("States may be out of date."), words, advice)
