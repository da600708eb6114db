"""`gateway_says`: every kind of thing that a gateway can say, in turn, and what becomes of the messages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smsoffice import delivery
from smsoffice.backend.sms import get_sms_backend, send
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.exceptions import NotNow, OutcomeUnknown, RefusedForUs
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State
from smsoffice.testing import ScriptedGateway, drain, gateway_says
from smsoffice.testing.scripted import Says
from tests.factories import NUMBER, row

pytestmark = pytest.mark.django_db(transaction=True)


def sent() -> OutputSMSMessage:
    return send(NUMBER, "Your parcel is here.")


SAID: dict[str, tuple[Says, State, str]] = {
    "taken": (State.SENDING, State.SENDING, ""),
    "on its way": (State.SENT, State.SENT, ""),
    "delivered": (State.DELIVERED, State.DELIVERED, ""),
    "refused": (State.ERROR, State.ERROR, "As scripted."),
    "not known": (State.UNKNOWN, State.UNKNOWN, "As scripted."),
    "not taken": (State.WAITING, State.WAITING, "As scripted."),
    "refused in words": (Outcome(State.ERROR, "17", "No such number."), State.ERROR, "No such number."),
    "not now": (NotNow("Too busy."), State.WAITING, "Too busy."),
    "not us": (RefusedForUs("Wrong password."), State.WAITING, "Wrong password."),
    "a lost answer": (OutcomeUnknown("No answer."), State.UNKNOWN, "No answer."),
    "a mistake in a client": (KeyError("status"), State.UNKNOWN, "The gateway's client failed (KeyError)."),
}


@pytest.mark.parametrize(("says", "state", "error"), SAID.values(), ids=SAID)
def test_a_message_becomes_what_the_gateway_says(says: Says, state: State, error: str) -> None:
    with gateway_says(says) as handed_over:
        message = sent()
    assert (message.state, message.error) == (state, error)
    assert (row(message).state, row(message).error) == (state, error)
    assert handed_over == [message]


def test_what_an_outcome_carries_is_kept() -> None:
    with gateway_says(Outcome(State.SENT, "0", "Taken.", external_id="abc", extra={"price": "0.50"})):
        message = sent()
    assert row(message).external_id == "abc"
    assert row(message).extra_sender_data == {"price": "0.50"}


def test_each_message_hears_the_next_thing_and_then_the_last_again() -> None:
    with gateway_says(State.DELIVERED, State.ERROR, State.SENT) as handed_over:
        messages = [sent() for _ in range(4)]
    assert [message.state for message in messages] == ["DELIVERED", "ERROR", "SENT", "SENT"]
    assert handed_over == messages


def test_a_message_that_is_put_off_is_handed_over_again() -> None:
    with gateway_says(NotNow("Too busy.", retry_after=timedelta(minutes=10)), State.DELIVERED) as handed_over:
        message = sent()
        assert message.state == "WAITING"
        drain()
    assert row(message).state == "DELIVERED"
    assert handed_over == [message, message]


def test_a_question_hears_what_comes_after_the_answer() -> None:
    with gateway_says(State.SENDING, State.SENT, State.DELIVERED) as handed_over:
        message = sent()
        assert message.state == "SENDING"
        drain()
    assert row(message).state == "DELIVERED"
    assert handed_over == [message]


def test_what_was_lost_and_is_found_is_not_handed_over_again() -> None:
    with gateway_says(OutcomeUnknown("No answer."), State.DELIVERED) as handed_over:
        message = sent()
        drain()
    assert row(message).state == "DELIVERED"
    assert handed_over == [message]


def test_what_was_lost_and_was_never_taken_is_handed_over_again() -> None:
    with gateway_says(OutcomeUnknown("No answer."), State.WAITING, State.DELIVERED) as handed_over:
        message = sent()
        drain()
    assert row(message).state == "DELIVERED"
    assert handed_over == [message, message]


def test_a_new_gateway_does_not_suffer_for_the_one_before() -> None:
    with gateway_says(RefusedForUs("Wrong password.")) as before:
        refused = sent()
    with gateway_says(State.DELIVERED) as handed_over:
        message = sent()
    assert (refused.state, message.state) == ("WAITING", "DELIVERED")
    assert (before, handed_over) == ([refused], [message])
    assert not GatewayStatus.objects.filter(failures__gt=0).exists()


def test_a_gateway_inside_of_another_gives_way_to_it() -> None:
    with gateway_says(State.ERROR) as outer:
        with gateway_says(State.DELIVERED) as inner:
            delivered = sent()
        failed = sent()
    assert (delivered.state, failed.state) == ("DELIVERED", "ERROR")
    assert (inner, outer) == ([delivered], [failed])


def test_the_gateway_of_before_is_in_force_again_whatever_happened() -> None:
    before = get_sms_backend()

    def fail() -> None:
        with gateway_says(State.DELIVERED):
            assert isinstance(get_sms_backend(), ScriptedGateway)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert get_sms_backend() is before


def test_a_question_after_the_script_is_over_changes_nothing() -> None:
    with gateway_says(State.SENT):
        message = sent()
    drain()
    assert delivery.check_states().errors == {}
    assert row(message).state == "SENT"


def test_a_gateway_without_a_word_is_the_tests_mistake() -> None:
    with pytest.raises(ValueError, match="at least one thing to say"), gateway_says():
        pass
