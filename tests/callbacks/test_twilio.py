"""Twilio's status callbacks: signed ones are evidence, all others learn nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from twilio.request_validator import RequestValidator

from smsoffice import delivery
from smsoffice.backend.sms import base
from smsoffice.backend.sms.twilio import TwilioSMSBackend
from smsoffice.backend.sms.twilio_codes import STATUSES
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.simulator import Simulator
from smsoffice.states import State, may_become
from tests.gateway import hand_over_once, let_time_pass, numbers, states, waiting

pytestmark = pytest.mark.django_db

URL = "https://sms.example.org/sms/callbacks/twilio/"
TOKEN = "t" * 32
ACCOUNT = "AC" + "a" * 32
SID = "SM" + "c" * 32
OTHER_SID = "SM" + "d" * 32
NUMBER = "+420777123456"

Post = Callable[..., Any]


@pytest.fixture(autouse=True)
def configured(settings: Any) -> None:
    settings.PYMESS_TWILIO_CONFIG = {"ACCOUNT_SID": ACCOUNT, "AUTH_TOKEN": TOKEN, "STATUS_CALLBACK_URL": URL}


def callback(status: str = "delivered", sid: str = SID, **more: str) -> dict[str, str]:
    """What Twilio posts."""
    said = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status, "To": NUMBER}
    return said | {"From": "+420777000000", "AccountSid": ACCOUNT, "ApiVersion": "2010-04-01"} | more


def post(said: dict[str, str] | str, query: str = "", *, token: str = TOKEN, url: str = URL, **extra: Any) -> Any:
    """Post a signed callback; through a proxy, so not to the public address."""
    address = f"{url}?{query}" if query else url
    pairs = said if isinstance(said, dict) else {}
    headers = {"X-Twilio-Signature": RequestValidator(token).compute_signature(address, pairs)}
    body = urlencode(said) if isinstance(said, dict) else said
    path = reverse("smsoffice-twilio-status")
    options = {"content_type": "application/x-www-form-urlencoded", "headers": headers, **extra}
    return Client(enforce_csrf_checks=True).post(f"{path}?{query}" if query else path, body, **options)


def handed_over(**fields: Any) -> OutputSMSMessage:
    """A message that Twilio took."""
    fields = {"state": State.SENDING, "external_id": SID, "sent_at": timezone.now(), **fields}
    [message] = waiting(NUMBER, backend=TwilioSMSBackend.path(), **fields)
    return message


def told(message: OutputSMSMessage) -> list[tuple[str, str, bool]]:
    """The receipts in a message's timeline."""
    events = OutputSMSEvent.objects.filter(message=message, source="RECEIPT").order_by("pk")
    return [(event.code, event.to_state, event.ignored) for event in events]


# A signed callback is evidence


def test_it_is_where_the_site_says() -> None:
    assert reverse("smsoffice-twilio-status") == "/sms/callbacks/twilio/"


def test_a_signed_callback_moves_its_message_and_stands_in_the_timeline() -> None:
    message = handed_over()
    response = post(callback("delivered"), f"message={message.pk}")

    assert (response.status_code, response.content) == (200, b"")
    assert states([message]) == ["DELIVERED"]
    assert told(message) == [("delivered", "DELIVERED", False)]


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_every_status_does_what_the_table_of_states_lets_it(status: str) -> None:
    message = handed_over()
    state = STATUSES[status][0]
    assert post(callback(status)).status_code == 200

    takes = state == State.SENDING or may_become(State.SENDING, state)
    assert states([message]) == [state if takes and state != State.UNKNOWN else "SENDING"]


def test_a_failure_is_told_in_words_with_its_code() -> None:
    message = handed_over()
    post(callback("undelivered", ErrorCode="30003", RawDlrDoneDate="2611232359", SomethingNew="x"))

    message.refresh_from_db()
    assert (message.state, message.error) == ("ERROR", "The phone is off, out of reach or cannot receive messages.")
    assert told(message) == [("30003", "ERROR", False)]


def test_callbacks_in_any_order_end_in_the_truth() -> None:
    message = handed_over()
    for status in ("delivered", "sent", "sending", "queued"):
        assert post(callback(status)).status_code == 200

    assert states([message]) == ["DELIVERED"]
    assert [ignored for _code, _state, ignored in told(message)] == [False, True, True, True]


def test_a_delivery_after_a_failure_wins() -> None:
    message = handed_over()
    post(callback("undelivered", ErrorCode="30008"))
    post(callback("delivered"))

    message.refresh_from_db()
    assert (message.state, message.error) == ("DELIVERED", "")


def test_a_replay_writes_nothing_however_often_it_comes() -> None:
    message = handed_over()
    for _ in range(20):
        post(callback("sent"))
        post(callback("delivered"))
        post(callback("teleported"))

    assert len(told(message)) == 3


def test_an_unknown_status_is_kept_without_harm() -> None:
    message = handed_over(state=State.SENT)
    post(callback("teleported"))

    assert states([message]) == ["SENT"]
    assert told(message) == [("teleported", "SENT", False)]


