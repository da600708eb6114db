"""What a gateway's client says of a message, and the rules that turn it into evidence.

A gateway knows its protocol and says `taken`, `refused`, `not_now` or `unknown`. How long to wait, how often to try
and when "never heard of it" is proof is decided here, the same for all.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from smsoffice.conf import conf
from smsoffice.exceptions import GatewayError, NotNow, OutcomeUnknown, RefusedForUs
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.models.transitions import Evidence, Source
from smsoffice.states import State

FIRST_RETRY = timedelta(seconds=2)
LAST_RETRY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a gateway says of one message.

    Args:
        state: what it proves. WAITING says that nothing was accepted: handing it over again is safe.
        code: the gateway's own code, as received.
        words: the gateway's own words, or the meaning of the code.
        external_id: the gateway's own reference.
        extra: what else it told that is worth keeping.
        retry_after: with WAITING, the wait that the gateway asked for.
        spent: with WAITING, whether the hand-over counts as an attempt.
        ask: whether what the gateway says of it from now on is to be believed.
        stops: why nothing more is to be handed over for now, where that is what the gateway said.
    """

    state: State
    code: str = ""
    words: str = ""
    external_id: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    retry_after: timedelta | None = None
    spent: bool = True
    ask: bool = True
    stops: GatewayError | None = None


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after the given number of attempts: doubling, bounded, with jitter."""
    bound = min(FIRST_RETRY * 2 ** min(attempts - 1, 20), LAST_RETRY) if attempts > 0 else FIRST_RETRY
    return bound * random.uniform(0.5, 1)  # noqa: S311  (spreads retries, guards nothing)


def of_failed_call(error: Exception) -> Outcome:
    """The outcome for each message of a call that failed as a whole; nothing more is handed over for a while."""
    if isinstance(error, RefusedForUs):
        return Outcome(State.WAITING, error.code, error.words, spent=False, stops=error)
    if isinstance(error, NotNow):
        return Outcome(State.WAITING, error.code, error.words, retry_after=error.retry_after, stops=error)
    failure = as_gateway_error(error)
    return Outcome(State.UNKNOWN, failure.code, failure.words, stops=failure)


def as_gateway_error(error: Exception) -> GatewayError:
    """The error itself, if a client raised it on purpose; any other proves nothing, and its text is kept out."""
    if isinstance(error, GatewayError):
        return error
    return OutcomeUnknown(_("The gateway's client failed (%s).") % type(error).__name__)


def answered(message: OutputSMSMessage, outcome: Outcome) -> Evidence:
    """The evidence of a gateway's answer to a hand-over."""
    if outcome.state == State.UNKNOWN and not outcome.words:
        # By its words the queue sees that it was answered.
        outcome = replace(outcome, words=_("The gateway did not say what became of it."))
    return _evidence(message, outcome, Source.GATEWAY)


def asked(message: OutputSMSMessage, outcome: Outcome, at: datetime, grace: timedelta) -> Evidence:
    """The evidence of a gateway's answer to a question about a message that was handed over before.

    Args:
        at: when the question left.
        grace: the age before which “never heard of it” proves nothing: the request may be on its way yet.
    """
    if outcome.state == State.WAITING:
        outcome = _never_heard_of(message, outcome, at - (message.sent_at or message.created_at), grace)
    elif outcome.state == State.UNKNOWN:
        # That the gateway cannot tell takes nothing from what is known already.
        outcome = replace(outcome, state=State(message.state))
    return _evidence(message, outcome, Source.ASKED)


def _never_heard_of(message: OutputSMSMessage, outcome: Outcome, age: timedelta, grace: timedelta) -> Outcome:
    # After a day the gateway may have forgotten it, and nobody waits for the text any more.
    if age < grace or age > max(timedelta(seconds=conf.SMS_RETRY_MAX_AGE), 2 * grace):
        return replace(outcome, state=State(message.state))
    if message.state == State.UNKNOWN:
        return outcome
    return replace(outcome, state=State.ERROR)


def _evidence(message: OutputSMSMessage, outcome: Outcome, source: Source) -> Evidence:
    due_at = None
    if outcome.state == State.WAITING:
        outcome, due_at = _put_off(message, outcome, source)
    return Evidence(
        message_id=message.pk,
        state=outcome.state,
        source=source,
        code=outcome.code,
        words=outcome.words,
        error=outcome.words if _is_reason(message, outcome, source) else "",
        external_id=outcome.external_id,
        extra=outcome.extra,
        due_at=due_at,
        claimed_at=message.claimed_at,
        spent=outcome.spent,
        ask=outcome.ask,
    )


def _is_reason(message: OutputSMSMessage, outcome: Outcome, source: Source) -> bool:
    """Whether the words say why the message stands as it does, and not merely that nothing is new."""
    if source == Source.ASKED and outcome.state == message.state:
        return False
    return outcome.state in {State.ERROR, State.UNKNOWN, State.WAITING}


def _put_off(message: OutputSMSMessage, outcome: Outcome, source: Source) -> tuple[Outcome, datetime]:
    """When to hand it over again; ERROR once attempts or age are used up, which is true: nothing was accepted."""
    now = timezone.now()
    attempts, age = message.send_attempts, now - (message.send_after or message.created_at)
    # At the first attempt age tells nothing of the gateway: the message may have waited for its hour, or for us.
    too_old = attempts > 1 and age >= timedelta(seconds=conf.SMS_RETRY_MAX_AGE)
    if outcome.spent and (attempts >= conf.SMS_RETRY_MAX_ATTEMPTS or too_old):
        words = _("It was not sent. After %(attempts)d attempts the gateway still did not take it: %(words)s")
        return replace(outcome, state=State.ERROR, words=words % {"attempts": attempts, "words": outcome.words}), now
    if not outcome.spent or source == Source.ASKED:
        return outcome, now
    return outcome, now + max(retry_delay(attempts), outcome.retry_after or timedelta(0))
