"""Cutting off what takes too long: one thread a process watches over all calls."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from typing import Self


class Watchdog:
    """Cuts a connection off that is still waited for after so many seconds.

    The time-out of a socket counts from byte to byte: a gateway that drips could hold the call for ever.
    """

    def __init__(self, seconds: float, cut: Callable[[], object]) -> None:
        self.has_bitten = False
        self._cut, self._seconds = cut, max(seconds, 0)
        self._over = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        _guard().watch(time.monotonic() + self._seconds, self)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._over = True

    def bite(self) -> None:
        """Cut the connection, unless the wait is over."""
        with self._lock:
            if self._over:
                return
            self.has_bitten = True
        # The connection may just have ended, or have been given back to its pool.
        with suppress(OSError, AttributeError, RuntimeError, ValueError):
            self._cut()


class _Guard:
    """The thread, and the watchdogs by the time at which each bites; those whose wait is over do nothing then."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._dogs: list[tuple[float, int, Watchdog]] = []
        self._serial = count()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="sms-watchdog", daemon=True).start()

    def watch(self, bites_at: float, dog: Watchdog) -> None:
        with self._changed:
            heappush(self._dogs, (bites_at, next(self._serial), dog))
            if self._dogs[0][2] is dog:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            self._next().bite()

    def _next(self) -> Watchdog:
        """The first watchdog, at its time."""
        with self._changed:
            while not self._dogs or self._dogs[0][0] > time.monotonic():
                self._changed.wait(self._dogs[0][0] - time.monotonic() if self._dogs else None)
            return heappop(self._dogs)[2]


_guards: list[_Guard] = []
_making = threading.Lock()


def _guard() -> _Guard:
    """This process's guard: a process that was forked has none of its parent's threads."""
    if not _guards or _guards[0].process != os.getpid():
        with _making:
            if not _guards or _guards[0].process != os.getpid():
                _guards[:] = [_Guard()]
    return _guards[0]
