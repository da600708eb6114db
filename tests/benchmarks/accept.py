"""Accepting 50,000 rows by `bulk_send_template`, beside a loop of bare `bulk_create`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.test import override_settings

from smsoffice.backend.sms import bulk_send_template
from smsoffice.models.sms import OutputSMSMessage, SMSTemplate
from tests.benchmarks.harness import clocked, database, peak_memory, report

BODY = (
    "Dobrý den, {{ customer.name }}, objednávka č. {{ order }} je připravena na prodejně {{ shop }}. "
    "Vyzvedněte ji prosím do {{ until }}."
)
CHUNK = 1000


def rows(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        data = {"customer": {"name": f"Petře {number}"}, "order": number, "shop": "Brno", "until": "23. 11."}
        yield {"recipient": f"+420601{number:06d}", "context_data": data}


def main() -> None:
    with database() as vendor, override_settings(PYMESS_SMS_BATCH_SENDING=True, DEBUG=False):
        SMSTemplate.objects.create(slug="order-ready", body=BODY)
        assert bulk_send_template("order-ready", rows(5_000)).accepted == 5_000
        before = peak_memory()
        with clocked() as took:
            result = bulk_send_template("order-ready", rows(50_000))
        grown = peak_memory() - before
        assert (result.accepted, result.refused) == (50_000, [])
        with clocked() as bare:
            for start in range(0, 20_000, CHUNK):
                OutputSMSMessage.objects.bulk_create(
                    OutputSMSMessage(recipient=f"+420602{number:06d}", content=BODY)
                    for number in range(start, start + CHUNK)
                )
        report(f"accept 50,000 rows, {vendor}", 50_000 / took[0], 20_000 / bare[0], "bulk_create", "5,000/s")
        print(f"{'':<44} {grown:>8.1f} MB more than at 5,000 rows   promised under 40 MB")
