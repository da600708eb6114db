"""The admin of messages: the log, the page of one message, and the send page, which is the stock add page."""

from __future__ import annotations

from django.contrib import admin

from smsoffice.admin.log import LogPages
from smsoffice.admin.message import MessagePages
from smsoffice.admin.send import SendPages
from smsoffice.models.sms import OutputSMSMessage


@admin.register(OutputSMSMessage)
class OutputSMSMessageAdmin(LogPages, MessagePages, SendPages):
    """Each base says which page it draws."""
