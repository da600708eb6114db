"""The back office: a file for each page that an operator opens."""

from smsoffice.admin import gateways, messages, templates  # noqa: F401  (importing registers the pages)
from smsoffice.admin.templates import AbstractSMSTemplateAdmin

__all__ = ["AbstractSMSTemplateAdmin"]
