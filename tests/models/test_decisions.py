"""What an operator does to messages, and what of it stands in the timeline."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from smsoffice.models.decisions import cancel, resend, settle
from smsoffice.models.lasting import LASTING, is_lasting
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State
from tests.at_once import at_once
from tests.factories import NUMBER, ago, customer, message, row, states, template, timeline

GATEWAYS = Path("smsoffice/backend/sms")

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    return User.objects.create_user("olga")


def said(stored: OutputSMSMessage) -> tuple[str, str | None]:
    """The last line of a timeline: its words and who said them."""
    event = stored.events.select_related("user").latest("pk")
    return event.words, event.user.get_username() if event.user else None


def test_only_what_still_waits_is_cancelled(operator: User) -> None:
    waiting = message()
    others = [message(state) for state in State if state != State.WAITING]
    assert cancel([waiting.pk, *(other.pk for other in others)], operator.pk) == 1
    assert row(waiting).state == State.ERROR
    assert row(waiting).error == "Cancelled by an operator."
    assert said(waiting) == ("Cancelled by an operator.", "olga")
    assert states(others) == [other.state for other in others]
    assert cancel([waiting.pk], operator.pk) == 0


@pytest.mark.parametrize(("outcome", "error"), [(State.DELIVERED, ""), (State.ERROR, "She called.")])
def test_an_operator_decides_what_became_of_an_unknown_message(outcome: State, error: str, operator: User) -> None:
    lost = message(State.UNKNOWN, sent_at=ago(minutes=20))
    assert settle(lost, outcome, "She called.", operator.pk)
    assert (row(lost).state, row(lost).error) == (outcome, error)
    assert row(lost).check_after is None
    assert said(lost) == ("She called.", "olga")


@pytest.mark.parametrize("state", [state for state in State if state != State.UNKNOWN])
def test_news_that_came_before_the_decision_win(state: State, operator: User) -> None:
    known = message(state, sent_at=ago(minutes=20))
    assert not settle(known, State.ERROR, "She called.", operator.pk)
    assert row(known).state == state
    assert timeline(known) == []


def test_nobody_decides_while_the_gateway_is_about_to_answer(operator: User) -> None:
    young = message(State.UNKNOWN, sent_at=ago(seconds=20))
    assert not settle(young, State.ERROR, "She called.", operator.pk)
    assert row(young).state == State.UNKNOWN


def test_a_resend_is_the_same_text_letter_for_letter_tied_to_the_first(operator: User) -> None:
    ready, jana = template(), customer()
    first = message(
        State.ERROR,
        content="Žluťoučký kůň {{ x }}",
        segments=1,
        encoding="UCS-2",
        template=ready,
        template_slug="ready",
        template_version=3,
        tag="orders",
        extra_data={"a": 1},
    )
    OutputSMSRelatedObject.to(first, jana).save()
    resent = resend(first, "resend-1", operator.pk)
    copy = row(resent.message)
    assert resent.is_new
    for column in ("recipient", "content", "segments", "encoding", "template_id", "template_slug", "template_version"):
        assert getattr(copy, column) == getattr(first, column)
    assert (copy.tag, copy.extra_data, copy.state, copy.resend_of_id) == ("orders", {"a": 1}, State.WAITING, first.pk)
    assert list(OutputSMSMessage.objects.filter_related_object(jana).order_by("pk")) == [first, copy]
    assert said(copy) == (f"Resend of message {first.pk}.", "olga")
    assert said(first) == (f"Resent as message {copy.pk}.", "olga")
    assert row(first).state == State.ERROR


def test_a_second_resend_with_the_same_key_finds_the_first(operator: User) -> None:
    first = message(State.ERROR)
    once, twice = resend(first, "resend-1", operator.pk), resend(first, "resend-1", operator.pk)
    assert (once.is_new, twice.is_new) == (True, False)
    assert once.message == twice.message
    assert OutputSMSMessage.objects.count() == 2


def test_what_waits_is_not_sent_again(operator: User) -> None:
    with pytest.raises(ValueError, match="waits"):
        resend(message(), "resend-1", operator.pk)


@pytest.mark.django_db(transaction=True)
def test_two_resends_at_once_with_one_key_make_one_message() -> None:
    first = message(State.ERROR)
    made = at_once(*[lambda: resend(first, "resend-1", None).message.pk] * 4)
    assert len(set(made)) == 1
    assert OutputSMSMessage.objects.filter(recipient=NUMBER).count() == 2


@pytest.mark.parametrize("words", sorted(LASTING))
def test_each_lasting_reason_is_one_that_a_gateway_gives(words: str) -> None:
    files = list(GATEWAYS.glob("*.py"))
    sources = "".join(file.read_text() for file in files)
    assert f'"{words}"' in sources


def test_a_lasting_reason_is_known_in_the_sites_language(settings: object) -> None:
    assert is_lasting("The number does not exist.")
    assert not is_lasting("The network was overloaded.")
    settings.LANGUAGE_CODE = "cs"  # type: ignore[attr-defined]
    assert is_lasting("Číslo neexistuje.")
