"""What came, and what becomes of it; safe to use from any thread."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from smsoffice.simulator.dialect import Item, Outcome, Submission
from smsoffice.simulator.endings import ending_of

NUMBER = re.compile(r"\+?[0-9]{3,15}")


class Accepted(NamedTuple):
    """A message that the gateway took.

    Args:
        at: when, in seconds of Unix time.
    """

    id: str
    number: str
    text: str
    sender: str
    at: float


class Life(NamedTuple):
    """What is known of an id: why it was refused, or since when it lives."""

    number: str
    at: float
    refused: Outcome | None


class Store:
    """The messages of a simulated gateway, in memory.

    An id that comes again is accepted and counted again, the worst gateway for a client that repeats itself; unless
    the dialect says that its gateway takes an id only once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._accepted: list[Accepted] = []
            self._by_number: Counter[str] = Counter()
            self._by_id: Counter[str] = Counter()
            self._lives: dict[str, Life] = {}

    def submit(self, submissions: Iterable[Submission], *, once: bool = False) -> tuple[list[Item], list[Accepted]]:
        """Take the messages of one request.

        Args:
            once: do not accept an id that was accepted before.

        Returns:
            what the answer says of them, and those that were accepted.
        """
        items: list[Item] = []
        accepted: list[Accepted] = []
        now = time.time()
        with self._lock:
            for submission in submissions:
                ending = ending_of(submission.number)
                refused = ending.refused if NUMBER.fullmatch(submission.number) else Outcome.BAD_NUMBER
                if once and submission.id in self._by_id:
                    refused = Outcome.REPEATED
                # A repeated id keeps its first life: what was delivered is not pending again.
                self._lives.setdefault(submission.id, Life(submission.number, now, refused))
                if refused is None:
                    accepted.append(Accepted(*submission, now))
                    self._by_number[submission.number] += 1
                    self._by_id[submission.id] += 1
                items += ending.says(Item(submission.id, refused or Outcome.TAKEN))
            self._accepted += accepted
        return items, accepted

    def ask(self, ids: Iterable[str], delivery_delay: float, early: float) -> list[Item]:
        """What the answer to a question says.

        Args:
            ids: the ids asked about.
            delivery_delay: seconds from acceptance until a message has its last status.
            early: seconds for which a message that is not found at first is not found.
        """
        items: list[Item] = []
        now = time.time()
        with self._lock:
            for id_ in ids:
                life = self._lives.get(id_)
                if life is None:
                    items.append(Item(id_, Outcome.NOT_FOUND))
                else:
                    outcome = self._outcome(life, now - life.at, delivery_delay, early)
                    items += ending_of(life.number).says(Item(id_, outcome))
        return items

    @staticmethod
    def _outcome(life: Life, age: float, delivery_delay: float, early: float) -> Outcome:
        ending = ending_of(life.number)
        if life.refused:
            return life.refused
        if ending.early and age < early:
            return Outcome.NOT_FOUND
        if age >= delivery_delay:
            return ending.becomes
        return Outcome.SENT if age >= delivery_delay / 2 else Outcome.PENDING

    @property
    def accepted(self) -> list[Accepted]:
        """Every accepted message, in the order of acceptance."""
        with self._lock:
            return list(self._accepted)

    @property
    def by_number(self) -> dict[str, int]:
        """How many messages were accepted for each number, as the client wrote it."""
        with self._lock:
            return dict(self._by_number)

    @property
    def by_id(self) -> dict[str, int]:
        """How many messages were accepted under each id."""
        with self._lock:
            return dict(self._by_id)

    def doubled(self) -> list[str]:
        """The numbers, then the ids, that were accepted more than once."""
        return [key for counts in (self.by_number, self.by_id) for key, count in counts.items() if count > 1]
