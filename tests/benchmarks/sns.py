"""Draining waiting messages through Amazon SNS's client, beside a bare boto3 client with as many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import boto3
import requests
from botocore.config import Config
from django.test import override_settings

from smsoffice import delivery
from smsoffice.backend.sms.sns import SNSSMSBackend
from smsoffice.models.sms import OutputSMSMessage
from tests.benchmarks.drain import waiting
from tests.benchmarks.harness import clocked, database, gateway, report

COUNT = 3_000
LATENCY = 0.05
KEYS = {"AWS_ACCESS_KEY_ID": "simulator", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}


def bare_rate(url: str) -> float:
    """The same calls by boto3 alone, without a database."""
    backend = SNSSMSBackend()
    client = boto3.client(
        "sns",
        region_name=KEYS["AWS_REGION"],
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=url,
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}, max_pool_connections=backend.threads),
    )
    calls = [backend.publication(message) for message in waiting(COUNT)]
    client.publish(**calls[0])
    with ThreadPoolExecutor(backend.threads) as pool, clocked() as took:
        assert all(answer["MessageId"] for answer in pool.map(lambda call: client.publish(**call), calls))
    return COUNT / took[0]


def main() -> None:
    with database() as vendor, gateway(LATENCY) as base:
        url = f"{base}/sns"
        config = {**KEYS, "ENDPOINT_URL": url, "TIMEOUT": 10}
        with override_settings(PYMESS_SMS_SENDER_BACKEND=SNSSMSBackend.path(), PYMESS_SNS_CONFIG=config, DEBUG=False):
            OutputSMSMessage.objects.bulk_create(waiting(COUNT), batch_size=1000)
            with clocked() as took:
                done = delivery.send_waiting()
            assert done.states == {"SENDING": COUNT}, done
            counted = requests.get(f"{base}/stats.json", timeout=10).json()
            assert (counted["accepted"], counted["doubled"]) == (COUNT, []), "a message was doubled or lost"
            bare = bare_rate(url)
            report(f"SNS, {COUNT:,} at 50 ms, {vendor}", COUNT / took[0], bare, "boto3", "100/s and 0.7")
