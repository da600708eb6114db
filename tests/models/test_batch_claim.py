"""The claim looks at the bulk send: only a running one gives its messages, whoever asks, however much waits."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from smsoffice import delivery
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.models.batch import Batch
from smsoffice.models.batch_control import go_on, pause
from smsoffice.models.queue import pick, running_with_head_of
from smsoffice.models.sms import PRIORITY_BULK, OutputSMSMessage
from smsoffice.models.transitions import Overtaken, hand_over
from smsoffice.states import State
from tests import batches
from tests.at_once import at_once, elsewhere
from tests.backends import TAKEN, Messages, ScriptedGateway, use
from tests.batches import fresh, operator, recipients_of, running, told
from tests.factories import ago, ahead, message, messages, states
from tests.queries import only_by_indexes, statements

pytestmark = pytest.mark.django_db

committing = pytest.mark.django_db(transaction=True)

Status = Batch.Status

PUT_OFF = Outcome(State.WAITING, "429", "Too many messages.", retry_after=timedelta(minutes=5))


@pytest.fixture
def gateway(settings: Any) -> ScriptedGateway:
    return use(settings, ScriptedGateway)


@pytest.mark.parametrize("status", [status for status in Status if status != Status.RUNNING])
def test_promise_10_only_a_running_bulk_send_gives_its_messages(gateway: ScriptedGateway, status: Status) -> None:
    made = running(3, status=status, finished_at=timezone.now())
    alone = message()
    delivery.send_waiting()
    assert gateway.handed_over == [alone.recipient]
    Batch.objects.filter(pk=made.pk).update(status=Status.RUNNING, finished_at=None)
    delivery.send_waiting()
    assert gateway.handed_over == [alone.recipient, *recipients_of(made)]


def test_a_single_message_goes_before_every_bulk_send(gateway: ScriptedGateway) -> None:
    running(3, send_after=ago(hours=2))
    code = message(recipient="+420777000001")
    delivery.send_waiting(limit=1)
    assert gateway.handed_over == [code.recipient]


def test_bulk_goes_by_its_age_and_what_is_less_urgent_last(gateway: ScriptedGateway) -> None:
    last, old, new = (batches.batch(sendable=2, accepted=2) for _ in range(3))
    numbers_of: dict[str, list[str]] = {}
    for place, (name, made, due) in enumerate(
        [("last", last, ago(minutes=1)), ("old", old, ago(hours=2)), ("new", new, ago(minutes=30))]
    ):
        batches.fill(made, 2, start=2 * place, due_at=due)
        numbers_of[name] = recipients_of(made)
    unbatched = message(recipient="+420777000001", priority=PRIORITY_BULK, due_at=ago(hours=1))
    later = message(recipient="+420777000002", priority=PRIORITY_BULK - 1, due_at=ago(days=1))
    batches.fill(batches.batch(sendable=1, accepted=1), 1, start=6, due_at=ahead(hours=1))

    delivery.send_waiting()

    assert gateway.handed_over == [
        *numbers_of["old"],
        unbatched.recipient,
        *numbers_of["new"],
        *numbers_of["last"],
        later.recipient,
    ]


def test_promise_10_a_pause_that_was_committed_a_moment_before_the_hand_over_holds() -> None:
    made = running(2)
    picked = pick(timezone.now(), 10)
    pause(made.pk, operator().pk)
    with pytest.raises(Overtaken):
        hand_over(picked, "a.gateway", State.UNKNOWN, None)


@pytest.mark.parametrize("priority", [-32768, -5, -1, 0, 1, 10, 32767])
def test_every_priority_leaves_with_and_without_a_bulk_send(gateway: ScriptedGateway, priority: int) -> None:
    alone = message(priority=priority)
    delivery.send_waiting()
    assert gateway.handed_over == [alone.recipient]
    made, other = running(2), message(priority=priority, due_at=ago(hours=1))
    delivery.send_waiting()
    rows = recipients_of(made)
    assert gateway.handed_over[1:] == ([*rows, other.recipient] if priority < 0 else [other.recipient, *rows])


# On SQLite nobody else writes during a claim.
if connection.vendor == "postgresql":

    @committing
    def test_a_claim_that_a_pause_overtakes_takes_the_others(
        gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made, alone = running(2), message()

        def paused_meanwhile(now: Any, size: int) -> list[OutputSMSMessage]:
            picked = pick(now, size)
            elsewhere(lambda: pause(made.pk))
            return picked

        monkeypatch.setattr(delivery, "pick", paused_meanwhile)
        delivery.send_waiting()
        assert gateway.handed_over == [alone.recipient]
        assert told(made).not_sent == 2


@committing
def test_promise_10_a_pause_holds_while_workers_run_flat_out(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = running(300)
    at_the_pause: list[int] = []

    def press() -> None:
        while len(gateway.handed_over) < 30:
            time.sleep(0.01)
        pause(made.pk, operator().pk)
        at_the_pause.append(len(gateway.handed_over))

    def answer(sent: Messages) -> list[tuple[int, Outcome]]:
        time.sleep(0.05)
        return [(one.pk, TAKEN) for one in sent]

    monkeypatch.setattr(ScriptedGateway, "batch_size", 5)
    gateway.answer = answer
    at_once(press, delivery.send_waiting, delivery.send_waiting)
    # Each worker may have had a claim that was answered, and one under way, since they were counted.
    assert len(gateway.handed_over) <= at_the_pause[0] + 2 * 5
    assert told(made).not_sent == 300 - len(gateway.handed_over) > 0
    go_on(made.pk, operator().pk)
    delivery.send_waiting()
    assert sorted(gateway.handed_over) == sorted(recipients_of(made))


def test_what_a_paused_bulk_send_holds_back_runs_out_of_time_like_all_else(gateway: ScriptedGateway) -> None:
    made = running(2)
    made.messages.update(expires_at=ago(seconds=1))
    pause(made.pk)
    assert delivery.send_waiting().out_of_time == 2
    assert set(made.messages.values_list("state", flat=True)) == {"ERROR"}
    assert told(made).not_sent == 2


def test_what_runs_out_of_time_between_the_claim_and_the_call_counts_as_not_sent(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = running(1)
    made.messages.update(expires_at=ahead(hours=1))
    [claimed] = delivery.claim_due(gateway, 10).messages
    claimed.expires_at = ago(seconds=1)
    delivery.publish(gateway, [claimed])
    assert gateway.calls == []
    assert (told(made).not_sent, told(made).by_state) == (1, {"ERROR": 1})


# --- First ten, then wait --------------------------------------------------------------------------------------------


def test_only_the_first_are_handed_over_and_then_it_waits_and_says_why(gateway: ScriptedGateway) -> None:
    made = running(30, first=10)
    delivery.send_waiting()
    assert gateway.handed_over == recipients_of(made)[:10]
    waiting = fresh(made)
    assert waiting.status == Status.PAUSED
    assert waiting.paused_by is None
    assert waiting.pause_reason.startswith("The first 10 were handed over, and the others wait.")

    go_on(made.pk, operator().pk)
    assert fresh(made).pause_reason == ""
    delivery.send_waiting()
    assert gateway.handed_over == recipients_of(made)
    assert fresh(made).status == Status.FINISHED


@committing
@pytest.mark.parametrize("size", [3, 200])
def test_promise_10_several_workers_hand_over_exactly_the_first(
    gateway: ScriptedGateway, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ScriptedGateway, "batch_size", size)
    made = running(60, first=10)
    at_once(*[delivery.send_waiting] * 3)
    delivery.send_waiting()
    assert sorted(gateway.handed_over) == recipients_of(made)[:10]
    assert fresh(made).status == Status.PAUSED


def test_the_first_that_the_gateway_puts_off_do_not_count(gateway: ScriptedGateway) -> None:
    made = running(30, first=10)
    put_off = [one.recipient for one in made.messages.order_by("batch_row")[:4]]
    gateway.by_recipient = dict.fromkeys(put_off, PUT_OFF)
    delivery.send_waiting()
    assert told(made).handed_over == 10
    assert set(states(made.messages.filter(recipient__in=put_off))) == {"WAITING"}
    assert fresh(made).status == Status.PAUSED


def test_while_the_gateway_has_not_answered_for_the_first_no_other_leaves(gateway: ScriptedGateway) -> None:
    made = running(30, first=10)
    claimed = delivery.claim_due(gateway, 200).messages
    assert len(claimed) == 10
    delivery.send_waiting()
    assert gateway.handed_over == []
    assert (fresh(made).status, told(made).in_flight) == (Status.RUNNING, 10)
    delivery.publish(gateway, claimed)
    delivery.send_waiting()
    assert fresh(made).status == Status.PAUSED


def test_a_bulk_send_smaller_than_its_first_rows_just_finishes(gateway: ScriptedGateway) -> None:
    made = running(5, first=10)
    delivery.send_waiting()
    assert fresh(made).status == Status.FINISHED


def test_a_pause_by_hand_does_not_let_more_than_the_first_leave(gateway: ScriptedGateway) -> None:
    made = running(30, first=10)
    delivery.send_waiting(limit=4)
    pause(made.pk, operator().pk)
    go_on(made.pk, operator().pk)
    delivery.send_waiting()
    assert len(gateway.handed_over) == 10


# --- What it costs ---------------------------------------------------------------------------------------------------


def test_a_claim_costs_the_same_however_much_waits_in_others(gateway: ScriptedGateway) -> None:
    delivery.claim_due(gateway, 1)
    made = running(5)
    alone = statements(lambda: delivery.claim_due(gateway, 1))
    for start in (10, 50, 90):
        running(40, start=start, status=Status.PAUSED)
    assert statements(lambda: delivery.claim_due(gateway, 1)) == alone
    assert told(made).in_flight == 2


def test_the_claim_of_a_bulk_send_reads_the_end_of_an_index_whatever_waits_in_paused_ones() -> None:
    for start in range(0, 300, 100):
        running(100, start=start, status=Status.PAUSED)
    made = running(20, start=300)
    messages(100, State.DELIVERED)
    only_by_indexes()
    due = OutputSMSMessage.objects.due(timezone.now()).order_by("due_at", "pk")
    mine = due.filter(batch=made)[:10]
    assert "smsoffice_batch_queue" in mine.explain()
    assert "smsoffice_batch_queue" in running_with_head_of(due).explain()
    if connection.vendor == "postgresql":
        # Not one row of the paused ones is read.
        assert "actual rows=10 " in mine.explain(analyze=True, timing=False)


def test_the_most_urgent_is_found_at_the_end_of_an_index_whatever_waits_in_paused_bulk_sends() -> None:
    running(300, status=Status.PAUSED)
    messages(20)
    only_by_indexes()
    urgent = OutputSMSMessage.objects.filter(state=State.WAITING, batch=None).order_by("-priority")
    assert "smsoffice_queue" in urgent.values_list("priority", flat=True)[:1].explain()
