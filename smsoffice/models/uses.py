"""How often each template is used, by the day, so that no page needs to count messages."""

from __future__ import annotations

from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

ADD = """
    INSERT INTO smsoffice_templateuse AS kept (template_slug, day, last_used_at, count) VALUES (%s, %s, %s, %s)
    ON CONFLICT (template_slug, day)
    DO UPDATE SET count = kept.count + excluded.count, last_used_at = excluded.last_used_at
"""


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
    day = connection.ops.adapt_datefield_value(timezone.localdate(now))
    moment = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        # Every single send pays for it, so it is one statement; Django has none that adds to what is there.
        cursor.execute(ADD, [slug, day, moment, messages])
