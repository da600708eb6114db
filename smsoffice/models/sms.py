"""Messages. This is also where others import the models from that stand around one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from smsoffice.conf import conf
from smsoffice.models.batch import Batch
from smsoffice.models.common import Timestamped
from smsoffice.models.events import OutputSMSEvent
from smsoffice.models.outage import outlasting
from smsoffice.models.related import OutputSMSRelatedObject, related_object_key
from smsoffice.models.templates import AbstractSMSTemplate, SMSTemplate
from smsoffice.states import OPEN, State

__all__ = [
    "AbstractSMSTemplate",
    "Batch",
    "OutputSMSEvent",
    "OutputSMSMessage",
    "OutputSMSRelatedObject",
    "SMSTemplate",
]

PRIORITY_SINGLE = 10
PRIORITY_BULK = 0

HAND_OVER = ("backend", "check_after", "due_at", "error", "external_id", "send_attempts", "sent_at")
"""What is written of hand-overs. A stale instance that is saved for something else must take none of it back."""

HELD = frozenset({"state", *HAND_OVER})


class OutputSMSMessageQuerySet(models.QuerySet["OutputSMSMessage"]):
    """The questions that the house asks of the log."""

    def filter_related_object(self, obj: models.Model) -> Self:
        """The messages that belong to a saved object, found by an index whatever its kind of key."""
        belonging = OutputSMSRelatedObject.objects.filter(**related_object_key(obj))
        return self.filter(pk__in=belonging.values("output_sms_message"))

    def due(self, now: datetime) -> Self:
        """What waits, may leave at `now` and has not run out of time."""
        in_time = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
        return self.filter(in_time, state=State.WAITING, due_at__lte=now)

    def out_of_time(self, now: datetime) -> Self:
        """What waits but was not to be handed over as late as `now`."""
        return self.filter(state=State.WAITING, expires_at__isnull=False, expires_at__lte=now)

    def due_for_check(self, now: datetime) -> Self:
        """What was handed over, is not final, and should be asked about at `now`."""
        return self.filter(state__in=OPEN, check_after__lte=now)


OutputSMSMessageManager = models.Manager.from_queryset(OutputSMSMessageQuerySet)


class OutputSMSMessage(Timestamped):
    """One text to one person, and what is known of it."""

    State = State

    recipient = models.CharField(_("recipient"), max_length=20, help_text=_("E.164"))
    sender = models.CharField(_("sender ID"), max_length=20, blank=True)
    content = models.TextField(_("text"))
    template = models.ForeignKey(
        conf.SMS_TEMPLATE_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="output_sms_messages",
        verbose_name=_("template"),
    )
    template_slug = models.CharField(_("template's slug"), max_length=100, blank=True)
    template_version = models.PositiveIntegerField(_("template's version"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    backend = models.CharField(_("gateway"), max_length=250, blank=True)
    error = models.TextField(_("error"), blank=True)
    tag = models.CharField(_("tag"), max_length=100, blank=True)
    extra_data = models.JSONField(_("extra data"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    extra_sender_data = models.JSONField(_("gateway's data"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    external_id = models.CharField(_("gateway's reference"), max_length=200, blank=True)

    segments = models.PositiveSmallIntegerField(_("parts"), default=1)
    encoding = models.CharField(_("alphabet"), max_length=5, blank=True)
    priority = models.SmallIntegerField(
        _("priority"), default=PRIORITY_SINGLE, help_text=_("The higher is sent first.")
    )
    send_after = models.DateTimeField(_("send after"), null=True, blank=True)
    due_at = models.DateTimeField(
        _("due"), default=timezone.now, help_text=_("A gateway that says “not now” moves it on.")
    )
    expires_at = models.DateTimeField(_("not later than"), null=True, blank=True)
    send_attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    sent_at = models.DateTimeField(_("handed over"), null=True, blank=True)
    check_after = models.DateTimeField(_("ask after"), null=True, blank=True)
    idempotency_key = models.CharField(_("idempotency key"), max_length=200, null=True, blank=True, unique=True)
    resend_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="resends", verbose_name=_("resend of")
    )
    batch = models.ForeignKey(
        Batch,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="messages",
        verbose_name=_("bulk send"),
    )
    batch_row = models.PositiveIntegerField(_("row of the bulk send"), null=True, blank=True)

    objects = OutputSMSMessageManager()

    # What the row had in these columns when this instance was read or written: where a change starts from.
    held: Mapping[str, Any] = {"state": State.WAITING}

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        default_permissions = ("add", "change", "view")
        permissions = [("export_outputsmsmessage", _("Can export messages"))]
        constraints = [
            # A row of a bulk send is one message, whoever writes it how often.
            models.UniqueConstraint(
                fields=["batch", "batch_row"], name="smsoffice_batch_row", condition=Q(batch__isnull=False)
            ),
        ]
        indexes = [
            # The claim: the highest priority first, then the longest due.
            models.Index(
                # The one state of the condition too: else SQLite would rather sort all that waits.
                "state",
                F("priority").desc(),
                "due_at",
                "id",
                name="smsoffice_queue",
                condition=Q(state=State.WAITING, batch__isnull=True),
            ),
            # The claim of a bulk send's rows. A paused one is not looked into, however much waits in it.
            models.Index(
                fields=["batch", "due_at", "id"],
                name="smsoffice_batch_queue",
                condition=Q(state=State.WAITING, batch__isnull=False),
            ),
            # How far a bulk send is, and its rows in the log.
            models.Index(
                fields=["batch", "state", "-created_at", "-id"],
                name="smsoffice_batch_state",
                condition=Q(batch__isnull=False),
            ),
            models.Index(
                fields=["expires_at"],
                name="smsoffice_expiry",
                condition=Q(state=State.WAITING, expires_at__isnull=False),
            ),
            # What the gateways are asked about next.
            models.Index(
                fields=["check_after"],
                name="smsoffice_check",
                condition=Q(check_after__isnull=False),
            ),
            # The log, newest first: whole, and by state. `models/log.py` reads these, and says how.
            models.Index(fields=["-created_at", "-id"], name="smsoffice_newest"),
            models.Index(fields=["state", "-created_at", "-id"], name="smsoffice_state"),
            # By tag, by template and by gateway, alone or with states: these are read one by one and merged, so that a
            # rare one costs no more than a common one, nor an old one than a new one. Most messages lack one or the
            # other, and pay nothing.
            models.Index(fields=["tag", "state", "-created_at", "-id"], name="smsoffice_tag", condition=Q(tag__gt="")),
            models.Index(
                fields=["template_slug", "state", "-created_at", "-id"],
                name="smsoffice_template",
                condition=Q(template_slug__gt=""),
            ),
            models.Index(
                fields=["backend", "state", "-created_at", "-id"],
                name="smsoffice_gateway",
                condition=Q(backend__gt=""),
            ),
            # A number, whole or its beginning, which in most collations only this class of operators finds.
            models.Index(
                name="smsoffice_recipient",
                fields=["recipient", "-created_at", "-id"],
                opclasses=["varchar_pattern_ops", "timestamptz_ops", "int8_ops"],
            ),
            # What retention empties next, the oldest first: a message enters as it is over, leaves as it is emptied.
            models.Index(
                fields=["created_at", "id"],
                name="smsoffice_removable",
                condition=Q(check_after__isnull=True, recipient__gt="") & ~Q(state=State.WAITING),
            ),
            models.Index(fields=["sent_at"], name="smsoffice_sent", condition=Q(sent_at__isnull=False)),
            # The few with a reason, in which words are looked for.
            models.Index(fields=["-created_at", "-id"], name="smsoffice_error", condition=Q(error__gt="")),
            # A receipt names the message by the gateway's own reference.
            models.Index(fields=["external_id"], name="smsoffice_external"),
        ]

    def __str__(self) -> str:
        # Without the number, for it goes into the admin's log of actions.
        return gettext("message %s") % self.pk

    @property
    def failed(self) -> bool:
        """Whether the message ended in ERROR."""
        return self.state == State.ERROR

    def may_leave(self, now: datetime) -> bool:
        """Whether the message waits, is due and has not run out of time: what `due` asks of the rows."""
        in_time = self.expires_at is None or self.expires_at > now
        return self.state == State.WAITING and self.due_at <= now and in_time

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any]) -> Self:
        message = super().from_db(db, field_names, values)
        message.hold()
        return message

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Self] | None = None,
    ) -> None:
        fields = None if fields is None else list(fields)
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        self.hold(fields)

    def hold(self, fields: Iterable[str] | None = None) -> None:
        """Take what the instance has in `fields`, or in all, for the row's: it was just read or written."""
        names = HELD.intersection(self.__dict__, HELD if fields is None else fields)
        self.held = {**self.held, **{name: self.__dict__[name] for name in names}}

    @property
    def held_state(self) -> str:
        """The state that the row had when this instance was read or written."""
        return str(self.held["state"])

    @property
    def claimed_at(self) -> datetime | None:
        """The `sent_at` that the row had then: by it a hand-over is told from a later one."""
        held: datetime | None = self.held.get("sent_at", self.sent_at)
        return held

    def save(
        self,
        force_insert: bool | tuple[models.base.ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Save as any model, but let a change of state pass only by the table in `states.py`, with its event.

        A change that the table forbids is not written: the timeline keeps it as ignored, and the instance
        gets the row's true state. A backend that sets `state` and saves is so guarded like all others.
        Without `update_fields`, what is known of hand-overs is written only where this instance changed it.
        A database that went away is waited for, as what a gateway answered comes only once.
        """
        if self._state.adding and not force_update and update_fields is None:
            # Where the key is taken Django would update instead, past the table.
            super().save(force_insert=force_insert or True, using=using)
            self.hold()
            return
        fields = set(update_fields) if update_fields is not None else self._fields_to_write()
        mine = dict(self.__dict__)

        def write(again: bool) -> None:
            if again:
                self.__dict__.update(mine)
            self._save_by_the_table(set(fields), using)

        outlasting(write)

    def _save_by_the_table(self, fields: set[str], using: str | None) -> None:
        with transaction.atomic(using=using):
            if "state" in fields and self.state != self.held_state and not self._save_state_by_the_table():
                # What belongs to ignored news is no better than the news.
                fields -= set(HAND_OVER)
            # The rest is written without the state, so that a stale instance cannot set it back.
            if rest := fields - {"state"}:
                super().save(force_update=True, using=using, update_fields=rest)
                self.hold(rest)

    def _changed(self) -> set[str]:
        return {
            name
            for name in HELD & set(self.__dict__)
            if name not in self.held or self.__dict__[name] != self.held[name]
        }

    def _fields_to_write(self) -> set[str]:
        deferred = self.get_deferred_fields()
        fields = {f.name for f in self._meta.concrete_fields if not f.primary_key and f.attname not in deferred}
        return fields - HELD | self._changed()

    def _save_state_by_the_table(self) -> bool:
        from smsoffice.models.transitions import Evidence, Source, record

        news = Evidence(
            self.pk,
            State(self.state),
            Source.GATEWAY,
            error=self.error,
            due_at=self.due_at,
            claimed_at=self.claimed_at,
        )
        accepted = self.pk in record([news])
        # The row says what the news did to it; what this instance is about to write stays.
        ours = self._changed() - {"state"} if accepted else set()
        self.refresh_from_db(fields=HELD - ours)
        return accepted
