"""A message's timeline as an operator reads it: one line for each thing that happened, oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.common import clock, gateway_title
from smsoffice.models.said import said
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.states import State

Source = OutputSMSEvent.Source

ICONS = {
    Source.CODE: "row",
    Source.QUEUE: "info",
    Source.GATEWAY: "info",
    Source.RECEIPT: "receipt",
    Source.ASKED: "info",
    Source.OPERATOR: "person",
}
"""What a line without a new state shows; the others show the state."""


@dataclass(frozen=True, slots=True)
class Line:
    """Args:
    what: what happened, in words.
    state: the state that it brought, or empty.
    at: when; the last time where the line stands for several.
    clock: the same, as the site's clock shows it.
    later: how long after the line before.
    code, words: what was said.
    ignored: whether it was ignored, as older or worse news.
    icon, tint: how the line is marked.
    day: the date, on the first line of each day where there are several.
    """

    what: str
    state: str
    at: datetime
    later: str = ""
    code: str = ""
    words: str = ""
    ignored: bool = False
    icon: str = "row"
    tint: str = "debug"
    day: date | None = None

    @property
    def clock(self) -> str:
        return clock(self.at)


def timeline_of(message: OutputSMSMessage, events: Sequence[OutputSMSEvent]) -> list[Line]:
    """The lines of a message: its creation, and its events, where equal answers in a row are one line."""
    lines = [_created(message), *_with_latencies(message.created_at, _lines(message, events))]
    days = {localdate(line.at) for line in lines}
    return list(_with_days(lines)) if len(days) > 1 else lines


def _created(message: OutputSMSMessage) -> Line:
    words = ""
    if message.template_slug:
        words = _("From the template “%s”.") % message.template_slug
    return Line(_("Created"), str(State.WAITING.label), message.created_at, words=words, tint="waiting")


def _lines(message: OutputSMSMessage, events: Iterable[OutputSMSEvent]) -> Iterator[tuple[Line, datetime]]:
    """Each line, and when it began."""
    held: list[OutputSMSEvent] = []
    for event in events:
        if held and _says_the_same(held[-1], event):
            held.append(event)
            continue
        if held:
            yield _line(message, held), held[0].created_at
        held = [event]
    if held:
        yield _line(message, held), held[0].created_at


def _says_the_same(one: OutputSMSEvent, other: OutputSMSEvent) -> bool:
    kept = ("source", "to_state", "code", "words", "ignored", "user_id")
    return other.from_state == other.to_state and all(getattr(one, name) == getattr(other, name) for name in kept)


def _line(message: OutputSMSMessage, events: Sequence[OutputSMSEvent]) -> Line:
    event = events[-1]
    changed = any(one.from_state != one.to_state for one in events) and not event.ignored
    what = _what_happened(message, events[0])
    if len(events) > 1:
        what += " " + ngettext("(%d time)", "(%d times)", len(events)) % len(events)
    if event.ignored:
        what += ". " + _("Ignored: what is known is newer or better")
    return Line(
        what=what,
        state=str(State(event.to_state).label) if changed else "",
        at=event.created_at,
        code=event.code,
        words=said(event.words),
        ignored=event.ignored,
        icon=str(event.to_state).lower() if changed else ICONS[Source(event.source)],
        tint=str(event.to_state).lower() if changed else "debug",
    )


def _what_happened(message: OutputSMSMessage, event: OutputSMSEvent) -> str:
    gateway = gateway_title(message.backend) or _("the gateway")
    source = Source(event.source)
    if source == Source.QUEUE:
        handed_over = event.from_state == State.WAITING and event.to_state == State.UNKNOWN
        return _("Taken from the queue, handed to %s") % gateway if handed_over else _("The queue")
    if source == Source.OPERATOR:
        return _("By %s") % (event.user or _("an operator"))
    if source == Source.GATEWAY:
        return _what_the_gateway_did(State(event.to_state)) % gateway
    if source == Source.ASKED and event.user:
        return _("%(who)s asked %(gateway)s about it") % {"who": event.user, "gateway": gateway}
    return {
        Source.CODE: _("The program"),
        Source.RECEIPT: _("A receipt came from %s") % gateway,
        Source.ASKED: _("%s was asked about it") % gateway,
    }[source]


def _what_the_gateway_did(state: State) -> str:
    """How its answer to a hand-over begins, of which there may be none that can be understood."""
    if state == State.UNKNOWN:
        return _("No clear answer from %s")
    return _("%s did not take it") if state == State.WAITING else _("%s answered")


def _with_latencies(start: datetime, lines: Iterable[tuple[Line, datetime]]) -> Iterator[Line]:
    before = start
    for line, began in lines:
        yield replace(line, later=duration(began - before) if began > before else "")
        before = line.at


def duration(span: timedelta) -> str:
    """A span as one says it: “+0.36 s”, “+4 min 58 s”, “+2 h 5 min”, “+3 d 2 h”."""
    seconds = span.total_seconds()
    if seconds < 10:
        return _("+%s s") % f"{seconds:.2f}".rstrip("0").rstrip(".")
    minutes, hours, days = int(seconds) // 60, int(seconds) // 3600, int(seconds) // 86400
    if days:
        return _("+%(days)d d %(hours)d h") % {"days": days, "hours": hours % 24}
    if hours:
        return _("+%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes % 60}
    if minutes:
        return _("+%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": int(seconds) % 60}
    return _("+%s s") % int(seconds)


def _with_days(lines: Iterable[Line]) -> Iterator[Line]:
    last = None
    for line in lines:
        day = localdate(line.at)
        yield line if day == last else replace(line, day=day)
        last = day
