"""What a bulk send does by itself: it halts when too many fail, and is finished only when its states add up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from smsoffice import delivery
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.models.batch import Batch
from smsoffice.models.batch_control import go_on
from smsoffice.models.batch_watch import watch_all
from smsoffice.states import State
from tests import batches
from tests.at_once import at_once
from tests.backends import Messages, ScriptedGateway, use
from tests.batches import fill, fresh, operator, running, told

pytestmark = pytest.mark.django_db

Status = Batch.Status

REFUSED = Outcome(State.ERROR, "2", "No such number.")


@pytest.fixture
def gateway(settings: Any) -> ScriptedGateway:
    return use(settings, ScriptedGateway)


def with_outcomes(failed: int, well: int, waiting: int = 5, **columns: Any) -> Batch:
    """A running bulk send of which so many were handed over and failed, and so many not."""
    count = failed + well + waiting
    made = batches.batch(total=count, sendable=count, accepted=count, **columns)
    fill(made, failed, State.ERROR, sent_at=timezone.now())
    fill(made, well, State.DELIVERED, start=failed)
    fill(made, waiting, start=failed + well)
    return made


@pytest.mark.parametrize(
    ("failed", "well", "limit", "pauses"),
    [
        (3, 7, 20, True),
        (2, 8, 20, False),
        (9, 0, 20, False),
        (10, 0, 20, True),
        (3, 7, 30, False),
        (1, 99, 0, True),
        (0, 100, 0, False),
        (100, 0, 100, False),
        (3, 7, None, True),
        (2, 8, None, False),
    ],
)
def test_promise_10_too_many_failures_pause_it_and_it_says_why(
    failed: int, well: int, limit: int | None, pauses: bool
) -> None:
    made = with_outcomes(failed, well, failure_limit=limit)
    watch_all()
    assert (fresh(made).status == Status.PAUSED) == pauses
    if pauses:
        words = f"{failed} of {failed + well} failed, more than {20 if limit is None else limit} %."
        assert fresh(made).pause_reason.startswith(words)
        assert fresh(made).paused_by is None


def test_the_limit_is_a_setting(settings: Any) -> None:
    settings.PYMESS_SMS_FAILURE_LIMIT = 50
    made = with_outcomes(5, 5)
    watch_all()
    assert fresh(made).status == Status.RUNNING


def test_what_was_stopped_or_ran_out_of_time_is_no_failure() -> None:
    made = running(20)
    made.messages.filter(batch_row__lte=15).update(state=State.ERROR)
    watch_all()
    assert fresh(made).status == Status.RUNNING


def test_early_refusals_are_no_alarm_while_the_gateway_has_taken_the_most(gateway: ScriptedGateway) -> None:
    made = running(200)
    for number in batches.recipients_of(made)[:20]:
        gateway.by_recipient[number] = REFUSED
    delivery.send_waiting(limit=150)
    watch_all()
    assert fresh(made).status == Status.RUNNING


def test_after_go_on_failures_count_anew(gateway: ScriptedGateway) -> None:
    made = with_outcomes(5, 5, waiting=100)
    watch_all()
    go_on(made.pk, operator().pk)
    watch_all()
    assert fresh(made).status == Status.RUNNING
    gateway.answer = REFUSED
    delivery.send_waiting(limit=10)
    assert fresh(made).status == Status.PAUSED
    assert fresh(made).pause_reason.startswith("10 of 10 failed, more than 20 %.")


def test_a_running_send_halts_between_its_hand_overs(gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsoffice.models.batch_work.LOOK", 0)
    monkeypatch.setattr(ScriptedGateway, "batch_size", 10)
    made = running(100)
    gateway.answer = REFUSED
    delivery.send_waiting()
    assert len(gateway.handed_over) == 10
    assert fresh(made).status == Status.PAUSED


def test_bad_news_that_is_asked_for_halts_it_too(gateway: ScriptedGateway) -> None:
    made = with_outcomes(0, 0, waiting=5)
    made.sendable = made.accepted = 25
    made.save()
    fill(made, 20, State.SENDING, start=5, check_after=timezone.now())
    gateway.told = lambda asked: [(one.pk, REFUSED) for one in asked]
    delivery.check_states()
    assert fresh(made).status == Status.PAUSED


# --- The end ---------------------------------------------------------------------------------------------------------


def test_promise_10_it_is_finished_when_its_states_add_up_to_its_rows(gateway: ScriptedGateway) -> None:
    made = running(5)
    delivery.send_waiting(limit=4)
    assert fresh(made).status == Status.RUNNING
    delivery.send_waiting()
    done = fresh(made)
    assert done.status == Status.FINISHED
    assert done.finished_at
    assert done.final_states["SENDING"] == 5


def test_it_is_not_finished_while_rows_are_missing() -> None:
    made = batches.batch(total=6, sendable=6, accepted=5)
    fill(made, 5, State.DELIVERED)
    watch_all()
    assert fresh(made).status == Status.RUNNING


def test_it_is_not_finished_while_an_answer_is_awaited(gateway: ScriptedGateway) -> None:
    made = running(1)
    claimed = delivery.claim_due(gateway, 1).messages
    watch_all()
    assert fresh(made).status == Status.RUNNING
    delivery.publish(gateway, claimed)
    watch_all()
    assert fresh(made).status == Status.FINISHED


def test_promise_1_what_waits_again_after_the_end_still_leaves(gateway: ScriptedGateway) -> None:
    made = running(2)
    gateway.by_recipient[batches.recipients_of(made)[0]] = Outcome(State.UNKNOWN, words="The answer was cut off.")
    delivery.send_waiting()
    assert (fresh(made).status, told(made).unknown) == (Status.FINISHED, 1)

    gateway.by_recipient = {}
    gateway.told = Outcome(State.WAITING, "15", "Never heard of it.")
    made.messages.filter(state="UNKNOWN").update(
        sent_at=timezone.now() - timedelta(hours=1), check_after=timezone.now()
    )
    delivery.check_states()
    assert (fresh(made).status, fresh(made).finished_at) == (Status.RUNNING, None)
    delivery.send_waiting()
    assert (fresh(made).status, told(made).handed_over) == (Status.FINISHED, 2)
    assert len(gateway.handed_over) == 3


@pytest.mark.django_db(transaction=True)
def test_promise_1_one_that_is_put_back_while_it_finishes_is_not_forgotten(gateway: ScriptedGateway) -> None:
    made = running(40)
    gateway.answer = Outcome(State.UNKNOWN, words="The answer was cut off.")
    delivery.send_waiting()
    Batch.objects.update(status=Status.RUNNING, finished_at=None)
    lost = made.messages.all()
    lost.update(sent_at=timezone.now() - timedelta(hours=1), check_after=timezone.now())

    def never_heard(asked: Messages) -> list[tuple[int, Outcome]]:
        return [(one.pk, Outcome(State.WAITING, "15", "Never heard of it.")) for one in asked]

    gateway.told = never_heard
    at_once(delivery.check_states, watch_all, watch_all, watch_all)
    assert fresh(made).status == Status.RUNNING
    assert told(made).to_go == 40


def test_a_later_start_is_not_looked_after(django_assert_num_queries: Any) -> None:
    running(5, send_after=timezone.now() + timedelta(hours=1))
    with django_assert_num_queries(1):
        watch_all()
