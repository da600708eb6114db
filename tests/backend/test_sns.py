"""Amazon SNS's client against the simulated gateway, and against answers that no simulator gives."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from django.test import override_settings
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError, ProxyError

from smsoffice import delivery
from smsoffice.backend.sms import base
from smsoffice.backend.sms.aws import FOR_US, LATER, Refused, proof_of
from smsoffice.backend.sms.sns import REFUSALS, SNSSMSBackend
from smsoffice.exceptions import GatewayError, NotNow, OutcomeUnknown, RefusedForUs
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.simulator import ENDINGS, Fault, Simulator
from tests.backend.sns import SECRET, Configure, ask_later, at, errors, forget_the_machines_credentials, use_sns
from tests.gateway import Port, accepted_once, drain, end_the_pause, hand_over_once, numbers, reply, states, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_machine_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_the_machines_credentials(monkeypatch, tmp_path)


@pytest.fixture
def configure(settings: Any) -> Iterator[Configure]:
    """Choose SNS's client, with the given keys of its configuration."""
    yield partial(use_sns, settings)
    base._instance.cache_clear()


@pytest.fixture
def simulator(configure: Configure) -> Iterator[Simulator]:
    """A gateway that delivers at once what it accepts, and its client."""
    with Simulator(delivery_delay=0, late=3600, early=3600) as running:
        configure(**at(running))
        yield running


# Nothing goes wrong


def test_accepted_messages_are_sending_and_then_delivered(simulator: Simulator) -> None:
    messages = waiting(*numbers(70))

    delivery.send_waiting()
    assert states(messages) == ["SENDING"] * 70
    assert accepted_once(simulator, messages)
    ids = set(OutputSMSMessage.objects.values_list("external_id", flat=True))
    assert ids == {accepted.id for accepted in simulator.accepted}
    assert simulator.connections <= SNSSMSBackend.threads

    handed_over = simulator.requests
    ask_later()
    assert states(messages) == ["DELIVERED"] * 70
    # One scan for all: which groups there are, then the hour of each.
    assert simulator.requests - handed_over == 3


def test_what_only_the_network_operator_took_is_sent_and_not_asked_about_again(simulator: Simulator) -> None:
    [message] = waiting("+420601000013")
    delivery.send_waiting()

    ask_later()
    assert states([message]) == ["SENT"]
    requests = simulator.requests
    ask_later()
    assert states([message]) == ["SENT"]
    assert simulator.requests == requests


def test_a_repeated_question_adds_nothing_to_the_timeline(simulator: Simulator) -> None:
    [message] = waiting("+420601000012")
    delivery.send_waiting()
    events = OutputSMSEvent.objects.count()

    for _ in range(3):
        ask_later()
    assert states([message]) == ["SENDING"]
    assert OutputSMSEvent.objects.count() == events


# What the call says

TAKEN = "<PublishResponse><PublishResult><MessageId>id-1</MessageId></PublishResult></PublishResponse>"


