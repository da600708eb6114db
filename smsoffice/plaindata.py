"""Plain data: what a template may be given, and how a template reads it and shows it.

A template meets text, numbers, dates, booleans, and lists and dicts of these, always as a copy in Python's own types.
So nothing that an operator writes can call a method, read an attribute of an object or change the caller's data.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, auto
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType, NoneType
from typing import Any
from uuid import UUID

from django.db.models import Manager, Model, QuerySet
from django.utils.formats import localize, number_format
from django.utils.functional import Promise
from django.utils.timezone import template_localtime  # type: ignore[attr-defined]
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from smsoffice.exceptions import TemplateError, UnsafeData

MAX_DEPTH = 10
"""How deep lists and dicts may be nested; it also ends a structure that holds itself."""

MAX_VALUES = 10_000
"""How many values the data may hold in all, a shared one counted each time that it is met."""

MAX_DIGITS = 200
"""How many digits a number may have; Django's own number formats stop at the same place."""


class Gap(Enum):
    """What stands where the data has nothing."""

    MISSING = auto()
    REPORTED = auto()  # Already in the error; whatever is made of it says nothing more.


LISTS: tuple[type[Collection[Any]], ...] = (list, tuple, type({}.items()), type({}.keys()), type({}.values()))
GROUPS: tuple[type[Collection[Any]], ...] = (*LISTS, dict)

_VIEWS = frozenset({"items", "keys", "values"})
_DATE_PARTS = ("year", "month", "day")
_TIME_PARTS = ("hour", "minute", "second")
# A datetime is a date, so it stands first.
_PARTS: tuple[tuple[type, frozenset[str]], ...] = (
    (datetime, frozenset(_DATE_PARTS + _TIME_PARTS)),
    (date, frozenset(_DATE_PARTS)),
    (time, frozenset(_TIME_PARTS)),
    (timedelta, frozenset({"days"})),
)
_KINDS: tuple[tuple[type | tuple[type, ...], Promise], ...] = (
    (str, _("a text")),
    (bool, _("true or false")),
    ((int, float, Decimal), _("a number")),
    (datetime, _("a date with a time")),
    (date, _("a date")),
    (time, _("a time")),
    (timedelta, _("a length of time")),
    (dict, _("a group of values")),
    (LISTS, _("a list")),
)

_REDUCIBLE = (int, Decimal, str, float, UUID, Promise, date, time, timedelta)
_IMMUTABLE = frozenset({str, float, bool, NoneType, date, datetime, time, timedelta})
_LARGEST = 10**MAX_DIGITS


def check_plain(data: Mapping[str, Any]) -> None:
    """Refuse data that a template must not see; `render` does the same before it renders.

    Args:
        data: what the caller gives to a template.

    Raises:
        UnsafeData: something in it is not plain; the text names its path and says what to pass instead.
    """
    plain(data)


def plain(data: Mapping[str, Any]) -> dict[str | int, Any]:
    """A copy of the data in Python's own types: subclasses reduced, translations and UUIDs turned into text.

    Args:
        data: what the caller gives to a template.

    Raises:
        UnsafeData: as for `check_plain`.
    """
    if not isinstance(data, Mapping):
        raise UnsafeData(
            gettext("The data of a template is a dict of names and values, not %(kind)s.")
            % {"kind": _named(type(data))}
        )
    return _dict(data if isinstance(data, dict) else dict(data), (), [MAX_VALUES])


def _dict(source: dict[Any, Any], path: tuple[str, ...], left: list[int]) -> dict[str | int, Any]:
    _count(len(source), path, left)
    copy: dict[str | int, Any] = {}
    # The base class's own method: a subclass may have made `items` do anything.
    for key, value in dict.items(source):
        name = key if type(key) is str else _key(key, path)
        copy[name] = value if type(value) in _IMMUTABLE else _copy(value, (*path, str(name)), left)
    return copy


