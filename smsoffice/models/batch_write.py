"""From a checked draft to messages that wait: confirmed once, written a chunk a transaction, announced to nobody.

The queue takes them while the bulk send runs. A row is written once, whoever is killed: the chunk, its messages and the
count of them are committed together, and the database keeps a row's number unique.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from smsoffice.exceptions import SMSError
from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_check import Plan, RowRefused, in_its_language
from smsoffice.models.batch_control import pause
from smsoffice.models.batch_resend import resends_of
from smsoffice.models.batch_template import WHY_PAUSED
from smsoffice.models.bulk import insert
from smsoffice.models.decisions import tell_of_resends
from smsoffice.models.sms import PRIORITY_BULK, OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.models.uses import count_use

logger = logging.getLogger("smsoffice.batch")

Status = Batch.Status

AT_ONCE = 5_000
"""Rows that `confirm` itself writes; more of them are written in the background."""

LEASE = timedelta(seconds=20)
"""How long a worker has a bulk send for itself; then the next one takes its place."""


class AlreadyConfirmed(SMSError):
    """The bulk send was confirmed before: a double click, Back, or a reload.

    Args:
        batch: as it stands now.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        super().__init__(_("This bulk send was confirmed already; nothing was sent a second time."))


class _NoLongerRunning(Exception):
    """It was paused or stopped while a chunk of it was written."""


def confirm(batch_id: UUID, user_id: int) -> Batch:
    """Let a checked draft run, once; its rows become messages, in the background where they are many.

    Raises:
        AlreadyConfirmed: it was confirmed before.
        SMSError: it cannot be confirmed as it stands.
    """
    now = timezone.now()
    in_time = Q(expires_at=None) | Q(expires_at__gt=now)
    draft = Batch.objects.filter(in_time, pk=batch_id, status=Status.DRAFT, checked_at__isnull=False, sendable__gt=0)
    started = {"status": Status.RUNNING, "started_at": now, "user_id": user_id, "busy_until": None}
    confirmed = draft.update(**started)
    batch = Batch.objects.get(pk=batch_id)
    if not confirmed:
        raise _why_not(batch)
    if batch.sendable <= AT_ONCE:
        while accept_or_pause(batch):
            pass
        batch.refresh_from_db()
    return batch


def _why_not(batch: Batch) -> SMSError:
    if batch.status != Status.DRAFT:
        return AlreadyConfirmed(batch)
    if batch.checked_at is None:
        return SMSError(_("The list has not been checked yet. Wait until its check is done."))
    if not batch.sendable:
        return SMSError(_("No row of the list can be sent. Correct the list."))
    return SMSError(_("The latest time of sending has passed. Set a later one."))


def accept_or_pause(batch: Batch) -> int | None:
    """As `accept_chunk`; where the rows cannot be written, the bulk send pauses and says why."""
    try:
        return accept_chunk(batch)
    except (OperationalError, InterfaceError):
        # The database's affair, and not that of the rows.
        raise
    except Exception as error:
        with translation.override(settings.LANGUAGE_CODE):
            if isinstance(error, SMSError):
                words = str(WHY_PAUSED.get(type(error), error))
            else:
                logger.exception("The rows of bulk send %s cannot be written", batch.pk)
                words = _("The rows could not be written (%s).") % type(error).__name__
            pause(batch.pk, reason=words)
        return None


