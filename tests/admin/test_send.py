"""The send page: its form, what it refuses and where, and the check beside it; nothing is sent from it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client, override_settings

from smsoffice.admin import send, send_list
from smsoffice.models.batch import Batch
from smsoffice.models.sms import OutputSMSMessage, SMSTemplate
from tests.admin.people import SEND, VIEW, a_template, browser_of, superuser
from tests.admin.sending import ADD, a_csv, a_draft, an_xlsx, errors, go_on, look, panel, typed, words_of
from tests.clock import stopped

pytestmark = pytest.mark.django_db


def nothing_was_stored() -> bool:
    return not (OutputSMSMessage.objects.exists() or Batch.objects.exists() or LogEntry.objects.exists())


def said(answer: Any) -> str:
    return str(answer.context["panel"].said)


# --- The form --------------------------------------------------------------------------------------------------------


def test_opening_the_page_stores_nothing_and_says_what_to_do() -> None:
    a_template()
    text = superuser().get(ADD).content.decode()
    assert "Paste numbers on the left." in text
    assert "Numbers without a country get +420." in text
    assert nothing_was_stored()


def test_active_templates_stand_in_the_order_of_their_slugs() -> None:
    for slug in ("zebra", "apple", "mango", "gone"):
        a_template(slug)
    SMSTemplate.objects.filter(slug="gone").update(is_active=False)
    text = superuser().get(ADD).content.decode()
    assert re.findall(r'<option value="(\w*)"', text) == ["", "apple", "mango", "zebra"]


@pytest.mark.parametrize(("rights", "links"), [([SEND], False), ([SEND, "view_smstemplate"], True)])
def test_without_an_active_template_own_text_is_chosen_with_a_way_to_the_templates(
    rights: list[str], links: bool
) -> None:
    text = browser_of(*rights).get(ADD).content.decode()
    assert re.search(r'value="text" checked', text)
    assert "There is no active template." in text
    assert (">Templates</a>" in text.partition('id="content-main"')[2]) is links


def test_the_first_button_is_the_harmless_one() -> None:
    text = superuser().get(ADD).content.decode()
    form = text[text.index('id="so-send"') :]
    assert re.findall(r'<button type="submit" name="(\w+)"', form) == ["_check", "_continue"]


def test_a_field_stands_for_each_variable_and_a_column_of_that_name_replaces_it() -> None:
    template = a_template(body="{{ name }}, {{ branch }}, {{ code }}")
    template.variables = [{"name": "branch", "note": "Town of the shop", "example": "Brno"}, {"name": "name"}]
    template.save()
    answer = look(superuser(), template="ready", recipients="phone;name\n777123456;Jana")
    text = answer.content.decode()
    assert re.findall(r'name="v-(\w+)"', text) == ["branch", "code"]
    assert "Town of the shop, e.g. Brno" in text
    assert "from the column" in text
    # They were not on the page when it was sent, so they are no mistake yet.
    assert errors(answer) == {}
    assert answer.context["panel"].problems == ["Fill in the values on the left: branch, code."]


# --- Refused in words, at the right field ----------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    # what is typed, the field, the words
    "nobody": ({"recipients": " \r\n "}, "recipients", "Paste the numbers, or choose a file."),
    "no text": ({"own_text": " \r\n "}, "own_text", "Write the text, or choose a template."),
    "no template": ({"template": ""}, "template", "Choose a template, or write your own text."),
    "a template that is gone": ({"template": "gone"}, "template", "was switched off or deleted"),
    "a template that is off": ({"template": "off"}, "template", "was switched off or deleted"),
    "a broken template": ({"template": "broken"}, "template", "Line 1, column 1: "),
    "a variable in own text": ({"own_text": "Dear {{ name }}"}, "own_text", "Own text has no variables."),
    "a tag in own text": ({"own_text": "{% if %}"}, "own_text", "Own text has no variables."),
    "a text too long": ({"own_text": "x" * 2000}, "own_text", "at most 10 can be sent"),
    "NUL": ({"own_text": "a\x00b"}, "own_text", "Null characters are not allowed."),
    "a value that nobody gives": ({"template": "ready"}, "v-number", "Give a value: no column brings it."),
    "a value too long": ({"template": "ready", "v-number": "1" * 1001}, "v-number", "at most 1000 characters"),
    "two columns of one name": ({"recipients": "phone;a;a\n777123456;1;2"}, "recipients", "Two columns are called"),
    "a file beside a list": ({"file": a_csv("phone\n777123456")}, "file", "not both"),
    "an empty file": ({"file": a_csv(""), "recipients": ""}, "file", ""),
    "a picture": ({"file": a_csv("\x89PNG\r\n\x1a\n\x00", "a.png"), "recipients": ""}, "file", ""),
    "later, but when": ({"when": "later"}, "date", "Give the date and the time"),
    "later without a time": ({"when": "later", "date": "2099-01-01"}, "date", "Give the date and the time"),
    "no date": ({"when": "later", "date": "31. 2.", "time": "08:00"}, "date", "Enter a valid date."),
    "no time": ({"when": "later", "date": "2099-01-01", "time": "25:00"}, "time", "Enter a valid time."),
    "yesterday": ({"when": "later", "date": "2020-01-01", "time": "08:00"}, "date", "This time has passed."),
    "an hour that is not": (
        {"when": "later", "date": "2099-03-29", "time": "02:30"},
        "date",
        "the clock is set forward",
    ),
    "a latest hour that is not": ({"until_date": "2099-03-29", "until_time": "02:30"}, "until_date", "set forward"),
    "a latest time that has passed": (
        {"until_date": "2020-01-01", "until_time": "08:00"},
        "until_date",
        "This time has passed.",
    ),
    "a latest time before the first": (
        {
            "when": "later",
            "date": "2099-01-01",
            "time": "08:00",
            "until_date": "2099-01-01",
            "until_time": "08:00",
        },
        "until_date",
        "It must be later than the time of sending.",
    ),
    "half a latest time": ({"until_date": "2099-01-01"}, "until_date", "Give the date and the time, or neither."),
    "the other half": ({"until_time": "08:00"}, "until_date", "Give the date and the time, or neither."),
    "a tag too long": ({"tag": "x" * 101}, "tag", "at most 100 characters"),
    "wait after none": ({"wait": "on", "first": "0"}, "first", "greater than or equal to 1"),
    "wait after I know not how many": ({"wait": "on", "first": ""}, "first", "Give a number, or do not wait."),
    "more than all may fail": ({"failure_limit": "101"}, "failure_limit", "less than or equal to 100"),
}


@pytest.mark.parametrize(("given", "field", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_said_at_its_field_and_nothing_typed_is_lost(
    given: dict[str, Any], field: str, words: str
) -> None:
    a_template()
    a_template("broken", "{{ name }")
    SMSTemplate.objects.filter(pk=a_template("off").pk).update(is_active=False)
    answer = go_on(superuser(), **given)
    assert answer.status_code == 200
    found = errors(answer)
    assert list(found) == [field]
    assert words in found[field][0]
    assert nothing_was_stored()
    text = answer.content.decode()
    assert "<title>Error: Send SMS" in text
    assert re.search(r'id="so-errors" tabindex="-1" autofocus', text)
    assert f'id="id_{field}_error"' in text
    form = answer.context["form"]
    kept = {name: value for name, value in typed(**given).items() if name not in {"file", "own_text", "wait"} and value}
    assert {name: str(form[name].value()) for name in kept} == {name: str(value) for name, value in kept.items()}


def test_several_mistakes_are_said_at_once() -> None:
    answer = go_on(superuser(), own_text="", recipients="", tag="x" * 101, when="later", until_time="08:00")
    assert set(errors(answer)) == {"own_text", "recipients", "tag", "date", "until_date"}


def test_what_stands_in_the_part_that_is_not_chosen_does_not_matter() -> None:
    browser = superuser()
    a_template()
    a_draft(browser, kind="text", template="gone", own_text="Hello.")
    a_draft(browser, template="ready", **{"own_text": "{{ x", "v-number": "1"})


def test_a_file_must_be_chosen_again_after_a_mistake_and_the_page_says_so() -> None:
    answer = go_on(superuser(), recipients="", file=a_csv("phone\n777123456"), tag="x" * 101)
    assert "Choose the file again: the browser does not keep it." in answer.content.decode()


# --- Too much --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [5_000, 5_001])
def test_five_thousand_lines_can_be_pasted(lines: int) -> None:
    answer = look(superuser(), recipients="\n\n".join(f"+420601{n:06}" for n in range(100_000, 100_000 + lines)))
    if lines == 5_000:
        assert said(answer) == "5,000 rows read, 5,000 can be sent, 0 refused, 5,000 parts in all."
    else:
        words = "At most 5,000 lines at a time; there are 5,001. Put them in a file."
        assert errors(answer) == {"recipients": [words]}


def test_a_list_too_large_for_a_form_is_refused_in_words_and_not_by_a_bare_400(settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    answer = superuser().post(ADD, {**typed(recipients="777 123 456\n" * 200), "_continue": ""}, follow=True)
    assert answer.status_code == 200
    assert words_of(answer) == ["The pasted list is too large. Put it in a file: CSV, XLSX or ODS."]
    encoded = superuser().post(
        ADD, "recipients=" + "7" * 2000, content_type="application/x-www-form-urlencoded", follow=True
    )
    assert words_of(encoded) == ["The pasted list is too large. Put it in a file: CSV, XLSX or ODS."]
    assert superuser().post(f"{ADD}?panel=1", typed(recipients="7" * 2000)).status_code == 413


@pytest.mark.parametrize("spare", [0, 10_000])
def test_a_file_that_is_too_large_is_refused_in_words(monkeypatch, spare: int) -> None:
    monkeypatch.setattr(send_list, "LARGEST_FILE", 1024**2)
    monkeypatch.setattr(send, "LARGEST_FILE", 1024**2)
    monkeypatch.setattr(send, "SPARE", spare)
    form = {**typed(recipients="", file=a_csv("7" * (1024**2 + 1))), "_continue": ""}
    answer = superuser().post(ADD, form, follow=True)
    text = answer.content.decode()
    assert "The file is larger than 1 MB." in text
    assert nothing_was_stored()


# --- The check beside the form ---------------------------------------------------------------------------------------

MIXED = "phone\tname\n777 123 456\tJana\n777 12\tPetr\n777 123 457\t\n777123456\tJana\n+44 7700 900123\tJane\n"


def test_check_counts_and_names_what_is_refused_and_sends_nothing() -> None:
    a_template("hello", "Dear {{ name }}, " + "come. " * 24)
    answer = look(superuser(), template="hello", recipients=MIXED)
    assert said(answer) == "5 rows read, 2 can be sent, 3 refused, 2 parts in all."
    text = answer.content.decode()
    lines = re.findall(r'data-line="(\d+)"', text)
    assert lines == ["3", "4", "5"]
    for words in ("too short", "“name” is empty.", "The same text to the same number as line 2."):
        assert words in text
    assert "2 messages in 1 part" in text
    assert nothing_was_stored()


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({}, "Dear Jana"),
        ({"row": "2"}, "Dear Jane"),
        ({"_row": "2", "row": "1"}, "Dear Jane"),
        ({"_row": "longest"}, "Dear Jana"),
        ({"row": "99"}, "Dear Jana"),
        ({"row": "0"}, "Dear Jana"),
        ({"row": "-1"}, "Dear Jana"),
        ({"row": "x"}, "Dear Jana"),
        ({"row": "9" * 5000}, "Dear Jana"),
        ({"row": "²"}, "Dear Jana"),
    ],
)
def test_any_row_can_be_looked_at(row: dict[str, str], shown: str) -> None:
    a_template("hello", "Dear {{ name }}")
    answer = look(superuser(), template="hello", recipients=MIXED, **row)
    assert answer.context["panel"].look.content == shown


def test_the_first_fifty_refused_rows_are_listed_and_the_others_counted() -> None:
    answer = look(superuser(), recipients="\n".join(["777 123 456", *(f"12{n}" for n in range(62))]))
    text = answer.content.decode()
    assert len(re.findall(r"data-line=", text)) == 50
    assert "and 12 more" in text


def test_columns_that_the_text_has_no_use_for_are_named() -> None:
    a_template("hello", "Dear {{ name }}")
    answer = look(superuser(), template="hello", recipients="phone;note;name\n777123456;x;Jana")
    assert "Not used: note." in answer.content.decode()


def test_the_script_gets_the_pieces_of_the_page_and_no_page() -> None:
    answer = panel(superuser())
    text = answer.content.decode()
    assert re.findall(r'^<\w+ id="([\w-]+)"', text, re.MULTILINE) == [
        "so-values",
        "so-when-said",
        "so-check",
        "so-said",
    ]
    assert "<html" not in text
    assert "1 row read, 1 can be sent, 0 refused, 1 part" in text
    assert nothing_was_stored()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"recipients": ""}, "Paste numbers on the left."),
        ({"own_text": "Dear {{ name }}"}, "Own text has no variables. Use a template."),
        ({"own_text": ""}, "Write the text, or choose a template."),
        ({"recipients": "a;a\n1;2"}, "Two columns are called “a”. Rename one of them."),
        ({"has_file": "1", "recipients": ""}, "A file is read and checked when you continue to the summary."),
        ({"recipients": "777123456\n" * 501}, "More than 500 lines are not checked while you type. Press “Check”."),
    ],
)
def test_the_panel_says_what_it_waits_for(fields: dict[str, Any], words: str) -> None:
    assert said(panel(superuser(), **fields)) == words


def test_errors_elsewhere_do_not_hide_the_check() -> None:
    answer = panel(superuser(), tag="x" * 101, when="later")
    assert said(answer).startswith("1 row read, 1 can be sent")


def test_what_the_panel_shows_is_text_and_no_markup() -> None:
    a_template("hello", "Dear {{ name }}")
    answer = look(superuser(), template="hello", recipients="phone;name\n777123456;<b>&\n<i>;x")
    text = answer.content.decode()
    assert "Dear &lt;b&gt;&amp;" in text
    assert "<i>" not in text.partition('id="content-main"')[2]


# --- Times -----------------------------------------------------------------------------------------------------------


def test_a_time_says_how_far_away_it_is(monkeypatch) -> None:
    clock = stopped(monkeypatch)
    clock.time = datetime.fromisoformat("2026-11-19T10:42:00+01:00")
    answer = look(superuser(), when="later", date="2026-11-20", time="08:00")
    assert answer.context["when_said"].replace("\xa0", " ") == "In 21 hours, 18 minutes."


def test_of_an_hour_that_comes_twice_the_first_is_taken_and_the_page_says_so(monkeypatch) -> None:
    clock = stopped(monkeypatch)
    clock.time = datetime.fromisoformat("2026-10-24T12:00:00+02:00")
    answer = look(superuser(), when="later", date="2026-10-25", time="02:30")
    assert "shows this time twice; the first one is meant" in answer.context["when_said"]
    assert answer.context["form"].send_after.timestamp() == datetime.fromisoformat("2026-10-25T02:30+02:00").timestamp()


# --- Back and change -------------------------------------------------------------------------------------------------


def values(answer: Any) -> dict[str, str]:
    form = answer.context["form"]
    return {name: str(form[name].value() or "") for name in form.fields if name != "file"}


def test_back_brings_back_all_that_was_typed() -> None:
    browser = superuser()
    a_template("hello", "Dear {{ name }} of {{ town }}")
    given = {
        "template": "hello",
        "recipients": "phone;name\n777 123 456;Jana\n\nx;Petr\n",
        "v-town": "Brno",
        "when": "later",
        "date": "2099-01-02",
        "time": "08:15",
        "until_date": "2099-01-03",
        "until_time": "18:00",
        "tag": "friday",
        "wait": "on",
        "first": "3",
        "failure_limit": "7",
    }
    batch = a_draft(browser, **given)
    answer = browser.get(ADD, {"draft": str(batch.pk)})
    kept = values(answer)
    assert kept.pop("recipients").split() == ["phone", "name", "777", "123", "456", "Jana", "x", "Petr"]
    assert kept == {
        "kind": "template",
        "template": "hello",
        "own_text": "",
        "v-town": "Brno",
        "tag": "friday",
        "when": "later",
        "date": "2099-01-02",
        "time": "08:15:00",
        "until_date": "2099-01-03",
        "until_time": "18:00:00",
        "wait": "True",
        "first": "3",
        "failure_limit": "7",
    }
    text = answer.content.decode()
    for drawn in ('value="2099-01-02"', 'value="08:15"', 'value="18:00"'):
        assert drawn in text


def test_back_keeps_the_rows_of_a_file_and_says_its_name() -> None:
    browser = superuser()
    a_template("hello", "Dear {{ name }} of {{ town }}")
    file = an_xlsx([["phone", "name"], ["777 123 456", "Jana"], ["777 123 457", "Petr"]])
    first = a_draft(browser, template="hello", recipients="", file=file, **{"v-town": "Brno"})
    text = browser.get(ADD, {"draft": str(first.pk)}).content.decode()
    assert "The file “people.xlsx” with 2 rows is kept." in text
    assert "from the column" in text
    second = a_draft(browser, template="hello", recipients="", draft=str(first.pk), tag="x", **{"v-town": "Praha"})
    assert (second.file_name, second.sendable, second.columns) == ("people.xlsx", 2, ["phone", "name"])
    third = a_draft(
        browser,
        recipients="777 123 458",
        template="hello",
        draft=str(first.pk),
        _drop="on",
        **{"v-name": "J", "v-town": "B"},
    )
    assert (third.file_name, third.total) == ("", 1)
    answer = go_on(browser, recipients="777 123 458", template="hello", draft=str(first.pk), **{"v-town": "B"})
    assert errors(answer)["recipients"] == ["Paste the numbers or keep the file, not both."]


@pytest.mark.parametrize("key", ["", "x", "00000000-0000-4000-8000-000000000000"])
def test_a_draft_that_is_not_there_brings_an_empty_form(key: str) -> None:
    answer = superuser().get(ADD, {"draft": key})
    assert answer.status_code == 200
    assert values(answer)["recipients"] == ""
    assert [*words_of(answer)] == (
        ["This list is not kept any more: it was sent, or it is too old. Begin anew."] if key else []
    )


def test_nobody_gets_the_list_of_another() -> None:
    batch = a_draft(browser_of(SEND), recipients="777 123 456")
    assert "777" not in values(browser_of(SEND).get(ADD, {"draft": str(batch.pk)}))["recipients"]
    assert "777" in values(superuser().get(ADD, {"draft": str(batch.pk)}))["recipients"]
    other = browser_of(SEND)
    answer = other.post(ADD, {**typed(recipients="", draft=str(batch.pk)), "_continue": ""})
    assert errors(answer) == {"recipients": ["Paste the numbers, or choose a file."]}


# --- Who -------------------------------------------------------------------------------------------------------------


def test_who_may_send_needs_no_right_to_the_templates() -> None:
    a_template()
    browser = browser_of(SEND)
    assert '<option value="ready"' in browser.get(ADD).content.decode()
    a_draft(browser, template="ready", **{"v-number": "1"})


@pytest.mark.parametrize("query", ["", "?panel=1"])
def test_who_may_only_read_gets_nowhere(query: str) -> None:
    browser = browser_of(VIEW)
    assert browser.get(f"{ADD}{query}").status_code == 403
    assert browser.post(f"{ADD}{query}", typed()).status_code == 403
    assert nothing_was_stored()


@pytest.mark.parametrize("query", ["", "?panel=1"])
def test_a_form_of_another_site_gets_nowhere(query: str) -> None:
    browser = browser_of(SEND, enforce_csrf_checks=True)
    assert browser.post(f"{ADD}{query}", {**typed(), "_continue": ""}).status_code == 403
    assert nothing_was_stored()


def test_an_anonymous_visitor_is_asked_to_log_in() -> None:
    answer = Client().post(ADD, typed())
    assert answer.headers["Location"].startswith("/admin/login/")


@override_settings(LANGUAGE_CODE="en")
def test_a_czech_reader_reads_the_numbers_in_czech() -> None:
    browser = superuser()
    rows = "\n".join(f"+420601{n:06}" for n in range(100_000, 101_001))
    answer = browser.post(ADD, {**typed(recipients=rows), "_check": ""}, headers={"accept-language": "cs"})
    assert "1\xa0001" in said(answer)


def test_the_numbers_are_looked_for_where_the_list_has_them() -> None:
    shown = panel(superuser(), recipients="name;contact\nJana;601 000 117\nPetr;601 000 118\n")
    assert said(shown).startswith("2 rows read, 2 can be sent")


def test_a_reader_of_another_language_sees_what_will_be_sent(settings: Any) -> None:
    a_template("price", "It costs {{ price|floatformat:1 }}.")
    browser = superuser()
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = "cs"
    shown = panel(browser, template="price", recipients="phone;price\n777 123 456;1.5")
    assert shown.context["panel"].look.content == "It costs 1.5."
