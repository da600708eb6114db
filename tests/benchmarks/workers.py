"""One, two and four workers, each a process of its own, drain one queue on PostgreSQL into one gateway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import requests
from django.db import connection

from smsoffice.backend.sms.sms_operator import SMSOperatorBackend
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State
from tests.benchmarks.drain import waiting
from tests.benchmarks.harness import clocked, database, gateway
from tests.benchmarks.log_export import verdict

COUNT = 6_000
LATENCY = 0.1
"""Of a gateway that is reached over the Internet."""

ROUNDS = 3
WORKERS = (1, 2, 4)


@contextmanager
def working(count: int, base: str) -> Iterator[None]:
    """So many workers that stay, and have asked for work already."""
    settings = connection.settings_dict
    where = f"{settings['HOST']}:{settings['PORT'] or 5432}/{settings['NAME']}"
    who = ":".join(filter(None, [settings["USER"], settings["PASSWORD"]]))
    config = {"URL": f"{base}/sms-operator", "USERNAME": "simulator", "PASSWORD": "simulator", "TIMEOUT": 10}
    variables = {
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "SECRET_KEY": "of these benchmarks only",
        "DATABASE_URL": f"postgres://{who}@{where}",
        "PYMESS_SMS_SENDER_BACKEND": SMSOperatorBackend.path(),
        "PYMESS_SMS_OPERATOR_CONFIG": json.dumps(config),
    }
    command = [sys.executable, "manage.py", "send_sms_messages", "--interval=0.05"]
    workers = [
        subprocess.Popen(command, env=os.environ | variables, stdout=subprocess.DEVNULL) for _worker in range(count)
    ]
    try:
        while _connected() < count:
            assert all(worker.poll() is None for worker in workers), "a worker has ended"
            time.sleep(0.05)
        time.sleep(0.5)
        yield
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()


def _connected() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def drain(workers: int, messages: list[OutputSMSMessage], base: str) -> float:
    """Messages a second."""
    left = OutputSMSMessage.objects.filter(state__in=[State.WAITING, State.UNKNOWN])
    with working(workers, base):
        OutputSMSMessage.objects.bulk_create(messages)
        with clocked() as took:
            while left.exists():
                time.sleep(0.02)
    return len(messages) / took[0]


def main() -> None:
    if connection.vendor != "postgresql":
        print("workers: measured on PostgreSQL only; on SQLite one writes at a time. Set DATABASE_URL.")
        return
    rates: dict[int, list[float]] = {count: [] for count in WORKERS}
    with database(), gateway(LATENCY) as base:
        # All numbers differ, so that the gateway sees one that comes twice.
        messages, rounds = waiting(COUNT * ROUNDS * len(WORKERS)), ROUNDS * len(WORKERS)
        for turn in range(rounds):
            count = WORKERS[turn % len(WORKERS)]
            rates[count].append(drain(count, messages[turn * COUNT : (turn + 1) * COUNT], base))
        told = requests.get(f"{base}/stats.json", timeout=10).json()
    assert told["accepted"] == len(messages), "a message was lost"
    alone = median(rates[1])
    for count in WORKERS:
        rate = median(rates[count])
        words = f"{rate / alone:4.2f} times one   {verdict(rate > alone)}" if count > 1 else ""
        print(f"{f'{count} workers, {COUNT:,} at {LATENCY * 1000:.0f} ms':<44} {rate:>8,.0f}/s   {words}")
    print(f"{told['accepted']:,} accepted, {len(told['doubled'])} of them twice   {verdict(not told['doubled'])}")
