"""Acceptance: a clean row in WAITING, or an error before any row is written.

The number becomes E.164, the text plain and of the right alphabet; then the row is inserted, and once the
caller's transaction has committed `messages_accepted` is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from smsoffice import encoding, phone
from smsoffice.exceptions import InvalidContent, InvalidOption
from smsoffice.models.common import storable
from smsoffice.models.sms import (
    PRIORITY_SINGLE,
    AbstractSMSTemplate,
    OutputSMSMessage,
    OutputSMSRelatedObject,
)
from smsoffice.models.uses import count_use
from smsoffice.signals import messages_accepted

MAX_SEGMENTS = 10
"""What the strictest of the gateways takes as one message (ATS, code 342)."""

FIRST_YEAR, LAST_YEAR = 1970, 9000
"""The years in which a message may be due or run out of time."""


def accept(
    recipient: str,
    content: str,
    related_objects: Iterable[models.Model] | None = None,
    tag: str | None = None,
    *,
    idempotency_key: str | None = None,
    send_after: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int | None = None,
    template: AbstractSMSTemplate | None = None,
    extra_data: Mapping[str, Any] | None = None,
) -> OutputSMSMessage:
    """Write one WAITING row; arguments as for `smsoffice.backend.sms.send`.

    Returns:
        The new message, or the first one that was accepted with this idempotency key.

    Raises:
        SMSError: the message is refused, and no row was written.
    """
    # First of all: a call that is repeated after its `expires_at` gets the first message too.
    if (key := clean_key(idempotency_key)) and (first := _of_key(key)):
        return first
    options = clean_options(tag, send_after, expires_at, PRIORITY_SINGLE if priority is None else priority)
    message = draft(recipient, content, options, idempotency_key, template, extra_data)
    relations = relations_of(message, related_objects)
    if key is None:
        _insert(message, relations)
        return message
    try:
        with transaction.atomic():
            _insert(message, relations)
    except IntegrityError:
        # Another call with this key committed between the question and the insert.
        if first := _of_key(key):
            return first
        raise
    return message


def _of_key(key: str) -> OutputSMSMessage | None:
    return OutputSMSMessage.objects.filter(idempotency_key=key).first()


def _insert(message: OutputSMSMessage, relations: Sequence[OutputSMSRelatedObject]) -> None:
    if relations:
        with transaction.atomic():
            message.save(force_insert=True)
            OutputSMSRelatedObject.objects.bulk_create(relations)
            announce([message])
    else:
        message.save(force_insert=True)
        announce([message])
    count_use(message.template_slug, 1)


def announce(messages: Iterable[OutputSMSMessage]) -> None:
    """Tell the floors above, as soon as the caller's transaction has committed and not if it rolls back."""
    transaction.on_commit(partial(messages_accepted.send, sender=OutputSMSMessage, messages=messages))


def draft(
    recipient: str,
    content: str,
    options: Mapping[str, Any],
    idempotency_key: str | None = None,
    template: AbstractSMSTemplate | None = None,
    extra_data: Mapping[str, Any] | None = None,
) -> OutputSMSMessage:
    """The unsaved row of a message, cleaned.

    Raises:
        InvalidRecipient: the number is not possible.
        InvalidContent: the text is empty or too long.
        InvalidOption: the idempotency key or the extra data cannot be stored.
    """
    number = phone.to_e164(recipient)
    text, alphabet, segments = clean_content(content)
    return OutputSMSMessage(
        recipient=number,
        content=text,
        encoding=alphabet,
        segments=segments,
        idempotency_key=clean_key(idempotency_key),
        template=template,  # type: ignore[misc]  # the model in force, which a host may have swapped
        template_slug=template.slug if template else "",
        template_version=template.version if template else None,
        extra_data=_clean_extra_data(extra_data) if extra_data else {},
        **options,
    )


