"""ATS's client against the simulated gateway: what becomes of each message, whatever goes wrong."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from lxml import etree

from smsoffice import delivery
from smsoffice.backend.sms import ats_sms_operator, base
from smsoffice.backend.sms.ats_sms_operator import ATSSMSBackend
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.simulator import ENDINGS, Fault, Simulator
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

pytestmark = pytest.mark.django_db

Configure = Callable[..., None]

SECRET = 'kůň <&> \'s "word"'

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

NOT_TAKEN = {Fault.HTTP_500_BEFORE, Fault.HTTP_503, Fault.REDIRECT, Fault.CUT_BEFORE, Fault.HANG_BEFORE}
"""Nothing accepted, and no proof of it at hand."""

PUT_OFF = {Fault.HTTP_429, Fault.REFUSE_LOGIN}
"""Nothing accepted, and the gateway says so."""

SPOILT = {Fault.UNKNOWN_CODES, Fault.MISSING_ITEMS, Fault.FOREIGN_ITEMS, Fault.DUPLICATE_ITEMS}
"""A sound answer that says nothing useful of some messages."""


@pytest.fixture
def configure(settings: Any) -> Iterator[Configure]:
    """Choose ATS's client, new and without a connection, with the given keys of its configuration."""

    def configure(**config: object) -> None:
        base._instance.cache_clear()
        settings.PYMESS_SMS_SENDER_BACKEND = ATSSMSBackend.path()
        settings.PYMESS_SMS_UNKNOWN_GRACE = 0
        settings.PYMESS_ATS_SMS_CONFIG = {
            "USERNAME": "simulator",
            "PASSWORD": "simulator",
            "UNIQ_PREFIX": "shop",
            **config,
        }

    yield configure
    base._instance.cache_clear()


@pytest.fixture
def simulator(configure: Configure) -> Iterator[Simulator]:
    """A gateway that delivers at once what it accepts, and its client."""
    with Simulator(delivery_delay=0, late=3600, early=3600) as running:
        configure(URL=running.url("ats"))
        yield running


def impatient(configure: Configure, simulator: Simulator, fault: Fault) -> None:
    """Give up soon, where nothing else ends the call."""
    configure(URL=simulator.url("ats"), TIMEOUT=0.5 if fault in SLOW else 10)


def test_every_fault_of_the_simulator_is_in_a_table() -> None:
    assert set(Fault) == HARMLESS | LOST | NOT_TAKEN | PUT_OFF | SPOILT


# Nothing goes wrong


@pytest.mark.parametrize("fault", sorted(HARMLESS))
def test_accepted_messages_are_sending_and_then_delivered(simulator: Simulator, fault: Fault) -> None:
    simulator.fault = fault
    messages = waiting(*numbers(5))

    hand_over_once()
    assert states(messages) == ["SENDING"] * 5

    let_time_pass()
    delivery.check_states()
    assert states(messages) == ["DELIVERED"] * 5
    assert accepted_once(simulator, messages)


