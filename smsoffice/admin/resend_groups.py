"""The groups in which messages are offered to be resent: what is known of them, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from smsoffice.models.resending import (
    AGAIN,
    DELIVERED,
    HOPELESS,
    KINDS,
    NEVER,
    NOT_SENT,
    ON_ITS_WAY,
    REMOVED,
    RESENT,
    UNKNOWN,
    WAITING,
)
from smsoffice.states import State

KNOWN: dict[str, tuple[State, Any, Any]] = {
    AGAIN: (State.ERROR, gettext_lazy("may work now"), gettext_lazy("What went wrong may be over by now.")),
    HOPELESS: (
        State.ERROR,
        gettext_lazy("will fail again"),
        gettext_lazy("The number or the text is at fault. Correct it and send a new message."),
    ),
    NOT_SENT: (
        State.DEBUG,
        gettext_lazy("not sent, on purpose"),
        gettext_lazy("The gateway of that time sends nothing."),
    ),
    UNKNOWN: (
        State.UNKNOWN,
        gettext_lazy("outcome not known"),
        gettext_lazy("They may have arrived: these people may get the text twice."),
    ),
    ON_ITS_WAY: (
        State.SENT,
        gettext_lazy("on the way"),
        gettext_lazy("They may still arrive: these people may get the text twice."),
    ),
    DELIVERED: (
        State.DELIVERED,
        gettext_lazy("have it already"),
        gettext_lazy("These people would get the text twice."),
    ),
    RESENT: (State.ERROR, gettext_lazy("resent already"), gettext_lazy("A newer copy exists.")),
    WAITING: (State.WAITING, gettext_lazy("not sent yet"), gettext_lazy("They leave by themselves.")),
    REMOVED: (State.ERROR, gettext_lazy("removed"), gettext_lazy("Their numbers and texts were removed.")),
}
"""What is known of a message: the state it is shown with, in words, and why it should or should not be resent."""


@dataclass(frozen=True, slots=True)
class Group:
    """Messages of which the same is known.

    Args:
        kind: what is known of them.
        messages: how many were chosen.
        ticked: whether they are to be resent.
    """

    kind: str
    messages: int
    ticked: bool

    @property
    def state(self) -> State:
        return KNOWN[self.kind][0]

    @property
    def label(self) -> str:
        return str(KNOWN[self.kind][1])

    @property
    def why(self) -> str:
        return str(KNOWN[self.kind][2])

    @property
    def never(self) -> bool:
        return self.kind in NEVER


def groups_of(numbers: Mapping[str, int], ticked: Collection[str]) -> list[Group]:
    """The groups that there are, those that may well be resent first."""
    return [Group(kind, numbers[kind], kind in ticked) for kind in KINDS if numbers.get(kind)]


def ticked_in(request: HttpRequest) -> set[str]:
    """The kinds that are to be resent, as the form has them."""
    return {kind for kind in request.POST.getlist("kind") if kind in KINDS and kind not in NEVER}
