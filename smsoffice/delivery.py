"""The queue: claim, publish, record; and asking the gateways what became of messages.

The rows are the queue. A claim is one short transaction that moves rows to UNKNOWN before a byte leaves; no transaction
is open while the network is used. Whoever dies in between leaves rows that say the truth.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from smsoffice.backend.sms.base import SMSBackend, get_sms_backend
from smsoffice.backend.sms.outcomes import answered, as_gateway_error, of_failed_call
from smsoffice.conf import conf
from smsoffice.exceptions import GatewayError, RefusedForUs
from smsoffice.models.checking import give_up_asking
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.models.transitions import Evidence, Overtaken, Source, hand_over, record
from smsoffice.states import State

logger = logging.getLogger("smsoffice.delivery")

CHUNK = 500

SHORT_PAUSE = timedelta(seconds=5)
"""A round waits so long for a gateway to be well again, or for the rate limit; a longer pause ends it."""

CLAIM_ATTEMPTS = 3
"""Tries of a claim that another worker overtakes, which happens only where rows cannot be locked."""


@dataclass(slots=True)
class SendRound:
    """What one round of the queue did: the states that its messages reached, and why it stopped early."""

    states: Counter[str] = field(default_factory=Counter)
    out_of_time: int = 0
    refusal: str = ""
    put_off: str = ""

    @property
    def taken(self) -> int:
        """How many messages left the queue for the gateway."""
        return sum(self.states.values())


@dataclass(slots=True)
class CheckRound:
    """What one round of questions told: the states by message, who was given up, which gateways did not tell."""

    states: Counter[str] = field(default_factory=Counter)
    given_up: int = 0
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages that this process and no other may hand over now; else how long nobody may."""

    messages: Sequence[OutputSMSMessage] = ()
    pause: timedelta = timedelta(0)


def publish_accepted(sender: object, messages: Iterable[OutputSMSMessage], **kwargs: Any) -> None:
    """Hand over what was just committed, unless PYMESS_SMS_BATCH_SENDING leaves it to the queue.

    The caller's work is committed and its messages wait safely: no failure here is the caller's.
    """
    if conf.SMS_BATCH_SENDING:
        return
    try:
        # What a gateway says is kept in the site's language, not in that of whoever sends at the moment.
        with translation.override(settings.LANGUAGE_CODE):
            _publish_now([message for message in messages if message.may_leave(timezone.now())])
    except Exception:
        logger.exception("Handing over right after the commit failed; the messages stay in the queue.")


def _publish_now(messages: Sequence[OutputSMSMessage]) -> None:
    backend = get_sms_backend()
    for start in range(0, len(messages), backend.batch_size):
        claim = claim_these(backend, messages[start : start + backend.batch_size])
        if not claim.messages or publish(backend, claim.messages):
            return


def send_waiting(
    limit: int | None = None,
    *,
    knock: bool = False,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda count: None,
) -> SendRound:
    """Hand over what waits and is due, until nothing is left.

    Args:
        limit: at most so many messages.
        knock: try a gateway that refused us even before its pause is over, with one message.
        stopping: asked between batches; when true, what is in flight is finished and nothing else begun.
        progress: called after each batch with the number of its messages.

    Raises:
        ImproperlyConfigured: PYMESS_SMS_SENDER_BACKEND is no gateway.
    """
    backend = get_sms_backend()
    done = SendRound(out_of_time=end_what_ran_out_of_time())
    while not stopping() and (limit is None or done.taken < limit):
        size = backend.batch_size if limit is None else min(backend.batch_size, limit - done.taken)
        claim = claim_due(backend, size, knock=knock)
        knock = False
        if claim.messages:
            error = publish(backend, claim.messages)
            done.states.update(str(message.state) for message in claim.messages)
            progress(len(claim.messages))
            if isinstance(error, RefusedForUs):
                # Trying again what is refused could lock the account.
                break
        elif timedelta(0) < claim.pause <= SHORT_PAUSE:
            time.sleep(min(claim.pause.total_seconds(), 0.5))
        else:
            break
    if backend.sends:
        _say_why_it_pauses(backend, done)
    return done


def _say_why_it_pauses(backend: SMSBackend, done: SendRound) -> None:
    if not OutputSMSMessage.objects.filter(state=State.WAITING).exists():
        # What the gateway said last time it was needed is no news.
        return
    status = GatewayStatus.of(backend.path())
    done.refusal = status.refusal
    if not status.refusal and status.pause(timezone.now()):
        done.put_off = _("The gateway cannot take messages now; the next attempt is at %s.") % formats.time_format(
            timezone.localtime(status.not_before), "H:i:s"
        )


def claim_due(backend: SMSBackend, size: int, *, knock: bool = False) -> Claim:
    """Claim up to `size` due messages, the highest priority first, then the longest due."""
    for _attempt in range(CLAIM_ATTEMPTS):
        try:
            return _claim(backend, _pick, size, knock=knock)
        except Overtaken:
            continue
    return Claim()


def claim_these(backend: SMSBackend, messages: Sequence[OutputSMSMessage]) -> Claim:
    """Claim messages at hand, as far as nobody else has; the instances follow."""
    try:
        return _claim(backend, lambda now, count: list(messages[:count]), len(messages))
    except Overtaken:
        keys = [message.pk for message in messages]
        return _claim(backend, lambda now, count: _locked(now).filter(pk__in=keys)[:count], len(messages))


