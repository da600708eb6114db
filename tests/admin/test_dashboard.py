"""The front page: is it sending, is anything stuck, does anything need somebody?"""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from smsoffice import dashboard
from smsoffice.admin.chart import Day, chart_of
from smsoffice.admin.dashboard_words import log_url
from smsoffice.models.batch import Batch
from smsoffice.models.counts import DayCount
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.rounds import CommandRun, note_round
from smsoffice.states import State
from tests.admin.people import CHANGE, SEND, VIEW, browser_of, superuser
from tests.backends import ScriptedGateway, use
from tests.factories import BACKEND, ago, ahead, message, messages

pytestmark = pytest.mark.django_db

FRONT = reverse("admin:index")


@pytest.fixture(autouse=True)
def nothing_kept(settings: Any) -> None:
    """Counts of another test are not shown here, and a gateway that sends is in force."""
    cache.clear()
    use(settings, ScriptedGateway)


def front(browser: Client | None = None) -> str:
    """The front page, counted anew."""
    cache.clear()
    return (browser or superuser()).get(FRONT).content.decode()


def flat(text: str) -> str:
    """A page's text with single spaces."""
    return " ".join(text.split())


def test_each_state_of_today_is_a_tile_that_leads_to_its_messages() -> None:
    for count, state in enumerate(State, start=1):
        messages(count, state)
    message(State.ERROR, created_at=ago(days=3))
    assert dict(dashboard.figures().days)[timezone.localdate()]["ERROR"] == 6
    text = front()
    for state in State:
        assert f"state={state.value}&amp;created_after=" in text


def test_debug_is_hidden_while_there_is_none_and_the_gateway_sends(settings: Any) -> None:
    message(State.SENT)
    assert "so-debug" not in front().partition("base-svgs")[0]
    settings.PYMESS_SMS_SENDER_BACKEND = "smsoffice.backend.sms.dummy.DummySMSBackend"
    text = front()
    assert "so-debug" in text.partition("base-svgs")[0]
    assert "Test mode." in text


def test_what_waits_is_told_with_its_age() -> None:
    message(due_at=ago(minutes=44))
    message(due_at=ahead(hours=2), send_after=ahead(hours=2))
    paused = Batch.objects.create(title="Paused", status=Batch.Status.PAUSED)
    message(due_at=ago(hours=9), batch=paused, batch_row=1)
    queue = dashboard.figures().queue
    assert (queue.due, queue.scheduled) == (1, 1)
    assert "oldest 44 min" in front()


def test_the_oldest_is_found_whatever_its_priority_and_in_running_bulk_sends() -> None:
    running = Batch.objects.create(title="Running", status=Batch.Status.RUNNING)
    message(due_at=ago(minutes=10))
    message(due_at=ago(minutes=30), priority=-5)
    message(due_at=ago(minutes=50), batch=running, batch_row=1, priority=0)
    queue = dashboard.figures().queue
    assert queue.due == 3
    assert queue.oldest_due is not None
    assert timezone.now() - queue.oldest_due > timedelta(minutes=49)


