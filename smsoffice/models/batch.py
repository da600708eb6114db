"""Bulk sends: one text to many, as one thing that can be paused, stopped and counted.

A bulk send begins as a draft, whose rows are checked and shown; confirmed, its rows become messages, by the thousand.
The identity of a row is its bulk send and its number there, unique in the database, so nothing is written twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Case, F, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from smsoffice.conf import conf


class Batch(models.Model):
    """A bulk send; its key is the one-time token of the page that confirms it."""

    class Status(models.TextChoices):
        """What is done with it now."""

        DRAFT = "DRAFT", pgettext_lazy("bulk send", "Not confirmed")
        RUNNING = "RUNNING", pgettext_lazy("bulk send", "Running")
        PAUSED = "PAUSED", pgettext_lazy("bulk send", "Paused")
        STOPPED = "STOPPED", pgettext_lazy("bulk send", "Stopped")
        FINISHED = "FINISHED", pgettext_lazy("bulk send", "Done")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(_("title"), max_length=200, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("who"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    # What is sent. The body is that of the template when the rows were checked: what was shown is what leaves.
    template = models.ForeignKey(
        conf.SMS_TEMPLATE_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("template"),
    )
    template_slug = models.CharField(_("template's slug"), max_length=100, blank=True)
    template_version = models.PositiveIntegerField(_("template's version"), null=True)
    body = models.TextField(_("text"), blank=True)
    values = models.JSONField(_("values for every row"), default=dict, encoder=DjangoJSONEncoder)
    # Names of the columns as they were read; "" for one without a name.
    columns = models.JSONField(_("columns"), default=list, encoder=DjangoJSONEncoder)
    file_name = models.CharField(_("file"), max_length=200, blank=True)
    notes = models.JSONField(_("notes on the list"), default=list, encoder=DjangoJSONEncoder)

    # Its rows are the keys of messages, which are sent again as they were, and what is known of each.
    is_resend = models.BooleanField(_("sends failed messages again"), default=False)

    tag = models.CharField(_("tag"), max_length=100, blank=True)
    send_after = models.DateTimeField(_("send after"), null=True)
    expires_at = models.DateTimeField(_("not later than"), null=True)
    first = models.PositiveIntegerField(_("pause after the first"), null=True)
    failure_limit = models.PositiveSmallIntegerField(_("pause when more fail than (%)"), null=True)

    status = models.CharField(_("state"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    # Rows that were read; those that the check found good, and bad; messages written so far.
    total = models.PositiveIntegerField(_("rows"), default=0)
    sendable = models.PositiveIntegerField(_("can be sent"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    accepted = models.PositiveIntegerField(_("accepted"), default=0)
    # What the check counted: parts, rows by parts, by country, the longest row, reasons of refusal.
    summary = models.JSONField(_("summary"), default=dict, encoder=DjangoJSONEncoder)
    check_progress = models.PositiveIntegerField(_("rows checked"), default=0)
    checked_at = models.DateTimeField(_("checked"), null=True)
    busy_until = models.DateTimeField(_("worked on until"), null=True)
    started_at = models.DateTimeField(_("started"), null=True)
    paused_at = models.DateTimeField(_("paused"), null=True)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    pause_reason = models.TextField(_("why it paused"), blank=True)
    stopped_at = models.DateTimeField(_("stopped"), null=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    finished_at = models.DateTimeField(_("finished"), null=True)
    # How its messages stood when all were handed over, by state: what retention removes is still counted.
    final_states = models.JSONField(_("states at the end"), default=dict, encoder=DjangoJSONEncoder)
    # [failed, outcomes] when it last went on: the limit of failures counts from there.
    forgiven = models.JSONField(default=list)
    # [[seconds of the epoch, handed over by then], ...] of the last minute: its pace.
    pace = models.JSONField(default=list)

    class Meta:
        verbose_name = _("bulk send")
        verbose_name_plural = _("bulk sends")
        default_permissions = ()
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["status", "-created_at"], name="smsoffice_batch_status")]

    def __str__(self) -> str:
        return self.title or str(self.id)

    @property
    def is_written(self) -> bool:
        """Whether all its rows that can be sent are messages."""
        return self.accepted >= self.sendable

    @classmethod
    def reopen(cls, batch_ids: Collection[uuid.UUID]) -> None:
        """Some of their messages wait again: where they were over, those leave, or are ended, after all.

        They are locked until the caller's transaction ends, so that none is found finished meanwhile.
        """
        running = When(status=cls.Status.FINISHED, then=Value(cls.Status.RUNNING))
        cls.objects.filter(pk__in=batch_ids).update(status=Case(running, default=F("status")), finished_at=None)


class BatchChunk(models.Model):
    """Up to a thousand rows of a bulk send, as they were read; emptied once they are messages."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    # [[line, [cell, ...]], ...]; `line` is that of the list or sheet, counted from 1 with its heading.
    rows = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    # [[line, column, cell, reason], ...] of the rows that are not sent.
    refused = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="smsoffice_batch_chunk")]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.number}"
