"""Amazon SNS's client against moto's server: what somebody else understands of our calls, and we of its answers."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
import requests
from django.utils import timezone
from moto import mock_aws
from moto.sns.models import sns_backends

from smsoffice import delivery
from smsoffice.backend.sms import base
from smsoffice.backend.sms.sns_logs import DeliveryLogs
from smsoffice.models.sms import OutputSMSMessage
from tests.backend.sns import SECRET, ask_later, errors, use_sns
from tests.gateway import numbers, states, waiting
from tests.network import free_port

pytestmark = pytest.mark.django_db

REGION, ACCOUNT = "eu-west-1", "123456789012"
GROUP = f"sns/{REGION}/{ACCOUNT}/DirectPublishToPhoneNumber"


class Moto:
    """A moto server in a process of its own."""

    def __init__(self, recording: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", self.url.rpartition(":")[2]],
            env={**os.environ, "MOTO_RECORDER_FILEPATH": str(recording)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        keys = {"aws_access_key_id": "simulator", "aws_secret_access_key": SECRET}
        self.logs = boto3.client("logs", endpoint_url=self.url, region_name=REGION, **keys)
        self.sns = boto3.client("sns", endpoint_url=self.url, region_name=REGION, **keys)

    def wait(self) -> None:
        while True:
            try:
                requests.get(f"{self.url}/moto-api/data.json", timeout=10).raise_for_status()
                return
            except requests.ConnectionError:
                assert self.process.poll() is None, "moto's server did not start"
                time.sleep(0.05)

    def reset(self) -> None:
        requests.post(f"{self.url}/moto-api/reset", timeout=10)
        requests.post(f"{self.url}/moto-api/recorder/reset-recording", timeout=10)
        requests.post(f"{self.url}/moto-api/recorder/start-recording", timeout=10)

    @property
    def taken(self) -> list[tuple[str, str]]:
        """The numbers and texts of the SMS that it took."""
        data = requests.get(f"{self.url}/moto-api/data.json", timeout=10).json()
        return [(sms["phone_number"], sms["message"]) for sms in data["sns"].get("SMS", [])]

    def calls(self) -> list[dict[str, str]]:
        """What the calls of Publish said."""
        recorded = requests.get(f"{self.url}/moto-api/recorder/download-recording", timeout=10).text
        bodies = [base64.b64decode(json.loads(line)["body"]).decode() for line in recorded.splitlines() if line]
        said = [{name: values[0] for name, values in parse_qs(body).items()} for body in bodies]
        return [call for call in said if call.get("Action") == "Publish"]

    def log(self, group: str, *events: dict[str, Any]) -> None:
        """Write events as SNS does."""
        now = int(timezone.now().timestamp() * 1000)
        self.logs.create_log_group(logGroupName=group)
        self.logs.create_log_stream(logGroupName=group, logStreamName="1")
        written = [{"timestamp": now, "message": json.dumps(event)} for event in events]
        self.logs.put_log_events(logGroupName=group, logStreamName="1", logEvents=written)


def event(id_: str, status: str, response: str) -> dict[str, Any]:
    delivery = {
        "destination": "+420601000500",
        "providerResponse": response,
        "priceInUSD": 0.05,
        "smsType": "Promotional",
    }
    notification = {"messageId": id_, "timestamp": "2026-11-23 10:00:00.000"}
    return {"notification": notification, "delivery": delivery, "status": status}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    moto = Moto(tmp_path_factory.mktemp("moto") / "recording")
    try:
        moto.wait()
        yield moto
    finally:
        moto.process.terminate()
        moto.process.wait()


@pytest.fixture
def moto(server: Moto, settings: Any) -> Iterator[Moto]:
    """The server, empty, and SNS's client set up for it."""
    server.reset()
    use_sns(settings, ENDPOINT_URL=server.url, LOGS_ENDPOINT_URL=server.url, SENDER_ID="Shop")
    yield server
    base._instance.cache_clear()


def ids() -> list[str]:
    return list(OutputSMSMessage.objects.order_by("pk").values_list("external_id", flat=True))


def test_each_message_is_taken_once_as_it_was_typed(moto: Moto) -> None:
    text = "O'Neil & Co <b>100 % příště</b> € 🐎"
    messages = waiting(*numbers(20), content=text)
    delivery.send_waiting()

    assert states(messages) == ["SENDING"] * 20
    assert sorted(moto.taken) == sorted((message.recipient, text) for message in messages)
    assert len(set(ids())) == 20


