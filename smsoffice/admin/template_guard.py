"""The guard before a risky save: a template in use would newly need a value that its callers may not hand over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q, Sum
from django.utils import timezone

from smsoffice import rendering
from smsoffice.exceptions import TemplateError
from smsoffice.models.sms import AbstractSMSTemplate, OutputSMSMessage
from smsoffice.models.uses import TemplateUse
from smsoffice.states import State

USE_SPAN = timedelta(days=30)
MOST_WAITING = 1000
"""Waiting messages are counted as far as this: it is said, and no count may grow with the log."""


@dataclass(frozen=True, slots=True)
class Use:
    """How much a template is used: messages in USE_SPAN, and when the last was written."""

    recent: int
    last: datetime | None


def use_of(slug: str) -> Use:
    """The use of one template, by its slug, in one query."""
    uses = TemplateUse.objects.filter(template_slug=slug)
    counted = uses.aggregate(recent=Sum("count", filter=recent()), last=Max("last_used_at"))
    return Use(counted["recent"] or 0, counted["last"])


def use_told_by(template: AbstractSMSTemplate) -> Use:
    """The use of a template that came with the list's columns, without a question; of any other, with one."""
    columns = vars(template)
    if "last_used_at" in columns:
        return Use(columns["recent_uses"], columns["last_used_at"])
    return use_of(template.slug)


def recent() -> Q:
    """The days that count as USE_SPAN, today included."""
    return Q(day__gt=timezone.localdate() - USE_SPAN)


@dataclass(frozen=True, slots=True)
class Change:
    """A variable in the stored text and in the new one; each None (not used), False (optional) or True (needed)."""

    name: str
    before: bool | None
    after: bool | None

    @property
    def is_new_need(self) -> bool:
        """Whether callers that were served so far may be refused for it."""
        return bool(self.after) and not self.before


@dataclass(frozen=True, slots=True)
class Guard:
    """What is asked before such a save."""

    stored: AbstractSMSTemplate
    changes: list[Change]
    use: Use

    @property
    def needed(self) -> list[str]:
        """The variables that are newly needed."""
        return [change.name for change in self.changes if change.is_new_need]

    @property
    def waiting(self) -> int:
        """How many messages of the template wait, at most MOST_WAITING and one."""
        rows = OutputSMSMessage.objects.filter(state=State.WAITING, template_slug=self.stored.slug)
        return rows.order_by()[: MOST_WAITING + 1].count()


def guard_of(stored: AbstractSMSTemplate, new: AbstractSMSTemplate) -> Guard | None:
    """What is to be asked before `new` takes the place of `stored`; None where no caller can be cut off.

    So it is where the template is switched off, was never used, or was broken already.
    """
    before, after = _needs(stored), _needs(new)
    if not new.is_active or before is None or after is None:
        return None
    names = sorted({*before, *after}, key=lambda name: (bool(before.get(name)) >= bool(after.get(name)), name))
    changes = [Change(name, before.get(name), after.get(name)) for name in names]
    if not any(change.is_new_need for change in changes):
        return None
    use = use_of(stored.slug)
    return Guard(stored, changes, use) if use.last else None


def _needs(template: AbstractSMSTemplate) -> dict[str, bool] | None:
    try:
        return {use.name: use.required for use in rendering.variables(template.get_body())}
    except TemplateError:
        return None
