"""The back office: a file for each page that an operator opens."""

from smsoffice.admin import bulk_sends, gateways, messages, templates  # noqa: F401  (importing registers the pages)
from smsoffice.admin.messages_of_object import SMSMessagesInline
from smsoffice.admin.send_selected import SendSMSMixin
from smsoffice.admin.templates import AbstractSMSTemplateAdmin

__all__ = ["AbstractSMSTemplateAdmin", "SMSMessagesInline", "SendSMSMixin"]
