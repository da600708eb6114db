"""The log of messages and the page of one message, both to read; the stock add page is the send page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple, cast

from django.contrib import admin, messages
from django.contrib.admin import AdminSite, ShowFacets
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from smsoffice import phone
from smsoffice.admin.common import NobodyEdits, first_line, gateway_title, page_of, to_the_second
from smsoffice.admin.send import send_page
from smsoffice.exceptions import InvalidRecipient
from smsoffice.models.sms import OutputSMSMessage

LISTED = 10_000
"""Messages that the log pages through: to count and to skip more would take the longer the more there are."""

EVENTS = 200
RELATED = 20


class NewestPaginator(Paginator):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """Pages of the first LISTED messages, counted no further."""

    @cached_property
    def count(self) -> int:
        found = cast("QuerySet[OutputSMSMessage]", self.object_list)
        return found.order_by()[:LISTED].count()


class Belonging(NamedTuple):
    """What a message belongs to, as far as the reader may know it."""

    kind: str
    name: str
    url: str | None


@admin.register(OutputSMSMessage)
class OutputSMSMessageAdmin(NobodyEdits):
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

    add_form_template = "admin/smsoffice/outputsmsmessage/send.html"
    fieldsets = [
        (None, {"fields": ["to", "sender", "content", "state", "why"]}),
        (_("Origin"), {"fields": ["template_slug", "tag", "resend_of", "idempotency_key", "extra_data"]}),
        (_("Gateway"), {"fields": ["gateway", "external_id", "segments", "encoding", "extra_sender_data"]}),
        (
            _("Times"),
            {
                "fields": [
                    "created_at",
                    "send_after",
                    "due_at",
                    "expires_at",
                    "sent_at",
                    "check_after",
                    "changed_at",
                    "send_attempts",
                    "priority",
                ]
            },
        ),
    ]
    readonly_fields = ["to", "gateway", "why"]

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

    @admin.display(description=_("error"))
    def why(self, message: OutputSMSMessage) -> str:
        # What is stored is in the site's language; what is a fixed sentence of ours can be read in any.
        return gettext(message.error) if message.error else str(self.get_empty_value_display())

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

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return send_page(self, request, extra_context)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        """Write who sent which message; whom to and what is for those to see who may read the message."""
        entry = LogEntry(
            user_id=cast(int, request.user.pk),
            content_type=ContentType.objects.get_for_model(obj),
            object_id=str(obj.pk),
            object_repr=gettext("message %(id)s") % {"id": obj.pk},
            action_flag=ADDITION,
            change_message=json.dumps(message),
        )
        entry.save()
        return entry

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: OutputSMSMessage | None = None,
    ) -> HttpResponse:
        if obj is not None:
            events = list(obj.events.select_related("user")[: EVENTS + 1])
            context["events"] = events[:EVENTS]
            context["more_events"] = len(events) > EVENTS
            context["belongings"] = list(_belongings(self.admin_site, request, obj))
        return super().render_change_form(request, context, add, change, form_url, obj)


def _belongings(site: AdminSite, request: HttpRequest, message: OutputSMSMessage) -> Iterator[Belonging]:
    """The template and the related objects; of what the reader may not see, the kind and the key only."""
    if message.template is not None and (url := page_of(site, request, message.template)):
        yield Belonging(gettext("template"), str(message.template), url)
    relations = list(message.related_objects.all()[:RELATED])
    types = {relation.pk: ContentType.objects.get_for_id(relation.content_type_id) for relation in relations}
    # The model of a content type may be gone with its app, an object with its row.
    prefetch_related_objects([r for r in relations if types[r.pk].model_class()], "content_object")
    for relation in relations:
        living = relation.content_object if types[relation.pk].model_class() else None
        url = page_of(site, request, living) if living is not None else None
        yield Belonging(str(types[relation.pk].name), str(living) if url else relation.object_id, url)
