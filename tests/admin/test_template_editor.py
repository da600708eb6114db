"""The template editor: what is typed is shown, tried out and saved, and nothing is saved that was not meant to be."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from smsoffice.models.sms import OutputSMSMessage, SMSTemplate
from smsoffice.models.uses import TemplateUse
from tests.admin.people import SEND, VIEW, a_template, browser_of, superuser

pytestmark = pytest.mark.django_db

ADD = reverse("admin:smsoffice_smstemplate_add")
NUMBER = "601 000 900"


def page(template: SMSTemplate) -> str:
    return reverse("admin:smsoffice_smstemplate_change", args=[template.pk])


def typed(template: SMSTemplate | None = None, **fields: Any) -> dict[str, Any]:
    """What a browser sends of the editor, without the button."""
    kept = {
        "slug": template.slug if template else "ready",
        "body": template.body if template else "Order {{ number }} is ready.",
        "description": "",
        "variables": json.dumps([{"name": "number", "example": "2026-1042", "longest": "", "note": ""}]),
        "is_active": "on",
        "test_to": NUMBER,
        "test_token": str(uuid4()),
        "based_on": template.version if template else "",
    }
    return {**kept, **fields}


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


# --- Without script --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_new", [True, False])
def test_the_preview_button_shows_what_is_typed_and_saves_nothing(is_new: bool) -> None:
    template = a_template(body="Old.")
    url = ADD if is_new else page(template)
    answer = superuser().post(url, typed(slug="", body="Hello\r\n{{ number }}", _preview="Preview"))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Hello\n2026-1042" in text
    assert "Please correct" not in text
    assert "<title>Error" not in text
    assert [one.body for one in SMSTemplate.objects.all()] == ["Old."]
    assert answer.context["adminform"].form["body"].value() == "Hello\r\n{{ number }}"


def test_the_preview_button_shows_the_longest_values_and_the_last_good_text() -> None:
    variables = json.dumps([{"name": "number", "example": "1", "longest": "123456789"}])
    browser = superuser()
    text = browser.post(ADD, typed(variables=variables, preview_values="longest", _preview="")).content.decode()
    assert "Order 123456789 is ready." in text
    text = browser.post(ADD, typed(body="{{ number", last_text="Order 1", _preview="")).content.decode()
    assert "The last text that worked:" in text
    assert "Line 1, column 1:" in text
    assert "Go to line 1" in text


def test_the_first_button_of_the_form_is_a_harmless_one() -> None:
    text = superuser().get(page(a_template())).content.decode()
    form = text[text.index('id="smstemplate_form"') :]
    assert re.findall(r'type="submit"[^>]*name="(\w+)"', form)[:2] == ["_preview", "_send_test"]


def test_the_list_of_variables_is_a_text_area_with_json_for_those_without_script() -> None:
    template = a_template()
    template.variables = [{"name": "number", "example": "<1>", "longest": "", "note": ""}]
    template.save()
    text = superuser().get(page(template)).content.decode()
    assert "&quot;example&quot;: &quot;&lt;1&gt;&quot;" in text
    assert "style=" not in text


# --- What is saved ---------------------------------------------------------------------------------------------------


def test_what_is_declared_is_kept_without_empty_lines_and_blanks() -> None:
    rows = [
        {"name": " number ", "example": "2026-1042", "longest": None, "note": " Of the order "},
        {"name": "", "example": "", "longest": "", "note": ""},
        {"name": "order.total", "example": 1290},
    ]
    assert superuser().post(ADD, typed(variables=json.dumps(rows))).status_code == 302
    assert SMSTemplate.objects.get().variables == [
        {"name": "number", "example": "2026-1042", "longest": "", "note": "Of the order"},
        {"name": "order.total", "example": 1290, "longest": "", "note": ""},
    ]


WRONG_VARIABLES = {
    "no JSON": ("[", "JSON"),
    "no list": ('{"name": "a"}', "list"),
    "no groups": ("[1]", "Variable 1"),
    "no name": ('[{"name": "", "example": "x"}]', "Variable 1"),
    "a name with a blank": ('[{"name": "a"}, {"name": "first name"}]', "Variable 2"),
    "a name that nobody may read": ('[{"name": "_secret"}]', "_secret"),
    "twice": ('[{"name": "a"}, {"name": "a"}]', "declared twice"),
    "a value and a group": ('[{"name": "order"}, {"name": "order.number"}]', "order.number"),
    "a value that is a list": ('[{"name": "a", "example": [1]}]', "texts or numbers"),
    "not a number": ('[{"name": "a", "example": NaN}]', "texts or numbers"),
    "too long": (json.dumps([{"name": "a", "example": "x" * 1001}]), "1000"),
    "too many": (json.dumps([{"name": f"a{n}"} for n in range(51)]), "50"),
    "too deep": ("[" * 20_000, "JSON"),
}


@pytest.mark.parametrize(("variables", "words"), WRONG_VARIABLES.values(), ids=WRONG_VARIABLES)
def test_variables_that_make_no_sense_are_refused_and_told(variables: str, words: str) -> None:
    answer = superuser().post(ADD, typed(variables=variables))
    assert answer.status_code == 200
    assert words in " ".join(answer.context["adminform"].form.errors["variables"])
    assert not SMSTemplate.objects.exists()


def test_the_slug_is_fixed_once_the_template_was_used() -> None:
    template, browser = a_template(), superuser()
    assert 'name="slug"' in browser.get(page(template)).content.decode()
    template.send(NUMBER, {"number": 1})
    TemplateUse.objects.get_or_create(template_slug="ready", day="2026-11-01", last_used_at="2026-11-01T10:00Z")
    assert 'name="slug"' not in browser.get(page(template)).content.decode()
    browser.post(page(template), typed(template, slug="other", body="New."))
    template.refresh_from_db()
    assert (template.slug, template.body) == ("ready", "New.")


def test_the_page_tells_how_much_the_template_is_used_and_links_its_messages() -> None:
    template = a_template()
    assert "Never used yet." in superuser().get(page(template)).content.decode()
    TemplateUse.objects.create(template_slug="ready", day="2026-11-01", last_used_at="2026-11-01T10:00Z", count=3)
    text = superuser().get(page(template)).content.decode()
    assert "version 1" in text
    assert reverse("admin:smsoffice_outputsmsmessage_changelist") + "?template=ready" in text
    assert "?template=ready" not in browser_of("change_smstemplate").get(page(template)).content.decode()


# --- Copy ------------------------------------------------------------------------------------------------------------


def test_a_copy_is_a_filled_add_page_with_a_slug_of_its_own() -> None:
    template, browser = a_template("ready"), superuser()
    template.variables, template.description = [{"name": "number", "example": "7"}], "Comes"
    template.save()
    a_template("ready-copy")
    copy = f"{ADD}?copy={template.pk}"
    assert copy in browser.get(page(template)).content.decode()
    answer = browser.get(copy)
    form = answer.context["adminform"].form
    assert form["slug"].value() == "ready-copy-2"
    assert form["body"].value() == template.body
    assert "Order 7 is ready." in answer.content.decode()
    assert SMSTemplate.objects.count() == 2


def test_only_who_may_read_a_template_copies_it() -> None:
    template = a_template()
    assert browser_of("add_smstemplate").get(f"{ADD}?copy={template.pk}").status_code == 403
    assert browser_of("add_smstemplate", "view_smstemplate").get(f"{ADD}?copy={template.pk}").status_code == 200
    assert superuser().get(f"{ADD}?copy=0").status_code == 403


# --- Send test to… ---------------------------------------------------------------------------------------------------


def test_a_test_is_what_the_preview_shows_unsaved_and_not_counted_as_use() -> None:
    template, browser = a_template(body="Old."), superuser()
    answer = browser.post(page(template), typed(template, body="Nový {{ number }}", _send_test=""))
    message = OutputSMSMessage.objects.get()
    assert (message.content, message.tag, message.template_slug) == ("Novy 2026-1042", "test", "")
    assert message.recipient == "+420601000900"
    assert "The test to +420 601 000 900 was accepted." in said(answer)
    assert reverse("admin:smsoffice_outputsmsmessage_change", args=[message.pk]) in said(answer)
    assert answer.context["adminform"].form["body"].value() == "Nový {{ number }}"
    template.refresh_from_db()
    assert template.body == "Old."
    assert not TemplateUse.objects.exists()
    entry = LogEntry.objects.get()
    assert "601" not in entry.object_repr + entry.change_message


def test_a_double_click_sends_one_test() -> None:
    template, browser = a_template(), superuser()
    once = typed(template, _send_test="")
    browser.post(page(template), once)
    answer = browser.post(page(template), once)
    assert "not a second time" in said(answer)
    assert OutputSMSMessage.objects.count() == LogEntry.objects.count() == 1
    browser.post(page(template), typed(template, _send_test=""))
    assert OutputSMSMessage.objects.count() == 2


def test_the_number_of_a_test_is_remembered_for_the_session() -> None:
    template, browser = a_template(), superuser()
    browser.post(page(template), typed(template, _send_test=""))
    assert 'value="+420 601 000 900"' in browser.get(ADD).content.decode()
    assert "601 000 900" not in superuser().get(ADD).content.decode()


REFUSED_TESTS = {
    "a broken text": ({"body": "{{ number"}, "the text has problems"),
    "an undeclared variable": ({"body": "{{ other }}"}, "the text has problems"),
    "no text": ({"body": " "}, "the text has problems"),
    "no number": ({"test_to": " "}, "write your number"),
    "a number that is none": ({"test_to": "12"}, "No test was sent"),
    "a token that is none": ({"test_token": "x"}, "open the page anew"),
}


@pytest.mark.parametrize(("fields", "words"), REFUSED_TESTS.values(), ids=REFUSED_TESTS)
def test_a_test_that_cannot_be_sent_is_refused_in_words_and_nothing_is_lost(fields: dict[str, str], words: str) -> None:
    answer = superuser().post(ADD, {**typed(body="Hello", _send_test=""), **fields})
    assert answer.status_code == 200
    assert words in said(answer)
    assert not OutputSMSMessage.objects.exists()
    assert not SMSTemplate.objects.exists()


def test_who_may_not_send_has_no_box_and_gets_403() -> None:
    template, browser = a_template(), browser_of("change_smstemplate", "add_smstemplate", VIEW)
    for url in (page(template), ADD):
        assert "_send_test" not in browser.get(url).content.decode()
        assert browser.post(url, typed(template, _send_test="")).status_code == 403
    asked = {"body": "Hello"}
    preview = reverse("admin:smsoffice_smstemplate_preview")
    pieces = browser.post(preview, asked, content_type="application/json", headers={"accept": "text/html"})
    assert pieces.status_code == 200
    assert not OutputSMSMessage.objects.exists()


# --- Who may only look -----------------------------------------------------------------------------------------------


def viewer(*more: str) -> tuple[Client, SMSTemplate]:
    template = a_template()
    template.variables = [{"name": "number", "example": "1", "longest": "123456789", "note": ""}]
    template.save()
    return browser_of("view_smstemplate", *more), template


def test_who_may_only_view_reads_all_and_the_preview_works() -> None:
    browser, template = viewer()
    text = browser.get(page(template)).content.decode()
    assert "<textarea" not in text
    assert 'name="description"' not in text
    assert "Order 1 is ready." in text
    answer = browser.post(page(template), {"preview_values": "longest", "_preview": ""}, follow=True)
    assert "Order 123456789 is ready." in answer.content.decode()
    asked = {"template": str(template.pk), "values": "longest"}
    preview = reverse("admin:smsoffice_smstemplate_preview")
    answer = browser.post(preview, asked, content_type="application/json", headers={"accept": "text/html"})
    assert "Order 123456789 is ready." in answer.content.decode()
    assert browser.post(page(template), typed(template)).status_code == 403


def test_who_may_only_view_and_send_tests_the_stored_text() -> None:
    browser, template = viewer(SEND)
    answer = browser.post(page(template), typed(template, body="Mine!", _send_test=""))
    assert answer.status_code == 302
    assert OutputSMSMessage.objects.get().content == "Order 1 is ready."
    assert browser_of(SEND).post(page(template), typed(template, _send_test="")).status_code == 403
    assert OutputSMSMessage.objects.count() == 1


def test_the_page_costs_few_queries(django_assert_max_num_queries) -> None:
    browser, template = superuser(), a_template()
    with django_assert_max_num_queries(8):
        browser.get(page(template))
