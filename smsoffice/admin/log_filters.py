"""The log's filters as the page shows them: what can be chosen, what is in force, and links that change it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple, cast

from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db.models import F, Value
from django.http import QueryDict
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from phonenumbers import AsYouTypeFormatter

from smsoffice import phone
from smsoffice.admin.common import gateway_title, to_the_second
from smsoffice.admin.host_objects import HostObjects
from smsoffice.backend.sms import get_template_model
from smsoffice.filters import MessageFilter
from smsoffice.filters.related import Related
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.log import ORDER
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State

RECENT = 500
"""Newest messages whose tags and templates are offered to choose from."""

OFFERED_FOR = 60
"""Seconds for which what is offered is remembered."""

SPANS = {
    gettext_lazy("hour"): timedelta(hours=1),
    gettext_lazy("24 hours"): timedelta(hours=24),
    gettext_lazy("7 days"): timedelta(days=7),
}


class Pill(NamedTuple):
    """A filter in force, and the address of the log without it."""

    label: str
    value: str
    url: str


class Link(NamedTuple):
    """An address of the log, in words."""

    words: str
    url: str


def without(query: QueryDict, *names: str) -> QueryDict:
    """A query without these names, which may be changed."""
    changed = query.copy()
    for name in names:
        changed.pop(name, None)
    return changed


def address(query: QueryDict) -> str:
    """The address of the log with this query, relative to the log's own."""
    return f"?{query.urlencode()}"


def pills(filters: MessageFilter, objects: HostObjects, query: QueryDict) -> Iterator[Pill]:
    """A pill for each value in force, those that make no sense too.

    Args:
        query: the filters, without the place of the page.
    """
    form = filters.form
    for name in query:
        values = [value for value in query.getlist(name) if value.strip()]
        if not values or (name == "related_object_id" and query.get("related_object_type")):
            continue
        label = str(filters.filters[name].label) if name in filters.filters else name
        if name == "state":
            for value in values:
                rest = query.copy()
                rest.setlist("state", [other for other in values if other != value])
                yield Pill(label, str(State(value).label) if value in State else value, address(rest))
            continue
        is_related = name == "related_object_type"
        rest = without(query, name, *(("related_object_id",) if is_related else ()))
        shown = _shown(name, filters.in_force.get(name), form, objects) or " ".join(
            [values[-1], *(query.getlist("related_object_id")[-1:] if is_related else ())]
        )
        yield Pill(label, shown, address(rest))


def _shown(name: str, value: Any, form: Any, objects: HostObjects) -> str:
    """What a value is called; empty where that is as it was typed."""
    if value is None:
        return ""
    if name == "recipient":
        if value.whole:
            return phone.group_international(value.number)
        return _("beginning with %(number)s") % {"number": _grouped_so_far(value.number)}
    if name == "backend":
        return _title(value, _names()["gateways"])
    if name == "batch":
        return str(form.batch)
    if name == "related_object_type" and form.related:
        return _called(form.related, objects)
    if name.endswith(("_after", "_before")):
        return to_the_second(value)
    return ""


def _called(related: Related, objects: HostObjects) -> str:
    """The type, and the object by its name where the reader may see it."""
    kind = capfirst(str(related.kind.name))
    if related.key is None:
        return kind
    model, key = related.kind.model_class(), str(related.key)
    shown = objects.named(model, [key]).get(key) if model else None
    return f"{kind} {shown.name if shown else key}"


def _grouped_so_far(beginning: str) -> str:
    formatter = AsYouTypeFormatter("ZZ")
    grouped = ""
    for sign in beginning:
        grouped = formatter.input_digit(sign)
    return grouped


def spans(query: QueryDict) -> Iterator[Link]:
    """Links to what was created lately, with the other filters kept."""
    now = timezone.now()
    for words, span in SPANS.items():
        changed = without(query, "created_before")
        since = timezone.localtime(now - span)
        # Of an hour that comes twice the second has to be named.
        changed["created_after"] = f"{since:%Y-%m-%d %H:%M}{f'{since:%z}' if since.fold else ''}"
        yield Link(str(words), address(changed))


class Offered(NamedTuple):
    """What can be chosen: templates and tags by name, gateways and types of objects with what they are called."""

    chosen_type: str

    templates: list[str]
    tags: list[str]
    gateways: list[tuple[str, str]]
    types: list[tuple[str, str]]


def offered(chosen_gateway: str, chosen_type: str) -> Offered:
    """What is in use: named by templates and gateways, or by the newest messages; and what was chosen.

    Args:
        chosen_gateway: the path that the page is filtered by, or nothing.
        chosen_type: the type that the page is filtered by, or nothing.
    """
    names = _names()
    called = {type_name(kind): capfirst(str(kind.name)) for kind in _types(names["types"])}
    if chosen_type:
        called.setdefault(chosen_type, chosen_type)
    gateways = names["gateways"] | ({chosen_gateway} if chosen_gateway else set())
    return Offered(
        chosen_type,
        sorted(names["templates"]),
        sorted(names["tags"]),
        sorted(((path, _title(path, names["gateways"])) for path in gateways), key=lambda pair: pair[1]),
        sorted(called.items(), key=lambda pair: pair[1]),
    )


def _names() -> dict[str, set[str]]:
    return cast("dict[str, set[str]]", cache.get_or_set("smsoffice.log.offered", _in_use, OFFERED_FOR))


def _title(path: str, known: set[str]) -> str:
    """A gateway's title; what was only typed is never imported."""
    return gateway_title(path) if path in known else path


def _types(keys: Iterable[str]) -> Iterator[ContentType]:
    for key in keys:
        # A type may go while it is remembered.
        with suppress(ContentType.DoesNotExist):
            yield ContentType.objects.get_for_id(int(key))


def type_name(kind: ContentType) -> str:
    """A type as the filter takes it."""
    return f"{kind.app_label}.{kind.model}"


def _in_use() -> dict[str, set[str]]:
    newest = OutputSMSMessage.objects.order_by(*ORDER)
    recent = list(newest.values_list("tag", "template_slug", "backend")[:RECENT])
    related = OutputSMSRelatedObject.objects.order_by("-pk").values_list("content_type", flat=True)
    templates = get_template_model()._default_manager.order_by().values_list(Value("templates"), F("slug"))
    gateways = GatewayStatus.objects.order_by().values_list(Value("gateways"), F("backend"))
    named = list(templates.union(gateways))
    return {
        "tags": {tag for tag, _slug, _path in recent} - {""},
        "templates": {slug for _tag, slug, _path in recent if slug} | {n for kind, n in named if kind == "templates"},
        "gateways": {path for _tag, _slug, path in recent if path} | {n for kind, n in named if kind == "gateways"},
        "types": {str(key) for key in related[:RECENT]},
    }
