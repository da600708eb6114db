"""Resend of a filter, however many: fixed when it was chosen, said on a page, then sent in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.chosen import PATIENCE
from smsoffice.admin.common import gateway_title, number
from smsoffice.admin.message_actions import log_of_many
from smsoffice.admin.resend_groups import groups_of, ticked_in
from smsoffice.admin.way_back import back_to_the_list, on_with_the_filters
from smsoffice.admin.when import WhenForm
from smsoffice.conf import conf
from smsoffice.exceptions import SMSError
from smsoffice.models.batch import Batch
from smsoffice.models.batch_resend import MOST, first_of, narrow, read_chosen, store_resends
from smsoffice.models.batch_write import AlreadyConfirmed, confirm
from smsoffice.models.log import TookTooLong, at_most
from smsoffice.models.resending import AGAIN
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

if TYPE_CHECKING:
    from smsoffice.admin.message import MessagePages
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
    try:
        with at_most(PATIENCE):
            failed = filters.found.messages.filter(state=State.ERROR)
        return choose_all(page, request, failed)
    except TookTooLong as error:
        page.message_user(request, str(error), messages.ERROR)
        return back_to_the_list(page, request)


def choose_all(page: MessagePages, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]) -> HttpResponse:
    """Fix which messages are meant, and lead to the page that says so.

    Raises:
        TookTooLong: their filters are too slow.
    """
    with at_most(PATIENCE):
        chosen = read_chosen(queryset)
    with translation.override(settings.LANGUAGE_CODE):
        draft = store_resends(chosen, cast(int, request.user.pk), _("Resend of messages"))
    if not draft.sendable:
        draft.delete()
        words = _("None of these messages can be sent again: they wait still, were removed, or were resent already.")
        page.message_user(request, words, messages.WARNING)
        return back_to_the_list(page, request)
    return on_with_the_filters(page, request, "resend_all", draft.pk)


def resend_all(page: OutputSMSMessageAdmin, request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Say how many go and who is left out; recount, or send what is ticked, the second time only lead to it."""
    _may(page, request)
    draft = Batch.objects.filter(pk=batch_id, is_resend=True, user=request.user.pk).first()
    if draft is None:
        raise Http404
    if draft.status != Batch.Status.DRAFT:
        return sent_before(page, request, draft)
    if request.method != "POST":
        return _drawn(page, request, draft, {AGAIN}, WhenForm())
    ticked = ticked_in(request)
    if "_send" not in request.POST:
        return _drawn(page, request, draft, ticked, WhenForm(initial=request.POST.dict()))
    when, going = WhenForm(request.POST), _going(draft, ticked)
    wrong = _why_not_yet(request, going)
    if wrong or not when.is_valid():
        return _drawn(page, request, draft, ticked, when, wrong)
    if request.POST.get("count") != str(going) or not narrow(draft.pk, ticked, going, when.send_after):
        # What the button said is not what would be sent; it is said anew before anything is sent.
        words = _("Nothing was sent yet: the messages were counted anew. Look at the numbers, then press the button.")
        page.message_user(request, words, messages.WARNING)
        draft.refresh_from_db()
        return _drawn(page, request, draft, ticked, when)
    return _confirmed(page, request, draft, going)


def _may(page: OutputSMSMessageAdmin, request: HttpRequest) -> None:
    if not page.has_resend_permission(request):
        raise PermissionDenied


def sent_before(page: MessagePages, request: HttpRequest, batch: Batch) -> HttpResponse:
    """To the bulk send that a second press finds."""
    page.message_user(request, _("This was sent before, and not a second time."), messages.WARNING)
    return to_the_bulk_send(page, batch)


def to_the_bulk_send(page: MessagePages, batch: Batch) -> HttpResponse:
    """To its page."""
    site = page.admin_site.name
    return HttpResponseRedirect(reverse("admin:smsoffice_batch_change", args=[batch.pk], current_app=site))


def _going(draft: Batch, ticked: set[str]) -> int:
    return sum(n for kind, n in draft.summary["kinds"].items() if kind in ticked)


def _why_not_yet(request: HttpRequest, going: int) -> str:
    typed = "".join(letter for letter in request.POST.get("typed", "") if letter.isdigit())
    if going > TYPED_FROM and typed != str(going):
        return _("Type %(count)s, the number of messages.") % {"count": number(going)}
    return ""


def _confirmed(page: OutputSMSMessageAdmin, request: HttpRequest, draft: Batch, sent: int) -> HttpResponse:
    try:
        batch = confirm(draft.pk, cast(int, request.user.pk))
    except AlreadyConfirmed as error:
        page.message_user(request, str(error), messages.WARNING)
        return to_the_bulk_send(page, error.batch)
    except SMSError as error:
        page.message_user(request, str(error), messages.ERROR)
        return back_to_the_list(page, request)
    log_of_many(request, OutputSMSMessage, ngettext("Resent %d message.", "Resent %d messages.", sent) % sent)
    words = ngettext("%s message is sent again.", "%s messages are sent again.", sent) % number(sent)
    page.message_user(request, words, messages.SUCCESS)
    return to_the_bulk_send(page, batch)


def _drawn(
    page: OutputSMSMessageAdmin, request: HttpRequest, draft: Batch, ticked: set[str], when: WhenForm, wrong: str = ""
) -> HttpResponse:
    going, kinds = _going(draft, ticked), draft.summary["kinds"]
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        "title": _("Resend all that match?"),
        "opts": page.opts,
        "count": sum(kinds.values()),
        "groups": groups_of(kinds, ticked),
        "can_be_resent": True,
        "going": going,
        "parts": sum(parts for kind, parts in draft.summary["parts"].items() if kind in ticked),
        "most": number(MOST) if draft.summary["more"] else "",
        "first": OutputSMSMessage.objects.filter(pk__in=first_of(draft, ticked, SHOWN)).order_by("-created_at", "-pk"),
        "gateway": gateway_title(str(conf.SMS_SENDER_BACKEND)),
        "is_typed": going > TYPED_FROM,
        "typed": request.POST.get("typed", ""),
        "wrong": wrong,
        "when": when,
        "back": back_to_the_list(page, request).url,
    }
    return TemplateResponse(request, "admin/smsoffice/outputsmsmessage/resend_all.html", context)