def accept_chunk(batch: Batch) -> int | None:
    """Write the next chunk's messages, all of them or none.

    Returns:
        How many of its rows were seen to; 0 where another worker is at it; None when nothing is left to write, or it
        does not run.

    Raises:
        SMSError: what is sent cannot be made out of the bulk send any more.
    """
    running = Batch.objects.filter(pk=batch.pk, status=Status.RUNNING)
    if not take(batch.pk, Status.RUNNING):
        return 0 if running.exists() else None
    chunk = batch.chunks.filter(accepted_at=None).order_by("number").first()
    if chunk is None:
        running.update(busy_until=None)
        return None
    # Before the transaction: on SQLite it keeps everybody else from writing.
    messages, refused = ([], []) if batch.is_resend else _drafts(batch, chunk)
    relations: list[OutputSMSRelatedObject] = []
    now = timezone.now()
    try:
        with transaction.atomic():
            if batch.is_resend:
                messages, relations, refused = resends_of(chunk.rows, batch)
            mine = BatchChunk.objects.filter(pk=chunk.pk, accepted_at=None)
            if not mine.update(accepted_at=now, rows=[], refused=chunk.refused + refused):
                return 0
            insert(messages, relations)
            if batch.is_resend:
                tell_of_resends(messages, batch.user_id)
            _count_uses(messages)
            counted = {"accepted": F("accepted") + len(messages), "busy_until": None}
            if refused:
                counted |= {"sendable": F("sendable") - len(refused), "refused": F("refused") + len(refused)}
            if not running.update(**counted):
                raise _NoLongerRunning
    except _NoLongerRunning:
        return None
    return len(chunk.rows)


def take(batch_id: UUID, status: Status) -> datetime | None:
    """Have a bulk send for oneself for a while; gives back until when, or None where another has it."""
    now = timezone.now()
    free = Q(busy_until=None) | Q(busy_until__lte=now)
    until = now + LEASE
    return until if Batch.objects.filter(free, pk=batch_id, status=status).update(busy_until=until) else None


def extend(batch_id: UUID, until: datetime) -> datetime | None:
    """Keep what `take` gave for a while longer; gives back until when, or None where it was lost meanwhile."""
    later = timezone.now() + LEASE
    return later if Batch.objects.filter(pk=batch_id, busy_until=until).update(busy_until=later) else None


def _drafts(batch: Batch, chunk: BatchChunk) -> tuple[list[OutputSMSMessage], list[list[object]]]:
    if batch.expires_at and batch.expires_at <= timezone.now():
        raise SMSError(_("The latest time of sending passed before all rows were written. Stop it."))
    left_out = {line for line, *_rest in chunk.refused}
    plan = Plan.of(batch)
    messages, refused = [], []
    with in_its_language(batch):
        for line, cells in chunk.rows:
            if line in left_out:
                continue
            try:
                message = plan.draft(cells)
            except RowRefused as error:
                # It was good when it was checked: a setting or the template's own rule has changed since.
                refused.append([line, error.column, error.cell, error.reason])
                continue
            message.batch_id, message.batch_row = batch.pk, line
            message.template_version, message.priority = batch.template_version, PRIORITY_BULK
            messages.append(message)
    return messages, refused


def batch_of_messages(
    title: str,
    user_id: int,
    messages: Sequence[OutputSMSMessage],
    related: Iterable[OutputSMSRelatedObject] = (),
    *,
    token: UUID | None = None,
    tag: str = "",
    send_after: datetime | None = None,
    expires_at: datetime | None = None,
) -> Batch:
    """A bulk send of messages at hand, which runs at once: to write up to a thousand of them in one transaction.

    Args:
        messages: unsaved, as `smsoffice.models.accept.draft` makes them.
        related: unsaved relations of these messages, as `relations_of` makes them.
        token: the page's one-time token, which becomes the bulk send's key.
        tag, send_after, expires_at: what its page says of all of them.

    Raises:
        AlreadyConfirmed: there is one with this token.
    """
    now, count = timezone.now(), len(messages)
    batch = Batch(
        pk=token or uuid4(),
        title=title,
        user_id=user_id,
        tag=tag,
        send_after=send_after,
        expires_at=expires_at,
        status=Status.RUNNING,
        total=count,
        sendable=count,
        accepted=count,
        check_progress=count,
        checked_at=now,
        started_at=now,
    )
    with transaction.atomic():
        if not _made(batch):
            raise AlreadyConfirmed(Batch.objects.get(pk=batch.pk))
        for row, message in enumerate(messages, start=1):
            message.batch_id, message.batch_row, message.priority = batch.pk, row, PRIORITY_BULK
        insert(messages, related)
        _count_uses(messages)
    return batch


def _count_uses(messages: Iterable[OutputSMSMessage]) -> None:
    for slug, uses in Counter(message.template_slug for message in messages).items():
        count_use(slug, uses)


def _made(batch: Batch) -> bool:
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
    except IntegrityError:
        return False
    return True
