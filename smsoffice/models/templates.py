"""The templates that messages are written from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
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

    class Meta:
        abstract = True
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

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
