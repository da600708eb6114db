"""The two commands as Celery tasks, for more than one machine.

The rows are the queue: a task that is lost, doubled or late does no harm, and the commands may run beside.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import current_app, shared_task
from django.core.cache import cache
from django.db import InterfaceError, OperationalError

from smsoffice import broker, delivery
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

AWAY = 30.0
"""Seconds for which a broker that did not answer is left alone: who sends does not wait for it each time."""


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


said = threading.Event()
"""Whether this process has said that the database is away; it is not said again until all is well."""


def waits_for_the_database(work: Callable[[], None]) -> Callable[[], None]:
    """A round that says in words, once, that the database is away; the next one tries again."""

    @wraps(work)
    def one_round() -> None:
        try:
            work()
        except (InterfaceError, OperationalError) as error:
            if not said.is_set():
                logger.error("The database does not answer (%s). Waiting for it.", type(error).__name__)
            said.set()
        else:
            if said.is_set():
                logger.warning("All is well again.")
            said.clear()

    return one_round


@shared_task(name="smsoffice.send_sms_messages", ignore_result=True)  # type: ignore[untyped-decorator]
@waits_for_the_database
def send_sms_messages() -> None:
    """Hand over what waits, as the command of this name."""
    over = for_a_while()
    done = delivery.send_waiting(stopping=over, background=background)
    note_round(CommandRun.Name.SEND, interval_of(send_sms_messages.name), in_words(done.states))
    if over():
        begin()


@shared_task(name="smsoffice.check_sms_states", ignore_result=True)  # type: ignore[untyped-decorator]
@waits_for_the_database
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
        with broker.connection() as connection:
            send_sms_messages.apply_async(connection=connection, retry=False, countdown=after, expires=after + GOOD_FOR)
    except Exception as error:
        # Each transport has errors of its own.
        cache.set("smsoffice.broker-away", True, AWAY)
        words = "The broker does not answer (%s). The messages wait for the next round."
        logger.warning(words, type(error).__name__)


def start_sending(sender: object, **kwargs: Any) -> None:
    """Let a worker begin as soon as a send has committed, unless the sender itself hands over.

    The caller's work is committed and its messages wait safely: no failure here is the caller's.
    """
    if not conf.SMS_BATCH_SENDING:
        return
    try:
        _begin_soon()
    except Exception:
        logger.exception("No worker could be told to begin; the messages wait for the next round.")


def _begin_soon() -> None:
    if cache.get("smsoffice.broker-away"):
        return
    if cache.add("smsoffice.begun", True, REST):
        begin()
    elif cache.add("smsoffice.to-begin", True, REST):
        # What was committed after that one began to look is taken by this one.
        begin(after=REST)
