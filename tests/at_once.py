"""Several threads that do something at the same moment, each with a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def at_once(*jobs: Callable[[], T]) -> list[T]:
    """What each of `jobs` gave back; an error of one is raised. Needs `django_db(transaction=True)`."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T:
        try:
            barrier.wait(timeout=60)
            return job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(run, job) for job in jobs]]


def elsewhere(job: Callable[[], T]) -> T:
    """What `job` gives back in another thread: what everybody but this transaction sees."""
    return at_once(job)[0]
