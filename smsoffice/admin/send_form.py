"""The form of the send page: what is sent, to whom, and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from smsoffice.admin.send_list import FILE_TYPES, recipients_of
from smsoffice.admin.send_values import variables_of
from smsoffice.admin.when import LATER, NOW, WhenForm, moment_of
from smsoffice.backend.sms import get_template_model
from smsoffice.conf import conf
from smsoffice.exceptions import SMSError
from smsoffice.models.batch import Batch
from smsoffice.models.batch_check import Plan
from smsoffice.models.sms import AbstractSMSTemplate

TEMPLATE, OWN_TEXT = "template", "text"

FIRST = 10
"""After so many rows a bulk send waits, unless another number is typed."""

LONGEST_VALUE = 1000
"""Characters of one value; a text of ten parts has 1,530."""


class Value(NamedTuple):
    """A variable of the chosen template: its name, and where it is typed, unless a column brings it."""

    name: str
    field: forms.BoundField | None


class Fault(NamedTuple):
    """An error: the id of its input, what that is called, and a sentence."""

    id: str
    label: str
    words: str


def _date_field(label: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "aria-label": label})
    return forms.DateField(label=label, required=False, widget=widget)


def _time_field(label: Any) -> forms.TimeField:
    widget = forms.TimeInput(format="%H:%M", attrs={"type": "time", "aria-label": label})
    return forms.TimeField(label=label, required=False, widget=widget)


class SendForm(WhenForm):
    """What an operator typed.

    Args:
        kept: the draft whose uploaded list is still meant, where the page came back from its summary.
    """

    kind = forms.ChoiceField(choices=[(TEMPLATE, _("A template")), (OWN_TEXT, _("Own text"))], required=False)
    template = forms.ChoiceField(
        label=_("Template"),
        required=False,
        error_messages={"invalid_choice": _("This template was switched off or deleted. Choose another one.")},
    )
    own_text = forms.CharField(
        label=_("Text"), required=False, strip=False, widget=AdminTextareaWidget(attrs={"rows": 6})
    )
    recipients = forms.CharField(
        label=_("Recipients"),
        required=False,
        strip=False,
        widget=AdminTextareaWidget(
            attrs={"rows": 9, "class": "so-paste", "wrap": "off", "spellcheck": "false", "autocomplete": "off"}
        ),
    )
    file = forms.FileField(
        label=_("Or a file"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ",".join(FILE_TYPES)}),
        help_text=_("CSV, XLSX or ODS, with the column names on top; up to 100,000 rows."),
    )
    date = _date_field(_("Date"))
    time = _time_field(_("Time"))
    until_date = _date_field(_("Not later than"))
    until_time = _time_field(_("Not later than, time"))
    tag = forms.CharField(
        label=_("Tag"),
        max_length=100,
        required=False,
        widget=AdminTextInputWidget,
        help_text=_("Lets you filter the log for exactly these messages."),
    )
    wait = forms.BooleanField(
        label=_("First some, then wait for me"),
        required=False,
        widget=forms.CheckboxInput(attrs={"aria-label": _("First some, then wait for me")}),
    )
    first = forms.IntegerField(
        label=_("How many first"),
        required=False,
        min_value=1,
        max_value=1_000_000,
        widget=forms.NumberInput(attrs={"aria-label": _("How many first")}),
    )
    failure_limit = forms.IntegerField(label=_("Pause when more fail than"), required=False, min_value=0, max_value=100)

    expires_at: datetime | None = None
    """The latest time, if one was given."""

    plan: Plan | None = None
    """How a row becomes a message, once what is sent is known."""

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, UploadedFile] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        kept: Batch | None = None,
    ) -> None:
        self.templates = list(get_template_model()._default_manager.filter(is_active=True).order_by("slug"))
        kind = TEMPLATE if self.templates else OWN_TEXT
        starting = {"kind": kind, "first": FIRST, "failure_limit": conf.SMS_FAILURE_LIMIT}
        super().__init__(data, files, initial={**starting, **(initial or {})})  # type: ignore[arg-type]
        choice = cast(forms.ChoiceField, self.fields["template"])
        choice.choices = [("", gettext("Choose a template")), *((one.slug, _titled(one)) for one in self.templates)]
        self.kept = kept
        self.list = recipients_of(self["recipients"].value() or "", self.files.get("file"), kept)
        self._add_values()

    @property
    def is_own_text(self) -> bool:
        """Whether no template is used."""
        return bool(self["kind"].value() == OWN_TEXT)

    @property
    def is_later(self) -> bool:
        """Whether it is not sent at once."""
        return bool(self["when"].value() == LATER)

    @property
    def chosen(self) -> AbstractSMSTemplate | None:
        """The template chosen so far."""
        slug = "" if self.is_own_text else self["template"].value()
        return next((one for one in self.templates if one.slug == slug), None)

    @property
    def text(self) -> str:
        """One's own text as a phone knows it: line feeds, and nothing unseen at the end that would be paid for."""
        typed = str(self["own_text"].value() or "") if self.is_own_text else ""
        return typed.replace("\r\n", "\n").rstrip()

    @property
    def values(self) -> list[Value]:
        """The variables of the chosen template."""
        return [Value(name, self[key] if key in self.fields else None) for name, key in self._keys.items()]

    @property
    def typed_values(self) -> dict[str, str]:
        """What was typed for the variables, by their names."""
        typed = {name: str(self[key].value() or "").strip() for name, key in self._keys.items() if key in self.fields}
        return {name: value for name, value in typed.items() if value}

    @property
    def first_rows(self) -> int | None:
        """After how many rows it is to wait."""
        return cast("int | None", self.cleaned_data["first"]) if self.cleaned_data["wait"] else None

    @property
    def faults(self) -> list[Fault]:
        """What is refused, in the order of the page."""
        found = [(name, self.errors[name]) for name in self.fields if name in self.errors]
        named = [(self[name], str(words)) for name, said in found for words in said]
        return [Fault(field.id_for_label, str(field.label), words) for field, words in named]

    def _add_values(self) -> None:
        self._keys: dict[str, str] = {}
        template = self.chosen
        for name, hint in variables_of(template) if template else ():
            self._keys[name] = key = f"v-{name}"
            if name not in self.list.columns:
                self.fields[key] = forms.CharField(
                    label=name, required=False, max_length=LONGEST_VALUE, widget=AdminTextInputWidget, help_text=hint
                )

    def clean(self) -> dict[str, Any]:
        self._clean_what()
        self._clean_list()
        self._clean_when()
        self._clean_until()
        if not self.cleaned_data["wait"]:
            self.errors.pop("first", None)
        elif "first" not in self.errors and not self.cleaned_data["first"]:
            self.add_error("first", _("Give a number, or do not wait."))
        return self.cleaned_data

    def _clean_what(self) -> None:
        if self.is_own_text:
            # What is chosen there does not matter.
            self.errors.pop("template", None)
            if not self.text.strip():
                self.add_error("own_text", _("Write the text, or choose a template."))
        elif not self.chosen and "template" not in self.errors:
            self.add_error("template", _("Choose a template, or write your own text."))
        if {"own_text", "template"} & self.errors.keys():
            return
        try:
            self.plan = Plan.make(
                self.chosen,
                self.text,
                self.typed_values,
                self.list.columns or [""],
                number_column=self.list.number_column,
            )
        except SMSError as error:
            self.add_error("own_text" if self.is_own_text else "template", str(error))

    def _clean_list(self) -> None:
        if self.list.is_empty:
            self.add_error("recipients", _("Paste the numbers, or choose a file."))
        elif self.list.error:
            self.add_error(self.list.field, self.list.error)
        else:
            self._refuse_missing_values()

    def _refuse_missing_values(self) -> None:
        for name in self.plan.missing if self.plan else ():
            key = self._keys.get(name, "")
            # A field that the page did not have yet is no mistake.
            was_there = key in self.data or "_continue" in self.data
            if key in self.fields and key not in self.errors and was_there:
                self.add_error(key, _("Give a value: no column brings it."))

    def _clean_when(self) -> None:
        if not self.is_later or {"date", "time"} & self.errors.keys():
            return
        when = WhenForm(self.data)
        if when.is_valid():
            self.send_after = when.send_after
        for error in when.non_field_errors():
            self.add_error("date", error)

    def _clean_until(self) -> None:
        if {"until_date", "until_time"} & self.errors.keys():
            return
        day, at = self.cleaned_data["until_date"], self.cleaned_data["until_time"]
        if not day and not at:
            return
        if not day or not at:
            self.add_error("until_date", _("Give the date and the time, or neither."))
            return
        try:
            self.expires_at = moment_of(day, at)
        except ValidationError as error:
            self.add_error("until_date", error)
            return
        if self.expires_at <= timezone.now():
            self.add_error("until_date", _("This time has passed. Choose a later one, or none."))
        elif self.send_after and self.expires_at <= self.send_after:
            self.add_error("until_date", _("It must be later than the time of sending."))


def as_typed(batch: Batch, pasted: str) -> dict[str, Any]:
    """A draft as it stood in the form.

    Args:
        pasted: its list, as it can be pasted again.
    """
    typed: dict[str, Any] = {
        "kind": TEMPLATE if batch.template_slug else OWN_TEXT,
        "template": batch.template_slug,
        "own_text": "" if batch.template_slug else batch.body,
        "recipients": pasted,
        "when": LATER if batch.send_after else NOW,
        "tag": batch.tag,
        "wait": batch.first is not None,
        "first": batch.first or FIRST,
        "failure_limit": batch.failure_limit,
        **{f"v-{name}": value for name, value in batch.values.items()},
    }
    for names, moment in ((("date", "time"), batch.send_after), (("until_date", "until_time"), batch.expires_at)):
        if moment:
            local = timezone.localtime(moment)
            typed |= dict(zip(names, (local.date(), local.time()), strict=True))
    return typed


def _titled(template: AbstractSMSTemplate) -> str:
    return f"{template.slug}: {template.description}" if template.description else template.slug
