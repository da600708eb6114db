"""The simulator as Amazon SNS and CloudWatch Logs, over real sockets and with raw requests."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from smsoffice.simulator import ENDINGS, Fault, Simulator
from smsoffice.simulator import sns as simulated

NUMBER = "+420601000500"
NEVER = 3600.0
GROUP = "sns/eu-west-1/123456789012/DirectPublishToPhoneNumber"
XMLNS = "{http://sns.amazonaws.com/doc/2010-03-31/}"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(delivery_delay=0, late=NEVER, early=NEVER) as running:
        yield running


def signed(key_id: str, service: str) -> dict[str, str]:
    credential = f"{key_id}/20261123/eu-west-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"}


def publish(simulator: Simulator, number: str = NUMBER, key_id: str = "simulator", **said: str) -> requests.Response:
    form = {"Action": "Publish", "Version": "2010-03-31", "PhoneNumber": number, "Message": "Dobrý den", **said}
    return requests.post(simulator.url("sns"), form, headers=signed(key_id, "sns"), timeout=10)


def attribute(number: int, name: str, value: str, kind: str = "String") -> dict[str, str]:
    entry = f"MessageAttributes.entry.{number}"
    return {f"{entry}.Name": name, f"{entry}.Value.DataType": kind, f"{entry}.Value.StringValue": value}


def told(response: requests.Response, name: str) -> str | None:
    return ElementTree.fromstring(response.content).findtext(f".//{XMLNS}{name}")


def logs(
    simulator: Simulator, target: str = "FilterLogEvents", key_id: str = "simulator", **said: Any
) -> requests.Response:
    headers = {"X-Amz-Target": f"Logs_20140328.{target}", "Content-Type": "application/x-amz-json-1.1"}
    return requests.post(
        simulator.url("logs"), json.dumps(said), headers={**signed(key_id, "logs"), **headers}, timeout=10
    )


def statuses(simulator: Simulator, group: str = GROUP) -> dict[str, tuple[str, str]]:
    """The status and providerResponse of each message that a group tells of."""
    events = [json.loads(event["message"]) for event in logs(simulator, logGroupName=group).json()["events"]]
    return {
        event["notification"]["messageId"]: (event["status"], event["delivery"]["providerResponse"]) for event in events
    }


# Publish


def test_a_message_is_kept_as_it_was_sent_under_an_id_of_its_own(simulator: Simulator) -> None:
    said = attribute(1, "AWS.SNS.SMS.SenderID", "Shop") | attribute(2, "AWS.SNS.SMS.SMSType", "Promotional")
    response = publish(simulator, Message="Žluťoučký <kůň> & spol. 🐎", **said)

    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/xml")
    [message] = simulator.accepted
    assert message[:4] == (told(response, "MessageId"), NUMBER, "Žluťoučký <kůň> & spol. 🐎", "Shop")
    assert told(publish(simulator), "MessageId") != message.id
    assert simulator.doubled() == [NUMBER]


def test_a_strange_access_key_is_refused(simulator: Simulator) -> None:
    response = publish(simulator, key_id="stranger")
    assert (response.status_code, told(response, "Code")) == (403, "InvalidClientTokenId")
    assert logs(simulator, key_id="stranger", logGroupName=GROUP).json()["__type"] == "UnrecognizedClientException"
    assert simulator.accepted == []


BROKEN: list[tuple[dict[str, str], str]] = [
    ({"Action": "CreateTopic"}, "InvalidAction"),
    ({"Version": "2012-01-01"}, "InvalidAction"),
    ({"PhoneNumber": "420601000500"}, "InvalidParameter"),
    ({"PhoneNumber": ""}, "InvalidParameter"),
    ({"PhoneNumber": "+420 601"}, "InvalidParameter"),
    ({"Message": ""}, "InvalidParameter"),
    ({"Message": "ž" * 801}, "InvalidParameter"),
    (attribute(1, "AWS.SNS.SMS.SenderID", "123"), "InvalidParameter"),
    (attribute(1, "AWS.SNS.SMS.SenderID", "much too long"), "InvalidParameter"),
    (attribute(1, "AWS.SNS.SMS.SMSType", "Urgent"), "InvalidParameter"),
    (attribute(1, "AWS.SNS.SMS.SMSType", "Promotional", "Number"), "InvalidParameter"),
    (attribute(1, "SenderID", "Shop"), "InvalidParameter"),
]


@pytest.mark.parametrize(("said", "code"), BROKEN, ids=[str(said)[:60] for said, _code in BROKEN])
def test_a_call_that_sns_would_not_take_is_refused(simulator: Simulator, said: dict[str, str], code: str) -> None:
    response = publish(simulator, **said)
    assert (response.status_code, told(response, "Code")) == (400, code)
    assert simulator.accepted == []


def test_a_call_that_is_not_signed_is_refused(simulator: Simulator) -> None:
    assert requests.post(simulator.url("sns"), {"Action": "Publish"}, timeout=10).status_code == 403
    assert requests.post(simulator.url("logs"), "{}", timeout=10).status_code == 400


SAID_OF = {
    # ending: (status and code of the answer to Publish, the event at last)
    "001": (400, "InvalidParameter", None),
    "002": (200, None, ("FAILURE", "Phone is currently unreachable/unavailable")),
    "003": (400, "InvalidParameter", None),
    "008": (500, "Teleported", ("TELEPORTED", "Message has been teleported")),
    "009": (200, None, None),
    "010": (200, None, None),
    "011": (500, "", None),
    "012": (200, None, None),
    "013": (200, None, ("SUCCESS", "Message has been accepted by phone carrier")),
    "014": (200, None, None),
}
OF_THE_CONNECTION = {"004", "005", "006", "007"}


def test_every_ending_is_in_a_table() -> None:
    assert set(ENDINGS) == set(SAID_OF) | OF_THE_CONNECTION


@pytest.mark.parametrize(("ending", "said"), SAID_OF.items(), ids=SAID_OF)
def test_an_ending_decides_what_is_said_and_logged(
    simulator: Simulator, ending: str, said: tuple[int, str | None, tuple[str, str] | None]
) -> None:
    number = f"+420601000{ending}"
    good, special = publish(simulator), publish(simulator, number)

    assert (special.status_code, told(special, "Code")) == said[:2]
    assert (number in simulator.counts) == (ENDINGS[ending].refused is None)
    if ending == "009":
        assert told(special, "MessageId") is None
    if ending == "011":
        events = logs(simulator, logGroupName=GROUP).json()["events"]
        assert "Message has been delivered" in [event["message"] for event in events]
        return
    events = statuses(simulator)
    if said[2] and said[2][0] == "FAILURE":
        events |= statuses(simulator, f"{GROUP}/Failure")
    assert events.pop(told(good, "MessageId") or "") == ("SUCCESS", "Message has been accepted by phone")
    assert [event for id_, event in events.items() if ending != "010"] == ([said[2]] if said[2] else [])


# The logs


def test_events_come_when_their_time_has_come_and_only_for_their_window(simulator: Simulator) -> None:
    simulator.delivery_delay = NEVER
    begun = time.time() * 1000
    publish(simulator)
    assert logs(simulator, logGroupName=GROUP).json()["__type"] == "ResourceNotFoundException"

    simulator.delivery_delay = 0
    assert len(statuses(simulator)) == 1
    later = logs(simulator, logGroupName=GROUP, startTime=int(begun) + 60_000).json()
    earlier = logs(simulator, logGroupName=GROUP, endTime=int(begun) - 60_000).json()
    assert later["events"] == earlier["events"] == []
    assert len(logs(simulator, logGroupName=GROUP, startTime=int(begun) - 1000).json()["events"]) == 1


def test_both_groups_are_listed_and_one_without_an_event_is_not_there(simulator: Simulator) -> None:
    publish(simulator)
    listed = logs(simulator, "DescribeLogGroups", logGroupNamePattern="DirectPublish").json()["logGroups"]
    assert [group["logGroupName"] for group in listed] == [GROUP, f"{GROUP}/Failure"]
    assert logs(simulator, "DescribeLogGroups", logGroupNamePattern="lambda").json()["logGroups"] == []
    assert logs(simulator, logGroupName=f"{GROUP}/Failure").json()["__type"] == "ResourceNotFoundException"
    assert logs(simulator, logGroupName="/aws/lambda/shop").json()["__type"] == "ResourceNotFoundException"


def test_a_page_is_followed_by_an_empty_one_with_a_token(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "EVENTS_A_PAGE", 2)
    for _ in range(3):
        publish(simulator)

    pages: list[dict[str, Any]] = []
    while not pages or "nextToken" in pages[-1]:
        token = {"nextToken": pages[-1]["nextToken"]} if pages else {}
        pages.append(logs(simulator, logGroupName=GROUP, limit=100, **token).json())
    assert [len(page["events"]) for page in pages] == [2, 0, 1]


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("Logs_20140328.PutLogEvents", "{}"),
        ("Logs_20140328.FilterLogEvents", "{}"),
        ("Logs_20140328.FilterLogEvents", "[]"),
        ("Logs_20140328.FilterLogEvents", '{"logGroupName": "x", "nextToken": "y"}'),
        ("Logs_20140328.FilterLogEvents", "{"),
        ("Logs_20140328.DescribeLogGroups", "null"),
    ],
)
def test_a_question_that_breaks_the_protocol_is_refused(simulator: Simulator, target: str, body: str) -> None:
    headers = {**signed("simulator", "logs"), "X-Amz-Target": target}
    response = requests.post(simulator.url("logs"), body, headers=headers, timeout=10)
    assert response.status_code == 400
    assert response.json()["__type"]


# Faults


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        (Fault.DTD, b'<!DOCTYPE PublishResponse [<!ENTITY status "0">]>'),
        (Fault.ENTITY_BOMB, b"<MessageId>&status;</MessageId>"),
        (Fault.EXTERNAL_ENTITY, b'SYSTEM "file:///etc/passwd"'),
        (Fault.WRONG_CHARSET, "žluťoučký".encode("iso-8859-2")),
        (Fault.UNKNOWN_CODES, b"<Code>Teleported</Code>"),
        (Fault.MISSING_ITEMS, b"<PublishResult></PublishResult>"),
    ],
)
def test_a_fault_of_the_document_is_in_the_answer_to_an_accepted_message(
    simulator: Simulator, fault: Fault, part: bytes
) -> None:
    simulator.fail(fault)
    assert part in publish(simulator).content
    assert simulator.counts == {NUMBER: 1}


def test_a_fault_of_the_logs_meets_the_question_after_messages(simulator: Simulator) -> None:
    publish(simulator)
    simulator.fail(Fault.HTTP_503, on="status")

    assert logs(simulator, "DescribeLogGroups").status_code == 200
    assert logs(simulator, logGroupName=GROUP).status_code == 503
    simulator.fail(Fault.DUPLICATE_ITEMS, on="status")
    events = logs(simulator, logGroupName=GROUP).json()["events"]
    assert [json.loads(event["message"])["status"] for event in events] == ["SUCCESS", "FAILURE"]
    simulator.fail(Fault.WRONG_CHARSET, on="status")
    with pytest.raises(UnicodeDecodeError):
        logs(simulator, logGroupName=GROUP).content.decode()
