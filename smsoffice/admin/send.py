"""The send page: one message to one number, from a template or in one's own words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from smsoffice import phone
from smsoffice.backend.sms import get_template_model, send, send_template
from smsoffice.exceptions import (
    InvalidContent,
    InvalidOption,
    InvalidRecipient,
    MissingVariables,
    SMSError,
    TemplateError,
    TemplateNotFound,
    UnsafeData,
)
from smsoffice.models.accept import clean_options, draft
from smsoffice.models.sms import PRIORITY_SINGLE, AbstractSMSTemplate, OutputSMSMessage

if TYPE_CHECKING:
    from smsoffice.admin.messages import OutputSMSMessageAdmin

EXAMPLE = '{"customer_name": "Jana"}'


class SendForm(forms.Form):
    """What is sent to whom. The token is drawn with the page, so that one page sends at most one message."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    recipient = forms.CharField(
        label=_("Recipient"),
        max_length=100,
        widget=AdminTextInputWidget,
        help_text=_("A phone number in any spelling."),
    )
    template: forms.ModelChoiceField[AbstractSMSTemplate] = forms.ModelChoiceField(
        label=_("Template"), queryset=None, to_field_name="slug", required=False, empty_label=_("None: own text")
    )
    variables = forms.CharField(
        label=_("Variables"),
        required=False,
        widget=AdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=format_lazy(_("The values of the template's variables as JSON, e.g. {example}"), example=EXAMPLE),
    )
    text = forms.CharField(
        label=_("Own text"), required=False, widget=AdminTextareaWidget(attrs={"rows": 6}), strip=False
    )
    tag = forms.CharField(
        label=_("Tag"),
        max_length=100,
        required=False,
        widget=AdminTextInputWidget,
        help_text=_("Marks the message, so that it is found again in the log."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        templates = cast("forms.ModelChoiceField[AbstractSMSTemplate]", self.fields["template"])
        templates.queryset = get_template_model()._default_manager.order_by("slug")

    def clean_variables(self) -> dict[str, Any]:
        typed: str = self.cleaned_data["variables"]
        if not typed.strip():
            return {}
        try:
            values = json.loads(typed)
        except json.JSONDecodeError as error:
            place = {"line": error.lineno, "column": error.colno, "example": EXAMPLE}
            raise ValidationError(
                _("Line %(line)d, column %(column)d: this is not JSON. Write it like %(example)s") % place
            ) from None
        except (ValueError, RecursionError):
            raise ValidationError(_("This JSON is larger than any template needs. Make it smaller.")) from None
        if not isinstance(values, dict):
            raise ValidationError(_("Write names with their values, like %(example)s") % {"example": EXAMPLE})
        return values

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if "{{" in text or "{%" in text:
            raise ValidationError(_("Own text has no variables. Use a template."))
        return text

    def clean(self) -> None:
        if {"template", "text", "variables"} & self.errors.keys():
            return
        template, text = self.cleaned_data["template"], self.cleaned_data["text"].strip()
        if template and text:
            self.add_error("text", _("Choose a template or write your own text, not both."))
        elif not template and not text:
            self.add_error("template", _("Choose a template, or write your own text."))
        elif text and self.cleaned_data["variables"]:
            self.add_error("variables", _("Own text has no variables. Use a template."))

    def drafted(self) -> OutputSMSMessage:
        """The message that would be sent; nothing is stored.

        Raises:
            SMSError: it would be refused.
        """
        data = self.cleaned_data
        template: AbstractSMSTemplate | None = data["template"]
        if template and not template.can_send(data["recipient"], data["variables"]):
            raise _refused_by_template()
        content = template.render_body(data["variables"]) if template else data["text"]
        return draft(data["recipient"], content, clean_options(data["tag"], None, None, PRIORITY_SINGLE))

    def send(self) -> OutputSMSMessage:
        """Accept the message, or give back the one that this page has sent before.

        Raises:
            SMSError: it is refused.
        """
        data = self.cleaned_data
        key = f"admin-{data['token']}"
        if data["template"] is None:
            return send(data["recipient"], data["text"], tag=data["tag"], idempotency_key=key)
        slug = data["template"].slug
        sent = send_template(data["recipient"], slug, data["variables"], tag=data["tag"], idempotency_key=key)
        if sent is None:
            raise _refused_by_template()
        return sent

    def add_refusal(self, error: SMSError) -> None:
        """Say why the message is refused, at the field that it is about."""
        field = next((name for kinds, name in FIELDS if isinstance(error, kinds)), None)
        if field == "text" and self.cleaned_data.get("template"):
            field = "template"
        self.add_error(field, str(error))


FIELDS: tuple[tuple[tuple[type[SMSError], ...], str], ...] = (
    ((InvalidRecipient,), "recipient"),
    ((MissingVariables, UnsafeData), "variables"),
    ((TemplateNotFound, TemplateError), "template"),
    ((InvalidContent,), "text"),
    ((InvalidOption,), "tag"),
)
"""Which field an error is about; the first that fits, as MissingVariables is a TemplateError too."""


def _refused_by_template() -> InvalidRecipient:
    return InvalidRecipient(gettext("The template may not be sent to this recipient."))


def send_page(page: OutputSMSMessageAdmin, request: HttpRequest, extra_context: dict[str, Any] | None) -> HttpResponse:
    """Draw the form; on POST check what is typed, and send it unless the button says “Check”."""
    if not page.has_add_permission(request):
        raise PermissionDenied
    drafted = None
    form = SendForm(request.POST) if request.method == "POST" else SendForm(initial={"token": uuid4()})
    if form.is_valid():
        try:
            if "_check" not in request.POST:
                return _sent(page, request, form)
            drafted = form.drafted()
        except SMSError as error:
            form.add_refusal(error)
    return _drawn(page, request, form, drafted, extra_context)


def _sent(page: OutputSMSMessageAdmin, request: HttpRequest, form: SendForm) -> HttpResponse:
    """Send, write who did it, and lead to the message; the second time only lead there."""
    with transaction.atomic():
        message = form.send()
        # The entry is committed with the message, so whoever finds it came later with the same token.
        of_message = {"content_type": ContentType.objects.get_for_model(message), "object_id": str(message.pk)}
        is_new = not LogEntry.objects.filter(**of_message, action_flag=ADDITION).exists()
        if is_new:
            page.log_addition(request, message, [{"added": {}}])
    if is_new:
        words = gettext("The message to %(recipient)s was accepted. Its state: %(state)s.")
        level = messages.ERROR if message.failed else messages.SUCCESS
    else:
        words = gettext("This was sent before, to %(recipient)s, and not a second time. To send more, open a new page.")
        level = messages.WARNING
    told = {"recipient": phone.group_international(message.recipient), "state": message.get_state_display()}
    page.message_user(request, words % told, level)
    if not page.has_view_permission(request, message):
        return HttpResponseRedirect(reverse("admin:index", current_app=page.admin_site.name))
    name = f"admin:{page.opts.app_label}_{page.opts.model_name}_change"
    return HttpResponseRedirect(reverse(name, args=[message.pk], current_app=page.admin_site.name))


def _drawn(
    page: OutputSMSMessageAdmin,
    request: HttpRequest,
    form: SendForm,
    drafted: OutputSMSMessage | None,
    extra_context: dict[str, Any] | None,
) -> HttpResponse:
    fieldsets = [(None, {"fields": ["recipient", "template", "variables", "text", "tag"]})]
    as_admin: Any = form  # Django's helpers take any form, their stubs a ModelForm only
    context = {
        **page.admin_site.each_context(request),
        "title": gettext("Send SMS"),
        "adminform": helpers.AdminForm(as_admin, fieldsets, {}, model_admin=page),
        "media": page.media + form.media,
        "inline_admin_formsets": [],
        "errors": helpers.AdminErrorList(as_admin, []),
        "drafted": drafted,
        "drafted_to": phone.group_international(drafted.recipient) if drafted else "",
        "is_popup": False,
        **(extra_context or {}),
    }
    return page.render_change_form(request, context, add=True)
