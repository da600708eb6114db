"""Cancel what waits of a filter, however many: fixed when the action was chosen, said on a page, then done."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.chosen import PATIENCE
from smsoffice.admin.common import number
from smsoffice.admin.message_actions import log_of_many, may_act
from smsoffice.admin.way_back import back_to_the_list, on_with_the_filters
from smsoffice.models.cancellation import (
    MOST,
    Cancellation,
    confirm_cancellation,
    go_on_cancelling,
    store_cancellation,
)
from smsoffice.models.log import at_most
from smsoffice.models.sms import OutputSMSMessage

if TYPE_CHECKING:
    from smsoffice.admin.message import MessagePages

WIDTH = 1000
"""Of the drawn bar, in its own units."""


def choose_all(page: MessagePages, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]) -> HttpResponse:
    """Fix which messages are meant, and lead to the page that says so.

    Raises:
        TookTooLong: their filters are too slow.
    """
    with at_most(PATIENCE):
        chosen = store_cancellation(queryset, cast(int, request.user.pk))
    if chosen is None:
        page.message_user(request, _("None of the chosen messages waits any more."), messages.WARNING)
        return back_to_the_list(page, request)
    return on_with_the_filters(page, request, "cancellation", chosen.pk)


def cancellation_page(page: MessagePages, request: HttpRequest, cancellation_id: UUID) -> HttpResponse:
    """Ask; on POST begin, or go on with it; and show how far it is."""
    if not may_act(request):
        raise PermissionDenied
    found = Cancellation.objects.defer("keys").select_related("user")
    chosen = found.filter(pk=cancellation_id).first()
    if chosen is None or not (chosen.started_at or chosen.user_id == request.user.pk):
        # What another one has chosen and not confirmed is nobody else's affair.
        raise Http404
    if request.method == "POST":
        if confirm_cancellation(chosen.pk, cast(int, request.user.pk)):
            words = ngettext("Set out to cancel %s message.", "Set out to cancel %s messages.", chosen.total)
            log_of_many(request, OutputSMSMessage, words % number(chosen.total))
        elif "_go_on" not in request.POST:
            page.message_user(request, _("This was confirmed before, and is done once."), messages.WARNING)
        go_on_cancelling(chosen.pk)
        return on_with_the_filters(page, request, "cancellation", chosen.pk)
    context = {
        **page.admin_site.each_context(request),
        "title": _title(chosen),
        "opts": page.opts,
        "chosen": chosen,
        "most": number(MOST) if chosen.total == MOST else "",
        "left": chosen.total - chosen.done,
        "late": chosen.done - chosen.cancelled,
        "percent": 100 * chosen.done // chosen.total,
        "bar": WIDTH * chosen.done // chosen.total,
        "back": back_to_the_list(page, request).url,
        "query": request.META.get("QUERY_STRING", ""),
    }
    # The page itself asks for its numbers alone.
    name = "cancellation_numbers" if "numbers" in request.GET else "cancellation"
    return TemplateResponse(request, f"admin/smsoffice/outputsmsmessage/{name}.html", context)


def _title(chosen: Cancellation) -> str:
    if chosen.finished_at:
        return _("The messages are cancelled")
    return _("Messages are being cancelled") if chosen.started_at else _("Cancel all that wait?")
