"""Amazon SNS (Publish, API 2010-03-31) and the delivery logs that it writes to CloudWatch Logs (API 2014-03-28).

The access key is the simulator's username. The signature is not verified, for the secret key is not known to a
gateway that only looks at what it says.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape  # Escapes only; nothing is parsed with it.

from smsoffice.simulator.dialect import Answer, Call, Item, Kind, Outcome, Request, Submission, Unreadable
from smsoffice.simulator.faults import Fault
from smsoffice.simulator.hostile_xml import hostile

CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,]+)/[0-9]{8}/([a-z0-9-]+)/[a-z]+/aws4_request,")
LONGEST_TEXT = 1600
"""Bytes."""
ATTRIBUTES = {
    "AWS.SNS.SMS.SenderID": r"(?=.*[A-Za-z])[A-Za-z0-9]{1,11}",
    "AWS.SNS.SMS.SMSType": r"Promotional|Transactional",
}
NOT_VALID = "Invalid parameter: PhoneNumber Reason: %s is not valid to publish to"
REFUSALS = {
    Outcome.NO_SUCH_NUMBER: NOT_VALID,
    Outcome.BAD_NUMBER: NOT_VALID,
    Outcome.TOO_LONG: "Invalid parameter: Message Reason: too long to publish to %s",
}

ACCOUNT = "123456789012"
EVENTS_A_PAGE = 500
EVENTS = {
    Outcome.DELIVERED: ("SUCCESS", "Message has been accepted by phone"),
    Outcome.PARTLY_DELIVERED: ("SUCCESS", "Message has been accepted by phone carrier"),
    Outcome.NOT_DELIVERED: ("FAILURE", "Phone is currently unreachable/unavailable"),
    Outcome.UNKNOWN_CODE: ("TELEPORTED", "Message has been teleported"),
    Outcome.NOT_A_CODE: (None, None),
}
"""The status and providerResponse of an event; what is not here has none. NOT_A_CODE is no event at all."""


class Published(NamedTuple):
    """A message by the id that it was given."""

    number: str
    at: float


class SNS:
    """Publish; see `dialect.Dialect`."""

    name = "Amazon SNS"
    prefixes = ("/sns",)

    def __init__(self) -> None:
        self.published: dict[str, Published] = {}
        self.lock = threading.Lock()

    def parse(self, request: Request) -> Call:
        key_id, _region = _signer(request) or _refuse(_xml_error("MissingAuthenticationToken", "Not signed.", 403))
        said = dict(parse_qsl(request.body.decode("utf-8", "surrogateescape"), keep_blank_values=True))
        if request.method != "POST" or (said.get("Action"), said.get("Version")) != ("Publish", "2010-03-31"):
            _refuse(_xml_error("InvalidAction", "Only Publish is known here.", 400))
        number, text = said.get("PhoneNumber", ""), said.get("Message", "")
        if not number.startswith("+"):
            _refuse_parameter(NOT_VALID % number)
        if not 0 < len(text.encode("utf-8", "surrogateescape")) <= LONGEST_TEXT:
            _refuse_parameter("Invalid parameter: Message Reason: empty or too long")
        attributes = dict(_attributes(said))
        submission = Submission(str(uuid.uuid4()), number, text, attributes.get("AWS.SNS.SMS.SenderID", ""))
        with self.lock:
            self.published[submission.id] = Published(number, time.time())
        return Call(Kind.SUBMIT, (key_id, None), submissions=(submission,))

    def render(self, call: Call, items: list[Item], fault: Fault, submit_status: int) -> Answer:
        item = items[0] if items else Item("", Outcome.TAKEN)
        if item.outcome in REFUSALS:
            return _xml_error("InvalidParameter", REFUSALS[item.outcome] % call.submissions[0].number, 400)
        if item.outcome in EVENTS:
            # A refusal with a code that nobody knows is a refusal all the same; a failure proves nothing.
            return _xml_error("Teleported" if item.outcome is Outcome.UNKNOWN_CODE else "", "Something happened.", 500)
        doctype, entity = hostile("PublishResponse", fault) or ("", "")
        note = "<!-- příliš žluťoučký kůň -->" if fault is Fault.WRONG_CHARSET else ""
        id_ = f"<MessageId>{entity or escape(item.id)}</MessageId>" if items else ""
        return _xml(
            f"{doctype}<PublishResponse xmlns='http://sns.amazonaws.com/doc/2010-03-31/'>{note}"
            f"<PublishResult>{id_}</PublishResult>"
            f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></PublishResponse>",
            fault,
        )

    def refuse_login(self) -> Answer:
        return _xml_error("InvalidClientTokenId", "The security token included in the request is invalid.", 403)


@dataclass(frozen=True)
class Scan(Call):
    """A FilterLogEvents: a page of a group's events of some time."""

    group: str = ""
    start: float = 0
    end: float = float("inf")
    size: int = EVENTS_A_PAGE
    position: int = 0


