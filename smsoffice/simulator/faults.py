"""What can go wrong with a whole request, and the switch that makes it so."""

from __future__ import annotations

import threading
from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong; the values are the names themselves, `words` says what the client meets."""

    words: str

    def __new__(cls, value: str, words: str) -> Fault:
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member

    NONE = "NONE", "nothing goes wrong"
    # Nothing is accepted.
    REFUSE_LOGIN = "REFUSE_LOGIN", "the login is refused; nothing accepted"
    HTTP_500_BEFORE = "HTTP_500_BEFORE", "HTTP 500; nothing accepted"
    HTTP_503 = "HTTP_503", "HTTP 503; nothing accepted"
    HTTP_429 = "HTTP_429", "HTTP 429 with Retry-After; nothing accepted"
    REDIRECT = "REDIRECT", "HTTP 302 to another path; nothing accepted"
    CUT_BEFORE = "CUT_BEFORE", "the connection is reset without an answer; nothing accepted"
    HANG_BEFORE = "HANG_BEFORE", "no answer until the client leaves; nothing accepted"
    # The request is accepted, its answer is lost, late or not an answer.
    HTTP_500_AFTER = "HTTP_500_AFTER", "accepted, then HTTP 500"
    HTML = "HTML", "accepted, then an error page with HTTP 200"
    EMPTY_AFTER = "EMPTY_AFTER", "accepted, then an empty body"
    TRUNCATED = "TRUNCATED", "accepted; the answer ends in its middle, and Content-Length says so"
    CUT_MIDWAY = "CUT_MIDWAY", "accepted; the connection is reset in the middle of the answer"
    CUT_AFTER = "CUT_AFTER", "accepted; the connection is reset without an answer"
    HANG_AFTER = "HANG_AFTER", "accepted; no answer until the client leaves"
    LATE = "LATE", "accepted; the answer comes late"
    DRIP = "DRIP", "accepted; the answer, its headers too, comes byte by byte"
    HUGE = "HUGE", "accepted; the answer is right but padded to 50 MB, without Content-Length"
    # The request is accepted, the document is odd or hostile.
    DTD = "DTD", "accepted; the codes are an entity that the document's DOCTYPE declares"
    ENTITY_BOMB = "ENTITY_BOMB", "accepted; the codes are an entity that grows to gigabytes"
    EXTERNAL_ENTITY = "EXTERNAL_ENTITY", "accepted; the codes are an entity that stands for /etc/passwd"
    WRONG_CHARSET = "WRONG_CHARSET", "accepted; declared UTF-8, announced UTF-16, in truth ISO-8859-2"
    NO_DATA_ARRAY = "NO_DATA_ARRAY", "accepted; the items stand directly under the root, which is legal"
    # The request is accepted, the document is sound, what it says of the messages is not.
    UNKNOWN_CODES = "UNKNOWN_CODES", "accepted; every item has a code that no documentation has"
    MISSING_ITEMS = "MISSING_ITEMS", "accepted; the first item and every second one after it are missing"
    FOREIGN_ITEMS = "FOREIGN_ITEMS", "accepted; after each item comes “not delivered” for an id never asked about"
    DUPLICATE_ITEMS = "DUPLICATE_ITEMS", "accepted; the first item comes twice, with contradictory codes"
    REORDERED = "REORDERED", "accepted; the items come in reverse order, which is legal"


ACCEPTS_NOTHING = frozenset(
    {
        Fault.REFUSE_LOGIN,
        Fault.HTTP_500_BEFORE,
        Fault.HTTP_503,
        Fault.HTTP_429,
        Fault.REDIRECT,
        Fault.CUT_BEFORE,
        Fault.HANG_BEFORE,
    }
)
"""With these, nothing of a request is accepted; with all others, everything that its numbers allow."""

IN_THE_DOCUMENT = frozenset(
    {Fault.DTD, Fault.ENTITY_BOMB, Fault.EXTERNAL_ENTITY, Fault.WRONG_CHARSET, Fault.NO_DATA_ARRAY}
)
"""The faults that a dialect writes into its document."""


class FaultSwitch:
    """Which fault the next request meets; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Nothing goes wrong from now on."""
        with self._lock:
            self._standing, self._standing_on = Fault.NONE, "both"
            self._planned: list[tuple[Fault, str]] = []

    @property
    def standing(self) -> Fault:
        """The fault that stays until further notice."""
        return self._standing

    def plan(self, fault: str, times: int | None, on: str) -> None:
        """Let requests meet a fault.

        Args:
            fault: a `Fault` or its name.
            times: how many requests, after those already planned for; None: all, until further notice.
            on: which requests: "submit", "status" or "both".
        Raises:
            ValueError: one of them makes no sense; the text says which.
        """
        if fault not in list(Fault):
            raise ValueError(f"There is no fault “{fault}”. Choose one of: {', '.join(Fault.__members__)}.")
        if on not in ("submit", "status", "both"):
            raise ValueError(f"A fault meets “submit”, “status” or “both”, not “{on}”.")
        if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
            raise ValueError("times must be a whole number from 1 on, or absent.")
        with self._lock:
            if times is None:
                self._standing, self._standing_on = Fault[fault], on
            else:
                self._planned += [(Fault[fault], on)] * times

    def take(self, kind: str) -> Fault:
        """The fault that a request of this kind ("submit" or "status") meets; one planned for it is used up."""
        with self._lock:
            for position, (fault, on) in enumerate(self._planned):
                if on in (kind, "both"):
                    del self._planned[position]
                    return fault
            return self._standing if self._standing_on in (kind, "both") else Fault.NONE
