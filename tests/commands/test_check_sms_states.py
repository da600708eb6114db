"""`check_sms_states`: whom it asks, what it says, and how it ends."""

from __future__ import annotations

import os
import re
import signal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from smsoffice.backend.sms.base import get_sms_backend
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.exceptions import RefusedForUs
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State
from tests.backends import Messages, OtherGateway, ScriptedGateway, use
from tests.factories import ago, message, messages, states

pytestmark = pytest.mark.django_db

CLOCK = r"^\d\d:\d\d:\d\d "
DELIVERED = Outcome(State.DELIVERED, "0", "Delivered.")


@pytest.fixture
def gateway(settings: Any) -> ScriptedGateway:
    return use(settings, ScriptedGateway)


def run(*arguments: str) -> tuple[str, str]:
    """What the command writes to its two streams."""
    out, err = StringIO(), StringIO()
    call_command("check_sms_states", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_it_asks_and_says_what_it_was_told(gateway: ScriptedGateway) -> None:
    delivered, silent = messages(2, State.SENDING, sent_at=ago(minutes=1))
    message(State.SENDING, sent_at=ago(days=30))
    gateway.told = lambda asked: [(delivered.pk, DELIVERED)]
    out, err = run()
    assert re.search(CLOCK + "Asked: 1 DELIVERED, 1 SENDING; 1 are no longer asked about\\.\n$", out)
    assert err == ""
    assert states([delivered, silent]) == ["DELIVERED", "SENDING"]


def test_it_says_that_there_was_nothing_to_do(gateway: ScriptedGateway) -> None:
    out, _err = run()
    assert re.search(CLOCK + "Asked: nothing to do\\.\n$", out)


def test_a_gateway_that_does_not_tell_is_named_with_exit_code_1_and_the_others_are_asked(settings: Any) -> None:
    old, new = use(settings, OtherGateway), get_sms_backend(ScriptedGateway.path())
    assert isinstance(new, ScriptedGateway)
    there, here, lost = messages(3, State.SENDING, sent_at=ago(minutes=1))
    OutputSMSMessage.objects.filter(pk=there.pk).update(backend=OtherGateway.path())
    OutputSMSMessage.objects.filter(pk=lost.pk).update(backend="gone.Gateway")
    old.told, new.told = RefusedForUs("The password is wrong."), DELIVERED
    with pytest.raises(CommandError) as caught:
        run()
    assert caught.value.returncode == 1
    assert "tests.backends.OtherGateway: The password is wrong." in str(caught.value)
    assert "gone.Gateway" in str(caught.value)
    assert states([there, here, lost]) == ["SENDING", "DELIVERED", "SENDING"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--interval", "0"], "--interval must be more than 0 seconds"),
        (["--interval", "-1"], "--interval must be more than 0 seconds"),
        (["--interval", "nan"], "--interval must be more than 0 seconds"),
        (["--limit", "5"], "unrecognized arguments: --limit 5"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_words(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=re.escape(words)):
        run(*arguments)


def test_with_an_interval_it_stays_until_sigterm(gateway: ScriptedGateway) -> None:
    stored = message(State.SENDING, sent_at=ago(minutes=1))

    def delivered_and_the_end(asked: Messages) -> list[tuple[int, Outcome]]:
        os.kill(os.getpid(), signal.SIGTERM)
        return [(one.pk, DELIVERED) for one in asked]

    gateway.told = delivered_and_the_end
    out, err = run("--interval", "60")
    assert "Asked: 1 DELIVERED." in out
    assert err == ""
    assert states([stored]) == ["DELIVERED"]
