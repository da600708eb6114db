"""Bulk sends that send messages again: which ones is fixed when the draft is made, and each goes once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from itertools import count, islice
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.bulk import CHUNK
from smsoffice.models.decisions import copy_of, relations_like
from smsoffice.models.resending import AGAIN, DELIVERED, KINDS, NEVER, REMOVED, RESENT, kind_by, kind_of
from smsoffice.models.sms import PRIORITY_BULK, OutputSMSMessage, OutputSMSRelatedObject

MOST = 100_000
"""Messages that are looked at, and that one bulk send sends again."""


class Resends(NamedTuple):
    """What a chunk becomes: unsaved messages, their relations, and who is left out, as a chunk keeps it."""

    messages: list[OutputSMSMessage]
    relations: list[OutputSMSRelatedObject]
    refused: list[list[object]]


class Chosen(NamedTuple):
    """Messages that could be sent again.

    Args:
        keys: those of each kind, the newest first; none of the kinds that are never sent again.
        numbers: how many there are of each kind.
        parts: of how many parts these are.
        more: whether there are more than MOST, at which nobody has looked.
    """

    keys: dict[str, list[int]]
    numbers: Counter[str]
    parts: Counter[str]
    more: bool


def read_chosen(messages: QuerySet[OutputSMSMessage]) -> Chosen:
    """Tell which messages could be sent again, and what is known of them."""
    newer = OutputSMSMessage.objects.filter(resend_of=OuterRef("pk"))
    rows = messages.annotate(is_resent=Exists(newer)).order_by("-created_at", "-id")
    # Not with a cursor of the database: each piece that is fetched of one would have the time of a search anew.
    found = rows.values_list("pk", "state", "error", "recipient", "segments", "is_resent")[: MOST + 1]
    chosen, known = Chosen(defaultdict(list), Counter(), Counter(), more=len(found) > MOST), cache(kind_by)
    for pk, state, error, recipient, segments, is_resent in found[:MOST]:
        kind = known(state, error, is_removed=not recipient, resent=is_resent)
        chosen.numbers[kind] += 1
        chosen.parts[kind] += segments
        if kind not in NEVER:
            chosen.keys[kind].append(pk)
    return chosen


def store_resends(chosen: Chosen, user_id: int, title: str) -> Batch:
    """Keep as a draft which messages could be sent again, in chunks of one kind each.

    How many there are of each kind, and of how many parts, stands in its `summary`.
    """
    total = sum(map(len, chosen.keys.values()))
    batch = Batch.objects.create(
        title=title,
        user_id=user_id,
        is_resend=True,
        total=total,
        sendable=total,
        check_progress=total,
        checked_at=timezone.now(),
        summary={"kinds": dict(chosen.numbers), "parts": dict(chosen.parts), "more": chosen.more},
    )
    place, row = count(), count(1)
    for kind in KINDS:
        keys = chosen.keys.get(kind, [])
        for start in range(0, len(keys), CHUNK):
            lines = [[next(row), [pk, kind]] for pk in keys[start : start + CHUNK]]
            BatchChunk.objects.create(batch=batch, number=next(place), rows=lines)
    return batch


def first_of(draft: Batch, kinds: Collection[str], most: int) -> list[int]:
    """The keys of the first messages of some kinds that a draft would send."""
    chunks = draft.chunks.order_by("number").iterator(chunk_size=1)
    return list(islice((pk for chunk in chunks for _row, (pk, kind) in chunk.rows if kind in kinds), most))


def narrow(batch_id: UUID, kinds: Collection[str], number: int, send_after: datetime | None) -> bool:
    """Keep of a draft the kinds that were ticked, before it is confirmed.

    Args:
        number: how many messages the user has agreed to.
        send_after: not before this time.

    Returns:
        Whether the draft has just as many of these kinds.
    """
    with transaction.atomic(), translation.override(settings.LANGUAGE_CODE):
        draft = Batch.objects.select_for_update().filter(pk=batch_id, status=Batch.Status.DRAFT).first()
        if draft is None:
            return True
        kept = {kind: n for kind, n in draft.summary["kinds"].items() if kind in kinds and kind not in NEVER}
        if sum(kept.values()) != number:
            return False
        for chunk in draft.chunks.iterator(chunk_size=1):
            if chunk.rows[0][1][1] not in kept:
                chunk.delete()
        draft.summary = {**draft.summary, "kinds": kept}
        draft.total = draft.sendable = draft.check_progress = number
        draft.title = ngettext("Resend of %d message", "Resend of %d messages", number) % number
        draft.send_after = send_after
        draft.save()
    return True


def resends_of(rows: Sequence[tuple[int, tuple[int, str]]], batch: Batch) -> Resends:
    """The messages of a chunk's rows, in the caller's transaction; what is no longer to be sent again is left out.

    The first messages are locked, so that two bulk sends do not repeat one message at once.
    """
    keys = [pk for _row, (pk, _kind) in rows]
    locked = OutputSMSMessage.objects.filter(pk__in=keys).order_by("pk").select_for_update()
    originals = {message.pk: message for message in locked.prefetch_related("related_objects")}
    resent = set(OutputSMSMessage.objects.filter(resend_of__in=keys).values_list("resend_of", flat=True))
    made = Resends([], [], [])
    for row, (pk, kind) in rows:
        original = originals.get(pk)
        if original is None:
            made.refused.append([row, "", "", _("The message was removed meanwhile.")])
        elif reason := _why_not(kind, kind_of(original, resent=pk in resent)):
            made.refused.append([row, "", "", reason])
        else:
            copy = copy_of(original, PRIORITY_BULK, batch.send_after)
            copy.batch, copy.batch_row = batch, row
            made.messages.append(copy)
            made.relations.extend(relations_like(original, copy))
    return made


def _why_not(chosen: str, now: str) -> str:
    """Why a message is not sent again that was of one kind when it was chosen; empty where it is."""
    # What has failed since is not in doubt any more.
    if now in {chosen, AGAIN}:
        return ""
    reasons = {
        REMOVED: _("The message was removed meanwhile."),
        RESENT: _("It was sent again meanwhile."),
        DELIVERED: _("It was delivered after all."),
    }
    return reasons.get(now, _("Its state has changed meanwhile."))