@pytest.mark.parametrize("many", [1, 3, 100])
def test_the_oldest_may_wait_in_any_of_several_bulk_sends(monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(dashboard, "MANY", many)
    for minutes in (20, 50, 10):
        running = Batch.objects.create(title="Running", status=Batch.Status.RUNNING)
        message(due_at=ago(minutes=minutes), batch=running, batch_row=1, priority=0)
    oldest = dashboard.figures().queue.oldest_due
    assert oldest is not None
    assert timezone.now() - oldest > timedelta(minutes=49)


def crowd() -> None:
    """Eight messages that are due, five that are scheduled, and nine of a paused bulk send, among them one for later.

    Which of them were created first, are due first and are looked at first is mixed on purpose.
    """
    running = Batch.objects.create(title="Running", status=Batch.Status.RUNNING)
    paused = Batch.objects.create(title="Paused", status=Batch.Status.PAUSED)
    for number, priority in enumerate((10, 10, 0, -5, -5)):
        message(priority=priority, due_at=ago(minutes=10 + number), created_at=ago(hours=number))
    for row in range(3):
        message(batch=running, batch_row=row, due_at=ago(minutes=60 + row), created_at=ago(hours=12), priority=0)
    message(batch=running, batch_row=3, due_at=ahead(hours=2), priority=0)
    for priority in (10, 0, -7):
        message(priority=priority, due_at=ahead(hours=2), created_at=ago(hours=30))
    for row in range(8):
        message(batch=paused, batch_row=row, due_at=ago(hours=9), priority=0)
    message(batch=paused, batch_row=8, due_at=ahead(hours=9), priority=0)


@pytest.mark.parametrize(
    ("many", "due", "scheduled"), [(100, 8, 5), (22, 8, 5), (21, 8, 5), (8, 8, 5), (7, 8, 5), (5, 6, 5), (3, 4, 4)]
)
def test_the_queue_is_told_right_up_to_many_though_more_wait(
    monkeypatch: pytest.MonkeyPatch, many: int, due: int, scheduled: int
) -> None:
    crowd()
    monkeypatch.setattr(dashboard, "MANY", many)
    queue = dashboard.figures().queue
    assert (queue.due, queue.scheduled, queue.waiting) == (due, scheduled, min(21, many + 1))
    assert queue.oldest_due is not None
    assert timedelta(minutes=62) <= timezone.now() - queue.oldest_due < timedelta(minutes=63)


def test_unknown_needs_a_decision_once_it_is_old() -> None:
    message(State.UNKNOWN, sent_at=ago(minutes=20))
    message(State.UNKNOWN, sent_at=ago(minutes=2))
    undecided = dashboard.figures().undecided
    assert (undecided.need_decision, undecided.asked) == (1, 1)
    text = front()
    assert "1 needs a decision" in text
    assert "counting all days" not in text


def test_a_tile_of_today_says_so_where_older_messages_need_a_decision_too() -> None:
    message(State.UNKNOWN, sent_at=ago(days=2), created_at=ago(days=2))
    assert "1 needs a decision, counting all days" in front()


@pytest.mark.parametrize(("many", "needing", "asked"), [(100, 7, 4), (11, 7, 4), (10, 7, 4), (6, 7, 4), (3, 4, 4)])
def test_what_is_not_known_is_told_right_up_to_many(
    monkeypatch: pytest.MonkeyPatch, many: int, needing: int, asked: int
) -> None:
    for number in range(7):
        message(State.UNKNOWN, sent_at=ago(minutes=30 + number), created_at=ago(hours=1 + number))
    for number in range(4):
        # Scheduled long ago, and handed over a moment ago.
        message(State.UNKNOWN, sent_at=ago(minutes=2), created_at=ago(days=1 + number))
    monkeypatch.setattr(dashboard, "MANY", many)
    undecided = dashboard.figures().undecided
    assert (undecided.need_decision, undecided.asked) == (needing, asked)
    assert undecided.oldest is not None
    assert timedelta(minutes=36) <= timezone.now() - undecided.oldest < timedelta(minutes=37)


def test_more_undecided_messages_than_are_counted_are_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "MANY", 2)
    messages(3, State.UNKNOWN, sent_at=ago(minutes=20))
    assert "more than 2 need a decision" in front()


def test_a_gateway_that_refuses_us_is_an_alarm() -> None:
    message(due_at=ago(minutes=44))
    status = GatewayStatus.of(BACKEND)
    status.refusal, status.refused_since = "It refuses our login.", ago(minutes=40)
    status.save()
    text = flat(front())
    assert 'role="alert"' in text
    assert "Nothing is being sent." in text
    assert "It refuses our login. 1 message waits; it is not lost." in text
    assert log_url(state="WAITING").replace("&", "&amp;") in text


