"""From a checked draft to messages: confirmed once, each row written once, whoever is killed or faster."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, OperationalError
from django.utils import timezone

from smsoffice import delivery
from smsoffice.exceptions import SMSError
from smsoffice.models import batch_write
from smsoffice.models.accept import clean_options, draft, relations_of
from smsoffice.models.batch import Batch
from smsoffice.models.batch_control import go_on, pause, stop
from smsoffice.models.batch_write import AlreadyConfirmed, accept_chunk, batch_of_messages, confirm
from smsoffice.models.sms import PRIORITY_BULK, PRIORITY_SINGLE, OutputSMSMessage
from smsoffice.models.uses import TemplateUse
from smsoffice.signals import messages_accepted
from tests import batches
from tests.at_once import at_once
from tests.backends import ScriptedGateway, use
from tests.batches import fresh, operator, people, recipients_of, told
from tests.factories import ago, ahead, customer, message, numbers, template

pytestmark = pytest.mark.django_db

committing = pytest.mark.django_db(transaction=True)

Status = Batch.Status


@pytest.fixture
def gateway(settings: Any) -> ScriptedGateway:
    return use(settings, ScriptedGateway)


def confirmed(made: Batch) -> Batch:
    """Confirmed, and nothing of it written yet."""
    Batch.objects.filter(pk=made.pk).update(status=Status.RUNNING, started_at=timezone.now())
    return fresh(made)


# --- Confirmed once --------------------------------------------------------------------------------------------------


@committing
def test_a_confirmed_draft_becomes_messages_that_wait_for_the_queue(gateway: ScriptedGateway) -> None:
    made = batches.draft(people(3), tag="sale", send_after=ago(hours=1), expires_at=ahead(hours=1))
    running = confirm(made.pk, operator().pk)
    assert (running.status, running.user, running.accepted) == (Status.RUNNING, operator(), 3)
    assert running.started_at
    assert gateway.calls == []
    for row, one in enumerate(running.messages.order_by("batch_row"), start=2):
        assert (one.batch_row, one.content, one.priority) == (row, f"Hello Jana {row - 2}.", PRIORITY_BULK)
        assert (one.template, one.template_slug, one.template_version) == (made.template, "hello", 3)
        assert (one.tag, one.send_after, one.expires_at) == ("sale", made.send_after, made.expires_at)
        assert one.state == "WAITING"
    assert TemplateUse.objects.get(template_slug="hello").count == 3
    assert told(made).not_sent == 3
    # What was read is kept no longer than it is needed.
    assert [chunk.rows for chunk in made.chunks.all()] == [[]]

    delivery.send_waiting()
    assert gateway.handed_over == [number for number, _name in people(3)]
    assert fresh(made).status == Status.FINISHED


@pytest.mark.parametrize("in_batches", [True, False])
def test_the_thread_that_confirms_hands_nothing_over(gateway: ScriptedGateway, settings: Any, in_batches: bool) -> None:
    settings.PYMESS_SMS_BATCH_SENDING = in_batches
    heard: list[object] = []

    def listener(**told: object) -> None:
        heard.append(told)

    messages_accepted.connect(listener)
    try:
        confirm(batches.draft(people(3)).pk, operator().pk)
    finally:
        messages_accepted.disconnect(listener)
    assert (gateway.calls, heard) == ([], [])


def test_a_second_click_finds_the_first_send() -> None:
    made = batches.draft(people(3))
    first = confirm(made.pk, operator("jana").pk)
    with pytest.raises(AlreadyConfirmed) as said:
        confirm(made.pk, operator("petr").pk)
    assert (said.value.batch, said.value.batch.user) == (first, operator("jana"))
    assert made.messages.count() == 3


@committing
def test_promise_10_four_clicks_at_the_same_moment_send_each_row_once() -> None:
    made = batches.draft(people(50), chunk=10)
    who = operator().pk

    def click() -> bool:
        try:
            confirm(made.pk, who)
        except AlreadyConfirmed:
            return False
        return True

    assert sorted(at_once(*[click] * 4)) == [False, False, False, True]
    assert recipients_of(made) == [number for number, _name in people(50)]


CANNOT = {
    "not checked": ({"checked_at": None}, "The list has not been checked yet."),
    "nothing to send": ({"sendable": 0}, "No row of the list can be sent."),
    "too late": ({"expires_at": ago(seconds=1)}, "The latest time of sending has passed."),
}


@pytest.mark.parametrize(("columns", "words"), CANNOT.values(), ids=CANNOT)
def test_what_cannot_be_confirmed_stays_a_draft_and_says_why(columns: Any, words: str) -> None:
    made = batches.draft(people(3), **columns)
    with pytest.raises(SMSError, match=words):
        confirm(made.pk, operator().pk)
    assert (fresh(made).status, made.messages.count()) == (Status.DRAFT, 0)


def test_many_rows_are_left_to_the_background(gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_write, "AT_ONCE", 20)
    made = batches.draft(people(30), chunk=10)
    assert confirm(made.pk, operator().pk).accepted == 0
    assert told(made).not_sent == told(made).to_go == 30
    delivery.send_waiting()
    assert gateway.handed_over == [number for number, _name in people(30)]
    assert (fresh(made).status, fresh(made).accepted) == (Status.FINISHED, 30)


# --- Each row once ---------------------------------------------------------------------------------------------------


def test_the_rows_that_the_check_refused_are_not_sent_and_stay_to_be_looked_at() -> None:
    made = batches.draft(people(4), sendable=3, refused=1)
    chunk = made.chunks.get()
    chunk.refused = [[3, "name", "Jana 1", "It is not wanted."]]
    chunk.save()
    confirm(made.pk, operator().pk)
    assert list(made.messages.order_by("batch_row").values_list("batch_row", flat=True)) == [2, 4, 5]
    assert made.chunks.get().refused == [[3, "name", "Jana 1", "It is not wanted."]]


def test_a_row_that_has_become_bad_since_the_check_is_refused_and_the_numbers_still_add_up(
    gateway: ScriptedGateway,
) -> None:
    rows = people(3)
    rows[1][0] = "12"
    made = batches.draft(rows)
    running = confirm(made.pk, operator().pk)
    assert (running.accepted, running.sendable, running.refused) == (2, 2, 1)
    [[line, _column, cell, reason]] = made.chunks.get().refused
    assert (line, cell) == (3, "12")
    assert reason
    assert told(made).total == 2
    delivery.send_waiting()
    assert fresh(made).status == Status.FINISHED


def test_a_row_that_is_refused_while_it_is_written_says_why_in_its_operators_language() -> None:
    rows = people(2)
    rows[1][1] = " "
    made = batches.draft(rows, summary={"language": "cs"})
    confirm(made.pk, operator().pk)
    assert [reason for *_place, reason in made.chunks.get().refused] == ["„name“ je prázdné."]
    assert made.messages.get().content == "Hello Jana 0."


def test_promise_10_a_worker_that_dies_in_a_chunk_leaves_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = confirmed(batches.draft(people(20), chunk=10))
    assert accept_chunk(made) == 10

    def dies(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(batch_write, "count_use", dies)
        with pytest.raises(KeyboardInterrupt):
            accept_chunk(made)
    assert (made.messages.count(), fresh(made).accepted, told(made).not_sent) == (10, 10, 20)
    # Its time is not over: nobody else is at it so soon.
    assert accept_chunk(made) == 0
    Batch.objects.update(busy_until=ago(seconds=1))
    assert (accept_chunk(made), accept_chunk(made)) == (10, None)
    assert recipients_of(made) == [number for number, _name in people(20)]


@committing
def test_promise_10_workers_at_the_same_moment_write_each_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_write, "LEASE", -batch_write.LEASE)  # Nobody is kept away.
    made = confirmed(batches.draft(people(60), chunk=10))

    def work() -> None:
        while accept_chunk(made) is not None:
            pass

    at_once(work, work, work)
    assert recipients_of(made) == [number for number, _name in people(60)]
    assert fresh(made).accepted == 60


def test_promise_10_the_database_refuses_a_row_that_is_written_twice() -> None:
    made = batches.running(1)
    with pytest.raises(IntegrityError):
        message(batch=made, batch_row=1)


@pytest.mark.parametrize("press", [pause, stop])
def test_a_chunk_that_is_overtaken_by_the_red_button_is_not_written(
    press: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = confirmed(batches.draft(people(20), chunk=10))
    drafts = batch_write._drafts

    def pressed_meanwhile(*args: Any) -> Any:
        press(made.pk, operator().pk)
        return drafts(*args)

    monkeypatch.setattr(batch_write, "_drafts", pressed_meanwhile)
    assert accept_chunk(made) is None
    assert made.messages.count() == 0
    assert [len(chunk.rows) for chunk in made.chunks.all()] == [10, 10]
    assert told(made).not_sent == 20


def test_a_paused_bulk_send_writes_its_rows_when_it_goes_on(gateway: ScriptedGateway) -> None:
    made = confirmed(batches.draft(people(20), chunk=10))
    accept_chunk(made)
    pause(made.pk)
    assert accept_chunk(made) is None
    delivery.send_waiting()
    assert made.messages.count() == 10
    go_on(made.pk, operator().pk)
    delivery.send_waiting()
    assert len(gateway.handed_over) == 20


def test_what_cannot_be_written_pauses_it_and_says_why(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*args: Any) -> None:
        raise ValueError("a secret")

    made, other = confirmed(batches.draft(people(5))), batches.running(2, start=10)
    with monkeypatch.context() as patched:
        patched.setattr(batch_write, "_drafts", fails)
        delivery.send_waiting()
    assert fresh(made).pause_reason == "The rows could not be written (ValueError)."
    assert fresh(other).status == Status.FINISHED
    go_on(made.pk, operator().pk)
    Batch.objects.update(busy_until=None)
    delivery.send_waiting()
    assert fresh(made).status == Status.FINISHED


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("off", "Its template was switched off before all rows were messages."),
        ("deleted", "Its template was deleted before all rows were messages."),
    ],
)
def test_one_whose_template_is_gone_before_all_is_written_pauses_and_says_so(
    gateway: ScriptedGateway, how: str, words: str
) -> None:
    made = confirmed(batches.draft(people(20), chunk=10))
    accept_chunk(made)
    template = made.template
    assert template
    if how == "off":
        template.is_active = False
        template.save()
    else:
        template.delete()
    delivery.send_waiting()
    assert (fresh(made).status, fresh(made).pause_reason) == (Status.PAUSED, words)
    assert made.messages.count() == 10


def test_rows_that_are_not_written_in_time_never_leave(gateway: ScriptedGateway) -> None:
    made = confirmed(batches.draft(people(20), chunk=10, expires_at=ahead(hours=1)))
    accept_chunk(made)
    Batch.objects.update(expires_at=ago(seconds=1))
    OutputSMSMessage.objects.update(expires_at=ago(seconds=1))
    delivery.send_waiting()
    assert fresh(made).pause_reason.startswith("The latest time of sending passed before all rows were written.")
    assert (gateway.calls, told(made).not_sent) == ([], 20)
    stop(made.pk, operator().pk)
    assert told(made).not_sent == 20


def test_a_database_that_is_away_is_no_reason_to_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any) -> None:
        raise OperationalError

    made = confirmed(batches.draft(people(5)))
    monkeypatch.setattr(batch_write, "_drafts", fails)
    with pytest.raises(OperationalError):
        batch_write.accept_or_pause(made)
    assert fresh(made).status == Status.RUNNING


# --- Messages at hand ------------------------------------------------------------------------------------------------


def at_hand(count: int) -> list[OutputSMSMessage]:
    options = clean_options("again", None, None, PRIORITY_SINGLE)
    return [draft(number, "Hello.", options) for number in numbers(count)]


def test_messages_at_hand_become_a_running_bulk_send_with_their_objects(gateway: ScriptedGateway) -> None:
    jana, petr = customer("Jana"), customer("Petr")
    first, second = at_hand(2)
    first.template = template("ready")
    first.template_slug = "ready"
    second.resend_of = message(recipient="+420777000009", priority=PRIORITY_BULK - 1)
    related = [*relations_of(first, [jana]), *relations_of(second, [jana, petr])]

    made = batch_of_messages("Resend", operator().pk, [first, second], related, tag="again")

    assert (made.status, made.user, made.total, made.accepted) == (Status.RUNNING, operator(), 2, 2)
    assert list(OutputSMSMessage.objects.filter_related_object(jana).order_by("batch_row")) == [first, second]
    assert list(OutputSMSMessage.objects.filter_related_object(petr)) == [second]
    assert [one.priority for one in made.messages.all()] == [PRIORITY_BULK] * 2
    assert gateway.calls == []
    delivery.send_waiting()
    assert gateway.handed_over == [*numbers(2), "+420777000009"]
    assert fresh(made).status == Status.FINISHED


def test_a_second_click_on_messages_at_hand_finds_the_first_send() -> None:
    token = uuid4()
    first = batch_of_messages("Resend", operator().pk, at_hand(3), token=token)
    with pytest.raises(AlreadyConfirmed) as said:
        batch_of_messages("Resend", operator().pk, at_hand(3), token=token)
    assert said.value.batch == first
    assert OutputSMSMessage.objects.count() == 3


@committing
def test_promise_10_clicks_at_the_same_moment_make_one_bulk_send_of_messages_at_hand() -> None:
    token, who = uuid4(), operator().pk

    def click() -> bool:
        try:
            batch_of_messages("Resend", who, at_hand(20), token=token)
        except AlreadyConfirmed:
            return False
        return True

    assert sorted(at_once(*[click] * 3)) == [False, False, True]
    assert OutputSMSMessage.objects.count() == 20


def test_messages_at_hand_cost_the_same_few_queries(django_assert_max_num_queries: Any) -> None:
    who = operator().pk
    with django_assert_max_num_queries(8):
        batch_of_messages("Resend", who, at_hand(30))
