"""Writing 100,000 rows of a confirmed draft beside bare `bulk_create`; pausing while two workers hand over."""

from __future__ import annotations

import threading
import time
from statistics import median
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections
from django.test import override_settings

from smsoffice import delivery
from smsoffice.backend.sms.sms_operator import SMSOperatorBackend
from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_control import go_on, pause
from smsoffice.models.batch_numbers import numbers
from smsoffice.models.batch_work import work
from smsoffice.models.batch_write import confirm
from smsoffice.models.sms import OutputSMSMessage, SMSTemplate
from tests.benchmarks.harness import clocked, database, gateway, report

COUNT = 100_000
CHUNK = 1_000
LATENCY = 0.02
PRESSED = 10
BODY = "Dobrý den, {{ name }}, objednávka č. {{ order }} je na prodejně {{ shop }}. Vyzvedněte ji do {{ until }}."


def draft(count: int) -> Batch:
    """A checked draft of as many good rows."""
    template = SMSTemplate.objects.create(slug="order-ready", body=BODY)
    batch = Batch.objects.create(
        template=template,
        template_slug=template.slug,
        template_version=template.version,
        body=BODY,
        columns=["phone", "name", "order", "shop", "until"],
        total=count,
        sendable=count,
        checked_at=template.created_at,
    )
    for place, start in enumerate(range(0, count, CHUNK)):
        rows = [
            # No number ends in 0xx: to those the local gateway does something special.
            [n, [f"+420{601_000 + n // 900}{100 + n % 900}", f"Petře {n}", str(n), "Brno", "23. 11."]]
            for n in range(start, start + CHUNK)
        ]
        BatchChunk.objects.create(batch=batch, number=place, rows=rows)
    return batch


def bare_rate() -> float:
    rows = 20_000
    with clocked() as took:
        for start in range(0, rows, CHUNK):
            OutputSMSMessage.objects.bulk_create(
                OutputSMSMessage(recipient=f"+420602{number:06d}", content=BODY)
                for number in range(start, start + CHUNK)
            )
    OutputSMSMessage.objects.filter(batch=None).delete()
    return rows / took[0]


def press(batch: Batch, user: Any) -> list[float]:
    """Pause and go on again and again, while two workers hand over as fast as they can; seconds of each pause."""
    over = threading.Event()

    def send() -> None:
        try:
            while not over.is_set():
                delivery.send_waiting(stopping=over.is_set)
                time.sleep(0.01)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=send) for _ in range(2)]
    for worker in workers:
        worker.start()
    seconds = []
    for _time in range(PRESSED):
        time.sleep(0.5)
        with clocked() as took:
            pause(batch.pk, user.pk)
            told = numbers(batch)
        seconds.append(took[0])
        time.sleep(0.5)
        since = numbers(batch)
        # What was being claimed at that moment, by each worker.
        assert told.not_sent - since.not_sent <= 2 * SMSOperatorBackend.batch_size, (told, since)
        go_on(batch.pk, user.pk)
    over.set()
    for worker in workers:
        worker.join()
    return seconds


def main() -> None:
    with database() as vendor, gateway(LATENCY) as base:
        config = {"URL": f"{base}/sms-operator", "USERNAME": "simulator", "PASSWORD": "simulator", "TIMEOUT": 10}
        chosen = {"PYMESS_SMS_SENDER_BACKEND": SMSOperatorBackend.path(), "PYMESS_SMS_OPERATOR_CONFIG": config}
        with override_settings(**chosen, DEBUG=False):
            bare = bare_rate()
            user = get_user_model().objects.create(username="jana")
            batch = confirm(draft(COUNT).pk, user.pk)
            with clocked() as took:
                for _slice in work():
                    pass
            assert OutputSMSMessage.objects.filter(batch=batch).count() == COUNT
            report(f"accept a bulk send of {COUNT:,}, {vendor}", COUNT / took[0], bare, "bulk_create", "5,000/s")
            batch.refresh_from_db()
            with clocked() as counted:
                for _time in range(5):
                    numbers(batch)
            print(f"{'':<44} {1000 * counted[0] / 5:>8.0f} ms for its numbers   promised 30")
            seconds = press(batch, user)
            longest, usual = 1000 * max(seconds), 1000 * median(seconds)
            print(f"{'':<44} {longest:>8.0f} ms at most to pause it under load ({usual:.0f} usually)   promised 1,000")