def test_a_gateway_that_failed_several_times_is_said() -> None:
    message(due_at=ago(minutes=2))
    status = GatewayStatus.of(BACKEND)
    status.failures, status.not_before = 7, ahead(seconds=50)
    status.save()
    text = flat(front())
    assert "The gateway cannot take messages now; the next attempt is at" in text
    assert "1 message waits; it is not lost." in text


def test_a_late_command_is_said() -> None:
    for name in CommandRun.Name:
        note_round(name, 60, "3 SENDING")
    assert "expected every" not in front()
    CommandRun.objects.update(finished_at=ago(minutes=23))
    text = front()
    assert "Sending is late." in text
    assert "States may be out of date." in text
    assert "23 min" in text
    assert "expected every 1 minute" in text


@pytest.mark.parametrize("batch_sending", [True, False])
@pytest.mark.parametrize(("minutes", "is_missed"), [(4, False), (6, True)])
def test_sending_that_has_never_run_is_an_alarm_once_something_waits_for_it(
    settings: Any, minutes: int, is_missed: bool, batch_sending: bool
) -> None:
    settings.PYMESS_SMS_BATCH_SENDING = batch_sending
    message(due_at=ago(minutes=minutes))
    text = flat(front())
    assert ('role="alert"' in text) is is_missed
    assert ("What waits is not being sent." in text) is is_missed
    assert ("send_sms_messages has never run. 1 message waits; it is not lost." in text) is is_missed
    assert text.count("so-cmd-late") == is_missed


def test_sending_is_not_missed_for_what_a_paused_bulk_send_keeps_back() -> None:
    paused = Batch.objects.create(title="Paused", status=Batch.Status.PAUSED)
    message(due_at=ago(hours=9), batch=paused, batch_row=1)
    text = front()
    assert "has never run" not in text
    assert "so-cmd-late" not in text


@pytest.mark.parametrize(
    ("state", "check_after", "is_missed"),
    [
        (State.SENDING, {"minutes": 6}, True),
        (State.UNKNOWN, {"minutes": 6}, True),
        (State.SENT, {"minutes": 6}, True),
        (State.SENDING, {"minutes": 4}, False),
        # Nobody can be asked about it.
        (State.SENT, None, False),
    ],
)
def test_checks_that_have_never_run_are_missed_once_a_gateway_should_have_been_asked(
    state: State, check_after: dict[str, float] | None, is_missed: bool
) -> None:
    messages(3, State.SENDING)
    message(state, sent_at=ago(minutes=12), check_after=ago(**check_after) if check_after else None)
    text = flat(front())
    assert ("States may be out of date." in text) is is_missed
    assert ("check_sms_states has never run." in text) is is_missed
    assert text.count("so-cmd-late") == is_missed
    assert text.count("has not run yet") == 2


def test_a_new_site_blames_no_command_for_not_having_run() -> None:
    text = front()
    assert text.count("has not run yet") == 2
    assert "so-cmd-late" not in text
    assert "has never run" not in text


def test_a_broker_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "has_broker", lambda: True)
    monkeypatch.setattr(dashboard, "answers", lambda: False)
    assert "broker does not answer" in front()


def test_deliveries_are_told_by_gateway_of_what_was_handed_over() -> None:
    messages(3, State.DELIVERED)
    message(State.ERROR)
    message(State.SENT)
    message()
    text = flat(front())
    assert "60.0 %" in text
    assert "in use" in text


def test_reasons_are_counted_and_lead_to_their_messages() -> None:
    for number in range(7):
        messages(number + 1, State.ERROR, error=f"Reason {number}")
    text = flat(front())
    assert "Reason 6" in text
    assert "Reason 1" not in text
    assert "Other reasons" in text
    assert "Show these 28 messages in the log" in text
    assert "error=Reason+6" in text


