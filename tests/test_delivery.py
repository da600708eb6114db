"""The queue: what is claimed when, what becomes of it, and how gateways are asked."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from smsoffice import delivery
from smsoffice.backend.sms.base import get_sms_backend
from smsoffice.backend.sms.dummy import DummySMSBackend
from smsoffice.backend.sms.outcomes import LAST_RETRY, Outcome, retry_delay
from smsoffice.exceptions import GatewayError, NotNow, OutcomeUnknown, RefusedForUs
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import PRIORITY_BULK, PRIORITY_SINGLE, OutputSMSEvent, OutputSMSMessage
from smsoffice.models.transitions import LAST_CHECK, Evidence, Source, record
from smsoffice.states import State
from tests.at_once import at_once, elsewhere
from tests.backends import TAKEN, Messages, OtherGateway, ScriptedGateway, use
from tests.clock import Clock, stopped
from tests.factories import ago, ahead, message, messages, numbers, row, states, timeline
from tests.queries import statements

pytestmark = pytest.mark.django_db

committing = pytest.mark.django_db(transaction=True)

PUT_OFF = Outcome(State.WAITING, "429", "Too many messages.")
NEVER_HEARD = Outcome(State.WAITING, "15", "The gateway does not know this message.")
DAY = 24 * 3600


@pytest.fixture
def gateway(settings: Any) -> ScriptedGateway:
    return use(settings, ScriptedGateway)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return stopped(monkeypatch)


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that ends at the first pause."""
    monkeypatch.setattr(delivery, "SHORT_PAUSE", timedelta(0))


def for_each(outcome: Outcome) -> Any:
    return lambda messages: [(one.pk, outcome) for one in messages]


def last_event(stored: OutputSMSMessage) -> OutputSMSEvent:
    return stored.events.order_by("-pk")[0]


def recipients(sent: Iterable[OutputSMSMessage]) -> list[str]:
    return [one.recipient for one in sent]


# --- What leaves first, and when -------------------------------------------------------------------------------------


def test_priority_goes_before_age(gateway: ScriptedGateway) -> None:
    late, early, middle, code = numbers(4)
    message(recipient=late, priority=PRIORITY_BULK, due_at=ago(minutes=1))
    message(recipient=early, priority=PRIORITY_BULK, due_at=ago(hours=1))
    message(recipient=middle, priority=5, due_at=ago(minutes=2))
    message(recipient=code, priority=PRIORITY_SINGLE)

    delivery.send_waiting()

    assert gateway.handed_over == [code, middle, early, late]


def test_a_code_never_waits_behind_a_campaign(gateway: ScriptedGateway) -> None:
    messages(5, priority=PRIORITY_BULK, due_at=ago(hours=1))
    code = message(recipient="+420777000001")
    delivery.send_waiting(limit=1)
    assert gateway.handed_over == [code.recipient]


def test_a_limit_is_taken_across_priorities_and_kept(gateway: ScriptedGateway) -> None:
    waiting = [message(recipient=number, priority=-n) for n, number in enumerate(numbers(5))]
    done = delivery.send_waiting(limit=3)
    assert gateway.handed_over == recipients(waiting[:3])
    assert done.taken == 3
    assert states(waiting) == ["SENDING"] * 3 + ["WAITING"] * 2


@pytest.mark.parametrize("backend", [ScriptedGateway, DummySMSBackend])
def test_a_message_leaves_when_its_hour_has_come_and_not_before(settings: Any, clock: Clock, backend: Any) -> None:
    use(settings, backend)
    stored = message(send_after=clock() + timedelta(minutes=10), due_at=clock() + timedelta(minutes=10))
    clock.advance(599)
    assert delivery.send_waiting().taken == 0
    assert row(stored).state == "WAITING"
    clock.advance(1)
    assert delivery.send_waiting().taken == 1


def test_a_message_for_later_does_not_hold_up_one_of_less_priority(gateway: ScriptedGateway) -> None:
    message(due_at=ahead(hours=1), priority=PRIORITY_SINGLE)
    now = message(recipient="+420777000001", priority=PRIORITY_BULK)
    delivery.send_waiting()
    assert gateway.handed_over == [now.recipient]


@pytest.mark.parametrize("backend", [ScriptedGateway, DummySMSBackend])
def test_a_message_whose_time_is_over_is_an_error_and_was_never_sent(
    settings: Any, clock: Clock, backend: type[Any]
) -> None:
    gateway = use(settings, backend)
    late, in_time = messages(2, expires_at=clock() + timedelta(minutes=5))
    OutputSMSMessage.objects.filter(pk=in_time.pk).update(expires_at=clock() + timedelta(minutes=5, microseconds=1))
    clock.advance(300)
    assert late not in OutputSMSMessage.objects.due(clock())

    done = delivery.send_waiting()

    assert done.out_of_time == 1
    assert states([late, in_time]) == ["ERROR", "DEBUG" if backend is DummySMSBackend else "SENDING"]
    assert row(late).error.startswith("It was not handed over before ")
    assert row(late).error.endswith(", the latest time allowed for it. It was never sent.")
    assert timeline(late) == [("WAITING", "ERROR", "QUEUE", False)]
    if isinstance(gateway, ScriptedGateway):
        assert gateway.handed_over == [in_time.recipient]


def test_a_message_runs_out_of_time_also_while_the_gateway_refuses_us(
    gateway: ScriptedGateway, clock: Clock, no_patience: None
) -> None:
    gateway.answer = RefusedForUs("The password is wrong.")
    stored = message(expires_at=clock() + timedelta(minutes=5))
    delivery.send_waiting()
    assert row(stored).state == "WAITING"
    clock.advance(300)
    assert delivery.send_waiting().out_of_time == 1
    assert row(stored).state == "ERROR"


