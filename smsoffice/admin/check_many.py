"""Check for messages chosen in the log: some are asked about while the operator waits, the rest in the next rounds."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.chosen import PATIENCE
from smsoffice.admin.common import number
from smsoffice.admin.message_actions import ask, log_of_many
from smsoffice.admin.way_back import back_to_the_list
from smsoffice.models.checking import put_first
from smsoffice.models.log import at_most
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import OPEN, State

if TYPE_CHECKING:
    from smsoffice.admin.message import MessagePages

ASKED_AT_ONCE = 100
"""Messages that a gateway is asked about while the operator waits; the rest is asked about by the next round."""

MOST = 20_000
"""Messages that are put first in one go: as many as a request can write."""


class _Questions(NamedTuple):
    """Whom to ask about now, which keys in the next rounds, how many not at all, as no round would; whether more."""

    now: list[OutputSMSMessage]
    later: list[int]
    passed_over: int
    more: bool


def check_selected(page: MessagePages, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]) -> HttpResponse:
    """Ask the gateways about the chosen messages now.

    Raises:
        TookTooLong: the filters that chose them are too slow.
    """
    now, later, passed_over, more = _questions(queryset)
    if not now:
        words = _("There is nothing to ask: the chosen messages are final or wait.")
        page.message_user(request, words, messages.WARNING)
        return back_to_the_list(page, request)
    if states := _ask(page, request, now):
        page.message_user(request, _("Asked. %s.") % _in_words(states), messages.SUCCESS)
        log_of_many(
            request, OutputSMSMessage, ngettext("Checked %d message.", "Checked %d messages.", len(now)) % len(now)
        )
    _ask_later(page, request, later)
    if more:
        words = _("At most %s are put first at once. The gateways are asked about the others in their turn.")
        page.message_user(request, words % number(MOST), messages.INFO)
    if passed_over:
        words = ngettext(
            "%(count)s was not asked about: no round asks about it any more, and at most %(most)d such are asked about "
            "at once. Narrow the filters and check again.",
            "%(count)s were not asked about: no round asks about them any more, and at most %(most)d such are asked "
            "about at once. Narrow the filters and check again.",
            passed_over,
        )
        page.message_user(request, words % {"count": number(passed_over), "most": ASKED_AT_ONCE}, messages.WARNING)
    return back_to_the_list(page, request)


def _questions(queryset: QuerySet[OutputSMSMessage]) -> _Questions:
    """First those that no round asks about by itself any more."""
    chosen = queryset.filter(state__in=OPEN).exclude(backend="").order_by()
    left_alone, in_turn = chosen.filter(check_after=None), chosen.filter(check_after__isnull=False)
    with at_most(PATIENCE):
        now = list(left_alone[:ASKED_AT_ONCE])
        passed_over = left_alone[:MOST].count() - len(now) if len(now) == ASKED_AT_ONCE else 0
        now += in_turn[: ASKED_AT_ONCE - len(now)]
        asked = {message.pk for message in now}
        keys = in_turn.values_list("pk", flat=True)[: MOST + len(now) + 1]
        later = [key for key in keys if key not in asked]
    return _Questions(now, later[:MOST], passed_over, more=len(later) > MOST)


def _ask(page: MessagePages, request: HttpRequest, asked: list[OutputSMSMessage]) -> Counter[str]:
    by_gateway: dict[str, list[OutputSMSMessage]] = defaultdict(list)
    for message in asked:
        by_gateway[message.backend].append(message)
    states: Counter[str] = Counter()
    for path, of_gateway in by_gateway.items():
        level, words = ask(path, of_gateway, request.user.pk)
        if words:
            page.message_user(request, words, level)
        else:
            states.update(str(message.state) for message in of_gateway)
    return states


def _ask_later(page: MessagePages, request: HttpRequest, keys: list[int]) -> None:
    if not (count := put_first(keys)):
        return
    words = ngettext("%s more is asked about in the next round.", "%s more are asked about in the next rounds.", count)
    page.message_user(request, words % number(count), messages.INFO)
    put = ngettext("Put %s message first to be checked.", "Put %s messages first to be checked.", count)
    log_of_many(request, OutputSMSMessage, put % number(count))


def _in_words(states: Counter[str]) -> str:
    return ", ".join(f"{State(state).label}: {count}" for state, count in sorted(states.items()))