def test_a_long_reason_leads_to_its_messages_too() -> None:
    failed = message(State.ERROR, error="The gateway says: " + "no, and " * 50)
    browser = superuser()
    link = re.search(r'href="([^"]*error=[^"]*)"', front(browser))
    assert link
    page = browser.get(unescape(link[1])).content.decode()
    assert reverse("admin:smsoffice_outputsmsmessage_change", args=[failed.pk]) in page


def test_a_reason_leads_to_its_messages_in_czech_too() -> None:
    failed = message(State.ERROR, error="The gateway failed (HTTP 503).")
    browser, czech = superuser(), {"accept-language": "cs"}
    text = browser.get(reverse("admin:index"), headers=czech).content.decode()
    link = re.search(r'href="([^"]*error=[^"]*)"[^>]*>\s*Brána selhala', text)
    assert link
    page = browser.get(unescape(link[1]), headers=czech).content.decode()
    assert reverse("admin:smsoffice_outputsmsmessage_change", args=[failed.pk]) in page


def test_bulk_sends_under_way_can_be_steered_from_here() -> None:
    batch = Batch.objects.create(title="Voucher", status=Batch.Status.RUNNING, sendable=4, accepted=4)
    for row, state in enumerate([State.WAITING, State.SENT, State.DELIVERED, State.WAITING], start=1):
        message(state, batch=batch, batch_row=row)
    text = flat(front(browser_of(VIEW, SEND)))
    assert "2 of 4" in text
    assert "50 %" in text
    assert 'name="_pause"' in text
    assert 'name="_pause"' not in front(browser_of(VIEW))
    Batch.objects.update(status=Batch.Status.PAUSED)
    assert 'name="_go_on"' in front(browser_of(VIEW, CHANGE))


def test_a_new_site_says_what_to_do_first() -> None:
    text = front()
    assert "No message yet." in text
    assert "No message failed." in text


def test_who_may_not_see_messages_sees_the_stock_page() -> None:
    message(State.ERROR, error="The number does not exist.")
    text = front(browser_of("view_smstemplate"))
    assert "SMS today" not in text
    assert "The number does not exist." not in text
    assert "Templates" in text


def test_send_sms_is_offered_to_who_may_send() -> None:
    address = reverse("admin:smsoffice_outputsmsmessage_add")
    board = front(browser_of(VIEW)).partition('id="content-main"')[0]
    assert address not in board
    assert address in front(browser_of(VIEW, SEND)).partition('id="content-main"')[0]


def test_where_counting_fails_the_page_still_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DatabaseError

    monkeypatch.setattr(dashboard, "figures", fail)
    text = front()
    assert "The numbers are not available at the moment." in text
    assert "Messages" in text


def test_the_counts_are_shared_for_a_minute(django_assert_max_num_queries: Any) -> None:
    message(State.DELIVERED)
    browser = superuser()
    browser.get(FRONT)
    # Session, user, the rounds, refusals and bulk sends; and the stock page's recent actions.
    with django_assert_max_num_queries(8):
        browser.get(FRONT)


def test_a_front_page_that_is_counted_anew_takes_twelve_statements(django_assert_max_num_queries: Any) -> None:
    for priority in (10, 3, 0, -5):
        messages(5, priority=priority, due_at=ago(minutes=5))
    for name in ("Advent", "Voucher"):
        batch = Batch.objects.create(title=name, status=Batch.Status.RUNNING, sendable=3, accepted=3)
        for row, state in enumerate((State.WAITING, State.SENT, State.ERROR)):
            message(state, batch=batch, batch_row=row, priority=0)
    messages(30, State.ERROR, error="No.")
    messages(3, State.UNKNOWN, sent_at=ago(minutes=20))
    browser = superuser()
    browser.get(FRONT)
    # A minute later: the days before today need not be counted again.
    cache.clear()
    DayCount.objects.filter(day=timezone.localdate()).update(counted_at=ago(seconds=61))
    with django_assert_max_num_queries(12):
        browser.get(FRONT)


