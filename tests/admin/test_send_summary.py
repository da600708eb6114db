"""The summary before sending, and the one button that sends: once, what was shown, to whom it was shown."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from smsoffice.admin import send_facts
from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_work import work
from smsoffice.models.sms import PRIORITY_BULK, PRIORITY_SINGLE, OutputSMSMessage, SMSTemplate
from smsoffice.states import State
from tests import batches
from tests.admin.people import SEND, VIEW, a_template, browser_of, superuser
from tests.admin.sending import ADD, a_csv, a_draft, an_xlsx, confirm, go_on, summary, words_of
from tests.at_once import at_once
from tests.factories import numbers

pytestmark = pytest.mark.django_db

THREE = "777 123 456\n+420777123457\n00420 777 123 458"
MIXED = "phone;name\n777123456;Jana\n777 12;Petr\n+44 7700 900123;Jane\n777123456;Jana\n"


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def page(message: OutputSMSMessage) -> str:
    return reverse("admin:smsoffice_outputsmsmessage_change", args=[message.pk])


def progress(batch: Batch) -> str:
    return reverse("admin:smsoffice_batch_change", args=[batch.pk])


def a_bulk_draft(browser: Client, **fields: Any) -> Batch:
    return a_draft(browser, **{"recipients": THREE, **fields})


# --- What it says ----------------------------------------------------------------------------------------------------


def test_it_says_what_goes_to_whom_when_and_what_it_costs() -> None:
    a_template("hello", "Dear {{ name }}, " + "come. " * 25)
    browser = superuser()
    fields = {"tag": "friday", "when": "later", "date": "2099-01-02", "time": "08:00", "wait": "on", "first": "2"}
    until = {"until_date": "2099-01-02", "until_time": "18:00"}
    batch = a_draft(browser, template="hello", recipients=f"{MIXED}+420777123459;{'x' * 40};note", **fields, **until)
    text = text_of(browser.get(summary(batch)))
    for words in (
        *("Schedule 2 messages?", "Schedule 2 messages<", "2 people", "Czechia 1, United Kingdom 1", "2 parts"),
        *("hello", "version 1", "without accents", "Friday 2 January 2099, 08:00", "2 January 2099, 18:00", "friday"),
        *(
            "after the first 2,",
            "when more than 20 % fail",
            "3 lines will not be sent",
            "too short",
            "The first",
            "Any row",
        ),
        *("The same text to the same number as line 2.", "Leave out the 3 refused lines."),
    ):
        assert words in text, words
    assert re.search(r"To.*?2 people", text, re.DOTALL)


def test_it_says_how_long_it_takes_where_the_last_hour_tells(settings) -> None:
    browser = superuser()
    batch = a_bulk_draft(browser)
    assert "It takes" not in text_of(browser.get(summary(batch)))
    now = timezone.now().timestamp()
    Batch.objects.create(status=Batch.Status.FINISHED, pace=[[now - 7200, 0], [now - 7100, 100]])
    assert "It takes" not in text_of(browser.get(summary(batch)))
    Batch.objects.create(status=Batch.Status.FINISHED, pace=[[now - 60, 0], [now - 20, 4]])
    assert "about 30 seconds" in text_of(browser.get(summary(batch)))
    # A bulk send of two of which the second waited for a minute says nothing about the pace of many.
    Batch.objects.create(status=Batch.Status.FINISHED, pace=[[now - 65, 0], [now - 5, 1]])
    assert "about 30 seconds" in text_of(browser.get(summary(batch)))
    settings.PYMESS_SMS_RATE_LIMIT = 0.01
    assert "about 5 minutes" in text_of(browser.get(summary(batch)))


def test_it_warns_where_the_latest_time_comes_too_soon(settings) -> None:
    settings.PYMESS_SMS_RATE_LIMIT = 0.001
    browser = superuser()
    later = timezone.localtime() + timedelta(minutes=10)
    batch = a_bulk_draft(browser, until_date=f"{later:%Y-%m-%d}", until_time=f"{later:%H:%M}")
    assert "Not all of them may leave by then." in text_of(browser.get(summary(batch)))


@pytest.mark.parametrize(
    ("row", "shown"), [("1", "Dear 0."), ("3", "Dear 2."), ("99", "Dear 4."), ("x", "Dear 4."), ("9" * 99, "Dear 4.")]
)
def test_any_row_can_be_looked_at(row: str, shown: str) -> None:
    a_template("hello", "Dear {{ name }}.")
    browser = superuser()
    rows = "\n".join(f"{number};{n}" for n, number in enumerate(numbers(5)))
    batch = a_draft(browser, template="hello", recipients=f"phone;name\n{rows}")
    answer = browser.get(summary(batch), {"row": row})
    assert answer.context["summary"].any.message.content == shown


def test_refused_rows_are_listed_to_fifty_counted_by_their_reasons_and_downloadable_whole() -> None:
    browser = superuser()
    batch = a_draft(browser, recipients="\n".join(["777123456", "777123456", "=1+1", *(f"12{n}" for n in range(60))]))
    text = text_of(browser.get(summary(batch)))
    assert len(re.findall(r'<th scope="row">\d', text)) == 50
    assert "and 12 more" in text
    assert "The same text to the same number as another line." in text
    url = reverse("admin:smsoffice_outputsmsmessage_refused", args=[batch.pk])
    assert url in text
    answer: Any = browser.get(url)
    file = b"".join(answer.streaming_content)
    assert file.startswith("\ufeffLine,Column,Cell,Refused because\r\n".encode())
    lines = file.decode().splitlines()
    assert len(lines) == 63
    assert any(line.startswith("3,A,'=1+1,") for line in lines)


def test_columns_that_are_not_used_and_what_was_done_with_the_sheet_is_said() -> None:
    a_template("hello", "Dear {{ name }}.")
    browser = superuser()
    batch = a_draft(
        browser, template="hello", recipients="", file=an_xlsx([["who", "name", "x"], ["777123456", "J", 1]])
    )
    text = text_of(browser.get(summary(batch)))
    assert "the columns x" in text
    assert "The numbers are taken from the column “who”." in text
    assert "people.xlsx" in text


def test_looking_changes_nothing() -> None:
    browser = superuser()
    batch = a_bulk_draft(browser)
    before = Batch.objects.values().get()
    browser.get(summary(batch))
    browser.get(summary(batch), {"row": "2", "_confirm": "", "_check": ""})
    assert Batch.objects.values().get() == before
    assert not OutputSMSMessage.objects.exists()


def test_the_first_button_of_the_form_that_sends_cannot_be_pressed() -> None:
    browser = superuser()
    text = text_of(browser.get(summary(a_bulk_draft(browser))))
    form = text[text.index('class="so-confirm"') :]
    assert re.findall(r"<button[^>]*>", form)[0] == '<button type="submit" name="_nothing" disabled hidden>'


@pytest.mark.parametrize("fields", [{}, {"_nothing": ""}, {"leave_out": "on"}])
def test_a_post_without_the_button_sends_nothing(fields: dict[str, str]) -> None:
    browser = superuser()
    batch = a_bulk_draft(browser)
    assert browser.post(summary(batch), fields).headers["Location"] == summary(batch)
    assert not OutputSMSMessage.objects.exists()


# --- Sending ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_one_number_is_a_single_message_and_leads_to_its_page() -> None:
    a_template()
    browser = superuser()
    batch = a_draft(browser, template="ready", recipients="777 123 456", tag="friday", **{"v-number": "1042"})
    assert "Send 1 message?" in text_of(browser.get(summary(batch)))
    answer = confirm(browser, batch)
    message = OutputSMSMessage.objects.get()
    assert answer.redirect_chain == [(page(message), 302)]
    assert words_of(answer) == ["The message was accepted. Its state: Debug."]
    assert (message.recipient, message.content, message.tag) == ("+420777123456", "Order 1042 is ready.", "friday")
    assert (message.template_slug, message.template_version, message.priority) == ("ready", 1, PRIORITY_SINGLE)
    assert message.state == State.DEBUG  # what the dummy gateway makes of it
    assert (message.batch, message.idempotency_key) == (None, f"draft-{batch.pk}")
    assert not Batch.objects.exists()
    assert not BatchChunk.objects.exists()


def test_one_number_can_be_sent_later() -> None:
    browser = superuser()
    batch = a_draft(browser, when="later", date="2099-01-02", time="08:00")
    text = text_of(browser.get(summary(batch)))
    assert "Schedule 1 message?" in text
    confirm(browser, batch)
    message = OutputSMSMessage.objects.get()
    assert message.state == State.WAITING
    assert message.due_at == message.send_after == batch.send_after


@pytest.mark.django_db(transaction=True)
def test_several_numbers_are_a_bulk_send_and_lead_to_its_page() -> None:
    browser = superuser()
    batch = a_bulk_draft(
        browser, own_text="Dear all,\r\ncome. \r\n", tag="friday", wait="on", first="2", failure_limit="7"
    )
    answer = confirm(browser, batch)
    assert answer.redirect_chain[0] == (progress(batch), 302)
    assert words_of(answer) == ["3 messages are being sent."]
    batch.refresh_from_db()
    assert (batch.status, batch.first, batch.failure_limit) == (Batch.Status.RUNNING, 2, 7)
    sent = OutputSMSMessage.objects.order_by("batch_row")
    assert [message.recipient for message in sent] == ["+420777123456", "+420777123457", "+420777123458"]
    assert {(m.content, m.tag, m.priority, m.state) for m in sent} == {
        ("Dear all,\ncome.", "friday", PRIORITY_BULK, State.WAITING)
    }


def test_without_the_wish_to_wait_it_does_not_wait() -> None:
    assert a_bulk_draft(superuser(), first="10").first is None


def test_what_the_summary_shows_is_what_is_sent() -> None:
    a_template("hello", "Dear {{ name }} {{ n|floatformat:1 }}, ŕ")
    browser = superuser()
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = "cs"
    batch = a_draft(browser, template="hello", recipients="phone;name\n777123456;Jiří\n777123457;B", **{"v-n": "1.5"})
    shown = browser.get(summary(batch)).context["summary"].previews[0][1].message.content
    confirm(browser, batch)
    assert OutputSMSMessage.objects.get(recipient="+420777123456").content == shown == "Dear Jiri 1.5, r"


# --- Refused rows, many rows -----------------------------------------------------------------------------------------


def test_refused_rows_are_left_out_only_on_purpose() -> None:
    a_template("hello", "Dear {{ name }}.")
    browser = superuser()
    batch = a_draft(browser, template="hello", recipients=MIXED)
    answer = confirm(browser, batch)
    assert answer.redirect_chain == []
    text = text_of(answer)
    assert "<title>Error: Send 2 messages?" in text
    assert re.search(r'id="so-errors" tabindex="-1" autofocus', text)
    assert "Tick the box: the refused lines will not be sent." in text
    assert not OutputSMSMessage.objects.exists()
    confirm(browser, batch, leave_out="on")
    assert set(OutputSMSMessage.objects.values_list("recipient", flat=True)) == {"+420777123456", "+447700900123"}


def test_a_list_of_which_nothing_is_left_has_no_button() -> None:
    browser = superuser()
    batch = a_draft(browser, recipients="12\n13")
    text = text_of(browser.get(summary(batch)))
    assert "Nothing can be sent" in text
    assert 'name="_confirm"' not in text
    answer = confirm(browser, batch, leave_out="on")
    assert words_of(answer) == ["No row of the list can be sent. Correct the list."]
    assert not OutputSMSMessage.objects.exists()


def test_one_bad_number_has_no_button_either() -> None:
    browser = superuser()
    batch = a_draft(browser, recipients="12")
    answer = confirm(browser, batch, leave_out="on")
    assert words_of(answer) == ["No row of the list can be sent. Correct the list."]
    assert not OutputSMSMessage.objects.exists()


@pytest.mark.parametrize(
    ("number", "goes"), [("", False), ("10", False), ("eleven", False), ("11", True), ("1 1", True), ("1,1", True)]
)
def test_a_large_number_must_be_typed(monkeypatch, number: str, goes: bool) -> None:
    monkeypatch.setattr(send_facts, "TYPED_ABOVE", 10)
    browser = superuser()
    batch = a_draft(browser, recipients="\n".join(numbers(11)))
    answer = confirm(browser, batch, count=number)
    assert OutputSMSMessage.objects.exists() is goes
    if not goes:
        assert "Type 11, the number of messages." in text_of(answer)
        assert f'name="count" id="so-count" value="{number}"' in text_of(answer)


# --- Once ------------------------------------------------------------------------------------------------------------

BEFORE = "This was sent before, and not a second time."


@pytest.mark.parametrize("recipients", ["777 123 456", THREE])
def test_a_double_click_a_reload_and_back_send_once(recipients: str) -> None:
    browser = superuser()
    batch = a_draft(browser, recipients=recipients)
    first = confirm(browser, batch)
    for _ in range(2):
        again = confirm(browser, batch)
        assert again.redirect_chain == first.redirect_chain
        assert words_of(again) == [BEFORE]
    seen = text_of(browser.get(summary(batch)))
    assert "Nothing was sent a second time." in seen
    assert first.redirect_chain[0][0] in seen
    assert 'name="_confirm"' not in seen
    assert OutputSMSMessage.objects.count() == len(recipients.splitlines())
    assert LogEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("recipients", ["777 123 456", THREE])
def test_clicks_at_the_same_time_send_once(recipients: str) -> None:
    first = superuser()
    batch = a_draft(first, recipients=recipients)
    browsers = [Client() for _ in range(4)]
    for browser in browsers:
        browser.force_login(User.objects.get())
    answers = at_once(*[lambda b=browser: b.post(summary(batch), {"_confirm": ""}) for browser in browsers])
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert OutputSMSMessage.objects.count() == len(recipients.splitlines())
    assert LogEntry.objects.count() == 1


def test_back_to_the_form_and_on_again_is_another_send() -> None:
    browser = superuser()
    first = a_draft(browser)
    confirm(browser, first)
    second = a_draft(browser)
    confirm(browser, second)
    assert OutputSMSMessage.objects.count() == 2


# --- The template changed meanwhile ----------------------------------------------------------------------------------


@pytest.mark.parametrize("recipients", ["777123456", "777123456\n777123457"])
def test_a_template_that_was_changed_meanwhile_is_shown_anew_and_nothing_is_sent(recipients: str) -> None:
    template = a_template("hello", "Old.")
    browser = superuser()
    batch = a_draft(browser, template="hello", recipients=recipients)
    template.body = "New."
    template.save()
    seen = text_of(browser.get(summary(batch)))
    assert "The template was changed meanwhile." in seen
    assert "Check with the new text" in seen
    assert 'name="_confirm"' not in seen
    answer = confirm(browser, batch)
    assert answer.redirect_chain == [(summary(batch), 302)]
    [words] = words_of(answer)
    assert "Nothing was sent" in words
    assert "New." in text_of(answer)
    assert not OutputSMSMessage.objects.exists()
    confirm(browser, batch)
    assert {m.content for m in OutputSMSMessage.objects.all()} == {"New."}
    assert {m.template_version for m in OutputSMSMessage.objects.all()} == {2}


def test_the_new_text_can_be_checked_by_a_button() -> None:
    template = a_template("hello", "Old.")
    browser = superuser()
    batch = a_draft(browser, template="hello", recipients=THREE)
    template.body = "New. {{ name }}"
    template.save()
    answer = browser.post(summary(batch), {"_check": ""}, follow=True)
    assert "Nothing can be sent" in text_of(answer)
    assert not OutputSMSMessage.objects.exists()


def switched_off(template: SMSTemplate, who: str = "petr") -> None:
    template.is_active = False
    template._history_user = batches.operator(who)  # type: ignore[attr-defined]
    template.save()


@pytest.mark.parametrize("recipients", ["777123456", "777123456\n777123457"])
def test_confirming_says_that_the_template_was_switched_off_by_whom_and_what_to_do(recipients: str) -> None:
    template, browser = a_template("hello", "Old."), superuser()
    batch = a_draft(browser, template="hello", recipients=recipients)
    switched_off(template)
    answer = confirm(browser, batch)
    [words] = words_of(answer)
    assert re.fullmatch(
        r"Nothing was sent\. The template “hello” was switched off on .* at \d\d:\d\d:\d\d by petr\.", words
    )
    text = text_of(answer)
    assert "Switch it on, then check again; or go back and choose another one." in text
    assert page_of_template(template) in text
    assert "was changed" not in text
    assert "Nothing can be sent" in text
    assert 'name="_confirm"' not in text
    # The draft is as it was, and goes once the template is on again.
    template.is_active = True
    template.save()
    text = text_of(browser.get(summary(batch)))
    assert "The template was changed meanwhile, but not its text." in text
    browser.post(summary(batch), {"_check": ""})
    confirm(browser, batch)
    assert OutputSMSMessage.objects.count() == len(recipients.split())


def page_of_template(template: SMSTemplate) -> str:
    return reverse("admin:smsoffice_smstemplate_change", args=[template.pk])


def test_checking_again_while_the_template_is_off_leaves_the_list_as_it_was() -> None:
    template, browser = a_template("hello", "Old."), superuser()
    batch = a_draft(browser, template="hello")
    switched_off(template)
    text = text_of(browser.post(summary(batch), {"_check": ""}, follow=True))
    assert "was switched off on" in text
    batch.refresh_from_db()
    assert (batch.sendable, batch.refused, batch.template_version) == (1, 0, 1)


def test_confirming_what_was_changed_but_for_its_text_checks_it_and_sends_nothing() -> None:
    template, browser = a_template("hello", "Old."), superuser()
    batch = a_draft(browser, template="hello")
    template.description = "For everybody"
    template.save()
    [words] = words_of(confirm(browser, batch))
    assert words == (
        "The template was changed meanwhile, but not its text. Nothing was sent; the list was checked again."
    )
    assert not OutputSMSMessage.objects.exists()
    confirm(browser, batch)
    assert OutputSMSMessage.objects.count() == 1


def test_a_template_that_was_switched_off_past_the_pages_is_just_off() -> None:
    a_template("hello", "Old.")
    browser = superuser()
    batch = a_draft(browser, template="hello")
    SMSTemplate.objects.update(is_active=False)
    assert "The template “hello” is switched off." in text_of(browser.get(summary(batch)))


def test_who_switched_it_off_is_the_last_who_did() -> None:
    template, browser = a_template("hello", "Old."), superuser()
    batch = a_draft(browser, template="hello")
    switched_off(template, "jana")
    template.is_active = True
    template.save()
    switched_off(template, "petr")
    template.description = "Changed while it was off"
    template._history_user = batches.operator("eva")  # type: ignore[attr-defined]
    template.save()
    assert "by petr." in text_of(browser.get(summary(batch)))


def test_a_template_that_was_deleted_meanwhile_is_said_to_be_deleted() -> None:
    template, browser = a_template("hello", "Old."), superuser()
    batch = a_draft(browser, template="hello")
    template.delete()
    answer = confirm(browser, batch)
    assert words_of(answer) == ["Nothing was sent. The template “hello” was deleted."]
    assert "Go back and choose another one." in text_of(answer)


@pytest.mark.parametrize("how", ["off", "deleted"])
@pytest.mark.parametrize("recipients", ["777123456", "777123456\n777123457"])
def test_a_template_that_was_switched_off_or_deleted_meanwhile_sends_nothing(how: str, recipients: str) -> None:
    template = a_template("hello", "Old.")
    browser = superuser()
    batch = a_draft(browser, template="hello", recipients=recipients)
    if how == "off":
        template.is_active = False
        template.save()
    else:
        template.delete()
    for _ in range(2):
        answer = confirm(browser, batch, leave_out="on")
        assert 'name="_confirm"' not in text_of(answer)
        assert "hello" in text_of(answer)
    assert not OutputSMSMessage.objects.exists()
    back = browser.get(ADD, {"draft": str(batch.pk)})
    assert back.status_code == 200


def test_a_latest_time_that_has_passed_meanwhile_sends_nothing() -> None:
    browser = superuser()
    batch = a_bulk_draft(browser)
    Batch.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "The latest time of sending has passed." in text_of(browser.get(summary(batch)))
    confirm(browser, batch)
    assert not OutputSMSMessage.objects.exists()


def test_a_time_that_has_passed_meanwhile_is_now() -> None:
    browser = superuser()
    batch = a_bulk_draft(browser, when="later", date="2099-01-02", time="08:00")
    Batch.objects.update(send_after=timezone.now() - timedelta(hours=1))
    text = text_of(browser.get(summary(batch)))
    assert "Send 3 messages?" in text
    assert "The chosen time has passed" in text


# --- Long lists ------------------------------------------------------------------------------------------------------


def test_a_long_list_is_checked_by_the_queue_while_the_page_tells_how_far_it_is() -> None:
    browser = superuser()
    rows = "\n".join(["phone", *numbers(5_001), "12"])
    batch = a_draft(browser, recipients="", file=a_csv(rows))
    answer = browser.get(summary(batch))
    text = text_of(answer)
    assert "of 5,002 rows checked" in text
    assert "You can close this page" in text
    assert "Reload" in text
    confirm(browser, batch)
    assert not OutputSMSMessage.objects.exists()
    for _ in work():
        pass
    text = text_of(browser.get(summary(batch)))
    assert "Send 5,001 messages?" in text
    assert "1 line will not be sent" in text
    confirm(browser, batch, leave_out="on", count="5001")
    for _ in work():
        pass
    assert OutputSMSMessage.objects.count() == 5_001


def test_the_lines_of_a_long_list_are_refused_in_their_operators_language_whoever_checks_them() -> None:
    browser = superuser()
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = "cs"
    a_template("hello", "Dear {{ name }}.")
    rows = "\n".join(["phone;name", *(f"{number};Jana" for number in numbers(5_001)), "777123456;", "777 12;Petr"])
    batch = a_draft(browser, template="hello", recipients="", file=a_csv(rows))
    translation.activate("en")
    for _ in work():
        # A worker's own words are the site's, between two slices too.
        assert translation.get_language() == "en"
    browser.get(summary(batch))
    refused: Any = browser.get(reverse("admin:smsoffice_outputsmsmessage_refused", args=[batch.pk]))
    lines = b"".join(refused.streaming_content).decode()
    assert "„name“ je prázdné." in lines
    assert "Je příliš krátké" in lines
    assert "too short" not in lines
    batch.refresh_from_db()
    assert sorted(batch.summary["reasons"]) == ["Je příliš krátké.", "„name“ je prázdné."]


def test_a_long_list_that_cannot_be_sent_at_all_says_why_in_its_operators_language() -> None:
    browser = superuser()
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = "cs"
    a_template("hello", "Hello.")
    batch = a_draft(browser, template="hello", recipients="", file=a_csv("\n".join(["phone", *numbers(5_001)])))
    Batch.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    translation.activate("en")
    for _ in work():
        pass
    batch.refresh_from_db()
    assert batch.summary["problem"] == "Nejpozdější čas odeslání už uplynul. Nastavte pozdější."
    assert list(batch.summary["reasons"]) == [batch.summary["problem"]]


def test_a_check_that_is_begun_again_speaks_the_language_of_who_begins_it() -> None:
    browser = superuser()
    batch = a_draft(browser, recipients="777123456\n777 12")
    browser.post(summary(batch), {"_check": ""}, headers={"accept-language": "cs"})
    batch.refresh_from_db()
    assert list(batch.summary["reasons"]) == ["Je příliš krátké."]


def test_a_check_that_was_interrupted_can_be_begun_again() -> None:
    browser = superuser()
    batch = a_bulk_draft(browser)
    Batch.objects.update(checked_at=None, check_progress=0)
    text = text_of(browser.get(summary(batch)))
    assert "The check of this list was interrupted." in text
    answer = browser.post(summary(batch), {"_check": ""}, follow=True)
    assert "Send 3 messages?" in text_of(answer)


def test_a_list_that_cannot_be_read_to_its_end_is_refused_and_not_kept(monkeypatch) -> None:
    rows = "\n".join(["phone", *numbers(1_500)])
    monkeypatch.setattr("smsoffice.sheets.MAX_ROWS", 1_200)
    answer = go_on(superuser(), recipients="", file=a_csv(rows))
    assert list(answer.context["form"].errors) == ["file"]
    assert not Batch.objects.exists()


# --- Who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipients", ["777 123 456", THREE])
def test_who_sent_is_written_down_without_number_text_or_tag(recipients: str) -> None:
    browser = superuser()
    confirm(browser, a_draft(browser, recipients=recipients, own_text="The code is 4471.", tag="secret-tag"))
    entry = LogEntry.objects.get()
    assert str(entry.user) == "root-0"
    assert entry.is_addition()
    written = f"{entry.object_repr} {entry.get_change_message()}"
    assert recipients == "777 123 456" or entry.object_repr == "bulk send of 3 messages"
    for word in ("4471", "secret", "123"):
        assert word not in written.replace(entry.object_id, "")


@pytest.mark.parametrize("recipients", ["777 123 456", THREE])
def test_who_may_send_but_not_read_comes_to_the_front_page(recipients: str) -> None:
    browser = browser_of(SEND)
    answer = confirm(browser, a_draft(browser, recipients=recipients))
    assert answer.redirect_chain == [(reverse("admin:index"), 302)]
    assert OutputSMSMessage.objects.exists()


def test_a_draft_is_its_owners_and_the_superusers() -> None:
    batch = a_draft(browser_of(SEND, VIEW))
    refused = reverse("admin:smsoffice_outputsmsmessage_refused", args=[batch.pk])
    for url in (summary(batch), refused):
        assert browser_of(SEND, VIEW).get(url).status_code == 404
        assert browser_of(VIEW).get(url).status_code == 403
        assert superuser().get(url).status_code == 200
    other = browser_of(SEND, VIEW)
    assert other.post(summary(batch), {"_confirm": ""}).status_code == 404
    assert not OutputSMSMessage.objects.exists()


def test_who_lost_the_right_to_send_meanwhile_sends_nothing() -> None:
    browser = browser_of(SEND)
    batch = a_draft(browser)
    User.objects.get().user_permissions.clear()
    assert browser.post(summary(batch), {"_confirm": ""}).status_code == 403
    assert not OutputSMSMessage.objects.exists()


def test_a_form_of_another_site_sends_nothing() -> None:
    batch = a_draft(superuser())
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.get())
    assert browser.post(summary(batch), {"_confirm": ""}).status_code == 403
    assert not OutputSMSMessage.objects.exists()


def test_a_rolled_back_send_leaves_nothing(monkeypatch) -> None:
    browser = superuser()
    batch = a_draft(browser)

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("The disk is full.")

    monkeypatch.setattr(LogEntry, "save", fail)
    browser.raise_request_exception = False
    assert browser.post(summary(batch), {"_confirm": ""}).status_code == 500
    assert not OutputSMSMessage.objects.exists()
    assert Batch.objects.exists()


def test_a_template_that_says_no_is_said_at_the_row(monkeypatch) -> None:
    a_template("hello", "Dear.")
    monkeypatch.setattr(SMSTemplate, "can_send", lambda self, recipient, data: recipient.endswith("6"))
    browser = superuser()
    batch = a_draft(browser, template="hello", recipients="777123456\n777123457")
    assert "The template may not be sent to this recipient." in text_of(browser.get(summary(batch)))


def test_a_hosts_own_template_model_is_sent_from_too() -> None:
    command = [sys.executable, "-m", "tests.admin.host_send"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["fields"] == ["number", "company"]
    assert told["sent"] == [f"Order {number}. Your Shop." for number in (7, 8, 9, 10)]
