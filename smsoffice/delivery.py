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
from django.db import InterfaceError, OperationalError, transaction
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from smsoffice.backend.sms.base import SMSBackend, get_sms_backend
from smsoffice.backend.sms.outcomes import answered, as_gateway_error, of_failed_call
from smsoffice.conf import conf
from smsoffice.exceptions import GatewayError, RefusedForUs
from smsoffice.models.batch_watch import watch_all
from smsoffice.models.batch_work import BatchWork
from smsoffice.models.checking import give_up_asking
from smsoffice.models.counts import keep_up
from smsoffice.models.expiry import end_claimed, end_what_ran_out_of_time
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.outage import patient
from smsoffice.models.queue import anything_waits, locked, pick
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.models.transitions import Evidence, Overtaken, Source, hand_over, record
from smsoffice.states import State

logger = logging.getLogger("smsoffice.delivery")

SHORT_PAUSE = timedelta(seconds=5)
"""A round waits so long for a gateway to be well again; a longer pause ends it."""

LONG_REFILL = timedelta(minutes=1)
"""A round waits so long for the rate limit to let the next message leave."""

CLAIM_ATTEMPTS = 3
"""Tries of a claim that another worker overtakes, which happens only where rows cannot be locked."""


@dataclass(slots=True)
class SendRound:
    """What one round of the queue did: the states that its messages reached, and why it stopped early."""

    states: Counter[str] = field(default_factory=Counter)
    put_back: int = 0
    out_of_time: int = 0
    refusal: str = ""
    put_off: str = ""

    @property
    def taken(self) -> int:
        """How many messages left the queue for the gateway, with those that wait again."""
        return sum(self.states.values()) + self.put_back

    def count(self, messages: Iterable[OutputSMSMessage]) -> None:
        """Add what became of the messages of a batch."""
        self.states.update(str(message.state) for message in messages)
        self.put_back += self.states.pop(State.WAITING, 0)


