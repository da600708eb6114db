"""Twilio's client against the simulated gateway, and against answers that no simulator gives."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from smsoffice import delivery
from smsoffice.backend.sms import base
from smsoffice.backend.sms.twilio import LISTED, TwilioSMSBackend
from smsoffice.backend.sms.twilio_codes import FAILURES, REFUSALS, STATUSES, Scope
from smsoffice.exceptions import GatewayError, NotNow, OutcomeUnknown, RefusedForUs
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.simulator import ENDINGS, Fault, Simulator
from smsoffice.states import State
from tests.gateway import accepted_once, ask_again, drain, hand_over_once, let_time_pass, numbers, states, waiting

pytestmark = pytest.mark.django_db

SENDER = "+15005550006"
SERVICE = "MG" + "5" * 32
SID = "SM" + "0" * 32
TOKEN = "a secret token of the shop"

Configure = Callable[..., TwilioSMSBackend]


@pytest.fixture
def configure(settings: Any) -> Iterator[Configure]:
    """Choose Twilio's client, new and without a connection, with the given keys of its configuration."""

    def configure(**config: object) -> TwilioSMSBackend:
        base._instance.cache_clear()
        settings.PYMESS_SMS_SENDER_BACKEND = TwilioSMSBackend.path()
        settings.PYMESS_SMS_UNKNOWN_GRACE = 0
        settings.PYMESS_TWILIO_CONFIG = {
            "ACCOUNT_SID": "simulator",
            "AUTH_TOKEN": "simulator",
            "SENDER": SENDER,
            "TIMEOUT": 10,
            **config,
        }
        backend = base.get_sms_backend()
        assert isinstance(backend, TwilioSMSBackend)
        return backend

    yield configure
    base._instance.cache_clear()


@pytest.fixture
def simulator(configure: Configure) -> Iterator[Simulator]:
    """A gateway that delivers at once what it accepts, and its client."""
    with Simulator(delivery_delay=0, late=3600, early=3600) as running:
        configure(API_URL=running.url("twilio"))
        yield running


class Called(NamedTuple):
    """A request that came to the canned server."""

    method: str
    path: str
    said: dict[str, list[str]]


