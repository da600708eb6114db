"""A bulk send of two thousand with workers that are killed, and an operator who pauses, goes on and stops."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.utils import timezone

from project.environment import database
from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.simulator import Simulator
from tests.gateway import numbers
from tests.house import PATIENCE, ROOT
from tests.processes.test_killed_workers import ALIAS, Office, database_url, environment, kill

__all__ = ["database_url"]

SIZE = 20
"""Messages that a worker has in flight at most."""


class BulkOffice(Office):
    """An office with one bulk send, its operator, and two workers that may be killed."""

    batch: Batch

    @property
    def taken(self) -> int:
        """How many messages the gateway has taken."""
        return len(self.simulator.accepted)

    def draft(self, count: int) -> None:
        """A checked draft to as many different numbers."""
        self.operator = get_user_model().objects.using(ALIAS).create(username=f"jana{timezone.now().timestamp()}")
        self.batch = Batch.objects.using(ALIAS).create(
            body="Ahoj.",
            columns=["phone", "name"],
            total=count,
            sendable=count,
            check_progress=count,
            checked_at=timezone.now(),
            # A worker that is killed in mid-air is no failure of the messages.
            failure_limit=100,
        )
        rows = [[line, [number, f"Jana {line}"]] for line, number in enumerate(numbers(count), start=2)]
        BatchChunk.objects.using(ALIAS).bulk_create(
            BatchChunk(batch=self.batch, number=place, rows=rows[start : start + 100])
            for place, start in enumerate(range(0, count, 100))
        )

    def desk(self, action: str) -> Any:
        """Let the operator do something; gives back the numbers that stand on the page then."""
        module = [sys.executable, "-m", "tests.processes.desk", action, str(self.batch.pk), str(self.operator.pk)]
        env = environment(self.database_url, PYMESS_SMS_UNKNOWN_GRACE="120", PYTHONPATH=":".join(sys.path))
        done = subprocess.run(module, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
        told = SimpleNamespace(**json.loads(done.stdout))
        assert told.handed_over + told.in_flight + told.not_sent + told.unknown == told.total
        return told

    def workers(self, *arguments: str) -> list[subprocess.Popen[bytes]]:
        return [self.start("send_sms_messages", "--interval=0.05", *arguments) for _ in range(2)]

    def send_among_deaths(self, chance: random.Random, until: Callable[[], bool]) -> None:
        """Kill two workers, and two more, again and again."""
        while not until():
            self.simulator.latency = chance.uniform(0.05, 0.2)
            taken, written = self.taken, self.rows.count()
            workers = self.workers(f"--limit={SIZE}")
            self.until(
                lambda: until() or self.taken > taken or self.rows.count() > written,  # noqa: B023
                "something to be written or handed over",
            )
            for worker in workers:
                time.sleep(chance.uniform(0, 1.5))
                kill(worker)
            self.assert_truthful()

    def status(self) -> str:
        return str(Batch.objects.using(ALIAS).get(pk=self.batch.pk).status)


@pytest.fixture(params=["postgresql", "sqlite"])
def office(request: pytest.FixtureRequest, django_db_blocker: Any, tmp_path: Path) -> Iterator[BulkOffice]:
    if request.param == "postgresql":
        url, options = request.getfixturevalue("database_url"), {}
    else:
        url, options = f"sqlite:///{tmp_path / 'db.sqlite3'}", {"timeout": 30}
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(migrate, cwd=ROOT, env=environment(url), check=True)
    connections.databases[ALIAS] = {**connections.databases["default"], **database(url), "OPTIONS": options}
    with django_db_blocker.unblock(), Simulator(delivery_delay=0) as simulator:
        office = BulkOffice(url, simulator, tmp_path / "output")
        # Small, so that a hand-over whose worker died is asked about after four seconds.
        office.timeout = 1
        try:
            yield office
        finally:
            for process in office.processes:
                process.kill()
                process.wait()
            if request.param == "postgresql":
                with connections[ALIAS].cursor() as cursor:
                    tables = "smsoffice_outputsmsmessage, smsoffice_gatewaystatus, smsoffice_batch"
                    cursor.execute(f"TRUNCATE {tables} CASCADE")
            connections[ALIAS].close()
            del connections[ALIAS], connections.databases[ALIAS]


def test_promise_10_a_bulk_send_among_deaths_pauses_goes_on_and_texts_everybody_once(office: BulkOffice) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown where the test fails
    chance = random.Random(seed)
    office.draft(2_000)
    assert office.desk("confirm").said == ""
    assert "already" in office.desk("confirm").said

    office.start("check_sms_states", "--interval=0.2")
    office.send_among_deaths(chance, lambda: office.taken >= 100)

    # Paused while two workers are at it, slowly enough that something is left for the operator.
    office.simulator.latency = 0.4
    workers, before = office.workers(f"--limit={SIZE}"), office.taken
    office.until(lambda: office.taken > before + 3 * SIZE, "the workers")
    told = office.desk("pause")
    assert told.status == "PAUSED"
    assert told.not_sent > 0
    # A claim of each may have been under way when it was counted.
    gone = told.handed_over + told.in_flight + told.unknown
    rest = [worker for worker in workers if worker.poll() is None]
    time.sleep(1)
    after = office.taken
    assert after <= gone + SIZE * len(rest)
    time.sleep(2)
    assert office.taken == after
    told = office.desk("look")
    # What the gateway took is handed over, or not known: of what a worker had in flight that was killed.
    assert told.handed_over <= after <= told.handed_over + told.in_flight + told.unknown
    assert told.not_sent + told.handed_over + told.in_flight + told.unknown == 2_000
    for worker in workers:
        kill(worker)

    assert office.desk("go_on").status == "RUNNING"
    # Each death in the middle of writing keeps the rows from the others for a while: some of them are enough.
    office.send_among_deaths(chance, lambda: office.taken >= after + 200)

    office.simulator.latency = 0
    office.workers()
    office.until(lambda: office.status() == "FINISHED" and set(office.states) == {"DELIVERED"}, "the end")
    office.assert_all_delivered_once()
    assert set(office.simulator.counts) == set(numbers(2_000))
    told = office.desk("look")
    assert (told.handed_over, told.total, told.status) == (2_000, 2_000, "FINISHED")


def test_promise_10_a_bulk_send_that_is_stopped_ends_with_numbers_that_add_up(office: BulkOffice) -> None:
    office.draft(2_000)
    office.desk("confirm")
    office.simulator.latency = 0.4
    office.start("check_sms_states", "--interval=0.2")
    workers = office.workers(f"--limit={SIZE}")
    office.until(lambda: office.taken > 5 * SIZE, "the workers")
    kill(workers.pop())

    told = office.desk("stop")
    assert (told.status, told.to_go) == ("STOPPED", 0)
    gone = told.handed_over + told.in_flight + told.unknown
    ended = Batch.objects.using(ALIAS).filter(pk=office.batch.pk, finished_at__isnull=False)
    settled = {"DELIVERED", "ERROR"}
    office.until(lambda: ended.exists() and set(office.states) <= settled, "the end of what waited")
    assert office.taken <= gone + SIZE
    told = office.desk("look")
    assert (told.handed_over, told.in_flight, told.unknown) == (office.taken, 0, 0)
    assert told.not_sent == 2_000 - office.taken > 0
    assert office.simulator.doubled() == []
    assert set(office.rows.filter(state="ERROR").values_list("error", flat=True)) <= {"Stopped by an operator"}
    assert workers[0].poll() is None
    workers[0].terminate()
    assert workers[0].wait(PATIENCE) == 0
