"""The log: a list of messages, newest first."""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from smsoffice import phone
from smsoffice.admin.common import NobodyEdits, first_line, gateway_title, to_the_second
from smsoffice.exceptions import InvalidRecipient
from smsoffice.models.sms import OutputSMSMessage

LISTED = 10_000
"""Messages that the log pages through: to count and to skip more would take the longer the more there are."""


class NewestPaginator(Paginator):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """Pages of the first LISTED messages, counted no further."""

    @cached_property
    def count(self) -> int:
        found = cast("QuerySet[OutputSMSMessage]", self.object_list)
        return found.order_by()[:LISTED].count()


class LogPages(NobodyEdits):
    """What was sent to whom, and what became of it."""

    list_display = ["created", "to", "text", "state", "template_slug", "tag", "gateway"]
    list_display_links = ["created"]
    list_filter = ["state"]
    list_per_page = 50
    list_max_show_all = 50
    ordering = ["-created_at", "-id"]
    sortable_by = ()
    search_fields = ["recipient"]
    paginator = NewestPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER

    @admin.display(description=_("created"))
    def created(self, message: OutputSMSMessage) -> str:
        return to_the_second(message.created_at)

    @admin.display(description=_("recipient"))
    def to(self, message: OutputSMSMessage) -> str:
        return phone.group_international(message.recipient)

    @admin.display(description=_("text"))
    def text(self, message: OutputSMSMessage) -> str:
        return first_line(message.content)

    @admin.display(description=_("gateway"))
    def gateway(self, message: OutputSMSMessage) -> str:
        return gateway_title(message.backend) or str(self.get_empty_value_display())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by the whole number, in any spelling; no index could tell who got a text with some word in it."""
        if not search_term.strip():
            return queryset, False
        try:
            return queryset.filter(recipient=phone.to_e164(search_term)), False
        except InvalidRecipient as error:
            messages.warning(request, str(error))
            return queryset.none(), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, "listed": LISTED, **(extra_context or {})})