def _list(source: Iterable[Any], size: int, path: tuple[str, ...], left: list[int]) -> list[Any]:
    _count(size, path, left)
    return [
        value if type(value) in _IMMUTABLE else _copy(value, (*path, str(index)), left)
        for index, value in enumerate(source)
    ]


def _count(size: int, path: tuple[str, ...], left: list[int]) -> None:
    left[0] -= size
    if left[0] < 0:
        words = gettext("The data holds more than %(most)s values. Pass only what the template needs.")
        raise UnsafeData(words % {"most": grouped(MAX_VALUES)})
    if len(path) > MAX_DEPTH:
        words = gettext("%(path)s is nested deeper than %(most)d levels, or holds itself. Pass it flatter.")
        raise UnsafeData(words % {"path": _quoted(path), "most": MAX_DEPTH})


def _key(key: Any, path: tuple[str, ...]) -> str | int:
    if issubclass(type(key), str):
        return str.__str__(key)
    if issubclass(type(key), int):
        return int.__int__(key)
    holder = _quoted(path) if path else gettext("The data")
    words = gettext("%(holder)s has a key that is %(kind)s. A template can only name keys that are text.")
    raise UnsafeData(words % {"holder": holder, "kind": _named(type(key))})


def _copy(value: Any, path: tuple[str, ...], left: list[int]) -> Any:
    # `type(value)` and not `isinstance`: a lazy object answers `isinstance` for what it hides.
    kind = type(value)
    if issubclass(kind, dict):
        return _dict(value, path, left)
    if issubclass(kind, list):
        return _list(list.__iter__(value), list.__len__(value), path, left)
    if issubclass(kind, tuple):
        return _list(tuple.__iter__(value), tuple.__len__(value), path, left)
    if not issubclass(kind, _REDUCIBLE):
        raise UnsafeData(_refusal(value, path))
    try:
        reduced = _reduced(value)
    except Exception as error:
        # The caller's own code runs here: a lazy translation, a time zone, a subclass of a date.
        words = gettext("%(path)s is %(kind)s that cannot be read. Pass a text.")
        raise UnsafeData(words % {"path": _quoted(path), "kind": _named(kind)}) from error
    if _digits(reduced) > MAX_DIGITS:
        words = gettext("%(path)s is a number of more than %(most)d digits.")
        raise UnsafeData(words % {"path": _quoted(path), "most": MAX_DIGITS})
    return reduced


def _reduced(value: Any) -> Any:
    kind = type(value)
    if issubclass(kind, int):
        return int.__int__(value)
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, float):
        return float.__float__(value)
    if issubclass(kind, Decimal):
        return Decimal(value)
    if issubclass(kind, datetime):
        day, moment = _reduced(value.date()), _reduced(value.timetz())
        return datetime.combine(day, moment)
    if issubclass(kind, date):
        return date(value.year, value.month, value.day)
    if issubclass(kind, time):
        return time(value.hour, value.minute, value.second, value.microsecond, value.tzinfo, fold=value.fold)
    if issubclass(kind, timedelta):
        return timedelta(value.days, value.seconds, value.microseconds)
    return str.__str__(str(value))


def _digits(value: Any) -> int:
    if isinstance(value, int):
        return 0 if -_LARGEST < value < _LARGEST else MAX_DIGITS + 1
    if isinstance(value, Decimal) and value.is_finite():
        _, digits, exponent = value.as_tuple()
        return len(digits) + abs(int(exponent))
    return 0


