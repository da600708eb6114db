"""The log: a list of messages, newest first, to filter, to act on, and to take away."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.common import NobodyEdits, number
from smsoffice.admin.host_objects import HostObjects
from smsoffice.admin.log_export import export_page, export_selected, in_words, may_export
from smsoffice.admin.log_filters import address, offered, pills, spans, without
from smsoffice.admin.log_list import NEWER, OF_THE_PAGE, OLDER, PATIENCE, LogList
from smsoffice.admin.log_rows import rows_of
from smsoffice.export.columns import USUAL, columns
from smsoffice.filters import SEARCHED, MessageFilter
from smsoffice.models.log import OLDEST, Count, Known, Position, TookTooLong
from smsoffice.models.sms import OutputSMSMessage

MOST_DIGITS = 18
"""Of a key that the database can hold."""


class LogPages(NobodyEdits):
    """What was sent to whom, and what became of it."""

    list_display = ["created_at", "recipient", "content", "state", "backend"]
    list_per_page = 50
    sortable_by = ()
    show_full_result_count = False
    show_facets = ShowFacets.NEVER

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        view = self.admin_site.admin_view(partial(export_page, self))
        urls: list[URLPattern] = super().get_urls()
        return [path("export/", view, name=name), *urls]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[LogList]:
        return LogList

    def filter_query(self, request: HttpRequest) -> QueryDict:
        """What the address says of which messages are meant, and no more."""
        return without(request.GET, *OF_THE_PAGE)

    def filters_of(self, request: HttpRequest) -> MessageFilter:
        """The filters of the address."""
        return MessageFilter(self.filter_query(request), OutputSMSMessage.objects.all())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        if actions is not None and may_export(request) and "_popup" not in request.GET:
            actions["export_selected"] = (export_selected, "export_selected", _("Export selected"))
        return actions

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Run an action on the chosen rows, or on all that match; which these are is found out in bounded time."""
        keys = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(key.isascii() and key.isdigit() and len(key) <= MOST_DIGITS for key in keys):
            raise SuspiciousOperation("A chosen message has a key that is none.")
        try:
            response: HttpResponse | None = super().response_action(request, queryset)
        except TookTooLong as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return response

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        response: HttpResponse = super().changelist_view(request, {"title": title, **(extra_context or {})})
        context: dict[str, Any] | None = getattr(response, "context_data", None)
        if context is not None and "cl" in context:
            context.update(self._shown(request, context["cl"]))
        return response

    def _shown(self, request: HttpRequest, listed: LogList) -> dict[str, Any]:
        query, filters, page = self.filter_query(request), listed.filters, listed.page
        form = filters.form
        objects = HostObjects(self.admin_site, request)
        # First of all: with them comes the name of the object that the page is filtered by.
        rows = rows_of(objects, page.messages)
        matching = page.count.number
        return {
            "filters": filters,
            "form": form,
            "pills": list(pills(filters, objects, query)),
            "clear_url": "?",
            "spans": list(spans(query)),
            "offered": offered(query.get("backend", ""), query.get("related_object_type", "").lower()),
            "problem": page.problem,
            "is_refused": bool(form.errors or page.problem),
            "count_in_words": in_words(page.count),
            "exactly": matching if listed.counted_exactly else None,
            "offers_all": len(page.messages) < matching or not listed.counted_exactly,
            "selection_note_all": _selected_words(page.count),
            "searched": number(min((SEARCHED[name] for name in SEARCHED if name in filters.in_force), default=0)),
            "rows": rows,
            "pages": _pages(query, page.older, page.newer),
            "first": page.messages[0] if page.messages else None,
            "last": page.messages[-1] if page.messages else None,
            "export_columns": [(name, heading, name in USUAL) for name, heading in columns().items()],
            "can_export": may_export(request),
            "export_query": query.urlencode(),
            "back": f"?{back}" if (back := self.get_preserved_filters(request)) else "",
            "searched_texts": number(SEARCHED["text"]),
            "searched_errors": number(SEARCHED["error"]),
            "patience": PATIENCE,
        }


def _selected_words(count: Count) -> str:
    """What stands beside the actions once all that match are selected."""
    if count.known is not Known.EXACTLY:
        return _("All that match are selected")
    return ngettext("%s selected", "All %s selected", count.number) % number(count.number)


def _pages(query: QueryDict, older: Position | None, newer: Position | None) -> dict[str, str]:
    """The addresses of other pages: newest, newer, older, oldest; those that there are."""

    def to(name: str, position: Position) -> str:
        changed = query.copy()
        changed[name] = str(position)
        return address(changed)

    found: dict[str, str] = {}
    if newer:
        found |= {"newest": address(query), "newer": to(NEWER, newer)}
    if older:
        found |= {"older": to(OLDER, older), "oldest": to(NEWER, OLDEST)}
    return found