def said_in(body: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


@pytest.mark.parametrize(
    ("config", "sender", "attributes"),
    [
        ({}, "", {"AWS.SNS.SMS.SMSType": "Transactional"}),
        ({"SMS_TYPE": "Promotional"}, "", {"AWS.SNS.SMS.SMSType": "Promotional"}),
        ({"SMS_TYPE": ""}, "", {}),
        ({"SENDER_ID": "Shop"}, "", {"AWS.SNS.SMS.SMSType": "Transactional", "AWS.SNS.SMS.SenderID": "Shop"}),
        ({"SENDER_ID": "Shop"}, "Own", {"AWS.SNS.SMS.SMSType": "Transactional", "AWS.SNS.SMS.SenderID": "Own"}),
    ],
    ids=["default", "promotional", "no type", "our sender", "the message's sender"],
)
def test_a_call_carries_number_text_and_the_attributes_that_are_set(
    configure: Configure, config: dict[str, str], sender: str, attributes: dict[str, str]
) -> None:
    with Port(reply(TAKEN)) as port:
        configure(ENDPOINT_URL=port.url, **config)
        [message] = waiting("+420601000500", content="Žluťoučký kůň & spol. 🐎", sender=sender)
        delivery.send_waiting()

    said = said_in(port.bodies[0])
    assert states([message]) == ["SENDING"]
    assert (said["Action"], said["PhoneNumber"]) == ("Publish", "+420601000500")
    assert said["Message"] == "Žluťoučký kůň & spol. 🐎"
    entries = [key[:-5] for key in said if key.endswith(".Name")]
    assert {said[f"{entry}.Name"]: said[f"{entry}.Value.StringValue"] for entry in entries} == attributes
    assert {said[f"{entry}.Value.DataType"] for entry in entries} <= {"String"}


def test_a_login_that_lies_on_the_machine_does_not_replace_our_signature(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    messages = waiting(*numbers(1))

    delivery.send_waiting()
    assert states(messages) == ["SENDING"]


# The answer to a hand-over is lost

HARMLESS = {
    Fault.NONE,
    Fault.NO_DATA_ARRAY,
    Fault.REORDERED,
    # The answer is about one message, the first that it names.
    Fault.FOREIGN_ITEMS,
    Fault.DUPLICATE_ITEMS,
}

LOST = {
    Fault.HTTP_500_AFTER,
    Fault.HTML,
    Fault.EMPTY_AFTER,
    Fault.TRUNCATED,
    Fault.CUT_MIDWAY,
    Fault.CUT_AFTER,
    Fault.HANG_AFTER,
    Fault.LATE,
    Fault.DRIP,
    Fault.HUGE,
    Fault.DTD,
    Fault.ENTITY_BOMB,
    Fault.EXTERNAL_ENTITY,
    Fault.WRONG_CHARSET,
    Fault.UNKNOWN_CODES,
    Fault.MISSING_ITEMS,
}
"""Accepted, and no answer that can be trusted."""

NOT_TAKEN = {Fault.HTTP_500_BEFORE, Fault.HTTP_503, Fault.REDIRECT, Fault.CUT_BEFORE, Fault.HANG_BEFORE}
"""Nothing accepted, and no proof of it."""

PUT_OFF = {Fault.REFUSE_LOGIN, Fault.HTTP_429}
"""Nothing accepted, and the gateway says so."""


def test_every_fault_of_the_simulator_is_in_a_table() -> None:
    assert set(Fault) == HARMLESS | LOST | NOT_TAKEN | PUT_OFF


@pytest.mark.parametrize("fault", sorted(HARMLESS))
def test_what_is_odd_but_sound_is_understood(simulator: Simulator, fault: Fault) -> None:
    simulator.fail(fault, on="submit")
    messages = waiting(*numbers(1))

    drain()
    assert states(messages) == ["DELIVERED"]
    assert accepted_once(simulator, messages)


@pytest.mark.parametrize("fault", sorted(LOST))
def test_a_lost_answer_leaves_the_message_unknown_with_the_reason_and_sends_it_once(
    simulator: Simulator, configure: Configure, fault: Fault
) -> None:
    configure(**at(simulator, fault))
    simulator.fail(fault, on="submit")
    messages = waiting(*numbers(1))
    hand_over_once()
    assert states(messages) == ["UNKNOWN"]
    assert all(errors())

    drain()
    assert states(messages) == ["UNKNOWN"]
    assert all(errors())
    assert accepted_once(simulator, messages)


@pytest.mark.parametrize("fault", sorted(NOT_TAKEN))
def test_what_may_have_been_taken_is_not_sent_on_a_guess(
    simulator: Simulator, configure: Configure, fault: Fault
) -> None:
    configure(**at(simulator, fault))
    simulator.fail(fault, on="submit")
    messages = waiting(*numbers(1))
    hand_over_once()
    drain()

    assert states(messages) == ["UNKNOWN"]
    assert all(errors())
    assert simulator.accepted == []


@pytest.mark.parametrize("fault", sorted(PUT_OFF))
def test_what_was_refused_for_now_leaves_later(simulator: Simulator, fault: Fault) -> None:
    simulator.fail(fault, on="submit", times=None)
    messages = waiting(*numbers(20))
    hand_over_once()
    assert states(messages) == ["WAITING"] * 20
    assert simulator.accepted == []

    simulator.fault = Fault.NONE
    drain()
    assert states(messages) == ["DELIVERED"] * 20
    assert accepted_once(simulator, messages)


def test_the_logs_are_not_searched_by_number_for_a_message_without_an_id(simulator: Simulator) -> None:
    """Two to one number: the event of one would be taken for the other's."""
    simulator.fail(Fault.CUT_BEFORE, on="submit")
    [lost] = waiting("+420601000500")
    hand_over_once()
    end_the_pause()
    [good] = waiting("+420601000500")
    delivery.send_waiting()
    drain()

    assert states([lost, good]) == ["UNKNOWN", "DELIVERED"]
    assert len(simulator.accepted) == 1


def test_one_lost_answer_leaves_its_neighbours_alone(simulator: Simulator) -> None:
    good, lost = waiting(*numbers(8)), waiting("+420601000006")

    drain()
    assert states(good) == ["DELIVERED"] * 8
    assert states(lost) == ["UNKNOWN"]
    assert accepted_once(simulator, good + lost)


def test_a_failed_call_is_made_once(configure: Configure) -> None:
    with Port(reply("<html/>", "503 Service Unavailable", content_type="text/html")) as port:
        configure(ENDPOINT_URL=port.url)
        messages = waiting(*numbers(1))
        hand_over_once()
    assert len(port.bodies) == 1
    assert states(messages) == ["UNKNOWN"]


FATES = {
    # ending: (after the hand-over, at last)
    "001": ("ERROR", "ERROR"),
    "002": ("SENDING", "ERROR"),
    "003": ("ERROR", "ERROR"),
    "004": ("UNKNOWN", "UNKNOWN"),
    "005": ("UNKNOWN", "UNKNOWN"),
    "006": ("UNKNOWN", "UNKNOWN"),
    "007": ("UNKNOWN", "UNKNOWN"),
    "008": ("UNKNOWN", "UNKNOWN"),
    "009": ("UNKNOWN", "UNKNOWN"),
    "010": ("SENDING", "DELIVERED"),
    "011": ("UNKNOWN", "UNKNOWN"),
    "012": ("SENDING", "SENDING"),
    "013": ("SENDING", "SENT"),
    "014": ("SENDING", "SENDING"),
}


def test_every_ending_has_a_fate() -> None:
    assert set(FATES) == set(ENDINGS)


@pytest.mark.parametrize(("ending", "fate"), FATES.items(), ids=FATES)
def test_each_message_has_its_own_fate(
    simulator: Simulator, configure: Configure, ending: str, fate: tuple[str, str]
) -> None:
    configure(**at(simulator, Fault.LATE))
    good, special = waiting(*numbers(2)), waiting(f"+420601000{ending}")

    hand_over_once()
    assert states(special) == [fate[0]]
    drain()
    assert states(special) == [fate[1]]
    assert states(good) == ["DELIVERED"] * 2
    assert simulator.doubled() == []


# What AWS refuses


def refusal(code: str, text: str = "", status: str = "400 Bad Request") -> bytes:
    return reply(f"<ErrorResponse><Error><Code>{code}</Code><Message>{text}</Message></Error></ErrorResponse>", status)


def refused(configure: Configure, answer: bytes, **message: Any) -> OutputSMSMessage:
    """The message after a hand-over that was answered so."""
    with Port(answer) as port:
        configure(ENDPOINT_URL=port.url)
        [sent] = waiting("+420601000500", **message)
        hand_over_once()
        assert len(port.bodies) == 1
    sent.refresh_from_db()
    return sent


def are_plain(words: str, code: str) -> bool:
    """Whether these are words for an operator, without codes, numbers of phones, or AWS's own text."""
    return words.endswith(".") and code not in words and not re.search(r"\d{6}|Invalid parameter|Exception", words)


@pytest.mark.parametrize("code", FOR_US)
def test_a_refusal_of_us_keeps_everything_waiting_and_says_why(configure: Configure, code: str) -> None:
    message = refused(configure, refusal(code, "for +420601000500", "403 Forbidden"))

    assert (message.state, message.send_attempts) == ("WAITING", 0)
    said = GatewayStatus.objects.get().refusal
    assert said == str(FOR_US[code])
    assert are_plain(said, code)
    assert OutputSMSEvent.objects.latest("id").code == code


@pytest.mark.parametrize("code", LATER)
def test_a_gateway_that_asks_us_to_slow_down_gets_the_message_later(configure: Configure, code: str) -> None:
    message = refused(configure, refusal(code, "Rate exceeded"))

    assert (message.state, message.send_attempts) == ("WAITING", 1)
    assert GatewayStatus.objects.get().not_before
    assert are_plain(message.error, code)


REASONS = [
    ("Invalid parameter: PhoneNumber Reason: +420601000500 is not valid to publish to", "this number"),
    ("Phone number does not meet the E164 format", "this number"),
    ("Invalid parameter: PhoneNumber Reason: +420601000500 is opted out", "opted out"),
    ("Invalid parameter: Message Reason: Empty message", "The text"),
    ("Invalid parameter: Message too long", "The text"),
    ("Invalid parameter: ", "the number, the text or the sender ID"),
]


@pytest.mark.parametrize(("text", "words"), REASONS, ids=[text for text, _words in REASONS])
def test_a_refused_message_says_what_is_wrong_with_it(configure: Configure, text: str, words: str) -> None:
    message = refused(configure, refusal("InvalidParameter", text))

    assert message.state == "ERROR"
    assert words in message.error
    assert are_plain(message.error, "InvalidParameter")
    assert GatewayStatus.objects.get().failures == 0


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_code_that_refuses_a_message_has_words(configure: Configure, code: str) -> None:
    message = refused(configure, refusal(code))
    assert message.state == "ERROR"
    assert are_plain(message.error, code)


UNKNOWN_CODES = [
    ("400 Bad Request", "ERROR"),
    ("404 Not Found", "ERROR"),
    ("401 Unauthorized", "WAITING"),
    ("403 Forbidden", "WAITING"),
    ("408 Request Timeout", "UNKNOWN"),
    ("409 Conflict", "UNKNOWN"),
    ("429 Too Many Requests", "WAITING"),
    ("500 Internal Server Error", "UNKNOWN"),
    ("503 Service Unavailable", "UNKNOWN"),
]


@pytest.mark.parametrize(("status", "state"), UNKNOWN_CODES, ids=[status for status, _state in UNKNOWN_CODES])
def test_an_unknown_code_proves_what_its_status_does(configure: Configure, status: str, state: str) -> None:
    message = refused(configure, refusal("Teleported", "to +420601000500", status))

    assert message.state == state
    assert "420601000500" not in message.error
    assert OutputSMSEvent.objects.latest("id").code == "Teleported"


@pytest.mark.parametrize("code", ["InternalError", "InternalFailure", "ServiceUnavailable"])
def test_a_failure_of_aws_may_have_sent_it(configure: Configure, code: str) -> None:
    message = refused(configure, refusal(code, status="503 Service Unavailable"))
    assert message.state == "UNKNOWN"
    assert are_plain(message.error, code)


SENDER_REFUSED = refusal("InvalidParameter", "Invalid parameter: MessageAttributes Reason: AWS.SNS.SMS.SenderID is bad")


def test_a_wrong_sender_in_the_settings_costs_no_message(configure: Configure) -> None:
    message = refused(configure, SENDER_REFUSED)
    assert message.state == "WAITING"
    assert "SENDER_ID" in GatewayStatus.objects.get().refusal


def test_a_wrong_sender_of_one_message_costs_that_message(configure: Configure) -> None:
    message = refused(configure, SENDER_REFUSED, sender="1")
    assert message.state == "ERROR"
    assert "sender ID" in message.error
    assert GatewayStatus.objects.get().refusal == ""


NOBODYS = [
    ("404 Not Found", "WAITING"),
    ("403 Forbidden", "WAITING"),
    ("502 Bad Gateway", "UNKNOWN"),
    ("200 OK", "UNKNOWN"),
]


@pytest.mark.parametrize(("status", "state"), NOBODYS, ids=[status for status, _state in NOBODYS])
def test_a_page_of_somebody_else_is_no_refusal_of_the_message(configure: Configure, status: str, state: str) -> None:
    page = "<html><body><Error><Code>InvalidParameter</Code></Error></body></html>"
    assert refused(configure, reply(page, status, content_type="text/html")).state == state


def test_an_id_that_cannot_be_kept_is_none(configure: Configure) -> None:
    assert refused(configure, reply(TAKEN.replace("id-1", "x" * 101))).state == "UNKNOWN"


# Credentials


def test_without_credentials_nothing_is_sent_and_it_is_said(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulator() as simulator:
        configure(**at(simulator), AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
        messages = waiting(*numbers(20))
        hand_over_once()
        assert states(messages) == ["WAITING"] * 20
        assert "no credentials" in GatewayStatus.objects.get().refusal
        assert simulator.requests == 0

        # The machine has got its role meanwhile.
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulator")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        end_the_pause()
        delivery.send_waiting()
        assert states(messages) == ["SENDING"] * 20


WRONG: list[tuple[dict[str, object], str]] = [
    ({"AWS_SECRET_ACCESS_KEY": ""}, "no credentials"),
    ({"AWS_ACCESS_KEY_ID": ""}, "no credentials"),
    ({"AWS_ACCESS_KEY_ID": "stranger"}, "access key"),
    ({"AWS_REGION": "not a region"}, "AWS_REGION"),
    ({"AWS_REGION": "", "ENDPOINT_URL": ""}, "AWS_REGION"),
    ({"ENDPOINT_URL": "not a url"}, "ENDPOINT_URL"),
]


@pytest.mark.parametrize(("config", "words"), WRONG, ids=[str(config) for config, _words in WRONG])
def test_a_wrong_setting_sends_nothing_and_is_named(
    simulator: Simulator, configure: Configure, config: dict[str, object], words: str
) -> None:
    configure(**{**at(simulator), **config})
    messages = waiting(*numbers(3))
    hand_over_once()

    assert states(messages) == ["WAITING"] * 3
    assert words in GatewayStatus.objects.get().refusal
    assert simulator.accepted == []


def test_a_changed_setting_is_in_force_at_the_next_message(simulator: Simulator, settings: Any) -> None:
    waiting(*numbers(1))
    delivery.send_waiting()
    with Simulator() as other:
        messages = waiting(*numbers(1, area=602))
        with override_settings(PYMESS_SNS_CONFIG={**settings.PYMESS_SNS_CONFIG, **at(other)}):
            delivery.send_waiting()
        assert accepted_once(other, messages)
    assert len(simulator.accepted) == 1


def test_no_secret_stands_in_anything_that_is_said(
    simulator: Simulator, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    configure(**at(simulator, Fault.LATE))
    waiting(*numbers(3))
    for fault in (Fault.REFUSE_LOGIN, Fault.HTML, Fault.HANG_AFTER, Fault.CUT_AFTER):
        simulator.fail(fault)
        end_the_pause()
        hand_over_once()
    drain()

    backend = base.get_sms_backend()
    assert isinstance(backend, SNSSMSBackend)
    rows = [*OutputSMSMessage.objects.values_list(), *OutputSMSEvent.objects.values_list()]
    said = f"{caplog.text} {rows} {list(GatewayStatus.objects.values_list())} {backend._access('ENDPOINT_URL')!r}"
    assert SECRET not in said


# What botocore raises: by its own transport, by whoever mocks it, or while it looks for credentials


def behind_a_proxy(cause: Exception) -> ProxyError:
    error = ProxyError("x", cause)
    error.__cause__ = cause
    return error


NOT_CONNECTED = NewConnectionError(HTTPConnection("x"), "x")

RAISED: list[tuple[Exception, type[GatewayError]]] = [
    (boto.EndpointConnectionError(endpoint_url="https://x"), NotNow),
    (boto.ConnectTimeoutError(endpoint_url="https://x"), NotNow),
    (
        boto.ProxyConnectionError(
            proxy_url="https://x", error=behind_a_proxy(NewConnectionError(HTTPConnection("x"), "x"))
        ),
        NotNow,
    ),
    (boto.ProxyConnectionError(proxy_url="https://x", error=behind_a_proxy(OSError("cut off"))), OutcomeUnknown),
    (boto.ProxyConnectionError(proxy_url="https://x"), OutcomeUnknown),
    (boto.ReadTimeoutError(endpoint_url="https://x"), OutcomeUnknown),
    (boto.ConnectionClosedError(endpoint_url="https://x"), OutcomeUnknown),
    (boto.HTTPClientError(error="x"), OutcomeUnknown),
    (boto.SSLError(endpoint_url="https://x", error="x"), OutcomeUnknown),
    (ResponseParserError("x"), OutcomeUnknown),
    (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), OutcomeUnknown),
    (boto.NoCredentialsError(), RefusedForUs),
    (boto.PartialCredentialsError(provider="x", cred_var="y"), RefusedForUs),
    (boto.CredentialRetrievalError(provider="x", error_msg=SECRET), RefusedForUs),
    (boto.ParamValidationError(report=SECRET), Refused),
    (boto.ClientError({}, "Publish"), OutcomeUnknown),
    (KeyError(SECRET), OutcomeUnknown),
    (NotNow("as it is"), NotNow),
]


@pytest.mark.parametrize(("error", "proof"), RAISED, ids=lambda value: getattr(value, "__name__", type(value).__name__))
def test_an_error_of_the_library_proves_no_more_than_it_says(error: Exception, proof: type[GatewayError]) -> None:
    told = proof_of(error)
    assert type(told) is proof
    assert SECRET not in "".join(traceback.format_exception_only(told))
