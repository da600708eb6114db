"""The only door to a message's state: every change is guarded by the table and written to the timeline.

Evidence comes in batches, and a batch costs the same few queries whatever its size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, CharField, DateTimeField, F, Q, Value, When
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from smsoffice.models.batch import Batch
from smsoffice.models.common import storable
from smsoffice.models.outage import outlasting
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.states import OPEN, State, may_become

Source = OutputSMSEvent.Source

FIRST_CHECK = timedelta(seconds=2)
LAST_CHECK = timedelta(hours=6)

TAKEN = frozenset({State.SENDING, State.SENT, State.DELIVERED})
"""What only a message can become that the gateway has."""

MAY_DOUBT = frozenset({Source.QUEUE, Source.OPERATOR})
"""Who may give up what the gateway has said."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What somebody says became of a message.

    Args:
        message_id: the message that it speaks of.
        state: the state that it proves; the state that the message has already, where it only adds words.
        source: who says so.
        code: the gateway's own code, as received.
        words: what was said, for the timeline.
        error: why, in words for an operator; shown beside the state. Kept only with a change or a reason.
        external_id: the gateway's own reference.
        extra: what else the gateway told; replaces `extra_sender_data` where given.
        due_at: with WAITING, when it may be handed over again.
        claimed_at: with WAITING, the hand-over that it speaks of (its `sent_at`): what a process that slept learnt of
            an old hand-over must not release the claim of another.
        spent: with WAITING, whether the hand-over counts as one of the attempts that are allowed.
        ask: whether the gateway may be asked about it from now on.
        user_id: the operator, where one decided.
    """

    message_id: int
    state: State
    source: OutputSMSEvent.Source
    code: str = ""
    words: str = ""
    error: str = ""
    external_id: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
    claimed_at: datetime | None = None
    spent: bool = True
    ask: bool = True
    user_id: int | None = None


class _Move(NamedTuple):
    """What the rows of one guarded UPDATE have in common."""

    old: State
    new: State
    source: OutputSMSEvent.Source
    spent: bool
    ask: bool


class _Row(NamedTuple):
    """What is known of a row before it is written."""

    state: str
    sent_at: datetime | None
    send_attempts: int
    batch_id: UUID | None


class Overtaken(Exception):
    """Somebody else moved one of the messages first."""


def check_delay(age: timedelta) -> timedelta:
    """How long to wait before the next question about a message handed over `age` ago: less and less often."""
    return min(max(age / 2, FIRST_CHECK), LAST_CHECK)


def hand_over(
    messages: Sequence[OutputSMSMessage],
    backend: str,
    into: State,
    check_after: datetime | None,
    own_prefix: str | None = None,
) -> None:
    """Move claimed messages out of WAITING, before anything leaves; the instances follow.

    The caller's transaction is around it, and is to be rolled back where this raises.

    Args:
        messages: rows read as WAITING, and locked where the database can.
        backend: path of the gateway's class.
        into: UNKNOWN, or DEBUG for a gateway that sends nothing.
        check_after: when to ask about them at the earliest, if no answer is recorded until then.
        own_prefix: what stands before a message's key in the id that we give it at the gateway; None where the
            gateway gives the id. The row keeps the id, so that it can be asked about whatever the setting becomes.

    Raises:
        Overtaken: another worker was faster with one of them, or a bulk send of theirs does not run any more.
    """
    now = timezone.now()
    sent_at = now if into == State.UNKNOWN else None
    waiting = OutputSMSMessage.objects.filter(pk__in=[m.pk for m in messages], state=State.WAITING)
    if any(m.batch_id for m in messages):
        # A pause that was committed a moment before holds.
        waiting = waiting.filter(Q(batch=None) | Q(batch__in=Batch.objects.filter(status=Batch.Status.RUNNING)))
    moved = waiting.update(
        state=into,
        backend=backend,
        sent_at=sent_at,
        check_after=check_after,
        changed_at=now,
        error="",
        external_id="" if own_prefix is None else Concat(Value(own_prefix), Cast("pk", CharField())),
        send_attempts=F("send_attempts") + 1,
    )
    if moved != len(messages):
        raise Overtaken
    OutputSMSEvent.objects.bulk_create(
        OutputSMSEvent(message_id=m.pk, created_at=now, from_state=State.WAITING, to_state=into, source=Source.QUEUE)
        for m in messages
    )
    for message in messages:
        message.state, message.backend, message.error = into, backend, ""
        message.sent_at, message.check_after, message.changed_at = sent_at, check_after, now
        message.external_id = "" if own_prefix is None else f"{own_prefix}{message.pk}"
        message.send_attempts += 1
        message.hold()


def record(
    evidence: Collection[Evidence],
    held: Iterable[OutputSMSMessage] = (),
) -> set[int]:
    """Write what was learnt of some messages: their new states where the table allows them, and their timelines.

    An answer that a gateway gave comes only once: where the database went away meanwhile it is written when it is
    back, unless the caller's transaction went with the old connection.

    Args:
        evidence: at most one piece a message.
        held: instances of these messages; their states are taken for the rows' until the database disagrees, and
            they follow what was written.

    Returns:
        The keys of the messages whose evidence was not ignored.
    """
    if not evidence:
        return set()
    evidence = [_storable(e) for e in evidence]
    instances = {message.pk: message for message in held}
    now = timezone.now()
    accepted, states = outlasting(
        lambda again: (again and _written(evidence, now)) or _record(evidence, instances, now),
    )
    _follow(instances, evidence, accepted, states)
    return accepted


def _written(evidence: Collection[Evidence], at: datetime) -> tuple[set[int], dict[int, str]] | None:
    """What an attempt has written of which nobody heard that it was committed; None where it was not.

    Args:
        at: when the evidence came, by which its lines in the timelines are known.
    """
    lines = OutputSMSEvent.objects.filter(message_id__in=[e.message_id for e in evidence], created_at=at)
    accepted, states = set(), {}
    for key, old, new, ignored in lines.order_by("pk").values_list("message_id", "from_state", "to_state", "ignored"):
        states[key] = old if ignored else new
        if not ignored:
            accepted.add(key)
    return (accepted, states) if states else None


def _record(
    evidence: Collection[Evidence], instances: Mapping[int, OutputSMSMessage], now: datetime
) -> tuple[set[int], dict[int, str]]:
    """Write it by what the instances say of the rows, or else by what the rows say."""
    expected = {pk: _Row(m.held_state, m.claimed_at, m.send_attempts, m.batch_id) for pk, m in instances.items()}
    try:
        if not all(e.message_id in expected for e in evidence):
            raise Overtaken
        with transaction.atomic():
            accepted, states = _write(evidence, expected, now)
            if len(accepted) < len(evidence):
                # That news is to be ignored is for the row to say, and not for an instance that may be stale.
                raise Overtaken
    except Overtaken:
        return _record_locked(evidence, now)
    return accepted, states


def _record_locked(evidence: Collection[Evidence], now: datetime) -> tuple[set[int], dict[int, str]]:
    with transaction.atomic():
        rows = OutputSMSMessage.objects.select_for_update().order_by("pk")
        rows = rows.filter(pk__in=[e.message_id for e in evidence])
        columns = rows.values_list("pk", "state", "sent_at", "send_attempts", "batch_id")
        known = {pk: _Row(state, sent_at, attempts, batch) for pk, state, sent_at, attempts, batch in columns}
        return _write(evidence, known, now)


def _storable(e: Evidence) -> Evidence:
    """What a gateway says may be anything; it must not keep a state from being written, its own or a neighbour's."""
    # A reference that is cut short would name another message, or none.
    external_id = storable(e.external_id) if len(e.external_id) <= 200 else ""
    words, error, extra = storable(e.words), storable(e.error), storable(e.extra)
    return replace(e, code=storable(e.code)[:50], words=words, error=error, external_id=external_id, extra=extra)


