"""The two commands as Celery tasks, for more than one machine.

The rows are the queue: a task that is lost, doubled or late does no harm, and the commands may run beside.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from celery import current_app, shared_task
from django.core.cache import cache
from kombu.exceptions import OperationalError

from smsoffice import delivery
from smsoffice.conf import conf
from smsoffice.models.batch_work import BatchWork
from smsoffice.models.rounds import CommandRun, in_words, note_round

logger = logging.getLogger("smsoffice.tasks")

SLICE = 60.0
"""Seconds after which a task makes room for others; what is left is taken by the next."""

background = BatchWork()
"""This process's work on bulk sends, which goes on in its next task."""


REST = 1.0
"""Seconds in which one process starts sending at most twice: a worker takes all that waits, not one message."""

GOOD_FOR = 60.0
"""Seconds after which it is too late to begin: others have begun since."""


def interval_of(task: str) -> float | None:
    """Seconds between two rounds of a task, as Celery's beat has them; None where it has none."""
    for entry in current_app.conf.beat_schedule.values():
        if entry["task"] == task:
            return float(entry["schedule"])
    return None


def for_a_while() -> Callable[[], bool]:
    """Whether a task's slice of time is over."""
    end = time.monotonic() + SLICE
    return lambda: time.monotonic() > end


@shared_task(name="smsoffice.send_sms_messages", ignore_result=True)  # type: ignore[untyped-decorator]
def send_sms_messages() -> None:
    """Hand over what waits, as the command of this name."""
    over = for_a_while()
    done = delivery.send_waiting(stopping=over, background=background)
    note_round(CommandRun.Name.SEND, interval_of(send_sms_messages.name), in_words(done.states))
    if over():
        begin()


@shared_task(name="smsoffice.check_sms_states", ignore_result=True)  # type: ignore[untyped-decorator]
def check_sms_states() -> None:
    """Ask the gateways, as the command of this name."""
    done = delivery.check_states()
    note_round(CommandRun.Name.CHECK, interval_of(check_sms_states.name), in_words(done.states))


def begin(after: float = 0) -> None:
    """Let a worker begin. A broker that is away is no reason to fail: the next round takes what waits.

    Args:
        after: seconds to wait before.
    """
    try:
        send_sms_messages.apply_async(retry=False, countdown=after, expires=after + GOOD_FOR)
    except OperationalError as error:
        logger.warning("The broker does not answer (%s). The messages wait for the next round.", type(error).__name__)


def start_sending(sender: object, **kwargs: Any) -> None:
    """Let a worker begin as soon as a send has committed, unless the sender itself hands over."""
    if not conf.SMS_BATCH_SENDING:
        return
    if cache.add("smsoffice.begun", True, REST):
        begin()
    elif cache.add("smsoffice.to-begin", True, REST):
        # What was committed after that one began to look is taken by this one.
        begin(after=REST)
