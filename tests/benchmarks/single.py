"""One `send_template()` after the other on the dummy backend, beside a bare `create`."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from smsoffice.backend.sms import send_template
from smsoffice.models.sms import OutputSMSMessage, SMSTemplate
from tests.benchmarks.accept import BODY, rows
from tests.benchmarks.harness import clocked, database, report

COUNT = 2_000


def send_one(row: dict[str, Any]) -> None:
    message = send_template(row["recipient"], "order-ready", row["context_data"])
    assert message is not None
    assert message.state == OutputSMSMessage.State.DEBUG


def main() -> None:
    with database() as vendor, override_settings(DEBUG=False):
        SMSTemplate.objects.create(slug="order-ready", body=BODY)
        all_rows = list(rows(COUNT))
        send_one(all_rows[0])
        with CaptureQueriesContext(connection) as queries:
            send_one(all_rows[1])
        with clocked() as took:
            for row in all_rows:
                send_one(row)
        with clocked() as bare:
            for row in all_rows:
                OutputSMSMessage.objects.create(recipient=row["recipient"], content=BODY)
        report(f"send_template() one by one, {vendor}", COUNT / took[0], COUNT / bare[0], "create", "300/s")
        print(f"{'':<44} {len(queries):>8} queries   promised at most 8")
