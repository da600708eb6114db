"""Sending: `send`, `send_template`, `bulk_send_template`, and the class that a gateway extends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from django.apps import apps
from django.db.models import Model

from smsoffice.backend.sms.base import SMSBackend, get_sms_backend
from smsoffice.conf import conf
from smsoffice.exceptions import TemplateNotFound
from smsoffice.models.accept import accept
from smsoffice.models.bulk import BulkResult, RefusedRow, accept_many
from smsoffice.models.common import storable
from smsoffice.models.sms import AbstractSMSTemplate, OutputSMSMessage

__all__ = [
    "BulkResult",
    "RefusedRow",
    "SMSBackend",
    "bulk_send_template",
    "get_sms_backend",
    "get_template_model",
    "send",
    "send_template",
]


def send(
    recipient: str,
    content: str,
    related_objects: Iterable[Model] | None = None,
    tag: str | None = None,
    *,
    idempotency_key: str | None = None,
    send_after: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int | None = None,
    **sms_attrs: Any,
) -> OutputSMSMessage:
    """Accept one message; it leaves when the caller's transaction has committed, and exactly once.

    Args:
        recipient: a phone number in any spelling.
        content: the text. Unless PYMESS_SMS_USE_ACCENT is set, letters that GSM-7 lacks are transliterated.
        related_objects: saved model instances that the message belongs to.
        tag: a mark to find it by, at most 100 characters.
        idempotency_key: a second call with the same key gives back the first message and sends nothing.
        send_after: not before this time (aware); at once if None.
        expires_at: never handed over later than this time (aware).
        priority: the higher is sent first; None is that of a single message, before all bulk.
        sms_attrs: kept in the message's `extra_data`.

    Returns:
        The message. Outside a transaction, and with PYMESS_SMS_BATCH_SENDING off, its state is the gateway's answer.

    Raises:
        SMSError: the message is refused, and no row was written. InvalidRecipient, InvalidContent and
            InvalidOption tell what is wrong.
    """
    return accept(
        recipient,
        content,
        related_objects,
        tag,
        idempotency_key=idempotency_key,
        send_after=send_after,
        expires_at=expires_at,
        priority=priority,
        extra_data=sms_attrs,
    )


def send_template(
    recipient: str,
    slug: str,
    context_data: Mapping[str, Any],
    related_objects: Iterable[Model] | None = None,
    tag: str | None = None,
    *,
    idempotency_key: str | None = None,
    send_after: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int | None = None,
) -> OutputSMSMessage | None:
    """Accept one message written from a template.

    Args:
        slug: the template's.
        context_data: plain data (text, numbers, dates, booleans, lists and dicts) for the template's variables.
        others: as for `send`.

    Returns:
        The message; None where the template is switched off, or its `can_send` said no.

    Raises:
        TemplateNotFound: there is no such template.
        TemplateError: it cannot be rendered; MissingVariables names what the data lacks.
        SMSError: as for `send`.
    """
    options = {
        "idempotency_key": idempotency_key,
        "send_after": send_after,
        "expires_at": expires_at,
        "priority": priority,
    }
    # A host's template may override `send` as pymess knows it, without the options that came later.
    given = {name: value for name, value in options.items() if value is not None}
    return get_template(slug).send(recipient, context_data, related_objects, tag, **given)


def bulk_send_template(
    slug: str,
    rows: Iterable[Mapping[str, Any]],
    tag: str | None = None,
    *,
    send_after: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int | None = None,
) -> BulkResult:
    """Accept a message for each row, written from one template; rows that are refused leave the others alone.

    Args:
        rows: dicts with `recipient`, `context_data` and, if need be, `related_objects` and `idempotency_key`;
            read once and never held whole.
        others: as for `send`; without a priority all of them go behind single messages.

    Returns:
        How many were accepted, and which rows were refused, each with its number (from 1) and the reason.

    Raises:
        TemplateNotFound, TemplateOff, TemplateError, InvalidOption: nothing was accepted.
    """
    template = get_template(slug)
    return accept_many(template, rows, tag, send_after=send_after, expires_at=expires_at, priority=priority)


def get_template_model() -> type[AbstractSMSTemplate]:
    """The template model in force, PYMESS_SMS_TEMPLATE_MODEL."""
    return cast(type[AbstractSMSTemplate], apps.get_model(conf.SMS_TEMPLATE_MODEL))


def get_template(slug: str) -> AbstractSMSTemplate:
    """The template with this slug, or TemplateNotFound."""
    # No database has, or can be asked for, what it cannot store.
    template = get_template_model()._default_manager.filter(slug=slug).first() if storable(slug) == slug else None
    if template is None:
        raise TemplateNotFound(slug)
    return template