class Canned:
    """A server of this machine that answers every request with the same status and body."""

    def __init__(self) -> None:
        self.status, self.body = 201, b"{}"
        self.headers: dict[str, str] = {}
        self.calls: list[Called] = []
        canned = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                url, length = urlsplit(self.path), int(self.headers.get("Content-Length", "0"))
                said = self.rfile.read(length).decode() if self.command == "POST" else url.query
                canned.calls.append(Called(self.command, url.path, parse_qs(said)))
                self.send_response(canned.status)
                for name, value in {"Content-Length": str(len(canned.body)), **canned.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(canned.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def says(self, status: int, document: object, **headers: str) -> None:
        self.status, self.headers = status, headers
        self.body = document if isinstance(document, bytes) else json.dumps(document).encode()


@pytest.fixture
def canned(configure: Configure) -> Iterator[Canned]:
    canned = Canned()
    threading.Thread(target=canned.server.serve_forever, args=(0.02,), daemon=True).start()
    configure(API_URL=canned.url, AUTH_TOKEN=TOKEN)
    yield canned
    canned.server.shutdown()
    canned.server.server_close()


def record_of(message: OutputSMSMessage, **fields: object) -> dict[str, object]:
    """A message as Twilio's API shows it."""
    return {
        "sid": SID,
        "status": "sent",
        "direction": "outbound-api",
        "to": message.recipient,
        "from": SENDER,
        "body": message.content,
        "date_created": timezone.now().strftime("%a, %d %b %Y %H:%M:%S +0000"),
        **fields,
    }


def lost(*recipients: str, **fields: Any) -> list[OutputSMSMessage]:
    """Messages whose answers were lost half an hour ago."""
    fields = {"sent_at": timezone.now() - timedelta(minutes=30), "state": State.UNKNOWN, **fields}
    return waiting(*recipients, backend=TwilioSMSBackend.path(), check_after=timezone.now(), **fields)


def last_event(message: OutputSMSMessage) -> OutputSMSEvent:
    return OutputSMSEvent.objects.filter(message=message).latest("pk")


# Nothing goes wrong


def test_accepted_messages_are_sending_and_then_delivered(simulator: Simulator) -> None:
    messages = waiting(*numbers(5))

    hand_over_once()
    assert states(messages) == ["SENDING"] * 5
    let_time_pass()
    delivery.check_states()

    assert states(messages) == ["DELIVERED"] * 5
    assert accepted_once(simulator, messages)
    stored = OutputSMSMessage.objects.get(pk=messages[0].pk)
    assert stored.external_id in [one.id for one in simulator.accepted if one.number == stored.recipient]
    assert stored.extra_sender_data == {"num_segments": "1", "price": "-0.05000", "price_unit": "USD"}


def test_connections_are_kept_and_no_more_than_threads(simulator: Simulator) -> None:
    simulator.latency = 0.02
    messages = waiting(*numbers(150))

    delivery.send_waiting()
    let_time_pass()
    delivery.check_states()

    assert states(messages) == ["DELIVERED"] * 150
    assert accepted_once(simulator, messages)
    assert simulator.connections <= TwilioSMSBackend.threads


def test_the_log_stays_quiet_and_knows_no_secret(
    simulator: Simulator, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="twilio")
    caplog.set_level(logging.DEBUG, logger="smsoffice")
    [message] = waiting(*numbers(1))
    hand_over_once()
    configure(API_URL=simulator.url("twilio"), AUTH_TOKEN=TOKEN)
    waiting(*numbers(1, area=602))
    hand_over_once()
    ask_again()
    delivery.check_states()

    assert TOKEN not in caplog.text
    assert message.recipient not in caplog.text
    assert "-- BEGIN" not in caplog.text
    assert not OutputSMSEvent.objects.filter(words__contains=TOKEN).exists()


# What a hand-over says


def test_a_hand_over_says_what_twilio_is_to_do(canned: Canned, configure: Configure) -> None:
    configure(API_URL=canned.url, STATUS_CALLBACK_URL="https://sms.example.org/sms/callbacks/twilio/")
    [message] = waiting("+420601000500", expires_at=timezone.now() + timedelta(minutes=10))
    hand_over_once()

    [call] = canned.calls
    validity = int(call.said.pop("ValidityPeriod")[0])
    assert (call.method, call.path) == ("POST", "/2010-04-01/Accounts/simulator/Messages.json")
    assert call.said == {
        "To": ["+420601000500"],
        "From": [SENDER],
        "Body": [message.content],
        "StatusCallback": [f"https://sms.example.org/sms/callbacks/twilio/?message={message.pk}"],
    }
    assert 590 <= validity <= 600


@pytest.mark.parametrize(
    ("config", "fields", "said"),
    [
        ({"SENDER": "", "MESSAGING_SERVICE_SID": SERVICE}, {}, {"MessagingServiceSid": [SERVICE]}),
        ({"MESSAGING_SERVICE_SID": SERVICE}, {}, {"MessagingServiceSid": [SERVICE], "From": [SENDER]}),
        ({}, {"sender": "Shop"}, {"From": ["Shop"]}),
        ({"STATUS_CALLBACK_URL": "https://x.example/?a=b"}, {}, {"From": [SENDER], "StatusCallback": [None]}),
        ({}, {"expires_at": timedelta(hours=11)}, {"From": [SENDER]}),
        ({}, {"expires_at": timedelta(milliseconds=200)}, {"From": [SENDER], "ValidityPeriod": ["1"]}),
    ],
    ids=["service", "service with sender", "own sender", "callback with a query", "long validity", "short validity"],
)
def test_senders_and_times(
    configure: Configure, config: dict[str, str], fields: dict[str, Any], said: dict[str, list[str | None]]
) -> None:
    backend = configure(**config)
    if "expires_at" in fields:
        fields = {"expires_at": timezone.now() + fields["expires_at"]}
    [message] = waiting("+420601000500", **fields)
    if "StatusCallback" in said:
        said = {**said, "StatusCallback": [f"https://x.example/?a=b&message={message.pk}"]}

    submission = backend.submission(message)

    names = {
        "from_": "From",
        "messaging_service_sid": "MessagingServiceSid",
        "status_callback": "StatusCallback",
        "validity_period": "ValidityPeriod",
    }
    assert {names[key]: [str(value)] for key, value in submission.items() if key in names} == said


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"SENDER": ""}, "MESSAGING_SERVICE_SID"),
        ({"ACCOUNT_SID": ""}, "ACCOUNT_SID"),
        ({"AUTH_TOKEN": ""}, "AUTH_TOKEN"),
        ({"SENDER": None, "MESSAGING_SERVICE_SID": None}, "MESSAGING_SERVICE_SID"),
    ],
    ids=["no sender", "no account", "no token", "nulls"],
)
def test_without_its_settings_nothing_is_sent_and_the_messages_wait(
    simulator: Simulator, configure: Configure, config: dict[str, str], words: str
) -> None:
    configure(API_URL=simulator.url("twilio"), **config)
    messages = waiting(*numbers(3))
    hand_over_once()

    assert states(messages) == ["WAITING"] * 3
    assert words in GatewayStatus.of(TwilioSMSBackend.path()).refusal
    assert simulator.requests == 0


