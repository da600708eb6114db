"""`send_sms_messages`: what it takes, what it says, and how it ends."""

from __future__ import annotations

import os
import re
import signal
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from smsoffice import delivery
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.exceptions import NotNow, OutcomeUnknown, RefusedForUs
from smsoffice.models import expiry
from smsoffice.states import State
from tests.backends import Messages, ScriptedGateway, use
from tests.factories import ago, message, messages, states

pytestmark = pytest.mark.django_db

CLOCK = r"^\d\d:\d\d:\d\d "


@pytest.fixture
def gateway(settings: Any, monkeypatch: pytest.MonkeyPatch) -> ScriptedGateway:
    monkeypatch.setattr(delivery, "SHORT_PAUSE", timedelta(0))
    return use(settings, ScriptedGateway)


def run(*arguments: str) -> tuple[str, str]:
    """What the command writes to its two streams."""
    out, err = StringIO(), StringIO()
    call_command("send_sms_messages", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_it_hands_over_what_waits_and_says_what_became_of_it(gateway: ScriptedGateway) -> None:
    refused, *taken = messages(4)
    late = message(expires_at=ago(hours=1))
    gateway.by_recipient[refused.recipient] = Outcome(State.ERROR, "2", "The number does not exist.")
    out, err = run()
    assert re.search(CLOCK + "Handed over: 1 ERROR, 3 SENDING; 1 ran out of time\\.\n$", out)
    assert err == ""
    assert states([refused, *taken, late]) == ["ERROR", "SENDING", "SENDING", "SENDING", "ERROR"]


def test_it_says_that_there_was_nothing_to_do(gateway: ScriptedGateway) -> None:
    out, _err = run()
    assert re.search(CLOCK + "Handed over: nothing to do\\.\n$", out)


def test_a_limit_is_kept_and_two_runs_take_one_after_the_other(gateway: ScriptedGateway) -> None:
    waiting = messages(5)
    run("--limit", "2")
    assert states(waiting) == ["SENDING"] * 2 + ["WAITING"] * 3
    run("--limit=2")
    assert states(waiting) == ["SENDING"] * 4 + ["WAITING"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--limit", "0"], "--limit must be at least 1."),
        (["--limit", "-5"], "--limit must be at least 1."),
        (["--limit", "many"], "argument --limit: invalid int value: 'many'"),
        (["--interval", "0"], "--interval must be more than 0 seconds"),
        (["--interval", "-1"], "--interval must be more than 0 seconds"),
        (["--interval", "nan"], "--interval must be more than 0 seconds"),
        (["--interval", "inf"], "--interval must be more than 0 seconds"),
        (["--interval", "soon"], "argument --interval: invalid float value: 'soon'"),
        (["--everything"], "unrecognized arguments: --everything"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_words_before_anything_is_sent(
    gateway: ScriptedGateway, arguments: list[str], words: str
) -> None:
    stored = message()
    with pytest.raises(CommandError, match=re.escape(words)):
        run(*arguments)
    assert states([stored]) == ["WAITING"]


def test_promise_7_a_refusal_is_the_exit_code_1_with_a_sentence(gateway: ScriptedGateway) -> None:
    gateway.answer = RefusedForUs("The password is wrong.")
    waiting = messages(3)
    with pytest.raises(CommandError) as caught:
        run()
    assert str(caught.value) == ("The gateway refuses us: The password is wrong. Nothing is lost; the messages wait.")
    assert caught.value.returncode == 1
    assert states(waiting) == ["WAITING"] * 3


def test_each_run_knocks_and_the_first_that_is_let_in_sends_all(gateway: ScriptedGateway) -> None:
    gateway.answer = RefusedForUs("The password is wrong.")
    waiting = messages(3)
    for _run in range(3):
        with pytest.raises(CommandError):
            run()
    assert [len(call) for call in gateway.calls] == [3, 1, 1]
    gateway.answer = Outcome(State.SENDING)
    out, _err = run()
    assert "Handed over: 3 SENDING." in out
    assert states(waiting) == ["SENDING"] * 3


@pytest.mark.parametrize(
    ("failure", "said"),
    [(NotNow("Busy."), "nothing; put back: 3"), (OutcomeUnknown("The connection was cut."), "3 UNKNOWN")],
    ids=["busy", "silent"],
)
def test_a_gateway_that_is_busy_or_silent_is_no_failure_of_the_command_and_is_told_of(
    gateway: ScriptedGateway, failure: Exception, said: str
) -> None:
    gateway.answer = failure
    messages(203)
    out, err = run("--limit=3")
    assert re.search(
        CLOCK + f"Handed over: {said}\\. The gateway cannot take messages now; the next attempt is at \\S+\\.\n$", out
    )
    assert err == ""


def test_what_stays_tells_of_a_busy_gateway_once_and_on_stderr(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.answer = ends_after(1, NotNow("Busy."))
    messages(3)
    out, err = run("--interval", "60")
    assert re.search(CLOCK + "Handed over: nothing; put back: 3\\.\n$", out)
    assert err.count("The gateway cannot take messages now; the next attempt is at ") == 1


def test_a_gateway_that_does_not_exist_is_named(settings: Any) -> None:
    settings.PYMESS_SMS_SENDER_BACKEND = "nowhere.Gateway"
    with pytest.raises(CommandError, match=r"there is no gateway “nowhere\.Gateway”.* Name the class by its full path"):
        run()


def ends_after(calls: int, answer: Any) -> Any:
    """An answer that, at its last call, brings the signal that ends the command."""
    counted = iter(range(1, calls + 1))

    def say(sent: Messages) -> Any:
        if next(counted) == calls:
            os.kill(os.getpid(), signal.SIGTERM)
        if isinstance(answer, Exception):
            raise answer
        return [(one.pk, answer) for one in sent]

    return say


def test_with_an_interval_it_stays_until_sigterm_and_finishes_what_is_in_flight(gateway: ScriptedGateway) -> None:
    waiting = messages(450)
    gateway.answer = ends_after(2, Outcome(State.SENDING))
    out, err = run("--interval", "60")
    assert states(waiting) == ["SENDING"] * 400 + ["WAITING"] * 50
    assert out.count("Handed over: 400 SENDING.") == 1
    assert err == ""


def test_with_an_interval_a_refusal_is_told_once_and_does_not_end_it(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each round finds the pause over.
    monkeypatch.setattr("smsoffice.models.gateway.FIRST_PAUSE", timedelta(0))
    gateway.answer = ends_after(3, RefusedForUs("The password is wrong."))
    waiting = messages(2)
    _out, err = run("--interval", "0.001")
    assert err.count("The gateway refuses us: The password is wrong.") == 1
    assert states(waiting) == ["WAITING"] * 2


def test_with_an_interval_a_database_that_is_away_is_waited_for(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = iter([OperationalError("server closed the connection, password=hunter2"), None, None])
    real = delivery.send_waiting

    def send_waiting(*args: Any, **kwargs: Any) -> Any:
        if failure := next(rounds):
            raise failure
        return real(*args, **kwargs)

    monkeypatch.setattr(delivery, "send_waiting", send_waiting)
    monkeypatch.setattr("smsoffice.management.rounds.close_old_connections", lambda: None)
    gateway.answer = ends_after(1, Outcome(State.SENDING))
    message()
    out, err = run("--interval", "0.001")
    assert "The database does not answer (OperationalError). Waiting for it." in err
    assert "hunter2" not in err
    # The round may go on for hours.
    assert 0 <= out.find("All is well again.") < out.find("Handed over: 1 SENDING.")
    assert out.count("All is well again.") == 1


def test_a_single_round_says_in_a_sentence_that_the_database_is_away(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send_waiting(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("server closed the connection, password=hunter2")

    monkeypatch.setattr(delivery, "send_waiting", send_waiting)
    with pytest.raises(CommandError) as raised:
        run()
    assert (
        str(raised.value) == "The database does not answer (OperationalError). Nothing is lost; --traceback tells more."
    )


def test_a_round_with_nothing_to_do_is_silent_where_it_stays(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = iter(range(3))
    real = expiry.end_what_ran_out_of_time

    def last_round_ends() -> int:
        if next(rounds) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return real()

    monkeypatch.setattr(delivery, "end_what_ran_out_of_time", last_round_ends)
    assert run("--interval", "0.001") == ("", "")
