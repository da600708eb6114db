"""What is known of a message that somebody wants to send again, and so whether it should be."""

from __future__ import annotations

from smsoffice.models.lasting import is_lasting
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

AGAIN, HOPELESS, NOT_SENT, UNKNOWN, ON_ITS_WAY, DELIVERED, RESENT, WAITING, REMOVED = KINDS = (
    *("again", "hopeless", "not_sent", "unknown", "on_its_way", "delivered", "resent", "waiting", "removed"),
)

NEVER = frozenset({RESENT, WAITING, REMOVED})
"""Kinds that are not sent again, whatever is ticked."""

_BY_STATE = {
    State.WAITING: WAITING,
    State.DEBUG: NOT_SENT,
    State.UNKNOWN: UNKNOWN,
    State.SENDING: ON_ITS_WAY,
    State.SENT: ON_ITS_WAY,
    State.DELIVERED: DELIVERED,
}


def kind_of(message: OutputSMSMessage, *, resent: bool) -> str:
    """What is known of a message.

    Args:
        resent: whether a newer copy of it exists.
    """
    return kind_by(message.state, message.error, is_removed=not message.recipient, resent=resent)


def kind_by(state: str, error: str, *, is_removed: bool, resent: bool) -> str:
    """The same by its columns; `is_removed`: whether its number and text are gone."""
    if state == State.WAITING:
        return WAITING
    if is_removed:
        return REMOVED
    if resent:
        return RESENT
    if state == State.ERROR:
        return HOPELESS if is_lasting(error) else AGAIN
    return _BY_STATE[State(state)]