def test_a_message_that_was_handed_over_in_time_does_not_run_out_of_it(gateway: ScriptedGateway, clock: Clock) -> None:
    stored = message(expires_at=clock() + timedelta(minutes=5))
    delivery.send_waiting()
    clock.advance(600)
    assert delivery.send_waiting().out_of_time == 0
    assert row(stored).state == "SENDING"


def test_a_message_whose_time_ends_between_the_claim_and_the_call_is_not_sent(
    gateway: ScriptedGateway, clock: Clock
) -> None:
    late, in_time = message(recipient=numbers(2)[0], expires_at=clock() + timedelta(seconds=5)), message()
    claim = delivery.claim_due(gateway, 10)
    clock.advance(6)
    delivery.publish(gateway, claim.messages)
    assert gateway.handed_over == [in_time.recipient]
    assert states([late, in_time]) == ["ERROR", "SENDING"]


# --- Claims ----------------------------------------------------------------------------------------------------------


def test_a_stale_claim_never_left_and_so_waits_again(gateway: ScriptedGateway, clock: Clock) -> None:
    stored = message()
    claim = delivery.claim_due(gateway, 10)
    clock.advance(gateway.deadline.total_seconds() + 1)

    assert delivery.publish(gateway, claim.messages) is None

    assert gateway.calls == []
    assert (row(stored).state, row(stored).send_attempts) == ("WAITING", 0)
    assert timeline(stored)[-1] == ("UNKNOWN", "WAITING", "QUEUE", False)
    delivery.send_waiting()
    assert gateway.handed_over == [stored.recipient]


def test_promise_1_a_stale_claim_does_not_release_the_claim_of_another(gateway: ScriptedGateway, clock: Clock) -> None:
    stored = message()
    stale = delivery.claim_due(gateway, 10)
    clock.advance(gateway.deadline.total_seconds() + 1)
    OutputSMSMessage.objects.update(state=State.WAITING, sent_at=None)
    delivery.claim_due(gateway, 10)

    delivery.publish(gateway, stale.messages)

    assert (row(stored).state, gateway.calls) == ("UNKNOWN", [])


@committing
@pytest.mark.parametrize("backend", [ScriptedGateway, DummySMSBackend])
def test_promise_1_nothing_leaves_from_within_a_transaction_that_could_take_its_claim_back(
    settings: Any, backend: type[Any]
) -> None:
    gateway = use(settings, backend)
    stored = message()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        delivery.send_waiting()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        delivery.claim_these(gateway, [row(stored)])
    assert row(stored).state == "WAITING"
    delivery.send_waiting()
    assert row(stored).state != "WAITING"


@committing
def test_promise_1_nor_does_a_message_that_is_published_by_hand(gateway: ScriptedGateway) -> None:
    stored = message()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        gateway.publish_message(row(stored))
    assert (gateway.calls, row(stored).state) == ([], "WAITING")
    gateway.publish_message(row(stored))
    assert (gateway.handed_over, row(stored).state) == ([stored.recipient], "SENDING")


def test_promise_1_a_worker_that_died_after_its_claim_loses_no_message(gateway: ScriptedGateway, clock: Clock) -> None:
    stored = message()
    delivery.claim_due(gateway, 10)
    clock.advance(3600)

    delivery.send_waiting()
    assert (row(stored).state, gateway.calls) == ("UNKNOWN", [])

    gateway.told = NEVER_HEARD
    delivery.check_states()
    delivery.send_waiting()
    assert (row(stored).state, gateway.handed_over) == ("SENDING", [stored.recipient])


def test_promise_1_a_worker_that_died_after_its_call_doubles_no_message(gateway: ScriptedGateway, clock: Clock) -> None:
    stored = message()
    [claimed] = delivery.claim_due(gateway, 10).messages
    list(gateway.submit([claimed]))
    clock.advance(3600)

    gateway.told = Outcome(State.DELIVERED, "0", "Delivered.")
    delivery.check_states()
    delivery.send_waiting()
    assert (row(stored).state, gateway.handed_over) == ("DELIVERED", [stored.recipient])


