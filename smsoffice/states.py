"""The states of a message, and which may follow which: the one table that guards every change."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy


class State(models.TextChoices):
    """What is known of a message; the values are the names themselves."""

    WAITING = "WAITING", pgettext_lazy("state", "Waiting")
    UNKNOWN = "UNKNOWN", pgettext_lazy("state", "Unknown")
    SENDING = "SENDING", pgettext_lazy("state", "Sending")
    SENT = "SENT", pgettext_lazy("state", "Sent")
    DELIVERED = "DELIVERED", pgettext_lazy("state", "Delivered")
    ERROR = "ERROR", pgettext_lazy("state", "Error")
    DEBUG = "DEBUG", pgettext_lazy("state", "Debug")


MAY_BECOME: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.UNKNOWN, State.DEBUG, State.ERROR}),
    # DEBUG: a third party's backend that does not send is handed the message like any other.
    State.UNKNOWN: frozenset({State.WAITING, State.SENDING, State.SENT, State.DELIVERED, State.ERROR, State.DEBUG}),
    State.SENDING: frozenset({State.SENT, State.DELIVERED, State.ERROR, State.UNKNOWN}),
    State.SENT: frozenset({State.DELIVERED, State.ERROR}),
    State.DELIVERED: frozenset(),
    # A receipt may come after the time at which we gave up.
    State.ERROR: frozenset({State.DELIVERED}),
    State.DEBUG: frozenset(),
}

OPEN: frozenset[State] = frozenset({State.UNKNOWN, State.SENDING, State.SENT})
"""Handed over and not final: what the gateways are asked about."""


def may_become(old: str, new: str) -> bool:
    """Whether the table lets a message in state `old` move to state `new`."""
    return State(new) in MAY_BECOME[State(old)]
