"""The template of a bulk send, after it was chosen: what became of it, who switched it off, and who depends on it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from django.apps import apps
from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from smsoffice.conf import conf
from smsoffice.exceptions import TemplateNotFound, TemplateOff
from smsoffice.models.batch import Batch
from smsoffice.models.sms import AbstractSMSTemplate

Status = Batch.Status

WHY_PAUSED = {
    TemplateOff: _("Its template was switched off before all rows were messages."),
    TemplateNotFound: _("Its template was deleted before all rows were messages."),
}
"""Why a bulk send pauses that cannot go on without its template, by what its rows met."""


class Fate(StrEnum):
    """What became of the template since a bulk send's list was checked."""

    SAME = "same"
    CHANGED = "changed"
    REWRITTEN = "rewritten"
    OFF = "off"
    DELETED = "deleted"

    @property
    def sends_nothing(self) -> bool:
        """Whether no message can be made of it now."""
        return self in {Fate.OFF, Fate.DELETED}


class SwitchedOff(NamedTuple):
    """When a template was switched off; `by` whom is empty where a program did it."""

    at: datetime
    by: str


def fate_of(batch: Batch) -> Fate:
    """What became of its template; an own text stays as it is."""
    template = batch.template
    if template is None:
        return Fate.DELETED if batch.template_slug else Fate.SAME
    if not template.is_active:
        return Fate.OFF
    if template.body != batch.body:
        return Fate.REWRITTEN
    return Fate.SAME if template.version == batch.template_version else Fate.CHANGED


def switched_off(template: AbstractSMSTemplate) -> SwitchedOff | None:
    """When a template that is off was switched off, and by whom; None where its versions do not tell."""
    versions = template.history.order_by("version")
    last_on = versions.filter(is_active=True).last()
    # Whoever changed it while it was off has not switched it off.
    off = versions.filter(is_active=False, version__gt=last_on.version if last_on else 0)
    first = off.select_related("history_user").first()
    return SwitchedOff(first.history_date, str(first.history_user or "")) if first else None


def paused_as_it_was_off(batch: Batch) -> bool:
    """Whether a bulk send paused itself as its template was switched off, whether or not it is off still."""
    with translation.override(settings.LANGUAGE_CODE):
        return batch.pause_reason == str(WHY_PAUSED[TemplateOff])


def unwritten_of(templates: Iterable[AbstractSMSTemplate]) -> QuerySet[Batch]:
    """The bulk sends that cannot be written to their end without these templates, the oldest first."""
    started = _made_of(templates).filter(status__in=[Status.RUNNING, Status.PAUSED])
    return started.filter(accepted__lt=F("sendable"))


def written_of(templates: Iterable[AbstractSMSTemplate]) -> QuerySet[Batch]:
    """The bulk sends that go on whatever becomes of these templates, as all is written; the oldest first."""
    return _made_of(templates).filter(status=Status.RUNNING, accepted__gte=F("sendable"))


def _made_of(templates: Iterable[AbstractSMSTemplate]) -> QuerySet[Batch]:
    # A host may keep templates of a model that is not in force: nothing is made of those.
    in_force = apps.get_model(conf.SMS_TEMPLATE_MODEL)
    keys = [template.pk for template in templates if isinstance(template, in_force)]
    return Batch.objects.filter(template_id__in=keys).order_by("created_at")
