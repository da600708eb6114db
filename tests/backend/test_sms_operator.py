"""SMS Operator's client against the simulated gateway: what becomes of each message, whatever goes wrong."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any
from xml.sax.saxutils import escape

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from lxml import etree

from smsoffice import delivery
from smsoffice.backend.sms import send
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.simulator import ENDINGS, Fault, Simulator
from smsoffice.simulator.handler import RETRY_AFTER
from tests.gateway import (
    Port,
    accepted_once,
    ask_again,
    drain,
    end_the_pause,
    hand_over_once,
    let_time_pass,
    numbers,
    reply,
    states,
    waiting,
)
from tests.network import free_port

pytestmark = pytest.mark.django_db

Configure = Callable[..., None]

SLOW = {Fault.HANG_BEFORE, Fault.HANG_AFTER, Fault.LATE, Fault.DRIP}
"""The faults that a client can only end by giving up."""

HARMLESS = {Fault.NONE, Fault.NO_DATA_ARRAY, Fault.REORDERED}

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
}
"""Accepted, and no answer that can be trusted."""

NOT_TAKEN = {
    Fault.REFUSE_LOGIN,
    Fault.HTTP_500_BEFORE,
    Fault.HTTP_503,
    Fault.REDIRECT,
    Fault.CUT_BEFORE,
    Fault.HANG_BEFORE,
}
"""Nothing accepted, and no proof of it at hand."""

PUT_OFF = {Fault.HTTP_429}
"""Nothing accepted, and the gateway says so."""

SPOILT = {Fault.UNKNOWN_CODES, Fault.MISSING_ITEMS, Fault.FOREIGN_ITEMS, Fault.DUPLICATE_ITEMS}
"""A sound answer that says nothing useful of some messages."""


def impatient(configure: Configure, simulator: Simulator, fault: Fault) -> None:
    """Give up soon, where nothing else ends the call."""
    configure(URL=simulator.url("sms-operator"), TIMEOUT=0.5 if fault in SLOW else 10)


def test_every_fault_of_the_simulator_is_in_a_table() -> None:
    assert set(Fault) == HARMLESS | LOST | NOT_TAKEN | PUT_OFF | SPOILT


# Nothing goes wrong


@pytest.mark.parametrize("fault", sorted(HARMLESS))
def test_accepted_messages_are_sending_and_then_delivered(simulator: Simulator, fault: Fault) -> None:
    simulator.fault = fault
    messages = waiting(*numbers(5))

    hand_over_once()
    assert states(messages) == ["SENDING"] * 5
    assert accepted_once(simulator, messages)

    let_time_pass()
    delivery.check_states()
    assert states(messages) == ["DELIVERED"] * 5
    assert accepted_once(simulator, messages)


def test_a_zero_in_the_answer_to_a_hand_over_is_not_yet_a_delivery(simulator: Simulator) -> None:
    simulator.submit_status = 0
    [message] = waiting(*numbers(1))

    hand_over_once()
    assert states([message]) == ["SENDING"]


def test_many_batches_share_one_connection(simulator: Simulator) -> None:
    messages = waiting(*numbers(450))

    delivery.send_waiting()
    let_time_pass()
    delivery.check_states()

    assert states(messages) == ["DELIVERED"] * 450
    assert accepted_once(simulator, messages)
    # One question proves the login, then three batches are handed over and asked about.
    assert simulator.requests == 1 + 3 + 3
    assert simulator.connections == 1


def test_a_gateway_that_restarts_between_two_batches_gets_both(simulator: Simulator) -> None:
    first = waiting(*numbers(2))
    hand_over_once()
    simulator.stop()
    simulator.start()
    second = waiting(*numbers(2, area=602))
    hand_over_once()

    assert states(first + second) == ["SENDING"] * 4
    assert accepted_once(simulator, first + second)


# The answer to a hand-over is lost


@pytest.mark.parametrize("fault", sorted(LOST))
def test_an_answer_lost_after_acceptance_never_doubles_a_message(
    simulator: Simulator, configure: Configure, fault: Fault
) -> None:
    impatient(configure, simulator, fault)
    simulator.fail(fault, on="submit")
    messages = waiting(*numbers(4))

    hand_over_once()
    assert states(messages) == ["UNKNOWN"] * 4
    assert all(OutputSMSMessage.objects.values_list("error", flat=True))

    # A worker that comes later leaves them alone, and an early question that finds them is believed.
    end_the_pause()
    hand_over_once()
    assert states(messages) == ["UNKNOWN"] * 4
    ask_again()
    delivery.check_states()
    assert states(messages) == ["DELIVERED"] * 4

    drain()
    assert accepted_once(simulator, messages)
    assert not OutputSMSMessage.objects.exclude(error="").exists()


@pytest.mark.parametrize("fault", sorted(NOT_TAKEN))
def test_a_batch_that_was_not_taken_is_sent_once_that_is_proved(
    simulator: Simulator, configure: Configure, fault: Fault
) -> None:
    impatient(configure, simulator, fault)
    simulator.fail(fault, on="submit")
    messages = waiting(*numbers(4))

    hand_over_once()
    assert states(messages) == ["UNKNOWN"] * 4
    assert simulator.accepted == []

    # Too early: what was handed over may still be on its way.
    ask_again()
    delivery.check_states()
    end_the_pause()
    hand_over_once()
    assert states(messages) == ["UNKNOWN"] * 4

    let_time_pass()
    delivery.check_states()
    assert states(messages) == ["WAITING"] * 4
    end_the_pause()
    delivery.send_waiting()
    assert states(messages) == ["SENDING"] * 4

    drain()
    assert states(messages) == ["DELIVERED"] * 4
    assert accepted_once(simulator, messages)


def test_what_the_gateway_does_not_find_at_first_is_not_sent_again(simulator: Simulator) -> None:
    simulator.fail(Fault.CUT_AFTER, on="submit")
    [message] = waiting("+420601000014")

    hand_over_once()
    ask_again()
    delivery.check_states()
    end_the_pause()
    hand_over_once()
    assert states([message]) == ["UNKNOWN"]

    simulator.early = 0
    ask_again()
    delivery.check_states()
    assert states([message]) == ["DELIVERED"]
    assert accepted_once(simulator, [message])


def test_a_late_answer_is_not_taken_for_that_of_the_next_batch(simulator: Simulator, configure: Configure) -> None:
    impatient(configure, simulator, Fault.LATE)
    simulator.late = 0.7
    simulator.fail(Fault.LATE, on="submit")
    first = waiting(*numbers(2))
    hand_over_once()
    second = waiting(*numbers(2, area=602))
    end_the_pause()
    delivery.send_waiting()

    assert states(first) == ["UNKNOWN"] * 2
    assert states(second) == ["SENDING"] * 2
    drain()
    assert accepted_once(simulator, first + second)


@pytest.mark.parametrize("fault", [Fault.HTTP_500_AFTER, Fault.CUT_AFTER, Fault.EMPTY_AFTER, Fault.HTML])
def test_a_gateway_that_has_broken_down_costs_the_certainty_of_one_batch(simulator: Simulator, fault: Fault) -> None:
    proved = waiting(*numbers(1, area=609))
    hand_over_once()
    simulator.fault = fault
    messages = waiting(*numbers(650))

    for _ in range(3):
        end_the_pause()
        hand_over_once()
    assert states(messages) == ["UNKNOWN"] * 200 + ["WAITING"] * 450

    simulator.fault = Fault.NONE
    drain()
    assert states(messages) == ["DELIVERED"] * 650
    assert accepted_once(simulator, proved + messages)


# The question before the first hand-over


def test_a_gateway_that_tells_no_states_is_still_given_a_single_message(simulator: Simulator) -> None:
    simulator.fail(Fault.HTTP_500_BEFORE, on="status", times=None)
    [message] = waiting(*numbers(1))

    hand_over_once()
    assert states([message]) == ["SENDING"]
    assert accepted_once(simulator, [message])


@pytest.mark.parametrize("fault", sorted(LOST | NOT_TAKEN | PUT_OFF))
def test_a_gateway_that_cannot_answer_a_question_is_given_nothing(
    simulator: Simulator, configure: Configure, fault: Fault
) -> None:
    impatient(configure, simulator, fault)
    simulator.fail(fault, on="status")
    messages = waiting(*numbers(4))

    done = hand_over_once()
    assert states(messages) == ["WAITING"] * 4
    assert simulator.accepted == []
    assert done.refusal or done.put_off

    drain()
    assert states(messages) == ["DELIVERED"] * 4
    assert accepted_once(simulator, messages)


# Not now


def test_a_gateway_that_is_too_busy_is_left_alone_as_long_as_it_asks(simulator: Simulator) -> None:
    simulator.fail(Fault.HTTP_429, on="submit")
    messages = waiting(*numbers(4))

    done = hand_over_once()
    assert states(messages) == ["WAITING"] * 4
    assert done.put_off
    asked = simulator.requests
    hand_over_once()
    assert simulator.requests == asked
    not_before = GatewayStatus.objects.values_list("not_before", flat=True).get()
    put_off = OutputSMSEvent.objects.latest("id")
    assert put_off.words == "The gateway asks us to slow down (HTTP 429)."
    assert not_before
    assert not_before - put_off.created_at >= timedelta(seconds=int(RETRY_AFTER))

    drain()
    assert accepted_once(simulator, messages)


def test_while_the_gateway_is_down_messages_wait_and_leave_when_it_is_up(configure: Configure) -> None:
    port = free_port()
    configure(URL=f"http://127.0.0.1:{port}/sms-operator")
    messages = waiting(*numbers(4))

    for pause in (1, 2, 4):
        end_the_pause()
        begun = timezone.now()
        done = hand_over_once()
        assert "the next attempt is at" in done.put_off
        assert states(messages) == ["WAITING"] * 4
        assert GatewayStatus.objects.get().pause(begun).total_seconds() >= pause
    assert hand_over_once().taken == 0

    with Simulator(port=port, delivery_delay=0) as simulator:
        end_the_pause()
        delivery.send_waiting()
        assert states(messages) == ["SENDING"] * 4
        drain()
        assert states(messages) == ["DELIVERED"] * 4
        assert accepted_once(simulator, messages)


def test_a_question_that_reaches_nobody_changes_nothing(simulator: Simulator) -> None:
    messages = waiting(*numbers(3))
    hand_over_once()
    simulator.stop()

    let_time_pass()
    done = delivery.check_states()
    assert states(messages) == ["SENDING"] * 3
    assert "could not be reached" in " ".join(done.errors.values())


# A wrong login

SECRET = "p<s>&wörd-of-the-shop"


@pytest.fixture
def no_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a round end at once where it would wait for a gateway to be well again."""
    monkeypatch.setattr(delivery, "SHORT_PAUSE", timedelta(0))


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Everything that the program has said so far, wherever."""
    caplog.set_level(logging.DEBUG)

    def told() -> str:
        rows = [
            *OutputSMSMessage.objects.values_list(),
            *OutputSMSEvent.objects.values_list(),
            *GatewayStatus.objects.values_list(),
        ]
        return f"{caplog.text} {''.join(capfd.readouterr())} {rows}"

    return told


@pytest.mark.usefixtures("no_second_try")
def test_with_a_wrong_password_nothing_is_sent_and_the_command_says_why(
    simulator: Simulator, configure: Configure, told: Callable[[], str]
) -> None:
    configure(URL=simulator.url("sms-operator"), PASSWORD=SECRET)
    messages = waiting(*numbers(4))

    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("send_sms_messages", stdout=out, stderr=err)
    assert caught.value.returncode == 1
    assert "USERNAME and PASSWORD in PYMESS_SMS_OPERATOR_CONFIG" in str(caught.value)
    assert states(messages) == ["WAITING"] * 4
    assert set(OutputSMSMessage.objects.values_list("send_attempts", flat=True)) == {0}
    assert simulator.accepted == []
    said = "".join(traceback.format_exception(caught.value)) + out.getvalue() + err.getvalue() + told()
    assert SECRET not in said
    assert escape(SECRET) not in said

    simulator.password = SECRET
    call_command("send_sms_messages", stdout=out)
    assert states(messages) == ["SENDING"] * 4
    assert accepted_once(simulator, messages)


@pytest.mark.usefixtures("no_second_try")
def test_a_password_that_is_changed_meanwhile_loses_nothing(simulator: Simulator, configure: Configure) -> None:
    messages = waiting(*numbers(4))
    delivery.send_waiting(2)
    simulator.password = "another"

    hand_over_once()
    assert states(messages) == ["SENDING"] * 2 + ["UNKNOWN"] * 2
    let_time_pass()
    with pytest.raises(CommandError, match="USERNAME and PASSWORD"):
        call_command("check_sms_states", stdout=StringIO())
    assert states(messages) == ["SENDING"] * 2 + ["UNKNOWN"] * 2
    more = waiting(*numbers(2, area=602))
    with pytest.raises(CommandError, match="USERNAME and PASSWORD"):
        call_command("send_sms_messages", stdout=StringIO())
    assert states(more) == ["WAITING"] * 2

    configure(URL=simulator.url("sms-operator"), PASSWORD="another")
    drain()
    assert states(messages + more) == ["DELIVERED"] * 6
    assert accepted_once(simulator, messages + more)


# One bad message in a batch

GOOD = numbers(2)
SAID_OF = {
    # ending: (after the hand-over, at last)
    "001": ("ERROR", "ERROR"),
    "002": ("SENDING", "ERROR"),
    "003": ("ERROR", "ERROR"),
    "008": ("UNKNOWN", "UNKNOWN"),
    "009": ("UNKNOWN", "UNKNOWN"),
    "010": ("UNKNOWN", "UNKNOWN"),
    "011": ("UNKNOWN", "UNKNOWN"),
    "012": ("SENDING", "SENDING"),
    "013": ("SENDING", "ERROR"),
    "014": ("SENDING", "ERROR"),
}
"""What single numbers meet; those that spoil the whole request (004 to 007) are faults, and tested as such."""


def test_every_ending_of_the_simulator_is_in_the_table() -> None:
    assert set(SAID_OF) == {digits for digits, ending in ENDINGS.items() if ending.fault is Fault.NONE}


@pytest.mark.parametrize(("ending", "fate"), SAID_OF.items(), ids=SAID_OF)
def test_a_bad_message_leaves_the_others_of_its_batch_alone(
    simulator: Simulator, ending: str, fate: tuple[str, str]
) -> None:
    handed_over, at_last = fate
    good, bad = waiting(GOOD[0])[0], waiting(f"+420605000{ending}")[0]
    other = waiting(GOOD[1])[0]

    hand_over_once()
    assert simulator.requests == 2
    assert states([good, bad, other]) == ["SENDING", handed_over, "SENDING"]

    let_time_pass()
    delivery.check_states()
    assert states([good, bad, other]) == ["DELIVERED", at_last, "DELIVERED"]
    bad.refresh_from_db()
    assert bool(bad.error) is (at_last in {"ERROR", "UNKNOWN"})

    drain()
    assert states([good, bad, other]) == ["DELIVERED", at_last, "DELIVERED"]
    assert simulator.doubled() == []


SPOILT_BATCHES = {
    Fault.UNKNOWN_CODES: ["UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN"],
    Fault.MISSING_ITEMS: ["UNKNOWN", "SENDING", "UNKNOWN", "SENDING"],
    Fault.FOREIGN_ITEMS: ["SENDING", "SENDING", "SENDING", "SENDING"],
    Fault.DUPLICATE_ITEMS: ["UNKNOWN", "SENDING", "SENDING", "SENDING"],
}


@pytest.mark.parametrize(("fault", "expected"), SPOILT_BATCHES.items(), ids=SPOILT_BATCHES)
def test_an_answer_that_says_nothing_of_some_messages_leaves_only_those_unknown(
    simulator: Simulator, fault: Fault, expected: list[str]
) -> None:
    # A stranger's message, to whom the foreign items seem to belong.
    stranger = waiting("+420608999999")[0]
    OutputSMSMessage.objects.filter(pk=stranger.pk).update(state="SENT")
    messages = waiting(*numbers(4))
    simulator.fail(fault, on="submit")

    hand_over_once()
    assert states(messages) == expected
    assert states([stranger]) == ["SENT"]

    drain()
    assert states(messages) == ["DELIVERED"] * 4
    assert accepted_once(simulator, messages)


# The answer to a question goes wrong

CHECKED = {
    **dict.fromkeys(LOST | NOT_TAKEN | PUT_OFF, ["SENDING"] * 4),
    Fault.UNKNOWN_CODES: ["SENDING"] * 4,
    Fault.MISSING_ITEMS: ["SENDING", "DELIVERED", "SENDING", "DELIVERED"],
    Fault.FOREIGN_ITEMS: ["DELIVERED"] * 4,
    Fault.DUPLICATE_ITEMS: ["SENDING", "DELIVERED", "DELIVERED", "DELIVERED"],
}


@pytest.mark.parametrize("fault", sorted(CHECKED))
def test_an_answer_about_states_that_goes_wrong_takes_nothing_from_what_is_known(
    simulator: Simulator, configure: Configure, fault: Fault
) -> None:
    messages = waiting(*numbers(4))
    hand_over_once()
    impatient(configure, simulator, fault)
    simulator.fail(fault, on="status")

    let_time_pass()
    done = delivery.check_states()
    assert states(messages) == CHECKED[fault]
    assert bool(done.errors) is (fault not in SPOILT)

    let_time_pass()
    assert not delivery.check_states().errors
    assert states(messages) == ["DELIVERED"] * 4
    assert accepted_once(simulator, messages)


# Every code

HANDED_OVER = {
    **dict.fromkeys(["0", "11", "12", "13", "14"], "SENDING"),
    **dict.fromkeys(["1", "2", "3", "4", "5", "6", "7", "10"], "ERROR"),
    **dict.fromkeys(["15", "8", "9", "16", "17", "18", "999", "-1", "00", "1.0", "", " ", "OK", "٣"], "UNKNOWN"),
}
ASKED = {
    **dict.fromkeys(["11", "12", "13", "14"], "SENDING"),
    "0": "DELIVERED",
    # It was taken, and is no longer known: that is not a proof that nothing was accepted.
    **dict.fromkeys(["1", "2", "3", "4", "5", "6", "7", "10", "15"], "ERROR"),
    **dict.fromkeys(["8", "9", "16", "17", "18", "999", "-1", "00", "1.0", "", " ", "OK", "٣"], "SENDING"),
}


def items(said: list[tuple[str, str]]) -> bytes:
    """An answer that says these codes of these ids."""
    listed = "".join(f"<DataItem><SmsId>{id_}</SmsId><Status>{code}</Status></DataItem>" for id_, code in said)
    return reply(f"<SmsServices><DataArray>{listed}</DataArray></SmsServices>")


def scripted(code: str, taken: str = "11") -> Callable[[Any, bytes], None]:
    """Says `code` of the messages whose text is “odd” and `taken` of all others, in both kinds of answers."""
    odd: set[str] = set()

    def respond(client: Any, body: bytes) -> None:
        root = etree.fromstring(body)
        odd.update(item.findtext("SmsId", "") for item in root.iter("DataItem") if item.findtext("Text") == "odd")
        ids = [element.text or "" for element in root.iter("SmsId")]
        client.sendall(items([(id_, code if id_ in odd else taken) for id_ in ids]))

    return respond


@pytest.mark.parametrize(("code", "state"), HANDED_OVER.items(), ids=lambda value: repr(value))
def test_each_code_in_the_answer_to_a_hand_over_means_its_state(configure: Configure, code: str, state: str) -> None:
    good, odd = waiting(GOOD[0])[0], waiting(GOOD[1], content="odd")[0]
    with Port(scripted(code)) as port:
        configure(URL=port.url)
        hand_over_once()

    assert states([good, odd]) == ["SENDING", state]
    odd.refresh_from_db()
    event = odd.events.latest("id")
    assert event.code == code.strip()
    assert event.words
    assert bool(odd.error) is (state != "SENDING")


@pytest.mark.parametrize(("code", "state"), ASKED.items(), ids=lambda value: repr(value))
def test_each_code_in_the_answer_to_a_question_means_its_state(configure: Configure, code: str, state: str) -> None:
    good, odd = waiting(GOOD[0])[0], waiting(GOOD[1], content="odd")[0]
    OutputSMSMessage.objects.update(content="odd")
    with Port(scripted("11")) as port:
        configure(URL=port.url)
        hand_over_once()
    assert states([good, odd]) == ["SENDING", "SENDING"]

    let_time_pass()

    def respond(client: Any, body: bytes) -> None:
        client.sendall(items([(str(good.pk), "0"), (str(odd.pk), code)]))

    with Port(respond) as port:
        configure(URL=port.url)
        delivery.check_states()
    assert states([good, odd]) == ["DELIVERED", state]


def test_a_code_as_long_as_a_book_is_cut(configure: Configure) -> None:
    [odd] = waiting(GOOD[0], content="odd")
    with Port(scripted("9" * 100_000)) as port:
        configure(URL=port.url)
        hand_over_once()
    assert states([odd]) == ["UNKNOWN"]
    odd.refresh_from_db()
    assert len(odd.error) < 200
    assert len(odd.events.latest("id").words) < 200


# Our ids


@pytest.mark.parametrize(
    ("prefix", "key"),
    [("", 115), ("33", 33), ("1", 115), ("shop-1", 11), ("-", 7), ("12-", 12), ("šop & syn", 5), ("a" * 40, 1)],
    ids=str,
)
def test_the_key_is_read_by_the_exact_prefix(simulator: Simulator, configure: Configure, prefix: str, key: int) -> None:
    configure(URL=simulator.url("sms-operator"), UNIQ_PREFIX=prefix)
    # Messages that a careless reading would hit instead.
    others = [waiting(number, pk=pk)[0] for number, pk in zip(numbers(3), (3, 335, 1150), strict=True)]
    OutputSMSMessage.objects.update(state="SENT")
    [message] = waiting("+420609000500", pk=key)

    hand_over_once()
    assert list(simulator.counts_by_id) == [f"{prefix}-{key}" if prefix else str(key)]
    let_time_pass()
    delivery.check_states()
    assert states([message]) == ["DELIVERED"]
    assert states(others) == ["SENT"] * 3


@pytest.mark.parametrize(
    "foreign",
    ["", "1", "other-{key}", "shop-0{key}", "shop-{key}0", "shop-" + "9" * 5000, "SHOP-{key}", "{key}"],
    ids=lambda text: text[:20],
)
def test_an_item_with_a_foreign_id_leaves_our_messages_alone(configure: Configure, foreign: str) -> None:
    first, second = waiting(*numbers(2))

    def respond(client: Any, body: bytes) -> None:
        client.sendall(items([(foreign.format(key=first.pk), "1"), (f"shop-{second.pk}", "11")]))

    with Port(respond) as port:
        configure(URL=port.url, UNIQ_PREFIX="shop")
        hand_over_once()
    assert states([first, second]) == ["UNKNOWN", "SENDING"]


# What is on the wire


@pytest.mark.parametrize(
    ("accents", "arrives"), [(True, "Příliš žluťoučký kůň 🐎 za 5 €"), (False, "Prilis zlutoucky kun ? za 5 €")]
)
def test_accents_arrive_as_the_setting_says(simulator: Simulator, settings: Any, accents: bool, arrives: str) -> None:
    settings.PYMESS_SMS_USE_ACCENT = accents
    settings.PYMESS_SMS_BATCH_SENDING = True
    send("+420 601 000 500", "Příliš žluťoučký kůň 🐎 za 5 €")

    hand_over_once()
    [accepted] = simulator.accepted
    assert accepted.text == OutputSMSMessage.objects.get().content == arrives


HOSTILE = {
    "markup": "</Text><SmsId>1</SmsId><Text>",
    "entities": "&amp; &lt; &#65; &nonsense;",
    "a section": "<![CDATA[ ]]> ]]>",
    "a document type": '<!DOCTYPE a [<!ENTITY b "c">]>&b;',
    "line ends": "one\ntwo\r\nthree\rfour\tfive",
    "accents": "žluťoučký 🐎 €",
    "quotes": "\"double\" 'single'",
    "percent": "%s %(name)s {name} {{ name }}",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_text_that_looks_like_xml_arrives_as_typed(simulator: Simulator, content: str) -> None:
    messages = [*waiting(GOOD[0]), *waiting("+420605000500", content=content, sender="A&B <c>"), *waiting(GOOD[1])]

    hand_over_once()
    assert states(messages) == ["SENDING"] * 3
    assert [accepted.text for accepted in simulator.accepted][1] == content
    assert simulator.accepted[1].sender == "A&B <c>"
    assert accepted_once(simulator, messages)


CONTROL = {"a bell": "Bell\x07!", "an escape": "\x1b[31mBell!", "a non-character": "Be\ufffell!"}


@pytest.mark.parametrize("content", CONTROL.values(), ids=CONTROL)
def test_characters_that_xml_cannot_carry_are_left_out(simulator: Simulator, content: str) -> None:
    messages = [*waiting(GOOD[0]), *waiting("+420605000500", content=content), *waiting(GOOD[1])]

    hand_over_once()
    assert states(messages) == ["SENDING"] * 3
    assert simulator.accepted[1].text.removeprefix("[31m") == "Bell!"


@pytest.mark.parametrize("content", ["", "\x07", "\ufffe\uffff"], ids=ascii)
def test_a_text_of_which_nothing_can_be_sent_leaves_its_batch_alone(simulator: Simulator, content: str) -> None:
    empty = waiting("+420605000500", content=content)
    good = waiting(*GOOD)

    hand_over_once()
    assert states(empty) == ["ERROR"]
    assert states(good) == ["SENDING"] * 2
    empty[0].refresh_from_db()
    assert empty[0].error == "The text has no character that the gateway can be given."
    assert accepted_once(simulator, good)


def test_a_login_with_markup_in_it_is_understood(simulator: Simulator, configure: Configure) -> None:
    simulator.username, simulator.password = "A&B <shop>", SECRET
    configure(URL=simulator.url("sms-operator"), USERNAME="A&B <shop>", PASSWORD=SECRET)
    messages = waiting(*GOOD)

    hand_over_once()
    assert states(messages) == ["SENDING"] * 2
