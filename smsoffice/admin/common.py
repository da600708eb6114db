"""What several pages share."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import get_language

from smsoffice.backend.sms.titles import gateway_title
from smsoffice.states import State

__all__ = [
    "INCLUDES",
    "NobodyEdits",
    "address_in",
    "ago",
    "clock",
    "comes_twice",
    "gateway_title",
    "number",
    "page_of",
    "state_badge",
    "to_the_second",
]

INCLUDES = "admin/smsoffice/includes"


class NobodyEdits(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """Pages on which nobody changes or deletes a row by hand, a superuser neither."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def number(value: float) -> str:
    """A count as the reader's language writes it: `2,386`, `2 386`."""
    return number_format(value, force_grouping=True)


def state_badge(value: str) -> SafeString:
    """A state as icon, word and tint."""
    known = State(value)
    return render_to_string(f"{INCLUDES}/state.html", {"name": known.value.lower(), "label": known.label})


def ago(value: datetime | None) -> str:
    """How long ago, or in how long: `9 minutes ago`."""
    return str(naturaltime(value)) if value else ""


def to_the_second(moment: datetime) -> str:
    """A time in the site's zone and the reader's spelling, with its seconds, which Django's formats leave out."""
    return f"{_day(localtime(moment).date(), get_language())} {clock(moment)}"


@lru_cache
def _day(day: date, language: str | None) -> str:
    """A day in the spelling of the language in force: a page of the log asks for the same one again and again."""
    return date_format(day, "SHORT_DATE_FORMAT")


def clock(moment: datetime) -> str:
    """The time of day to the second; with the zone's letters in the hour that comes twice, as the clock is set back."""
    local = localtime(moment)
    time = f"{local:%H:%M:%S}"
    return f"{time} {local.tzname()}" if comes_twice(local) else time


def comes_twice(local: datetime) -> bool:
    """Whether the clock shows this time twice on that day."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def page_of(site: AdminSite, request: HttpRequest, obj: Model) -> str | None:
    """The address of an object's page in the admin; None where it has none or the user may not see it."""
    model = type(obj)
    return address_in(site.get_model_admin(model), request, obj) if site.is_registered(model) else None


def address_in(page: admin.ModelAdmin[Any], request: HttpRequest, obj: Model) -> str | None:
    """The address of an object's page in the admin of its model; None where the user may not see it."""
    if not page.has_view_permission(request, obj):
        return None
    name = f"admin:{page.opts.app_label}_{page.opts.model_name}_change"
    return reverse(name, args=[quote(obj.pk)], current_app=page.admin_site.name)