# The answer to a hand-over is lost, or is none

SLOW = {Fault.HANG_BEFORE, Fault.HANG_AFTER, Fault.LATE, Fault.DRIP}
HARMLESS = {
    Fault.NONE,
    Fault.REORDERED,
    Fault.DUPLICATE_ITEMS,
    Fault.FOREIGN_ITEMS,
    # JSON has none of these; a name of a charset says nothing of it.
    Fault.DTD,
    Fault.ENTITY_BOMB,
    Fault.EXTERNAL_ENTITY,
    Fault.NO_DATA_ARRAY,
    Fault.WRONG_CHARSET,
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
    Fault.MISSING_ITEMS,
    Fault.UNKNOWN_CODES,
}
NOT_TAKEN = {Fault.HTTP_500_BEFORE, Fault.HTTP_503, Fault.REDIRECT, Fault.CUT_BEFORE, Fault.HANG_BEFORE}
PUT_OFF = {Fault.HTTP_429, Fault.REFUSE_LOGIN}


def test_every_fault_of_the_simulator_is_in_a_table() -> None:
    assert set(Fault) == HARMLESS | LOST | NOT_TAKEN | PUT_OFF


def impatient(configure: Configure, simulator: Simulator, fault: Fault) -> None:
    """Give up soon, where nothing else ends the call."""
    configure(API_URL=simulator.url("twilio"), TIMEOUT=0.4 if fault in SLOW else 10)


@pytest.mark.parametrize("fault", sorted(HARMLESS))
def test_a_harmless_fault_changes_nothing(simulator: Simulator, fault: Fault) -> None:
    simulator.fault = fault
    messages = waiting(*numbers(3))
    hand_over_once()
    assert states(messages) == ["SENDING"] * 3
    let_time_pass()
    delivery.check_states()

    assert states(messages) == ["DELIVERED"] * 3
    assert accepted_once(simulator, messages)


@pytest.mark.parametrize("fault", sorted(LOST))
def test_an_answer_lost_after_acceptance_never_doubles_a_message(
    simulator: Simulator, configure: Configure, fault: Fault
) -> None:
    impatient(configure, simulator, fault)
    simulator.fail(fault, on="submit")
    messages = waiting(*numbers(1))

    hand_over_once()
    assert states(messages) == ["UNKNOWN"]
    assert OutputSMSMessage.objects.get().error
    let_time_pass()
    delivery.check_states()

    assert states(messages) == ["DELIVERED"]
    assert accepted_once(simulator, messages)
    assert OutputSMSMessage.objects.get().external_id in simulator.counts_by_id


