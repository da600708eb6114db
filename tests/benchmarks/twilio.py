"""Draining 3,000 waiting messages through Twilio's client at 50 ms, beside that client bare with as many threads."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from django.test import override_settings
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from smsoffice import delivery
from smsoffice.backend.sms.twilio import TwilioSMSBackend
from smsoffice.models.sms import OutputSMSMessage
from tests.benchmarks.drain import waiting
from tests.benchmarks.harness import clocked, database, gateway, report

COUNT = 3_000
BARE = 1_000
LATENCY = 0.05
SENDER = "+15005550006"

# Twilio's own transport writes ten lines a call, which would not be fair.
QUIET = logging.getLogger("tests.benchmarks.twilio")
QUIET.setLevel(logging.WARNING)


class Moved(TwilioHttpClient):  # type: ignore[misc]  # it has no stubs
    """Twilio's own transport, to another server, with a connection for each thread."""

    def __init__(self, api_url: str) -> None:
        super().__init__(timeout=10, logger=QUIET)
        self.api_url = api_url
        self.session.mount("http://", HTTPAdapter(pool_maxsize=TwilioSMSBackend.threads))

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, url.replace("https://api.twilio.com", self.api_url), *args, **kwargs)


def bare_rate(api_url: str) -> float:
    """The same calls by Twilio's client alone, without a database."""
    client = Client("simulator", "simulator", http_client=Moved(api_url))
    messages = waiting(BARE)

    def create(message: OutputSMSMessage) -> None:
        assert client.messages.create(to=message.recipient, body=message.content, from_=SENDER).sid

    with ThreadPoolExecutor(TwilioSMSBackend.threads) as pool, clocked() as took:
        list(pool.map(create, messages))
    return BARE / took[0]


def main() -> None:
    with database() as vendor, gateway(LATENCY) as base:
        api_url = f"{base}/twilio"
        config = {
            "ACCOUNT_SID": "simulator",
            "AUTH_TOKEN": "simulator",
            "SENDER": SENDER,
            "API_URL": api_url,
            "TIMEOUT": 10,
        }
        with override_settings(
            PYMESS_SMS_SENDER_BACKEND=TwilioSMSBackend.path(), PYMESS_TWILIO_CONFIG=config, DEBUG=False
        ):
            OutputSMSMessage.objects.bulk_create(waiting(COUNT), batch_size=1000)
            with clocked() as took:
                done = delivery.send_waiting()
            assert done.states == {"SENDING": COUNT}, done
            counted = requests.get(f"{base}/stats.json", timeout=10).json()
            assert (counted["accepted"], counted["doubled"]) == (COUNT, []), "a message was doubled or lost"
            bare = bare_rate(api_url)
            threads = TwilioSMSBackend.threads
            report(f"Twilio {COUNT:,} at 50 ms, {vendor}", COUNT / took[0], bare, f"{threads} threads", "150/s, 0.70")
