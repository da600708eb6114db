"""What the front page counts: each row once, in one question, and nothing that is kept already."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from smsoffice import dashboard
from smsoffice.models.counts import DAYS, DayCount, bounds, days_until, keep_up
from smsoffice.states import State
from tests.admin.people import browser_of
from tests.admin.test_dashboard import FRONT
from tests.backends import ScriptedGateway, use
from tests.factories import BACKEND, message, messages

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept(settings: Any) -> None:
    """Counts of another test are not shown here."""
    cache.clear()
    use(settings, ScriptedGateway)


def at(monkeypatch: pytest.MonkeyPatch, moment: str) -> datetime:
    """Let it be that time of the site's clock."""
    now = datetime.fromisoformat(moment).replace(tzinfo=timezone.get_default_timezone()).astimezone(UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    return now


# An ordinary day, and that on which the clocks go back: its midnight is more than 24 hours ago.
@pytest.mark.parametrize(("moment", "lately", "today"), [("2026-11-19 14:00", 6, 4), ("2026-10-25 23:50", 3, 6)])
def test_today_and_the_last_24_hours_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, moment: str, lately: int, today: int
) -> None:
    now = at(monkeypatch, moment)
    message(State.DELIVERED, created_at=now - timedelta(minutes=1))
    messages(2, State.DELIVERED, created_at=now - timedelta(hours=20))
    messages(3, State.DELIVERED, created_at=bounds(now.date())[0] + timedelta(seconds=1))
    figures = dashboard.figures()
    assert figures.by_gateway == {BACKEND: {"DELIVERED": lately}}
    assert figures.days[-1] == (now.date(), {"DELIVERED": today})


def test_days_that_are_over_are_counted_by_who_checks_states() -> None:
    days = days_until(timezone.localdate())
    for number, day in enumerate(days, start=1):
        messages(number, State.DELIVERED, created_at=bounds(day)[0])
    before = dashboard.figures().days
    assert not DayCount.objects.exists()
    cache.clear()
    keep_up()
    assert DayCount.objects.count() == DAYS - 1
    assert dashboard.figures().days == before
    assert [totals["DELIVERED"] for _day, totals in before[:-1]] == list(range(1, DAYS))


def test_what_was_counted_before_midnight_lacks_the_rest_of_the_day() -> None:
    yesterday = days_until(timezone.localdate())[-1]
    message(State.DELIVERED, created_at=bounds(yesterday)[1] - timedelta(seconds=1))
    DayCount.objects.create(day=yesterday, counts={}, counted_at=bounds(yesterday)[1] - timedelta(minutes=1))
    assert dict(dashboard.figures().days)[yesterday] == {"DELIVERED": 1}


def test_a_page_counted_from_nothing_takes_twelve_statements_of_an_operator(django_assert_max_num_queries: Any) -> None:
    for day in days_until(timezone.localdate()):
        message(State.DELIVERED, created_at=bounds(day)[0])
    operator = browser_of("view_outputsmsmessage")
    operator.get(FRONT)
    cache.clear()
    with django_assert_max_num_queries(12):
        operator.get(FRONT)