@pytest.mark.parametrize("fault", sorted(NOT_TAKEN))
def test_what_was_never_taken_is_handed_over_again_when_the_list_proves_it(
    simulator: Simulator, configure: Configure, fault: Fault
) -> None:
    impatient(configure, simulator, fault)
    simulator.fail(fault, on="submit")
    messages = waiting(*numbers(1))

    hand_over_once()
    assert states(messages) == ["UNKNOWN"]
    ask_again()
    delivery.check_states()
    # Too young: the call may still be on its way.
    assert states(messages) == ["UNKNOWN"]
    drain()

    assert states(messages) == ["DELIVERED"]
    assert accepted_once(simulator, messages)


@pytest.mark.parametrize("fault", sorted(PUT_OFF))
def test_a_refused_call_leaves_the_messages_waiting(simulator: Simulator, fault: Fault) -> None:
    simulator.fault = fault
    messages = waiting(*numbers(40))
    hand_over_once()
    assert states(messages) == ["WAITING"] * 40
    assert simulator.accepted == []
    # Those that had not begun were left out.
    assert simulator.requests < 40
    simulator.fault = Fault.NONE
    drain()

    assert states(messages) == ["DELIVERED"] * 40
    assert accepted_once(simulator, messages)


def test_a_gateway_that_is_away_leaves_the_messages_waiting(simulator: Simulator) -> None:
    simulator.stop()
    messages = waiting(*numbers(3))
    hand_over_once()

    assert states(messages) == ["WAITING"] * 3


def test_one_lost_answer_leaves_its_neighbours_alone(simulator: Simulator) -> None:
    messages = waiting(*numbers(5), "+420601000006", *numbers(5, area=602))
    hand_over_once()
    assert states(messages) == ["SENDING"] * 5 + ["UNKNOWN"] + ["SENDING"] * 5
    drain()

    assert states(messages) == ["DELIVERED"] * 11
    assert accepted_once(simulator, messages)


def test_each_ending_of_a_number_decides_over_its_own_message_only(simulator: Simulator, configure: Configure) -> None:
    configure(API_URL=simulator.url("twilio"), TIMEOUT=0.4)
    messages = waiting(*[f"+420601000{ending}" for ending in ENDINGS])
    drain()

    assert dict(zip(ENDINGS, states(messages), strict=True)) == {
        "001": "ERROR",
        "002": "ERROR",
        "003": "ERROR",
        "004": "DELIVERED",
        "005": "DELIVERED",
        "006": "DELIVERED",
        "007": "WAITING",
        "008": "UNKNOWN",
        "009": "UNKNOWN",
        "010": "UNKNOWN",
        "011": "UNKNOWN",
        "012": "SENT",
        "013": "SENDING",
        "014": "SENDING",
    }
    assert simulator.doubled() == []


# What Twilio refuses


def outcome(canned: Canned, **fields: Any) -> State | type[GatewayError]:
    """What one hand-over ends in: the state that it proves, or the error of the whole gateway."""
    [message] = waiting(*numbers(1), **fields)
    backend = base.get_sms_backend()
    assert isinstance(backend, TwilioSMSBackend)
    try:
        return backend.submit_one(message).state
    except GatewayError as error:
        return type(error)


RESULTS = {
    Scope.MESSAGE: State.ERROR,
    Scope.US: RefusedForUs,
    Scope.SENDER: RefusedForUs,
    Scope.LATER: NotNow,
}


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_known_refusal_has_its_scope_and_words(canned: Canned, code: str) -> None:
    scope, words = REFUSALS[code]
    canned.says(400, {"code": int(code), "message": "Twilio's words", "status": 400})

    assert outcome(canned) == RESULTS[scope]
    assert str(words).endswith(".")
    assert code not in str(words)