# --- A gateway that the site is not set up for --------------------------------------------------------------------


class UnreadyGateway(ScriptedGateway):
    """A gateway of somebody else's that looks at its settings when it is made."""

    def __init__(self) -> None:
        raise ImproperlyConfigured("SHOP_GATEWAY: its KEY is missing.")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("no.such.Backend", "PYMESS_SMS_SENDER_BACKEND: there is no gateway “no.such.Backend”"),
        ("tests.clock.Clock", "tests.clock.Clock does not inherit from smsoffice.backend.sms.SMSBackend."),
        (UnreadyGateway.path(), "SHOP_GATEWAY: its KEY is missing."),
    ],
)
def test_a_gateway_that_cannot_be_made_is_an_alarm_that_names_the_setting(settings: Any, path: str, words: str) -> None:
    settings.PYMESS_SMS_SENDER_BACKEND = path
    message(due_at=ago(minutes=44))
    messages(3, State.DELIVERED)
    text = unescape(flat(front()))
    (alarm,) = re.findall(r'role="alert".*?</div></div>', text)
    assert "Nothing is being sent." in alarm
    assert "1 message waits; it is not lost." in alarm
    assert f"For the administrator: {words}" in alarm
    # All else is told as ever.
    assert "oldest 44 min" in text
    assert "75 % of all" in text
    assert "Test mode." not in text


def test_no_other_note_contradicts_that_of_a_gateway_that_cannot_be_made(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PYMESS_SMS_SENDER_BACKEND = UnreadyGateway.path()
    monkeypatch.setattr(dashboard, "has_broker", lambda: True)
    monkeypatch.setattr(dashboard, "answers", lambda: False)
    message(due_at=ago(minutes=44))
    GatewayStatus.objects.create(backend=UnreadyGateway.path(), failures=9, not_before=ahead(seconds=50))
    note_round(CommandRun.Name.SEND, 60)
    CommandRun.objects.update(finished_at=ago(minutes=23))
    text = front()
    assert text.count("Nothing is being sent.") == 1
    assert "Sending is late." not in text
    assert "the next attempt is at" not in text
    assert "Celery's broker does not answer." in unescape(text)
    assert "Sending goes on" not in text


# --- The chart -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("highest", "lines"),
    [(0, [0, 1, 2, 3]), (4, [0, 2, 4, 6]), (61, [0, 30, 60, 90]), (1_201, [0, 500, 1000, 1500])],
)
def test_the_highest_bar_fills_most_of_the_chart_and_its_lines_are_round(highest: int, lines: list[int]) -> None:
    chart = chart_of([Day(timezone.localdate(), delivered=highest, open=0, failed=0)])
    assert [number for _height, number in chart.grid] == lines


def test_the_tallest_bar_fits_and_the_lines_are_round() -> None:
    today = timezone.localdate()
    chart = chart_of([Day(today, delivered=4712, open=100, failed=88), Day(today, delivered=0, open=0, failed=0)])
    assert [number for _height, number in chart.grid] == [0, 2000, 4000, 6000]
    tall, empty = chart.bars
    assert tall.open_y >= 22
    assert (empty.delivered_height, empty.open_height, empty.share_height) == (0, 0, 0)


@pytest.mark.parametrize("number", [0, 1, 3, 7, 99, 5210, 10_000_000])
def test_any_number_can_be_drawn(number: int) -> None:
    day = Day(timezone.localdate(), delivered=number, open=0, failed=number)
    (bar,) = chart_of([day]).bars
    assert 22 <= bar.delivered_y <= 172
    assert 0 <= bar.share_height <= 34.0


def test_a_bad_day_stands_out() -> None:
    today = timezone.localdate()
    days = [Day(today, delivered=98, open=0, failed=2)] * 13 + [Day(today, delivered=80, open=0, failed=20)]
    assert [bar.is_high for bar in chart_of(days).bars] == [False] * 13 + [True]
