"""Resend all that failed of a filter, however many: fixed when the button was pressed, said on a page, then sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.common import gateway_title, number
from smsoffice.admin.message_actions import log_of_many
from smsoffice.admin.way_back import back_to_the_list
from smsoffice.conf import conf
from smsoffice.exceptions import SMSError
from smsoffice.models.batch import Batch
from smsoffice.models.batch_resend import MOST, store_resends
from smsoffice.models.batch_write import AlreadyConfirmed, confirm
from smsoffice.models.sms import OutputSMSMessage

if TYPE_CHECKING:
    from smsoffice.admin.messages import OutputSMSMessageAdmin

SHOWN = 5
TYPED_FROM = 1000
"""Messages from which their number is to be typed before they are sent."""


def choose_failed(page: OutputSMSMessageAdmin, request: HttpRequest) -> HttpResponse:
    """Fix which failed messages of the filter are meant, and lead to the page that says so."""
    _may(page, request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    filters = page.filters_of(request)
    if not filters.is_valid():
        page.message_user(request, _("Nothing was chosen: a filter makes no sense."), messages.ERROR)
        return back_to_the_list(page, request)
    with translation.override(settings.LANGUAGE_CODE):
        # Those whose number was removed after its time have none to be sent to.
        found = filters.found.messages.exclude(recipient="")
        draft = store_resends(found, cast(int, request.user.pk), _("Resend of failed messages"))
    if not draft.sendable:
        draft.delete()
        words = _("None of these messages can be sent again: they would fail again, or were resent already.")
        page.message_user(request, words, messages.WARNING)
        return back_to_the_list(page, request)
    query = page.filter_query(request).urlencode()
    return HttpResponseRedirect(f"{_address(page, draft)}{'?' if query else ''}{query}")


def resend_failed(page: OutputSMSMessageAdmin, request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Say how many go and who is left out; on POST send them, the second time only lead to them."""
    _may(page, request)
    draft = Batch.objects.filter(pk=batch_id, is_resend=True, user=request.user.pk).first()
    if draft is None:
        raise Http404
    if draft.status != Batch.Status.DRAFT:
        page.message_user(request, _("This was sent before, and not a second time."), messages.WARNING)
        return _to_the_bulk_send(page, draft)
    wrong = ""
    if request.method == "POST":
        wrong = _why_not_yet(request, draft)
        if not wrong:
            return _confirmed(page, request, draft)
    context = _shown(page, request, draft, wrong)
    return TemplateResponse(request, "admin/smsoffice/outputsmsmessage/resend_failed.html", context)


def _may(page: OutputSMSMessageAdmin, request: HttpRequest) -> None:
    if not page.has_resend_permission(request):
        raise PermissionDenied


def _address(page: OutputSMSMessageAdmin, draft: Batch) -> str:
    return reverse("admin:smsoffice_outputsmsmessage_resend_failed", args=[draft.pk], current_app=page.admin_site.name)


def _to_the_bulk_send(page: OutputSMSMessageAdmin, batch: Batch) -> HttpResponse:
    site = page.admin_site.name
    return HttpResponseRedirect(reverse("admin:smsoffice_batch_change", args=[batch.pk], current_app=site))


def _why_not_yet(request: HttpRequest, draft: Batch) -> str:
    typed = "".join(letter for letter in request.POST.get("typed", "") if letter.isdigit())
    if draft.sendable > TYPED_FROM and typed != str(draft.sendable):
        return _("Type %(count)s, the number of messages.") % {"count": number(draft.sendable)}
    return ""


def _confirmed(page: OutputSMSMessageAdmin, request: HttpRequest, draft: Batch) -> HttpResponse:
    try:
        batch = confirm(draft.pk, cast(int, request.user.pk))
    except AlreadyConfirmed as error:
        page.message_user(request, str(error), messages.WARNING)
        return _to_the_bulk_send(page, error.batch)
    except SMSError as error:
        page.message_user(request, str(error), messages.ERROR)
        return back_to_the_list(page, request)
    sent = draft.sendable
    log_of_many(request, OutputSMSMessage, ngettext("Resent %d message.", "Resent %d messages.", sent) % sent)
    words = ngettext("%s message is sent again.", "%s messages are sent again.", sent) % number(sent)
    page.message_user(request, words, messages.SUCCESS)
    return _to_the_bulk_send(page, batch)


def _shown(page: OutputSMSMessageAdmin, request: HttpRequest, draft: Batch, wrong: str) -> dict[str, Any]:
    chunk = draft.chunks.order_by("number").first()
    keys = [pk for _row, (pk,) in chunk.rows[:SHOWN]] if chunk else []
    return {
        **page.admin_site.each_context(request),
        "title": _("Resend all that failed?"),
        "opts": page.opts,
        "draft": draft,
        "left_out": draft.summary,
        "most": number(MOST),
        "first": OutputSMSMessage.objects.filter(pk__in=keys).order_by("-created_at", "-pk"),
        "gateway": gateway_title(str(conf.SMS_SENDER_BACKEND)),
        "is_typed": draft.sendable > TYPED_FROM,
        "wrong": wrong,
        "back": back_to_the_list(page, request).url,
    }