def clean_content(content: str) -> tuple[str, str, int]:
    """The text as it will be sent, its alphabet and its number of segments.

    Raises:
        InvalidContent: it is no text, nothing is left to send, or it makes more than MAX_SEGMENTS.
    """
    given: object = content
    if not isinstance(given, (str, Promise)):
        words = _("The content is not a text but of the type %(type)s. Pass a text.")
        raise InvalidContent(words % {"type": type(given).__name__})
    text, _replaced = encoding.apply_accent_policy(str(given))
    if not text.strip():
        raise InvalidContent(_("The text is empty. Write what is to be sent."))
    alphabet, _units, segments = encoding.count(text)
    if segments > MAX_SEGMENTS:
        words = _("The text makes %(parts)d parts; at most %(most)d can be sent. Shorten it.")
        raise InvalidContent(words % {"parts": segments, "most": MAX_SEGMENTS})
    return text, alphabet, segments


def clean_options(
    tag: str | None, send_after: datetime | None, expires_at: datetime | None, priority: int
) -> dict[str, Any]:
    """The columns that all messages of one call share.

    Raises:
        InvalidOption: one of them makes no sense; the text names it.
    """
    now = timezone.now()
    times: dict[str, object] = {"send_after": send_after, "expires_at": expires_at}
    for name, moment in times.items():
        if moment is not None and not isinstance(moment, datetime):
            words = _("%(name)s is not a datetime. Pass one with a time zone, or none.")
            raise InvalidOption(words % {"name": name})
        if moment is not None and settings.USE_TZ and timezone.is_naive(moment):
            words = _("%(name)s has no time zone. Pass an aware datetime, as django.utils.timezone.now() gives.")
            raise InvalidOption(words % {"name": name})
        # Near the ends of the calendar, the same moment in another zone is of a year that does not exist.
        if moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            words = _("%(name)s is not in the years %(first)d to %(last)d. Pass a time in them, or none.")
            raise InvalidOption(words % {"name": name, "first": FIRST_YEAR, "last": LAST_YEAR})
    if expires_at is not None and expires_at <= max(now, send_after or now):
        raise InvalidOption(_("expires_at is not after the time of sending. Pass a later time, or none."))
    if tag is not None and not _is_text(tag, 100):
        raise InvalidOption(_("tag is not a text of at most 100 characters."))
    if isinstance(priority, bool) or not isinstance(priority, int) or not -32768 <= priority <= 32767:
        raise InvalidOption(_("priority is not a whole number between -32768 and 32767."))
    due_at = max(now, send_after or now)
    return {
        "tag": tag or "",
        "send_after": send_after,
        "due_at": due_at,
        "expires_at": expires_at,
        "priority": priority,
    }


def clean_key(key: str | None) -> str | None:
    if key is not None and not (key and _is_text(key, 200)):
        raise InvalidOption(_("idempotency_key is not a text of 1 to 200 characters."))
    return key


def _is_text(value: object, longest: int) -> bool:
    """Whether it is a text that a column of this length takes."""
    return isinstance(value, str) and len(value) <= longest and storable(value) == value


def _clean_extra_data(extra_data: Mapping[str, Any]) -> dict[str, Any]:
    try:
        text = DjangoJSONEncoder(allow_nan=False, ensure_ascii=False).encode(extra_data)
    except (TypeError, ValueError) as error:
        words = _("The extra data cannot be stored as JSON: %(error)s. Pass plain data.")
        raise InvalidOption(words % {"error": error}) from error
    if storable(data := json.loads(text)) != data:
        raise InvalidOption(
            _("The extra data has characters that cannot be stored: NUL or half a letter. Leave them out.")
        )
    return dict(extra_data)


def relations_of(message: OutputSMSMessage, objects: Iterable[models.Model] | None) -> list[OutputSMSRelatedObject]:
    """The unsaved relations of a message, each object once.

    Raises:
        InvalidOption: they are no list of objects, or one of them is not saved.
    """
    try:
        relations = [OutputSMSRelatedObject.to(message, obj) for obj in objects or ()]
    except (AttributeError, TypeError, ValueError) as error:
        words = _("related_objects must be a list of saved model instances: %(error)s.")
        raise InvalidOption(words % {"error": error}) from error
    return list({(r.content_type_id, r.object_id): r for r in relations}.values())
