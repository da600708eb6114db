"""The timeline of a message."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from smsoffice.states import State


class OutputSMSEvent(models.Model):
    """A line of a message's timeline: what was said of it, by whom, and whether its state changed."""

    class Source(models.TextChoices):
        """Who says so."""

        CODE = "CODE", _("program")
        QUEUE = "QUEUE", _("queue")
        GATEWAY = "GATEWAY", _("gateway's answer")
        RECEIPT = "RECEIPT", _("delivery receipt")
        ASKED = "ASKED", _("gateway was asked")
        OPERATOR = "OPERATOR", _("operator")

    message = models.ForeignKey(
        "OutputSMSMessage", on_delete=models.CASCADE, related_name="events", verbose_name=_("message")
    )
    created_at = models.DateTimeField(_("when"), default=timezone.now)
    from_state = models.CharField(_("from"), max_length=10, choices=State.choices)
    to_state = models.CharField(_("to"), max_length=10, choices=State.choices)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    code = models.CharField(_("gateway's code"), max_length=50, blank=True)
    words = models.TextField(_("words"), blank=True)
    ignored = models.BooleanField(_("ignored"), default=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, db_index=False, related_name="+"
    )

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        default_permissions = ("view",)
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"
