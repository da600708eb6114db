"""When the queue and the state checks last ran, by command or by Celery: so that a page can say that one is late."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from time import monotonic

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

CRON = timedelta(minutes=1)
"""What a command without an interval is expected to be run by."""

LATE_AFTER = 3
"""Intervals without a round after which a command is late."""

AT_LEAST = 60.0
"""Seconds before which none is late, however short its interval."""

REST = 10.0
"""Seconds between two writes that only say that a command is alive."""


class CommandRun(models.Model):
    """The last round of one of the periodic commands."""

    class Name(models.TextChoices):
        """The commands."""

        SEND = "send_sms_messages", _("Sending")
        CHECK = "check_sms_states", _("State checks")

    name = models.CharField(_("command"), max_length=40, choices=Name.choices, unique=True)
    finished_at = models.DateTimeField(_("last round"))
    interval = models.FloatField(_("seconds between rounds"))
    said = models.TextField(_("what it did"), blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    def is_late(self, now: datetime) -> bool:
        """Whether more rounds were missed than happens by chance."""
        allowed = max(self.interval * LATE_AFTER, AT_LEAST)
        return (now - self.finished_at).total_seconds() > allowed


def in_words(states: Mapping[str, int]) -> str:
    """Counts by state as a list: “3 SENDING, 1 ERROR”; empty where there was nothing to do."""
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def note_round(name: CommandRun.Name, interval: float | None, said: str = "") -> None:
    """Write that a round is over.

    Args:
        name: whose.
        interval: seconds until the next one; None where somebody else starts it.
        said: what it did, in words; empty where there was nothing to do, and the words of the last time stay.
    """
    seconds = CRON.total_seconds() if interval is None else interval
    values = {"finished_at": timezone.now(), "interval": seconds} | ({"said": said} if said else {})
    if not CommandRun.objects.filter(name=name).update(**values):
        CommandRun.objects.get_or_create(name=name, defaults=values)


class Heartbeat:
    """What a command that stays says of itself: each piece of work, and else that it is alive, now and then."""

    def __init__(self, name: CommandRun.Name, interval: float | None) -> None:
        self.name, self.interval, self._last = name, interval, -REST

    def __call__(self, said: str = "") -> None:
        """Write that it is at work; `said` is what it did, where a round with work is over."""
        now = monotonic()
        if said or now - self._last >= REST:
            self._last = now
            note_round(self.name, self.interval, said)