@pytest.mark.parametrize("code", sorted(code for code, (scope, _) in REFUSALS.items() if scope is Scope.SENDER))
@pytest.mark.parametrize(
    ("config", "fields", "result"),
    [
        ({"SENDER": "12345"}, {}, State.ERROR),
        ({"SENDER": "Shop"}, {}, State.ERROR),
        ({}, {"sender": "+420777000000"}, State.ERROR),
        ({"SENDER": "", "MESSAGING_SERVICE_SID": SERVICE}, {}, State.ERROR),
        ({"SENDER": "420777000000"}, {}, RefusedForUs),
    ],
    ids=["short code", "name", "own sender", "service", "number without a plus"],
)
def test_a_refused_sender_stops_the_queue_only_where_it_is_wrong_for_everybody(
    canned: Canned, configure: Configure, code: str, config: dict[str, str], fields: dict[str, str], result: object
) -> None:
    configure(API_URL=canned.url, **config)
    canned.says(400, {"code": int(code), "message": "No", "status": 400})

    assert outcome(canned, **fields) == result


def test_words_of_an_unknown_refusal_are_twilios_own_and_plain(canned: Canned) -> None:
    words = "The \x1b[31mmoon\x1b[0m is\nfull\x00 \ud800today"
    canned.says(400, {"code": 29999, "message": words, "more_info": "https://x", "status": 400})
    messages = waiting(*numbers(2))
    hand_over_once()

    assert states(messages) == ["ERROR", "ERROR"]
    stored = OutputSMSMessage.objects.get(pk=messages[0].pk)
    assert stored.error == "Twilio refuses it: The [31mmoon [0m is full today"
    assert last_event(stored).code == "29999"


@pytest.mark.parametrize(
    ("status", "document", "headers", "result"),
    [
        (401, {"code": 20003, "message": "Authenticate", "status": 401}, {}, RefusedForUs),
        (401, {"code": 1, "message": "Who?", "status": 401}, {}, RefusedForUs),
        (404, {"code": 20404, "message": "Not found", "status": 404}, {}, RefusedForUs),
        (429, {"code": 20429, "message": "Too many", "status": 429}, {}, NotNow),
        (429, {"code": 20429, "message": "Too many", "status": 429}, {"Retry-After": "7"}, NotNow),
        (429, {"code": 63018, "message": "Too many", "status": 429}, {}, NotNow),
        (429, {"code": 63038, "message": "Enough for today", "status": 429}, {}, RefusedForUs),
        (429, b"Slow down", {}, NotNow),
        (400, {"type": "https://t", "title": "Invalid", "status": 400, "code": 21211}, {}, State.ERROR),
        (400, {"type": "https://t", "title": "Odd", "status": "x", "code": 4}, {}, State.ERROR),
        (403, b"<html>A proxy says no</html>", {}, RefusedForUs),
        (404, b"nothing here", {}, RefusedForUs),
        (400, [1], {}, RefusedForUs),
        (408, {"code": 1, "message": "Time", "status": 408}, {}, OutcomeUnknown),
        (500, {"code": 20500, "message": "Oops", "status": 500}, {}, OutcomeUnknown),
        (503, {"code": 20503, "message": "Oops", "status": 503}, {}, OutcomeUnknown),
        (500, {"type": "https://t", "title": "Oops", "status": 400, "code": 21211}, {}, OutcomeUnknown),
        (502, b"Bad Gateway", {}, OutcomeUnknown),
        (302, b"", {"Location": "/elsewhere"}, OutcomeUnknown),
        (201, b"", {}, OutcomeUnknown),
        (201, {}, {}, OutcomeUnknown),
        (201, [], {}, OutcomeUnknown),
        (201, b"null", {}, OutcomeUnknown),
        (201, {"sid": None, "status": "queued"}, {}, OutcomeUnknown),
        (201, {"sid": "SM1", "status": "queued"}, {}, OutcomeUnknown),
        (201, {"sid": SID, "status": {"a": 1}}, {}, State.UNKNOWN),
        (201, {"sid": SID, "status": "queued", "date_created": 5}, {}, OutcomeUnknown),
        (200, {"sid": SID, "status": "queued", "num_segments": {"a": "\x00"}}, {}, State.SENDING),
    ],
)
def test_answers_of_every_kind(
    canned: Canned, status: int, document: object, headers: dict[str, str], result: object
) -> None:
    canned.says(status, document, **headers)

    assert outcome(canned) == result