def test_words_are_in_the_sites_language_not_the_callers() -> None:
    message = handed_over()
    post(callback("delivered"), headers={"Accept-Language": "cs"} | _signed(callback("delivered")))

    assert OutputSMSEvent.objects.get(message=message).words == "Delivered."


def _signed(said: dict[str, str]) -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(URL, said)}


# Which message it speaks of


def test_a_callback_that_comes_before_the_answer_finds_its_message_by_our_key() -> None:
    message = handed_over(state=State.UNKNOWN, external_id="")
    post(callback("sent"), f"message={message.pk}")

    message.refresh_from_db()
    assert (message.state, message.external_id) == ("SENT", SID)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"external_id": OTHER_SID}, {}),
        ({"external_id": ""}, {"To": "+420777999999"}),
    ],
    ids=["another reference", "another recipient"],
)
def test_a_key_that_the_callback_contradicts_is_not_believed(fields: dict[str, str], said: dict[str, str]) -> None:
    message, meant = handed_over(**fields), handed_over()
    assert post(callback("delivered", **said), f"message={message.pk}").status_code == 200

    assert states([message, meant]) == ["SENDING", "DELIVERED"]


@pytest.mark.parametrize("key", ["", "x", "0", "-1", "%D9%A3", "9" * 18, "9" * 30, "1&message=2"])
def test_an_odd_key_leaves_the_reference_to_tell(key: str) -> None:
    message = handed_over()
    assert post(callback("delivered"), f"message={key}").status_code == 200

    assert states([message]) == ["DELIVERED"]


def test_an_unknown_message_is_answered_200_and_logged_without_number_or_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="smsoffice")
    response = post(callback("delivered"), "message=12345")

    assert (response.status_code, response.content) == (200, b"")
    assert SID in caplog.text
    assert NUMBER not in caplog.text


@pytest.mark.parametrize(("status", "state"), [("sent", "SENT"), ("teleported", "UNKNOWN"), ("failed", "ERROR")])
def test_what_was_put_back_as_never_taken_does_not_leave_again(status: str, state: str) -> None:
    message = handed_over(state=State.WAITING, external_id="", sent_at=None, send_attempts=1)
    post(callback(status), f"message={message.pk}")

    message.refresh_from_db()
    assert (message.state, message.external_id) == (state, SID)


def test_a_callback_of_the_first_hand_over_does_not_hide_one_of_the_second() -> None:
    message = handed_over()
    post(callback("sent"))
    OutputSMSEvent.objects.update(created_at=timezone.now() - timedelta(hours=1))
    OutputSMSMessage.objects.update(state=State.SENDING)
    post(callback("sent"))

    assert states([message]) == ["SENT"]
    assert len(told(message)) == 2


@pytest.mark.parametrize("state", ["SENDING", "DELIVERED", "UNKNOWN", "ERROR"])
def test_a_callback_costs_the_same_few_queries_however_long_the_log(state: str) -> None:
    message = handed_over(state=state)
    OutputSMSEvent.objects.bulk_create(
        OutputSMSEvent(message=message, from_state=state, to_state=state, source="ASKED") for _ in range(100)
    )
    with CaptureQueriesContext(connection) as first:
        post(callback("delivered"), f"message={message.pk}")
    with CaptureQueriesContext(connection) as replayed:
        post(callback("delivered"), f"message={message.pk}")

    # Find it, ask whether that was told before; then in a transaction update and write the event.
    assert len(first) <= 6
    assert len(replayed) == 2


# Everybody else


def refused(response: Any, status: int = 403) -> bool:
    return (response.status_code, response.content) == (status, b"")


