"""Acceptance of many rows: read once, never held whole, written by the thousand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from smsoffice import rendering
from smsoffice.exceptions import SMSError, TemplateOff
from smsoffice.models.accept import announce, clean_options, draft, relations_of
from smsoffice.models.sms import (
    PRIORITY_BULK,
    AbstractSMSTemplate,
    OutputSMSMessage,
    OutputSMSRelatedObject,
)
from smsoffice.models.uses import count_use

CHUNK = 1000
"""Rows a transaction: enough to be quick, few enough to be held."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not accepted: its number, counted from 1, and the reason in words."""

    row: int
    reason: str


@dataclass(slots=True)
class BulkResult:
    """What became of the rows of a bulk send; a row whose idempotency key was used before counts as accepted."""

    accepted: int = 0
    refused: list[RefusedRow] = field(default_factory=list)


def accept_many(
    template: AbstractSMSTemplate,
    rows: Iterable[Mapping[str, Any]],
    tag: str | None = None,
    *,
    send_after: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int | None = None,
) -> BulkResult:
    """Write a WAITING row for each of `rows`; arguments as for `smsoffice.backend.sms.bulk_send_template`.

    Outside a transaction each thousand is committed by itself; inside one all of them are the caller's.

    Raises:
        SMSError: the options make no sense, or the template's text is broken; no row was read.
    """
    if not template.is_active:
        raise TemplateOff(template.slug)
    options = clean_options(tag, send_after, expires_at, PRIORITY_BULK if priority is None else priority)
    if type(template).render_body is AbstractSMSTemplate.render_body:
        # Said once, and not of each row; a host with another renderer knows itself what is broken.
        rendering.compile_body(template.get_body())
    result = BulkResult()
    numbered = enumerate(rows, start=1)
    while chunk := list(islice(numbered, CHUNK)):
        drafts = dict(_drafts(template, chunk, options, result))
        _insert_new(list(drafts.values()))
        result.accepted += len(drafts)
    return result


_Draft = tuple[OutputSMSMessage, list[OutputSMSRelatedObject]]


def _drafts(
    template: AbstractSMSTemplate,
    chunk: Iterable[tuple[int, Mapping[str, Any]]],
    options: Mapping[str, Any],
    result: BulkResult,
) -> Iterator[tuple[int, _Draft]]:
    for number, row in chunk:
        try:
            yield number, _draft(template, row, options)
        except SMSError as error:
            result.refused.append(RefusedRow(number, str(error)))


def _draft(template: AbstractSMSTemplate, row: Mapping[str, Any], options: Mapping[str, Any]) -> _Draft:
    try:
        recipient, context_data = row["recipient"], row["context_data"]
    except (KeyError, TypeError, IndexError) as error:
        raise SMSError(gettext("The row is not a dict with “recipient” and “context_data”.")) from error
    if not template.can_send(recipient, context_data):
        raise SMSError(gettext("The template may not be sent to this recipient."))
    message = draft(recipient, template.render_body(context_data), options, row.get("idempotency_key"), template)
    return message, relations_of(message, row.get("related_objects"))


def _insert_new(drafts: list[_Draft]) -> None:
    """Insert what no idempotency key says is there already, also when another call inserts the same meanwhile."""
    while new := _without_known_keys(drafts):
        try:
            with transaction.atomic():
                _insert(new)
        except IntegrityError:
            if len(_without_known_keys(drafts)) == len(new):
                raise
        else:
            return


def _without_known_keys(drafts: list[_Draft]) -> list[_Draft]:
    """One draft for each key that no row has, and all that have no key."""
    keys = {message.idempotency_key for message, _ in drafts if message.idempotency_key}
    if not keys:
        return drafts
    seen = set(OutputSMSMessage.objects.filter(idempotency_key__in=keys).values_list("idempotency_key", flat=True))
    new = []
    for message, relations in drafts:
        if message.idempotency_key not in seen:
            new.append((message, relations))
        if message.idempotency_key:
            seen.add(message.idempotency_key)
    # One order for all: two calls with the same keys may wait for each other, but never both at once.
    return sorted(new, key=lambda draft: draft[0].idempotency_key or "")


def _insert(drafts: list[_Draft]) -> None:
    messages = [message for message, _ in drafts]
    insert(messages, [relation for _, relations in drafts for relation in relations])
    count_use(messages[0].template_slug, len(messages))
    announce(OutputSMSMessage.objects.filter(pk__in=[message.pk for message in messages]))


def insert(messages: Sequence[OutputSMSMessage], relations: Iterable[OutputSMSRelatedObject]) -> None:
    """Write unsaved messages and the unsaved relations of them, in the caller's transaction."""
    OutputSMSMessage.objects.bulk_create(messages)
    relations = list(relations)
    for relation in relations:
        # bulk_create has given the message its key since the relation was made.
        relation.output_sms_message = relation.output_sms_message
    OutputSMSRelatedObject.objects.bulk_create(relations)
