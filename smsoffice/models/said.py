"""What the program once wrote of a message, in the site's language, as the reader of today is to read it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext, override
from django.utils.translation import gettext_noop as _

SENTENCES = (
    _("Resend of message %s."),
    _("Resent as message %s."),
    _("The gateway failed (HTTP %s)."),
    _("The gateway has moved (HTTP %s). Correct the URL in its settings."),
    _("The gateway refuses our login (HTTP %s). Check its settings."),
    _("The gateway refuses our call (HTTP %s). Check the URL in its settings."),
    _("The gateway could not be reached within %g s."),
    _("The gateway did not answer in %g s."),
    _("The gateway's client failed (%s)."),
    _("The gateway's code “%s” has no known meaning."),
    _("The gateway gave two answers for this message: %(one)s / %(other)s"),
    _("The gateway is no longer asked: it has not told the outcome within %(hours)d hours."),
    _("It was not sent. After %(attempts)d attempts the gateway still did not take it: %(words)s"),
    _("It was not handed over before %s, the latest time allowed for it. It was never sent."),
)
"""The stored sentences that have something filled in; all others are in the catalog as they stand."""

LOOKED_FOR = 200
"""Characters of the words that are looked for in reasons and texts."""

_PLACE = re.compile(r"%(?:\((?P<name>\w+)\))?[sdg]")


class Pattern(NamedTuple):
    """A sentence of SENTENCES, and how it reads in the site's language."""

    sentence: str
    names: list[str]
    written: re.Pattern[str]


def said(stored: str) -> str:
    """A stored reason in the active language; what a gateway or a person wrote stays as it is."""
    if not stored:
        return ""
    whole = gettext(stored)
    if whole != stored:
        return whole
    for pattern in _patterns(settings.LANGUAGE_CODE):
        if found := pattern.written.fullmatch(stored):
            values = {name: said(value) for name, value in zip(pattern.names, found.groups(), strict=True)}
            return _filled_in(gettext(pattern.sentence), values)
    return stored


def says(stored: str, words: str) -> bool:
    """Whether words stand in a stored reason, as it is stored or as it is shown; capitals count for nothing."""
    words = words.casefold()
    return words in stored.casefold() or words in said(stored).casefold()


def _filled_in(sentence: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place["name"] or ""], sentence)


@lru_cache(maxsize=4)
def _patterns(language: str) -> list[Pattern]:
    with override(language):
        return [_pattern(sentence, gettext(sentence)) for sentence in SENTENCES]


def _pattern(sentence: str, translated: str) -> Pattern:
    names = [place["name"] or "" for place in _PLACE.finditer(translated)]
    between = [re.escape(words) for words in _PLACE.sub("\0", translated).split("\0")]
    return Pattern(sentence, names, re.compile("(.+)".join(between), re.DOTALL))
