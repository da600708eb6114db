"""The admin of messages: the log, the page of one message, and the send page, which is the stock add page."""

from __future__ import annotations

import json
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from smsoffice.admin.log import LogPages
from smsoffice.admin.message import MessagePages
from smsoffice.admin.send import send_page
from smsoffice.models.sms import OutputSMSMessage


@admin.register(OutputSMSMessage)
class OutputSMSMessageAdmin(LogPages, MessagePages):
    """Each base says which page it draws; here stands what they share."""

    add_form_template = "admin/smsoffice/outputsmsmessage/send.html"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return send_page(self, request, extra_context)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        """Write who sent which message; whom to and what is for those to see who may read the message."""
        entry = LogEntry(
            user_id=cast(int, request.user.pk),
            content_type=ContentType.objects.get_for_model(obj),
            object_id=str(obj.pk),
            object_repr=gettext("message %(id)s") % {"id": obj.pk},
            action_flag=ADDITION,
            change_message=json.dumps(message),
        )
        entry.save()
        return entry
