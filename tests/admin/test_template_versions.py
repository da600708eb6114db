"""Versions: each save that changes something is kept, nobody overwrites another unasked, and no caller is cut off."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from smsoffice.admin.template_history import difference
from smsoffice.models.sms import SMSTemplate
from smsoffice.models.uses import TemplateUse
from tests.admin.people import a_message, a_template, browser_of, superuser
from tests.at_once import at_once

pytestmark = pytest.mark.django_db


def page(template: SMSTemplate) -> str:
    return reverse("admin:smsoffice_smstemplate_change", args=[template.pk])


def versions_page(template: SMSTemplate) -> str:
    return reverse("admin:smsoffice_smstemplate_history", args=[template.pk])


def typed(template: SMSTemplate, **fields: Any) -> dict[str, Any]:
    kept = {"slug": template.slug, "body": template.body, "description": template.description, "is_active": "on"}
    return {**kept, "variables": json.dumps(template.variables), "based_on": template.version, **fields}


def kept(template: SMSTemplate) -> list[tuple[int, str]]:
    return list(template.history.order_by("version").values_list("version", "body"))


def used(slug: str = "ready", count: int = 3) -> None:
    now = timezone.now()
    TemplateUse.objects.create(template_slug=slug, day=timezone.localdate(now), count=count, last_used_at=now)


# --- Versions --------------------------------------------------------------------------------------------------------


def test_a_save_is_the_next_version_and_says_who() -> None:
    template, browser = a_template(body="One."), superuser()
    browser.post(page(template), typed(template, body="Two."))
    template.refresh_from_db()
    assert template.version == 2
    assert kept(template) == [(1, "One."), (2, "Two.")]
    assert template.history.get(version=2).history_user == User.objects.get()


def test_a_save_without_a_change_makes_no_version() -> None:
    template, browser = a_template(body="One\nTwo."), superuser()
    before = template.changed_at
    answer = browser.post(page(template), typed(template, body="One\r\nTwo.\r\n"))
    assert answer.status_code == 302
    template.refresh_from_db()
    assert (template.version, template.changed_at) == (1, before)
    assert len(kept(template)) == 1


def test_programs_make_versions_too() -> None:
    template = a_template(body="One.")
    template.save()
    assert template.version == 1
    template.is_active = False
    template.body = "Not written."
    template.save(update_fields=["is_active"])
    stored = SMSTemplate.objects.get()
    assert (stored.version, stored.is_active, stored.body) == (2, False, "One.")


def test_a_message_keeps_the_version_that_it_was_written_from() -> None:
    template = a_template(body="One.")
    template.body = "Two."
    template.save()
    message = template.send("+420777123456", {})
    assert message is not None
    assert message.template_version == 2


# --- Two at once -----------------------------------------------------------------------------------------------------


def test_the_second_of_two_is_told_and_keeps_his_text() -> None:
    template, first, second = a_template(body="Come on Monday."), superuser(), superuser()
    opened = typed(template)
    first.post(page(template), {**opened, "body": "Come on Tuesday."})
    answer = second.post(page(template), {**opened, "body": "Come on Wednesday."})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "after you opened it" in text
    assert "root-0" in text
    assert answer.context["adminform"].form["body"].value() == "Come on Wednesday."
    assert "<del>Tuesday</del><ins>Wednesday</ins>" in text
    assert "Come on Tuesday." in text
    assert "<title>Error" in text
    template.refresh_from_db()
    assert template.body == "Come on Tuesday."

    # Having seen it, he may save.
    assert 'name="based_on" value="2"' in text
    assert second.post(page(template), {**opened, "body": "Wednesday.", "based_on": 2}).status_code == 302
    assert kept(template)[-1] == (3, "Wednesday.")


def test_a_preview_does_not_forget_which_version_was_opened() -> None:
    template, browser = a_template(), superuser()
    opened = typed(template)
    template.body = "New."
    template.save()
    text = browser.post(page(template), {**opened, "_preview": ""}).content.decode()
    assert 'name="based_on" value="1"' in text


# --- The page of versions --------------------------------------------------------------------------------------------


def test_the_versions_tell_who_when_and_what_is_different_now() -> None:
    template, browser = a_template(body="Come on Monday."), superuser()
    browser.post(page(template), typed(template, body="Come on Tuesday.", description="Weekly"))
    text = browser.get(versions_page(template)).content.decode()
    assert text.index("Version 2") < text.index("Version 1")
    assert "root-0" in text
    assert "a program" in text
    assert "<del>Monday</del><ins>Tuesday</ins>" in text
    assert "Other now: Description." in text
    assert f"{page(template)}?version=1" in text
    assert f"{page(template)}?version=2" not in text


def test_bringing_back_fills_the_form_and_saves_nothing_until_save() -> None:
    template, browser = a_template(body="One."), superuser()
    SMSTemplate.objects.get().save()
    browser.post(page(template), typed(template, body="Two."))
    answer = browser.get(page(template), {"version": 1})
    assert answer.context["adminform"].form["body"].value() == "One."
    assert "This is the text of version 1" in answer.content.decode()
    template.refresh_from_db()
    assert (template.body, template.version) == ("Two.", 2)
    assert 'name="based_on" value="2"' in answer.content.decode()
    browser.post(f"{page(template)}?version=1", typed(template, body="One."))
    assert kept(template)[-1] == (3, "One.")


def test_after_a_version_was_brought_back_and_changed_the_page_shows_what_was_saved() -> None:
    template, browser = a_template(body="One."), superuser()
    browser.post(page(template), typed(template, body="Two."))
    template.refresh_from_db()
    shown = browser.get(page(template), {"version": 1}).content.decode()
    form = re.search('<form [^>]*id="smstemplate_form"', shown)
    action = re.search('action="([^"]*)"', form[0]) if form else None
    to = action[1] if action else f"{page(template)}?version=1"
    answer = browser.post(to, typed(template, body="Three.", _continue=""), follow=True)
    assert answer.context["adminform"].form["body"].value() == "Three."
    assert "This is the text of version 1" not in answer.content.decode()


@pytest.mark.parametrize("version", ["9", "x", "-1", "", "9" * 30])
def test_a_version_that_there_never_was_brings_nothing_back(version: str) -> None:
    template, browser = a_template(body="One."), superuser()
    assert browser.get(page(template), {"version": version}).context["adminform"].form["body"].value() == "One."


def test_a_template_that_was_written_past_the_admin_has_an_empty_page() -> None:
    SMSTemplate.objects.bulk_create([SMSTemplate(slug="bulk", body="x")])
    text = superuser().get(versions_page(SMSTemplate.objects.get())).content.decode()
    assert "No version is kept" in text


def test_the_versions_are_for_those_who_may_see_the_template() -> None:
    template = a_template()
    assert browser_of("view_smstemplate").get(versions_page(template)).status_code == 200
    assert "?version=" not in browser_of("view_smstemplate").get(versions_page(template)).content.decode()
    assert browser_of("add_smstemplate").get(versions_page(template)).status_code == 403
    assert Client().get(versions_page(template)).status_code == 302
    assert superuser().get(reverse("admin:smsoffice_smstemplate_history", args=[0])).status_code == 302


def test_the_versions_cost_the_same_queries_however_many_there_are(django_assert_num_queries) -> None:
    template, browser = a_template(), superuser()
    with django_assert_num_queries(5):
        browser.get(versions_page(template))
    for number in range(30):
        template.body = f"Text {number}"
        template.save()
    with django_assert_num_queries(5):
        text = browser.get(versions_page(template)).content.decode()
    assert "Older" in text


LONG = [("x" * 4000, "y " * 2000), ("a,b" * 900, "b,a" * 900)]


@pytest.mark.parametrize(("old", "new"), [("", ""), ("", "a"), ("a b", "a c"), ("Come.\nNow.", "Come!\nNow."), *LONG])
def test_a_difference_is_both_texts_in_one(old: str, new: str) -> None:
    pieces = difference(old, new)
    assert "".join(piece.text for piece in pieces if piece.kind != "new") == old
    assert "".join(piece.text for piece in pieces if piece.kind != "gone") == new


# --- The guard -------------------------------------------------------------------------------------------------------


def test_a_new_need_of_a_used_template_is_asked_about_and_nothing_is_stored() -> None:
    template, browser = a_template(body="Order {{ number }} at {{ branch }}."), superuser()
    used(count=12408)
    a_message(template=template, template_slug="ready")
    answer = browser.post(page(template), typed(template, body="Order {{ number }}: {{ locker }}."))
    text = answer.content.decode()
    assert "This change can stop texts from being sent." in text
    assert "needed: new" in text
    assert "no longer used (harmless)" in text
    assert "12,408 times" in text
    assert "1, not affected" in text
    assert "checked" not in text
    template.refresh_from_db()
    assert template.version == 1


def answered(browser: Client, template: SMSTemplate, answer: dict[str, str], **fields: Any) -> Any:
    asked = browser.post(page(template), typed(template, body="{{ locker }}", **fields))
    hidden = dict(asked.context["travelling"])
    assert "guard" not in hidden
    return browser.post(page(template), {**hidden, **answer})


@pytest.mark.parametrize(("choice", "is_active"), [("callers", True), ("off", False)])
def test_after_the_answer_it_is_saved_as_it_was_typed(choice: str, is_active: bool) -> None:
    template, browser = a_template(), superuser()
    used()
    answer = answered(browser, template, {"guard": choice}, description="New one", _continue="")
    assert answer.status_code == 302
    assert answer["Location"] == page(template)
    template.refresh_from_db()
    assert (template.body, template.description) == ("{{ locker }}", "New one")
    assert (template.is_active, template.version) == (is_active, 2)


def test_going_back_from_the_guard_keeps_the_text() -> None:
    template, browser = a_template(), superuser()
    used()
    answer = answered(browser, template, {"_back": ""})
    assert answer.context["adminform"].form["body"].value() == "{{ locker }}"
    assert "Please correct" not in answer.content.decode()
    template.refresh_from_db()
    assert template.version == 1


def test_the_guard_comes_too_late_for_a_template_that_somebody_changed_meanwhile() -> None:
    template, browser = a_template(), superuser()
    used()
    opened = typed(template, body="{{ locker }}")
    template.body = "Other."
    template.save()
    answer = browser.post(page(template), {**opened, "guard": "callers"})
    assert "after you opened it" in answer.content.decode()


HARMLESS: dict[str, tuple[str, str, dict[str, str]]] = {
    "nothing new": ("{{ a }} {{ b }}", "{{ a }}", {}),
    "new with a default": ("{{ a }}", "{{ a }} {{ b|default:'x' }}", {}),
    "new in an if": ("{{ a }}", "{{ a }}{% if b %}{{ b }}{% endif %}", {}),
    "switched off": ("{{ a }}", "{{ b }}", {"is_active": ""}),
    "broken before": ("{{ a", "{{ b }}", {}),
}


@pytest.mark.parametrize(("old", "new", "fields"), HARMLESS.values(), ids=HARMLESS)
def test_a_change_that_cuts_nobody_off_is_saved_at_once(old: str, new: str, fields: dict[str, str]) -> None:
    template = a_template(body=old)
    used()
    assert superuser().post(page(template), typed(template, body=new, **fields)).status_code == 302


def test_a_default_that_is_taken_away_is_a_new_need() -> None:
    template = a_template(body="{{ a|default:'x' }}")
    used()
    answer = superuser().post(page(template), typed(template, body="{{ a }}"))
    assert "may be missing" in answer.content.decode()


def test_a_template_that_was_never_used_has_no_guard() -> None:
    template = a_template()
    used("another")
    assert superuser().post(page(template), typed(template, body="{{ locker }}")).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_in_the_same_moment_one_is_told() -> None:
    template, browsers = a_template(body="Monday."), [superuser(), superuser()]
    opened = typed(template)

    def save(number: int) -> int:
        return browsers[number].post(page(template), {**opened, "body": f"Text {number}."}).status_code

    assert sorted(at_once(partial(save, 0), partial(save, 1))) == [200, 302]
    assert [version for version, _ in kept(template)] == [1, 2]
