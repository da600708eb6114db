"""Workers as processes of their own, on PostgreSQL: killed at any moment, ended in order, and several at once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.db import connections
from django.db.models import F
from django.utils import timezone

from project.environment import database
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.simulator import Fault, Simulator
from tests import services
from tests.gateway import SMS_OPERATOR, numbers
from tests.house import PATIENCE, ROOT, until

ALIAS = "workers"
ANYWHERE = "postgres://postgres@127.0.0.1:5432/postgres"


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """A migrated database of its own on the PostgreSQL server at hand."""
    given = os.environ.get("DATABASE_URL", "")
    server = urlsplit(given if given.startswith("postgres") else ANYWHERE)._replace(path="/postgres").geturl()
    try:
        admin = psycopg.connect(server, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError:
        services.missing("PostgreSQL", f"Start a server at {ANYWHERE}, or set DATABASE_URL.")
    name = f"workers_{uuid4().hex}"
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    with admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            subprocess.run(migrate, cwd=ROOT, env=environment(url), check=True)
            yield url
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def environment(database_url: str, **variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    fixed = {"SECRET_KEY": "of these tests only", "DATABASE_URL": database_url}
    return {**kept, **fixed, "DJANGO_SETTINGS_MODULE": "project.settings", **variables}


class Office:
    """A queue, a gateway, and the processes between them."""

    def __init__(self, database_url: str, simulator: Simulator, output: Path) -> None:
        self.database_url, self.simulator, self.output = database_url, simulator, output
        self.timeout = 30.0
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def rows(self) -> Any:
        return OutputSMSMessage.objects.using(ALIAS).order_by("pk")

    @property
    def states(self) -> dict[str, int]:
        return Counter(self.rows.values_list("state", flat=True))

    def queue(self, count: int) -> None:
        self.rows.bulk_create(OutputSMSMessage(recipient=number, content="Ahoj") for number in numbers(count))

    def start(self, command: str, *arguments: str) -> subprocess.Popen[bytes]:
        config = {
            "URL": self.simulator.url("sms-operator"),
            "USERNAME": self.simulator.username,
            "PASSWORD": self.simulator.password,
            "TIMEOUT": self.timeout,
        }
        variables = {
            "PYMESS_SMS_SENDER_BACKEND": SMS_OPERATOR,
            "PYMESS_SMS_OPERATOR_CONFIG": json.dumps(config),
            "PYMESS_SMS_UNKNOWN_GRACE": "0.001",
        }
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", command, *arguments],
                cwd=ROOT,
                env=environment(self.database_url, **variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def run(self, command: str) -> None:
        """Run one round of a command to its end, past every pause and with all that is due."""
        GatewayStatus.objects.using(ALIAS).update(not_before=None)
        self.rows.filter(state="WAITING").update(due_at=timezone.now())
        self.rows.filter(check_after__isnull=False).update(check_after=timezone.now())
        assert self.start(command).wait(PATIENCE) == 0, self.output.read_text()

    def until(self, found: Callable[[], object], what: str) -> None:
        """Wait for something, as long as every process lives that was not killed."""

        def happened() -> object:
            died = [process for process in self.processes if (process.poll() or 0) > 0]
            assert not died, self.output.read_text()
            return found()

        until(happened, what)

    def let_time_pass(self) -> None:
        """Make every hand-over an hour old. Nobody may be at work on one."""
        assert all(process.poll() is not None for process in self.processes)
        self.rows.filter(sent_at__isnull=False).update(sent_at=F("sent_at") - timedelta(hours=1))

    def assert_truthful(self) -> None:
        """While nobody hands over: what the gateway took does not wait, and was taken once."""
        waiting = set(self.rows.filter(state="WAITING").values_list("recipient", flat=True))
        assert not waiting & set(self.simulator.counts)
        assert self.simulator.doubled() == []

    def assert_all_delivered_once(self) -> None:
        assert set(self.states) == {"DELIVERED"}, self.states
        assert self.simulator.counts == dict.fromkeys(self.rows.values_list("recipient", flat=True), 1)
        assert self.simulator.doubled() == []


@pytest.fixture
def office(database_url: str, django_db_blocker: Any, tmp_path: Path) -> Iterator[Office]:
    connections.databases[ALIAS] = {**connections.databases["default"], **database(database_url)}
    connections.databases[ALIAS]["OPTIONS"] = {}
    with django_db_blocker.unblock(), Simulator(delivery_delay=0) as simulator:
        office = Office(database_url, simulator, tmp_path / "output")
        try:
            yield office
        finally:
            for process in office.processes:
                process.kill()
                process.wait()
            with connections[ALIAS].cursor() as cursor:
                cursor.execute(
                    "TRUNCATE smsoffice_outputsmsmessage, smsoffice_gatewaystatus, smsoffice_commandrun CASCADE"
                )
            connections[ALIAS].close()
            del connections[ALIAS], connections.databases[ALIAS]


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def listens_to_sigterm(process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    status = Path(f"/proc/{process.pid}/status").read_text()
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) & 1 << (signal.SIGTERM - 1))


# Killed with -9


def test_workers_killed_again_and_again_send_every_message_once(office: Office) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown where the test fails
    chance = random.Random(seed)
    # Small, so that a hand-over whose worker died is asked about after four seconds.
    office.timeout = 1
    office.queue(500)

    in_flight: list[int] = []
    checker = office.start("check_sms_states", "--interval=0.2")
    while office.states.get("WAITING") and (len(in_flight) < 8 or sum(map(bool, in_flight)) < 3):
        office.simulator.latency = chance.uniform(0.1, 0.3)
        begun = timezone.now()
        workers = [office.start("send_sms_messages", "--interval=0.05", "--limit=10") for _ in range(2)]
        touched = office.rows.filter(sent_at__gt=begun)
        office.until(touched.exists, "a hand-over")
        for worker in workers:
            time.sleep(chance.uniform(0, 0.5))
            kill(worker)
        office.assert_truthful()
        in_flight.append(touched.filter(state="UNKNOWN").count())
        if chance.random() < 0.3:
            kill(checker)
            checker = office.start("check_sms_states", "--interval=0.2")
    assert len(in_flight) >= 5
    assert sum(1 for count in in_flight if count) >= 3, in_flight

    office.simulator.latency = 0
    last = [checker, *(office.start("send_sms_messages", "--interval=0.05") for _ in range(2))]
    office.until(lambda: set(office.states) == {"DELIVERED"}, "the last delivery")
    office.until(lambda: all(map(listens_to_sigterm, last)), "the workers")
    for process in last:
        process.terminate()
        assert process.wait(PATIENCE) == 0
    office.assert_all_delivered_once()


MOMENTS = {
    "after the claim, before the call": (Fault.HANG_BEFORE, "status", 0),
    "during the call": (Fault.HANG_BEFORE, "submit", 0),
    "after acceptance, before the record": (Fault.HANG_AFTER, "submit", 5),
}


@pytest.mark.parametrize(("fault", "on", "accepted"), MOMENTS.values(), ids=MOMENTS)
def test_what_a_killed_worker_had_in_flight_is_unknown_until_the_gateway_is_asked(
    office: Office, fault: Fault, on: str, accepted: int
) -> None:
    office.queue(5)
    office.simulator.fail(fault, on=on)
    worker = office.start("send_sms_messages", "--interval=0.05")
    # The question that proves the login comes first.
    office.until(lambda: office.simulator.requests == (1 if on == "status" else 2), "the call")
    office.until(lambda: len(office.simulator.accepted) == accepted, "the gateway")
    kill(worker)

    assert office.states == {"UNKNOWN": 5}
    office.run("send_sms_messages")
    assert office.states == {"UNKNOWN": 5}
    office.run("check_sms_states")
    assert office.states == ({"DELIVERED": 5} if accepted else {"UNKNOWN": 5})

    office.let_time_pass()
    office.run("check_sms_states")
    assert office.states == ({"DELIVERED": 5} if accepted else {"WAITING": 5})
    office.run("send_sms_messages")
    office.run("check_sms_states")
    office.assert_all_delivered_once()


def test_a_process_killed_while_it_asks_changes_nothing(office: Office) -> None:
    office.queue(5)
    office.run("send_sms_messages")
    office.let_time_pass()
    office.rows.update(check_after=timezone.now())
    office.simulator.fail(Fault.HANG_AFTER, on="status")
    asked = office.simulator.requests
    checker = office.start("check_sms_states", "--interval=0.05")
    office.until(lambda: office.simulator.requests > asked, "the question")
    kill(checker)

    assert office.states == {"SENDING": 5}
    office.run("check_sms_states")
    office.assert_all_delivered_once()


# Ended in order


def test_sigterm_lets_a_hand_over_in_flight_end_and_begins_no_other(office: Office) -> None:
    office.queue(300)
    office.simulator.latency = 0.7
    worker = office.start("send_sms_messages", "--interval=0.05")
    office.until(lambda: len(office.simulator.accepted) == 200, "the first batch")
    assert office.states == {"UNKNOWN": 200, "WAITING": 100}
    worker.terminate()

    assert worker.wait(PATIENCE) == 0, office.output.read_text()
    assert office.states == {"SENDING": 200, "WAITING": 100}
    assert len(office.simulator.accepted) == 200


def test_sigterm_lets_a_question_in_flight_end(office: Office) -> None:
    office.queue(5)
    office.run("send_sms_messages")
    office.let_time_pass()
    office.rows.update(check_after=timezone.now())
    office.simulator.latency = 0.7
    asked = office.simulator.requests
    checker = office.start("check_sms_states", "--interval=0.05")
    office.until(lambda: office.simulator.requests > asked, "the question")
    checker.terminate()

    assert checker.wait(PATIENCE) == 0, office.output.read_text()
    office.assert_all_delivered_once()


@pytest.mark.parametrize("command", ["send_sms_messages", "check_sms_states"])
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT], ids=lambda by: by.name)
def test_an_idle_worker_ends_at_once_and_without_a_fuss(office: Office, command: str, by: signal.Signals) -> None:
    worker = office.start(command, "--interval=3600")
    office.until(lambda: listens_to_sigterm(worker), "the worker")
    worker.send_signal(by)
    assert worker.wait(PATIENCE) == 0
    assert "Traceback" not in office.output.read_text()


# Several at once


def test_two_workers_at_once_are_harmless(office: Office) -> None:
    office.queue(500)
    office.simulator.latency = 0.05
    workers = [office.start("send_sms_messages", "--interval=0.01", "--limit=7") for _ in range(2)]
    office.until(lambda: not office.states.get("WAITING"), "the hand-over")
    for worker in workers:
        worker.terminate()
        assert worker.wait(PATIENCE) == 0
    assert office.states == {"SENDING": 500}
    assert office.simulator.connections == 2

    office.let_time_pass()
    office.rows.update(check_after=timezone.now())
    checkers = [office.start("check_sms_states") for _ in range(2)]
    assert [checker.wait(PATIENCE) for checker in checkers] == [0, 0], office.output.read_text()
    office.assert_all_delivered_once()
    assert "Traceback" not in office.output.read_text()