def test_promise_1_a_database_that_fails_after_the_call_leaves_the_truth_that_nothing_is_known(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("The database has gone away.")

    monkeypatch.setattr("smsoffice.backend.sms.base.record", fails)
    stored = message()
    with pytest.raises(OperationalError):
        delivery.send_waiting(stopping=stop_after(1))
    assert gateway.handed_over == [stored.recipient]
    assert row(stored).state == "UNKNOWN"
    # It was not the gateway that failed.
    assert not GatewayStatus.of(gateway.path()).failures


@committing
def test_an_answer_survives_a_database_that_went_away_while_the_gateway_was_called(gateway: ScriptedGateway) -> None:
    def answer(sent: Messages) -> list[tuple[int, Outcome]]:
        if connection.vendor == "postgresql":
            mine = connection.connection.info.backend_pid
            elsewhere(lambda: connection.cursor().execute("SELECT pg_terminate_backend(%s)", [mine]))
        else:
            broken.append(True)
        return [(one.pk, Outcome(State.SENDING, "0", "Taken.", external_id="ID1")) for one in sent]

    def once(execute: Any, *query: Any) -> Any:
        if broken:
            broken.clear()
            raise OperationalError("disk I/O error")
        return execute(*query)

    broken: list[bool] = []
    gateway.answer = answer
    stored = message()
    with connection.execute_wrapper(once):
        delivery.send_waiting()
    assert (row(stored).state, row(stored).external_id) == ("SENDING", "ID1")
    assert not GatewayStatus.of(gateway.path()).failures


@committing
@pytest.mark.parametrize("size", [7, 200])
def test_promise_1_the_claims_of_two_workers_are_disjoint(gateway: ScriptedGateway, size: int) -> None:
    waiting = messages(300)

    def work() -> list[int]:
        mine: list[int] = []
        while claim := delivery.claim_due(gateway, size).messages:
            mine += [one.pk for one in claim]
        return mine

    claims = at_once(work, work, work)
    assert sorted(pk for claim in claims for pk in claim) == sorted(one.pk for one in waiting)
    assert set(states(waiting)) == {"UNKNOWN"}


@committing
def test_promise_1_two_workers_and_a_sender_hand_each_message_over_once(gateway: ScriptedGateway) -> None:
    waiting = messages(300)
    at_once(
        delivery.send_waiting,
        delivery.send_waiting,
        lambda: delivery.publish_accepted(None, list(OutputSMSMessage.objects.filter(state=State.WAITING))),
        lambda: delivery.publish_accepted(None, list(OutputSMSMessage.objects.filter(state=State.WAITING))),
    )
    delivery.send_waiting()
    assert sorted(gateway.handed_over) == sorted(recipients(waiting))
    assert set(states(waiting)) == {"SENDING"}


def test_what_another_worker_claimed_first_is_left_to_it(gateway: ScriptedGateway) -> None:
    first, second, third = messages(3)
    at_hand = [row(one) for one in (first, second, third)]
    delivery.claim_these(gateway, [row(second)])
    delivery.publish_accepted(None, at_hand)
    assert gateway.handed_over == recipients([first, third])
    assert states([first, second, third]) == ["SENDING", "UNKNOWN", "SENDING"]


@pytest.mark.parametrize("told", [TAKEN, PUT_OFF, Outcome(State.ERROR, "2", "No such number.")], ids=lambda o: o.state)
def test_claim_publish_and_record_cost_the_same_few_queries_whatever_the_size_of_the_batch(
    gateway: ScriptedGateway, told: Outcome
) -> None:
    gateway.answer = lambda messages: [(one.pk, outcome_of(told, one)) for one in messages]
    GatewayStatus.of(gateway.path())
    costs = {}
    for size in (1, 10, 200):
        messages(size)
        costs[size] = statements(lambda: delivery.publish(gateway, delivery.claim_due(gateway, 201).messages))
        OutputSMSMessage.objects.all().delete()
    assert len(set(costs.values())) == 1, costs
    assert costs[1] <= 15


def outcome_of(told: Outcome, one: OutputSMSMessage) -> Outcome:
    return Outcome(told.state, told.code, f"{told.words} {one.pk}", external_id=f"SM{one.pk}", extra={"n": one.pk})


def stop_after(batches: int) -> Any:
    asked = iter([False] * batches)
    return lambda: next(asked, True)


def test_a_round_that_is_told_to_stop_finishes_what_is_in_flight_and_begins_nothing_else(
    gateway: ScriptedGateway,
) -> None:
    waiting = messages(450)
    done = delivery.send_waiting(stopping=stop_after(2))
    assert done.states == {"SENDING": 400}
    assert set(states(waiting[400:])) == {"WAITING"}


def test_a_round_tells_its_progress_batch_by_batch(gateway: ScriptedGateway) -> None:
    messages(450)
    told: list[int] = []
    delivery.send_waiting(progress=told.append)
    assert told == [200, 200, 50]


def test_a_gateway_that_does_not_exist_is_named(settings: Any) -> None:
    settings.PYMESS_SMS_SENDER_BACKEND = "nowhere.Gateway"
    message()
    with pytest.raises(ImproperlyConfigured, match=r"there is no gateway “nowhere\.Gateway”"):
        delivery.send_waiting()


@pytest.mark.parametrize("path", ["tests.clock.Clock", "smsoffice.states.State", "smsoffice.states.OPEN"])
def test_what_is_no_gateway_is_named(settings: Any, path: str) -> None:
    settings.PYMESS_SMS_SENDER_BACKEND = path
    with pytest.raises(ImproperlyConfigured, match=f"{re.escape(path)} does not inherit"):
        get_sms_backend()


# --- What the answer says --------------------------------------------------------------------------------------------


def test_promise_5_an_answer_touches_only_the_messages_that_it_speaks_of(
    gateway: ScriptedGateway, caplog: pytest.LogCaptureFixture
) -> None:
    taken, refused, missing, twice, odd = messages(5)
    foreign = message(State.SENT)

    def answer(sent: Messages) -> list[tuple[int, Outcome]]:
        return [
            (foreign.pk, Outcome(State.ERROR, "2", "No such number.")),
            (4711, TAKEN),
            (taken.pk, TAKEN),
            (taken.pk, TAKEN),
            (refused.pk, Outcome(State.ERROR, "2", "No such number.")),
            (twice.pk, TAKEN),
            (twice.pk, Outcome(State.WAITING, "15", "Never heard of it.")),
            (odd.pk, Outcome(State.UNKNOWN, "99")),
        ]

    gateway.answer = answer
    with caplog.at_level(logging.WARNING):
        delivery.send_waiting()

    assert states([taken, refused, missing, twice, odd]) == ["SENDING", "ERROR", "UNKNOWN", "UNKNOWN", "UNKNOWN"]
    assert (row(foreign).state, timeline(foreign)) == ("SENT", [])
    assert row(refused).error == "No such number."
    assert row(missing).error == "The gateway's answer does not mention this message."
    assert row(twice).error == "The gateway gave two answers for this message: Taken. / Never heard of it."
    assert row(odd).error
    assert caplog.text.count("spoke of a message that was not in the call") == 2


def test_promise_2_what_is_not_known_of_one_message_is_not_resent_because_another_was_put_off(
    gateway: ScriptedGateway, no_patience: None
) -> None:
    taken, silent, put_off = messages(3)
    busy = Outcome(State.WAITING, "429", "Busy.", stops=NotNow("Busy."))
    gateway.answer = lambda sent: [(taken.pk, TAKEN), (silent.pk, Outcome(State.UNKNOWN)), (put_off.pk, busy)]
    delivery.send_waiting()
    assert states([taken, silent, put_off]) == ["SENDING", "UNKNOWN", "WAITING"]
    assert len(gateway.calls) == 1


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        pytest.param(NotNow("Busy."), "WAITING", id="not now"),
        pytest.param(OutcomeUnknown("The connection was cut."), "UNKNOWN", id="unknown"),
        pytest.param(KeyError("item"), "UNKNOWN", id="mistake"),
    ],
)
def test_promise_1_what_the_answer_said_before_it_broke_off_is_kept(
    gateway: ScriptedGateway, no_patience: None, failure: Exception, state: str
) -> None:
    taken, cut_off = messages(2)

    def answer(sent: Messages) -> Iterator[tuple[int, Outcome]]:
        yield taken.pk, TAKEN
        raise failure

    gateway.answer = answer
    delivery.send_waiting()
    assert states([taken, cut_off]) == ["SENDING", state]