def _write(evidence: Collection[Evidence], rows: Mapping[int, _Row], now: datetime) -> tuple[set[int], dict[int, str]]:
    """The guarded updates, one for each pair of states at hand, and one insert of events."""
    moves: dict[_Move, list[Evidence]] = defaultdict(list)
    events, accepted, after = [], set(), {}
    for e in evidence:
        if (row := rows.get(e.message_id)) is None:
            continue
        old, taken = row.state, _is_taken(e, row)
        after[e.message_id] = e.state if taken else old
        if taken:
            accepted.add(e.message_id)
            if e.state != old or e.error or e.external_id or e.extra:
                moves[_Move(State(old), State(e.state), e.source, e.spent, e.ask)].append(e)
            if _was_put_back(e, row):
                events.append(_event(replace(e, state=State.UNKNOWN), old, now, ignored=False))
                old = State.UNKNOWN
        events.append(_event(e, old, now, ignored=not taken))
    for move, group in moves.items():
        _update(move, group, now)
        if move.new == State.WAITING and (bulk_sends := {b for e in group if (b := rows[e.message_id].batch_id)}):
            Batch.reopen(bulk_sends)
    OutputSMSEvent.objects.bulk_create(events)
    return accepted, after


def _is_taken(e: Evidence, row: _Row) -> bool:
    if e.state == State.WAITING and e.claimed_at != row.sent_at:
        return False
    if (row.state, e.state) == (State.SENDING, State.UNKNOWN) and e.source not in MAY_DOUBT:
        # A receipt was faster than the answer, and an answer that was lost takes nothing from what is known.
        return False
    return e.state == row.state or may_become(row.state, e.state) or _was_put_back(e, row)


