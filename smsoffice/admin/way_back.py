"""The way back from a message to its place in the log: the list's own query, carried in the address of each page."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from smsoffice.models.sms import OutputSMSMessage

FILTERS = "_changelist_filters"
"""The name that the stock admin gives it."""


def way_back(page: ModelAdmin[OutputSMSMessage], request: HttpRequest) -> dict[str, str]:
    """For a page about a message: the address of the list as one left it, and what keeps it known in other addresses.

    Django's own tag for this keeps only the last of several values of a filter.
    """
    url = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist", current_app=page.admin_site.name)
    query = _query(request)
    return {"list_url": f"{url}?{query}" if query else url, "kept": kept(request)}


def kept(request: HttpRequest) -> str:
    """What stands behind a message's address so that the way back stays known; empty where there is none."""
    query = _query(request)
    return f"?{urlencode({FILTERS: query})}" if query else ""


def _query(request: HttpRequest) -> str:
    return QueryDict(request.GET.get(FILTERS, "")).urlencode()