def test_sender_and_type_travel_as_attributes(moto: Moto) -> None:
    waiting(*numbers(1))
    delivery.send_waiting()

    [call] = moto.calls()
    entries = [key[:-5] for key in call if key.endswith(".Name")]
    said = {call[f"{e}.Name"]: (call[f"{e}.Value.DataType"], call[f"{e}.Value.StringValue"]) for e in entries}
    assert said == {
        "AWS.SNS.SMS.SenderID": ("String", "Shop"),
        "AWS.SNS.SMS.SMSType": ("String", "Transactional"),
    }


@pytest.mark.parametrize(
    ("recipient", "content", "words"),
    [("+4206010005000000000", "Hello.", "number"), ("+420601000500", "x" * 1601, "text")],
    ids=["number", "text"],
)
def test_what_moto_refuses_is_refused_for_that_message_alone(
    moto: Moto, recipient: str, content: str, words: str
) -> None:
    good, bad = waiting(*numbers(2)), waiting(recipient, content=content)
    delivery.send_waiting()

    assert states(good) == ["SENDING"] * 2
    assert states(bad) == ["ERROR"]
    assert words in errors()[2]
    assert recipient not in errors()[2]
    assert len(moto.taken) == 2


def test_the_states_come_from_both_groups(moto: Moto) -> None:
    messages = waiting(*numbers(4))
    delivery.send_waiting()
    delivered, sent, failed, _silent = ids()
    moto.log(
        GROUP,
        event(delivered, "SUCCESS", "Message has been accepted by phone"),
        event(sent, "SUCCESS", "Message has been accepted by phone carrier"),
        event("11111111-2222-3333-4444-555555555555", "SUCCESS", "Message has been accepted by phone"),
    )
    moto.log(f"{GROUP}/Failure", event(failed, "FAILURE", "Blocked as spam by phone carrier"))
    moto.log("/aws/lambda/shop", event(failed, "SUCCESS", "Message has been accepted by phone"))

    ask_later()
    assert states(messages) == ["DELIVERED", "SENT", "ERROR", "SENDING"]
    assert "spam" in errors()[2]


def test_a_receiver_who_has_opted_out_is_taken_and_then_shown_as_such(moto: Moto) -> None:
    messages = waiting("+420601000599")
    assert moto.sns.check_if_phone_number_is_opted_out(phoneNumber="+420601000599")["isOptedOut"]
    delivery.send_waiting()
    assert states(messages) == ["SENDING"]
    moto.log(f"{GROUP}/Failure", event(ids()[0], "FAILURE", "Phone number is opted out"))

    ask_later()
    assert states(messages) == ["ERROR"]
    assert "opted out" in errors()[0]


def test_pages_are_read_to_their_end(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeliveryLogs, "events_a_page", 3)
    messages = waiting(*numbers(10))
    delivery.send_waiting()
    moto.log(GROUP, *(event(id_, "SUCCESS", "Message has been accepted by phone") for id_ in ids()))

    ask_later()
    assert states(messages) == ["DELIVERED"] * 10


def test_groups_that_are_not_there_are_no_error_of_the_messages(moto: Moto) -> None:
    messages = waiting(*numbers(2))
    delivery.send_waiting()
    done = ask_later()
    assert states(messages) == ["SENDING"] * 2
    assert done.errors == {}


def test_what_was_logged_before_the_hand_over_is_not_read(moto: Moto) -> None:
    messages = waiting(*numbers(1))
    delivery.send_waiting()
    moto.log(GROUP, event(ids()[0], "SUCCESS", "Message has been accepted by phone"))
    OutputSMSMessage.objects.update(sent_at=timezone.now() + timedelta(hours=1), check_after=timezone.now())
    delivery.check_states()
    assert states(messages) == ["SENDING"]


def test_a_host_that_mocks_aws_in_its_process_reaches_nobody(settings: Any) -> None:
    use_sns(settings)
    messages = waiting(*numbers(3))
    with mock_aws():
        delivery.send_waiting()
        mocked = sns_backends[ACCOUNT][REGION].sms_messages
        assert sorted(phone for phone, _text in mocked.values()) == numbers(3)
        assert states(messages) == ["SENDING"] * 3
        assert set(ids()) == set(mocked)
    base._instance.cache_clear()
