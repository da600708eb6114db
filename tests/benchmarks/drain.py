"""Draining 20,000 waiting messages through SMS Operator's client, beside a bare loop of the same calls."""

from __future__ import annotations

import requests
from django.test import override_settings

from smsoffice import delivery
from smsoffice.backend.sms.batches import XMLBatchGateway
from smsoffice.backend.sms.sms_operator import SMSOperatorBackend
from smsoffice.backend.sms.xml import write
from smsoffice.models.sms import OutputSMSMessage
from tests.benchmarks.harness import clocked, database, gateway, report

COUNT = 20_000
LATENCY = 0.02


def waiting(count: int) -> list[OutputSMSMessage]:
    return [
        # No number ends in 0xx: to those the local gateway does something special.
        OutputSMSMessage(
            recipient=f"+420{601_000 + number // 900}{100 + number % 900}",
            content=f"Objednavka c. {number} je pripravena k vyzvednuti.",
        )
        for number in range(count)
    ]


def bare_rate(backend: XMLBatchGateway) -> float:
    """The same documents by one requests session, without a database."""
    messages = waiting(4_000)
    for key, message in enumerate(messages):
        message.pk = 10_000_000 + key
    size, url, headers = backend.batch_size, backend.config["URL"], {"Content-Type": backend.content_type}
    with requests.Session() as session, clocked() as took:
        for start in range(0, len(messages), size):
            document = write(backend.submission(messages[start : start + size]))
            session.post(url, data=document, headers=headers, timeout=10).raise_for_status()
    return len(messages) / took[0]


def drain(backend: XMLBatchGateway, path: str, what: str) -> None:
    """Measure a gateway that takes batches.

    Args:
        path: where the local gateway speaks its protocol.
        what: the name of the measurement.
    """
    with database() as vendor, gateway(LATENCY) as base:
        config = {"URL": f"{base}/{path}", "USERNAME": "simulator", "PASSWORD": "simulator", "TIMEOUT": 10}
        chosen = {"PYMESS_SMS_SENDER_BACKEND": backend.path(), backend.config_setting: config}
        with override_settings(**chosen, DEBUG=False):
            OutputSMSMessage.objects.bulk_create(waiting(COUNT), batch_size=1000)
            with clocked() as took:
                done = delivery.send_waiting()
            assert done.states == {"SENDING": COUNT}, done
            counted = requests.get(f"{base}/stats.json", timeout=10).json()
            assert (counted["accepted"], counted["doubled"]) == (COUNT, []), "a message was doubled or lost"
            bare = bare_rate(backend)
            report(f"{what} {COUNT:,} at 20 ms, {vendor}", COUNT / took[0], bare, "HTTP loop", "1,500/s")


def main() -> None:
    drain(SMSOperatorBackend(), "sms-operator", "drain")
