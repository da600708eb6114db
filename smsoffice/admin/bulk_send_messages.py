"""What became of a bulk send's messages, and which of its lines never became one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.common import number
from smsoffice.admin.dashboard import log_url
from smsoffice.models.batch import Batch
from smsoffice.models.batch_numbers import LEFT_OUT, Numbers
from smsoffice.models.said import said
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

REASONS = 6
COUNTED = 10_000
"""Failed messages whose reasons are counted; more would take the longer the more there are."""

FIRST = 50
"""The most of the first messages that are shown one by one."""


class Tile(NamedTuple):
    """The messages in one state, and where they are in the log."""

    state: State
    number: int
    more: str
    url: str


def first_messages(batch: Batch) -> list[OutputSMSMessage]:
    """Those for which it waits, in the order of its rows; none where it does not wait for its first."""
    if batch.status != Batch.Status.PAUSED or batch.first is None or batch.paused_by is not None:
        return []
    left = OutputSMSMessage.objects.filter(batch=batch).exclude(state=State.WAITING).exclude(LEFT_OUT)
    return list(left.order_by("batch_row")[: min(batch.first, FIRST)])


def tiles(batch: Batch, told: Numbers) -> Iterator[Tile]:
    """A tile for each state; Debug only where it is in use."""
    for state in State:
        count = told.by_state.get(state, 0)
        if state == State.DEBUG and not count:
            continue
        more = ""
        if state == State.UNKNOWN and told.in_flight:
            more = ngettext("%s of them in flight", "%s of them in flight", told.in_flight) % number(told.in_flight)
        elif state == State.DELIVERED and (share := 100 * count // max(told.total, 1)):
            more = _("%d %% of all") % share
        yield Tile(state, count, more, log_url(batch=batch.pk, state=state))


def reasons(batch: Batch, told: Numbers) -> list[tuple[str, int]]:
    """Why messages were not delivered, the most frequent reasons first; of COUNTED of them at most."""
    if not told.by_state.get(State.ERROR) and not told.unknown:
        return []
    failed = OutputSMSMessage.objects.filter(batch=batch, state=State.ERROR).order_by()[:COUNTED]
    errors = OutputSMSMessage.objects.filter(pk__in=failed.values("pk")).order_by().values_list("error")
    counts = sorted(errors.annotate(Count("pk")), key=lambda one: (-one[1], one[0]))
    rows = [(said(error) or _("The reason is not known."), count) for error, count in counts[:REASONS]]
    if other := sum(count for _error, count in counts[REASONS:]):
        rows.append((_("Other reasons"), other))
    if told.unknown:
        rows.append((_("Outcome not known"), told.unknown))
    return rows


def refused_lines(batch: Batch) -> Iterator[tuple[str, int]]:
    """The lines that never became a message by the reason, the most frequent first."""
    counts = sorted(batch.summary.get("reasons", {}).items(), key=lambda one: (one[0] == "", -one[1]))
    for reason, count in counts:
        yield _(reason) if reason else _("Other reasons"), count
    if later := batch.refused - sum(count for _reason, count in counts):
        yield _("Found only when the messages were written"), later
