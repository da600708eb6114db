"""Each figure of the front page leads to the messages that it counts, and to no others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape
from typing import Any, NamedTuple

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from smsoffice import dashboard
from smsoffice.admin.dashboard_words import in_link, up_to_many
from smsoffice.filters.fields import MomentField
from smsoffice.models.batch import Batch
from smsoffice.models.gateway import GatewayStatus
from smsoffice.states import State
from tests.admin.people import superuser
from tests.admin.test_dashboard import FRONT
from tests.backends import OtherGateway, ScriptedGateway, use
from tests.factories import BACKEND, ago, ahead, message, messages

pytestmark = pytest.mark.django_db

LOG = reverse("admin:smsoffice_outputsmsmessage_changelist")


class Shown(NamedTuple):
    """A figure of the page that is a link: the words of the link, the number in them, and its address."""

    words: str
    number: int
    url: str


@pytest.fixture(autouse=True)
def noon(settings: Any, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Some time at noon, in the midst of a minute and of a second; nothing is kept, and a gateway that sends is in
    force."""
    cache.clear()
    use(settings, ScriptedGateway)
    now = datetime(2026, 11, 19, 11, 30, 40, 600_000, tzinfo=UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    return now


def a_day_of_work() -> None:
    """Messages of all kinds, some of them hardly too old for what is counted."""
    paused = Batch.objects.create(title="Paused", status=Batch.Status.PAUSED)
    messages(4, due_at=ago(minutes=44))
    messages(2, due_at=ahead(hours=2))
    message(due_at=ago(hours=9), batch=paused, batch_row=1)
    messages(3, State.UNKNOWN, sent_at=ago(minutes=20))
    message(State.UNKNOWN, sent_at=ago(minutes=15, seconds=1), created_at=ago(days=2))
    messages(2, State.UNKNOWN, sent_at=ago(minutes=14, seconds=50))
    messages(5, State.SENDING)
    messages(6, State.SENT, backend=OtherGateway.path())
    messages(7, State.DELIVERED)
    messages(8, State.DELIVERED, created_at=ago(days=3))
    messages(2, State.DEBUG)
    message(State.DELIVERED, created_at=ago(hours=23, minutes=59, seconds=50))
    # Of the minute with which the last 24 hours begin, and before them.
    message(State.DELIVERED, created_at=ago(hours=24, seconds=20))
    message(State.ERROR, error="Refused.", created_at=ago(hours=24, seconds=20))
    for count, error in enumerate(["Off.", "Out.", "", "refused. (30)", "No credit.", "Lost.", "Refused."], start=9):
        messages(count, State.ERROR, error=error)
    messages(2, State.ERROR, error="One of a kind.")
    message(State.ERROR, error="Cancelled.", backend="")


def front(browser: Client) -> str:
    cache.clear()
    return browser.get(FRONT).content.decode()


def figures(text: str, heading: str = "") -> list[Shown]:
    """The links into the log with a number, of the whole page or of the sheet with this heading."""
    page = re.sub(r"\s+", " ", text)
    if heading:
        page = page.partition(f"<h2>{heading}</h2>")[2].partition("</section>")[0]
    found = []
    for url, inside in re.findall(rf'<a href="({LOG}\?[^"]*)"[^>]*>(.*?)</a>', page):
        words = " ".join(unescape(re.sub(r"<[^>]*>", " ", inside)).split())
        # A day is no number of messages.
        if (number := re.search(r"\d[\d,]*", words)) and not re.match(r"[A-Z][a-z]+day ", words):
            found.append(Shown(words, int(number[0].replace(",", "")), unescape(url)))
    return found


def listed(browser: Client, url: str) -> int:
    """How many messages the log has at an address; it has to make sense of all of it."""
    changelist = browser.get(url).context["cl"]
    assert changelist.filters.is_valid(), changelist.filters.errors
    return int(changelist.page.count.number)


def test_each_figure_leads_to_as_many_messages_as_it_says() -> None:
    a_day_of_work()
    browser = superuser()
    shown = figures(front(browser))
    assert len(shown) > 30
    assert [(one, found) for one in shown if (found := listed(browser, one.url)) != one.number] == []


@pytest.mark.parametrize(
    ("heading", "numbers"),
    [
        ("Queue", ["7"]),
        # By day: created, delivered, on the way, not delivered; a zero is no link.
        ("Last 14 days", ["119", "7", "23", "87", "3", "2", "1", "1", "1", "8", "8"]),
        ("Outcome not known", ["4", "2", "Decide on these 4"]),
        # By gateway: handed over, delivered, not delivered, no receipt yet; then the other gateway's.
        ("Delivered, by gateway", ["6", "6", "104", "8", "86", "10"]),
        # No filter finds those 11 of which the reason is not known, nor the 22 that failed for others.
        ("Why messages failed", ["27", "14", "13", "Show these 87 messages in the log"]),
    ],
)
def test_the_figures_of_a_sheet_are_links(heading: str, numbers: Sequence[str]) -> None:
    a_day_of_work()
    assert [one.words for one in figures(front(superuser()), heading)] == numbers


def test_reasons_that_no_filter_finds_are_told_without_a_link() -> None:
    a_day_of_work()
    text = " ".join(front(superuser()).split())
    reasons = text.partition("<h2>Why messages failed</h2>")[2].partition("</section>")[0]
    for words, number in (("The reason is not known.", 11), ("Other reasons", 22)):
        row = f'<tr><th scope="row">{words}</th><td class="so-right so-num so-strong">{number}</td></tr>'
        assert row in reasons


def test_a_reason_that_the_log_cannot_look_for_whole_is_told_with_those_that_begin_like_it() -> None:
    for ending in ("one", "two"):
        message(State.ERROR, error="The gateway says: " + "no, and " * 50 + ending)
    browser = superuser()
    (reason, _all) = figures(front(browser), "Why messages failed")[-2:]
    assert (reason.number, listed(browser, reason.url)) == (2, 2)


def test_more_than_are_counted_one_by_one_are_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "MANY", 2)
    messages(3, due_at=ago(minutes=44))
    messages(3, State.UNKNOWN, sent_at=ago(minutes=20))
    browser = superuser()
    shown = [one.words for heading in ("Queue", "Outcome not known") for one in figures(front(browser), heading)]
    assert shown == ["more than 2", "more than 2", "Decide on these, more than 2"]
    status = GatewayStatus.of(BACKEND)
    status.refusal, status.refused_since = "It refuses our login.", ago(minutes=40)
    status.save()
    assert "more than 2 messages wait; none is lost." in front(browser)


def test_a_number_of_thousands_is_grouped() -> None:
    assert up_to_many(9_999) == "9,999"
    assert up_to_many(10_001) == "more than 10,000"


@pytest.mark.parametrize("is_end", [False, True])
@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 19, 11, 30, 40, tzinfo=UTC),
        # Half past two comes twice.
        datetime(2026, 10, 25, 0, 30, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, 1, tzinfo=UTC),
    ],
)
def test_a_link_says_a_time_that_the_filters_read_as_the_same(moment: datetime, is_end: bool) -> None:
    assert MomentField(is_end=is_end).clean(in_link(moment)) == moment
