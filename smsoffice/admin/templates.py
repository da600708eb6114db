"""The templates: what operators write, and the developers send by its slug."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from smsoffice import rendering
from smsoffice.admin.common import first_line
from smsoffice.exceptions import TemplateError
from smsoffice.models.sms import AbstractSMSTemplate, SMSTemplate


class SMSTemplateForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """A template is saved only if its body can be read; the error says where it cannot."""

    def clean_body(self) -> str:
        # A browser's text area sends CRLF; kept so, each save would look like a change.
        body: str = self.cleaned_data["body"].replace("\r\n", "\n")
        try:
            rendering.compile_body(body)
        except TemplateError as error:
            raise ValidationError(str(error)) from error
        return body


class AbstractSMSTemplateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The pages of a template model; a host registers its own model with it, or with a class that extends it."""

    form = SMSTemplateForm
    list_display: Any = ["slug", "first_line", "changed_at"]
    search_fields = ["slug", "body"]
    ordering = ["slug"]
    list_per_page = 100
    show_full_result_count = False

    @admin.display(description=_("text"))
    def first_line(self, template: AbstractSMSTemplate) -> str:
        return first_line(template.body)


@admin.register(SMSTemplate)
class SMSTemplateAdmin(AbstractSMSTemplateAdmin):
    """The templates of a site without a model of its own; Django leaves it out where the model is swapped."""

    fields = ["slug", "body"]