def test_a_token_that_no_header_can_carry_is_a_wrong_login(simulator: Simulator, configure: Configure) -> None:
    configure(API_URL=simulator.url("twilio"), AUTH_TOKEN="žluťoučký")
    messages = waiting(*numbers(2))
    hand_over_once()

    assert states(messages) == ["WAITING"] * 2
    assert "login" in GatewayStatus.of(TwilioSMSBackend.path()).refusal


def test_the_wait_that_twilio_asks_for_is_kept(canned: Canned) -> None:
    canned.says(429, {"code": 20429, "message": "Too many", "status": 429}, **{"Retry-After": "7"})
    [message] = waiting(*numbers(1))
    backend = base.get_sms_backend()
    assert isinstance(backend, TwilioSMSBackend)
    with pytest.raises(NotNow) as caught:
        backend.submit_one(message)
    assert caught.value.retry_after == timedelta(seconds=7)


# Statuses


@pytest.mark.parametrize("status", [*sorted(STATUSES), "teleported", "", None, 7])
def test_every_status_has_its_state_and_words_at_once_and_when_asked(canned: Canned, status: object) -> None:
    state = STATUSES.get(str(status), (State.UNKNOWN, ""))[0]
    canned.says(201, {"sid": SID, "status": status})
    [message] = waiting(*numbers(1))
    hand_over_once()
    assert states([message]) == [state]
    stored = OutputSMSMessage.objects.get()
    assert stored.external_id == SID
    assert last_event(stored).words.endswith(".")

    OutputSMSMessage.objects.update(state=State.SENDING, check_after=timezone.now())
    canned.says(200, {"sid": SID, "status": status})
    delivery.check_states()
    # What proves nothing takes nothing from what is known.
    assert states([message]) == ["SENDING" if state == State.UNKNOWN else state]


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_every_later_failure_has_its_words(canned: Canned, code: str) -> None:
    [message] = lost(*numbers(1), external_id=SID, state=State.SENDING)
    canned.says(200, {"sid": SID, "status": "undelivered", "error_code": int(code)})
    delivery.check_states()

    message.refresh_from_db()
    assert (message.state, message.error) == ("ERROR", str(FAILURES[code]))
    assert code not in message.error
    assert last_event(message).code == code


def test_an_unknown_failure_keeps_its_code(canned: Canned) -> None:
    [message] = lost(*numbers(1), external_id=SID, state=State.SENT)
    canned.says(200, {"sid": SID, "status": "failed", "error_code": 39999})
    delivery.check_states()

    message.refresh_from_db()
    assert (message.state, message.error) == ("ERROR", "Twilio could not send it.")
    assert last_event(message).code == "39999"


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (404, {"code": 20404, "message": "Not found", "status": 404}),
        (200, {"sid": "SM" + "1" * 32, "status": "delivered"}),
        (200, {}),
    ],
    ids=["deleted there", "about another", "about nobody"],
)
def test_an_answer_that_tells_nothing_of_it_leaves_a_message_alone(
    canned: Canned, status: int, document: object
) -> None:
    [message] = lost(*numbers(1), external_id=SID, state=State.SENT)
    canned.says(status, document)

    assert delivery.check_states().errors == {}
    assert states([message]) == ["SENT"]
    assert not OutputSMSEvent.objects.filter(message=message).exists()


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (401, {"code": 20003, "message": "Authenticate", "status": 401}),
        (404, {"code": 20404, "message": "No account", "status": 404}),
        (500, b"Oops"),
        (200, b"<html>"),
        (200, {"messages": [7]}),
        (200, {"a": [], "b": []}),
    ],
)
def test_a_list_that_is_refused_or_none_is_told_and_changes_nothing(
    canned: Canned, status: int, document: object
) -> None:
    [message] = lost(*numbers(1))
    canned.says(status, document)

    assert delivery.check_states().errors
    assert states([message]) == ["UNKNOWN"]