def test_promise_7_a_message_that_is_refused_is_an_error_in_words_and_stops_nothing(gateway: ScriptedGateway) -> None:
    refused, _taken = messages(2)
    gateway.by_recipient[refused.recipient] = Outcome(State.ERROR, "2", "The number does not exist.")
    done = delivery.send_waiting()
    assert done.states == {"ERROR": 1, "SENDING": 1}
    assert (row(refused).error, row(refused).failed) == ("The number does not exist.", True)
    assert last_event(refused).code == "2"
    assert (done.refusal, done.put_off) == ("", "")


# --- Not now ---------------------------------------------------------------------------------------------------------


def try_until_final(stored: OutputSMSMessage, clock: Clock) -> list[timedelta]:
    """The waits between the attempts, until the message does not wait any more."""
    waits = []
    while (now_held := row(stored)).state == "WAITING":
        if now_held.send_attempts:
            waits.append(now_held.due_at - clock())
        clock.time = max(clock.time, now_held.due_at)
        GatewayStatus.objects.update(not_before=None)
        delivery.send_waiting(limit=1)
    return waits


def test_promise_7_not_now_is_retried_with_longer_and_longer_waits_and_ends_by_attempts(
    gateway: ScriptedGateway, clock: Clock, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr("smsoffice.backend.sms.outcomes.random", SimpleNamespace(uniform=lambda low, high: high))
    settings.PYMESS_SMS_RETRY_MAX_ATTEMPTS = 10
    gateway.answer = for_each(PUT_OFF)
    stored = message()

    waits = try_until_final(stored, clock)

    assert [wait.total_seconds() for wait in waits] == [2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert len(gateway.calls) == 10
    assert (row(stored).state, row(stored).send_attempts) == ("ERROR", 10)
    assert row(stored).error == (
        "It was not sent. After 10 attempts the gateway still did not take it: Too many messages."
    )


def test_promise_7_not_now_ends_by_age(gateway: ScriptedGateway, clock: Clock, settings: Any) -> None:
    settings.PYMESS_SMS_RETRY_MAX_ATTEMPTS = 1000
    settings.PYMESS_SMS_RETRY_MAX_AGE = 3600
    gateway.answer = for_each(PUT_OFF)
    stored = message(created_at=clock())
    began = clock()
    try_until_final(stored, clock)
    assert row(stored).state == "ERROR"
    assert timedelta(hours=1) <= clock() - began <= timedelta(hours=1) + LAST_RETRY


def test_the_first_not_now_is_no_end_however_long_the_message_waited_for_its_hour(
    gateway: ScriptedGateway, clock: Clock
) -> None:
    gateway.answer = for_each(PUT_OFF)
    stored = message(created_at=ago(days=30))
    delivery.send_waiting(limit=1)
    assert row(stored).state == "WAITING"


def test_retries_are_spread_and_never_further_apart_than_a_bound() -> None:
    waits = {retry_delay(5) for _ in range(50)}
    assert len(waits) > 1
    assert timedelta(seconds=16) <= min(waits) <= max(waits) <= timedelta(seconds=32)
    assert max(retry_delay(attempts) for attempts in (100, 10_000)) <= LAST_RETRY


def test_a_wait_that_the_gateway_asks_for_is_kept_and_a_shorter_one_does_not_hurry_us(
    gateway: ScriptedGateway, clock: Clock
) -> None:
    long, short = messages(2)
    gateway.by_recipient = {
        long.recipient: Outcome(State.WAITING, words="Later.", retry_after=timedelta(hours=2)),
        short.recipient: Outcome(State.WAITING, words="Later.", retry_after=timedelta(0)),
    }
    delivery.send_waiting(limit=2)
    assert row(long).due_at == clock() + timedelta(hours=2)
    assert row(short).due_at >= clock() + timedelta(seconds=1)


def test_promise_7_a_gateway_that_is_busy_is_left_alone_by_all_and_then_gets_one_message_first(
    gateway: ScriptedGateway, clock: Clock, no_patience: None
) -> None:
    gateway.answer = NotNow("Busy.", retry_after=timedelta(minutes=2))
    waiting = messages(5)
    done = delivery.send_waiting()
    assert len(gateway.calls) == 1
    assert done.put_off.startswith("The gateway cannot take messages now; the next attempt is at ")
    assert states(waiting) == ["WAITING"] * 5

    clock.advance(119)
    delivery.send_waiting()
    delivery.publish_accepted(None, [message()])
    assert len(gateway.calls) == 1

    clock.advance(61)
    gateway.answer = TAKEN
    done = delivery.send_waiting()
    assert [len(call) for call in gateway.calls] == [5, 1, 5]
    assert (done.states, done.put_off) == ({"SENDING": 6}, "")


def test_a_round_waits_for_a_gateway_that_is_well_again_soon(gateway: ScriptedGateway, clock: Clock) -> None:
    busy = iter([True])

    def answer(sent: Messages) -> Iterable[tuple[int, Outcome]]:
        if next(busy, False):
            raise NotNow("Busy.")
        return [(one.pk, TAKEN) for one in sent]

    gateway.answer = answer
    waiting = messages(202)
    delivery.send_waiting()
    assert [len(call) for call in gateway.calls[:3]] == [200, 1, 1]
    assert states(waiting[200:]) == ["SENDING"] * 2


# --- Not known -------------------------------------------------------------------------------------------------------


def test_promise_2_a_gateway_that_hangs_does_not_turn_the_whole_queue_into_unknown(
    gateway: ScriptedGateway, clock: Clock, no_patience: None
) -> None:
    gateway.answer = OutcomeUnknown("The gateway did not answer in time.")
    waiting = messages(450)
    for _round in range(3):
        delivery.send_waiting()
    assert [len(call) for call in gateway.calls] == [200]

    clock.advance(5)
    delivery.send_waiting()
    assert [len(call) for call in gateway.calls] == [200, 1]
    assert states(waiting).count("UNKNOWN") == 201
    assert row(waiting[0]).error == "The gateway did not answer in time."


def test_promise_2_unknown_is_never_resent_on_a_guess(
    gateway: ScriptedGateway, clock: Clock, no_patience: None
) -> None:
    gateway.answer = OutcomeUnknown("The gateway did not answer in time.")
    stored = message()
    delivery.send_waiting()
    gateway.answer = TAKEN
    for _hour in range(48):
        clock.advance(3600)
        delivery.check_states()
        delivery.send_waiting()
    assert gateway.handed_over == [stored.recipient]
    assert row(stored).state == "UNKNOWN"


# --- Refused for us --------------------------------------------------------------------------------------------------


def test_promise_7_while_the_gateway_refuses_us_nothing_is_sent_and_all_messages_wait(
    gateway: ScriptedGateway, clock: Clock, no_patience: None
) -> None:
    gateway.answer = RefusedForUs("The password is wrong.")
    waiting = messages(250)

    done = delivery.send_waiting()

    assert done.refusal == "The password is wrong."
    assert set(states(waiting)) == {"WAITING"}
    assert {row(one).send_attempts for one in waiting} == {0}
    assert len(gateway.calls) == 1
    status = GatewayStatus.of(gateway.path())
    assert (status.refusal, status.refused_since) == ("The password is wrong.", clock())
    assert row(waiting[0]).error == "The password is wrong."


def test_promise_7_however_long_the_gateway_refuses_us_no_message_is_used_up(
    gateway: ScriptedGateway, clock: Clock, no_patience: None
) -> None:
    gateway.answer = RefusedForUs("The password is wrong.")
    waiting = messages(3)
    since = clock()
    for _day in range(30):
        clock.advance(DAY)
        delivery.send_waiting()
    assert set(states(waiting)) == {"WAITING"}
    assert len(gateway.handed_over) == 3 + 29
    assert GatewayStatus.of(gateway.path()).refused_since == since + timedelta(days=1)

    clock.advance(DAY)
    gateway.answer = TAKEN
    done = delivery.send_waiting()
    assert (done.refusal, set(states(waiting))) == ("", {"SENDING"})
    assert GatewayStatus.of(gateway.path()).refused_since is None
    assert {row(one).error for one in waiting} == {""}


def test_a_refusal_stops_other_workers_too_until_the_pause_is_over(
    gateway: ScriptedGateway, clock: Clock, no_patience: None
) -> None:
    gateway.answer = RefusedForUs("The password is wrong.")
    messages(3)
    delivery.send_waiting()
    delivery.send_waiting()
    delivery.publish_accepted(None, [message()])
    assert len(gateway.calls) == 1


def test_who_knocks_tries_one_message_before_the_pause_is_over(
    gateway: ScriptedGateway, clock: Clock, no_patience: None
) -> None:
    gateway.answer = RefusedForUs("The password is wrong.")
    waiting = messages(3)
    delivery.send_waiting()
    gateway.answer = TAKEN

    assert delivery.send_waiting().refusal
    assert set(states(waiting)) == {"WAITING"}

    assert delivery.send_waiting(knock=True).refusal == ""
    assert [len(call) for call in gateway.calls] == [3, 1, 2]
    assert set(states(waiting)) == {"SENDING"}


def test_who_knocks_at_a_gateway_that_still_refuses_us_loses_nothing(
    gateway: ScriptedGateway, clock: Clock, no_patience: None
) -> None:
    gateway.answer = RefusedForUs("The password is wrong.")
    waiting = messages(3)
    for _round in range(12):
        delivery.send_waiting(knock=True)
    assert set(states(waiting)) == {"WAITING"}
    assert {row(one).send_attempts for one in waiting} == {0}


def test_one_gateways_refusal_is_not_anothers(
    settings: Any, gateway: ScriptedGateway, clock: Clock, no_patience: None
) -> None:
    gateway.answer = RefusedForUs("The password is wrong.")
    waiting = messages(2)
    delivery.send_waiting()
    other = use(settings, OtherGateway)
    assert delivery.send_waiting().refusal == ""
    assert other.handed_over == recipients(waiting)


def test_a_wait_that_the_gateway_asked_for_is_not_made_shorter_by_another_failure(
    gateway: ScriptedGateway, clock: Clock
) -> None:
    GatewayStatus.note_failure(gateway.path(), NotNow("Busy.", retry_after=timedelta(hours=1)))
    for failure in (NotNow("No connection."), OutcomeUnknown("No answer."), RefusedForUs("The password is wrong.")):
        GatewayStatus.note_failure(gateway.path(), failure)
        assert GatewayStatus.of(gateway.path()).pause(clock()) == timedelta(hours=1)


@pytest.mark.parametrize(
    "failure", [NotNow("No connection."), OutcomeUnknown("No answer.")], ids=["not now", "unknown"]
)
def test_promise_7_a_refusal_is_said_until_the_gateway_takes_something(
    gateway: ScriptedGateway, clock: Clock, no_patience: None, failure: GatewayError
) -> None:
    gateway.answer, since = RefusedForUs("The password is wrong."), clock()
    messages(3)
    delivery.send_waiting()
    clock.advance(100)
    gateway.answer = failure
    assert delivery.send_waiting().refusal == "The password is wrong."
    clock.advance(100)
    gateway.answer = RefusedForUs("The password is still wrong.")
    assert delivery.send_waiting().refusal == "The password is still wrong."
    assert GatewayStatus.of(gateway.path()).refused_since == since

    clock.advance(100)
    gateway.answer = TAKEN
    assert delivery.send_waiting().refusal == ""


def test_pauses_grow_and_are_bounded(gateway: ScriptedGateway, clock: Clock, no_patience: None) -> None:
    gateway.answer = OutcomeUnknown("No answer.")
    messages(20)
    pauses = []
    for _attempt in range(12):
        delivery.send_waiting(limit=1)
        not_before = GatewayStatus.of(gateway.path()).not_before
        assert not_before is not None
        pauses.append((not_before - clock()).total_seconds())
        clock.time = not_before
    assert pauses == [1, 2, 4, 8, 16, 32] + [60] * 6


# --- The rate limit --------------------------------------------------------------------------------------------------


def test_the_rate_limit_counts_segments(gateway: ScriptedGateway, clock: Clock, settings: Any) -> None:
    settings.PYMESS_SMS_RATE_LIMIT = 10
    messages(20, segments=3)
    assert len(delivery.claim_due(gateway, 200).messages) == 4
    assert delivery.claim_due(gateway, 200).messages == ()

    # The fourth message overdrew the allowance by two segments; a second gives ten.
    clock.advance(1)
    assert len(delivery.claim_due(gateway, 200).messages) == 3


def test_the_rate_limit_is_one_for_all_workers(gateway: ScriptedGateway, clock: Clock, settings: Any) -> None:
    settings.PYMESS_SMS_RATE_LIMIT = 10
    messages(20)
    assert [len(delivery.claim_due(gateway, size).messages) for size in (4, 4, 4, 4)] == [4, 4, 2, 0]
    clock.advance(0.5)
    assert [len(delivery.claim_due(gateway, size).messages) for size in (3, 3)] == [3, 2]


@committing
def test_promise_1_two_workers_at_the_same_moment_keep_one_rate_limit(
    gateway: ScriptedGateway, clock: Clock, settings: Any
) -> None:
    settings.PYMESS_SMS_RATE_LIMIT = 10
    messages(40)
    GatewayStatus.of(gateway.path())
    claims = at_once(*[lambda: len(delivery.claim_due(gateway, 3).messages)] * 6)
    assert sum(claims) == 10


def test_an_idle_hour_saves_up_no_more_than_a_second(gateway: ScriptedGateway, clock: Clock, settings: Any) -> None:
    settings.PYMESS_SMS_RATE_LIMIT = 10
    messages(40)
    delivery.claim_due(gateway, 200)
    clock.advance(3600)
    assert len(delivery.claim_due(gateway, 200).messages) == 10


def test_a_slow_rate_lets_a_long_text_leave_and_makes_the_next_one_wait_for_it(
    gateway: ScriptedGateway, clock: Clock, settings: Any
) -> None:
    settings.PYMESS_SMS_RATE_LIMIT = 0.5
    messages(3, segments=4)
    assert len(delivery.claim_due(gateway, 200).messages) == 1
    clock.advance(6)
    assert delivery.claim_due(gateway, 200).messages == ()
    clock.advance(2)
    assert len(delivery.claim_due(gateway, 200).messages) == 1


def test_a_round_spreads_its_messages_over_the_time_that_the_rate_gives_them(
    gateway: ScriptedGateway, clock: Clock, settings: Any
) -> None:
    settings.PYMESS_SMS_RATE_LIMIT = 5
    waiting, began = messages(25, segments=2), clock()
    delivery.send_waiting()
    assert set(states(waiting)) == {"SENDING"}
    # 50 segments, five of them at once and the last message by overdraft.
    assert (clock() - began).total_seconds() >= (50 - 5 - 2) / 5


def test_a_round_waits_for_a_long_text_at_a_slow_rate(
    gateway: ScriptedGateway, clock: Clock, settings: Any, no_patience: None
) -> None:
    settings.PYMESS_SMS_RATE_LIMIT = 0.5
    messages(3, segments=7)
    assert delivery.send_waiting().taken == 3


def test_a_round_does_not_wait_for_longer_than_the_next_one_is_away(
    gateway: ScriptedGateway, clock: Clock, settings: Any
) -> None:
    settings.PYMESS_SMS_RATE_LIMIT = 0.01
    messages(3)
    assert delivery.send_waiting().taken == 1


def test_a_round_with_nothing_left_to_send_does_not_wait_for_the_rate(
    gateway: ScriptedGateway, clock: Clock, settings: Any
) -> None:
    settings.PYMESS_SMS_RATE_LIMIT = 2
    messages(2)
    began = clock()
    delivery.send_waiting()
    assert clock() == began


def test_a_send_of_the_moment_keeps_the_rate_too(gateway: ScriptedGateway, clock: Clock, settings: Any) -> None:
    settings.PYMESS_SMS_RATE_LIMIT = 2
    waiting = messages(5)
    delivery.publish_accepted(None, [row(one) for one in waiting])
    assert states(waiting) == ["SENDING"] * 2 + ["WAITING"] * 3


def test_without_a_rate_limit_everything_leaves_at_once(gateway: ScriptedGateway, clock: Clock) -> None:
    messages(300, segments=9)
    began = clock()
    assert delivery.send_waiting().taken == 300
    assert clock() == began


# --- Asking ----------------------------------------------------------------------------------------------------------


def handed_over_ago(seconds: float, state: State = State.SENDING, **columns: Any) -> OutputSMSMessage:
    return message(state, **{"sent_at": ago(seconds=seconds), **columns})


def test_only_what_was_handed_over_and_is_not_final_is_asked_about(gateway: ScriptedGateway) -> None:
    stored = [message(state, recipient=number) for state, number in zip(State, numbers(len(State)), strict=True)]
    gateway.told = Outcome(State.DELIVERED, "0", "Delivered.")
    done = delivery.check_states()
    asked = [one.recipient for one in stored if one.state in {"UNKNOWN", "SENDING", "SENT"}]
    assert [sorted(call) for call in gateway.questions] == [sorted(asked)]
    assert done.states == {"DELIVERED": 3}
    assert states(stored) == ["WAITING", "DELIVERED", "DELIVERED", "DELIVERED", "DELIVERED", "ERROR", "DEBUG"]


def test_nothing_is_asked_while_the_answer_to_the_hand_over_may_still_come(
    gateway: ScriptedGateway, clock: Clock
) -> None:
    message()
    delivery.claim_due(gateway, 10)
    clock.advance(gateway.deadline.total_seconds() - 1)
    delivery.check_states()
    assert gateway.questions == []
    clock.advance(1)
    delivery.check_states()
    assert len(gateway.questions) == 1


def test_a_message_is_asked_about_less_and_less_often(gateway: ScriptedGateway, clock: Clock) -> None:
    stored = message()
    delivery.send_waiting()
    times = []
    for _question in range(40):
        due = row(stored).check_after
        assert due is not None
        clock.time = due
        delivery.check_states()
        times.append(clock())
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(gateway.questions) == 40
    assert gaps == sorted(gaps)
    assert gaps[0] <= timedelta(seconds=5)
    assert gaps[-1] == LAST_CHECK


def test_after_a_settable_age_nobody_asks_any_more_and_no_outcome_is_invented(
    gateway: ScriptedGateway, settings: Any
) -> None:
    settings.PYMESS_SMS_CHECK_MAX_AGE = 3600
    unknown, sending, sent = (handed_over_ago(3601, state) for state in (State.UNKNOWN, State.SENDING, State.SENT))
    young = handed_over_ago(3000)

    done = delivery.check_states()

    assert done.given_up == 3
    assert [len(call) for call in gateway.questions] == [1]
    assert states([unknown, sending, sent, young]) == ["UNKNOWN", "UNKNOWN", "SENT", "SENDING"]
    for stored in (unknown, sending, sent):
        assert row(stored).error == "The gateway is no longer asked: it has not told the outcome within 1 hours."
        assert row(stored).check_after is None
        assert last_event(stored).words == row(stored).error
    assert delivery.check_states().given_up == 0


def test_promise_3_a_receipt_still_wins_after_everybody_gave_up(gateway: ScriptedGateway) -> None:
    stored = handed_over_ago(30 * DAY)
    delivery.check_states()
    record([Evidence(stored.pk, State.DELIVERED, Source.RECEIPT)])
    assert (row(stored).state, row(stored).error) == ("DELIVERED", "")


@pytest.mark.parametrize(("age", "state"), [(119, "UNKNOWN"), (120, "WAITING"), (DAY, "WAITING"), (DAY + 1, "UNKNOWN")])
def test_promise_2_never_heard_of_is_proof_only_after_the_grace_and_before_it_may_be_forgotten(
    gateway: ScriptedGateway, clock: Clock, age: int, state: str
) -> None:
    stored = message(State.UNKNOWN, sent_at=clock() - timedelta(seconds=age))
    gateway.told = NEVER_HEARD
    delivery.check_states()
    assert row(stored).state == state
    assert last_event(stored).code == "15"


def test_the_grace_is_never_shorter_than_a_hand_over_may_last(
    gateway: ScriptedGateway, clock: Clock, settings: Any
) -> None:
    settings.PYMESS_SMS_UNKNOWN_GRACE = 0
    # A hand-over may begin as late as the deadline, and last as long again.
    stored = message(State.UNKNOWN, sent_at=clock() - 2 * gateway.deadline + timedelta(seconds=1))
    gateway.told = NEVER_HEARD
    delivery.check_states()
    assert row(stored).state == "UNKNOWN"
    clock.advance(gateway.deadline.total_seconds())
    delivery.check_states()
    assert row(stored).state == "WAITING"


def test_promise_2_a_message_that_the_gateway_never_took_is_sent_again_at_once_and_only_once(
    gateway: ScriptedGateway, clock: Clock
) -> None:
    stored = message(State.UNKNOWN, sent_at=clock() - timedelta(hours=1))
    gateway.told = NEVER_HEARD
    delivery.check_states()
    delivery.send_waiting()
    clock.advance(3)
    delivery.check_states()
    delivery.send_waiting()
    assert gateway.handed_over == [stored.recipient]
    assert row(stored).state == "SENDING"
    assert row(stored).send_attempts == 2


@pytest.mark.parametrize("known", [State.SENDING, State.SENT])
def test_that_the_gateway_cannot_tell_takes_nothing_from_what_is_known(gateway: ScriptedGateway, known: State) -> None:
    stored = handed_over_ago(60, known)
    gateway.told = Outcome(State.UNKNOWN, "99", "A code without a meaning.")
    delivery.check_states()
    assert (row(stored).state, row(stored).error) == (known, "")
    assert last_event(stored).words == "A code without a meaning."


def test_promise_5_an_answer_to_a_question_touches_only_what_it_speaks_of(gateway: ScriptedGateway) -> None:
    told, silent, twice = messages(3, State.SENDING, sent_at=ago(seconds=60))
    foreign = message(State.SENT, check_after=ahead(hours=1))
    gateway.told = lambda asked: [
        (told.pk, Outcome(State.DELIVERED)),
        (twice.pk, Outcome(State.DELIVERED)),
        (twice.pk, Outcome(State.ERROR)),
        (foreign.pk, Outcome(State.ERROR)),
    ]
    delivery.check_states()
    assert states([told, silent, twice, foreign]) == ["DELIVERED", "SENDING", "SENDING", "SENT"]
    assert timeline(silent) == []


def test_questions_go_to_the_gateway_that_has_the_message(settings: Any) -> None:
    old, new = use(settings, OtherGateway), get_sms_backend(ScriptedGateway.path())
    settings.PYMESS_SMS_SENDER_BACKEND = ScriptedGateway.path()
    assert isinstance(new, ScriptedGateway)
    there, here = messages(2, State.SENDING, sent_at=ago(seconds=60))
    OutputSMSMessage.objects.filter(pk=there.pk).update(backend=OtherGateway.path())
    delivery.check_states()
    assert (old.questions, new.questions) == ([[there.recipient]], [[here.recipient]])


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        pytest.param(RefusedForUs("The password is wrong."), "The password is wrong.", id="refused"),
        pytest.param(NotNow("Busy."), "Busy.", id="not now"),
        pytest.param(RuntimeError("hunter2"), "The gateway's client failed (RuntimeError).", id="mistake"),
    ],
)
def test_promise_5_a_gateway_that_does_not_tell_leaves_its_messages_and_other_gateways_alone(
    settings: Any, failure: GatewayError, words: str
) -> None:
    old, new = use(settings, OtherGateway), get_sms_backend(ScriptedGateway.path())
    assert isinstance(new, ScriptedGateway)
    there, here, lost = messages(3, State.SENDING, sent_at=ago(seconds=60))
    OutputSMSMessage.objects.filter(pk=there.pk).update(backend=OtherGateway.path())
    OutputSMSMessage.objects.filter(pk=lost.pk).update(backend="gone.backends.PigeonSMSBackend")
    old.told, new.told = failure, Outcome(State.DELIVERED)

    done = delivery.check_states()

    assert states([there, here, lost]) == ["SENDING", "DELIVERED", "SENDING"]
    assert done.states == {"DELIVERED": 1}
    assert set(done.errors) == {OtherGateway.path(), "gone.backends.PigeonSMSBackend"}
    assert done.errors[OtherGateway.path()] == words
    assert "gone.backends.PigeonSMSBackend" in done.errors["gone.backends.PigeonSMSBackend"]
    assert row(there).error == ""


