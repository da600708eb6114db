"""The simulator as ATS, over real sockets and with raw XML, as a stranger's client would meet it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape

import pytest
import requests
from lxml import etree

from smsoffice.simulator import ENDINGS, Fault, Simulator

PATIENCE = 0.3
"""Seconds after which a test's client gives up on a gateway that must not answer it."""
NUMBERS = ("+420601000500", "+420602000500", "+420603000500")
IDS = ("shop-1", "shop-2", "shop-3")
NEVER = 3600.0

Said = list[tuple[str | None, str | None]]
"""The ids and codes of an answer; a code of the whole call has no id."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(delivery_delay=NEVER, late=NEVER, early=NEVER) as running:
        yield running


def envelope(content: str, name: str = "simulator", password: str = "simulator") -> str:
    auth = f"<auth><name>{name}</name><password>{password}</password></auth>"
    return f'<?xml version="1.0" encoding="UTF-8" ?><messages>{auth}{content}</messages>'


def sms(number: str, uniq: str, text: str = "Dobrý den", **attributes: str) -> str:
    attributes = {
        "type": "text",
        "uniq": uniq,
        "sender": "9002250",
        "recipient": number,
        "opmid": "",
        "dlr": "1",
        "validity": "60",
        "kw": "SHOP",
        **attributes,
    }
    written = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    return f'<sms {written}><body order="0" billing="0">{escape(text)}</body></sms>'


def submission(*numbers: str, ids: tuple[str, ...] = IDS) -> str:
    return envelope("".join(sms(number, uniq) for number, uniq in zip(numbers, ids, strict=False)))


def question(*ids: str) -> str:
    return envelope("".join(f'<dlr uniq="{id_}">{id_}</dlr>' for id_ in ids))


def post(simulator: Simulator, document: str, timeout: float = 10) -> requests.Response:
    headers = {"Content-Type": "text/xml"}
    url = simulator.url("ats")
    return requests.post(url, document.encode(), headers=headers, timeout=timeout, allow_redirects=False)


def said(response: requests.Response) -> Said:
    """The ids and codes of an answer, as a client reads them that resolves whatever it is told to."""
    assert response.status_code == 200
    root = etree.fromstring(response.content, etree.XMLParser(resolve_entities=True))
    assert root.tag == "status"
    return [(code.get("uniq"), code.text) for code in root.iter("code")]


def codes(simulator: Simulator, document: str) -> list[str | None]:
    return [code for _, code in said(post(simulator, document))]


# What the gateway does while nothing goes wrong


def test_an_accepted_message_is_kept_as_it_was_sent_and_counted(simulator: Simulator) -> None:
    document = envelope(sms(NUMBERS[0], "shop-1", text="Žluťoučký <kůň> & spol. 🐎"))

    response = post(simulator, document)

    assert response.headers["Content-Type"] == "text/xml"
    assert said(response) == [("shop-1", "0")]
    [message] = simulator.accepted
    assert message[:4] == ("shop-1", NUMBERS[0], "Žluťoučký <kůň> & spol. 🐎", "9002250")
    assert simulator.counts == {NUMBERS[0]: 1}


def test_parts_are_put_together_in_their_order(simulator: Simulator) -> None:
    parts = '<body order="10" billing="0">three</body><body order="1" billing="0">one</body>'
    document = envelope(sms(NUMBERS[0], "shop-1", text="zero ").replace("</sms>", f"{parts}</sms>"))

    assert codes(simulator, document) == ["0"]
    assert simulator.accepted[0].text == "zero onethree"


def test_a_message_waits_leaves_and_is_delivered(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator.delivery_delay = 100
    post(simulator, submission(NUMBERS[0]))
    taken_at = simulator.accepted[0].at

    for seconds, code in ((1, "21"), (49, "21"), (51, "22"), (99, "22"), (101, "23"), (9999, "23")):
        monkeypatch.setattr("smsoffice.simulator.store.time.time", lambda now=taken_at + seconds: now)
        assert codes(simulator, question("shop-1")) == [code]


def test_an_id_that_never_came_is_not_found(simulator: Simulator) -> None:
    assert said(post(simulator, question("stranger"))) == [("stranger", "20")]


def test_an_id_that_comes_again_is_told_and_not_accepted_again(simulator: Simulator) -> None:
    post(simulator, submission(NUMBERS[0]))

    assert said(post(simulator, submission(*NUMBERS[:2]))) == [("shop-1", "310"), ("shop-2", "0")]
    assert said(post(simulator, submission(NUMBERS[2]))) == [("shop-1", "310")]

    assert simulator.counts == {NUMBERS[0]: 1, NUMBERS[1]: 1}
    assert simulator.doubled() == []


def test_an_id_that_was_refused_may_come_again(simulator: Simulator) -> None:
    assert codes(simulator, submission("call me")) == ["350"]
    assert codes(simulator, submission(NUMBERS[0])) == ["0"]
    assert simulator.counts == {NUMBERS[0]: 1}


def test_the_other_gateway_still_takes_an_id_again(simulator: Simulator) -> None:
    item = f"<DataItem><MobileTerminate>{NUMBERS[0]}</MobileTerminate><Text>Hi</Text><SmsId>1</SmsId></DataItem>"
    login = "<DataType>SMS</DataType><UserName>simulator</UserName><Password>simulator</Password>"
    document = (
        f"<SmsServices><DataHeader>{login}</DataHeader>"
        f"<DataArray><DataTemplate>{item}</DataTemplate></DataArray></SmsServices>"
    )
    for _ in range(2):
        url = simulator.url("sms-operator")
        requests.post(url, document, headers={"Content-Type": "text/xml"}, timeout=10)

    assert simulator.doubled() == [NUMBERS[0], "1"]


@pytest.mark.parametrize("login", [{"name": "other"}, {"password": "wrong"}], ids=["name", "password"])
@pytest.mark.parametrize("content", [sms(NUMBERS[0], "shop-1"), '<dlr uniq="shop-1">shop-1</dlr>'], ids=["sms", "dlr"])
def test_a_wrong_login_is_told_for_the_whole_call(simulator: Simulator, content: str, login: dict[str, str]) -> None:
    assert said(post(simulator, envelope(content, **login))) == [(None, "100")]
    assert simulator.accepted == []


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("", "701"),
        ("<messages>", "702"),
        ("<status/>", "705"),
        (envelope(""), "705"),
        (envelope(sms(NUMBERS[0], "shop-1") + '<dlr uniq="shop-1">shop-1</dlr>'), "705"),
        (envelope(sms(NUMBERS[0], "")), "705"),
        (envelope(sms(NUMBERS[0], "shop-1", text="")), "705"),
        (envelope(sms(NUMBERS[0], "shop-1", validity="0")), "705"),
        (envelope(sms(NUMBERS[0], "shop-1", validity="soon")), "705"),
        (envelope(sms(NUMBERS[0], "shop-1", dlr="yes")), "705"),
        (envelope(sms(NUMBERS[0], "shop-1").replace('kw="SHOP"', "")), "705"),
        (f'<!DOCTYPE messages [<!ENTITY e "x">]>{envelope(sms(NUMBERS[0], "shop-1")).partition("?>")[2]}', "705"),
        (submission(*NUMBERS[:2], ids=("shop-1", "shop-1")), "300"),
    ],
    ids=[
        *("empty", "cut", "root", "nothing", "both", "no id", "no text", "no validity", "bad validity"),
        *("bad dlr", "no kw", "doctype", "id twice"),
    ],
)
def test_a_request_that_breaks_the_protocol_is_refused_as_a_whole(
    simulator: Simulator, document: str, code: str
) -> None:
    assert said(post(simulator, document)) == [(None, code)]
    assert simulator.accepted == []


def test_only_posts_are_taken(simulator: Simulator) -> None:
    assert said(requests.get(simulator.url("ats"), timeout=10)) == [(None, "703")]


def test_only_xml_is_taken(simulator: Simulator) -> None:
    response = requests.post(simulator.url("ats"), {"xml": submission(*NUMBERS)}, timeout=10)
    assert said(response) == [(None, "701")]


# Faults of a whole request

GOOD = [(uniq, "0") for uniq in IDS]


def speaks(*expected: tuple[str | None, str]) -> Callable[..., None]:
    def check(call: Callable[[], requests.Response]) -> None:
        assert said(call()) == list(expected)

    return check


def answers(status: int) -> Callable[..., None]:
    def check(call: Callable[[], requests.Response]) -> None:
        assert call().status_code == status

    return check


def lost(expected: type[Exception]) -> Callable[..., None]:
    def check(call: Callable[[], requests.Response]) -> None:
        with pytest.raises(expected):
            call()

    return check


def unreadable(call: Callable[[], requests.Response]) -> None:
    response = call()
    assert response.status_code == 200
    with pytest.raises((etree.XMLSyntaxError, AssertionError)):
        said(response)


def huge(call: Callable[[], requests.Response]) -> None:
    assert len(call().content) > 50 * 1024 * 1024


def declares(declared: bytes) -> Callable[..., None]:
    def check(call: Callable[[], requests.Response]) -> None:
        content = call().content
        assert all(
            part in content for part in (b"<!DOCTYPE status [", declared, b'<code uniq="shop-1">&status;</code>')
        )

    return check


def in_a_wrong_charset(call: Callable[[], requests.Response]) -> None:
    response = call()
    assert response.headers["Content-Type"] == "text/xml; charset=utf-16"
    assert b'encoding="UTF-8"' in response.content
    assert "žluťoučký" in response.content.decode("iso-8859-2")


TIMES_OUT = lost(requests.ReadTimeout)

# The fault, what the client meets, and how many of the three messages are accepted.
FAULTS = [
    (Fault.NONE, speaks(*GOOD), 3),
    (Fault.REFUSE_LOGIN, speaks((None, "100")), 0),
    (Fault.HTTP_500_BEFORE, answers(500), 0),
    (Fault.HTTP_503, answers(503), 0),
    (Fault.HTTP_429, answers(429), 0),
    (Fault.REDIRECT, answers(302), 0),
    (Fault.CUT_BEFORE, lost(requests.ConnectionError), 0),
    (Fault.HANG_BEFORE, TIMES_OUT, 0),
    (Fault.HTTP_500_AFTER, answers(500), 3),
    (Fault.HTML, unreadable, 3),
    (Fault.EMPTY_AFTER, unreadable, 3),
    (Fault.TRUNCATED, unreadable, 3),
    (Fault.CUT_MIDWAY, lost(requests.RequestException), 3),
    (Fault.CUT_AFTER, lost(requests.ConnectionError), 3),
    (Fault.HANG_AFTER, TIMES_OUT, 3),
    (Fault.LATE, TIMES_OUT, 3),
    (Fault.DRIP, TIMES_OUT, 3),
    (Fault.HUGE, huge, 3),
    (Fault.DTD, speaks(*GOOD), 3),
    (Fault.ENTITY_BOMB, declares(b'<!ENTITY status "&laugh9;">'), 3),
    (Fault.EXTERNAL_ENTITY, declares(b'<!ENTITY status SYSTEM "file:///etc/passwd">'), 3),
    (Fault.WRONG_CHARSET, in_a_wrong_charset, 3),
    # ATS's answer has no array around its items.
    (Fault.NO_DATA_ARRAY, speaks(*GOOD), 3),
    (Fault.UNKNOWN_CODES, speaks(*((uniq, "999") for uniq in IDS)), 3),
    (Fault.MISSING_ITEMS, speaks(("shop-2", "0")), 3),
    (Fault.FOREIGN_ITEMS, speaks(*(pair for uniq in IDS for pair in ((uniq, "0"), (f"{uniq}999999", "350")))), 3),
    (Fault.DUPLICATE_ITEMS, speaks(("shop-1", "0"), ("shop-1", "350"), *GOOD[1:]), 3),
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
    assert codes(simulator, question(*IDS)) == (["21"] * 3 if accepted else ["20"] * 3)
    assert codes(simulator, submission(*NUMBERS)) == (["310"] * 3 if accepted else ["0"] * 3)


# Faults of single numbers

# The ending, then what is said of "bad": on submit, while on its way, at last; and whether it is accepted.
OWN_FATES = [
    ("001", [("bad", "350")], [("bad", "20")], [("bad", "20")], 0),
    ("002", [("bad", "0")], [("bad", "21")], [("bad", "24")], 1),
    ("003", [("bad", "341")], [("bad", "20")], [("bad", "20")], 0),
    ("008", [("bad", "999")], [("bad", "999")], [("bad", "999")], 1),
    ("009", [], [], [], 1),
    ("010", [("bad999999", "0")], [("bad999999", "21")], [("bad999999", "23")], 1),
    ("011", [("bad", "delivered")], [("bad", "delivered")], [("bad", "delivered")], 1),
    ("012", [("bad", "0")], [("bad", "21")], [("bad", "25")], 1),
    ("013", [("bad", "0")], [("bad", "21")], [("bad", "24")], 1),
    ("014", [("bad", "0")], [("bad", "20")], [("bad", "23")], 1),
]


def test_every_ending_of_a_single_message_is_in_the_table() -> None:
    assert {ending for ending, *_ in OWN_FATES} == {
        digits for digits, ending in ENDINGS.items() if ending.fault is Fault.NONE
    }


@pytest.mark.parametrize(
    ("ending", "on_submit", "on_the_way", "at_last", "accepted"), OWN_FATES, ids=[ending for ending, *_ in OWN_FATES]
)
def test_an_ending_decides_over_its_own_message_only(
    simulator: Simulator, ending: str, on_submit: Said, on_the_way: Said, at_last: Said, accepted: int
) -> None:
    number = f"+420601000{ending}"
    ids = ("before", "bad", "after")

    taken = said(post(simulator, submission(NUMBERS[0], number, NUMBERS[1], ids=ids)))
    assert taken == [("before", "0"), *on_submit, ("after", "0")]
    assert said(post(simulator, question(*ids))) == [("before", "21"), *on_the_way, ("after", "21")]
    simulator.delivery_delay = simulator.early = 0
    assert said(post(simulator, question(*ids))) == [("before", "23"), *at_last, ("after", "23")]
    assert simulator.counts == {NUMBERS[0]: 1, NUMBERS[1]: 1} | ({number: 1} if accepted else {})
