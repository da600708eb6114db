"""Reads settings from environment variables, and says in words which one is wrong and how it should look."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from smsoffice.conf import Setting

T = TypeVar("T")

WORDS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off", ""), False),
}


def boolean(text: str) -> bool:
    """The truth in `text`; an unknown word raises ValueError rather than meaning no."""
    try:
        return WORDS[text.strip().lower()]
    except KeyError:
        raise ValueError("It must be 1, true, yes or on, or else 0, false, no or off.") from None


def whole_number(text: str) -> int:
    """The whole number in `text`."""
    try:
        return int(text)
    except ValueError:
        raise ValueError("It must be a whole number, e.g. 10.") from None


def number(text: str) -> float:
    """The finite number in `text`; a whole one stays an int."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("It must be a number, e.g. 10 or 2.5.")
    return int(value) if value.is_integer() else value


def json_object(text: str) -> dict[str, Any]:
    """The JSON object in `text`."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError('It must be a JSON object, e.g. {"TIMEOUT": 10}.')
    return value


def log_level(text: str) -> str:
    """The name of a level of Python's logging."""
    level = text.strip().upper()
    if level not in logging.getLevelNamesMapping():
        raise ValueError("It must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    return level


def words(text: str) -> list[str]:
    """The words in `text`, which stand between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def header(text: str) -> tuple[str, str] | None:
    """A header and the value that it must have, e.g. `HTTP_X_FORWARDED_PROTO,https`; None where `text` is empty."""
    pair = words(text)
    if not pair:
        return None
    if len(pair) != 2:
        raise ValueError("It must be a header and a value, e.g. HTTP_X_FORWARDED_PROTO,https.")
    return pair[0], pair[1]


def database(text: str) -> dict[str, Any]:
    """An entry of Django's DATABASES for a URL, e.g. `postgres://user:password@host:5432/name`."""
    shape = "It must be a URL such as postgres://user:password@host:5432/name or sqlite:////var/lib/sms/db.sqlite3."
    if not text.startswith(("postgres://", "postgresql://", "sqlite://")):
        raise ValueError(shape)
    try:
        entry: dict[str, Any] = Env.db_url_config(text)
    except ValueError:
        raise ValueError(shape) from None
    if not entry["NAME"]:
        raise ValueError(shape)
    return entry


def read(variables: Mapping[str, str], name: str, parse: Callable[[str], T], default: T) -> T:
    """The variable `name`, or `default` while it is absent.

    Raises:
        ImproperlyConfigured: `parse` refused it. The value is not repeated, as it may hold a secret.
    """
    if name not in variables:
        return default
    try:
        return parse(variables[name])
    except ValueError as error:
        raise ImproperlyConfigured(f"The environment variable {name} cannot be read. {error}") from None


def settings_of(variables: Mapping[str, str], known: Iterable[Setting[Any]]) -> dict[str, Any]:
    """Those of the `known` settings that the environment gives, by their names.

    Raises:
        ImproperlyConfigured: one of them cannot be read as its type.
    """
    return {
        setting.name: read(variables, setting.name, parser_of(setting.types), None)
        for setting in known
        if setting.name in variables
    }


def parser_of(types: tuple[type, ...]) -> Callable[[str], Any]:
    """What reads a value of one of `types`; where None is among them, an empty value and `None` mean it."""
    parse = next(parser for kind, parser in PARSERS if kind in types)
    if type(None) not in types:
        return parse
    return lambda text: None if text.strip() in {"", "None"} else parse(text)


PARSERS: tuple[tuple[type, Callable[[str], Any]], ...] = (
    (str, str),
    (dict, json_object),
    (bool, boolean),
    (float, number),
    (int, whole_number),
)
"""In this order: a float setting takes whole numbers too, and its types say so."""
