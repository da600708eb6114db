"""The page of one message: what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.contenttypes.models import ContentType
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from smsoffice.admin.common import NobodyEdits, page_of
from smsoffice.models.sms import OutputSMSMessage

EVENTS = 200
RELATED = 20


class Belonging(NamedTuple):
    """What a message belongs to, as far as the reader may know it."""

    kind: str
    name: str
    url: str | None


class MessagePages(NobodyEdits):
    """One message, to read."""

    fieldsets = [
        (None, {"fields": ["to", "sender", "content", "state", "why"]}),
        (
            _("Origin"),
            {
                "fields": [
                    "template_slug",
                    "template_version",
                    "batch",
                    "batch_row",
                    "tag",
                    "resend_of",
                    "idempotency_key",
                    "extra_data",
                ]
            },
        ),
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

    @admin.display(description=_("error"))
    def why(self, message: OutputSMSMessage) -> str:
        # What is stored is in the site's language; what is a fixed sentence of ours can be read in any.
        return gettext(message.error) if message.error else str(self.get_empty_value_display())

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
