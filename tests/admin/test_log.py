"""The log: what a row says, how it is filtered, counted and paged, and on what actions run."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from smsoffice.filters import SEARCHED
from smsoffice.models.log import Found, TookTooLong
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State
from tests.admin.people import CHANGE, SEND, VIEW, a_message, a_template, browser_of, superuser
from tests.factories import customer, messages
from tests.queries import asleep

pytestmark = pytest.mark.django_db

LIST = reverse("admin:smsoffice_outputsmsmessage_changelist")
SMS_OPERATOR = "smsoffice.backend.sms.sms_operator.SMSOperatorBackend"
EXPORT = "export_outputsmsmessage"


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def shown(browser: Client, query: str = "") -> str:
    answer = browser.get(f"{LIST}?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def listed(browser: Client, query: str = "") -> list[int]:
    """The keys of the messages on a page, as its rows link to them."""
    return [int(key) for key in re.findall(r'<th scope="row"[^>]*><a href="[^"]*/(\d+)/change/', shown(browser, query))]


def links(text: str) -> dict[str, str]:
    """The addresses of the links of a page, by their words; of equal words the last."""
    found = re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', text, re.DOTALL)
    return {" ".join(re.sub(r"<[^>]*>", "", words).split()): url.replace("&amp;", "&") for url, words in found}


def many(count: int, **columns: Any) -> list[OutputSMSMessage]:
    """Messages of which each is a minute older than the one before."""
    now = timezone.now()
    return OutputSMSMessage.objects.bulk_create(
        OutputSMSMessage(
            **{"recipient": "+420777123456", "content": "x", "created_at": now - timedelta(minutes=age), **columns}
        )
        for age in range(count)
    )


# --- A row -----------------------------------------------------------------------------------------------------------


def test_a_row_says_to_whom_what_what_became_of_it_and_through_which_gateway() -> None:
    a_message(
        content="Dear Jana,\nyour order is ready.",
        state=State.ERROR,
        error="The number does not exist.",
        template_slug="ready",
        tag="orders",
        segments=3,
        backend=SMS_OPERATOR,
    )
    text = shown(superuser())
    told = ["+420 777 123 456", "Dear Jana, your order is ready.", "ready", "tag orders", "3 parts", "Error"]
    for words in [*told, "The number does not exist.", "SMS Operator"]:
        assert words in text
    assert ">sms_operator" not in text


def test_a_row_says_when_relative_and_to_the_second_in_the_sites_clock() -> None:
    a_message(created_at=timezone.now() - timedelta(minutes=9, seconds=5))
    text = shown(superuser())
    assert "9\xa0minutes ago" in text
    assert re.search(r'<time [^>]*datetime="[^"]+">[^<]* \d\d:\d\d:\d\d</time>', text)
    assert "Europe/Prague" in text


def test_a_scheduled_message_says_for_when() -> None:
    a_message(send_after=timezone.now() + timedelta(days=1))
    assert "scheduled for" in shown(superuser())


def test_a_gateway_that_is_no_longer_installed_keeps_its_class_name() -> None:
    a_message(backend="gone.backends.PigeonSMSBackend")
    assert "PigeonSMSBackend" in shown(superuser())


def test_a_row_leads_to_the_message_and_from_there_back_to_the_filters() -> None:
    message = a_message(tag="december")
    page = reverse("admin:smsoffice_outputsmsmessage_change", args=[message.pk])
    assert f'href="{page}?_changelist_filters=tag%3Ddecember"' in shown(superuser(), "tag=december")


def test_what_stands_in_a_message_is_text_and_no_markup() -> None:
    evil = "<img src=x onerror=alert(1)>"
    a_message(content=evil, error=evil, tag=evil, template_slug=evil)
    assert evil not in shown(superuser())
    assert evil not in shown(superuser(), f"tag={evil}&state={evil}&related_object_type={evil}&{evil}=1")


def test_what_a_message_belongs_to_is_a_link_for_those_who_may_see_it_and_a_key_for_others() -> None:
    jana = customer("Jana Nováková")
    OutputSMSRelatedObject.to(a_message(), jana).save()
    page = reverse("admin:demo_customer_change", args=[jana.pk])
    may = shown(browser_of(VIEW, "demo.view_customer"))
    assert f'<a href="{page}">Customer Jana Nováková</a>' in may
    may_not = shown(browser_of(VIEW))
    assert f"Customer {jana.pk}" in may_not
    assert "Jana" not in may_not
    filtered = f"related_object_type=demo.customer&related_object_id={jana.pk}"
    assert "Jana Nováková" in shown(browser_of(VIEW, "demo.view_customer"), filtered)
    assert "Jana" not in shown(browser_of(VIEW), filtered)


@pytest.mark.parametrize("key", ["abc", "9" * 30])
def test_a_key_that_its_type_cannot_have_any_more_names_nothing(key: str) -> None:
    message, kind = a_message(), ContentType.objects.get_for_model(Group)
    OutputSMSRelatedObject.objects.create(output_sms_message=message, content_type=kind, object_id=key)
    assert f"Group {key}" in shown(superuser())
    page = superuser().get(reverse("admin:smsoffice_outputsmsmessage_change", args=[message.pk]))
    assert key in page.content.decode()


def test_a_type_that_goes_while_it_is_offered_is_offered_no_more() -> None:
    ContentType.objects.clear_cache()
    kind = ContentType.objects.create(app_label="shop", model="voucher")
    OutputSMSRelatedObject.objects.create(output_sms_message=a_message(), content_type=kind, object_id="7")
    browser = superuser()
    assert "shop.voucher" in shown(browser)
    kind.delete()
    ContentType.objects.clear_cache()
    assert "shop.voucher" not in shown(browser)


def test_what_is_gone_keeps_its_type_and_key() -> None:
    message, group = a_message(), Group.objects.create(pk=4711, name="Deleted tomorrow")
    OutputSMSRelatedObject.to(message, group).save()
    kind = ContentType.objects.create(app_label="uninstalled", model="invoice")
    OutputSMSRelatedObject.objects.create(output_sms_message=message, content_type=kind, object_id="F-2026-1")
    group.delete()
    text = shown(superuser())
    assert "Group 4711" in text
    assert "Invoice F-2026-1" in text


def test_of_many_objects_a_row_names_some_and_counts_the_rest() -> None:
    message = a_message()
    for number in range(5):
        OutputSMSRelatedObject.to(message, customer(f"Customer number {number}")).save()
    text = shown(superuser())
    assert "Customer number 1" in text
    assert "Customer number 2" not in text
    assert "and 3 more" in text


def test_a_czech_reads_in_czech() -> None:
    a_message(state=State.ERROR, error="The number does not exist.")
    text = superuser().get(LIST, headers={"accept-language": "cs"}).content.decode()
    assert "Číslo neexistuje." in text
    assert "does not exist" not in text


# --- Filters ---------------------------------------------------------------------------------------------------------


def test_filters_of_the_address_narrow_the_list_and_stand_in_the_form() -> None:
    wanted = a_message(state=State.ERROR, tag="december")
    a_message(state=State.ERROR)
    a_message(tag="december")
    browser = superuser()
    text = shown(browser, "state=ERROR&state=UNKNOWN&tag=december")
    assert listed(browser, "state=ERROR&state=UNKNOWN&tag=december") == [wanted.pk]
    assert "1 message<" in text
    assert re.search(r'value="ERROR"[^>]* checked', text)
    assert not re.search(r'value="SENT"[^>]* checked', text)
    assert 'name="tag" value="december"' in text
    assert "3 in force" in text


def test_each_value_in_force_is_a_pill_that_removes_it_and_it_only() -> None:
    a_message(state=State.ERROR, tag="december", recipient="+420777123456")
    pills = links(
        shown(superuser(), "state=ERROR&state=SENT&tag=december&recipient=%2B420777&older=99999999999999999-1")
    )
    query = "recipient=%2B420777"
    assert {words.removeprefix("Remove the filter "): url for words, url in pills.items() if "Remove" in words} == {
        "State: Error": f"?state=SENT&tag=december&{query}",
        "State: Sent": f"?state=ERROR&tag=december&{query}",
        "Tag: december": f"?state=ERROR&state=SENT&{query}",
        "Recipient: beginning with +420 777": "?state=ERROR&state=SENT&tag=december",
    }
    assert pills["Clear all"] == "?"


def test_an_object_is_one_pill() -> None:
    jana = customer("Jana")
    OutputSMSRelatedObject.to(a_message(), jana).save()
    query = f"related_object_type=demo.customer&related_object_id={jana.pk}"
    assert links(shown(superuser(), query))["Remove the filter Belongs to: Customer Jana"] == "?"


def test_links_to_the_last_hour_day_and_week_keep_the_other_filters() -> None:
    new = a_message(tag="december")
    a_message(tag="december", created_at=timezone.now() - timedelta(hours=2))
    a_message()
    browser = superuser()
    url = links(shown(browser, "tag=december&created_before=2020-01-01"))["hour"]
    assert url.startswith("?tag=december&created_after=")
    assert listed(browser, url[1:]) == [new.pk]


@pytest.mark.parametrize(
    ("now", "words", "since"),
    [
        # The clock goes from 3:00 summer time back to 2:00 on 25 October, and from 2:00 to 3:00 on 28 March.
        ("2026-10-25T01:40:00Z", "hour", "2026-10-25T00:40:00Z"),
        ("2026-10-25T02:40:00Z", "hour", "2026-10-25T01:40:00Z"),
        ("2026-10-25T20:00:00Z", "24 hours", "2026-10-24T20:00:00Z"),
        ("2027-03-28T01:10:00Z", "hour", "2027-03-28T00:10:00Z"),
    ],
)
def test_the_last_hour_is_an_hour_also_when_the_clock_is_set(
    now: str, words: str, since: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromisoformat(now))
    browser, start = superuser(), datetime.fromisoformat(since)
    _older, newer = (a_message(created_at=start + timedelta(minutes=age)) for age in (-1, 1))
    assert listed(browser, links(shown(browser))[words][1:]) == [newer.pk]


@pytest.mark.parametrize(
    ("query", "hours"),
    [
        # From it: from the first one; before it: before the second one.
        ("created_after=2026-10-25 02:00", [0, 1, 2]),
        ("created_before=2026-10-25 02:30", [-1, 0, 1]),
        ("created_after=2026-10-25 02:00&created_before=2026-10-25 03:00", [0, 1]),
        ("created_after=2026-10-25 02:00%2B01:00", [1, 2]),
    ],
)
def test_an_hour_that_comes_twice_is_looked_through_whole(query: str, hours: list[int]) -> None:
    first = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    stored = {hour: a_message(created_at=first + timedelta(hours=hour, minutes=15)).pk for hour in (-1, 0, 1, 2)}
    assert sorted(listed(superuser(), query)) == [stored[hour] for hour in hours]


def test_an_hour_that_there_is_not_is_read_as_the_clock_goes_on() -> None:
    change = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    _before, after = (a_message(created_at=change + timedelta(minutes=age)).pk for age in (-90, 90))
    assert listed(superuser(), "created_after=2027-03-28 02:30") == [after]


def test_two_messages_of_an_hour_that_comes_twice_are_told_apart() -> None:
    for hour in (0, 1):
        a_message(created_at=datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
    text = shown(superuser())
    assert "02:30:00 CEST</time>" in text
    assert "02:30:00 CET</time>" in text


STRANGE = "a&b=c ü \"x\" 'y' <b>+%#/?"


def test_a_tag_with_any_sign_is_found_and_every_link_keeps_it() -> None:
    tagged = [message.pk for message in many(60, tag=STRANGE)]
    many(2, tag="a")
    browser = superuser()
    query = urlencode({"tag": STRANGE, "state": "WAITING"})
    text = shown(browser, query)
    assert listed(browser, query) == tagged[:50]
    found = links(unescape(text))
    assert listed(browser, found["Older ›"][1:]) == tagged[50:]
    assert listed(browser, found["Remove the filter State: Waiting"][1:]) == tagged[:50]
    assert listed(browser, found["24 hours"][1:]) == tagged[:50]
    export = unescape(re.findall(r'formaction="([^"]*export/[^"]*)"', text)[0])
    assert len(browser.post(export, {"column": ["id"]}).getvalue().splitlines()) == 61
    message_page = browser.get(unescape(re.findall(r'<th scope="row"[^>]*><a href="([^"]*)"', text)[0]))
    back = unescape(re.findall(r'<a href="([^"]*)">Messages</a>', message_page.content.decode())[0])
    assert listed(browser, back.partition("?")[2]) == tagged[:50]


def test_the_address_of_a_page_shows_another_reader_the_same_messages() -> None:
    stored = [message.pk for message in many(130)]
    browser = superuser()
    third = links(shown(browser, links(shown(browser))["Older ›"][1:]))["Older ›"][1:]
    many(7)
    assert listed(browser_of(VIEW), third) == stored[100:]


def test_what_was_removed_after_its_time_says_so_in_its_row() -> None:
    a_message(recipient="", content="")
    text = shown(superuser())
    assert "removed" in text
    assert "Select the message, " in text


def test_who_opens_a_shared_link_without_the_right_is_told_so_on_a_page_with_a_way_out() -> None:
    answer = browser_of().get(f"{LIST}?tag=december")
    assert answer.status_code == 403
    text = answer.content.decode()
    assert "You may not open this page" in text
    assert f'href="{reverse("admin:index")}"' in text
    assert "december" not in text


def test_what_is_in_use_is_offered() -> None:
    a_template("never-used")
    OutputSMSRelatedObject.to(a_message(template_slug="gone", tag="advent", backend=SMS_OPERATOR), customer()).save()
    text = shown(superuser())
    for value in ("never-used", "gone", "advent", SMS_OPERATOR, "demo.customer"):
        assert f'<option value="{value}">' in text
    # What was asked for stays chosen though nobody offers it.
    assert '<option value="gone.Gateway" selected>' in shown(superuser(), "backend=gone.Gateway")


@pytest.mark.parametrize(
    "query", ["created_after=yesterday", "state=LOST", "recipient=Jana", "related_object_type=x.y"]
)
def test_a_filter_that_makes_no_sense_is_said_at_its_field_and_in_a_note_and_nothing_is_listed(query: str) -> None:
    message = a_message()
    browser = superuser()
    text = shown(browser, query)
    sentence = re.search(r'<p class="so-error-text" id="id_(\w+)_error">.*?</svg>(.*?)</p>', text)
    assert sentence
    assert f'aria-describedby="id_{sentence[1]}_error"' in text
    assert text.count(sentence[2]) == 2
    assert "<title>Error:" in text
    assert f"/{message.pk}/change/" not in text
    assert "Export these" not in text
    assert 'name="action"' not in text
    # It can be removed.
    assert any("Remove the filter" in words for words in links(text))


def test_a_filter_that_does_not_exist_is_no_invitation_to_show_everything() -> None:
    a_message()
    assert "There is no filter “sate”." in shown(superuser(), "sate=ERROR")
    assert listed(superuser(), "sate=ERROR") == []


def test_an_action_on_nonsense_touches_nothing() -> None:
    message = a_message(state=State.WAITING)
    posted = {"action": "cancel_selected", "_selected_action": [message.pk], "select_across": "1", "index": "0"}
    answer = superuser().post(f"{LIST}?created_after=yesterday", posted, follow=True)
    assert "None of the chosen messages waits any more." in answer.content.decode()


def test_nothing_matches_and_each_filter_can_be_removed() -> None:
    a_message()
    text = shown(superuser(), "state=ERROR&tag=december")
    assert "No message matches these filters." in text
    assert links(text)["Remove the filter Tag: december"] == "?state=ERROR"


def test_an_empty_log_leads_to_sending_who_may_send() -> None:
    add = reverse("admin:smsoffice_outputsmsmessage_add")
    text = shown(browser_of(VIEW, SEND))
    assert "No message yet." in text
    assert f'<a href="{add}">Send SMS</a>' in text
    assert "Send SMS" not in shown(browser_of(VIEW))


def test_words_are_searched_apart_with_a_bound_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SEARCHED, "text", 2)
    old, *_others = [message.pk for message in reversed(many(4, content="needle"))]
    browser = superuser()
    assert old not in listed(browser, "text=needle")
    assert "looked through the newest 2; for older ones set “Created before”" in shown(browser, "text=needle")
    assert "Slow: looked for in the newest" in shown(browser)


def test_a_search_that_takes_too_long_is_given_up_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    a_message()

    def slow(*args: Any) -> Any:
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        with connection.cursor() as cursor:
            cursor.execute(endless)

    monkeypatch.setattr("smsoffice.models.log.Found.count", slow)
    monkeypatch.setattr("smsoffice.admin.log_list.PATIENCE", 0.1)
    monkeypatch.setattr("smsoffice.admin.log_list.A_WALK", 0.05)
    text = shown(superuser(), "text=Hello")
    assert "The search was given up" in text
    assert "<title>Error:" in text


def test_all_questions_of_a_search_together_are_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    a_message()

    def a_while(read: Any) -> Any:
        def slow(*args: Any) -> Any:
            asleep(0.2)
            return read(*args)

        return slow

    monkeypatch.setattr("smsoffice.models.log.Found.count", a_while(Found.count))
    monkeypatch.setattr("smsoffice.models.log.Found.older", a_while(Found.older))
    monkeypatch.setattr("smsoffice.admin.log_list.PATIENCE", 0.35)
    monkeypatch.setattr("smsoffice.admin.log_list.A_WALK", 0.05)
    assert "The search was given up" in shown(superuser(), "text=Hello")


@pytest.mark.parametrize("typed", [".", ".x", "..x.y", "this.s"])
def test_a_gateway_that_was_only_typed_is_not_imported(typed: str) -> None:
    a_message()
    assert "No message matches these filters." in shown(superuser(), urlencode({"backend": typed}))
    assert "this" not in sys.modules


def test_what_no_walk_meets_soon_is_collected_and_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, count = many(5, tag="a", template_slug="b"), Found.count

    def slow_walk(found: Found) -> Any:
        if found.walk:
            with connection.cursor() as cursor:
                cursor.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")
        return count(found)

    monkeypatch.setattr("smsoffice.models.log.Found.count", slow_walk)
    monkeypatch.setattr("smsoffice.models.log.FEW", 3)
    monkeypatch.setattr("smsoffice.admin.log_list.A_WALK", 0.05)
    monkeypatch.setattr("smsoffice.admin.log.LogPages.list_per_page", 2)
    browser, newest_first = superuser(), [row.pk for row in rows]
    assert listed(browser, "tag=a&template=b") == newest_first[:2]
    older = links(shown(browser, "tag=a&template=b"))["Older ›"]
    assert listed(browser, older.lstrip("?")) == newest_first[2:4]
    newer = links(shown(browser, older.lstrip("?")))["‹ Newer"]
    assert listed(browser, newer.lstrip("?")) == newest_first[:2]


# --- Counting and paging ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimate", "words"),
    [(5_012_345, "about 5.0 M messages"), (12_700_000, "about 12.7 M messages"), (48_712, "about 49,000 messages")],
)
def test_a_long_log_is_counted_roughly(monkeypatch: pytest.MonkeyPatch, estimate: int, words: str) -> None:
    a_message()
    monkeypatch.setattr("smsoffice.models.log._estimate", lambda: estimate)
    text = shown(superuser())
    assert words in text
    assert "Export these<" in text


def test_what_matches_is_counted_exactly_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    many(3, tag="december")
    assert "3 messages<" in shown(superuser(), "tag=december")
    assert "Export these 3<" in shown(superuser(), "tag=december")
    monkeypatch.setattr("smsoffice.models.log.MANY", 2)
    assert "more than 2 messages<" in shown(superuser(), "tag=december")


@pytest.mark.parametrize("query", ["", "tag=december", "state=WAITING&state=ERROR", "recipient=%2B420"])
def test_one_goes_through_the_pages_and_back(query: str) -> None:
    stored = [message.pk for message in many(120, tag="december")]
    browser = superuser()
    assert listed(browser, query) == stored[:50]
    first = links(shown(browser, query))
    assert "‹ Newer" not in first
    second = links(shown(browser, first["Older ›"][1:]))
    assert listed(browser, first["Older ›"][1:]) == stored[50:100]
    assert listed(browser, second["Older ›"][1:]) == stored[100:]
    third = links(shown(browser, second["Older ›"][1:]))
    assert "Older ›" not in third
    assert listed(browser, third["‹ Newer"][1:]) == stored[50:100]
    assert listed(browser, second["‹ Newer"][1:]) == stored[:50]
    assert listed(browser, third["« Newest"][1:]) == stored[:50]
    oldest = links(shown(browser, first["Oldest »"][1:]))
    assert listed(browser, first["Oldest »"][1:]) == stored[70:]
    assert "Older ›" not in oldest
    assert listed(browser, oldest["‹ Newer"][1:]) == stored[20:70]


def test_a_page_keeps_its_place_when_new_messages_come() -> None:
    many(60)
    browser = superuser()
    older = links(shown(browser))["Older ›"]
    before = listed(browser, older[1:])
    many(5)
    assert listed(browser, older[1:]) == before


@pytest.mark.parametrize("place", ["older=x", "newer=1", "older=99999999999999999999-1"])
def test_a_place_that_is_none_is_said(place: str) -> None:
    a_message()
    assert listed(superuser(), place) == []
    assert "The place in the list that the address names does not exist." in shown(superuser(), place)


@pytest.mark.parametrize("query", ["", "state=WAITING", "tag=december", "recipient=%2B420", "error=not", "text=Hello"])
def test_a_page_costs_at_most_twelve_queries_whatever_its_length(query: str) -> None:
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            browser.get(f"{LIST}?{query}")
        return sum("SELECT" in one["sql"] for one in asked)

    browser = browser_of(VIEW, "demo.view_customer", "auth.view_group", "auth.view_user")
    user, group = User.objects.first(), Group.objects.create(name="x")
    for message in many(20, tag="december", content="Hello", error="not"):
        for obj in (customer(), user, group):
            assert obj is not None
            OutputSMSRelatedObject.to(message, obj).save()
    browser.get(f"{LIST}?{query}")
    few = questions()
    for message in many(80, tag="december", content="Hello", error="not"):
        OutputSMSRelatedObject.to(message, customer()).save()
    assert questions() <= few <= 12


# --- Actions ---------------------------------------------------------------------------------------------------------


def act(browser: Client, action: str, query: str = "", **posted: Any) -> Any:
    return browser.post(f"{LIST}?{query}", {"action": action, "index": "0", "select_across": "0", **posted})


def test_an_action_runs_on_the_chosen_rows() -> None:
    first, second, _third = messages(3)
    answer = act(superuser(), "cancel_selected", _selected_action=[first.pk, second.pk])
    assert answer.context["count"] == 2


def test_an_action_runs_on_all_that_match_not_only_on_the_page() -> None:
    stored = many(60, tag="december")
    many(5)
    browser = superuser()
    assert "Select all 60 that match" in shown(browser, "tag=december")
    answer = act(browser, "cancel_selected", "tag=december", _selected_action=[stored[0].pk], select_across="1")
    assert answer.context["count"] == 60


@pytest.mark.parametrize("query", ["recipient=%2B420", "text=needle", "error=not"])
def test_an_action_runs_on_all_that_a_slow_search_found(query: str) -> None:
    stored = many(60, content="needle", error="not")
    answer = act(superuser(), "cancel_selected", query, _selected_action=[stored[0].pk], select_across="1")
    assert answer.context["count"] == 60


def test_all_that_match_are_offered_however_many_and_uncounted_ones_without_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("smsoffice.models.log.MANY", 55)
    many(60, tag="december")
    actions = shown(superuser(), "tag=december").split('class="actions"')[1]
    assert "Select all that match<" in actions
    assert "All that match are selected" in actions


def test_an_action_on_a_filter_that_takes_too_long_is_given_up_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: Any) -> Any:
        raise TookTooLong("The search was given up.")

    stored, browser = many(2), superuser()
    monkeypatch.setattr("smsoffice.admin.cancel_many.keys_of", slow)
    answer = act(browser, "cancel_selected", "tag=a", _selected_action=[stored[0].pk], select_across="1")
    assert answer["Location"] == f"{LIST}?tag=a"
    assert "The search was given up." in shown(browser)


def test_an_action_on_what_a_slow_search_found_searches_no_second_time() -> None:
    stored, browser = many(3, content="needle"), superuser()

    def searches(ask: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert ask().status_code == 200
        return sum("needle" in one["sql"].lower() for one in asked)

    once = searches(lambda: browser.get(f"{LIST}?text=needle"))
    chosen = {"_selected_action": [stored[0].pk], "select_across": "1"}
    assert searches(lambda: act(browser, "cancel_selected", "text=needle", **chosen)) == once == 1


@pytest.mark.parametrize("key", ["x", "1; DROP TABLE", "99999999999999999999", "²", ""])
def test_a_key_that_is_none_is_a_bad_request(key: str) -> None:
    a_message()
    assert act(superuser(), "cancel_selected", _selected_action=[key]).status_code == 400


def test_actions_and_export_appear_right_by_right() -> None:
    a_message()
    reader = shown(browser_of(VIEW))
    assert 'name="action"' not in reader
    assert "action-select" not in reader
    assert "Export these" not in reader
    assert "Export these" in shown(browser_of(VIEW, EXPORT))
    assert 'value="export_selected"' in shown(browser_of(VIEW, EXPORT))
    assert 'value="export_selected"' not in shown(browser_of(VIEW, SEND, CHANGE))
    assert 'value="delete_selected"' not in shown(superuser())


def test_the_page_needs_no_inline_script_or_style() -> None:
    a_message(segments=2)
    for query in ("", "state=LOST", "tag=none"):
        text = shown(superuser(), query)
        assert "<style" not in text
        assert " style=" not in text
        assert "onclick=" not in text
        assert "<script>" not in text
