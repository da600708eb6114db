"""Delivery receipts that a gateway pushes: to this machine only, in the order in which they are due."""

from __future__ import annotations

import http.client
import ipaddress
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from smsoffice.simulator.dialect import Item, Outcome, Receipt
from smsoffice.simulator.store import Accepted

if TYPE_CHECKING:
    from smsoffice.simulator.server import Simulator

TICK = 0.02
PATIENCE = 5.0

Write = Callable[[Item], Receipt | None]


class Awaited(NamedTuple):
    """A message whose receipts are still to be written."""

    message: Accepted
    write: Write


class Receipts:
    """Posts a receipt half-way to the last status, where there is a half-way, and one at the last."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.clear()

    def clear(self) -> None:
        """Await nothing more."""
        with self._lock:
            self._on_the_way: deque[Awaited] = deque()
            self._last: deque[Awaited] = deque()

    def expect(self, messages: Iterable[Accepted], write: Write) -> None:
        """Post receipts for accepted messages when they are due."""
        with self._lock:
            self._on_the_way += [Awaited(message, write) for message in messages]
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._simulator.stopping.wait(TICK):
            for awaited in self._due(self._on_the_way, self._simulator.delivery_delay / 2):
                if self._post(awaited) is Outcome.SENT:
                    with self._lock:
                        self._last.append(awaited)
            for awaited in self._due(self._last, self._simulator.delivery_delay):
                self._post(awaited)

    def _due(self, queue: deque[Awaited], age: float) -> list[Awaited]:
        due = []
        with self._lock:
            while queue and time.time() - queue[0].message.at >= age:
                due.append(queue.popleft())
        return due

    def _post(self, awaited: Awaited) -> Outcome | None:
        """Post what is known of a message now; gives back what that is."""
        items = self._simulator.status_of(awaited.message.id)
        for item in items:
            if receipt := awaited.write(item):
                post(receipt)
        return items[0].outcome if items else None


def post(receipt: Receipt) -> int | None:
    """The status that a receiver on this machine answers with; None where there is none or it does not answer."""
    url = urlsplit(receipt.url)
    if url.scheme != "http" or not _is_loopback(url.hostname or ""):
        return None
    connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=PATIENCE)
    try:
        connection.request("POST", f"{url.path or '/'}?{url.query}" if url.query else url.path, *receipt[1:])
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
