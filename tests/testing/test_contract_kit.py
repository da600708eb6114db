"""The contract kit sees what it is for: each of these gateways has one mistake, and one of its tests fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smsoffice.backend.sms.base import Message, SMSBackend
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.exceptions import NotNow, OutcomeUnknown, RefusedForUs
from smsoffice.simulator import Fault, Simulator
from smsoffice.states import State
from smsoffice.testing import BackendContract
from tests.sixth.gateway import PigeonSMSBackend
from tests.sixth.test_pigeon import TestPigeon as PigeonContract

pytestmark = pytest.mark.django_db


class TakesALostAnswerForNone(PigeonSMSBackend):
    def submit_one(self, message: Message) -> Outcome:
        try:
            return super().submit_one(message)
        except OutcomeUnknown as error:
            raise NotNow(error.words) from None


class TakesALostAnswerForARefusal(PigeonSMSBackend):
    def submit_one(self, message: Message) -> Outcome:
        try:
            return super().submit_one(message)
        except OutcomeUnknown as error:
            return Outcome(State.ERROR, words=error.words)


class TakesARefusalForOneOfUs(PigeonSMSBackend):
    def submit_one(self, message: Message) -> Outcome:
        outcome = super().submit_one(message)
        if outcome.state == State.ERROR:
            raise RefusedForUs(outcome.words)
        return outcome


class RefusesWithoutAWord(PigeonSMSBackend):
    def submit_one(self, message: Message) -> Outcome:
        outcome = super().submit_one(message)
        return Outcome(outcome.state)


class TakesAWrongLoginForALostAnswer(PigeonSMSBackend):
    def submit_one(self, message: Message) -> Outcome:
        try:
            return super().submit_one(message)
        except RefusedForUs as error:
            raise OutcomeUnknown(error.words) from None


class Transliterates(PigeonSMSBackend):
    def submit_one(self, message: Message) -> Outcome:
        message.content = message.content.replace("ř", "r")
        return super().submit_one(message)


class NeverAsks(PigeonSMSBackend):
    asks = False


class TellsItsKey(PigeonSMSBackend):
    def submit_one(self, message: Message) -> Outcome:
        try:
            return super().submit_one(message)
        except OutcomeUnknown:
            raise OutcomeUnknown(f"No answer to {self.config}") from None


Seen = Callable[[BackendContract, Simulator, Any, Any], object]

SEEN: dict[str, tuple[type[SMSBackend], Seen]] = {
    "a lost answer is sent again": (
        TakesALostAnswerForNone,
        lambda kit, simulator, settings, _: kit.test_a_lost_answer_never_doubles_a_message(
            simulator, settings, Fault.CUT_AFTER
        ),
    ),
    "a lost answer is an error": (
        TakesALostAnswerForARefusal,
        lambda kit, simulator, settings, _: kit.test_a_lost_answer_never_doubles_a_message(
            simulator, settings, Fault.HTTP_500_AFTER
        ),
    ),
    "one refused message stops the others": (
        TakesARefusalForOneOfUs,
        lambda kit, simulator, *_: kit.test_one_of_many_is_refused_in_words_and_the_others_go(simulator),
    ),
    "a refusal without a word": (
        RefusesWithoutAWord,
        lambda kit, simulator, *_: kit.test_one_of_many_is_refused_in_words_and_the_others_go(simulator),
    ),
    "a wrong login loses messages": (
        TakesAWrongLoginForALostAnswer,
        lambda kit, simulator, settings, _: kit.test_a_wrong_login_sends_nothing_and_loses_nothing(simulator, settings),
    ),
    "another text leaves": (
        Transliterates,
        lambda kit, simulator, *_: kit.test_the_text_arrives_as_it_was_typed(simulator),
    ),
    "nobody asks": (
        NeverAsks,
        lambda kit, simulator, *_: kit.test_asking_leads_to_delivered(simulator),
    ),
    "a secret in the words": (
        TellsItsKey,
        lambda kit, simulator, settings, caplog: kit.test_the_secret_stands_nowhere(simulator, settings, caplog),
    ),
}


@pytest.mark.parametrize(("backend", "test"), SEEN.values(), ids=SEEN)
def test_the_kit_sees_that(
    settings: Any, caplog: pytest.LogCaptureFixture, backend: type[SMSBackend], test: Seen
) -> None:
    kit = PigeonContract()
    kit.backend = backend.path()  # type: ignore[misc]
    with kit.running(settings) as simulator, pytest.raises(AssertionError):
        test(kit, simulator, settings, caplog)
