"""How the front page spells links, days, ages and times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice import dashboard
from smsoffice.admin.common import comes_twice, number
from smsoffice.states import State


def log_url(**query: Any) -> str:
    """The log, filtered."""
    address = reverse("admin:smsoffice_outputsmsmessage_changelist")
    return f"{address}?{urlencode(query, doseq=True)}" if query else address


def in_states(url: str, *states: State) -> str:
    """A filtered log, of messages in some states only."""
    return f"{url}&{urlencode({'state': states}, doseq=True)}"


def linked(count: int, url: str, spelled: Callable[[int], str] = number) -> str:
    """A number as a link to the messages that it counts. Zero leads nowhere."""
    words = spelled(count)
    return format_html('<a href="{}">{}</a>', url, words) if count else words


def up_to_many(count: int) -> str:
    """A number that is counted up to a bound."""
    return _("more than %s") % number(dashboard.MANY) if count > dashboard.MANY else number(count)


def in_link(moment: datetime) -> str:
    """A time as the log's filters take it, exact to the second also in the hour that comes twice."""
    local = timezone.localtime(moment)
    return f"{local:%Y-%m-%d %H:%M:%S}{f'{local:%z}' if comes_twice(local) else ''}"


def day_in_words(day: date, form: str) -> str:
    """A date with its day of the week, in the reader's spelling."""
    return f"{date_format(day, 'l')} {date_format(day, form)}"


def how_long(since: datetime | None, now: datetime) -> str:
    """An age in a word or two: “44 min”, “3 h”, “2 d”."""
    if since is None:
        return ""
    minutes = int((now - since).total_seconds()) // 60
    if minutes < 1:
        return _("under a minute")
    if minutes < 60:
        return _("%d min") % minutes
    return _("%d h") % (minutes // 60) if minutes < 48 * 60 else _("%d d") % (minutes // 1440)


def every(seconds: float) -> str:
    """How often something is done: “every 5 minutes”."""
    whole = max(round(seconds), 1)
    if whole % 60:
        return ngettext("every %d second", "every %d seconds", whole) % whole
    return ngettext("every %d minute", "every %d minutes", whole // 60) % (whole // 60)


def clock(moment: datetime) -> str:
    """A time; with its date where that is not today's."""
    local = timezone.localtime(moment)
    if local.date() == timezone.localdate():
        return time_format(local, "H:i")
    return date_format(local, "SHORT_DATETIME_FORMAT")


def labelled(said: str) -> str:
    """What a command did, with the states as operators know them."""
    return " ".join(_label(word) for word in said.split())


def _label(word: str) -> str:
    name = word.rstrip(",")
    return word.replace(name, str(State(name).label)) if name in State.values else word
