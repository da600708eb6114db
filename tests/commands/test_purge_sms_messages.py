"""The command that removes what is no longer needed."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from smsoffice.models import retention
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State
from tests.factories import ago, messages

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("purge_sms_messages", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


@pytest.fixture
def five_old() -> None:
    messages(5, State.DELIVERED, created_at=ago(days=100))


@pytest.mark.usefixtures("five_old")
def test_a_dry_run_changes_nothing_and_says_how_many() -> None:
    said = run("--older-than", "90", "--dry-run")
    assert said == "Would remove: 5 texts and numbers of messages older than 90 days. Nothing was changed."
    assert not OutputSMSMessage.objects.filter(content="").exists()


@pytest.mark.usefixtures("five_old")
def test_texts_and_numbers_are_removed_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    assert run("--older-than", "90") == "Removed: 5 texts and numbers of messages older than 90 days."
    assert set(OutputSMSMessage.objects.values_list("recipient", "content")) == {("", "")}


@pytest.mark.usefixtures("five_old")
def test_rows_are_removed_on_demand() -> None:
    messages(1, State.DELIVERED)
    assert run("--older-than", "90", "--rows") == "Removed: 5 messages older than 90 days."
    assert OutputSMSMessage.objects.count() == 1


@pytest.mark.parametrize("days", ["0", "-3", "99999999"])
def test_an_age_that_makes_no_sense_is_refused(days: str) -> None:
    with pytest.raises(CommandError, match="--older-than must be a number of days"):
        run("--older-than", days)


def test_rows_of_the_days_that_the_front_page_counts_are_refused_and_kept() -> None:
    messages(5, State.DELIVERED, created_at=ago(days=14))
    with pytest.raises(CommandError, match="--older-than 15 or more"):
        run("--older-than", "14", "--rows")
    assert OutputSMSMessage.objects.count() == 5
    assert run("--older-than", "13") == "Removed: 5 texts and numbers of messages older than 13 days."
