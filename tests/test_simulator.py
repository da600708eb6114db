"""The simulator, over real sockets and with raw XML, as a stranger's client would meet it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
import requests
from django.core.management import CommandError, call_command
from lxml import etree

from smsoffice.simulator import ENDINGS, Fault, Simulator

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 0.3
"""Seconds after which a test's client gives up on a gateway that must not answer it."""
NUMBERS = ("+420601000500", "+420602000500", "+420603000500")
NEVER = 3600.0

Said = list[tuple[str | None, str | None]]
"""The ids and codes of an answer."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(delivery_delay=NEVER, late=NEVER, early=NEVER) as running:
        yield running


def envelope(data_type: str, array: str, username: str = "simulator", password: str = "simulator") -> str:
    return (
        f'<?xml version="1.0"?><SmsServices><DataHeader><DataType>{data_type}</DataType><UserName>{username}</UserName>'
        f"<Password>{password}</Password></DataHeader><DataArray>{array}</DataArray></SmsServices>"
    )


def submission(*numbers: str, ids: tuple[str, ...] = (), text: str = "Dobrý den", **login: str) -> str:
    items = "".join(
        f"<DataItem><PhoneNumberMo>Shop</PhoneNumberMo><MobileTerminate>{number}</MobileTerminate>"
        f"<Text>{escape(text)}</Text><SmsId>{id_}</SmsId></DataItem>"
        for number, id_ in zip(numbers, ids or [f"id-{n}" for n in range(1, len(numbers) + 1)], strict=True)
    )
    return envelope("SMS", f"<DataTemplate>{items}</DataTemplate>", **login)


def question(*ids: str) -> str:
    return envelope("SMS-Status", "".join(f"<SmsId>{id_}</SmsId>" for id_ in ids))


def post(simulator: Simulator, document: str, timeout: float = 10, **options) -> requests.Response:
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    url = simulator.url("sms-operator")
    return requests.post(url, document.encode(), headers=headers, timeout=timeout, allow_redirects=False, **options)


def said(response: requests.Response) -> Said:
    """The ids and codes of an answer, as a client reads them that resolves whatever it is told to."""
    root = etree.fromstring(response.content, etree.XMLParser(resolve_entities=True))
    return [(item.findtext("SmsId"), item.findtext("Status")) for item in root.iter("DataItem")]


def codes(simulator: Simulator, document: str) -> list[str | None]:
    return [code for _, code in said(post(simulator, document))]


def raw(simulator: Simulator, document: str) -> tuple[bytes, bool]:
    """What came over the wire, and whether a reset ended it."""
    received = b""
    with socket.create_connection((simulator.host, simulator.port), timeout=10) as client:
        body = document.encode()
        head = (
            f"POST /sms-operator HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        client.sendall(head.encode() + body)
        try:
            while chunk := client.recv(65536):
                received += chunk
        except ConnectionResetError:
            return received, True
    return received, False


# What the gateway does while nothing goes wrong


def test_an_accepted_message_is_kept_as_it_was_sent_and_counted(simulator: Simulator) -> None:
    response = post(simulator, submission(NUMBERS[0], text="Žluťoučký <kůň> & spol. 🐎"))

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert said(response) == [("id-1", "11")]
    [message] = simulator.accepted
    assert message[:4] == ("id-1", NUMBERS[0], "Žluťoučký <kůň> & spol. 🐎", "Shop")
    assert simulator.counts == {NUMBERS[0]: 1}
    assert simulator.counts_by_id == {"id-1": 1}
    assert simulator.doubled() == []


def test_a_message_is_unknown_until_the_delivery_delay_has_passed_then_delivered(simulator: Simulator) -> None:
    post(simulator, submission(NUMBERS[0]))

    assert codes(simulator, question("id-1")) == ["11"]
    simulator.delivery_delay = 0
    assert codes(simulator, question("id-1")) == ["0"]


def test_an_id_that_never_came_is_not_found(simulator: Simulator) -> None:
    assert said(post(simulator, question("stranger"))) == [("stranger", "15")]


def test_the_code_of_a_taken_message_can_be_the_ambiguous_zero(simulator: Simulator) -> None:
    simulator.submit_status = 0

    assert codes(simulator, submission(NUMBERS[0])) == ["0"]
    assert codes(simulator, question("id-1")) == ["11"]


def test_an_id_that_comes_again_is_accepted_and_counted_again(simulator: Simulator) -> None:
    post(simulator, submission(NUMBERS[0]))
    assert codes(simulator, submission(NUMBERS[0])) == ["11"]

    assert len(simulator.accepted) == 2
    assert simulator.counts == {NUMBERS[0]: 2}
    assert simulator.doubled() == [NUMBERS[0], "id-1"]


def test_a_text_directly_under_the_template_is_shared_by_its_items(simulator: Simulator) -> None:
    items = "".join(
        f"<DataItem><MobileTerminate>{NUMBERS[n]}</MobileTerminate><SmsId>id-{n}</SmsId>{own}</DataItem>"
        for n, own in enumerate(("", "<Text>Own</Text>"))
    )
    post(simulator, envelope("SMS", f"<DataTemplate><Text>Shared</Text>{items}</DataTemplate>"))

    assert [message.text for message in simulator.accepted] == ["Shared", "Own"]


def test_a_malformed_number_is_refused_and_its_neighbour_accepted(simulator: Simulator) -> None:
    assert codes(simulator, submission("call me", NUMBERS[0])) == ["4", "11"]
    assert simulator.counts == {NUMBERS[0]: 1}


@pytest.mark.parametrize("login", [{"username": "other"}, {"password": "wrong"}], ids=["username", "password"])
def test_a_wrong_login_gets_an_empty_answer_and_nothing_is_accepted(
    simulator: Simulator, login: dict[str, Any]
) -> None:
    response = post(simulator, submission(*NUMBERS, **login))

    assert (response.status_code, response.content) == (200, b"")
    assert simulator.accepted == []


@pytest.mark.parametrize(
    ("document", "headers", "status", "words"),
    [
        (submission(NUMBERS[0]), {"Content-Type": "text/plain"}, 415, "text/xml"),
        ("<SmsServices>", {}, 400, "not well-formed"),
        ("<VoiceServices/>", {}, 400, "SmsServices"),
        (envelope("Fax", ""), {}, 400, "DataType"),
        (submission(NUMBERS[0], ids=("",)), {}, 400, "SmsId"),
        (submission(""), {}, 400, "MobileTerminate"),
        (submission(NUMBERS[0], text=""), {}, 400, "Text"),
        ('<!DOCTYPE SmsServices [<!ENTITY e "x">]><SmsServices>&e;</SmsServices>', {}, 400, "DOCTYPE"),
    ],
    ids=["content type", "cut", "root", "data type", "no id", "no number", "no text", "doctype"],
)
def test_a_request_that_breaks_the_protocol_is_refused_in_words(
    simulator: Simulator, document: str, headers: dict[str, str], status: int, words: str
) -> None:
    response = requests.post(
        simulator.url("sms-operator"), document.encode(), headers={"Content-Type": "text/xml", **headers}, timeout=10
    )

    assert response.status_code == status
    assert words in response.text
    assert simulator.accepted == []


def test_a_gateway_takes_only_posts_with_a_length(simulator: Simulator) -> None:
    assert requests.get(simulator.url("sms-operator"), timeout=10).status_code == 405
    assert requests.post(simulator.url("sms-operator"), iter([b"<x/>"]), timeout=10).status_code == 411


def test_requests_over_a_kept_connection_count_as_one_connection(simulator: Simulator) -> None:
    headers = {"Content-Type": "text/xml"}
    with requests.Session() as session:
        for n in range(3):
            document = submission(NUMBERS[0], ids=(f"id-{n}",)).encode()
            session.post(simulator.url("sms-operator"), document, headers=headers, timeout=10)
    assert (simulator.requests, simulator.connections) == (3, 1)

    post(simulator, question("id-1"))
    assert (simulator.requests, simulator.connections) == (4, 2)


def test_nothing_is_lost_when_many_clients_submit_at_once(simulator: Simulator) -> None:
    def submit(client: int) -> None:
        for n in range(10):
            post(simulator, submission(*NUMBERS, ids=tuple(f"{client}-{n}-{m}" for m in range(3))))

    threads = [threading.Thread(target=submit, args=(client,)) for client in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert simulator.counts == dict.fromkeys(NUMBERS, 80)
    assert len(simulator.counts_by_id) == 240


def test_a_client_that_does_not_wait_for_the_latency_is_still_counted(simulator: Simulator) -> None:
    simulator.latency = NEVER

    with pytest.raises(requests.ReadTimeout):
        post(simulator, submission(NUMBERS[0]), timeout=PATIENCE)
    assert simulator.counts == {NUMBERS[0]: 1}


# Faults of a whole request


def lost(expected: type[Exception]) -> Callable[[Callable[[], requests.Response]], None]:
    def check(call: Callable[[], requests.Response]) -> None:
        with pytest.raises(expected):
            call()

    return check


def answered(status: int, content_type: str, body: bytes, **headers: str) -> Callable[..., None]:
    def check(call: Callable[[], requests.Response]) -> None:
        response = call()
        assert response.status_code == status
        assert response.headers["Content-Type"].startswith(content_type)
        assert body in response.content
        assert {name: response.headers[name.replace("_", "-")] for name in headers} == headers

    return check


def speaks(*expected: tuple[str, str]) -> Callable[..., None]:
    def check(call: Callable[[], requests.Response]) -> None:
        response = call()
        assert response.status_code == 200
        assert said(response) == list(expected)

    return check


def empty(call: Callable[[], requests.Response]) -> None:
    response = call()
    assert (response.status_code, response.content) == (200, b"")


def truncated(call: Callable[[], requests.Response]) -> None:
    response = call()
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert response.content.startswith(b"<?xml")
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(response.content)


def declares(*declared: bytes) -> Callable[..., None]:
    def check(call: Callable[[], requests.Response]) -> None:
        content = call().content
        assert all(part in content for part in (b"<!DOCTYPE SmsServices [", *declared, b"<Status>&status;</Status>"))

    return check


def in_a_wrong_charset(call: Callable[[], requests.Response]) -> None:
    response = call()
    assert response.headers["Content-Type"] == "text/xml; charset=utf-16"
    assert b'encoding="utf-8"' in response.content
    assert "žluťoučký" in response.content.decode("iso-8859-2")
    with pytest.raises(UnicodeDecodeError):
        response.content.decode("utf-8")


def without_data_array(call: Callable[[], requests.Response]) -> None:
    root = etree.fromstring(call().content)
    assert [child.tag for child in root] == ["DataHeader", "DataItem", "DataItem", "DataItem"]


def huge(call: Callable[[], requests.Response]) -> None:
    response = call()
    assert "Content-Length" not in response.headers
    assert len(response.content) > 50 * 1024 * 1024
    assert response.content[:500].count(b"<Status>11</Status>") == 3
    assert response.content.endswith(b" >")


GOOD = (("id-1", "11"), ("id-2", "11"), ("id-3", "11"))
TIMES_OUT = lost(requests.ReadTimeout)
BREAKS = lost(requests.ConnectionError)

# The fault, what the client meets, and how many of the three messages are accepted.
FAULTS = [
    (Fault.NONE, speaks(*GOOD), 3),
    (Fault.REFUSE_LOGIN, empty, 0),
    (Fault.HTTP_500_BEFORE, answered(500, "text/plain", b"Error"), 0),
    (Fault.HTTP_503, answered(503, "text/plain", b"Unavailable"), 0),
    (Fault.HTTP_429, answered(429, "text/plain", b"Too Many", Retry_After="2"), 0),
    (Fault.REDIRECT, answered(302, "text/plain", b"", Location="/sms-operator/elsewhere"), 0),
    (Fault.CUT_BEFORE, BREAKS, 0),
    (Fault.HANG_BEFORE, TIMES_OUT, 0),
    (Fault.HTTP_500_AFTER, answered(500, "text/plain", b"Error"), 3),
    (Fault.HTML, answered(200, "text/html", b"<h1>"), 3),
    (Fault.EMPTY_AFTER, empty, 3),
    (Fault.TRUNCATED, truncated, 3),
    (Fault.CUT_MIDWAY, lost(requests.RequestException), 3),
    (Fault.CUT_AFTER, BREAKS, 3),
    (Fault.HANG_AFTER, TIMES_OUT, 3),
    (Fault.LATE, TIMES_OUT, 3),
    (Fault.DRIP, TIMES_OUT, 3),
    (Fault.HUGE, huge, 3),
    (Fault.DTD, speaks(("id-1", "0"), ("id-2", "0"), ("id-3", "0")), 3),
    (Fault.ENTITY_BOMB, declares(b'<!ENTITY laugh9 "&laugh8;&laugh8;', b'<!ENTITY status "&laugh9;">'), 3),
    (Fault.EXTERNAL_ENTITY, declares(b'<!ENTITY status SYSTEM "file:///etc/passwd">'), 3),
    (Fault.WRONG_CHARSET, in_a_wrong_charset, 3),
    (Fault.NO_DATA_ARRAY, without_data_array, 3),
    (Fault.UNKNOWN_CODES, speaks(("id-1", "999"), ("id-2", "999"), ("id-3", "999")), 3),
    (Fault.MISSING_ITEMS, speaks(("id-2", "11")), 3),
    (
        Fault.FOREIGN_ITEMS,
        speaks(*(pair for good in GOOD for pair in (good, (f"{good[0]}999999", "1")))),
        3,
    ),
    (Fault.DUPLICATE_ITEMS, speaks(("id-1", "11"), ("id-1", "1"), *GOOD[1:]), 3),
    (Fault.REORDERED, speaks(*GOOD[::-1]), 3),
]


def test_every_fault_is_in_the_table() -> None:
    assert {fault for fault, _, _ in FAULTS} == set(Fault)


@pytest.mark.parametrize(("fault", "check", "accepted"), FAULTS, ids=[fault for fault, _, _ in FAULTS])
def test_a_fault_does_what_it_says_and_the_next_request_is_sound(
    simulator: Simulator, fault: Fault, check: Callable[..., None], accepted: int
) -> None:
    # Longer between the bytes than the client waits for one.
    simulator.drip = 1
    simulator.fail(fault)

    check(lambda: post(simulator, submission(*NUMBERS), timeout=PATIENCE if check is TIMES_OUT else 10))

    assert simulator.counts == dict.fromkeys(NUMBERS[:accepted], 1)
    expected = ["11"] * 3 if accepted else ["15"] * 3
    assert codes(simulator, question("id-1", "id-2", "id-3")) == expected


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
def test_a_cut_resets_the_connection_before_a_single_byte(simulator: Simulator, fault: Fault) -> None:
    simulator.fault = fault

    assert raw(simulator, submission(*NUMBERS)) == (b"", True)


def test_a_cut_midway_promises_more_than_it_sends_and_resets(simulator: Simulator) -> None:
    simulator.fault = Fault.CUT_MIDWAY

    received, was_reset = raw(simulator, submission(*NUMBERS))

    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    assert was_reset
    assert 0 < len(body) < promised


def test_a_dripped_answer_is_whole_in_the_end(simulator: Simulator) -> None:
    simulator.drip = 0.0005
    simulator.fault = Fault.DRIP

    assert said(post(simulator, submission(*NUMBERS))) == list(GOOD)


def test_a_dripped_answer_comes_byte_by_byte_from_its_first_header_on(simulator: Simulator) -> None:
    simulator.drip = 1
    simulator.fault = Fault.DRIP
    body = submission(*NUMBERS).encode()

    with socket.create_connection((simulator.host, simulator.port), timeout=10) as client:
        client.sendall(
            b"POST /sms-operator HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        assert client.recv(65536) == b"H"


def test_a_late_answer_is_right_when_it_comes(simulator: Simulator) -> None:
    simulator.late = 0.05
    simulator.fault = Fault.LATE

    assert said(post(simulator, submission(*NUMBERS))) == list(GOOD)


def test_a_followed_redirect_shows_among_the_requests(simulator: Simulator) -> None:
    simulator.fail(Fault.REDIRECT)

    requests.post(simulator.url("sms-operator"), submission(*NUMBERS), headers={"Content-Type": "text/xml"}, timeout=10)

    assert simulator.requests == 2


# The switch


def test_a_standing_fault_stays_and_planned_ones_come_first(simulator: Simulator) -> None:
    simulator.fault = Fault.HTTP_503
    simulator.fail(Fault.HTTP_429, times=2)
    simulator.fail("HTTP_500_BEFORE")

    met = [post(simulator, question("x")).status_code for _ in range(5)]

    assert met == [429, 429, 500, 503, 503]
    simulator.fault = Fault.NONE
    assert post(simulator, question("x")).status_code == 200


@pytest.mark.parametrize("times", [1, None], ids=["planned", "standing"])
@pytest.mark.parametrize(("on", "met"), [("submit", [503, 200]), ("status", [200, 503]), ("both", [503, 200])])
def test_a_fault_meets_only_the_kind_of_request_that_it_is_for(
    simulator: Simulator, on: str, met: list[int], times: int | None
) -> None:
    simulator.fail(Fault.HTTP_503, times=times, on=on)

    statuses = [post(simulator, document).status_code for document in (submission(*NUMBERS), question("id-1"))]

    assert statuses == ([503, 503] if on == "both" and times is None else met)


@pytest.mark.parametrize(
    "arguments",
    [{"fault": "NOPE"}, {"fault": "HTML", "times": 0}, {"fault": "HTML", "on": "weekdays"}],
    ids=["fault", "times", "on"],
)
def test_a_fault_that_makes_no_sense_is_refused(simulator: Simulator, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        simulator.fail(**arguments)
    assert simulator.fault is Fault.NONE


# Faults of single numbers

NEIGHBOURS = (("before", "11"), ("after", "11"))

# The ending, then what is said of "bad": on submit, while on its way, at last; and whether it is accepted.
OWN_FATES = [
    ("001", [("bad", "2")], [("bad", "2")], [("bad", "2")], 0),
    ("002", [("bad", "11")], [("bad", "11")], [("bad", "1")], 1),
    ("003", [("bad", "7")], [("bad", "7")], [("bad", "7")], 0),
    ("008", [("bad", "999")], [("bad", "999")], [("bad", "999")], 1),
    ("009", [], [], [], 1),
    ("010", [("bad999999", "11")], [("bad999999", "11")], [("bad999999", "0")], 1),
    ("011", [("bad", "delivered")], [("bad", "delivered")], [("bad", "delivered")], 1),
    ("012", [("bad", "11")], [("bad", "11")], [("bad", "11")], 1),
    ("013", [("bad", "11")], [("bad", "11")], [("bad", "10")], 1),
    ("014", [("bad", "11")], [("bad", "15")], [("bad", "0")], 1),
    ("015", [("bad", "11")], [("bad", "11")], [("bad", "0")], 1),
]
# The ending, what the client of the whole request meets, and whether its messages are accepted.
SHARED_FATES = [
    ("004", requests.ReadTimeout, True),
    ("005", requests.ReadTimeout, True),
    ("006", requests.ConnectionError, True),
    ("007", requests.ConnectionError, False),
]


def test_every_ending_is_in_a_table() -> None:
    assert set(ENDINGS) < {ending for ending, *_ in OWN_FATES} | {ending for ending, *_ in SHARED_FATES}


@pytest.mark.parametrize(
    ("ending", "on_submit", "on_the_way", "at_last", "accepted"), OWN_FATES, ids=[ending for ending, *_ in OWN_FATES]
)
def test_an_ending_decides_over_its_own_message_only(
    simulator: Simulator, ending: str, on_submit: Said, on_the_way: Said, at_last: Said, accepted: int
) -> None:
    number = f"+420601000{ending}"
    ids = ("before", "bad", "after")

    assert said(post(simulator, submission(NUMBERS[0], number, NUMBERS[1], ids=ids))) == [
        ("before", "11"),
        *on_submit,
        ("after", "11"),
    ]
    assert said(post(simulator, question(*ids))) == [("before", "11"), *on_the_way, ("after", "11")]
    simulator.delivery_delay = simulator.early = 0
    assert said(post(simulator, question(*ids))) == [("before", "0"), *at_last, ("after", "0")]
    assert simulator.counts == {NUMBERS[0]: 1, NUMBERS[1]: 1} | ({number: 1} if accepted else {})


@pytest.mark.parametrize(("ending", "error", "accepted"), SHARED_FATES, ids=[ending for ending, *_ in SHARED_FATES])
def test_an_ending_of_the_connection_meets_the_whole_request_that_submits_it(
    simulator: Simulator, ending: str, error: type[Exception], accepted: bool
) -> None:
    simulator.delivery_delay = 0

    with pytest.raises(error):
        post(simulator, submission(NUMBERS[0], f"+420601000{ending}"), timeout=PATIENCE)

    assert len(simulator.accepted) == (2 if accepted else 0)
    assert codes(simulator, question("id-1", "id-2")) == (["0", "0"] if accepted else ["15", "15"])


def test_of_several_such_endings_the_one_that_leaves_the_least_behind_wins(simulator: Simulator) -> None:
    numbers = [f"+420601000{ending}" for ending in ("004", "005", "006", "007")]

    with pytest.raises(requests.ConnectionError):
        post(simulator, submission(*numbers))

    assert simulator.accepted == []


# Starting and stopping


def test_stopping_frees_a_client_that_hangs(simulator: Simulator) -> None:
    simulator.fault = Fault.HANG_AFTER
    before = threading.enumerate()
    met: list[Exception] = []

    def call() -> None:
        try:
            post(simulator, submission(NUMBERS[0]), timeout=30)
        except requests.RequestException as error:
            met.append(error)

    client = threading.Thread(target=call)
    client.start()
    while not simulator.accepted:
        time.sleep(0.01)
    simulator.stop()
    client.join()
    served = [thread for thread in threading.enumerate() if thread not in before]
    for thread in served:
        thread.join(1)

    assert [type(error) for error in met] == [requests.ConnectionError]
    assert not any(thread.is_alive() for thread in served)


def test_a_stopped_simulator_refuses_connections_and_starts_again_where_it_was(simulator: Simulator) -> None:
    post(simulator, submission(NUMBERS[0]))
    port = simulator.port

    simulator.stop()
    with pytest.raises(requests.ConnectionError, match="refused"):
        post(simulator, question("id-1"))
    simulator.start()

    assert simulator.port == port
    assert codes(simulator, question("id-1")) == ["11"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", ""])
def test_only_this_machine_can_reach_it(host: str) -> None:
    with pytest.raises(ValueError, match="this machine only"):
        Simulator(host)


def test_it_stands_alone() -> None:
    program = "import smsoffice.simulator, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    modules = loaded.stdout.split()
    assert not [name for name in modules if name.partition(".")[0] in ("django", "requests")]
    assert not [
        name for name in modules if name.startswith("smsoffice.") and not name.startswith("smsoffice.simulator")
    ]


# What other processes see and set


def test_the_statistics_tell_what_came(simulator: Simulator) -> None:
    for _ in range(2):
        post(simulator, submission(*NUMBERS[:2]))

    assert requests.get(simulator.url("stats.json"), timeout=10).json() == {
        "accepted": 4,
        "doubled": [*NUMBERS[:2], "id-1", "id-2"],
        "by_number": {NUMBERS[0]: 2, NUMBERS[1]: 2},
        "requests": 2,
        "connections": 2,
    }


def test_the_page_shows_texts_as_text_and_only_the_last_ones(simulator: Simulator) -> None:
    post(simulator, submission(*[f"+42060{n:04}500" for n in range(60)], text="<script>alert(1)</script>"))

    response = requests.get(simulator.url(), timeout=10)

    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<script>" not in response.text
    assert response.text.count("&lt;script&gt;alert(1)") == 50
    assert "+420600059500" in response.text
    assert "+420600009500" not in response.text
    assert simulator.url("sms-operator") in response.text


def test_another_process_can_set_the_switches(simulator: Simulator) -> None:
    wanted = {
        "fault": "HTTP_503",
        "times": 1,
        "on": "status",
        "submit_status": 0,
        "delivery_delay": 0,
        "latency": 0.001,
    }

    response = requests.post(simulator.url("control"), json=wanted, timeout=10)

    assert response.status_code == 200
    assert response.json()["submit_status"] == 0
    assert codes(simulator, submission(NUMBERS[0])) == ["0"]
    assert post(simulator, question("id-1")).status_code == 503
    assert codes(simulator, question("id-1")) == ["0"]
    assert simulator.latency == 0.001


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        '{"colour": "red"}',
        '{"latency": 1, "fault": "NOPE"}',
        '{"fault": "HTML", "latency": -1}',
        '{"fault": "HTML", "latency": NaN}',
        '{"fault": "HTML", "late": "long"}',
        '{"fault": "HTML", "submit_status": 1.5}',
        '{"fault": ["HTML"]}',
    ],
)
def test_switches_that_make_no_sense_are_refused_and_nothing_is_set(simulator: Simulator, body: str) -> None:
    response = requests.post(simulator.url("control"), body, timeout=10)

    assert response.status_code == 400
    assert response.json()["error"]
    assert (simulator.fault, simulator.latency) == (Fault.NONE, 0)


def test_a_reset_forgets_what_came_and_ends_the_faults(simulator: Simulator) -> None:
    post(simulator, submission(*NUMBERS))
    simulator.fault = Fault.HTTP_503
    simulator.fail(Fault.HTTP_429)

    requests.post(simulator.url("reset"), timeout=10)

    assert (simulator.accepted, simulator.counts, simulator.counts_by_id) == ([], {}, {})
    assert (simulator.requests, simulator.connections) == (0, 0)
    assert codes(simulator, question("id-1")) == ["15"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "reset", 405), ("POST", "stats.json", 405), ("GET", "favicon.ico", 404)]
)
def test_other_addresses_and_methods_are_refused(simulator: Simulator, method: str, path: str, status: int) -> None:
    assert requests.request(method, simulator.url(path), timeout=10).status_code == status


# The command


def command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "django", "simulate_gateway", "--port", "0", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_the_command_says_how_to_use_it_and_ends_cleanly_with_its_counts(stop: signal.Signals) -> None:
    process = command("--verbosity", "2", "--fault", "HANG_AFTER")
    assert process.stdout is not None
    introduction = ""
    while "Ctrl-C" not in introduction:
        line = process.stdout.readline()
        assert line, process.communicate()
        introduction += line
    config = json.loads(introduction.split("PYMESS_SMS_OPERATOR_CONFIG='")[1].split("'\n")[0])
    document = submission(NUMBERS[0], username=config["USERNAME"], password=config["PASSWORD"])

    with pytest.raises(requests.ReadTimeout):
        requests.post(config["URL"], document, headers={"Content-Type": "text/xml"}, timeout=PATIENCE)
    process.send_signal(stop)
    output, errors = process.communicate(timeout=30)

    assert all(f"  {ending} " in introduction for ending in ENDINGS)
    assert "Accepted id-1 for +420601000500: 'Dobrý den'" in output
    assert "Stopped. Accepted: 1, requests: 1, connections: 1, accepted more than once: 0." in output
    assert (process.returncode, errors) == (0, "")


def test_the_command_names_a_port_that_is_taken(simulator: Simulator) -> None:
    with pytest.raises(CommandError, match=f"Port {simulator.port} .* another program uses it"):
        call_command("simulate_gateway", port=simulator.port)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "this machine only"),
        (["--port", "65536"], "not a port"),
        (["--latency", "-1"], "number of seconds"),
        (["--fault", "NOPE"], "invalid choice"),
    ],
    ids=["host", "port", "latency", "fault"],
)
def test_the_command_refuses_what_makes_no_sense(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("simulate_gateway", *arguments)


def test_the_commands_help_lists_endings_and_faults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("simulate_gateway", "--help")

    printed = capsys.readouterr().out
    assert all(f"  {ending} " in printed for ending in ENDINGS)
    assert all(f"  {fault} " in printed for fault in Fault)
