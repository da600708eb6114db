"""The red button: pause, go on and stop hold at once, say who and when, and leave true numbers."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.utils import translation

from smsoffice import delivery
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.models import batch_control
from smsoffice.models.batch import Batch
from smsoffice.models.batch_control import BatchOver, go_on, pause, stop
from smsoffice.models.batch_work import work
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State
from tests import batches
from tests.at_once import at_once
from tests.backends import TAKEN, Messages, ScriptedGateway, use
from tests.batches import fresh, operator, running, told
from tests.factories import ago

pytestmark = pytest.mark.django_db

Status = Batch.Status


@pytest.fixture
def gateway(settings: Any) -> ScriptedGateway:
    return use(settings, ScriptedGateway)


def states(made: Batch) -> dict[str, int]:
    return Counter(made.messages.values_list("state", flat=True))


def test_a_pause_says_who_and_when_and_go_on_takes_its_reason_away() -> None:
    made = running(2)
    paused, _by_this_press = pause(made.pk, operator().pk)
    assert (paused.status, paused.paused_by, paused.pause_reason) == (Status.PAUSED, operator(), "")
    assert paused.paused_at
    Batch.objects.update(pause_reason="Too many failed.")
    assert (go_on(made.pk, operator().pk).batch.status, fresh(made).pause_reason) == (Status.RUNNING, "")


def test_a_second_click_on_pause_keeps_who_paused_first() -> None:
    made = running(2)
    first = pause(made.pk, operator("jana").pk)
    second = pause(made.pk, operator("petr").pk)
    assert (first.by_this_press, second.by_this_press) == (True, False)
    assert (second.batch.paused_by, second.batch.paused_at) == (operator("jana"), first.batch.paused_at)


def test_go_on_of_what_runs_changes_nothing() -> None:
    made = running(2)
    gone_on = go_on(made.pk, operator().pk)
    assert (gone_on.batch.status, gone_on.by_this_press) == (Status.RUNNING, False)


@pytest.mark.parametrize("press", [pause, go_on, stop])
@pytest.mark.parametrize("over", [Status.FINISHED, Status.STOPPED])
def test_what_is_over_says_so(press: Any, over: Status) -> None:
    made = running(2, State.SENDING, status=over, finished_at=ago(hours=1), stopped_at=ago(hours=1))
    with pytest.raises(BatchOver) as said:
        press(made.pk, operator().pk)
    assert str(said.value).startswith("It had finished at " if over == Status.FINISHED else "It had been stopped at ")
    assert said.value.batch.status == fresh(made).status == over


@pytest.mark.parametrize("press", [pause, go_on, stop])
def test_a_draft_has_no_red_button(press: Any) -> None:
    made = batches.batch(Status.DRAFT)
    with pytest.raises(Batch.DoesNotExist):
        press(made.pk, operator().pk)
    assert fresh(made).status == Status.DRAFT


def test_promise_10_stop_ends_what_waits_and_says_who(gateway: ScriptedGateway) -> None:
    made = running(5)
    delivery.send_waiting(limit=2)
    stopped, _by_this_press = stop(made.pk, operator().pk)
    assert (stopped.status, stopped.stopped_by) == (Status.STOPPED, operator())
    assert states(made) == {"SENDING": 2, "ERROR": 3}
    for ended in made.messages.filter(state="ERROR"):
        [event] = ended.events.all()
        assert ended.error == event.words == "Stopped by an operator"
        assert (event.from_state, event.source, event.user) == ("WAITING", "OPERATOR", operator())
    assert (told(made).handed_over, told(made).not_sent) == (2, 3)
    delivery.send_waiting()
    assert len(gateway.handed_over) == 2


def test_what_stop_writes_is_in_the_language_of_the_site() -> None:
    made = running(1)
    with translation.override("cs"):
        stop(made.pk, operator().pk)
    assert made.messages.get().error == "Stopped by an operator"


def test_a_paused_bulk_send_can_be_stopped() -> None:
    made = running(2)
    pause(made.pk, operator().pk)
    assert stop(made.pk, operator().pk).batch.status == Status.STOPPED
    assert states(made) == {"ERROR": 2}


def test_stop_ends_a_part_at_once_and_the_queue_ends_the_others(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_control, "CHUNK", 4)
    monkeypatch.setattr(batch_control, "AT_ONCE", 8)
    made = running(30)
    stop(made.pk, operator().pk)
    assert states(made) == {"ERROR": 8, "WAITING": 22}
    assert told(made).not_sent == 30
    assert fresh(made).finished_at is None
    delivery.send_waiting()
    assert (states(made), gateway.handed_over) == ({"ERROR": 30}, [])
    assert fresh(made).finished_at


def test_rows_that_are_not_written_yet_never_are(gateway: ScriptedGateway) -> None:
    made = batches.batch(sendable=50, accepted=2, total=50)
    batches.fill(made, 2)
    stop(made.pk, operator().pk)
    delivery.send_waiting()
    assert made.messages.count() == 2
    assert (told(made).not_sent, told(made).total, told(made).to_go) == (50, 50, 0)
    assert fresh(made).finished_at


def test_promise_2_what_a_stopped_bulk_send_gets_back_from_the_gateway_is_ended_and_not_lost(
    gateway: ScriptedGateway,
) -> None:
    made = running(2)
    [claimed, other] = delivery.claim_due(gateway, 10).messages
    stop(made.pk, operator().pk)
    delivery.publish(gateway, [other])
    list(work())
    gateway.answer = Outcome(State.WAITING, "429", "Too many messages.")
    delivery.publish(gateway, [claimed])
    assert states(made) == {"WAITING": 1, "SENDING": 1}
    list(work())
    assert states(made) == {"ERROR": 1, "SENDING": 1}
    assert (told(made).handed_over, told(made).not_sent) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_promise_10_of_pause_go_on_and_stop_at_the_same_moment_stop_wins(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = running(200)
    who = operator().pk

    stopped = threading.Event()

    def answer(sent: Messages) -> list[tuple[int, Outcome]]:
        if len(gateway.calls) > 2:
            assert stopped.wait(60)
        return [(one.pk, TAKEN) for one in sent]

    def press(button: Any) -> Any:
        def pressed() -> None:
            try:
                button(made.pk, who)
            except BatchOver as said:
                assert said.batch.status == Status.STOPPED  # noqa: PT017
            if button is stop:
                stopped.set()

        return pressed

    gateway.answer = answer
    monkeypatch.setattr(ScriptedGateway, "batch_size", 5)
    at_once(press(pause), press(go_on), press(stop), press(pause), press(go_on), delivery.send_waiting)
    delivery.send_waiting()
    assert fresh(made).status == Status.STOPPED
    assert states(made) == Counter({"SENDING": len(gateway.handed_over), "ERROR": 200 - len(gateway.handed_over)})
    assert told(made).handed_over == len(gateway.handed_over)


def test_the_buttons_cost_the_same_few_queries(django_assert_max_num_queries: Any) -> None:
    made = running(50)
    who = operator().pk
    with django_assert_max_num_queries(2):
        pause(made.pk, who)
    with django_assert_max_num_queries(4):
        go_on(made.pk, who)
    assert OutputSMSMessage.objects.filter(state=State.WAITING).count() == 50
