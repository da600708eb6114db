"""How often each template is used, by the day, so that no page needs to count messages."""

from __future__ import annotations

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TemplateUse(models.Model):
    """The messages that were written from one template on one day of the site's time."""

    template_slug = models.CharField(_("template's slug"), max_length=100)
    day = models.DateField(_("day"))
    count = models.PositiveIntegerField(_("messages"), default=0)
    last_used_at = models.DateTimeField(_("last used"))

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["template_slug", "day"], name="smsoffice_template_use")]

    def __str__(self) -> str:
        return f"{self.template_slug} {self.day}"


def count_use(slug: str, messages: int) -> None:
    """Count messages of a template once the caller's transaction has committed.

    Not in that transaction: every sender of the template would wait for the slowest.
    """
    if slug and messages:
        transaction.on_commit(lambda: _add(slug, messages), robust=True)


def _add(slug: str, messages: int) -> None:
    now = timezone.now()
    today = Q(template_slug=slug, day=timezone.localdate(now))
    changes = {"count": F("count") + messages, "last_used_at": now}
    if not TemplateUse.objects.filter(today).update(**changes):
        fresh = TemplateUse(template_slug=slug, day=timezone.localdate(now), last_used_at=now)
        TemplateUse.objects.bulk_create([fresh], ignore_conflicts=True)
        TemplateUse.objects.filter(today).update(**changes)
