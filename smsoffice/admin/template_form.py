"""What an operator types into the template editor: how it is read, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django_jsonform.widgets import JSONFormWidget

from smsoffice import rendering
from smsoffice.admin.template_guard import Guard, guard_of
from smsoffice.exceptions import TemplateError
from smsoffice.models.declared import MAX_VARIABLES, clean_declared

if TYPE_CHECKING:
    from smsoffice.models.sms import AbstractSMSTemplate

TRIALS = frozenset({"_preview", "_send_test", "_back"})
"""The buttons after which nothing is saved and the page comes back with what was typed."""


class BodyField(forms.CharField):
    """A body as the phone knows it: line feeds, and nothing unseen at the end that would be paid for."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "strip": False})

    def to_python(self, value: Any) -> str:
        return as_sent(super().to_python(value) or "")


def as_sent(body: str) -> str:
    """A body out of a browser's text area, which sends CRLF; kept so, each save would look like a change."""
    return body.replace("\r\n", "\n").rstrip()


class VariablesWidget(JSONFormWidget):  # type: ignore[misc]  # django-jsonform has no types
    """django-jsonform's editor of a list, one line a variable; without script a text area with the JSON itself."""

    template_name = "django_jsonform/smsoffice.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(schema=schema, attrs=attrs)

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> str:
        # What is no list would stop the editor's script, so that the text area would stay empty.
        return str(super().render(name, json.dumps(typed_variables(value), ensure_ascii=False), attrs, renderer))


class VariablesField(forms.JSONField):
    """JSON, and an error in words for what is nested deeper than Python reads."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError:
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": ""}) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return []


def schema() -> dict[str, Any]:
    """What one variable has, in the reader's language."""
    columns = {"name": _("Name"), "example": _("Example"), "longest": _("Longest"), "note": _("What it is")}
    keys = {key: {"type": "string", "title": str(title)} for key, title in columns.items()}
    return {"type": "array", "items": {"type": "object", "keys": keys}, "maxItems": MAX_VARIABLES}


def typed_variables(value: Any) -> list[Any]:
    """The list of variables in what was typed or stored; empty where it is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return value if isinstance(value, list) else []


class SMSTemplateForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """A template is saved only if its body can be read, nobody was faster, and no caller would be cut off unasked."""

    guard: Guard | None = None
    overtaken_by: AbstractSMSTemplate | None = None

    @property
    def is_trial(self) -> bool:
        """Whether the page was sent to be looked at, and nothing is to be saved."""
        return not TRIALS.isdisjoint(self.data)

    def clean_body(self) -> str:
        body: str = self.cleaned_data["body"]
        try:
            rendering.compile_body(body)
        except TemplateError as error:
            raise ValidationError(str(error)) from error
        return body

    def clean_variables(self) -> list[dict[str, Any]]:
        return clean_declared(self.cleaned_data["variables"] or [])

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's own hook, which the stubs leave out
        if self.is_trial:
            self.add_error(None, ValidationError("", code="trial"))
        elif not self.errors and not self.instance._state.adding:
            self._compare_with_stored()

    def _compare_with_stored(self) -> None:
        # Locked until it is saved: two who press Save at once come here one after the other.
        with transaction.atomic():
            rows = type(self.instance)._default_manager.select_for_update()
            stored = rows.filter(pk=self.instance.pk).first()
        if stored is None:
            return
        if self.data.get("based_on") not in (None, "", str(stored.version)):
            self.overtaken_by = stored
            self.add_error(None, ValidationError("", code="overtaken"))
            return
        if self.data.get("guard") == "off":
            self.instance.is_active = False
        if self.data.get("guard") not in ("callers", "off"):
            self.guard = guard_of(stored, self.instance)
        if self.guard:
            self.add_error(None, ValidationError("", code="guard"))
