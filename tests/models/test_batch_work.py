"""The work behind the pages: in slices between hand-overs, by one worker at a time, in turn for all."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from smsoffice import delivery
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.exceptions import RefusedForUs
from smsoffice.models import batch_work
from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_control import stop
from smsoffice.models.batch_work import BatchWork, work
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSMessage
from tests import batches
from tests.backends import TAKEN, Messages, ScriptedGateway, use
from tests.batches import fresh, operator, people
from tests.factories import ago, message

pytestmark = pytest.mark.django_db

Status = Batch.Status


@pytest.fixture
def gateway(settings: Any) -> ScriptedGateway:
    return use(settings, ScriptedGateway)


@pytest.fixture(autouse=True)
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """One chunk a slice, and drafts that are long from their first row on."""
    monkeypatch.setattr(batch_work, "SLICE", 0)
    monkeypatch.setattr(batch_work, "AT_ONCE", 0)


def running(count: int, chunk: int = 10) -> Batch:
    """Confirmed, and not yet written."""
    made = batches.draft(people(count), chunk=chunk)
    Batch.objects.filter(pk=made.pk).update(status=Status.RUNNING, started_at=timezone.now())
    return made


def unchecked(count: int, chunk: int = 10) -> Batch:
    return batches.draft(people(count), chunk=chunk, checked_at=None, sendable=0, check_progress=0)


def test_a_long_draft_is_checked_by_the_queue(gateway: ScriptedGateway) -> None:
    made = unchecked(30)
    delivery.send_waiting()
    checked = fresh(made)
    assert checked.checked_at
    assert (checked.sendable, checked.status) == (30, Status.DRAFT)
    assert gateway.calls == []


def test_a_short_draft_is_left_to_its_page(gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_work, "AT_ONCE", 30)
    made = unchecked(30)
    delivery.send_waiting()
    assert fresh(made).checked_at is None


def test_a_check_goes_on_from_slice_to_slice_while_another_worker_does_other_work() -> None:
    made = unchecked(30)
    mine, others = BatchWork(), BatchWork()
    assert mine.step(look=True)
    assert fresh(made).check_progress == 10
    assert not others.step(look=True)
    assert mine.step()
    assert fresh(made).check_progress == 20
    other = running(10)
    assert others.step(look=True)
    assert other.messages.count() == 10
    while mine.step():
        pass
    assert fresh(made).checked_at


def test_the_check_of_a_worker_that_died_is_begun_anew_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    made = unchecked(30)
    dead = BatchWork()
    dead.step(look=True)
    assert list(work()) == []
    Batch.objects.filter(pk=made.pk).update(busy_until=ago(seconds=1))
    list(work())
    assert fresh(made).checked_at
    # Should it not be dead but slow, it leaves alone what is another's now.
    assert not dead.step(look=True)


def test_a_single_message_does_not_wait_for_the_work_on_bulk_sends(gateway: ScriptedGateway) -> None:
    made = unchecked(200)
    progress: list[int] = []

    def answer(sent: Messages) -> list[tuple[int, Outcome]]:
        progress.append(fresh(made).check_progress)
        if len(progress) == 1:
            message(recipient="+420777000002")
        return [(one.pk, TAKEN) for one in sent]

    gateway.answer = answer
    message(recipient="+420777000001")
    delivery.send_waiting()
    assert gateway.handed_over == ["+420777000001", "+420777000002"]
    assert progress[1] < 200
    assert fresh(made).checked_at


def test_two_bulk_sends_are_written_in_turn() -> None:
    first, second = running(40), running(20)
    mine = BatchWork()
    for _slice in range(2):
        mine.step(look=True)
    assert (first.messages.count(), second.messages.count()) == (10, 10)


def test_what_goes_wrong_with_one_bulk_send_stops_no_other(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(batch: Batch) -> Iterator[int]:
        yield from map(int, ["not a number"])

    monkeypatch.setattr(batch_work, "check_draft", fails)
    bad, good = unchecked(30), batches.running(3)
    with caplog.at_level(logging.ERROR):
        delivery.send_waiting()
    assert f"The work on bulk send {bad.pk} failed" in caplog.text
    assert fresh(good).status == Status.FINISHED


def test_the_work_ends_between_two_slices_when_it_is_told_to(gateway: ScriptedGateway) -> None:
    made = running(40)
    asked = iter([False, False])
    delivery.send_waiting(stopping=lambda: next(asked, True))
    assert made.messages.count() == 20


def test_while_the_gateway_refuses_us_rows_are_still_checked_and_written(gateway: ScriptedGateway) -> None:
    GatewayStatus.note_failure(gateway.path(), RefusedForUs("The password is wrong."))
    GatewayStatus.objects.update(not_before=timezone.now() + timedelta(hours=1))
    draft, made = unchecked(20), running(20)
    delivery.send_waiting()
    assert fresh(draft).checked_at
    assert (made.messages.count(), gateway.calls) == (20, [])


def test_a_round_of_a_worker_that_comes_back_does_one_slice_while_nothing_may_leave(gateway: ScriptedGateway) -> None:
    GatewayStatus.note_failure(gateway.path(), RefusedForUs("The password is wrong."))
    GatewayStatus.objects.update(not_before=timezone.now() + timedelta(hours=1))
    draft, background = unchecked(30), BatchWork()
    delivery.send_waiting(background=background)
    assert fresh(draft).check_progress == 10
    for _round in range(4):
        delivery.send_waiting(background=background)
    assert fresh(draft).checked_at


def test_a_limit_bounds_what_is_handed_over_and_not_what_is_written(gateway: ScriptedGateway) -> None:
    made = running(40)
    delivery.send_waiting(limit=5)
    assert (len(gateway.handed_over), made.messages.count()) == (5, 40)


def test_the_command_says_what_it_says_today(gateway: ScriptedGateway) -> None:
    running(20)
    out = StringIO()
    call_command("send_sms_messages", stdout=out, stderr=StringIO())
    assert out.getvalue().endswith("Handed over: 20 SENDING.\n")


def test_nothing_to_do_costs_two_queries(django_assert_num_queries: Any) -> None:
    mine = BatchWork()
    mine.step(look=True)
    with django_assert_num_queries(2):
        assert not mine.step(look=True)
    with django_assert_num_queries(0):
        assert not mine.step()


# --- What is kept ----------------------------------------------------------------------------------------------------


def test_drafts_that_nobody_confirmed_are_forgotten() -> None:
    old = batches.draft(people(5), created_at=ago(days=3))
    new = batches.batch(Status.DRAFT, created_at=ago(days=1))
    list(work())
    assert list(Batch.objects.all()) == [new]
    assert not BatchChunk.objects.filter(batch_id=old.pk).exists()


def test_refused_rows_are_kept_for_a_month_after_the_end(gateway: ScriptedGateway) -> None:
    old, new = running(5), batches.batch(Status.FINISHED, finished_at=ago(days=29))
    BatchChunk.objects.create(batch=new, number=0, refused=[[2, "phone", "12", "It is too short."]])
    stop(old.pk, operator().pk)
    list(work())
    Batch.objects.filter(pk=old.pk).update(finished_at=ago(days=31))
    list(work())
    assert list(BatchChunk.objects.values_list("batch", flat=True)) == [new.pk]
    assert Batch.objects.count() == 2
    assert not OutputSMSMessage.objects.exists()
