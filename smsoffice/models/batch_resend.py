"""Bulk sends that send failed messages again: which ones is fixed when the draft is made, and each goes once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.bulk import CHUNK
from smsoffice.models.decisions import copy_of, relations_like
from smsoffice.models.lasting import is_lasting
from smsoffice.models.sms import PRIORITY_BULK, OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State

MOST = 100_000
"""Messages that one bulk send sends again."""


class Resends(NamedTuple):
    """What a chunk becomes: unsaved messages, their relations, and who is left out, as a chunk keeps it."""

    messages: list[OutputSMSMessage]
    relations: list[OutputSMSRelatedObject]
    refused: list[list[object]]


def store_resends(failed: QuerySet[OutputSMSMessage], user_id: int, title: str) -> Batch:
    """Keep as a draft which failed messages are to be sent again, the newest first.

    Those that would fail again and those that were sent again already are left out and counted in `summary`.

    Args:
        failed: messages of the log; those that are no ERROR are left out without a word.
    """
    newer = OutputSMSMessage.objects.filter(resend_of=OuterRef("pk"))
    rows = failed.filter(state=State.ERROR).annotate(is_resent=Exists(newer)).order_by("-created_at", "-id")
    found = rows.values_list("pk", "error", "segments", "is_resent")[: MOST + 1]
    counts: Counter[str] = Counter()
    going: list[int] = []
    lasting: dict[str, bool] = {}
    for pk, error, segments, is_resent in found.iterator(chunk_size=CHUNK):
        if error not in lasting:
            lasting[error] = is_lasting(error)
        kind = "resent" if is_resent else "hopeless" if lasting[error] else "again"
        counts[kind] += 1
        if kind == "again" and len(going) < MOST:
            going.append(pk)
            counts["parts"] += segments
    now, numbered = timezone.now(), enumerate(going, start=1)
    batch = Batch.objects.create(
        title=title,
        user_id=user_id,
        is_resend=True,
        total=len(going),
        sendable=len(going),
        check_progress=len(going),
        checked_at=now,
        summary={**counts, "more": sum(counts[kind] for kind in ("again", "hopeless", "resent")) > MOST},
    )
    place = 0
    while chunk := [(row, [pk]) for row, pk in islice(numbered, CHUNK)]:
        BatchChunk.objects.create(batch=batch, number=place, rows=chunk)
        place += 1
    return batch


def resends_of(rows: Sequence[tuple[int, Sequence[int]]], batch: Batch) -> Resends:
    """The messages of a chunk's rows, in the caller's transaction; what is no longer to be sent again is left out.

    The first messages are locked, so that two bulk sends do not repeat one message at once.
    """
    keys = [pk for _row, (pk,) in rows]
    locked = OutputSMSMessage.objects.filter(pk__in=keys).order_by("pk").select_for_update()
    originals = {message.pk: message for message in locked.prefetch_related("related_objects")}
    resent = set(OutputSMSMessage.objects.filter(resend_of__in=keys).values_list("resend_of", flat=True))
    made = Resends([], [], [])
    for row, (pk,) in rows:
        original = originals.get(pk)
        if reason := _why_not(original, resent):
            made.refused.append([row, "", "", reason])
        elif original is not None:
            copy = copy_of(original, PRIORITY_BULK, batch.send_after)
            copy.batch, copy.batch_row = batch, row
            made.messages.append(copy)
            made.relations.extend(relations_like(original, copy))
    return made


def _why_not(original: OutputSMSMessage | None, resent: set[int | None]) -> str:
    if original is None or not original.recipient:
        return _("The message was removed meanwhile.")
    if original.pk in resent:
        return _("It was sent again meanwhile.")
    if original.state != State.ERROR:
        return _("It was delivered after all.")
    return ""
