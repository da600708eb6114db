"""Cancel for messages chosen in the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.cancel_all import choose_all
from smsoffice.admin.chosen import AT_ONCE, chosen, keys_of, sealed
from smsoffice.admin.message_actions import cancelled_among, log_of_many, may_act
from smsoffice.admin.way_back import back_to_the_list
from smsoffice.models.decisions import cancel
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

if TYPE_CHECKING:
    from smsoffice.admin.message import MessagePages


def cancel_selected(page: MessagePages, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]) -> HttpResponse:
    """Ask whether to cancel those of the chosen messages that still wait."""
    keys = keys_of(queryset)
    if len(keys) > AT_ONCE:
        return choose_all(page, request, queryset)
    waiting = OutputSMSMessage.objects.filter(pk__in=keys, state=State.WAITING).count()
    if not waiting:
        page.message_user(request, _("None of the chosen messages waits any more."), messages.WARNING)
        return back_to_the_list(page, request)
    context = {
        **page.admin_site.each_context(request),
        "title": _("Cancel the selected messages?"),
        "opts": page.opts,
        "chosen": sealed(keys),
        "count": len(keys),
        "waiting": waiting,
        "left": len(keys) - waiting,
        "back": back_to_the_list(page, request).url,
        "query": request.META.get("QUERY_STRING", ""),
    }
    return TemplateResponse(request, "admin/smsoffice/outputsmsmessage/cancel_many.html", context)


def cancel_many(page: MessagePages, request: HttpRequest) -> HttpResponse:
    """Cancel what was chosen and confirmed."""
    if not may_act(request):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    keys = chosen(request)
    if keys is None:
        page.message_user(request, _("Nothing was cancelled: choose the messages again."), messages.ERROR)
        return back_to_the_list(page, request)
    with translation.override(settings.LANGUAGE_CODE):
        cancelled = cancel(keys, request.user.pk)
    words = " ".join(_what_became(len(keys), cancelled, cancelled_among(keys) - cancelled))
    page.message_user(request, words, messages.SUCCESS if cancelled else messages.WARNING)
    if cancelled:
        said = ngettext("Cancelled %d message.", "Cancelled %d messages.", cancelled) % cancelled
        log_of_many(request, OutputSMSMessage, said)
    return back_to_the_list(page, request)


def _what_became(chosen_ones: int, cancelled: int, before: int) -> Iterator[str]:
    """How many were cancelled now, how many before, as after a double click, and how many could not be any more."""
    if cancelled or not before:
        yield ngettext("%d message is cancelled.", "%d messages are cancelled.", cancelled) % cancelled
    if before:
        yield ngettext("%d message was cancelled before.", "%d messages were cancelled before.", before) % before
    if late := chosen_ones - cancelled - before:
        yield ngettext("%d did not wait any more.", "%d did not wait any more.", late) % late
