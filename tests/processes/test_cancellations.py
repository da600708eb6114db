"""All that waits is cancelled in the background, by workers that send meanwhile and are killed at it."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from smsoffice.models.cancellation import Cancellation
from smsoffice.models.sms import OutputSMSEvent
from tests.processes.test_bulk_sends import BulkOffice, office
from tests.processes.test_killed_workers import ALIAS, database_url, kill

__all__ = ["database_url", "office"]

COUNT = 12_000
DEATHS = 4


def confirmed(office: BulkOffice) -> Cancellation:
    """An operator has confirmed it, and the request had no time to do any of it."""
    jana = get_user_model().objects.using(ALIAS).create(username=f"jana{timezone.now().timestamp()}")
    keys = list(office.rows.values_list("pk", flat=True))
    columns: dict[str, Any] = {"user": jana, "keys": keys, "total": len(keys), "started_at": timezone.now()}
    return Cancellation.objects.using(ALIAS).create(**columns)


@pytest.mark.parametrize("office", ["postgresql", "sqlite"], indirect=True)
def test_what_is_cancelled_among_deaths_is_sent_to_nobody_and_the_rest_once(office: BulkOffice) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown where the test fails
    chance = random.Random(seed)
    office.queue(COUNT)
    made = confirmed(office)
    cancelled = office.rows.filter(state="ERROR")

    office.simulator.latency = 0.1
    workers = office.workers("--limit=200")
    for _death in range(DEATHS):
        taken, ended = office.taken, cancelled.count()
        office.until(lambda: office.taken > taken or cancelled.count() > ended, "some work")  # noqa: B023
        time.sleep(chance.uniform(0, 0.3))
        kill(workers.pop(0))
        workers.append(office.start("send_sms_messages", "--interval=0.05", "--limit=200"))
    office.simulator.latency = 0
    office.start("check_sms_states", "--interval=0.2")
    done = Cancellation.objects.using(ALIAS).filter(finished_at__isnull=False)
    office.until(lambda: done.exists() and set(office.states) <= {"ERROR", "DELIVERED"}, "the end")

    made.refresh_from_db()
    assert (made.done, made.keys) == (COUNT, [])
    assert made.cancelled == cancelled.count()
    assert made.cancelled + office.taken == COUNT
    assert not set(cancelled.values_list("recipient", flat=True)) & set(office.simulator.counts)
    assert office.simulator.doubled() == []
    events = OutputSMSEvent.objects.using(ALIAS).filter(message__state="ERROR")
    assert events.count() == events.filter(from_state="WAITING", user=made.user).count() == made.cancelled