class DeliveryLogs:
    """CloudWatch Logs, as far as SNS writes it; see `dialect.Dialect`.

    Both groups are listed from the first, but are not there until something is written to them, and a full page is
    followed by an empty one: what a client has to bear.
    """

    name = "Amazon CloudWatch Logs"
    prefixes = ("/logs",)

    def __init__(self, sns: SNS) -> None:
        self.sns = sns

    def parse(self, request: Request) -> Call:
        key_id, region = _signer(request) or _refuse(_json_error("MissingAuthenticationTokenException", "Not signed."))
        group = f"sns/{region}/{ACCOUNT}/DirectPublishToPhoneNumber"
        target = request.headers.get("X-Amz-Target")
        try:
            said = json.loads(request.body)
            if target == "Logs_20140328.FilterLogEvents":
                return self._scan(key_id, group, said)
            pattern = said.get("logGroupNamePattern", "")
        except (ValueError, TypeError, AttributeError, KeyError):
            _refuse(_json_error("InvalidParameterException", "The body is not that of such a call."))
        if target != "Logs_20140328.DescribeLogGroups":
            _refuse(_json_error("UnknownOperationException", "Only FilterLogEvents and DescribeLogGroups are known."))
        # Not by `handle`: a fault is for the question after messages that comes next.
        names = [name for name in (group, f"{group}/Failure") if pattern in name]
        raise Unreadable("", answer=_json({"logGroups": [{"logGroupName": name} for name in names]}))

    def _scan(self, key_id: str, group: str, said: dict[str, Any]) -> Scan:
        with self.sns.lock:
            # The newest first, so that a fault of the first item meets what is being tried out now.
            ids = tuple(reversed(self.sns.published))
        return Scan(
            Kind.STATUS,
            (key_id, None),
            ids=ids,
            group=said["logGroupName"].removeprefix(group),
            start=said.get("startTime", 0) / 1000,
            end=said.get("endTime", float("inf")) / 1000,
            size=min(said.get("limit", EVENTS_A_PAGE), EVENTS_A_PAGE),
            position=int(said.get("nextToken", 0)),
        )

    def render(self, call: Call, items: list[Item], fault: Fault, submit_status: int) -> Answer:
        assert isinstance(call, Scan)  # noqa: S101 - it is what `parse` has made
        events = [event for group, event in self._events(items) if group == call.group]
        if not events:
            return _json_error("ResourceNotFoundException", "The specified log group does not exist.")
        events = [event for event in events if call.start <= event["timestamp"] / 1000 <= call.end]
        events.sort(key=lambda event: event["timestamp"])
        # Between two pages, at an odd position, there is one without an event.
        page, is_empty = divmod(call.position, 2)
        begin, end = page * call.size, (page + 1) * call.size
        said: dict[str, Any] = {"events": [] if is_empty else events[begin:end], "searchedLogStreams": []}
        if is_empty or len(events) > end:
            said["nextToken"] = str(call.position + 1)
        return _json(said, fault)

    def refuse_login(self) -> Answer:
        return _json_error("UnrecognizedClientException", "The security token included in the request is invalid.")

    def _events(self, items: list[Item]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The events with their groups; one that contradicts another stands beside it."""
        groups: dict[str, str] = {}
        for number, item in enumerate(item for item in items if item.outcome in EVENTS):
            status, response = EVENTS[item.outcome]
            group = groups.setdefault(item.id, "/Failure" if status == "FAILURE" else "")
            to, at = self.sns.published.get(item.id, Published("+420601000000", time.time()))
            written = {
                "notification": {"messageId": item.id, "timestamp": f"{datetime.fromtimestamp(at, UTC):%F %T.%f}"[:-3]},
                "delivery": {"destination": to, "providerResponse": response, "phoneCarrier": "Český operátor"},
                "status": status,
            }
            text = json.dumps(written, ensure_ascii=False) if status else "Message has been delivered"
            yield group, {"eventId": str(number), "logStreamName": "1", "timestamp": int(at * 1000), "message": text}


def amazon() -> tuple[SNS, DeliveryLogs]:
    """Both services of one account."""
    sns = SNS()
    return sns, DeliveryLogs(sns)


def _signer(request: Request) -> tuple[str, str] | None:
    """The access key and the region that a request is signed for."""
    match = CREDENTIAL.match(request.headers.get("Authorization", ""))
    return (match[1], match[2]) if match else None


def _attributes(said: dict[str, str]) -> Iterator[tuple[str, str]]:
    for key, name in said.items():
        if not re.fullmatch(r"MessageAttributes\.entry\.[0-9]+\.Name", key):
            continue
        value = said.get(f"{key[:-5]}.Value.StringValue", "")
        is_text = said.get(f"{key[:-5]}.Value.DataType") == "String"
        if name not in ATTRIBUTES or not is_text or not re.fullmatch(ATTRIBUTES[name], value):
            _refuse_parameter(f"Invalid parameter: MessageAttributes Reason: {name} is not valid")
        yield name, value


def _refuse(answer: Answer) -> NoReturn:
    raise Unreadable("", answer.status, answer)


def _refuse_parameter(text: str) -> NoReturn:
    _refuse(_xml_error("InvalidParameter", text, 400))


def _xml(root: str, fault: Fault = Fault.NONE, status: int = 200) -> Answer:
    document = f'<?xml version="1.0" encoding="utf-8"?>{root}'
    if fault is Fault.WRONG_CHARSET:
        return Answer(document.encode("iso-8859-2", "replace"), "text/xml; charset=utf-16", status)
    return Answer(document.encode(), "text/xml", status)


def _xml_error(code: str, text: str, status: int) -> Answer:
    return _xml(
        "<ErrorResponse xmlns='http://sns.amazonaws.com/doc/2010-03-31/'><Error><Type>Sender</Type>"
        f"<Code>{escape(code)}</Code><Message>{escape(text)}</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>",
        status=status,
    )


def _json(said: dict[str, Any], fault: Fault = Fault.NONE, status: int = 200) -> Answer:
    document = json.dumps(said, ensure_ascii=False)
    encoded = document.encode("iso-8859-2", "replace") if fault is Fault.WRONG_CHARSET else document.encode()
    return Answer(encoded, "application/x-amz-json-1.1", status)


def _json_error(code: str, text: str) -> Answer:
    return _json({"__type": code, "message": text}, status=400)
