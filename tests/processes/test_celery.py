"""Celery workers on RabbitMQ and PostgreSQL: several machines' worth of processes, killed and without a broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kombu.connection import Connection

from smsoffice.broker import TIMEOUT
from tests import services
from tests.gateway import SMS_OPERATOR, numbers
from tests.house import PATIENCE, ROOT
from tests.processes.proxy import Proxy
from tests.processes.test_killed_workers import Office, database_url, environment, office

__all__ = ["database_url", "office"]

BROKER = "amqp://guest:guest@127.0.0.1:5672//"


class Site:
    """Senders, workers and a beat, which speak by a queue of their own."""

    def __init__(self, office: Office, folder: Path, broker: str) -> None:
        self.office, self.folder, self.broker = office, folder, broker
        self.queue = f"test-{uuid4().hex}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        simulator = self.office.simulator
        config = {
            "URL": simulator.url("sms-operator"),
            "USERNAME": simulator.username,
            "PASSWORD": simulator.password,
            "TIMEOUT": 1.0,
        }
        variables = {
            "DJANGO_SETTINGS_MODULE": "tests.processes.celery_settings",
            "CELERY_BROKER_URL": self.broker,
            "CELERY_QUEUE": self.queue,
            "PYMESS_SMS_SENDER_BACKEND": SMS_OPERATOR,
            "PYMESS_SMS_OPERATOR_CONFIG": json.dumps(config),
            "PYMESS_SMS_UNKNOWN_GRACE": "0.001",
            "PYMESS_SMS_BATCH_SENDING": "1",
        }
        with (self.folder / "output").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=ROOT,
                env=environment(self.office.database_url, **variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A worker has children; a machine that dies takes them along.
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        # Two workers on one machine need names of their own.
        name = f"{uuid4().hex}@%h"
        return self.start(
            *("celery", "-A", "project", "worker", "-c", "2", "-l", "WARNING", "-n", name, "-Q", self.queue)
        )

    def beat(self) -> subprocess.Popen[bytes]:
        return self.start("celery", "-A", "project", "beat", "-l", "WARNING", "-s", str(self.folder / "beat"))

    def send(self, recipients: list[str]) -> subprocess.Popen[bytes]:
        return self.start("tests.processes.sender", *recipients)

    def said(self) -> str:
        return (self.folder / "output").read_text()

    def end(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def site(office: Office, tmp_path: Path) -> Iterator[Site]:
    try:
        with Connection(BROKER, connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
    except Exception:
        services.missing("RabbitMQ", f"Start a broker at {BROKER}.")
    site = Site(office, tmp_path, BROKER)
    try:
        yield site
    finally:
        site.end()
        with Connection(BROKER) as connection:
            connection.default_channel.queue_delete(site.queue)


def test_a_thousand_messages_go_once_though_a_worker_is_killed_on_the_way(site: Site, office: Office) -> None:
    office.simulator.latency = 0.05
    recipients = numbers(1000)
    workers = [site.worker(), site.worker()]
    site.beat()
    senders = [site.send(recipients[:500]), site.send(recipients[500:])]
    for round_, worker in enumerate(workers):
        office.until(lambda: len(office.simulator.accepted) > 100 * (round_ + 1), "some hand-overs")  # noqa: B023
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        site.worker()
    for sender in senders:
        assert sender.wait(PATIENCE) == 0, site.said()
    office.simulator.latency = 0
    office.until(lambda: office.states == {"DELIVERED": 1000}, "the last delivery")
    office.assert_all_delivered_once()


def test_a_send_starts_a_worker_without_waiting_for_a_round(site: Site, office: Office) -> None:
    site.worker()
    assert site.send(numbers(3)).wait(PATIENCE) == 0, site.said()
    # There is no beat and no command: nobody else would begin.
    office.until(lambda: len(office.simulator.accepted) == 3, "the hand-over")


def test_workers_and_commands_at_once_do_no_harm(site: Site, office: Office) -> None:
    site.worker()
    office.start("send_sms_messages", "--interval=0.1")
    office.start("check_sms_states", "--interval=0.2")
    assert site.send(numbers(200)).wait(PATIENCE) == 0, site.said()
    office.until(lambda: office.states == {"DELIVERED": 200}, "the last delivery")
    office.assert_all_delivered_once()


@pytest.fixture(params=["refuses", "is silent"])
def without_broker(request: pytest.FixtureRequest, office: Office, tmp_path: Path) -> Iterator[Site]:
    """A site whose broker's port refuses connections, or takes them and says nothing."""
    with Proxy("127.0.0.1", 5672) as port:
        if request.param == "refuses":
            port.go_away()
        else:
            port.fall_silent()
        site = Site(office, tmp_path, f"amqp://guest:guest@127.0.0.1:{port.port}//")
        try:
            yield site
        finally:
            site.end()


def test_without_its_broker_a_site_sends_by_the_commands(without_broker: Site, office: Office) -> None:
    assert without_broker.send(numbers(3)).wait(PATIENCE) == 0, without_broker.said()
    said = without_broker.said()
    first, *next_ = json.loads(said.splitlines()[-1])
    assert first < 3
    # It is left alone for a while: who sends waits for it once.
    assert max(next_) < TIMEOUT
    assert said.count("The broker does not answer") == 1
    assert "Traceback" not in said
    assert office.states == {"WAITING": 3}
    office.run("send_sms_messages")
    assert len(office.simulator.accepted) == 3


def test_the_front_page_says_that_the_broker_is_away(without_broker: Site) -> None:
    assert without_broker.start("tests.processes.front_page").wait(PATIENCE) == 0, without_broker.said()
    seconds, page = without_broker.said().split("\n", 1)
    assert "Celery&#x27;s broker does not answer." in page, page
    assert float(seconds) < 5


def test_the_rounds_of_the_tasks_are_known(site: Site, office: Office) -> None:
    from smsoffice.models.rounds import CommandRun

    site.worker()
    site.beat()
    rounds: Any = CommandRun.objects.using("workers")
    office.until(lambda: rounds.count() == 2, "a round of each task")
    assert {run.interval for run in rounds.all()} == {1.0}
