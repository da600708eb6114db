"""Four true numbers that add up to the whole at every moment; the pace, and the time to go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from smsoffice import delivery
from smsoffice.backend.sms.dummy import DummySMSBackend
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.exceptions import OutcomeUnknown, RefusedForUs
from smsoffice.models.batch import Batch
from smsoffice.models.batch_control import pause, stop
from smsoffice.models.batch_numbers import numbers, pace, time_to_go
from smsoffice.models.batch_watch import keep_states, watch_all
from smsoffice.models.gateway import GatewayStatus
from smsoffice.states import State
from tests import batches
from tests.backends import ScriptedGateway, use
from tests.batches import fresh, operator, running, told
from tests.clock import Clock, stopped
from tests.factories import ago

pytestmark = pytest.mark.django_db

Status = Batch.Status


@pytest.fixture
def gateway(settings: Any) -> ScriptedGateway:
    return use(settings, ScriptedGateway)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return stopped(monkeypatch)


def four(made: Batch) -> tuple[int, int, int, int]:
    """Handed over, in flight, not sent, outcome unknown."""
    now = told(made)
    return now.handed_over, now.in_flight, now.not_sent, now.unknown


COUNTED = {
    "waiting": (State.WAITING, {}, (0, 0, 1, 0)),
    "being handed over now": (State.UNKNOWN, {}, (0, 1, 0, 0)),
    "answered, but not what": (State.UNKNOWN, {"error": "The answer was cut off."}, (0, 0, 0, 1)),
    "no answer for long": (State.UNKNOWN, {"sent_at": ago(hours=1)}, (0, 0, 0, 1)),
    "taken": (State.SENDING, {}, (1, 0, 0, 0)),
    "sent": (State.SENT, {}, (1, 0, 0, 0)),
    "delivered": (State.DELIVERED, {}, (1, 0, 0, 0)),
    "refused by the gateway": (State.ERROR, {"sent_at": ago(hours=1)}, (1, 0, 0, 0)),
    "ended before it left": (State.ERROR, {}, (0, 0, 1, 0)),
    "test mode": (State.DEBUG, {}, (1, 0, 0, 0)),
}


@pytest.mark.parametrize(("state", "columns", "expected"), COUNTED.values(), ids=COUNTED)
def test_promise_10_each_message_counts_once(state: State, columns: Any, expected: tuple[int, ...]) -> None:
    made = batches.batch(total=1, sendable=1, accepted=1)
    batches.fill(made, 1, state, **columns)
    assert four(made) == expected


def test_promise_10_the_numbers_add_up_at_every_step(gateway: ScriptedGateway) -> None:
    made = batches.batch(total=110, sendable=100, accepted=60, refused=10)
    batches.fill(made, 60)
    batches.running(5, start=200)
    assert four(made) == (0, 0, 100, 0)
    claim = delivery.claim_due(gateway, 20).messages
    mine = [one for one in claim if one.batch_id == made.pk]
    assert four(made) == (0, len(mine), 100 - len(mine), 0)
    refused = mine[0].recipient
    gateway.by_recipient[refused] = Outcome(State.ERROR, "2", "No such number.")
    delivery.publish(gateway, claim)
    assert four(made) == (len(mine), 0, 100 - len(mine), 0)
    assert (told(made).failed, told(made).to_go) == (1, 100 - len(mine))
    gateway.answer = OutcomeUnknown("The answer was cut off.")
    lost = delivery.claim_due(gateway, 10).messages
    delivery.publish(gateway, lost)
    lost = [one for one in lost if one.batch_id == made.pk]
    assert four(made) == (len(mine), 0, 100 - len(mine) - len(lost), len(lost))
    stop(made.pk, operator().pk)
    assert four(made) == (len(mine), 0, 100 - len(mine) - len(lost), len(lost))


def test_what_a_backend_that_sends_nothing_got_counts_as_handed_over(settings: Any) -> None:
    use(settings, DummySMSBackend)
    made = running(3)
    delivery.send_waiting()
    assert four(made) == (3, 0, 0, 0)


def test_the_numbers_are_kept_when_retention_removes_the_messages(gateway: ScriptedGateway) -> None:
    made = running(5)
    delivery.send_waiting(limit=3)
    stop(made.pk, operator().pk)
    delivery.send_waiting()
    made.messages.filter(state="SENDING").update(state=State.DELIVERED)
    before = told(made)
    keep_states([made.pk])
    made.messages.all()[:1].get().delete()
    assert told(made) == before
    keep_states([made.pk])
    made.messages.all().delete()
    assert told(made) == before


def test_the_numbers_are_one_query_of_one_index(django_assert_num_queries: Any) -> None:
    made = running(20)
    running(200, State.DELIVERED, start=20)
    with django_assert_num_queries(1) as queries:
        numbers(made)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE smsoffice_outputsmsmessage")
            cursor.execute("SET LOCAL enable_seqscan = off")
    with connection.cursor() as cursor:
        how = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
        cursor.execute(how + queries[0]["sql"])
        plan = str(cursor.fetchall())
    assert "smsoffice_batch_state" in plan or "smsoffice_batch_queue" in plan or "smsoffice_batch_row" in plan


# --- The pace --------------------------------------------------------------------------------------------------------


def hand_over(made: Batch, clock: Clock, seconds: int, a_second: int) -> None:
    """Let time pass in which so many messages leave each second, and workers look after it."""
    for _second in range(seconds):
        leave = [one.pk for one in made.messages.filter(state=State.WAITING)[:a_second]]
        made.messages.filter(pk__in=leave).update(state=State.SENDING, sent_at=clock())
        clock.advance(1)
        watch_all()


def test_the_time_to_go_follows_from_the_pace_of_the_last_minute(gateway: ScriptedGateway, clock: Clock) -> None:
    made = running(600)
    watch_all()
    hand_over(made, clock, 29, a_second=2)
    assert pace(fresh(made), told(made)) is None
    assert time_to_go(fresh(made), told(made)) is None
    hand_over(made, clock, 31, a_second=2)
    assert pace(fresh(made), told(made)) == pytest.approx(2)
    assert time_to_go(fresh(made), told(made)) == timedelta(seconds=240)
    # Half a minute later the slow one is nearly forgotten.
    hand_over(made, clock, 60, a_second=5)
    assert pace(fresh(made), told(made)) == pytest.approx(5, rel=0.1)


def test_nobody_tells_the_time_to_go_while_it_is_paused_or_the_gateway_refuses_us(
    gateway: ScriptedGateway, clock: Clock
) -> None:
    made = running(300)
    watch_all()
    hand_over(made, clock, 40, a_second=2)
    assert time_to_go(fresh(made), told(made))
    GatewayStatus.note_failure(gateway.path(), RefusedForUs("The password is wrong."))
    assert time_to_go(fresh(made), told(made)) is None
    GatewayStatus.note_success(gateway.path())
    assert time_to_go(fresh(made), told(made))
    pause(made.pk)
    assert time_to_go(fresh(made), told(made)) is None


def test_one_that_does_not_move_tells_no_time_to_go(gateway: ScriptedGateway, clock: Clock) -> None:
    made = running(5)
    watch_all()
    hand_over(made, clock, 40, a_second=0)
    assert pace(fresh(made), told(made)) == 0
    assert time_to_go(fresh(made), told(made)) is None


def test_a_later_start_is_no_pace(gateway: ScriptedGateway, clock: Clock) -> None:
    made = running(5, send_after=timezone.now() + timedelta(hours=1))
    watch_all()
    clock.advance(60)
    watch_all()
    assert fresh(made).pace == []