def _was_put_back(e: Evidence, row: _Row) -> bool:
    """Whether a gateway has, after all, what waits again: by way of UNKNOWN, so that it does not leave twice."""
    return row.state == State.WAITING and e.state in TAKEN and row.send_attempts > 0


def _event(e: Evidence, old: str, now: datetime, *, ignored: bool) -> OutputSMSEvent:
    return OutputSMSEvent(
        message_id=e.message_id,
        created_at=now,
        from_state=old,
        to_state=e.state,
        source=e.source,
        code=e.code[:50],
        words=e.words,
        ignored=ignored,
        user_id=e.user_id,
    )


def _update(move: _Move, group: Sequence[Evidence], now: datetime) -> None:
    changes: dict[str, Any] = {"state": move.new, "changed_at": now}
    if move.old != move.new or any(e.error for e in group):
        changes["error"] = _each(group, "error", lambda e: e.error, keep=move.old == move.new)
    if any(e.external_id for e in group):
        changes["external_id"] = _each(group, "external_id", lambda e: e.external_id, keep=True)
    if any(e.extra for e in group):
        changes["extra_sender_data"] = _each(group, "extra_sender_data", lambda e: dict(e.extra), keep=True)
    if move.new == State.WAITING:
        changes["due_at"] = _each(group, "due_at", lambda e: e.due_at or now)
        changes["sent_at"] = None
        if not move.spent:
            changes["send_attempts"] = F("send_attempts") - 1
    elif move.old == State.WAITING and move.new in OPEN:
        # The hand-over that this speaks of was thought to be over; what is asked about it now needs its grace anew.
        changes["sent_at"] = now
    if move.new not in OPEN or not move.ask:
        changes["check_after"] = None
    elif move.source != Source.ASKED:
        # Who asks has already said when to ask again; and what nobody is asked about stays so.
        is_asked = Q(check_after__isnull=False) | Q(state=State.WAITING)
        changes["check_after"] = Case(When(is_asked, then=Value(now + FIRST_CHECK)), output_field=DateTimeField())
    rows = OutputSMSMessage.objects.filter(pk__in=[e.message_id for e in group], state=move.old)
    if move.new == State.WAITING:
        claims = {e.claimed_at for e in group}
        without = Q(sent_at__isnull=True) if None in claims else Q()
        rows = rows.filter(without | Q(sent_at__in=claims - {None}))
    if rows.update(**changes) != len(group):
        raise Overtaken


def _each(group: Sequence[Evidence], column: str, value: Callable[[Evidence], Any], *, keep: bool = False) -> Any:
    """One value for all, or a CASE over the rows where they differ; with `keep`, nothing said leaves what is there."""
    field: Any = OutputSMSMessage._meta.get_field(column)
    first = Value(value(group[0]), output_field=field)
    if all(value(e) == first.value for e in group):
        return first
    said = [e for e in group if value(e) or not keep]
    whens = [When(pk=e.message_id, then=Value(value(e), output_field=field)) for e in said]
    case = Case(*whens, default=F(column), output_field=field)
    return Cast(case, output_field=field) if connection.features.requires_casted_case_in_updates else case


def _follow(
    instances: Mapping[int, OutputSMSMessage],
    evidence: Iterable[Evidence],
    accepted: Collection[int],
    states: Mapping[int, str],
) -> None:
    """Let the instances at hand say what their rows say now."""
    now = timezone.now()
    for e in evidence:
        if (message := instances.get(e.message_id)) is None or e.message_id not in states:
            continue
        was, changed = message.held_state, message.state != states[e.message_id]
        message.state = states[e.message_id]
        message.hold(["state"])
        if e.message_id not in accepted:
            continue
        message.error = e.error if changed or e.error else message.error
        message.external_id = e.external_id or message.external_id
        message.extra_sender_data = dict(e.extra) or message.extra_sender_data
        if message.state == State.WAITING:
            message.sent_at, message.due_at = None, e.due_at or now
            message.send_attempts -= 0 if e.spent else 1
        if message.state not in OPEN or not e.ask:
            message.check_after = None
        elif e.source != Source.ASKED and (message.check_after or was == State.WAITING):
            message.check_after = now + FIRST_CHECK
        message.hold()
