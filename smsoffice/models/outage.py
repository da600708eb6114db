"""A database that is away for a while: what is told only once waits until it can be written."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger("smsoffice.database")

T = TypeVar("T")

REQUEST_WAITS = 10.0
WORKER_WAITS = 900.0
"""Seconds that a write waits for the database: where somebody waits for a page, and in a worker, which can do nothing
else until then."""

PAUSE = 0.5
"""Seconds between two attempts."""

_longest: ContextVar[float] = ContextVar("smsoffice_database_patience", default=REQUEST_WAITS)


@contextmanager
def patient() -> Iterator[None]:
    """Let what is written in the block, or in the function, wait as long as a worker can."""
    token = _longest.set(WORKER_WAITS)
    try:
        yield
    finally:
        _longest.reset(token)


def outlasting(write: Callable[[bool], T]) -> T:
    """Write at once, or else on a new connection as soon as there is one.

    Args:
        write: one transaction. It is told whether an attempt was made before, which may have been committed although
            nobody heard of it.

    Raises:
        InterfaceError, OperationalError: the database is away for too long, or took the caller's transaction along.
    """
    began, failures = time.monotonic(), 0
    while True:
        try:
            written = write(failures > 0)
        except (InterfaceError, OperationalError) as error:
            if connection.in_atomic_block or time.monotonic() - began > _longest.get():
                raise
            connection.close()
            failures += 1
            if failures == 2:
                words = "The database does not answer (%s). What was learnt is written when it is back."
                logger.warning(words, type(error).__name__)
            if failures > 1:
                time.sleep(PAUSE)
        else:
            if failures > 1:
                logger.warning("The database is back, and what was learnt is written.")
            return written
