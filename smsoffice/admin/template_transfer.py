"""Templates move between sites: exported as a file, imported after a look at what each row would change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tablib
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from import_export.admin import ImportExportMixin
from import_export.forms import ExportForm
from import_export.results import Result, RowResult

from smsoffice.admin.message_actions import log_of_many
from smsoffice.admin.template_files import FILES, MAX_BYTES, kind_of
from smsoffice.admin.template_guard import Guard, guard_of
from smsoffice.admin.template_history import Piece, difference
from smsoffice.exceptions import SMSError
from smsoffice.resources import FIELDS, TemplateResource, resource_of

SALT = "smsoffice.template_import"

MAX_SEALED = 2_000_000
"""Characters of the hidden field in which the rows travel; Django takes forms of 2.5 MB."""

TEMPLATES = "admin/smsoffice/smstemplate"


class FileForm(forms.Form):
    """A file with templates, read when it is cleaned."""

    import_file = forms.FileField(
        label=gettext_lazy("File"), error_messages={"required": gettext_lazy("Choose a file.")}
    )

    def clean_import_file(self) -> tablib.Dataset:
        uploaded = self.cleaned_data["import_file"]
        if uploaded.size > MAX_BYTES:
            words = _("The file has more than %(most)d MB. Divide it, or leave out what is no template.")
            raise ValidationError(words % {"most": MAX_BYTES // 1_000_000})
        content = uploaded.read()
        try:
            return FILES[kind_of(content[:1024])]().create_dataset(content)
        except SMSError as error:
            raise ValidationError(str(error)) from error


@dataclass(frozen=True)
class Change:
    """What a row would do to a template, for the page."""

    line: int
    row: RowResult

    @property
    def slug(self) -> str:
        return str(self.row.instance.slug)

    @property
    def fields(self) -> Iterator[tuple[str, list[Piece]]]:
        """The fields that change, each with its difference."""
        for name in FIELDS[1:]:
            old, new = (_shown(getattr(one, name)) if one else "" for one in (self.row.original, self.row.instance))
            if old != new:
                yield capfirst(str(self.row.instance._meta.get_field(name).verbose_name)), difference(old, new)

    @property
    def guard(self) -> Guard | None:
        """What callers of the template may lose by it."""
        return guard_of(self.row.original, self.row.instance) if self.row.original else None


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value if isinstance(value, str) else "\n".join(json.dumps(one, ensure_ascii=False) for one in value)


class TemplateTransfer(ImportExportMixin, admin.ModelAdmin):  # type: ignore[misc, type-arg]  # they have no types
    """The pages “Import” and “Export” of the templates. A file is taken as a whole or not at all."""

    import_template_name = f"{TEMPLATES}/import.html"
    export_template_name = f"{TEMPLATES}/export.html"
    export_form_class = ExportForm
    formats = FILES

    def get_resource_classes(self, request: HttpRequest) -> list[type[TemplateResource]]:
        return [resource_of(self.model)]

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whether the user may write templates, new ones and old."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whether the user may read templates."""
        return self.has_view_permission(request)

    # --- Export ------------------------------------------------------------------------------------------------------

    def export_action(self, request: HttpRequest) -> HttpResponse:
        """Ask for the kind of file; on POST give the file of what the list shows."""
        try:
            response: HttpResponse = super().export_action(request)
        except IncorrectLookupParameters:
            words = _("The filter in the address makes no sense. Nothing was exported: choose the filter again.")
            self.message_user(request, words, messages.ERROR)
            return self._to("changelist")
        except SMSError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return response

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: QuerySet[Any], **kwargs: Any) -> bytes:
        kwargs["force_native_type"] = file_format.keeps_types
        data = self.get_data_for_export(request, queryset, **kwargs)
        content: bytes = file_format.export_data(data)
        count = len(data)
        words = ngettext("Exported %(count)d template.", "Exported %(count)d templates.", count)
        log_of_many(request, self.model, words % {"count": count})
        return content

    def init_request_context_data(self, request: HttpRequest, form: forms.Form) -> dict[str, Any]:
        context: dict[str, Any] = super().init_request_context_data(request, form)
        kinds = [(place, kind.title) for place, kind in enumerate(FILES)]
        return {**context, "title": _("Export templates"), "columns": FIELDS, "kinds": kinds}

    # --- Import ------------------------------------------------------------------------------------------------------

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Ask for a file; on POST show what it would change. Nothing is stored."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
        if not form.is_valid():
            return self._drawn(request, form=form)
        return self._look(request, form.cleaned_data["import_file"], form)

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Store what was shown, all of it or nothing; what has changed since is shown anew."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            user, shown, headers, rows, lines = signing.loads(request.POST.get("sealed", ""), salt=SALT)
        except signing.BadSignature:
            user, shown, headers, rows, lines = "", "", [], [], []
        if user != str(request.user.pk):
            self.message_user(request, _("Nothing was imported: choose the file again."), messages.ERROR)
            return self._to("import")
        dataset = _dataset(headers, rows, lines)
        with transaction.atomic():
            result = self._imported(request, dataset, dry_run=False)
            is_as_shown = _is_good(result) and _fingerprint(result) == shown
            if is_as_shown:
                self._write_down(request, result)
            else:
                transaction.set_rollback(True)
        if not is_as_shown:
            words = _("Nothing was imported yet: templates have changed since this was shown. Look at it again.")
            if _is_good(result) and all(row.import_type == RowResult.IMPORT_TYPE_SKIP for row in result.rows):
                # A double click, Back, or a reload.
                words = _("This was imported before, and not a second time.")
            self.message_user(request, words, messages.WARNING)
            return self._look(request, dataset, FileForm())
        new, changed = (result.totals[kind] for kind in (RowResult.IMPORT_TYPE_NEW, RowResult.IMPORT_TYPE_UPDATE))
        words = _("Imported: %(new)d new, %(changed)d changed. All others were as in the file.")
        self.message_user(request, words % {"new": new, "changed": changed}, messages.SUCCESS)
        return self._to("changelist")

    def _imported(self, request: HttpRequest, dataset: tablib.Dataset, *, dry_run: bool) -> Result:
        return resource_of(self.model)().import_data(
            dataset,
            dry_run=dry_run,
            use_transactions=True,
            rollback_on_validation_errors=True,
            retain_instance_in_row_result=True,
            user=request.user,
            lines=dataset.lines,
        )

    def _look(self, request: HttpRequest, dataset: tablib.Dataset, form: FileForm) -> HttpResponse:
        result = self._imported(request, dataset, dry_run=True)
        if not _is_good(result):
            return self._drawn(
                request, form=form, problems=sorted(_problems(result, dataset.lines), key=lambda one: one[0] or 0)
            )
        told = [str(request.user.pk), _fingerprint(result), dataset.headers, [*map(list, dataset)], dataset.lines]
        sealed = signing.dumps(told, salt=SALT, compress=True)
        if len(sealed) > MAX_SEALED:
            words = _("There is more text in the file than can be imported at once. Divide it.")
            return self._drawn(request, form=form, problems=[(None, "", words)])
        pairs = zip(dataset.lines, result.rows, strict=True)
        changes = [Change(line, row) for line, row in pairs if row.import_type != RowResult.IMPORT_TYPE_SKIP]
        unchanged = len(result.rows) - len(changes)
        return self._drawn(request, form=form, changes=changes, unchanged=unchanged, sealed=sealed, looked=True)

    def _drawn(self, request: HttpRequest, **shown: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import templates"),
            "opts": self.opts,
            "columns": FIELDS,
            **shown,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.import_template_name, context)

    def _write_down(self, request: HttpRequest, result: Result) -> None:
        for row in result.rows:
            if row.import_type == RowResult.IMPORT_TYPE_NEW:
                self.log_addition(request, row.instance, [{"added": {}}])
            elif row.import_type == RowResult.IMPORT_TYPE_UPDATE:
                names = [label for label, _pieces in Change(0, row).fields]
                self.log_change(request, row.instance, [{"changed": {"fields": names}}])

    def _to(self, page: str) -> HttpResponseRedirect:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return HttpResponseRedirect(reverse(name, current_app=self.admin_site.name))


def _dataset(headers: list[str], rows: list[list[Any]], lines: list[int]) -> tablib.Dataset:
    dataset = tablib.Dataset(*rows, headers=headers)
    dataset.lines = lines
    return dataset


def _is_good(result: Result) -> bool:
    return not (result.has_errors() or result.has_validation_errors())


def _problems(result: Result, lines: list[int]) -> list[tuple[int | None, str, str]]:
    """What is wrong: with the file as a whole, or row by row; the row, the column, and why."""
    if result.base_errors:
        return [(None, "", str(one.error)) for one in result.base_errors]
    found = [
        (row.number, name if name in FIELDS else "", str(reason))
        for row in result.invalid_rows
        for name, reasons in row.error_dict.items()
        for reason in reasons
    ]
    # What nobody foresaw: a rule of the host's own model.
    found += [(row.number, "", str(one.error)) for row in result.error_rows for one in row.errors]
    return [(lines[number - 1], column, reason) for number, column, reason in sorted(found)]


def _fingerprint(result: Result) -> str:
    """What tells one look from another: which templates it would write, and over which of their versions."""
    told = [[row.import_type, row.instance.slug, row.original.version if row.original else 0] for row in result.rows]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
