"""The rows of one page of the log, with what each belongs to, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.contrib.admin import AdminSite
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from smsoffice.admin.common import gateway_title, page_of, state_badge, to_the_second
from smsoffice.models.related import living
from smsoffice.models.said import said
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State

NAMED_TYPES = 3
"""Types of objects that are looked up for a page, each by a query; those of others are shown by type and key."""

SHOWN = 2
"""Objects that a row names; of a message that belongs to more the page tells."""

TEXT = 160


class Belonging(NamedTuple):
    """An object that a message belongs to, with its page where the reader may see it."""

    name: str
    url: str | None


class Row(NamedTuple):
    """A message as the list shows it."""

    message: OutputSMSMessage
    url: str
    created: str
    text: str
    state: SafeString
    why: str
    gateway: str
    belongings: Sequence[Belonging]
    more: int


def rows_of(site: AdminSite, request: HttpRequest, messages: Sequence[OutputSMSMessage]) -> list[Row]:
    """The rows of a page."""
    related = _belongings(site, request, messages)
    states = {name: state_badge(name) for name in {message.state for message in messages}}
    page = reverse("admin:smsoffice_outputsmsmessage_change", args=[0], current_app=site.name)
    beginning, end = page.rsplit("0", 1)
    return [
        Row(
            message,
            f"{beginning}{message.pk}{end}",
            to_the_second(message.created_at),
            Truncator(" ".join(message.content[: 2 * TEXT].split())).chars(TEXT),
            states[message.state],
            _why(message),
            gateway_title(message.backend) if message.backend else "",
            related[message.pk][:SHOWN],
            max(0, len(related[message.pk]) - SHOWN),
        )
        for message in messages
    ]


def _why(message: OutputSMSMessage) -> str:
    if message.error:
        return said(message.error)
    if message.state == State.WAITING and message.send_after and message.send_after > timezone.now():
        return _("scheduled for %(time)s") % {
            "time": date_format(localtime(message.send_after), "SHORT_DATETIME_FORMAT")
        }
    return ""


def _belongings(
    site: AdminSite, request: HttpRequest, messages: Sequence[OutputSMSMessage]
) -> dict[int, list[Belonging]]:
    """What each message belongs to; of what the reader may not see, the type and the key only."""
    related: dict[int, list[Belonging]] = defaultdict(list)
    relations = OutputSMSRelatedObject.objects.filter(output_sms_message__in=[message.pk for message in messages])
    found = list(relations.order_by("pk")) if messages else []
    objects = _objects(site, request, found)
    for relation in found:
        kind = ContentType.objects.get_for_id(relation.content_type_id)
        obj = objects.get((relation.content_type_id, relation.object_id))
        url = page_of(site, request, obj) if obj is not None else None
        name = f"{capfirst(kind.name)} {obj if url else relation.object_id}"
        related[relation.output_sms_message_id].append(Belonging(name, url))
    return related


def _objects(
    site: AdminSite, request: HttpRequest, relations: Iterable[OutputSMSRelatedObject]
) -> dict[tuple[int, str], Model]:
    """The objects that still exist, of the types that the reader may see."""
    keys: dict[int, set[str]] = defaultdict(set)
    for relation in relations:
        keys[relation.content_type_id].add(relation.object_id)
    seen = {key: model for key in keys if (model := _visible(site, request, key))}
    return {
        (key, text): obj
        for key, model in list(seen.items())[:NAMED_TYPES]
        for text, obj in living(model, keys[key]).items()
    }


def _visible(site: AdminSite, request: HttpRequest, content_type: int) -> type[Model] | None:
    model = ContentType.objects.get_for_id(content_type).model_class()
    if model is None or not site.is_registered(model):
        return None
    return model if site.get_model_admin(model).has_view_permission(request) else None
