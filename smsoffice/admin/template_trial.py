"""The test send of the editor: what the preview shows, to the operator's own phone."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext, override

from smsoffice import phone
from smsoffice.admin.common import page_of
from smsoffice.admin.template_preview import Rendered
from smsoffice.backend.sms import send
from smsoffice.exceptions import SMSError
from smsoffice.models.sms import OutputSMSMessage

SEND = "smsoffice.add_outputsmsmessage"
TAG = "test"
NUMBER = "smsoffice_test_number"


def remembered_number(request: HttpRequest) -> str:
    """The number that the last test of this session went to."""
    return str(request.POST.get("test_to") or request.session.get(NUMBER, ""))


def send_trial(page: admin.ModelAdmin, request: HttpRequest, shown: Rendered) -> None:  # type: ignore[type-arg]
    """Send the text that the preview shows, once for each drawing of the page, and say what became of it."""
    number, token = request.POST.get("test_to", "").strip(), request.POST.get("test_token", "")
    if not shown.can_be_sent:
        page.message_user(request, gettext("No test was sent: the text has problems."), messages.ERROR)
        return
    if not number:
        page.message_user(request, gettext("No test was sent: write your number first."), messages.ERROR)
        return
    try:
        # Before anything is written, and in the reader's language.
        request.session[NUMBER] = phone.group_international(phone.to_e164(number))
        message, is_new = _accepted(page, request, number, shown.text, str(UUID(token)))
    except SMSError as error:
        page.message_user(request, gettext("No test was sent: %(why)s") % {"why": error}, messages.ERROR)
        return
    except ValueError:
        page.message_user(request, gettext("No test was sent: open the page anew."), messages.ERROR)
        return
    _tell(page, request, message, is_new)


def _accepted(
    page: admin.ModelAdmin,  # type: ignore[type-arg]
    request: HttpRequest,
    number: str,
    text: str,
    token: str,
) -> tuple[OutputSMSMessage, bool]:
    with transaction.atomic():
        with override(settings.LANGUAGE_CODE):
            message = send(number, text, tag=TAG, idempotency_key=f"test-{token}")
        # The entry is committed with the message, so whoever finds it came later with the same token.
        kind = ContentType.objects.get_for_model(message)
        made = LogEntry.objects.filter(content_type=kind, object_id=str(message.pk), action_flag=ADDITION)
        if is_new := not made.exists():
            page.log_addition(request, message, [{"added": {}}])
    return message, is_new


def _tell(page: admin.ModelAdmin, request: HttpRequest, message: OutputSMSMessage, is_new: bool) -> None:  # type: ignore[type-arg]
    told = {"recipient": phone.group_international(message.recipient), "state": message.get_state_display()}
    if is_new:
        words = gettext("The test to %(recipient)s was accepted. Its state: %(state)s.") % told
        level = messages.ERROR if message.failed else messages.SUCCESS
    else:
        words = gettext("This test was sent before, to %(recipient)s, and not a second time.") % told
        level = messages.WARNING
    may_view = request.user.has_perm("smsoffice.view_outputsmsmessage")
    if may_view and (url := page_of(page.admin_site, request, message)):
        # Elsewhere: this page is the answer to a POST, which no browser brings back with what was typed.
        link = '{} <a href="{}" target="_blank">{}</a>'
        words = format_html(link, words, url, gettext("Show it in a new tab"))
    page.message_user(request, words, level)
