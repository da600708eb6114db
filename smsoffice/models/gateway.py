"""What all workers know of one gateway: whether it refuses us, when to try again, how much it may be given."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from smsoffice.conf import conf
from smsoffice.exceptions import GatewayError, NotNow, RefusedForUs

FIRST_PAUSE = timedelta(seconds=1)
LAST_PAUSE = timedelta(minutes=1)


class GatewayStatus(models.Model):
    """One row a gateway, shared by every process that sends."""

    backend = models.CharField(_("gateway"), max_length=250, unique=True)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    refusal = models.TextField(_("why the gateway refuses us"), blank=True)
    refused_since = models.DateTimeField(_("refused since"), null=True, blank=True)
    allowance = models.FloatField(_("parts that may leave now"), default=0)
    allowance_at = models.DateTimeField(_("allowance counted at"), null=True, blank=True)

    class Meta:
        verbose_name = _("gateway")
        verbose_name_plural = _("gateways")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.backend

    @classmethod
    def of(cls, backend: str, *, lock: bool = False) -> GatewayStatus:
        """The gateway's row, made when it is first asked for.

        Args:
            lock: keep other workers from it until the transaction ends.
        """
        rows = cls.objects.select_for_update() if lock else cls.objects.all()
        if (status := rows.filter(backend=backend).first()) is not None:
            return status
        GatewayStatus.objects.bulk_create([GatewayStatus(backend=backend)], ignore_conflicts=True)
        return rows.get(backend=backend)

    def pause(self, now: datetime) -> timedelta:
        """How long nothing may be handed over, by the gateway's own wish or after failures."""
        return max((self.not_before or now) - now, timedelta(0))

    def refill(self, now: datetime) -> float:
        """The segments that PYMESS_SMS_RATE_LIMIT lets leave now: a second's worth at most."""
        rate = conf.SMS_RATE_LIMIT
        if not rate:
            return float("inf")
        elapsed = max((now - self.allowance_at).total_seconds(), 0.0) if self.allowance_at else 1.0
        self.allowance = min(self.allowance + elapsed * rate, max(rate, 1.0))
        self.allowance_at = now
        return self.allowance

    def spend(self, segments: int) -> None:
        """Count what leaves. The last message may overdraw the allowance, so that long texts leave too."""
        self.allowance -= segments
        self.save(update_fields=["allowance", "allowance_at"])

    def time_to_refill(self) -> timedelta:
        """How long until one more segment may leave."""
        rate = conf.SMS_RATE_LIMIT
        return timedelta(seconds=max(0.0, 1 - self.allowance) / rate) if rate else timedelta(0)

    @classmethod
    def note_failure(cls, backend: str, error: GatewayError) -> None:
        """The gateway put us off or refused us: all workers wait, longer each time.

        What it asked for before holds: a wait is not made shorter, nor is a refusal over, by a failure of another kind.
        """
        now = timezone.now()
        status = cls.of(backend)
        pause = min(FIRST_PAUSE * 2 ** min(status.failures, 10), LAST_PAUSE)
        if isinstance(error, NotNow) and error.retry_after:
            pause = max(pause, error.retry_after)
        until = Value(now + pause)
        changes: dict[str, Any] = {"not_before": Greatest(Coalesce("not_before", until), until)}
        if isinstance(error, RefusedForUs):
            changes |= {"refusal": error.words, "refused_since": Coalesce("refused_since", Value(now))}
        cls.objects.filter(backend=backend).update(failures=F("failures") + 1, **changes)

    @classmethod
    def note_success(cls, backend: str) -> None:
        """The gateway takes messages again."""
        cls.objects.filter(backend=backend, failures__gt=0).update(
            failures=0, not_before=None, refusal="", refused_since=None
        )
