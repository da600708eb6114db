"""The way back to a list as it was filtered: from a message, and from an action on many."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.urls import reverse

from smsoffice.models.sms import OutputSMSMessage

FILTERS = "_changelist_filters"
"""The name that the stock admin gives it."""


def way_back(page: ModelAdmin[OutputSMSMessage], request: HttpRequest) -> dict[str, str]:
    """For a page about a message: the address of the list as one left it, and what keeps it known in other addresses.

    Django's own tag for this keeps only the last of several values of a filter.
    """
    url, query = _address(page, "changelist"), _query(request)
    return {"list_url": f"{url}?{query}" if query else url, "kept": kept(request)}


def kept(request: HttpRequest) -> str:
    """What stands behind a message's address so that the way back stays known; empty where there is none."""
    query = _query(request)
    return f"?{urlencode({FILTERS: query})}" if query else ""


def back_to_the_list(page: ModelAdmin[Any], request: HttpRequest) -> HttpResponseRedirect:
    """To the list, whose filters an action on many carries as its own."""
    return on_with_the_filters(page, request, "changelist")


def on_with_the_filters(
    page: ModelAdmin[Any], request: HttpRequest, view: str, *arguments: object
) -> HttpResponseRedirect:
    """To one of the pages of a model, which carries the filters on."""
    url, query = _address(page, view, *arguments), request.META.get("QUERY_STRING")
    return HttpResponseRedirect(f"{url}?{query}" if query else url)


def _address(page: ModelAdmin[Any], view: str, *arguments: object) -> str:
    name = f"admin:{page.opts.app_label}_{page.opts.model_name}_{view}"
    return reverse(name, args=arguments, current_app=page.admin_site.name)


def _query(request: HttpRequest) -> str:
    return QueryDict(request.GET.get(FILTERS, "")).urlencode()
