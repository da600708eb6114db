"""The shop's templates as an operator keeps them: described, with their variables declared, and counted."""

from __future__ import annotations

from django.db.models import Count, Max
from django.db.models.functions import TruncDate

from project.demo.data import DESCRIPTIONS, TEMPLATES, VARIABLES
from smsoffice import rendering
from smsoffice.backend.sms import get_template_model
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.models.uses import TemplateUse


def make_templates() -> None:
    """Write the templates one by one, so that each has the first of its versions."""
    for slug, body in TEMPLATES.items():
        topic, english, _ = slug.partition("-en")
        get_template_model()._default_manager.create(
            slug=slug,
            description=DESCRIPTIONS[topic] + (" (English)" if english else ""),
            body=body,
            variables=[
                dict(zip(("name", "example", "longest", "note"), (use.name, *VARIABLES[use.name]), strict=True))
                for use in rendering.variables(body)
            ],
        )


def count_uses() -> None:
    """Count the messages of the history as sending counts them, by template and day."""
    told = OutputSMSMessage.objects.order_by().annotate(day=TruncDate("created_at")).values("template_slug", "day")
    TemplateUse.objects.bulk_create(
        TemplateUse(
            template_slug=one["template_slug"], day=one["day"], count=one["count"], last_used_at=one["last_used_at"]
        )
        for one in told.annotate(count=Count("pk"), last_used_at=Max("created_at"))
    )