@dataclass(slots=True)
class CheckRound:
    """What one round of questions told: the states by message, who was given up, which gateways did not tell."""

    states: Counter[str] = field(default_factory=Counter)
    given_up: int = 0
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages that this process and no other may hand over now; else how long nobody may, and whether by our rate."""

    messages: Sequence[OutputSMSMessage] = ()
    pause: timedelta = timedelta(0)
    refills: bool = False


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
    except (InterfaceError, OperationalError) as error:
        words = "The database went away (%s) while messages were handed over; those that wait stay in the queue."
        logger.error(words, type(error).__name__)
    except Exception:
        logger.exception("Handing over right after the commit failed; the messages stay in the queue.")


def _publish_now(messages: Sequence[OutputSMSMessage]) -> None:
    backend = get_sms_backend()
    for start in range(0, len(messages), backend.batch_size):
        claim = claim_these(backend, messages[start : start + backend.batch_size])
        if not claim.messages or publish(backend, claim.messages):
            return


@patient()
def send_waiting(
    limit: int | None = None,
    *,
    knock: bool = False,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda count: None,
    background: BatchWork | None = None,
) -> SendRound:
    """Hand over what waits and is due, until nothing is left; between the batches, work on bulk sends.

    Args:
        limit: at most so many messages.
        knock: try a gateway that refused us even before its pause is over, with one message.
        stopping: asked between batches; when true, what is in flight is finished and nothing else begun.
        progress: called after each batch with the number of its messages.
        background: the work on bulk sends of a process that comes back for more; without it, all of it is done now.

    Raises:
        ImproperlyConfigured: PYMESS_SMS_SENDER_BACKEND is no gateway.
        RuntimeError: it is called within a transaction, in which nothing can be committed before it leaves.
    """
    backend = get_sms_backend()
    done, work = SendRound(out_of_time=end_what_ran_out_of_time()), background or BatchWork()
    while not stopping() and (limit is None or done.taken < limit):
        size = backend.batch_size if limit is None else min(backend.batch_size, limit - done.taken)
        claim = claim_due(backend, size, knock=knock)
        knock = False
        if claim.messages:
            error = publish(backend, claim.messages)
            done.count(claim.messages)
            progress(len(claim.messages))
            if isinstance(error, RefusedForUs):
                # Trying again what is refused could lock the account.
                break
            work.step()
        elif timedelta(0) < claim.pause <= (LONG_REFILL if claim.refills else SHORT_PAUSE):
            if not work.step():
                time.sleep(min(claim.pause.total_seconds(), 0.5))
        elif claim.pause or not work.step(look=True):
            break
    _work_on(work, stopping, come_back=background is not None)
    if backend.sends:
        _say_why_it_pauses(backend, done)
    return done


def _work_on(work: BatchWork, stopping: Callable[[], bool], *, come_back: bool) -> None:
    """The work on bulk sends where nothing may be handed over now; a slice of it for who comes back."""
    while not stopping() and work.step(look=True):
        if come_back:
            return
    if not come_back:
        work.watch()


def _say_why_it_pauses(backend: SMSBackend, done: SendRound) -> None:
    if not anything_waits():
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
            return _claim(backend, pick, size, knock=knock)
        except Overtaken:
            continue
    return Claim()


def claim_these(backend: SMSBackend, messages: Sequence[OutputSMSMessage]) -> Claim:
    """Claim messages at hand, as far as nobody else has; the instances follow."""
    try:
        return _claim(backend, lambda now, count: list(messages[:count]), len(messages))
    except Overtaken:
        keys = [message.pk for message in messages]
        return _claim(backend, lambda now, n: locked(now).filter(pk__in=keys).order_by("due_at", "pk")[:n], len(keys))


def _claim(
    backend: SMSBackend,
    choose: Callable[[datetime, int], Iterable[OutputSMSMessage]],
    size: int,
    *,
    knock: bool = False,
) -> Claim:
    now = timezone.now()
    # Durable: a claim that the caller's transaction could take back would be handed over a second time.
    if not backend.sends:
        with transaction.atomic(durable=True):
            messages = list(choose(now, size))
            hand_over(messages, backend.path(), State.DEBUG, None)
        return Claim(messages)
    with transaction.atomic(durable=True):
        status = GatewayStatus.of(backend.path(), lock=bool(conf.SMS_RATE_LIMIT))
        if (pause := status.pause(now)) and not knock:
            return Claim(pause=pause)
        # After a failure one message tells whether the gateway is well again.
        messages = list(choose(now, 1 if status.failures else size))
        allowance = status.refill(now)
        if messages and allowance <= 0:
            return Claim(pause=status.time_to_refill(), refills=True)
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


def publish(backend: SMSBackend, messages: Sequence[OutputSMSMessage]) -> GatewayError | None:
    """Hand claimed messages to the gateway and record what became of each.

    Returns:
        Why the gateway takes nothing now, if it does not. All workers leave it alone for a while.
    """
    if not backend.sends:
        return None
    if timezone.now() - (messages[0].sent_at or messages[0].created_at) > backend.deadline:
        # This process slept between the claim and the call. Others may have asked about the messages meanwhile.
        logger.warning("%d claimed messages were put back: the claim is too old.", len(messages))
        record([_not_handed_over(message) for message in messages], held=messages)
        return None
    if late := [message for message in messages if message.expires_at and message.expires_at <= timezone.now()]:
        end_claimed(late)
        messages = [message for message in messages if message not in late]
    if not messages:
        return None
    try:
        backend.publish_messages(messages)
    except (InterfaceError, OperationalError):
        raise  # The database's failure and not the gateway's: what was said is lost, and the rows say so.
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


def _not_handed_over(message: OutputSMSMessage) -> Evidence:
    words = _("Its turn came too late, so it was left alone.")
    return Evidence(message.pk, State.WAITING, Source.QUEUE, words=words, claimed_at=message.claimed_at, spent=False)


@patient()
def check_states(stopping: Callable[[], bool] = lambda: False) -> CheckRound:
    """Ask every gateway that has messages which are not final, about those that are due for it.

    Args:
        stopping: asked before each gateway; when true, no other is asked.
    """
    done = CheckRound(given_up=give_up_asking())
    due = OutputSMSMessage.objects.due_for_check(timezone.now()).order_by()
    paths = {conf.SMS_SENDER_BACKEND, *due.values_list("backend", flat=True).distinct()}
    for path in sorted(paths - {""}):
        if stopping():
            break
        try:
            done.states.update(get_sms_backend(path).bulk_check_sms_states() or {})
        except (GatewayError, ImproperlyConfigured) as error:
            done.errors[path] = str(error)
        except (InterfaceError, OperationalError):
            raise  # The database's failure and not the gateway's.
        except Exception as error:
            logger.exception("Asking %s failed", path)
            done.errors[path] = _("The gateway's client failed (%s).") % type(error).__name__
    watch_all()
    keep_up()
    return done
