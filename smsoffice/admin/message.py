"""The page of one message: what became of it, why, and what can be done about it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from smsoffice.admin import cancel_all, cancel_many, check_many, message_actions, resend, resend_many
from smsoffice.admin.common import NobodyEdits, clock, gateway_title, page_of, to_the_second
from smsoffice.admin.host_objects import HostObjects
from smsoffice.admin.message_actions import may_act, title_of
from smsoffice.admin.timeline import timeline_of
from smsoffice.admin.verdict import May, verdict_on
from smsoffice.admin.way_back import way_back
from smsoffice.backend.sms import get_sms_backend
from smsoffice.models.decisions import may_be_decided
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.preview import look_at_sent
from smsoffice.states import OPEN, State

Row = TypeVar("Row", bound=Model)

EVENTS = 200
RELATED = 20
RESENDS = 20

SECRET = re.compile(
    "passw|pwd|secret|token|authori[sz]ation|api[_-]?key|access[_-]?key|private[_-]?key|credential", re.I
)
"""What a key of a gateway's or a caller's data has in its name where its value is nobody's to read."""

IN_ADDRESS = re.compile(rf"(?<=://)[^/@\s]+(?=@)|(?<=[?&])([\w-]*(?:{SECRET.pattern})[\w-]*=)[^&#\s]+", re.I)
"""The same in an address: who logs in, and the values of its query."""


class Belonging(NamedTuple):
    """What a message belongs to, as far as the reader may know it.

    Args:
        kind: the type of the object, in words.
        name: its name, or its key where the reader may not see it.
        url: its page; None where there is none for the reader.
        query: what the log is to be asked for its messages.
    """

    kind: str
    name: str
    url: str | None
    query: str


