"""Twilio's dialect, as a stranger's client meets it, and as Twilio's own client does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageList

from smsoffice.simulator import ENDINGS, Fault, Simulator
from smsoffice.simulator.dialect import Receipt
from smsoffice.simulator.receipts import post as post_receipt
from smsoffice.simulator.twilio import signature
from smsoffice.simulator.twilio_form import CREATE, LIST

SENDER = "+15005550006"
SERVICE = "MG" + "5" * 32
NUMBER = "+420601000500"
NEVER = 3600.0
MESSAGES = "twilio/2010-04-01/Accounts/simulator/Messages"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(delivery_delay=NEVER, late=NEVER, early=NEVER) as running:
        yield running


def create(simulator: Simulator, password: str = "simulator", **said: str) -> requests.Response:
    said = {"To": NUMBER, "From": SENDER, "Body": "Dobrý den"} | said
    return requests.post(
        simulator.url(f"{MESSAGES}.json"),
        {name: value for name, value in said.items() if value},
        auth=("simulator", password),
        timeout=10,
        allow_redirects=False,
    )


def fetch(simulator: Simulator, sid: str) -> requests.Response:
    return requests.get(simulator.url(f"{MESSAGES}/{sid}.json"), auth=("simulator", "simulator"), timeout=10)


def listed(simulator: Simulator, **query: str) -> Any:
    url = simulator.url(f"{MESSAGES}.json")
    return requests.get(url, query, auth=("simulator", "simulator"), timeout=10).json()


# What Twilio's own client, which is generated from the OpenAPI description, can say


class Overheard(HttpClient):  # type: ignore[misc]  # it has no stubs
    """Keeps what the client says."""

    def __init__(self) -> None:
        self.params: dict[str, object] = {}
        self.data: dict[str, object] = {}

    def request(self, method: str, url: str, params: Any = None, data: Any = None, **_: Any) -> Response:
        self.params, self.data = params or {}, data or {}
        return Response(200, '{"messages": []}')


def parameters(method: Any) -> dict[str, str]:
    names = [name for name in method.__annotations__ if name not in ("return", "limit", "page_size")]
    return dict.fromkeys(names, "x")


def test_it_knows_exactly_the_parameters_of_the_published_description() -> None:
    overheard = Overheard()
    messages = Client("a", "b", http_client=overheard).messages

    messages.create(**parameters(MessageList.create))
    assert set(overheard.data) == CREATE
    messages.page(**parameters(MessageList.page), page_size=5)
    assert set(overheard.params) == LIST


# Creating


def test_an_accepted_message_is_kept_and_shown_as_twilio_shows_it(simulator: Simulator) -> None:
    response = create(simulator)

    assert response.status_code == 201
    message = response.json()
    assert message["sid"].startswith("SM")
    assert len(message["sid"]) == 34
    assert (message["status"], message["from"], message["to"]) == ("queued", SENDER, NUMBER)
    assert (message["body"], message["num_segments"], message["error_code"]) == ("Dobrý den", "1", None)
    [accepted] = simulator.accepted
    assert accepted[:4] == (message["sid"], NUMBER, "Dobrý den", SENDER)


def test_a_messaging_service_chooses_the_sender_later(simulator: Simulator) -> None:
    message = create(simulator, From="", MessagingServiceSid=SERVICE).json()

    assert (message["status"], message["from"], message["num_segments"]) == ("accepted", None, "0")
    assert message["messaging_service_sid"] == SERVICE


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"To": "call me"}, 21211),
        ({"To": "+420601000001"}, 21614),
        ({"To": "+420601000003"}, 21617),
        ({"StatusCallback": "sms.example.org"}, 21609),
        ({"StatusCallback": "https://my_host/"}, 21609),
        ({"ValidityPeriod": "0"}, 90007),
        ({"ValidityPeriod": "36001"}, 90007),
        ({"Colour": "red"}, 20001),
        ({"From": "+15005550001"}, 21212),
        ({"From": "+15005550008"}, 21611),
        ({"To": "+15005550004"}, 21610),
    ],
    ids=lambda said: str(said)[:40],
)
def test_what_twilio_refuses_is_refused_with_its_code(simulator: Simulator, said: dict[str, str], code: int) -> None:
    response = create(simulator, **said)

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert response.json()["status"] == 400
    assert simulator.accepted == []


def test_a_parameter_that_is_given_twice_is_refused(simulator: Simulator) -> None:
    response = requests.post(
        simulator.url(f"{MESSAGES}.json"),
        [("To", NUMBER), ("To", NUMBER), ("From", SENDER), ("Body", "x")],
        auth=("simulator", "simulator"),
        timeout=10,
    )
    assert response.json()["code"] == 20001


def test_a_wrong_password_is_refused_as_twilio_refuses_it(simulator: Simulator) -> None:
    response = create(simulator, password="wrong")

    assert (response.status_code, response.json()["code"]) == (401, 20003)
    assert simulator.accepted == []


def test_another_account_and_another_address_are_not_found(simulator: Simulator) -> None:
    for path in ("twilio/2010-04-01/Accounts/other/Messages.json", "twilio/elsewhere"):
        response = requests.post(simulator.url(path), {}, auth=("simulator", "simulator"), timeout=10)
        assert (response.status_code, response.json()["code"]) == (404, 20404)


# Asking


def test_a_message_is_on_its_way_and_then_delivered(simulator: Simulator) -> None:
    sid = create(simulator).json()["sid"]

    assert fetch(simulator, sid).json()["status"] == "sending"
    simulator.delivery_delay = 0
    message = fetch(simulator, sid).json()
    assert (message["status"], message["price"]) == ("delivered", "-0.05000")


def test_a_message_that_was_refused_or_never_came_is_not_found(simulator: Simulator) -> None:
    response = fetch(simulator, "SM" + "0" * 32)
    assert (response.status_code, response.json()["code"]) == (404, 20404)


def test_the_list_has_what_was_accepted_for_a_number_the_newest_first(simulator: Simulator) -> None:
    sids = [create(simulator, Body=f"{n}").json()["sid"] for n in range(3)]
    create(simulator, To="+420602000500")
    simulator.fail(Fault.HTTP_503)
    create(simulator, Body="never taken")

    page = listed(simulator, To=NUMBER)
    assert [message["sid"] for message in page["messages"]] == sids[::-1]
    assert page["next_page_uri"] is None
    assert listed(simulator, To="+420603000500")["messages"] == []
    assert len(listed(simulator)["messages"]) == 4


def test_the_list_filters_by_the_day_of_sending(simulator: Simulator) -> None:
    create(simulator)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    # Nothing has been sent yet.
    assert listed(simulator, **{"DateSent>": today})["messages"] == []
    simulator.delivery_delay = 0
    for name, count in {"DateSent": 1, "DateSent>": 1, "DateSent<": 1}.items():
        assert len(listed(simulator, **{name: today})["messages"]) == count
    assert listed(simulator, **{"DateSent>": "2999-01-01"})["messages"] == []


def test_twilios_own_client_reads_all_pages(simulator: Simulator) -> None:
    sids = [create(simulator, Body=f"{n}").json()["sid"] for n in range(7)]

    class Moved(HttpClient):  # type: ignore[misc]  # it has no stubs
        def __init__(self) -> None:
            pass

        def request(self, method: str, url: str, params: Any = None, **options: Any) -> Response:
            moved = url.replace("https://api.twilio.com", simulator.url("twilio"))
            answer = requests.request(method, moved, params=params, auth=options["auth"], timeout=10)
            return Response(answer.status_code, answer.text)

    client = Client("simulator", "simulator", http_client=Moved())
    assert [one.sid for one in client.messages.list(to=NUMBER, page_size=3)] == sids[::-1]


# The endings and faults that show in JSON


@pytest.mark.parametrize(
    ("ending", "on_submit", "at_last", "error"),
    [
        ("002", "queued", "undelivered", 30003),
        ("008", "teleported", "teleported", None),
        ("009", None, None, None),
        ("011", 999, 999, None),
        ("012", "queued", "sent", None),
        ("013", "queued", "partially_delivered", None),
    ],
)
def test_an_ending_decides(
    simulator: Simulator, ending: str, on_submit: object, at_last: object, error: int | None
) -> None:
    assert ending in ENDINGS
    number = f"+420601000{ending}"
    message = create(simulator, To=number).json()
    assert message.get("status") == on_submit
    simulator.delivery_delay = 0
    message = fetch(simulator, simulator.accepted[0].id).json()
    assert (message.get("status"), message.get("error_code")) == (at_last, error)
    assert [one.get("status") for one in listed(simulator, To=number)["messages"]] == [at_last]


def test_a_foreign_id_is_no_sid(simulator: Simulator) -> None:
    sid = create(simulator, To="+420601000010").json()["sid"]

    assert sid == f"{simulator.accepted[0].id}999999"
    assert [one["sid"] for one in listed(simulator, To="+420601000010")["messages"]] == [sid]


def test_an_id_that_is_not_found_at_first_is_not_in_the_list_either(simulator: Simulator) -> None:
    sid = create(simulator, To="+420601000014").json()["sid"]

    assert fetch(simulator, sid).status_code == 404
    assert listed(simulator, To="+420601000014")["messages"] == []
    simulator.early = simulator.delivery_delay = 0
    assert fetch(simulator, sid).json()["status"] == "delivered"


def test_a_wrong_charset_is_announced(simulator: Simulator) -> None:
    simulator.fail(Fault.WRONG_CHARSET)
    response = create(simulator)

    assert response.headers["Content-Type"] == "application/json; charset=utf-16"
    assert "žluťoučký".encode("iso-8859-2") in response.content


# Status callbacks


class Received:
    """A server that takes status callbacks."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str, dict[str, list[str]]]] = []
        received = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                received.posts.append((self.path, self.headers["X-Twilio-Signature"], parse_qs(body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    def wait(self, count: int) -> None:
        for _attempt in range(500):
            if len(self.posts) >= count:
                return
            time.sleep(0.01)


@pytest.fixture
def received() -> Iterator[Received]:
    received = Received()
    Thread(target=received.server.serve_forever, args=(0.02,), daemon=True).start()
    yield received
    received.server.shutdown()
    received.server.server_close()


def test_a_callback_is_posted_when_the_last_status_is_reached_and_twilio_could_have_signed_it(
    simulator: Simulator, received: Received
) -> None:
    url = f"http://127.0.0.1:{received.server.server_port}/status?message=7"
    sid = create(simulator, StatusCallback=url).json()["sid"]
    failed = create(simulator, StatusCallback=url, To="+420601000002").json()["sid"]
    create(simulator)
    assert received.posts == []
    simulator.delivery_delay = 0
    received.wait(2)

    assert [said["MessageSid"] for _path, _signature, said in received.posts] == [[sid], [failed]]
    path, signed, said = received.posts[0]
    assert path == "/status?message=7"
    assert said["MessageStatus"] == said["SmsStatus"] == ["delivered"]
    assert said["AccountSid"] == ["simulator"]
    assert "ErrorCode" not in said
    assert received.posts[1][2]["ErrorCode"] == ["30003"]
    flat = {name: values[0] for name, values in said.items()}
    assert RequestValidator("simulator").validate(url, flat, signed)


def test_half_way_it_tells_that_the_message_was_sent(simulator: Simulator, received: Received) -> None:
    url = f"http://127.0.0.1:{received.server.server_port}/"
    simulator.delivery_delay = 2
    create(simulator, StatusCallback=url)
    received.wait(1)
    simulator.delivery_delay = 0
    received.wait(2)

    assert [said["MessageStatus"] for _path, _signature, said in received.posts] == [["sent"], ["delivered"]]


def test_a_reset_forgets_the_callbacks_too(simulator: Simulator, received: Received) -> None:
    url = f"http://127.0.0.1:{received.server.server_port}/"
    create(simulator, StatusCallback=url)
    simulator.reset()
    simulator.delivery_delay = 0
    create(simulator, StatusCallback=url)
    received.wait(1)

    assert len(received.posts) == 1


def test_nothing_is_posted_to_other_machines() -> None:
    for url in ("http://192.0.2.1/", "https://127.0.0.1/", "http://example.com/", "ftp://127.0.0.1/"):
        assert post_receipt(Receipt(url, b"", {})) is None


VECTOR = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://mycompany.com/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:443/myapp.php?foo=1&bar=2", "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com:80/myapp.php?foo=1&bar=2", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    ],
)
def test_signatures_are_those_of_twilios_own_vectors(url: str, expected: str) -> None:
    assert signature("12345", url, VECTOR) == expected