def test_a_message_that_is_sent_is_still_asked_about(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator.delivery_delay = 100
    messages = waiting(*numbers(2))
    hand_over_once()
    taken_at = simulator.accepted[0].at

    seen = []
    for seconds in (10, 60, 110):
        monkeypatch.setattr("smsoffice.simulator.store.time.time", lambda now=taken_at + seconds: now)
        ask_again()
        delivery.check_states()
        seen.append(states(messages))
    assert seen == [["SENDING"] * 2, ["SENT"] * 2, ["DELIVERED"] * 2]


def test_batches_of_two_hundred_share_one_connection(simulator: Simulator) -> None:
    messages = waiting(*numbers(450))

    delivery.send_waiting()
    let_time_pass()
    delivery.check_states()

    assert states(messages) == ["DELIVERED"] * 450
    assert accepted_once(simulator, messages)
    assert simulator.requests == 3 + 3
    assert simulator.connections == 1


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

    drain()
    assert states(messages) == ["DELIVERED"] * 4
    assert accepted_once(simulator, messages)


@pytest.mark.parametrize("fault", sorted(PUT_OFF))
def test_a_batch_that_the_gateway_put_off_waits(simulator: Simulator, fault: Fault) -> None:
    simulator.fail(fault, on="submit")
    messages = waiting(*numbers(4))

    hand_over_once()
    assert states(messages) == ["WAITING"] * 4

    drain()
    assert states(messages) == ["DELIVERED"] * 4
    assert accepted_once(simulator, messages)


def test_a_message_that_the_gateway_was_slow_to_find_is_handed_over_again_and_taken_once(simulator: Simulator) -> None:
    simulator.fail(Fault.CUT_AFTER, on="submit")
    [message] = waiting("+420601000014")
    hand_over_once()
    let_time_pass()
    delivery.check_states()
    assert states([message]) == ["WAITING"]

    end_the_pause()
    hand_over_once()
    assert states([message]) == ["SENDING"]
    event = message.events.latest("id")
    assert (event.code, event.words) == ("310", "The gateway has taken this message before.")
    assert accepted_once(simulator, [message])
    assert not GatewayStatus.objects.exclude(refusal="").exists()

    simulator.early = 0
    drain()
    assert states([message]) == ["DELIVERED"]
    assert accepted_once(simulator, [message])


def test_ids_that_somebody_else_used_are_noticed_before_a_second_batch_is_spent_on_them(simulator: Simulator) -> None:
    strangers = waiting(*numbers(2, area=602))
    hand_over_once()
    # Another system with the same prefix begins at 1, as ours does.
    OutputSMSMessage.objects.filter(pk__in=[message.pk for message in strangers]).delete()
    messages = [waiting(number, pk=stranger.pk)[0] for number, stranger in zip(numbers(2), strangers, strict=True)]
    later = waiting(*numbers(250, area=603))

    done = hand_over_once()
    assert "UNIQ_PREFIX" in done.refusal
    assert states(messages) == ["UNKNOWN"] * 2
    assert all("before" in event.words for event in OutputSMSEvent.objects.filter(code="310"))
    assert states(later) == ["SENDING"] * 198 + ["WAITING"] * 52

    # What ATS says of the id is said of the stranger's message: that one was delivered.
    drain()
    assert states(messages) == ["UNKNOWN"] * 2
    for message in messages:
        message.refresh_from_db()
        assert "UNIQ_PREFIX" in message.error
        assert "backup" in message.error
    base.get_sms_backend().check_now(messages)
    assert states(messages) == ["UNKNOWN"] * 2


# The whole call is refused

NOBODYS = {
    # code: (state, whether it counts as an attempt)
    "1": ("UNKNOWN", 1),
    "100": ("WAITING", 0),
    "200": ("WAITING", 1),
    "300": ("WAITING", 1),
    "701": ("WAITING", 0),
    "702": ("WAITING", 0),
    "703": ("WAITING", 0),
    "705": ("WAITING", 0),
    **dict.fromkeys(["0", "10", "11", "20", "23", "24", "310", "350", "999", "", "100.0", "OK"], ("UNKNOWN", 1)),
}


def status(*codes: tuple[str | None, str]) -> str:
    """An answer that says these codes of these ids, or of the whole call."""
    said = (f"<code{f' uniq={quoteattr(id_)}' if id_ is not None else ''}>{escape(code)}</code>" for id_, code in codes)
    return f'<?xml version="1.0" encoding="UTF-8" ?><status>{"".join(said)}<d></d></status>'


def test_every_code_of_a_whole_call_is_in_the_table() -> None:
    assert set(ats_sms_operator.REFUSALS) < set(NOBODYS)


@pytest.mark.parametrize(("code", "fate"), NOBODYS.items(), ids=NOBODYS)
def test_a_code_without_an_id_is_for_the_whole_call(configure: Configure, code: str, fate: tuple[str, int]) -> None:
    messages = waiting(*numbers(3))
    with Port(reply(status((None, code)))) as port:
        configure(URL=port.url)
        hand_over_once()

    state, attempts = fate
    assert states(messages) == [state] * 3
    for message in OutputSMSMessage.objects.all():
        assert message.send_attempts == attempts
        assert message.error
        assert message.events.latest("id").code == code
        assert not re.search(r"\d", message.error)
    refused = GatewayStatus.objects.get().refusal
    assert bool(refused) is (attempts == 0)


@pytest.mark.parametrize("code", NOBODYS)
def test_a_question_that_is_refused_as_a_whole_changes_nothing(configure: Configure, code: str) -> None:
    messages = waiting(*numbers(3))
    OutputSMSMessage.objects.update(
        state="SENT", backend=ATSSMSBackend.path(), sent_at=timezone.now(), check_after=timezone.now()
    )
    let_time_pass()
    with Port(reply(status((None, code)))) as port:
        configure(URL=port.url)
        done = delivery.check_states()

    assert states(messages) == ["SENT"] * 3
    assert list(done.errors) == [ATSSMSBackend.path()]


@pytest.mark.parametrize(
    ("codes", "state"),
    [(("100", "705"), "WAITING"), (("100", "1"), "UNKNOWN"), (("999", "200"), "UNKNOWN"), (("200", "100"), "WAITING")],
    ids=lambda value: str(value),
)
def test_of_several_codes_of_the_whole_call_one_that_proves_nothing_counts(
    configure: Configure, codes: tuple[str, str], state: str
) -> None:
    messages = waiting(*numbers(2))
    with Port(reply(status(*((None, code) for code in codes)))) as port:
        configure(URL=port.url)
        hand_over_once()
    assert states(messages) == [state] * 2


BESIDE_A_REFUSAL = {"0": "UNKNOWN", "310": "UNKNOWN", "334": "UNKNOWN", "350": "ERROR", "999": "UNKNOWN"}


@pytest.mark.parametrize(("code", "state"), BESIDE_A_REFUSAL.items(), ids=BESIDE_A_REFUSAL)
@pytest.mark.parametrize("whole", ["1", "100", "200", "300", "705"])
def test_beside_a_code_of_the_whole_call_nothing_is_sent_again_on_a_guess(
    configure: Configure, whole: str, code: str, state: str
) -> None:
    first, second = waiting(*numbers(2))
    with Port(reply(status((f"shop-{first.pk}", code), (None, whole)))) as port:
        configure(URL=port.url)
        hand_over_once()
    assert states([first, second]) == [state, "UNKNOWN"]


def test_beside_a_code_of_the_whole_call_what_is_final_is_believed(configure: Configure) -> None:
    messages = waiting(*numbers(3))
    OutputSMSMessage.objects.update(
        state="SENDING", backend=ATSSMSBackend.path(), sent_at=timezone.now(), check_after=timezone.now()
    )
    let_time_pass()
    said = zip((f"shop-{message.pk}" for message in messages), ("23", "20", "24"), strict=True)
    with Port(reply(status((None, "200"), *said))) as port:
        configure(URL=port.url)
        delivery.check_states()
    assert states(messages) == ["DELIVERED", "SENDING", "ERROR"]


@pytest.mark.parametrize("answer", ["<html><body><code>100</code></body></html>", "<code>200</code>", "<d/>"])
def test_a_page_with_codes_in_it_is_no_answer(configure: Configure, answer: str) -> None:
    messages = waiting(*numbers(2))
    with Port(reply(answer)) as port:
        configure(URL=port.url)
        hand_over_once()
    assert states(messages) == ["UNKNOWN"] * 2


def test_with_a_wrong_password_nothing_is_sent_and_the_command_says_why(
    simulator: Simulator,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(delivery, "SHORT_PAUSE", timedelta(0))
    configure(URL=simulator.url("ats"), PASSWORD=SECRET)
    messages = waiting(*numbers(4))

    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("send_sms_messages", stdout=out, stderr=err)
    assert "USERNAME and PASSWORD in PYMESS_ATS_SMS_CONFIG" in str(caught.value)
    assert states(messages) == ["WAITING"] * 4
    assert set(OutputSMSMessage.objects.values_list("send_attempts", flat=True)) == {0}
    assert simulator.accepted == []
    rows = [*OutputSMSMessage.objects.values(), *OutputSMSEvent.objects.values(), *GatewayStatus.objects.values()]
    said = "".join(traceback.format_exception(caught.value)) + out.getvalue() + err.getvalue() + caplog.text + str(rows)
    assert SECRET not in said
    assert escape(SECRET) not in said

    simulator.password = SECRET
    call_command("send_sms_messages", stdout=out)
    assert states(messages) == ["SENDING"] * 4
    assert accepted_once(simulator, messages)


# One bad message in a batch

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
    good, bad, other = waiting(numbers(2)[0], f"+420605000{ending}", numbers(2)[1])

    hand_over_once()
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
    messages = waiting(*numbers(4))
    simulator.fail(fault, on="submit")

    hand_over_once()
    assert states(messages) == expected

    drain()
    assert states(messages) == ["DELIVERED"] * 4
    assert accepted_once(simulator, messages)


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


# Every code of a single message

REFUSED = [
    *("1", "320", "321", "330", "331", "332", "333", "335", "336", "337", "338", "339", "340", "341", "342", "343"),
    *("350", "360", "361", "362"),
]
STRANGE = ["10", "11", "100", "200", "300", "700", "999", "123456", "-1", "00", "0.0", "", " ", "OK", "٣"]
HANDED_OVER = {
    "0": "SENDING",
    # At a first hand-over; of a repeated one it is proof.
    "310": "UNKNOWN",
    "334": "WAITING",
    **dict.fromkeys(REFUSED, "ERROR"),
    **dict.fromkeys(["20", "21", "22", "23", "24", "25", *STRANGE], "UNKNOWN"),
}
ASKED = {
    "21": "SENDING",
    "22": "SENT",
    "23": "DELIVERED",
    "24": "ERROR",
    # It was taken, and is no longer known: that is not a proof that nothing was accepted.
    "20": "ERROR",
    "25": "SENDING",
    **dict.fromkeys(["0", "310", "334", *REFUSED, *STRANGE], "SENDING"),
}
OUR_SETTING = {
    "320": "PROJECT_KEYWORD",
    "321": "PROJECT_KEYWORD",
    "330": "OUTPUT_SENDER_NUMBER",
    "331": "OUTPUT_SENDER_NUMBER",
    "339": "OUTPUT_SENDER_NUMBER",
    "360": "TEXTID",
    "361": "TEXTID",
}


def test_every_code_of_a_message_is_in_a_table_and_has_words() -> None:
    assert set(ats_sms_operator.SUBMITTED) == {code for code, state in HANDED_OVER.items() if state != "UNKNOWN"} | {
        "310"
    }
    assert set(ats_sms_operator.ASKED) == {"1", "20", "21", "22", "23", "24", "25"}
    for table in (ats_sms_operator.SUBMITTED, ats_sms_operator.ASKED, ats_sms_operator.REFUSALS):
        for _state, words in table.values():
            assert re.fullmatch(r"[A-Z][^0-9]+\.", str(words))


@pytest.mark.parametrize(("code", "state"), HANDED_OVER.items(), ids=lambda value: repr(value))
def test_each_code_in_the_answer_to_a_hand_over_means_its_state(configure: Configure, code: str, state: str) -> None:
    good, odd, other = waiting(*numbers(3))

    with Port(reply(status((f"shop-{other.pk}", "0"), (f"shop-{odd.pk}", code), (f"shop-{good.pk}", "0")))) as port:
        configure(URL=port.url)
        hand_over_once()

    assert states([good, odd, other]) == ["SENDING", state, "SENDING"]
    odd.refresh_from_db()
    event = odd.events.latest("id")
    assert event.code == code.strip()
    assert event.words
    assert bool(odd.error) is (state != "SENDING")


@pytest.mark.parametrize(("code", "state"), ASKED.items(), ids=lambda value: repr(value))
def test_each_code_in_the_answer_to_a_question_means_its_state(configure: Configure, code: str, state: str) -> None:
    good, odd = waiting(*numbers(2))
    OutputSMSMessage.objects.update(
        state="SENDING", backend=ATSSMSBackend.path(), sent_at=timezone.now(), check_after=timezone.now()
    )
    let_time_pass()

    with Port(reply(status((f"shop-{odd.pk}", code), (f"shop-{good.pk}", "23")))) as port:
        configure(URL=port.url)
        delivery.check_states()

    assert states([good, odd]) == ["DELIVERED", state]
    odd.refresh_from_db()
    assert bool(odd.error) is (state == "ERROR")
    assert odd.events.latest("id").words


@pytest.mark.parametrize(("code", "key"), OUR_SETTING.items(), ids=OUR_SETTING)
def test_a_message_refused_for_our_setting_stops_the_ones_behind_it(configure: Configure, code: str, key: str) -> None:
    messages = waiting(*numbers(250))

    def respond(client: Any, body: bytes) -> None:
        ids = [sms.get("uniq") for sms in etree.fromstring(body).iter("sms")]
        client.sendall(reply(status(*((id_, code) for id_ in ids))))

    with Port(respond) as port:
        configure(URL=port.url)
        done = hand_over_once()

    assert states(messages) == ["ERROR"] * 200 + ["WAITING"] * 50
    assert f"{key} in PYMESS_ATS_SMS_CONFIG" in done.refusal


@pytest.mark.parametrize(
    ("now", "tomorrow"),
    [
        (datetime(2026, 7, 1, 9, 0, tzinfo=UTC), datetime(2026, 7, 1, 22, 5, tzinfo=UTC)),
        (datetime(2026, 7, 1, 22, 30, tzinfo=UTC), datetime(2026, 7, 2, 22, 5, tzinfo=UTC)),
        (datetime(2026, 12, 31, 12, 0, tzinfo=UTC), datetime(2026, 12, 31, 23, 5, tzinfo=UTC)),
        # The day after has 25 hours, and the one after that 23.
        (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), datetime(2026, 10, 25, 23, 5, tzinfo=UTC)),
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), datetime(2026, 3, 29, 22, 5, tzinfo=UTC)),
    ],
    ids=lambda when: f"{when:%d.%m. %H:%M}",
)
def test_over_the_limit_of_the_day_a_message_waits_for_the_next_day_in_prague(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, now: datetime, tomorrow: datetime
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)
    [message] = waiting(*numbers(1), due_at=now)
    with Port(reply(status((f"shop-{message.pk}", "334")))) as port:
        configure(URL=port.url)
        hand_over_once()

    message.refresh_from_db()
    assert (message.state, message.due_at) == ("WAITING", tomorrow)


