"""How the pages of the office show states, numbers, times and texts: each in one way, on every page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils.timezone import localtime

from smsoffice import phone as numbers
from smsoffice.admin.common import INCLUDES, ago, number, state_badge, to_the_second
from smsoffice.models.said import said
from smsoffice.preview import Look

register = template.Library()

METER = 300
"""Width of the meter in its own units."""


register.filter("ago", ago)
register.filter("state", state_badge)
register.filter("number", number)
register.filter("said", said)
register.filter("to_the_second", to_the_second)


@register.filter
def recipient(value: str) -> str:
    """A number in groups: `+420 601 000 117`."""
    return numbers.group_international(value)


@register.inclusion_tag(f"{INCLUDES}/moment.html")
def moment(value: datetime | None) -> dict[str, Any]:
    """A time: relative, and under it the exact one in the site's zone."""
    return {"moment": localtime(value) if value else None}


@register.inclusion_tag(f"{INCLUDES}/phone.html")
def phone(look: Look, to: str = "", sender: str = "", stale: bool = False) -> dict[str, Any]:
    """A text on the phone: its count, a meter, and the bubble, cut where the gateway cuts it.

    Args:
        look: the text.
        to: the number that it goes to, if it is to be shown.
        sender: who it comes from, as far as the site knows.
        stale: whether it is the last good text, shown while the new one cannot be sent.
    """
    capacity, used = look.measured.capacity, [segment.units for segment in look.measured.segments]
    width = METER / len(used)
    return {
        "look": look,
        "to": to,
        "sender": sender,
        "stale": stale,
        "meter": [
            {"x": round(i * width, 1), "width": round(units / capacity * (width - 2 * bool(i)), 1)}
            for i, units in enumerate(used)
        ],
        "gaps": [round(i * width - 1, 1) for i in range(1, len(used))],
    }
