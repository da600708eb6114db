"""The templates that messages are written from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from smsoffice import rendering
from smsoffice.models.common import Timestamped

if TYPE_CHECKING:
    from smsoffice.models.sms import OutputSMSMessage


class AbstractSMSTemplate(Timestamped):
    """A text with variables that messages are written from.

    A host with needs of its own extends it and names its model in PYMESS_SMS_TEMPLATE_MODEL.
    """

    slug = models.SlugField(_("slug"), max_length=100, unique=True, help_text=_("By this name the code sends it."))
    description = models.CharField(_("description"), max_length=200, blank=True)
    body = models.TextField(_("text"), help_text=_("Variables are written as {{ name }}."))
    # A list of {"name", "example", "longest", "note"}: what the callers hand over, as far as an operator declared it.
    variables = models.JSONField(_("variables"), default=list, blank=True, encoder=DjangoJSONEncoder)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("When off, a call to this template sends nothing and says so.")
    )
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)

    history = HistoricalRecords(inherit=True, excluded_fields=["created_at", "changed_at"])

    NOT_VERSIONED = frozenset({"created_at", "changed_at", "version"})
    """Columns that may differ between two rows of one version."""

    class Meta:
        abstract = True
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

    def save(
        self,
        *,
        force_insert: bool | tuple[models.base.ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Save as any model, but each save that changes something is the next version, and no other is written.

        `QuerySet.update` and `bulk_update` pass by this: what they change has no version and no history.
        """
        kept = None if update_fields is None else {*update_fields, "version", "changed_at"}
        with transaction.atomic(using=using):
            before = None if self._state.adding else self._locked(using)
            if before and not force_insert:
                if not self.differs_from(before, kept):
                    return
                self.version = before.version + 1
            super().save(force_insert=force_insert, force_update=force_update, using=using, update_fields=kept)

    def _locked(self, using: str | None) -> AbstractSMSTemplate | None:
        rows = type(self)._base_manager.using(using or self._state.db)
        return rows.select_for_update().filter(pk=self.pk).first()

    def differs_from(self, other: AbstractSMSTemplate, fields: Iterable[str] | None = None) -> bool:
        """Whether another row would be another version: it has other values, in `fields` or anywhere."""
        names = {field.attname for field in self._meta.concrete_fields} - self.NOT_VERSIONED - {self._meta.pk.attname}
        names = names if fields is None else names.intersection(fields)
        return any(getattr(self, name) != getattr(other, name) for name in names)

    def get_body(self) -> str:
        """The text to render; override it to change the text before that."""
        return self.body

    def render_body(self, context_data: Mapping[str, Any]) -> str:
        """The text with the data filled in, as plain text.

        Raises:
            TemplateError: the text cannot be rendered; MissingVariables names what the data lacks.
            UnsafeData: the data is not plain.
        """
        return rendering.render(self.get_body(), context_data)

    def can_send(self, recipient: str, context_data: Mapping[str, Any]) -> bool:
        """Whether this template may be sent to `recipient`; override it to refuse."""
        return True

    def send(
        self,
        recipient: str,
        context_data: Mapping[str, Any],
        related_objects: Iterable[models.Model] | None = None,
        tag: str | None = None,
        **options: Any,
    ) -> OutputSMSMessage | None:
        """Render and accept one message.

        Args:
            options: idempotency_key, send_after, expires_at, priority, as for `smsoffice.backend.sms.send`.

        Returns:
            The accepted message; None where `can_send` said no, or the template is switched off.

        Raises:
            SMSError: the message was refused and no row was written.
        """
        from smsoffice.models.accept import accept

        if not (self.is_active and self.can_send(recipient, context_data)):
            return None
        content = self.render_body(context_data)
        return accept(recipient, content, related_objects, tag, template=self, **options)


class SMSTemplate(AbstractSMSTemplate):
    """The template model of a site that needs no other."""

    class Meta(AbstractSMSTemplate.Meta):
        swappable = "PYMESS_SMS_TEMPLATE_MODEL"
