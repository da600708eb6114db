"""Cancel what waits of a filter, however many: fixed first, then said, then done in the request and by the queue."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from smsoffice.admin import cancel_all, cancel_many
from smsoffice.models import cancellation
from smsoffice.models.batch_work import work
from smsoffice.models.cancellation import Cancellation
from smsoffice.states import State
from tests.admin.people import CHANGE, SEND, VIEW, browser_of, superuser
from tests.factories import message, messages, states

pytestmark = pytest.mark.django_db

LIST = reverse("admin:smsoffice_outputsmsmessage_changelist")
TAGGED = "?tag=a%26b"


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsoffice.admin.chosen.AT_ONCE", 2)
    monkeypatch.setattr(cancel_many, "AT_ONCE", 2)
    monkeypatch.setattr(cancellation, "CHUNK", 2)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request has no time to do any of it."""
    monkeypatch.setattr(cancel_all, "go_on_cancelling", lambda key: None)


def chosen(browser: Client, query: str = TAGGED) -> Any:
    """The page after the action was chosen for all that match."""
    posted = {"action": "cancel_selected", "index": "0", "select_across": "1", "_selected_action": ["1"]}
    return browser.post(f"{LIST}{query}", posted, follow=True)


def address(query: str = "") -> str:
    made = Cancellation.objects.get()
    return reverse("admin:smsoffice_outputsmsmessage_cancellation", args=[made.pk]) + query


def words_of(answer: Any) -> str:
    return " ".join(str(one) for one in answer.context["messages"])


def test_the_page_says_how_many_wait_and_nothing_is_done_yet() -> None:
    waiting = messages(3, tag="a&b")
    message(State.SENT, tag="a&b")
    message(tag="another")
    text = unescape(chosen(superuser()).content.decode())
    assert "3 messages wait and will not be sent." in text
    assert f'href="{LIST}{TAGGED}"' in text
    assert states(waiting) == [State.WAITING] * 3
    assert Cancellation.objects.get().total == 3


def test_confirmed_they_are_cancelled_once_and_it_is_recorded_who_did_it() -> None:
    waiting, browser = messages(5, tag="a&b"), superuser()
    chosen(browser)
    later = message(tag="a&b")
    answer = browser.post(address(TAGGED), follow=True)
    assert "<b>5 of 5</b>" in answer.content.decode()
    assert states(waiting) == [State.ERROR] * 5
    assert states([later]) == [State.WAITING]
    assert f'href="{LIST}{TAGGED}"' in unescape(answer.content.decode())
    again = browser.post(address(), follow=True)
    assert words_of(again) == "This was confirmed before, and is done once."
    assert LogEntry.objects.get().change_message == "Set out to cancel 5 messages."
    assert waiting[0].events.get().user == answer.context["user"]


@pytest.mark.usefixtures("busy")
def test_what_the_request_has_no_time_for_is_shown_and_done_by_the_queue() -> None:
    waiting, browser = messages(5, tag="a&b"), superuser()
    chosen(browser)
    text = browser.post(address(TAGGED), follow=True).content.decode()
    assert "<b>0 of 5</b>" in text
    assert "data-goes-on" in text
    assert "Go on at once" in text
    for _slice in work():
        pass
    assert states(waiting) == [State.ERROR] * 5
    numbers = browser.get(address("?numbers=1")).content.decode()
    assert "<b>5 of 5</b>" in numbers
    assert "data-goes-on" not in numbers
    assert "<html" not in numbers


@pytest.mark.usefixtures("busy")
def test_one_that_is_under_way_is_found_among_the_bulk_sends_by_who_may_cancel() -> None:
    messages(5, tag="a&b")
    browser, bulk_sends = superuser(), reverse("admin:smsoffice_batch_changelist")
    chosen(browser)
    assert address() not in browser.get(bulk_sends).content.decode()
    browser.post(address())
    assert address() in browser.get(bulk_sends).content.decode()
    assert address() not in browser_of(VIEW).get(bulk_sends).content.decode()
    for _slice in work():
        pass
    assert address() not in browser.get(bulk_sends).content.decode()


def test_where_no_queue_runs_the_page_goes_on_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, browser = messages(5, tag="a&b"), superuser()
    chosen(browser)
    with monkeypatch.context() as patch:
        patch.setattr(cancel_all, "go_on_cancelling", lambda key: None)
        browser.post(address())
    answer = browser.post(address(), {"_go_on": ""}, follow=True)
    assert words_of(answer) == ""
    assert "<b>5 of 5</b>" in answer.content.decode()
    assert states(waiting) == [State.ERROR] * 5


def test_where_none_of_them_waits_nothing_is_kept() -> None:
    messages(3, State.SENT, tag="a&b")
    assert "None of the chosen messages waits any more." in words_of(chosen(superuser()))
    assert not Cancellation.objects.exists()


def test_more_than_one_go_takes_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellation, "MOST", 3)
    monkeypatch.setattr(cancel_all, "MOST", 3)
    messages(4, tag="a&b")
    assert "At most 3 are cancelled at once, the oldest first." in chosen(superuser()).content.decode()


def test_what_another_one_chose_is_nobody_elses_until_it_is_confirmed() -> None:
    messages(3, tag="a&b")
    mine, other = browser_of(VIEW, CHANGE), superuser()
    chosen(mine)
    assert other.get(address()).status_code == other.post(address()).status_code == 404
    mine.post(address())
    assert other.get(address()).status_code == 200


@pytest.mark.parametrize("rights", [[VIEW], [VIEW, SEND]])
def test_it_takes_the_right_to_change(rights: list[str]) -> None:
    waiting = messages(3, tag="a&b")
    chosen(superuser())
    browser = browser_of(*rights)
    assert browser.get(address()).status_code == browser.post(address()).status_code == 403
    chosen(browser)
    assert Cancellation.objects.count() == 1
    assert states(waiting) == [State.WAITING] * 3