class MessagePages(NobodyEdits):
    """One message, to read and to act on."""

    change_form_template = "admin/smsoffice/outputsmsmessage/message.html"
    fields = ()
    actions: Any = ["resend_selected", "check_selected", "cancel_selected"]

    def get_urls(self) -> list[URLPattern]:
        views = {
            "check": message_actions.check,
            "settle": message_actions.settle_page,
            "cancel": message_actions.cancel_page,
            "resend": resend.resend_page,
        }
        own = [
            path(
                f"<int:message_id>/{name}/",
                self.admin_site.admin_view(partial(view, self)),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{name}",
            )
            for name, view in views.items()
        ]
        many = [
            path(
                name,
                self.admin_site.admin_view(partial(view, self)),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{name}",
            )
            for name, view in (("resend_many", resend_many.resend_many), ("cancel_many", cancel_many.cancel_many))
        ]
        all_of_a_filter = path(
            "cancel_all/<uuid:cancellation_id>/",
            self.admin_site.admin_view(partial(cancel_all.cancellation_page, self)),
            name=f"{self.opts.app_label}_{self.opts.model_name}_cancellation",
        )
        urls: list[URLPattern] = super().get_urls()
        return [*own, *many, all_of_a_filter, *urls]

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether the user may check, cancel and decide, though nobody edits a message's fields."""
        return may_act(request)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Whether the user may send what the log shows again."""
        return self.has_add_permission(request) and self.has_view_permission(request)

    @admin.action(description=_("Resend…"), permissions=["resend"])
    def resend_selected(self, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]) -> HttpResponse:
        return resend_many.resend_selected(self, request, queryset)

    @admin.action(description=_("Check state now"), permissions=["act"])
    def check_selected(self, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]) -> HttpResponse:
        return check_many.check_selected(self, request, queryset)

    @admin.action(description=_("Cancel, if still waiting…"), permissions=["act"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]) -> HttpResponse:
        return cancel_many.cancel_selected(self, request, queryset)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutputSMSMessage]:
        found: QuerySet[OutputSMSMessage] = super().get_queryset(request)
        at = request.resolver_match
        if at is not None and "object_id" in at.kwargs:
            return found.select_related("template", "batch", "resend_of")
        return found

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
            context |= self._shown_of_message(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _shown_of_message(self, request: HttpRequest, message: OutputSMSMessage) -> dict[str, Any]:
        whole = "all" in request.GET
        events, more_events = _first(message.events.select_related("user").order_by("pk"), EVENTS, whole=whole)
        resends, more_resends = _first(message.resends.order_by("pk"), RESENDS, whole=whole)
        relations, more_belongings = _first(message.related_objects.all(), RELATED, whole=whole)
        waits, is_removed = message.state == State.WAITING, not message.recipient
        may = May(
            act=may_act(request),
            send=self.has_add_permission(request) and not is_removed,
            ask=may_act(request) and message.state in OPEN and _can_be_asked(message),
        )
        return {
            **way_back(self, request),
            "title": title_of(message),
            "subtitle": None,
            "message": message,
            "is_removed": is_removed,
            "created": f"{date_format(localtime(message.created_at), 'DATE_FORMAT')} {clock(message.created_at)}",
            "verdict": verdict_on(message, may),
            "resends": resends,
            "more_resends": more_resends,
            "look": look_at_sent(message.content),
            "timeline": timeline_of(message, events),
            "has_history": bool(events),
            "more_events": more_events,
            "belongings": list(_belongings(self.admin_site, request, relations)),
            "more_belongings": more_belongings,
            "all_url": f"?{urlencode({**request.GET.dict(), 'all': 1})}",
            "facts": list(_facts(message)),
            "template_url": page_of(self.admin_site, request, message.template) if message.template else None,
            "batch_url": page_of(self.admin_site, request, message.batch) if message.batch else None,
            "extra": [shown for data in (message.extra_data, message.extra_sender_data) if (shown := _readable(data))],
            "log_url": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
            "can_check": may.ask,
            "can_cancel": may.act and waits,
            "can_decide": may.act and may_be_decided(message),
            "can_resend": may.send and not waits,
        }


def _can_be_asked(message: OutputSMSMessage) -> bool:
    try:
        return bool(message.backend) and get_sms_backend(message.backend).asks
    except Exception:
        # The gateway of an old message may be gone, or no longer configured.
        return False


def _first(found: QuerySet[Row], most: int, *, whole: bool) -> tuple[list[Row], int]:
    """The rows that a page shows until one asks for all; and how many they are where there are more."""
    rows = list(found if whole else found[: most + 1])
    if whole or len(rows) <= most:
        return rows, 0
    return rows[:most], most


def _belongings(site: AdminSite, request: HttpRequest, relations: list[OutputSMSRelatedObject]) -> Iterator[Belonging]:
    """The related objects; of what the reader may not see, the kind and the key only."""
    keys: dict[int, list[str]] = defaultdict(list)
    for relation in relations:
        keys[relation.content_type_id].append(relation.object_id)
    types = {key: ContentType.objects.get_for_id(key) for key in keys}
    # The model of a content type may be gone with its app, an object with its row.
    objects = HostObjects(site, request)
    names = {key: objects.named(model, keys[key]) for key, kind in types.items() if (model := kind.model_class())}
    for relation in relations:
        kind = types[relation.content_type_id]
        shown = names.get(relation.content_type_id, {}).get(relation.object_id)
        asked = {"related_object_type": f"{kind.app_label}.{kind.model}", "related_object_id": relation.object_id}
        name, url = shown or (relation.object_id, None)
        yield Belonging(str(kind.name), name, url, urlencode(asked))


def _facts(message: OutputSMSMessage) -> Iterator[tuple[str, str, bool]]:
    """Name, value, and whether the value is a code: what is known and says something."""
    ours = bool(message.external_id) and message.external_id.endswith(str(message.pk))
    rows: list[tuple[str, object, bool]] = [
        (gettext("Gateway"), gateway_title(message.backend), False),
        (gettext("Sender"), message.sender, False),
        (gettext("Tag"), message.tag, False),
        (gettext("Attempts"), message.send_attempts or "", False),
        (gettext("Send after"), message.send_after, False),
        (gettext("Not later than"), message.expires_at, False),
        (gettext("Next attempt"), message.due_at if message.state == State.WAITING and message.error else None, False),
        (gettext("Asked about next"), message.check_after, False),
        (gettext("Handed over"), message.sent_at, False),
        (gettext("Idempotency key"), message.idempotency_key, True),
        (gettext("Our reference") if ours else gettext("Gateway's reference"), message.external_id, True),
        (gettext("Row of the bulk send"), message.batch_row or "", False),
        (gettext("Last changed"), message.changed_at, False),
    ]
    for name, value, is_code in rows:
        if value not in (None, ""):
            yield name, to_the_second(value) if isinstance(value, datetime) else str(value), is_code


def _readable(data: Mapping[str, Any]) -> str:
    """A message's data as text, without what nobody may read; empty where there is none."""
    return json.dumps(_without_secrets(data), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2) if data else ""


def _without_secrets(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: "…" if SECRET.search(str(key)) else _without_secrets(value) for key, value in data.items()}
    if isinstance(data, str):
        return IN_ADDRESS.sub(lambda found: f"{found[1] or ''}…", data)
    return [_without_secrets(one) for one in data] if isinstance(data, list) else data
