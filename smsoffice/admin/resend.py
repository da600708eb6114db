"""Resend: on purpose, once, with open eyes. One message from its page; the page before says what goes to whom."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from smsoffice import phone
from smsoffice.admin.common import gateway_title
from smsoffice.admin.message_actions import back_to, log_of, the_message, title_of
from smsoffice.admin.way_back import way_back
from smsoffice.conf import conf
from smsoffice.models.decisions import MAY_HAVE_ARRIVED, Resent, resend
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.preview import look_at_sent
from smsoffice.states import State

if TYPE_CHECKING:
    from smsoffice.admin.message import MessagePages

RECENT = timedelta(hours=24)
SHOWN = 10


def resend_page(page: MessagePages, request: HttpRequest, message_id: int) -> HttpResponse:
    """Say what will be sent to whom, and on POST send it, the second time only lead to it."""
    if not page.has_add_permission(request):
        raise PermissionDenied
    message = the_message(page, request, message_id)
    is_asked = request.method == "POST" and _token(request) is not None
    if is_asked and (resent := _resent(request, message)):
        return _said(page, request, message, resent)
    message.refresh_from_db()
    if refusal := _why_never(message):
        page.message_user(request, refusal, messages.WARNING)
        return back_to(page, request, message)
    if is_asked:
        words = _("Nothing was sent. Tick the box first: the customer may get the text twice.")
        page.message_user(request, words, messages.ERROR)
    return TemplateResponse(
        request,
        "admin/smsoffice/outputsmsmessage/resend.html",
        {
            **page.admin_site.each_context(request),
            **way_back(page, request),
            **_shown(message),
            "opts": page.opts,
            "copy": _copy_of(message),
            "token": _token(request) or uuid4(),
            "may_arrive_twice": _may_arrive_twice(message),
        },
    )


def _why_never(message: OutputSMSMessage) -> str:
    """Why this message is not to be sent again, whoever asks; empty where it may be."""
    if message.state == State.WAITING:
        return _("It has not been sent yet, so there is nothing to resend.")
    if not message.recipient:
        return _("Its number and its text were removed, so it cannot be sent again.")
    return ""


def _copy_of(message: OutputSMSMessage) -> OutputSMSMessage | None:
    """The newest resend of it that may arrive."""
    return message.resends.exclude(state__in=[State.ERROR, State.DEBUG]).order_by("-pk").first()


def _may_arrive_twice(message: OutputSMSMessage) -> bool:
    return message.state in MAY_HAVE_ARRIVED or _copy_of(message) is not None


def _key(token: UUID) -> str:
    return f"resend-{token}"


def _token(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.POST.get("token", ""))
    except ValueError:
        return None


def _resent(request: HttpRequest, message: OutputSMSMessage) -> Resent | None:
    """What the page asked for; None where it is not to be sent, or not before the box is ticked."""
    key = _key(_token(request) or uuid4())
    with translation.override(settings.LANGUAGE_CODE), transaction.atomic():
        # Who resends it at the same time is waited for, and seen.
        message = get_object_or_404(OutputSMSMessage.objects.select_for_update(), pk=message.pk)
        if _why_never(message):
            return None
        was_sent = OutputSMSMessage.objects.filter(idempotency_key=key).exists()
        if was_sent or "accept_duplicate" in request.POST or not _may_arrive_twice(message):
            return resend(message, key, request.user.pk)
    return None


def _said(page: MessagePages, request: HttpRequest, message: OutputSMSMessage, resent: Resent) -> HttpResponse:
    """To the message that was sent, with a word about it."""
    if resent.is_new:
        log_of(request, message, _("Resent as message %s.") % resent.message.pk)
        resent.message.refresh_from_db()
        words = _("The message to %(recipient)s was accepted. Its state: %(state)s.")
        level = messages.ERROR if resent.message.failed else messages.SUCCESS
    else:
        words = _("This was sent before, to %(recipient)s, and not a second time. To send more, open a new page.")
        level = messages.WARNING
    told = {
        "recipient": phone.group_international(resent.message.recipient),
        "state": resent.message.get_state_display(),
    }
    page.message_user(request, words % told, level)
    return back_to(page, request, resent.message)


def _shown(message: OutputSMSMessage) -> dict[str, Any]:
    since = timezone.now() - RECENT
    same_number = OutputSMSMessage.objects.filter(recipient=message.recipient, created_at__gte=since)
    return {
        "title": _("Resend this message?"),
        "message": message,
        "message_title": title_of(message),
        "look": look_at_sent(message.content),
        "gateway": gateway_title(str(conf.SMS_SENDER_BACKEND)),
        "recent": list(same_number.order_by("-created_at", "-pk")[:SHOWN]),
        "belongings": message.related_objects.count(),
    }