def _refusal(value: Any, path: tuple[str, ...]) -> str:
    kind = type(value)
    name = next((part for part in reversed(path) if part.isidentifier()), "value")
    # A list's item has no name of its own to show.
    named = f'[{{"name": item.name}} for item in {name}]' if path[-1].isdigit() else f'{{"name": {name}.name}}'
    mends: tuple[tuple[tuple[type, ...], Promise, str], ...] = (
        ((Model,), _("what it needs"), named),
        ((QuerySet, Manager), _("a list of what it needs"), f'list({name}.values("name"))'),
        ((type, FunctionType, MethodType, BuiltinFunctionType), _("what it returns"), f"{name}()"),
        ((Enum,), _("its value"), f"{name}.value"),
        ((bytes, bytearray), _("text"), f"{name}.decode()"),
        ((set, frozenset, GeneratorType), _("a list"), f"list({name})"),
        ((object,), _("what it needs"), named),
    )
    what, example = next((what, example) for kinds, what, example in mends if issubclass(kind, kinds))
    words = gettext("%(path)s is %(kind)s; a template gets plain data only. Pass %(what)s, e.g. %(example)s.")
    mend = f'{{"{name}": {example}}}'
    return words % {"path": _quoted(path), "kind": _named(kind), "what": what, "example": mend}


def _quoted(path: tuple[str, ...]) -> str:
    return gettext("“%s”") % ".".join(path)


def _named(kind: type) -> str:
    if issubclass(kind, type):
        return gettext("a class")
    if issubclass(kind, (FunctionType, MethodType, BuiltinFunctionType)):
        return gettext("a function")
    words = gettext("an %(type)s object") if kind.__name__[:1].lower() in "aeio" else gettext("a %(type)s object")
    return words % {"type": kind.__name__}


def grouped(number: int) -> str:
    """A large number as the reader's language writes it: “10,000”."""
    return number_format(number, force_grouping=True)


def kind_of(value: Any) -> str:
    """What a plain value is, in an operator's words: “a text”, “a date”."""
    return str(next((words for kinds, words in _KINDS if isinstance(value, kinds)), _("empty")))


def member(value: Any, part: str) -> Any:
    """What a dot reads: a key of a dict, a place in a list, a part of a date. No method is called.

    Args:
        value: plain data, or a Gap, which stays what it is.
        part: the name after the dot.

    Returns:
        The value found, else `Gap.MISSING`.
    """
    if isinstance(value, dict):
        if part in value:
            return value[part]
        if part.isdecimal():
            return value.get(int(part), Gap.MISSING)
        return getattr(value, part)() if part in _VIEWS else Gap.MISSING
    if isinstance(value, (list, tuple)):
        return value[int(part)] if part.isdecimal() and int(part) < len(value) else Gap.MISSING
    if isinstance(value, Gap):
        return value
    for kind, parts in _PARTS:
        if isinstance(value, kind):
            # The hour is the one that the whole value shows, in the current time zone.
            return getattr(template_localtime(value), part) if part in parts else Gap.MISSING
    return Gap.MISSING


def as_text(value: Any, name: str | Promise) -> str:
    """How a value stands in the SMS: as Django localises it, and with plain spaces.

    Args:
        value: plain data; a reported Gap shows as nothing.
        name: how the template calls the value, for the error.

    Raises:
        TemplateError: nothing, a list, a group of values or an infinite number has no place in a text.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Gap):
        return ""
    if value is None:
        raise TemplateError(gettext("“%(name)s” is empty.") % {"name": name})
    if isinstance(value, dict):
        words = gettext("“%(name)s” is a group of values. Name the one that you mean, like {{ %(name)s.name }}.")
        raise TemplateError(words % {"name": name})
    if isinstance(value, LISTS):
        words = gettext('“%(name)s” is a list. Write {{ %(name)s|join:", " }}, or walk through it with “for”.')
        raise TemplateError(words % {"name": name})
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        raise TemplateError(gettext("“%(name)s” is not a number that can be shown.") % {"name": name})
    return plain_spaces(str(localize(template_localtime(value))))


def plain_spaces(text: str) -> str:
    """Text that Django formatted, without no-break spaces: GSM-7 has none, so one alone would make the SMS UCS-2."""
    return text.replace("\xa0", " ").replace("\u202f", " ")