# Our ids


@pytest.mark.parametrize(
    ("prefix", "key"), [("", 115), ("33", 33), ("1", 115), ("shop-1", 11), ("-", 7), ("š'o\"p & syn", 5)], ids=str
)
def test_the_key_is_read_by_the_exact_prefix(simulator: Simulator, configure: Configure, prefix: str, key: int) -> None:
    configure(URL=simulator.url("ats"), UNIQ_PREFIX=prefix)
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


@pytest.mark.parametrize("foreign", ["", "1", "other-{key}", "shop-0{key}", "shop-{key}0", "SHOP-{key}", "{key}"])
def test_a_code_of_a_foreign_id_leaves_our_messages_alone(configure: Configure, foreign: str) -> None:
    first, second = waiting(*numbers(2))
    said = ((foreign.format(key=first.pk), "350"), (f"shop-{second.pk}", "0"))

    with Port(reply(status(*said))) as port:
        configure(URL=port.url)
        hand_over_once()
    assert states([first, second]) == ["UNKNOWN", "SENDING"]


# What is on the wire


def handed_over(configure: Configure, message: dict[str, Any] | None = None, **config: Any) -> etree._Element:
    """The sms element that a message becomes."""
    [row] = waiting(*numbers(1), **(message or {}))
    with Port(reply(status((f"shop-{row.pk}", "0")))) as port:
        configure(URL=port.url, **config)
        hand_over_once()
    assert states([row]) == ["SENDING"]
    [head], [body] = port.heads, port.bodies
    assert re.search(rb"^content-type: text/xml\r$", head.lower(), re.MULTILINE)
    assert re.match(rb"<\?xml version=.1\.0. encoding=.UTF-8.\?>", body)
    root = etree.fromstring(body)
    assert [child.tag for child in root] == ["auth", "sms"]
    assert [child.text for child in root[0]] == ["simulator", "simulator"]
    return root[1]


