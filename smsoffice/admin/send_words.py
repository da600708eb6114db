"""What the pages of a send say of times, parts and countries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from babel import Locale, UnknownLocaleError
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.timesince import timeuntil
from django.utils.translation import get_language, gettext, ngettext, to_locale
from phonenumbers import REGION_CODE_FOR_NON_GEO_ENTITY


def grouped(count: int) -> str:
    """A count as the reader's language writes it."""
    return number_format(count, force_grouping=True)


def time_until(moment: datetime) -> str:
    """How far away it is, and which of two it is where the clock is set back: “In 21 hours, 18 minutes.”"""
    words = [gettext("In %(span)s.") % {"span": timeuntil(moment, timezone.now())}]
    local = timezone.localtime(moment)
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        words.append(gettext("The clock is set back and shows this time twice; the first one is meant."))
    return " ".join(words)


def day_and_time(moment: datetime) -> str:
    """A time of the site's clock with its day of the week: “Friday 20 November 2026, 08:00”."""
    local = timezone.localtime(moment)
    return f"{date_format(local, 'l')} {date_format(local, 'DATE_FORMAT')}, {date_format(local, 'H:i')}"


def duration(span: timedelta) -> str:
    """About how long: “35 seconds”, “4 minutes”, “2 hours 10 minutes”."""
    seconds = max(round(span.total_seconds()), 1)
    if seconds < 90:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    spans = [ngettext("%d hour", "%d hours", hours) % hours] if hours else []
    if rest:
        spans.append(ngettext("%d minute", "%d minutes", rest) % rest)
    return " ".join(spans)


def parts_in_words(by_parts: Mapping[int, int]) -> str:
    """How many messages have how many parts: “205 messages in 1 part, 6 messages in 2 parts”."""
    said = []
    for parts, count in sorted(by_parts.items()):
        if parts == 1:
            words = ngettext("%(count)s message in 1 part", "%(count)s messages in 1 part", count)
        else:
            words = ngettext("%(count)s message in %(parts)d parts", "%(count)s messages in %(parts)d parts", count)
        said.append(words % {"count": grouped(count), "parts": parts})
    return ", ".join(said)


def countries_in_words(countries: Mapping[str, int]) -> str:
    """How many people are where: “Czechia 210, United Kingdom 1”."""
    most_first = sorted(countries.items(), key=lambda country: -country[1])
    return ", ".join(f"{country_name(region)} {grouped(count)}" for region, count in most_first)


def country_name(region: str) -> str:
    """What the reader's language calls a region such as “CZ”."""
    if region == REGION_CODE_FOR_NON_GEO_ENTITY:
        return gettext("no country")
    try:
        names = Locale.parse(to_locale(get_language() or "en")).territories
    except (UnknownLocaleError, ValueError):
        names = Locale.parse("en").territories
    return str(names.get(region, region))
