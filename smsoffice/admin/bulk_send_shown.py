"""What the page of a bulk send shows: how far it is, why it stands still, when it will be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Model
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.bulk_send_messages import COUNTED, FIRST, first_messages, reasons, refused_lines, tiles
from smsoffice.admin.common import gateway_title, number, to_the_second
from smsoffice.admin.dashboard import Note, log_url
from smsoffice.admin.template_off import stays_paused
from smsoffice.conf import conf
from smsoffice.dashboard import SEVERAL
from smsoffice.models.batch import Batch
from smsoffice.models.batch_numbers import Numbers, numbers, pace, time_to_go
from smsoffice.models.batch_template import Fate, fate_of, paused_as_it_was_off
from smsoffice.models.batch_work import ROWS_KEPT
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.said import said
from smsoffice.states import State

Status = Batch.Status

WIDTH = 1000
"""Of the bar, in its own units."""


class Bar(NamedTuple):
    """A piece of the bar; places and widths are written as SVG reads them, whatever the language."""

    kind: str
    x: str
    width: str


def shown(batch: Batch, address: Callable[[Model], str | None]) -> dict[str, Any]:
    """All that the page shows, by a number of queries that does not grow with the messages.

    Args:
        address: gives that of an object's page, for who may see it.
    """
    told = numbers(batch)
    refusal = _refusal() if batch.status == Status.RUNNING and told.to_go else None
    title = {"title": str(batch), "count": number(told.total)}
    return {
        "title": ngettext("%(title)s, %(count)s message", "%(title)s, %(count)s messages", told.total) % title,
        "batch": batch,
        "told": told,
        "facts": list(_facts(batch)),
        "notes": [note for note in (_standing(batch, told, address), refusal) if note],
        "to_go": _to_go(batch, told, refused=refusal is not None),
        "percent": percent_of(told),
        "bars": list(_bars(told)),
        "milestone": _milestone(batch, told),
        "milestone_words": _milestone_words(batch, told),
        "is_over": is_over(batch),
        "is_running": batch.status == Status.RUNNING,
        "is_paused": batch.status == Status.PAUSED,
        "is_written": batch.is_written,
        "has_no_template": not batch.is_written and fate_of(batch) == Fate.DELETED,
        "written": f"{WIDTH * batch.accepted / max(batch.sendable, 1):.1f}",
        "first": first_messages(batch),
        "first_more": max((batch.first or 0) - FIRST, 0),
        "tiles": list(tiles(batch, told)),
        "reasons": reasons(batch, told),
        "reasons_of": COUNTED if told.by_state.get(State.ERROR, 0) > COUNTED else 0,
        "refused": list(refused_lines(batch)),
        "lines_are_kept": batch.finished_at is None or timezone.now() - batch.finished_at < ROWS_KEPT,
        "lines_kept_for": ROWS_KEPT.days,
        "log_url": log_url(batch=batch.pk),
        "now": timezone.localtime(),
    }


def is_over(batch: Batch) -> bool:
    """Whether nothing of it is to be done any more; receipts may still come."""
    return batch.status in {Status.FINISHED, Status.STOPPED} and batch.finished_at is not None


def percent_of(told: Numbers) -> int:
    """How much is handed over; 100 only where all is."""
    return 100 * told.handed_over // max(told.total, 1)


def in_words(told: Numbers) -> str:
    """The four numbers, which add up to the whole."""
    words = _(
        "%(handed_over)s handed over, %(in_flight)s in flight, %(not_sent)s not sent, %(unknown)s with unknown outcome."
    )
    names = ("handed_over", "in_flight", "not_sent", "unknown")
    return words % {name: number(getattr(told, name)) for name in names}


# --- What it is, and how far -----------------------------------------------------------------------------------------


def _facts(batch: Batch) -> Iterator[str]:
    if batch.template_slug and batch.template_version:
        told = {"slug": batch.template_slug, "version": batch.template_version}
        yield _("Template %(slug)s, version %(version)s") % told
    elif batch.template_slug:
        yield _("Template %s") % batch.template_slug
    elif batch.body:
        yield _("Own text")
    if batch.file_name:
        yield _("file %s") % batch.file_name
    if batch.tag:
        yield _("tag %s") % batch.tag
    if batch.started_at:
        told = {"time": to_the_second(batch.started_at), "who": batch.user or _("an unknown user")}
        # One that leaves later has only been confirmed.
        yield (_("confirmed %(time)s by %(who)s") if batch.send_after else _("started %(time)s by %(who)s")) % told
    if batch.expires_at:
        yield _("not later than %s") % date_format(timezone.localtime(batch.expires_at), "DATETIME_FORMAT")
    if batch.first and batch.status == Status.RUNNING:
        yield ngettext("pauses after the first %d", "pauses after the first %d", batch.first) % batch.first


def _to_go(batch: Batch, told: Numbers, *, refused: bool) -> str:
    if batch.status == Status.PAUSED:
        return _("paused")
    if batch.status == Status.STOPPED:
        return _("stopped")
    if batch.status == Status.FINISHED:
        words = _("All handed over in %s") if told.handed_over == told.total else _("Done in %s")
        return words % _took(batch)
    if batch.send_after and batch.send_after > timezone.now():
        return _("starts %s") % date_format(timezone.localtime(batch.send_after), "DATETIME_FORMAT")
    rate, left = pace(batch, told), time_to_go(batch, told)
    if refused or left is None or not rate:
        return ""
    return _("%(time)s to go, at %(pace)s") % {"time": _about(left), "pace": _a_second(rate)}


def _a_second(rate: float) -> str:
    if rate < 1:
        return _("%s a minute") % number(round(rate * 60))
    return _("%s a second") % number(round(rate, 1) if rate < 10 else round(rate))


def _about(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes < 1:
        return _("less than a minute")
    if minutes < 90:
        return ngettext("about %d minute", "about %d minutes", minutes) % minutes
    hours = round(minutes / 60)
    return ngettext("about %d hour", "about %d hours", hours) % hours


def _took(batch: Batch) -> str:
    """From when the first could leave until the end."""
    started = batch.started_at or batch.created_at
    start = max(started, batch.send_after or started)
    seconds = max(round(((batch.finished_at or start) - start).total_seconds()), 0)
    told = {"h": seconds // 3600, "min": seconds // 60 % 60, "s": seconds % 60}
    if seconds >= 3600:
        return _("%(h)d h %(min)d min") % told
    return _("%(min)d min %(s)d s") % told if seconds >= 60 else _("%(s)d s") % told


def _bars(told: Numbers) -> Iterator[Bar]:
    def of(*states: State) -> int:
        return sum(told.by_state.get(state, 0) for state in states)

    pieces = {
        "delivered": of(State.DELIVERED),
        "onway": of(State.SENDING, State.SENT) + told.in_flight,
        "error": told.failed + told.unknown,
        "debug": of(State.DEBUG),
    }
    x = 0.0
    for kind, count in pieces.items():
        width = WIDTH * count / max(told.total, 1)
        if count:
            yield Bar(kind, f"{x:.1f}", f"{width:.1f}")
        x += width


def _milestone(batch: Batch, told: Numbers) -> str:
    """What is worth being spoken: it changes at each quarter, and when it pauses, goes on or ends."""
    quarter = 4 * told.handed_over // max(told.total, 1)
    return f"{batch.status}-{quarter}" if batch.status == Status.RUNNING else batch.status


def _milestone_words(batch: Batch, told: Numbers) -> str:
    if batch.status == Status.RUNNING:
        return _("Running: %d %% handed over.") % percent_of(told)
    return f"{batch.get_status_display()}. {in_words(told)}"


# --- Why it stands still ---------------------------------------------------------------------------------------------


def _standing(batch: Batch, told: Numbers, address: Callable[[Model], str | None]) -> Note | None:
    if batch.status == Status.PAUSED and batch.paused_at:
        return _paused(batch, told, batch.paused_at, address)
    if batch.status == Status.STOPPED and batch.stopped_at:
        who = {"time": _clock(batch.stopped_at), "who": batch.stopped_by or _("an unknown user")}
        title = _("Stopped at %(time)s by %(who)s.") % who
        words = _("What had not left by then is never sent. A single message can still be resent from its page.")
        if waiting := told.by_state.get(State.WAITING, 0):
            ending = ngettext("%s of them is still being ended.", "%s of them are still being ended.", waiting)
            words += " " + ending % number(waiting)
        return Note("error", "stop", title, words)
    return None


def _paused(batch: Batch, told: Numbers, at: datetime, address: Callable[[Model], str | None]) -> Note:
    if batch.pause_reason:
        title = _("It paused itself at %s.") % _clock(at)
    else:
        who = batch.paused_by or _("an unknown user")
        title = _("Paused at %(time)s by %(who)s.") % {"time": _clock(at), "who": who}
    # What is stored is in the site's language; what is a fixed sentence of ours can be read in any.
    sentences = [said(batch.pause_reason)] if batch.pause_reason else []
    sentences.append(_("Nothing more is handed over."))
    if told.in_flight:
        awaited = ngettext("%s in flight is being answered.", "%s in flight are being answered.", told.in_flight)
        sentences.append(awaited % number(told.in_flight))
    else:
        sentences.append(_("What was in flight has been answered."))
    advice = _about_its_template(batch)
    url = address(batch.template) if advice and batch.template else None
    return Note("unknown", "pause", title, " ".join(sentences), advice, (_("Open the template"), url) if url else None)


def _about_its_template(batch: Batch) -> str:
    if advice := stays_paused(batch):
        return advice
    is_on_again = not batch.is_written and paused_as_it_was_off(batch)
    return _("The template is on again: press Go on.") if is_on_again else ""


def _refusal() -> Note | None:
    """The note of the front page, where the gateway in force takes nothing from us."""
    status = GatewayStatus.objects.filter(backend=conf.SMS_SENDER_BACKEND).first()
    lost = _("What waits is not lost; it goes out by itself once the gateway takes messages again.")
    if status and status.refused_since:
        since = _clock(status.refused_since)
        told = {"gateway": gateway_title(status.backend), "since": since, "words": said(status.refusal)}
        words = _("%(gateway)s has refused us since %(since)s: %(words)s") % told
        advice = _("For the administrator: correct the gateway's setting, then run “manage.py check”.")
        return Note("error", "error", _("Nothing is being sent."), f"{words} {lost}", advice, alarming=True)
    if status and status.not_before and status.failures >= SEVERAL:
        words = _("The gateway cannot take messages now; the next attempt is at %s.") % _clock(status.not_before)
        return Note("unknown", "warning", words, lost)
    return None


def _clock(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return date_format(local, "H:i:s") if local.date() == timezone.localdate() else to_the_second(moment)
