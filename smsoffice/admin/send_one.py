"""A list of one number: sent as a single message, once, with the text that was shown."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from smsoffice.exceptions import SMSError
from smsoffice.models.accept import accept
from smsoffice.models.batch import Batch
from smsoffice.models.batch_draft import sendable_row
from smsoffice.models.sms import OutputSMSMessage


def send_one(batch: Batch, user_id: int) -> OutputSMSMessage | None:
    """Accept the one message of a draft and remove the draft.

    Returns:
        None where somebody was faster: it was sent before.

    Raises:
        SMSError: it cannot be sent; nothing was.
    """
    with transaction.atomic(), translation.override(settings.LANGUAGE_CODE):
        # The lock lets one click through; the next one finds no draft.
        draft = Batch.objects.select_for_update(of=("self",)).filter(pk=batch.pk, status=Batch.Status.DRAFT).first()
        if draft is None:
            return None
        found = sendable_row(draft, 1)
        if found is None:
            raise SMSError(_("No row of the list can be sent. Correct the list."))
        _line, row = found
        message = accept(
            row.recipient,
            row.content,
            tag=draft.tag,
            idempotency_key=_key_of(draft.pk),
            send_after=draft.send_after,
            expires_at=draft.expires_at,
            template=row.template,
        )
        LogEntry.objects.create(
            user_id=user_id,
            content_type=ContentType.objects.get_for_model(message),
            object_id=str(message.pk),
            object_repr=str(message),
            action_flag=ADDITION,
            change_message=_("Sent."),
        )
        draft.chunks.all().delete()
        draft.delete()
    return message


def sent_before(batch_id: UUID) -> OutputSMSMessage | None:
    """The message that was sent from a draft which is gone by now."""
    return OutputSMSMessage.objects.filter(idempotency_key=_key_of(batch_id)).first()


def _key_of(batch_id: UUID) -> str:
    return f"draft-{batch_id}"