# Looking for a message whose answer was lost


def test_the_one_message_with_its_number_and_text_is_it(canned: Canned) -> None:
    [message] = lost(*numbers(1))
    canned.says(200, {"messages": [record_of(message, status="delivered")]})
    delivery.check_states()

    message.refresh_from_db()
    assert (message.state, message.external_id) == ("DELIVERED", SID)
    [call] = canned.calls
    assert (call.method, call.said) == ("GET", {"To": [message.recipient], "PageSize": [str(LISTED)]})


def test_one_with_an_unknown_status_is_it_too(canned: Canned) -> None:
    [message] = lost(*numbers(1))
    canned.says(200, {"messages": [record_of(message, status="teleported")]})
    delivery.check_states()

    message.refresh_from_db()
    assert (message.state, message.external_id) == ("UNKNOWN", SID)


OLD = (timezone.now() - timedelta(days=3)).strftime("%a, %d %b %Y %H:%M:%S +0000")


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"direction": "inbound"}, "WAITING"),
        ({"direction": "outbound-reply"}, "WAITING"),
        ({"date_created": OLD}, "WAITING"),
        ({"body": "Something else"}, "UNKNOWN"),
        ({"body": "Sent from your Twilio trial account - Objednávka je připravena."}, "UNKNOWN"),
        ({"from": "+420777999999"}, "UNKNOWN"),
        ({"date_created": None}, "UNKNOWN"),
        ({"date_created": "yesterday"}, "UNKNOWN"),
        ({"sid": None}, "UNKNOWN"),
        ({"sid": "SM9"}, "UNKNOWN"),
        ({"body": None}, "UNKNOWN"),
        ({"body": {"a": 1}}, "UNKNOWN"),
        ({"direction": None}, "SENT"),
    ],
)
def test_a_message_that_may_be_another_proves_nothing(canned: Canned, fields: dict[str, object], state: str) -> None:
    [message] = lost(*numbers(1))
    canned.says(200, {"messages": [record_of(message, **fields)]})
    delivery.check_states()

    assert states([message]) == [state]


def test_a_list_without_it_proves_that_it_was_never_taken(canned: Canned) -> None:
    [message] = lost(*numbers(1))
    canned.says(200, {"messages": []})
    delivery.check_states()

    assert states([message]) == ["WAITING"]


def test_a_list_that_is_not_whole_proves_nothing_by_what_it_lacks(canned: Canned) -> None:
    [message] = lost(*numbers(1))
    old = [record_of(message, sid=f"SM{n:032}", date_created=OLD) for n in range(LISTED)]
    canned.says(200, {"messages": old})
    delivery.check_states()

    assert states([message]) == ["UNKNOWN"]


def test_more_messages_than_are_told_apart_prove_nothing(canned: Canned) -> None:
    [message] = lost(*numbers(1))
    canned.says(200, {"messages": [record_of(message, sid=f"SM{n:032}", body=f"{n}") for n in range(150)]})
    delivery.check_states()

    assert states([message]) == ["UNKNOWN"]


def test_what_belongs_to_other_messages_of_ours_is_not_taken_for_it(canned: Canned) -> None:
    [number] = numbers(1)
    [message] = lost(number)
    lost(number, external_id=SID, state=State.DELIVERED, content="Objednávka je připravena.")
    canned.says(200, {"messages": [record_of(message)]})
    delivery.check_states()

    assert states([message]) == ["WAITING"]


