"""The database gone for ten seconds: workers wait, say so once, go on by themselves; nothing is doubled or lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from smsoffice.models.rounds import CommandRun
from smsoffice.models.sms import OutputSMSEvent
from tests.processes.proxy import Proxy
from tests.processes.test_celery import Site, site
from tests.processes.test_killed_workers import ALIAS, Office, database_url, listens_to_sigterm, office

__all__ = ["database_url", "office", "site"]

OUTAGE = 10.0
"""Seconds."""


@pytest.fixture
def way(office: Office) -> Iterator[Proxy]:
    """The way that every process has to the database, and the test itself has not."""
    server = urlsplit(office.database_url)
    with Proxy(server.hostname or "127.0.0.1", server.port or 5432) as proxy:
        login, _at, _host = server.netloc.rpartition("@")
        office.database_url = server._replace(netloc=f"{login}@127.0.0.1:{proxy.port}").geturl()
        yield proxy


AWAY = "The database does not answer (OperationalError)."
BACK = ("All is well again.", "The database is back, and what was learnt is written.")


def assert_said_once(said: str) -> None:
    """That the database was away, and that it is back: in words, a line for each."""
    assert "Traceback" not in said, said
    assert said.count(AWAY) == sum(line.endswith(BACK) for line in said.splitlines()) == 1, said


def test_all_workers_outlive_the_database_and_send_every_message_once(
    way: Proxy, site: Site, office: Office, tmp_path: Path
) -> None:
    office.timeout, office.simulator.latency = 1.0, 0.4
    site.worker()
    site.beat()
    outputs: list[Path] = []
    for command in ("send_sms_messages", "send_sms_messages", "check_sms_states"):
        office.output = tmp_path / f"{command}-{len(outputs)}"
        outputs.append(office.output)
        office.start(command, "--interval=0.5")
    office.until(lambda: all(map(listens_to_sigterm, office.processes)), "the commands")
    # By its interval a round of Celery is told from those of the commands.
    of_celery = CommandRun.objects.using(ALIAS).filter(interval=1.0)
    office.until(of_celery.exists, "a round of Celery")
    office.queue(3000)
    office.until(lambda: len(office.simulator.accepted) > 600, "the hand-over")

    way.go_away()
    began = time.monotonic()
    time.sleep(2)
    taken = len(office.simulator.accepted)
    assert taken < 3000
    office.assert_truthful()
    time.sleep(OUTAGE - (time.monotonic() - began))
    assert len(office.simulator.accepted) == taken
    way.come_back()

    office.until(lambda: office.states == {"DELIVERED": 3000}, "the last delivery")
    office.assert_all_delivered_once()
    assert all(process.poll() is None for process in (*office.processes, *site.processes))
    for output in outputs:
        office.until(lambda: BACK[0] in output.read_text() or BACK[1] in output.read_text(), "the words")  # noqa: B023
        assert_said_once(output.read_text())
    # Both of the worker's own processes meet it, in a task's queries or with an answer in their hands.
    assert "Traceback" not in site.said()
    assert 1 <= site.said().count(AWAY) <= 4, site.said()


def test_an_answer_that_came_while_the_database_was_away_is_written_when_it_is_back(way: Proxy, office: Office) -> None:
    office.queue(5)
    office.simulator.latency = 1.0
    office.start("send_sms_messages", "--interval=0.5")
    office.until(lambda: len(office.simulator.accepted) == 5, "the gateway")
    way.go_away()
    assert office.states == {"UNKNOWN": 5}
    office.until(lambda: AWAY in office.output.read_text(), "the words")
    assert office.states == {"UNKNOWN": 5}
    way.come_back()

    office.until(lambda: "Handed over: 5 SENDING." in office.output.read_text(), "the end of the round")
    assert office.states == {"SENDING": 5}
    assert_said_once(office.output.read_text())
    assert [event.to_state for event in OutputSMSEvent.objects.using(ALIAS).order_by("pk")] == [
        *["UNKNOWN"] * 5,
        *["SENDING"] * 5,
    ]
    assert office.simulator.doubled() == []
