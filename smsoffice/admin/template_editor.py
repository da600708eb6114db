"""The template editor: the stock add and change page, with the phone beside the text."""

from __future__ import annotations

import copy
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Field, Model
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from smsoffice.admin.template_form import (
    TRIALS,
    BodyField,
    SMSTemplateForm,
    VariablesField,
    VariablesWidget,
    as_sent,
    typed_variables,
)
from smsoffice.admin.template_guard import use_told_by
from smsoffice.admin.template_history import difference, latest_change, restored
from smsoffice.admin.template_off import go_on, pause_now
from smsoffice.admin.template_preview import EXAMPLE, Panel, PreviewPages
from smsoffice.admin.template_trial import SEND, remembered_number, send_trial
from smsoffice.models.sms import AbstractSMSTemplate, OutputSMSMessage

OURS = ("slug", "description", "body", "variables", "is_active")
"""The fields that have their place on the page; a host's own follow in the stock manner."""

TEMPLATES = "admin/smsoffice/smstemplate"


class EditorPages(PreviewPages):
    """The add page and the change page."""

    form = SMSTemplateForm
    change_form_template = f"{TEMPLATES}/change_form.html"

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if db_field.name == "body":
            described = "id_body_helptext so-problems"
            attrs = {"rows": 6, "class": "so-code", "spellcheck": "true", "aria-describedby": described}
            kwargs |= {"form_class": BodyField, "widget": forms.Textarea(attrs)}
        elif db_field.name == "variables":
            kwargs |= {"form_class": VariablesField, "widget": VariablesWidget()}
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        is_used = isinstance(obj, AbstractSMSTemplate) and use_told_by(obj).last is not None
        return [*fields, "slug"] if is_used and "slug" not in fields else fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        source = request.GET.get("copy")
        if not source:
            return super().get_changeform_initial_data(request)
        copied = self.get_object(request, source)
        if copied is None or not self.has_view_permission(request, copied):
            raise PermissionDenied
        return {**model_to_dict(copied), "slug": self._free_slug(copied.slug)}

    def _free_slug(self, slug: str) -> str:
        longest = self.model._meta.get_field("slug").max_length or 100
        stem = f"{slug[: longest - 9]}-copy"
        taken = set(self.model._default_manager.filter(slug__startswith=stem).values_list("slug", flat=True))
        names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
        return next(name for name in names if name not in taken)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        obj = super().get_object(request, object_id, from_field)
        version = request.GET.get("version", "")
        if obj is not None and request.method == "GET" and version.isdecimal():
            # Brought back into the form only: nothing is saved by a GET.
            obj.brought_back = restored(obj, int(version))
        return obj

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj._history_user = request.user
        obj.was_switched_off = change and form.initial.get("is_active") and not obj.is_active
        super().save_model(request, obj, form, change)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        response = super().response_change(request, obj)
        if obj.was_switched_off:
            if pausing := pause_now(self, request, [obj]):
                self.message_user(request, pausing.in_one_line, messages.WARNING)
            if going_on := go_on(self, request, [obj]):
                self.message_user(request, going_on.in_one_line, messages.INFO)
        return response

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        is_test = request.method == "POST" and "_send_test" in request.POST
        if is_test and not request.user.has_perm(SEND):
            raise PermissionDenied
        if object_id and request.method == "POST" and not TRIALS.isdisjoint(request.POST):
            obj = self.get_object(request, unquote(object_id))
            if obj is not None and not self.has_change_permission(request, obj):
                return self._trial_of_stored(request, obj, is_test)
        response = super().changeform_view(request, object_id, form_url, extra_context)
        if is_test and isinstance(response, TemplateResponse):
            send_trial(self, request, response.context_data["panel"].shown)  # type: ignore[index]
            response.context_data["test"]["number"] = remembered_number(request)  # type: ignore[index]
        return response

    def _trial_of_stored(self, request: HttpRequest, obj: AbstractSMSTemplate, is_test: bool) -> HttpResponse:
        """The two buttons of somebody who may look and not change: there is nothing typed that could be lost."""
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        panel = Panel(obj, request.POST.get("preview_values", EXAMPLE))
        if is_test:
            send_trial(self, request, panel.shown)
        return HttpResponseRedirect(f"{request.path}?{urlencode({'preview_values': panel.values})}#so-preview-title")

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        form = context["adminform"].form
        if getattr(form, "guard", None):
            return self._ask(request, context, form)
        typed = drafted(form)
        values = request.POST.get("preview_values", request.GET.get("preview_values", EXAMPLE))
        panel = Panel(typed, values, request.POST.get("last_text", ""))
        overtaken_by = getattr(form, "overtaken_by", None)
        if overtaken_by or getattr(form, "is_trial", False):
            form._errors = forms.utils.ErrorDict()
            context["errors"] = []
        context |= {
            **self.panel_context(request, panel),
            "more": self._fieldsets_of_a_host(request, context["adminform"], obj),
            "original": obj,
            "typed": typed,
            "preview_url": self._url("preview"),
            "changed": request.method == "POST",
        }
        if obj is not None:
            context |= self._of_stored(request, obj)
        if overtaken_by:
            context["overtaken"] = {
                "by": latest_change(overtaken_by),
                "template": overtaken_by,
                "difference": difference(overtaken_by.body, typed.body),
            }
            context["based_on"] = overtaken_by.version
        # What a save leads back to is the saved text, and no more the version that was brought back.
        form_url = form_url or (request.path if "version" in request.GET else "")
        return super().render_change_form(request, context, add, change, form_url, obj)

    def panel_context(self, request: HttpRequest, panel: Panel) -> dict[str, Any]:
        may_send = request.user.has_perm(SEND)
        test = {"number": remembered_number(request), "token": uuid4()} if may_send else None
        return {**super().panel_context(request, panel), "test": test}

    def _of_stored(self, request: HttpRequest, obj: AbstractSMSTemplate) -> dict[str, Any]:
        log = self._log_of(obj.slug) if request.user.has_perm("smsoffice.view_outputsmsmessage") else ""
        brought_back = getattr(obj, "brought_back", None)
        return {
            "title": obj.slug,
            "subtitle": None,
            "use": use_told_by(obj),
            "based_on": request.POST.get("based_on") or obj.version,
            "versions": obj.history.count(),
            "history_url": self._url("history", obj.pk),
            "copy_url": f"{self._url('add')}?{urlencode({'copy': obj.pk})}",
            "messages_url": log,
            "brought_back": brought_back,
        }

    def _log_of(self, slug: str) -> str:
        opts = OutputSMSMessage._meta
        try:
            url = reverse(f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_changelist")
        except NoReverseMatch:  # A host's site may do without the log.
            return ""
        return f"{url}?{urlencode({'template': slug})}"

    def _url(self, page: str, *args: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    def _fieldsets_of_a_host(self, request: HttpRequest, adminform: helpers.AdminForm, obj: Any) -> list[Any]:
        rest: list[Any] = []
        for title, options in adminform.fieldsets:
            one: Any = [(title, options)]
            fields = [name for name in flatten_fieldsets(one) if name not in OURS]
            if fields:
                rest.append((title, {**options, "fields": fields}))
        readonly = adminform.readonly_fields
        return list(helpers.AdminForm(adminform.form, rest, {}, readonly, model_admin=self)) if rest else []

    def _ask(self, request: HttpRequest, context: dict[str, Any], form: SMSTemplateForm) -> HttpResponse:
        """The page before a risky save; the posted form travels in it, and nothing is stored yet."""
        travelling = [(name, value) for name, values in request.POST.lists() for value in values]
        kept = [(name, value) for name, value in travelling if name not in ("csrfmiddlewaretoken", "guard")]
        slug = form.guard.stored.slug if form.guard else ""
        context |= {"guard": form.guard, "travelling": kept, "opts": self.opts, "slug": slug}
        return TemplateResponse(request, f"{TEMPLATES}/guard.html", context)


def drafted(form: Any) -> AbstractSMSTemplate:
    """The template as it is typed, whether or not the form may be saved; nothing is stored."""
    draft: AbstractSMSTemplate = copy.copy(form.instance)
    if form.is_bound and "body" in form.fields:
        draft.body = as_sent(form["body"].value() or "")
        draft.variables = typed_variables(form["variables"].value()) if "variables" in form.fields else draft.variables
    elif not form.is_bound and form.initial and "body" in form.fields:
        draft.body = form.initial.get("body", draft.body)
        draft.variables = form.initial.get("variables", draft.variables)
    return draft