def _claim(
    backend: SMSBackend, pick: Callable[[datetime, int], Iterable[OutputSMSMessage]], size: int, *, knock: bool = False
) -> Claim:
    now = timezone.now()
    if not backend.sends:
        with transaction.atomic():
            messages = list(pick(now, size))
            hand_over(messages, backend.path(), State.DEBUG, None)
        return Claim(messages)
    with transaction.atomic():
        status = GatewayStatus.of(backend.path(), lock=bool(conf.SMS_RATE_LIMIT))
        if (pause := status.pause(now)) and not knock:
            return Claim(pause=pause)
        # After a failure one message tells whether the gateway is well again.
        messages = list(pick(now, 1 if status.failures else size))
        allowance = status.refill(now)
        if messages and allowance <= 0:
            return Claim(pause=status.time_to_refill())
        messages = _within(allowance, messages)
        if not messages:
            return Claim()
        hand_over(messages, backend.path(), State.UNKNOWN, backend.check_after(now), backend.own_prefix)
        if conf.SMS_RATE_LIMIT:
            status.spend(sum(message.segments for message in messages))
    return Claim(messages)


def _within(allowance: float, messages: Sequence[OutputSMSMessage]) -> list[OutputSMSMessage]:
    """The first messages, as long as some of the allowance is left before each."""
    taken: list[OutputSMSMessage] = []
    for message in messages:
        if allowance <= 0:
            break
        taken.append(message)
        allowance -= message.segments
    return taken


def _pick(now: datetime, size: int) -> list[OutputSMSMessage]:
    """Due messages, a priority at a time: each is one range of the queue's index, whatever waits for later."""
    picked: list[OutputSMSMessage] = []
    waiting = OutputSMSMessage.objects.filter(state=State.WAITING, batch=None).order_by("-priority")
    priority = waiting.values_list("priority", flat=True).first()
    while priority is not None and len(picked) < size:
        due = _locked(now).filter(batch=None, priority=priority).order_by("due_at", "pk")
        picked += due[: size - len(picked)]
        if len(picked) < size:
            priority = waiting.filter(priority__lt=priority).values_list("priority", flat=True).first()
    return picked


def _locked(now: datetime) -> Any:
    return OutputSMSMessage.objects.due(now).select_for_update(skip_locked=True)


def publish(backend: SMSBackend, messages: Sequence[OutputSMSMessage]) -> GatewayError | None:
    """Hand claimed messages to the gateway and record what became of each.

    Returns:
        Why the gateway takes nothing now, if it does not. All workers leave it alone for a while.
    """
    if not backend.sends:
        return None
    if timezone.now() - (messages[0].sent_at or messages[0].created_at) > backend.deadline:
        # This process slept between the claim and the call. Others may have asked about the messages meanwhile.
        logger.warning("%d claimed messages were left alone: the claim is too old.", len(messages))
        return None
    if late := [message for message in messages if message.expires_at and message.expires_at <= timezone.now()]:
        record([_ran_out_of_time(message) for message in late], held=late)
        messages = [message for message in messages if message not in late]
    if not messages:
        return None
    try:
        backend.publish_messages(messages)
    except Exception as error:
        failure = as_gateway_error(error)
        if not isinstance(error, GatewayError):
            logger.exception("%s failed with a batch of %d messages", backend.path(), len(messages))
        # What the failure proves of those messages that the backend itself has said nothing of.
        unanswered = [message for message in messages if message.state == State.UNKNOWN and not message.error]
        record([answered(message, of_failed_call(failure)) for message in unanswered], held=unanswered)
        GatewayStatus.note_failure(backend.path(), failure)
        return failure
    GatewayStatus.note_success(backend.path())
    return None


def end_what_ran_out_of_time() -> int:
    """Move to ERROR what was not handed over before its `expires_at`; gives back how many."""
    ended = 0
    while True:
        now = timezone.now()
        with transaction.atomic():
            late = list(OutputSMSMessage.objects.out_of_time(now).select_for_update(skip_locked=True)[:CHUNK])
            record([_ran_out_of_time(message) for message in late], held=late)
        ended += len(late)
        if len(late) < CHUNK:
            return ended


def _ran_out_of_time(message: OutputSMSMessage) -> Evidence:
    words = _("It was not handed over before %s, the latest time allowed for it. It was never sent.")
    latest = formats.date_format(timezone.localtime(message.expires_at), "DATETIME_FORMAT")
    return Evidence(message.pk, State.ERROR, Source.QUEUE, words=words % latest, error=words % latest)


def check_states() -> CheckRound:
    """Ask every gateway that has messages which are not final, about those that are due for it."""
    done = CheckRound(given_up=give_up_asking())
    due = OutputSMSMessage.objects.due_for_check(timezone.now()).order_by()
    paths = {conf.SMS_SENDER_BACKEND, *due.values_list("backend", flat=True).distinct()}
    for path in sorted(paths - {""}):
        try:
            done.states.update(get_sms_backend(path).bulk_check_sms_states() or {})
        except (GatewayError, ImproperlyConfigured) as error:
            done.errors[path] = str(error)
        except Exception as error:
            logger.exception("Asking %s failed", path)
            done.errors[path] = _("The gateway's client failed (%s).") % type(error).__name__
    return done
