"""What moves between sites: the templates, by their slugs, as django-import-export reads and writes them."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import BooleanWidget, CharWidget, Widget

from smsoffice import rendering
from smsoffice.exceptions import SMSError, TemplateError
from smsoffice.models.common import storable
from smsoffice.models.declared import clean_declared
from smsoffice.models.sms import AbstractSMSTemplate

FIELDS = ("slug", "description", "body", "variables", "is_active")

YES = frozenset({"1", "true", "yes", "on", "ano", "pravda"})
NO = frozenset({"0", "false", "no", "off", "ne", "nepravda"})
"""How people and the spreadsheets of this house's languages write a truth."""


class YesNoWidget(BooleanWidget):  # type: ignore[misc]  # import-export has no types
    """A truth that is not guessed: what is neither yes nor no is refused."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        word = str(value).strip().lower()
        if word not in YES | NO:
            raise ValueError(_("“%(word)s” is neither yes nor no. Write 1 or 0.") % {"word": str(value)[:50]})
        return word in YES


class TextWidget(CharWidget):  # type: ignore[misc]
    """A text that a database can hold, with plain line feeds."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = str(super().clean(value, row, **kwargs)).replace("\r\n", "\n").replace("\r", "\n")
        if storable(text) != text:
            raise ValueError(_("It has characters that cannot be stored: NUL or half a letter. Leave them out."))
        return text


class SlugWidget(TextWidget):
    """A slug, without what a spreadsheet may leave around it."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return super().clean(value, row, **kwargs).strip()


class VariablesWidget(Widget):  # type: ignore[misc]
    """The declared variables: a list where the file can hold one, else as JSON in a cell."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        try:
            rows = json.loads(value) if isinstance(value, str) and value.strip() else value or []
        except (ValueError, RecursionError):
            example = '[{"name": "code", "example": "447153"}]'
            raise ValueError(_("This is no JSON. Write it like %(example)s") % {"example": example}) from None
        try:
            return clean_declared(rows)
        except ValidationError as error:
            raise ValueError(" ".join(error.messages)) from error

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return value if kwargs.get("force_native_type") else json.dumps(value, ensure_ascii=False)


class TemplateResource(ModelResource):  # type: ignore[misc]
    """Templates as rows: the slug says which; a row that changes nothing is left alone, one that does is a version."""

    slug = Field("slug", "slug", SlugWidget())
    description = Field("description", "description", TextWidget())
    body = Field("body", "body", TextWidget())
    variables = Field("variables", "variables", VariablesWidget())
    is_active = Field("is_active", "is_active", YesNoWidget())

    class Meta:
        fields = FIELDS
        import_order = FIELDS
        export_order = FIELDS
        import_id_fields = ("slug",)
        skip_unchanged = True
        report_skipped = True
        clean_model_instances = True
        # Its differences are drawn with inline styles; the page draws them itself.
        skip_html_diff = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._rows_of_slugs: dict[str, int] = {}

    def get_queryset(self) -> QuerySet[Any]:
        # Locked until the import ends: nobody's edit slips in between the reading and the writing.
        rows: QuerySet[Any] = super().get_queryset()
        return rows.select_for_update()

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        """Refuse a file that has no slugs, or something that no template has.

        Raises:
            SMSError: with the names of the columns.
        """
        self._rows_of_slugs.clear()
        headers = dataset.headers or []
        told = {"columns": ", ".join(FIELDS)}
        if "slug" not in headers:
            raise SMSError(_("There is no column “slug”. The first row names the columns: %(columns)s.") % told)
        strange = [name for name in headers if name not in FIELDS]
        if strange:
            words = _("No template has “%(name)s”. The columns are: %(columns)s.")
            raise SMSError(words % {**told, "name": str(strange[0])[:50]})

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        """Refuse a slug that stood in the file before.

        Raises:
            ValidationError: with the row.
        """
        slug, lines = self.fields["slug"].clean(row), kwargs.get("lines")
        number = kwargs["row_number"]
        line = lines[number - 1] if lines else number
        first = self._rows_of_slugs.setdefault(slug, line)
        if first != line:
            words = _("“%(slug)s” stands in row %(row)d already.")
            raise ValidationError({"slug": words % {"slug": slug, "row": first}})

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """Whether the row says what is stored already, be it in another spelling or no longer fit to be written."""
        for name in ("description", "body", "variables"):
            if name not in (import_validation_errors or {}) and _read(self.fields[name], original) == getattr(
                instance, name
            ):
                setattr(instance, name, getattr(original, name))
        return bool(super().skip_row(instance, original, row, import_validation_errors))

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Refuse what the editor would refuse.

        Raises:
            ValidationError: with what is wrong, by the field.
        """
        errors = dict(import_validation_errors or {})
        try:
            rendering.compile_body(instance.body)
        except TemplateError as error:
            errors.setdefault("body", ValidationError(str(error)))
        super().validate_instance(instance, errors, validate_unique)

    def before_save_instance(self, instance: AbstractSMSTemplate, row: Any, **kwargs: Any) -> None:
        instance._history_user = kwargs.get("user")  # type: ignore[attr-defined]


def _read(field: Field, instance: Any) -> Any:
    """What an import would make of a stored value; None where it would refuse it."""
    try:
        return field.widget.clean(field.get_value(instance))
    except ValueError:
        return None


def resource_of(model: type[Model]) -> type[TemplateResource]:
    """The resource of a template model, the house's own or a host's."""
    return type("TemplateResource", (TemplateResource,), {"Meta": type("Meta", (), {"model": model})})