@pytest.mark.parametrize(
    "extra",
    [
        {"token": "another token"},
        {"url": "https://attacker.example/sms/callbacks/twilio/"},
        {"headers": {}},
        {"headers": {"X-Twilio-Signature": ""}},
        {"headers": {"X-Twilio-Signature": "x" * 28}},
        {"headers": {"X-Twilio-Signature": "ěšč"}},
        {"content_type": "application/json"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_type": "text/plain"},
        {"content_type": ""},
    ],
    ids=lambda extra: str(extra)[:50],
)
def test_a_stranger_learns_nothing(extra: dict[str, Any]) -> None:
    message = handed_over()
    with CaptureQueriesContext(connection) as queries:
        known = post(callback(), f"message={message.pk}", **extra)
        unknown = post(callback(sid=OTHER_SID), "message=987654", **extra)

    assert refused(known)
    assert refused(unknown)
    assert dict(known.headers) == dict(unknown.headers)
    assert len(queries) == 0
    assert states([message]) == ["SENDING"]


@pytest.mark.parametrize("changed", [{"MessageStatus": "failed"}, {"Extra": ""}, {"To": NUMBER + " "}])
def test_a_change_of_what_was_signed_is_noticed(changed: dict[str, str]) -> None:
    message = handed_over()
    assert refused(post(callback("delivered") | changed, headers=_signed(callback("delivered"))))
    assert states([message]) == ["SENDING"]


def test_a_changed_query_is_noticed() -> None:
    message = handed_over(external_id="")
    assert refused(post(callback(), f"message={message.pk}", headers=_signed(callback())))


@pytest.mark.parametrize(
    "said",
    [
        callback(AccountSid="AC" + "b" * 32),
        callback(sid="CA" + "c" * 32),
        callback(sid=""),
        {"MessageStatus": "delivered", "AccountSid": ACCOUNT},
        {},
    ],
    ids=["another account", "a call", "no reference", "no reference at all", "nothing"],
)
def test_what_twilio_signed_but_not_of_a_message_of_ours_is_refused(said: dict[str, str]) -> None:
    handed_over()
    assert refused(post(said))


@pytest.mark.parametrize("missing", ["AUTH_TOKEN", "STATUS_CALLBACK_URL"])
def test_without_its_settings_every_callback_is_refused(settings: Any, missing: str) -> None:
    handed_over()
    settings.PYMESS_TWILIO_CONFIG = {**settings.PYMESS_TWILIO_CONFIG, missing: ""}
    assert refused(post(callback(), token=""))
    assert refused(post(callback()))


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_only_a_post_is_taken(method: str) -> None:
    assert getattr(Client(), method)("/sms/callbacks/twilio/").status_code == 405


def test_a_body_of_ten_megabytes_is_not_read() -> None:
    class Unread:
        """A body that fails the test when it is read."""

        def read(self, size: int = -1) -> bytes:
            raise AssertionError("The body was read.")

        readline = read

    environ: dict[str, Any] = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(10 * 1024 * 1024)}
    response = Client().generic(
        "POST", "/sms/callbacks/twilio/", b"", content_type="application/x-www-form-urlencoded", **environ
    )
    assert refused(response, 413)


@pytest.mark.parametrize("body", ["a&" * 5000, "%ff%fe=%00", "=", "a=" + "x" * 60_000], ids=lambda body: body[:8])
def test_a_hostile_form_is_refused(body: str) -> None:
    assert refused(post(body))


@pytest.mark.parametrize("length", ["", "x", "-5", "٣", "9" * 40])
def test_an_odd_length_is_refused_without_an_error(length: str) -> None:
    assert post(callback(), token="wrong", CONTENT_LENGTH=length).status_code == 403


# Signatures


def test_the_port_in_the_address_makes_no_difference() -> None:
    message = handed_over()
    with_port = URL.replace("example.org", "example.org:443")
    assert post(callback("delivered"), url=with_port).status_code == 200

    assert states([message]) == ["DELIVERED"]


def test_a_known_signature_of_a_status_callback_is_taken(settings: Any) -> None:
    settings.PYMESS_TWILIO_CONFIG = {
        **settings.PYMESS_TWILIO_CONFIG,
        "STATUS_CALLBACK_URL": "https://sms.example.org/webhooks/twilio/status/",
    }
    message = handed_over()
    post(callback("delivered"), headers={"X-Twilio-Signature": "V0YicgvnLrth8xP/bzKBFuff2kA="})

    assert states([message]) == ["DELIVERED"]


def test_twilios_own_vector_of_repeated_keys_holds_for_a_form_as_we_read_it() -> None:
    form = QueryDict("Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234")
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert RequestValidator("12345").validate(url, form, "IK+Dwps556ElfBT0I3Rgjkr1wJU=")


def test_repeated_keys_and_blank_values_are_part_of_the_signature() -> None:
    message = handed_over()
    body = urlencode(callback()) + "&Digits=5678&Digits=1234&Blank="
    signature = RequestValidator(TOKEN).compute_signature(URL, QueryDict(body))
    assert post(body, headers={"X-Twilio-Signature": signature}).status_code == 200
    assert states([message]) == ["DELIVERED"]


# The whole way, through the simulator and a real server


@pytest.mark.django_db(transaction=True)
def test_the_simulators_callbacks_arrive_signed(live_server: Any, settings: Any) -> None:
    with Simulator(delivery_delay=3600) as simulator:
        base._instance.cache_clear()
        settings.PYMESS_SMS_SENDER_BACKEND = TwilioSMSBackend.path()
        settings.PYMESS_TWILIO_CONFIG = {
            "ACCOUNT_SID": "simulator",
            "AUTH_TOKEN": "simulator",
            "MESSAGING_SERVICE_SID": "MG" + "5" * 32,
            "API_URL": simulator.url("twilio"),
            "STATUS_CALLBACK_URL": f"{live_server.url}/sms/callbacks/twilio/",
        }
        # The last but one fails, and the answer of the last one is lost.
        messages = waiting(*numbers(3), "+420601000002", "+420601000006")
        hand_over_once()
        assert states(messages) == ["SENDING"] * 4 + ["UNKNOWN"]
        simulator.delivery_delay = 0
        wanted = ["DELIVERED"] * 3 + ["ERROR", "DELIVERED"]
        for _attempt in range(500):
            if states(messages) == wanted:
                break
            simulator.stopping.wait(0.02)

        assert states(messages) == wanted
        let_time_pass()
        delivery.check_states()
        assert states(messages) == wanted
        assert simulator.doubled() == []
    base._instance.cache_clear()
