"""The admin of messages: the log, the page of one message, and the send page, which is the stock add page."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from smsoffice.admin.log import LogPages
from smsoffice.admin.message import MessagePages
from smsoffice.admin.resend_all import choose_failed, resend_all
from smsoffice.admin.send import SendPages
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State


@admin.register(OutputSMSMessage)
class OutputSMSMessageAdmin(LogPages, MessagePages, SendPages):
    """Each base says which page it draws; here stands what needs two of them."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        context: dict[str, Any] | None = getattr(response, "context_data", None)
        if context is not None and "filters" in context:
            failed = State.ERROR in context["filters"].in_force.get("state", ())
            context["offers_failed"] = failed and not context["is_refused"] and self.has_resend_permission(request)
        return response

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        choose, send = partial(choose_failed, self), partial(resend_all, self)
        own = [
            path("resend_failed/", self.admin_site.admin_view(choose), name=f"{name}_choose_failed"),
            path("resend_all/<uuid:batch_id>/", self.admin_site.admin_view(send), name=f"{name}_resend_all"),
        ]
        urls: list[URLPattern] = super().get_urls()
        return own + urls