def test_a_gateway_that_did_not_tell_is_asked_again_later(gateway: ScriptedGateway, clock: Clock) -> None:
    stored = message(State.SENDING, sent_at=clock() - timedelta(seconds=60))
    gateway.told = NotNow("Busy.")
    delivery.check_states()
    delivery.check_states()
    assert len(gateway.questions) == 1
    gateway.told = Outcome(State.DELIVERED)
    clock.advance(31)
    delivery.check_states()
    assert row(stored).state == "DELIVERED"


def test_an_answer_that_comes_while_we_ask_is_not_undone(gateway: ScriptedGateway, clock: Clock) -> None:
    stored = message(State.UNKNOWN, sent_at=clock() - timedelta(hours=1))

    def receipt_comes_first(asked: Sequence[OutputSMSMessage]) -> list[tuple[int, Outcome]]:
        record([Evidence(stored.pk, State.DELIVERED, Source.RECEIPT)])
        return [(stored.pk, NEVER_HEARD)]

    gateway.told = receipt_comes_first
    delivery.check_states()
    assert row(stored).state == "DELIVERED"
    assert timeline(stored)[-1] == ("DELIVERED", "WAITING", "ASKED", True)


@committing
def test_two_who_ask_at_the_same_moment_ask_about_each_message_once(gateway: ScriptedGateway) -> None:
    stored = messages(300, State.SENDING, sent_at=ago(hours=1))
    at_once(delivery.check_states, delivery.check_states)
    asked = [recipient for call in gateway.questions for recipient in call]
    assert sorted(asked) == sorted(recipients(stored))


