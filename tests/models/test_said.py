"""Stored reasons are read in the reader's language, whatever the site's was when they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import gettext, override

import smsoffice
from smsoffice.models.said import SENTENCES, said


@pytest.mark.parametrize(
    ("stored", "czech"),
    [
        ("The number does not exist.", "Číslo neexistuje."),
        ("The gateway failed (HTTP 503).", "Brána selhala (HTTP 503)."),
        ("Resent as message 12.", "Posláno znovu jako zpráva 12."),
        ("AbsentSubscriber in the network of the operator", "AbsentSubscriber in the network of the operator"),
        ("", ""),
    ],
)
def test_what_the_program_wrote_is_translated_and_what_others_wrote_is_not(stored: str, czech: str) -> None:
    with override("cs"):
        assert said(stored) == czech
    with override("en"):
        assert said(stored) == stored


def test_a_sentence_within_a_sentence_is_translated_too() -> None:
    stored = "It was not sent. After 3 attempts the gateway still did not take it: The gateway failed (HTTP 503)."
    with override("cs"):
        assert "Brána selhala (HTTP 503)." in said(stored)
        assert "gateway" not in said(stored)


def test_what_a_czech_site_wrote_is_read_in_english(settings: Any) -> None:
    settings.LANGUAGE_CODE = "cs"
    with override("cs"):
        stored = gettext("The gateway did not answer in %g s.") % 2.5
    with override("en"):
        assert said(stored) == "The gateway did not answer in 2.5 s."


@pytest.mark.parametrize("sentence", SENTENCES)
def test_each_sentence_is_one_that_the_program_still_writes_and_that_is_translated(sentence: str) -> None:
    root = Path(smsoffice.__file__).parent
    written = [file for file in root.rglob("*.py") if file.name != "said.py" and f'_("{sentence}")' in file.read_text()]
    assert written
    with override("cs"):
        assert gettext(sentence) != sentence