def test_a_message_is_written_as_the_gateway_wants_it(configure: Configure) -> None:
    sms = handed_over(configure, {"content": "Žluťoučký <kůň>"})
    pk = OutputSMSMessage.objects.get().pk

    assert dict(sms.items()) == {
        "type": "text",
        "uniq": f"shop-{pk}",
        "sender": "",
        "recipient": numbers(1)[0],
        "opmid": "",
        "dlr": "1",
        "validity": "60",
        "kw": "",
    }
    [body] = sms
    assert (body.tag, dict(body.items()), body.text) == ("body", {"order": "0", "billing": "0"}, "Žluťoučký <kůň>")


@pytest.mark.parametrize(
    ("config", "attributes"),
    [
        ({"PROJECT_KEYWORD": "SHOP & CO"}, {"kw": "SHOP & CO"}),
        ({"OUTPUT_SENDER_NUMBER": "9002250"}, {"sender": "9002250"}),
        ({"OPTID": "7"}, {"opmid": "7"}),
        ({"TEXTID": "promo"}, {"textid": "promo"}),
        ({"TEXTID": 7}, {"textid": "7"}),
        ({"TEXTID": ""}, {"textid": None}),
        ({"VALIDITY": 1440}, {"validity": "1440"}),
        ({"OPTID": None, "OUTPUT_SENDER_NUMBER": None, "PROJECT_KEYWORD": None}, {"opmid": "", "sender": "", "kw": ""}),
    ],
    ids=str,
)
def test_the_settings_are_what_the_gateway_is_told(
    configure: Configure, config: dict[str, Any], attributes: dict[str, str | None]
) -> None:
    sms = handed_over(configure, **config)
    assert {name: sms.get(name) for name in attributes} == attributes


