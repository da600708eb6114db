"""The filters of SMS templates: Django's, where they suit plain text, each with what it takes and how it is written.

Django's filters answer a misuse with a blank or with the value as it was. Here a misuse raises, so that no customer
reads a text with a hole in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from django.template import defaultfilters
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.timezone import template_localtime  # type: ignore[attr-defined]
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from smsoffice.exceptions import TemplateError
from smsoffice.plaindata import GROUPS, LISTS, Gap, as_text, grouped, member, plain_spaces

MAX_OUTPUT = 20_000
"""How many characters a template may make, and a filter of smaller parts; no SMS is as long."""

MAX_DECIMALS = 20
"""How many decimal places `floatformat` may show."""

# Three characters, and not “…”: GSM-7 lacks it, so it would cost the SMS half of its room.
_ELLIPSIS = "..."

_ITEM = _("an item")


class Filter(NamedTuple):
    """A filter of SMS templates.

    Args:
        name: as it stands after “|”.
        call: takes the value and the filter's own value, if there is one; it raises what it likes on a misuse.
        takes: the types that the value may have.
        what: those types in words.
        usage: a correct example.
        least: how many values must stand after “:”.
        most: how many values may stand after “:”.
    """

    name: str
    call: Callable[..., Any]
    takes: tuple[type, ...]
    what: Promise
    usage: str
    least: int = 0
    most: int = 0


def _shown(text: str) -> str:
    if not text:
        raise ValueError
    return plain_spaces(text)


def _whole(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, (int, str)):
        raise TypeError
    return int(number)


def too_long() -> str:
    """What is said of a text of more than MAX_OUTPUT characters."""
    words = gettext("The template makes too long a text: more than %(most)s characters.")
    return words % {"most": grouped(MAX_OUTPUT)}


def _check_length(length: int) -> None:
    if length > MAX_OUTPUT:
        raise TemplateError(too_long())


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, (Gap, *GROUPS)):
        raise TypeError
    return as_text(value, _ITEM)


def _date(value: date | time, form: str | None = None) -> str:
    return _shown(defaultfilters.date(template_localtime(value), form))


def _time(value: datetime | time, form: str | None = None) -> str:
    return _shown(defaultfilters.time(template_localtime(value), form))


def _timesince(value: date, now: date | None = None) -> str:
    return _shown(defaultfilters.timesince_filter(value, now))


def _timeuntil(value: date, now: date | None = None) -> str:
    return _shown(defaultfilters.timeuntil_filter(value, now))


def _floatformat(value: Any, places: Any = -1) -> str:
    match = re.fullmatch(r"-?(\d*)[gu]{0,2}", str(places), re.ASCII)
    if not match or int(match[1] or 0) > MAX_DECIMALS:
        raise ValueError
    # Decimal refuses what is no number; Django would answer with a blank.
    if not Decimal(str(value)).is_finite():
        raise ValueError
    return _shown(str(defaultfilters.floatformat(value, places)))


def _truncatechars(value: Any, places: Any) -> str:
    text, length = str(value), _whole(places)
    if length < 1:
        raise ValueError
    return Truncator(text).chars(length, truncate=_ELLIPSIS) if length > len(_ELLIPSIS) else text[:length]


def _truncatewords(value: Any, words: Any) -> str:
    if _whole(words) < 1:
        raise ValueError
    return Truncator(value).words(_whole(words), truncate=f" {_ELLIPSIS}")


def _cut(value: Any, text: Any) -> str:
    return str(value).replace(str(text), "")


def _join(values: Iterable[Any], between: Any) -> str:
    texts, separator = [_scalar(value) for value in values], _scalar(between)
    _check_length(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _first(values: Any) -> Any:
    return values[0] if values else Gap.MISSING


def _last(values: Any) -> Any:
    return values[-1] if values else Gap.MISSING


def _slice(values: Any, bounds: Any) -> Any:
    parts = [_whole(part) if part.strip() else None for part in str(bounds).split(":")]
    return values[slice(*parts)]


def _sorted_by(values: Iterable[Any], path: Any, *, reverse: bool = False) -> list[Any]:
    def key(value: Any) -> Any:
        for part in str(path).split("."):
            value = member(value, part)
        if value is None or isinstance(value, Gap):
            raise ValueError
        return value

    return sorted(values, key=key, reverse=reverse)


def _number(value: Any) -> int | Decimal | None:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    # A float is taken as it is written, so that 9.90 and 0.10 make 10.00.
    return Decimal(str(value)) if isinstance(value, float) else value if isinstance(value, (int, Decimal)) else None


def _add(value: Any, other: Any) -> Any:
    """Numbers are added exactly, where Django would cut an amount of 9.90 to 9; texts are joined."""
    left, right = _number(value), _number(other)
    if left is not None and right is not None:
        return left + right
    text = _scalar(value) + _scalar(other)
    _check_length(len(text))
    return text


def _divisibleby(value: Any, other: Any) -> bool:
    return int(value) % int(other) == 0


def _pluralize(value: Any, endings: Any = "s") -> str:
    if not isinstance(endings, str) or endings.count(",") > 1:
        raise ValueError
    return defaultfilters.pluralize(float(value) if isinstance(value, str) else value, endings)


def _yesno(value: Any, words: Any = None) -> str:
    if words is not None and str(words).count(",") not in (1, 2):
        raise ValueError
    return str(defaultfilters.yesno(value, words))


def _length(value: Any) -> int:
    # Only a condition asks for the length of what is missing.
    return 0 if value is None else len(value)


def _other(value: Any, other: Any) -> Any:
    # An expression asks for it only where the value does not do.
    return other


def _same(value: Any) -> Any:
    return value


_TEXT = (str, int, float, Decimal)
_SIZED: tuple[type, ...] = (str, *GROUPS)
_COUNTED: tuple[type, ...] = (*_TEXT, *GROUPS)
_ANY = (object,)

FILTERS: dict[str, Filter] = {
    row.name: row
    for row in (
        Filter("add", _add, _TEXT, _("a number or a text"), "count|add:1", 1, 1),
        Filter("capfirst", defaultfilters.capfirst, _TEXT, _("a text"), "name|capfirst"),
        Filter("cut", _cut, _TEXT, _("a text"), 'phone|cut:" "', 1, 1),
        Filter("date", _date, (date, time), _("a date"), 'day|date:"j.n.Y"', 0, 1),
        Filter("default", _other, _ANY, _("anything"), 'name|default:"customer"', 1, 1),
        Filter("default_if_none", _other, _ANY, _("anything"), 'name|default_if_none:"customer"', 1, 1),
        Filter("dictsort", _sorted_by, LISTS, _("a list"), 'orders|dictsort:"number"', 1, 1),
        Filter(
            "dictsortreversed",
            lambda values, path: _sorted_by(values, path, reverse=True),
            LISTS,
            _("a list"),
            'orders|dictsortreversed:"number"',
            1,
            1,
        ),
        Filter("divisibleby", _divisibleby, _TEXT, _("a number"), "count|divisibleby:2", 1, 1),
        Filter("first", _first, (str, list, tuple), _("a list or a text"), "names|first"),
        Filter("floatformat", _floatformat, _TEXT, _("a number"), "price|floatformat:2", 0, 1),
        Filter("join", _join, LISTS, _("a list"), 'names|join:", "', 1, 1),
        Filter("last", _last, (str, list, tuple), _("a list or a text"), "names|last"),
        Filter("length", _length, _SIZED, _("a list or a text"), "names|length"),
        Filter("lower", defaultfilters.lower, _TEXT, _("a text"), "name|lower"),
        Filter("pluralize", _pluralize, _COUNTED, _("a number or a list"), 'count|pluralize:"y,ies"', 0, 1),
        Filter("safe", _same, _ANY, _("anything"), "name|safe"),
        Filter("slice", _slice, (str, list, tuple), _("a list or a text"), 'names|slice:":3"', 1, 1),
        Filter("slugify", defaultfilters.slugify, _TEXT, _("a text"), "name|slugify"),
        Filter("time", _time, (datetime, time), _("a time"), 'start|time:"H:i"', 0, 1),
        Filter("timesince", _timesince, (date,), _("a date"), "start|timesince", 0, 1),
        Filter("timeuntil", _timeuntil, (date,), _("a date"), "start|timeuntil", 0, 1),
        Filter("title", defaultfilters.title, _TEXT, _("a text"), "name|title"),
        Filter("truncatechars", _truncatechars, _TEXT, _("a text"), "name|truncatechars:20", 1, 1),
        Filter("truncatewords", _truncatewords, _TEXT, _("a text"), "note|truncatewords:5", 1, 1),
        Filter("upper", defaultfilters.upper, _TEXT, _("a text"), "name|upper"),
        Filter("wordcount", defaultfilters.wordcount, _TEXT, _("a text"), "note|wordcount"),
        Filter("yesno", _yesno, _ANY, _("anything"), 'paid|yesno:"paid,open"', 0, 1),
    )
}
