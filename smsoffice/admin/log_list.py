"""The changelist of the log: the stock one, but for which messages it has and how it comes by them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from smsoffice.filters import MessageFilter
from smsoffice.models.log import OLDEST, Count, Found, Known, Position, TookTooLong, at_most
from smsoffice.models.sms import OutputSMSMessage

if TYPE_CHECKING:
    from smsoffice.admin.log import LogPages

PATIENCE = 3
"""Seconds after which a search that no index knows is given up."""

A_WALK = 0.5
"""Seconds of them in which a walk from the newest message may meet a page's worth."""

OLDER, NEWER = "older", "newer"
OF_THE_PAGE = frozenset({OLDER, NEWER, ERROR_FLAG, IS_POPUP_VAR, TO_FIELD_VAR})
"""Names in the address that say nothing of which messages are meant."""

LISTED = (
    *("id", "created_at", "recipient", "content", "state", "error", "template_slug", "tag", "segments", "backend"),
    "send_after",
)
"""What the list shows of a message; the rest stays in the database."""


NONE = Count(0)


@dataclass(frozen=True)
class Page:
    """One page of the list.

    Args:
        messages: newest first.
        count: how many there are on all pages.
        older: where the next page begins, if there is one.
        newer: where the page before this one ends, if there is one.
        problem: why nothing is shown, in a sentence; empty where all is well.
        found: all that the page is of; None where nothing was looked for, or it was given up.
    """

    messages: list[OutputSMSMessage]
    count: Count = NONE
    older: Position | None = None
    newer: Position | None = None
    problem: str = ""
    found: Found | None = None


def read_page(filters: MessageFilter, query: QueryDict, size: int) -> Page:
    """The page that an address asks for; empty, with a sentence, where that makes no sense or takes too long."""
    if not filters.is_valid():
        return Page([])
    try:
        places = {name: Position.parse(text) for name in (OLDER, NEWER) if (text := query.get(name))}
    except ValueError:
        return Page(
            [], problem=_("The place in the list that the address names does not exist. Start from the newest.")
        )
    read = partial(_page, filters, places.get(OLDER), places.get(NEWER), size)
    if not filters.may_be_slow:
        return read(walk=True)
    with suppress(TookTooLong), at_most(A_WALK):
        return read(walk=True)
    try:
        with at_most(PATIENCE - A_WALK):
            return read(walk=False)
    except TookTooLong as error:
        return Page([], problem=str(error))


def _page(filters: MessageFilter, older: Position | None, newer: Position | None, size: int, *, walk: bool) -> Page:
    found = replace(filters.found, columns=LISTED, walk=walk)
    count = found.count()
    if newer and not older:
        # One more than is shown tells whether there are more.
        messages = found.newer(newer, size + 1)
        if len(messages) > size:
            has_older = newer != OLDEST
            shown = messages[1:]
            older = Position.of(shown[-1]) if has_older else None
            return Page(shown, count, older, Position.of(shown[0]), found=found)
        if newer != OLDEST:
            # Less than a page is newer: that is the first page, and it is shown full.
            older = None
    messages = found.older(older, size + 1)
    shown = messages[:size]
    return Page(
        shown,
        count,
        older=Position.of(shown[-1]) if len(messages) > size else None,
        newer=Position.of(shown[0]) if older and shown else None,
        found=found,
    )


class LogList(ChangeList):
    """The stock list with our filters and pages."""

    model_admin: LogPages

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.filter_specs: list[Any] = []
        self.has_filters = self.has_active_filters = False
        self.filters = self.model_admin.filters_of(request)
        # Asked for once before the page is read, where the stock list would count it, and again for an action.
        page: Page | None = getattr(self, "page", None)
        return page.found.at_hand if page and page.found else self.root_queryset.none()

    def get_results(self, request: HttpRequest) -> None:
        self.page = read_page(self.filters, request.GET, self.list_per_page)
        self.result_list = self.page.messages
        self.result_count = self.full_result_count = self.page.count.number
        self.show_full_result_count = self.can_show_all = self.show_all = False
        self.multi_page = bool(self.page.older or self.page.newer)
        self.show_admin_actions = bool(self.page.messages)
        self.counted_exactly = self.page.count.known is Known.EXACTLY