def test_a_messages_own_sender_wins(configure: Configure) -> None:
    sms = handed_over(configure, {"sender": "9001111"}, OUTPUT_SENDER_NUMBER="9002250")
    assert sms.get("sender") == "9001111"


@pytest.mark.parametrize(
    ("left", "validity"),
    [
        (timedelta(days=3), "60"),
        (timedelta(minutes=60, seconds=30), "60"),
        (timedelta(minutes=10, seconds=59), "10"),
        (timedelta(minutes=1), "1"),
        (timedelta(seconds=20), "1"),
    ],
    ids=str,
)
def test_the_gateway_does_not_try_for_longer_than_the_message_is_worth(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, left: timedelta, validity: str
) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    sms = handed_over(configure, {"due_at": now, "expires_at": now + left})
    assert sms.get("validity") == validity


def test_a_question_names_each_message_twice(configure: Configure) -> None:
    messages = waiting(*numbers(2))
    OutputSMSMessage.objects.update(
        state="SENDING", backend=ATSSMSBackend.path(), sent_at=timezone.now(), check_after=timezone.now()
    )
    let_time_pass()
    with Port(reply(status())) as port:
        configure(URL=port.url)
        delivery.check_states()
    _auth, *dlrs = etree.fromstring(port.bodies[0])
    asked = [f"shop-{message.pk}" for message in messages]
    assert [(dlr.tag, dlr.get("uniq"), dlr.text) for dlr in dlrs] == [("dlr", id_, id_) for id_ in asked]
    assert states(messages) == ["SENDING"] * 2


@pytest.mark.parametrize(
    "content",
    ["</body></sms><sms>", "&amp; &#65; &nonsense;", "<![CDATA[ ]]> ]]>", "one\ntwo\r\nthree\rfour\tfive", "kůň 🐎 €"],
)
def test_a_text_that_looks_like_xml_arrives_as_typed(simulator: Simulator, content: str) -> None:
    messages = waiting(*numbers(3), content=content)

    hand_over_once()
    assert states(messages) == ["SENDING"] * 3
    assert [accepted.text for accepted in simulator.accepted] == [content] * 3


@pytest.mark.parametrize("content", ["", "\x07", "\ufffe\uffff"], ids=ascii)
def test_a_text_of_which_nothing_can_be_sent_leaves_its_batch_alone(simulator: Simulator, content: str) -> None:
    empty = waiting("+420605000500", content=content)
    good = waiting(*numbers(2))

    hand_over_once()
    assert states(empty + good) == ["ERROR", "SENDING", "SENDING"]
    assert accepted_once(simulator, good)
