"""The templates: what operators write, and the developers send by its slug."""

from __future__ import annotations

from django.contrib import admin

from smsoffice.admin.template_editor import EditorPages
from smsoffice.admin.template_form import SMSTemplateForm
from smsoffice.admin.template_history import HistoryPages
from smsoffice.admin.template_list import ListPages
from smsoffice.admin.template_transfer import TemplateTransfer
from smsoffice.models.sms import SMSTemplate

__all__ = ["AbstractSMSTemplateAdmin", "SMSTemplateAdmin", "SMSTemplateForm"]


class AbstractSMSTemplateAdmin(TemplateTransfer, ListPages, EditorPages, HistoryPages):
    """The pages of a template model; a host registers its own model with it, or with a class that extends it."""


@admin.register(SMSTemplate)
class SMSTemplateAdmin(AbstractSMSTemplateAdmin):
    """The templates of a site without a model of its own; Django leaves it out where the model is swapped."""