def test_the_text_of_another_lost_message_is_that_ones(canned: Canned) -> None:
    [number] = numbers(1)
    [message], [other] = lost(number), lost(number, content="Another text")
    canned.says(200, {"messages": [record_of(other)]})
    delivery.check_states()

    assert states([message, other]) == ["WAITING", "SENT"]


def test_as_many_as_were_lost_are_theirs_in_the_order_of_time(canned: Canned) -> None:
    [number] = numbers(1)
    now = timezone.now()
    first, second = lost(number, sent_at=now - timedelta(minutes=20)) + lost(number, sent_at=now - timedelta(minutes=9))
    later = (now - timedelta(minutes=9)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    earlier = (now - timedelta(minutes=20)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    records = [
        record_of(first, sid="SM" + "2" * 32, date_created=later, status="sent"),
        record_of(first, sid="SM" + "1" * 32, date_created=earlier, status="delivered"),
    ]
    canned.says(200, {"messages": records})
    delivery.check_states()

    assert states([first, second]) == ["DELIVERED", "SENT"]
    assert {m.external_id for m in OutputSMSMessage.objects.all()} == {"SM" + "1" * 32, "SM" + "2" * 32}


@pytest.mark.parametrize("taken", [1, 3], ids=["fewer", "more"])
def test_another_number_of_them_than_were_lost_is_nobodys(canned: Canned, taken: int) -> None:
    messages = lost(*numbers(1) * 2)
    canned.says(200, {"messages": [record_of(messages[0], sid=f"SM{n:032}") for n in range(taken)]})
    delivery.check_states()

    assert states(messages) == ["UNKNOWN", "UNKNOWN"]
    assert "cannot be told" in last_event(messages[0]).words


def test_one_that_an_operator_ended_still_counts(canned: Canned) -> None:
    [number] = numbers(1)
    lost(number, state=State.ERROR)
    [message] = lost(number)
    canned.says(200, {"messages": [record_of(message)]})
    delivery.check_states()

    assert states([message]) == ["UNKNOWN"]


def test_a_callback_that_came_meanwhile_wins(canned: Canned) -> None:
    [message] = lost(*numbers(1))
    backend = base.get_sms_backend()
    assert isinstance(backend, TwilioSMSBackend)
    canned.says(200, {"messages": [record_of(message)]})
    OutputSMSMessage.objects.update(external_id=SID, state=State.DELIVERED)

    assert list(backend.ask([message])) == []


def test_searching_for_many_costs_two_queries(canned: Canned, django_assert_num_queries: Any) -> None:
    messages = lost(*numbers(30))
    backend = base.get_sms_backend()
    assert isinstance(backend, TwilioSMSBackend)
    canned.says(200, {"messages": [record_of(messages[0])]})

    with django_assert_num_queries(2):
        list(backend.ask(messages))


@pytest.mark.parametrize(
    "fault", [Fault.MISSING_ITEMS, Fault.UNKNOWN_CODES, Fault.DUPLICATE_ITEMS, Fault.HTML, Fault.EMPTY_AFTER]
)
def test_a_spoilt_list_never_doubles_a_message(simulator: Simulator, fault: Fault) -> None:
    simulator.fail(Fault.CUT_AFTER, on="submit")
    simulator.fail(fault, on="status")
    messages = waiting(*numbers(1))
    hand_over_once()
    let_time_pass()
    delivery.check_states()
    assert states(messages) == ["UNKNOWN"]
    drain()

    assert states(messages) == ["DELIVERED"]
    assert accepted_once(simulator, messages)


# A process that slept


def test_what_slept_through_its_claim_is_not_handed_over(simulator: Simulator) -> None:
    backend = base.get_sms_backend()
    [message] = lost(*numbers(1), send_attempts=1)
    backend.publish_messages([message])

    assert simulator.requests == 0
    assert states([message]) == ["WAITING"]
