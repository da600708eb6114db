"""Finding a message whose answer was lost among those that its gateway lists by number, text and time.

Two things are certain: the gateway tells of exactly as many such messages as we may have sent, or of none that could
be ours. Everything else is left to an operator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from smsoffice.backend.sms.base import Message
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.states import State

SKEW = timedelta(hours=1)
"""How much earlier than ours the gateway's time of a message may be: clocks differ."""


@dataclass(frozen=True, slots=True)
class Found:
    """A message that a gateway lists for a number.

    Args:
        outcome: what became of it; without `external_id` where the gateway's words make no sense.
        text: as the gateway has it.
        at: when the gateway took it, where it says so.
        from_us: whether it has the sender that we send under.
    """

    outcome: Outcome
    text: str
    at: datetime | None
    from_us: bool


UNSEEN = Found(Outcome(State.UNKNOWN), "", None, from_us=False)
"""Stands for the messages that a gateway has for a number but did not list."""


def tell_apart(lost: Message, found: Iterable[Found], neighbours: Iterable[Message]) -> Outcome | None:
    """What became of a message whose answer was lost.

    Args:
        found: what the gateway lists for its number; what is older than the hand-over is passed over.
        neighbours: `Gateway.neighbours` of it, read after the gateway has answered: what is in nobody's row then was
            not handed over before.

    Returns:
        The outcome; WAITING where the gateway never heard of it, UNKNOWN where that cannot be told. None where
        somebody else has found out meanwhile.
    """
    neighbours = list(neighbours)
    named = {neighbour.external_id for neighbour in neighbours if neighbour.external_id}
    unnamed = [n for n in neighbours if not n.external_id and n.recipient == lost.recipient and near(lost, _time(n))]
    rivals = sorted((n for n in unnamed if n.content == lost.content), key=lambda n: (_time(n), n.pk))
    if lost.pk not in [rival.pk for rival in rivals]:
        return None
    free = [f for f in found if f.outcome.external_id not in named and (f.at is None or near(lost, f.at))]
    if (fitting := _fitting(free, lost.content)) and len(fitting) == len(rivals):
        # Same text, same number: which of them is which makes no difference to anybody, as long as each is one.
        return fitting[[rival.pk for rival in rivals].index(lost.pk)].outcome
    # A text that nobody here sent may still be ours: some gateways change texts.
    texts_of_others = {n.content for n in unnamed} - {lost.content}
    if all(f.text in texts_of_others for f in free):
        return Outcome(State.WAITING, words=_("The gateway has no message for this number that could be this one."))
    words = _("The gateway has messages for this number since then, and it cannot be told whether this is one of them.")
    return Outcome(State.UNKNOWN, words=words)


def _fitting(found: Sequence[Found], text: str) -> list[Found]:
    """Those that say all that is needed and are as we would have sent them, in the order of their time."""
    fitting = [f for f in found if f.outcome.external_id and f.at and f.from_us and f.text == text]
    return sorted(fitting, key=lambda f: (f.at, f.outcome.external_id))


def _time(message: Message) -> datetime:
    return message.sent_at or message.created_at


def near(lost: Message, time: datetime) -> bool:
    """Whether a message that was taken or handed over at `time` may be this one; it may have been long on its way."""
    return time >= _time(lost) - SKEW
