"""The export of the log: exactly what is filtered or chosen, in the columns that one ticks, as a download."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    QueryDict,
    StreamingHttpResponse,
)
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.common import number
from smsoffice.admin.log_filters import address
from smsoffice.admin.log_list import PATIENCE
from smsoffice.admin.message_actions import log_of_many
from smsoffice.export import export
from smsoffice.export.columns import columns
from smsoffice.export.files import FORMATS, MEDIA_TYPES, XLSX_ROWS
from smsoffice.models.log import Count, Found, Known, TookTooLong, at_most
from smsoffice.models.sms import OutputSMSMessage

if TYPE_CHECKING:
    from smsoffice.admin.log import LogPages

PRIVATE = frozenset({"recipient", "text"})
"""Filters whose values are nobody's business in the log of what was done."""


def may_export(request: HttpRequest) -> bool:
    """Whether the user may take the log away."""
    return request.user.has_perm("smsoffice.export_outputsmsmessage")


def export_page(page: LogPages, request: HttpRequest) -> HttpResponseBase:
    """Give what the filters of the address leave as a file; record who took it."""
    if not (page.has_view_permission(request) and may_export(request)):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    query = page.filter_query(request)
    filters = page.filters_of(request)
    if not filters.is_valid():
        page.message_user(request, _("Nothing was exported: a filter makes no sense."), messages.ERROR)
        return HttpResponseRedirect(f"../{address(query)}")
    try:
        with at_most(PATIENCE) if filters.may_be_slow else nullcontext():
            found, count = filters.found, filters.found.count()
    except TookTooLong as error:
        page.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(f"../{address(query)}")
    return download(page, request, found, count, query) or HttpResponseRedirect(f"../{address(query)}")


def export_selected(
    page: LogPages, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]
) -> HttpResponseBase | None:
    """Give the chosen messages as a file."""
    if not may_export(request):
        raise PermissionDenied
    chosen = Found(queryset)
    return download(page, request, chosen, chosen.count(), page.filter_query(request))


def download(
    page: LogPages, request: HttpRequest, found: Found, count: Count, query: QueryDict
) -> HttpResponseBase | None:
    """The file; None where there can be none, which the user is told."""
    file_format = request.POST.get("format", "csv")
    chosen = [name for name in columns() if name in request.POST.getlist("column")]
    if file_format not in FORMATS:
        page.message_user(request, _("There is no such file type. Choose CSV or XLSX."), messages.ERROR)
        return None
    if not chosen:
        page.message_user(request, _("Nothing was exported: tick at least one column."), messages.ERROR)
        return None
    if file_format == "xlsx" and _is_too_much(found, count):
        words = _("XLSX holds %(most)s rows; this is more. Choose CSV, or narrow the filters.")
        page.message_user(request, words % {"most": number(XLSX_ROWS)}, messages.ERROR)
        return None
    log_of_many(request, OutputSMSMessage, _record(count, file_format, query))
    response = StreamingHttpResponse(export(found.messages, file_format, chosen), content_type=MEDIA_TYPES[file_format])
    name = f"sms-{timezone.localtime():%Y-%m-%d-%H%M}.{file_format}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _is_too_much(found: Found, count: Count) -> bool:
    return count.known is not Known.EXACTLY and found.messages.order_by()[: XLSX_ROWS + 1].count() > XLSX_ROWS


def _record(count: Count, file_format: str, query: QueryDict) -> str:
    """What was exported, without a number or a text."""
    filters = ", ".join(
        name if name in PRIVATE else f"{name}={value}"
        for name, values in query.lists()
        for value in values
        if value.strip()
    )
    told = {"messages": in_words(count), "format": file_format.upper(), "filters": filters}
    if filters:
        return _("Exported %(messages)s as %(format)s. Filters: %(filters)s.") % told
    return _("Exported %(messages)s as %(format)s.") % told


def in_words(count: Count) -> str:
    """How many messages there are, as far as it is known."""
    if count.known is Known.ABOUT:
        return _("about %(count)s messages") % {"count": _roughly(count.number)}
    told = {"count": number(count.number)}
    if count.known is Known.MORE_THAN:
        return _("more than %(count)s messages") % told
    return ngettext("%(count)s message", "%(count)s messages", count.number) % told


def _roughly(estimate: int) -> str:
    """An estimate, with no more figures than it deserves: `5.0 M`, `230,000`."""
    if estimate >= 1_000_000:
        return _("%(millions)s M") % {"millions": number(round(estimate / 1_000_000, 1))}
    return number(round(estimate, -3 if estimate < 100_000 else -4))