def test_questions_cost_the_same_few_queries_whatever_the_size_of_the_batch(gateway: ScriptedGateway) -> None:
    gateway.told = lambda asked: [(one.pk, outcome_of(Outcome(State.SENT, "1", "Sent."), one)) for one in asked]
    costs = {}
    for size in (1, 10, 200):
        messages(size, State.SENDING, sent_at=ago(hours=1))
        costs[size] = statements(gateway.bulk_check_sms_states)
        OutputSMSMessage.objects.all().delete()
    assert len(set(costs.values())) == 1, costs


def test_the_queue_and_the_questions_use_their_indexes() -> None:
    messages(300)
    messages(300, State.DELIVERED)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE smsoffice_outputsmsmessage")
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    now = timezone.now()
    waiting = OutputSMSMessage.objects.due(now).filter(batch=None, priority=10).order_by("due_at", "pk")[:200]
    assert "smsoffice_queue" in waiting.explain()
    assert "smsoffice_expiry" in OutputSMSMessage.objects.out_of_time(now).explain()
    assert "smsoffice_check" in OutputSMSMessage.objects.due_for_check(now).explain()


def test_a_round_of_questions_that_is_told_to_stop_asks_no_other_gateway(gateway: ScriptedGateway) -> None:
    message(State.SENDING)
    message(State.SENDING, backend=OtherGateway.path())
    delivery.check_states(stopping=stop_after(1))
    other = get_sms_backend(OtherGateway.path())
    assert isinstance(other, OtherGateway)
    assert len(gateway.questions) + len(other.questions) == 1


class UnaskedGateway(ScriptedGateway):
    """A gateway that tells nothing but whether it took a message."""

    @property
    def asks(self) -> bool:
        return False


def test_what_nobody_can_be_asked_about_stays_as_the_gateway_left_it(settings: Any) -> None:
    gateway = use(settings, UnaskedGateway)
    taken = message()
    delivery.send_waiting()
    gateway.answer = Outcome(State.UNKNOWN, words="The answer was lost.")
    lost = message()
    delivery.send_waiting()
    OutputSMSMessage.objects.update(sent_at=timezone.now() - timedelta(days=365))

    assert delivery.check_states().given_up == 0
    assert states([taken, lost]) == ["SENDING", "UNKNOWN"]
    assert gateway.questions == []
