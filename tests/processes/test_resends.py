"""All that failed is sent again in the background, for two operators at once, by workers that are killed at it."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from itertools import pairwise

import pytest
from django.contrib.auth import get_user_model
from django.db.models import F
from django.utils import timezone

from smsoffice.models.batch import Batch
from smsoffice.models.sms import OutputSMSEvent
from tests.gateway import numbers
from tests.processes.test_bulk_sends import BulkOffice, office
from tests.processes.test_killed_workers import ALIAS, database_url, kill

__all__ = ["database_url", "office"]

COUNT = 3_000
DEATHS = 5


def fail_all(office: BulkOffice) -> None:
    """A log of messages that a gateway refused."""
    now = timezone.now()
    office.queue(COUNT)
    office.rows.update(state="ERROR", error="The network is down.", sent_at=now, changed_at=now, send_attempts=1)


def resend_all(office: BulkOffice) -> None:
    """Let an operator press the button, and confirm."""
    office.operator = get_user_model().objects.using(ALIAS).create(username=f"jana{timezone.now().timestamp()}")
    office.batch = Batch()
    assert office.desk("resend").total == COUNT
    # A worker that is killed in mid-air is no failure of the messages.
    Batch.objects.using(ALIAS).update(failure_limit=100)


def assert_timelines_agree(office: BulkOffice) -> None:
    """Each message that failed names its one resend, which names it, and tells of an unbroken way to its end."""
    lines: dict[int, list[OutputSMSEvent]] = defaultdict(list)
    for event in OutputSMSEvent.objects.using(ALIAS).order_by("pk"):
        lines[event.message_id].append(event)
    for copy in office.rows.filter(resend_of__isnull=False):
        assert [event.words for event in lines[copy.resend_of_id]] == [f"Resent as message {copy.pk}."]
        told, *way = lines[copy.pk]
        assert told.words == f"Resend of message {copy.resend_of_id}."
        # What was ignored, or only confirmed what was known, is no step of it.
        steps = [event for event in way if not event.ignored]
        assert steps[0].from_state == "WAITING"
        assert all(after.from_state == before.to_state for before, after in pairwise(steps))
        assert steps[-1].to_state == copy.state == "DELIVERED"


@pytest.mark.parametrize("office", ["postgresql"], indirect=True)
def test_what_failed_is_resent_once_though_two_ask_for_it_and_workers_are_killed(office: BulkOffice) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown where the test fails
    chance = random.Random(seed)
    fail_all(office)
    resend_all(office)
    resend_all(office)

    office.start("check_sms_states", "--interval=0.2")
    resends = office.rows.filter(resend_of__isnull=False)
    office.simulator.latency = 0.2
    workers = office.workers("--limit=50")
    for death in range(DEATHS):
        written, taken = resends.count(), office.taken
        if death % 2:
            office.until(lambda: office.taken > taken, "a hand-over")  # noqa: B023
        else:
            office.until(lambda: resends.count() > written or office.taken > taken + 300, "a write")  # noqa: B023
        time.sleep(chance.uniform(0, 0.3))
        kill(workers.pop(0))
        workers.append(office.start("send_sms_messages", "--interval=0.05", "--limit=50"))
    assert 0 < office.taken < COUNT
    office.simulator.latency = 0
    settled = Batch.objects.using(ALIAS).filter(status=Batch.Status.FINISHED)
    office.until(lambda: settled.count() == 2 and office.states == {"ERROR": COUNT, "DELIVERED": COUNT}, "the end")

    assert resends.count() == resends.values("resend_of").distinct().count() == COUNT
    assert not resends.exclude(recipient=F("resend_of__recipient")).exists()
    assert office.simulator.counts == dict.fromkeys(numbers(COUNT), 1)
    assert office.simulator.doubled() == []
    told = [(batch.accepted, batch.refused) for batch in settled]
    assert sum(accepted for accepted, _refused in told) == COUNT
    assert all(accepted + refused == COUNT for accepted, refused in told), told
    assert_timelines_agree(office)
