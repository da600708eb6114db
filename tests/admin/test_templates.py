"""The templates in the admin: what is saved can be rendered."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from smsoffice.admin import AbstractSMSTemplateAdmin
from smsoffice.models.batch import Batch
from smsoffice.models.sms import SMSTemplate
from smsoffice.models.uses import TemplateUse
from tests import batches
from tests.admin.people import a_message, a_template, browser_of, superuser

pytestmark = pytest.mark.django_db

LIST, ADD = reverse("admin:smsoffice_smstemplate_changelist"), reverse("admin:smsoffice_smstemplate_add")


def page(template: SMSTemplate) -> str:
    return reverse("admin:smsoffice_smstemplate_change", args=[template.pk])


def row_of(template: SMSTemplate, browser: Client | None = None) -> str:
    """The template's row in the list, in words."""
    text = (browser or superuser()).get(LIST).content.decode()
    table = text[text.index("<tbody>") : text.index("</tbody>")]
    [row] = [row for row in table.split("<tr>") if f'value="{template.pk}"' in row]
    return " ".join(unescape(re.sub("<[^>]*>", " ", row)).split())


def used(slug: str, days_ago: int, count: int) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    TemplateUse.objects.create(template_slug=slug, day=timezone.localdate(at), count=count, last_used_at=at)


def test_the_list_shows_slug_description_and_first_line() -> None:
    template = a_template("ready", "\n  Order {{ number }} is ready.\nSee you soon.")
    template.description = "It waits at the shop"
    template.save()
    row = row_of(template)
    assert "ready It waits at the shop Order {{ number }} is ready." in row
    assert "See you soon" not in row


def test_the_list_shows_what_a_template_costs_with_its_examples() -> None:
    template = a_template(body="x" * 150 + "{{ name }}")
    assert "not known “name” has no example" in row_of(template)
    template.variables = [{"name": "name", "example": "Jan", "longest": ""}]
    template.save()
    assert "1 part 153 of 160" in row_of(template)
    template.variables = [{"name": "name", "example": "Jan", "longest": "Bartoloměj Novák"}]
    template.save()
    assert "1 part up to 2 with long values" in row_of(template)


@pytest.mark.parametrize("body", ["Hello {{ name", "{% load static %}", "x" * 5000, "x" * 3000])
def test_a_body_that_cannot_be_sent_is_its_rows_affair(body: str) -> None:
    broken, other = a_template("broken", body), a_template("other", "Hello")
    assert "Cannot be sent" in row_of(broken)
    assert "1 part 5 of 160" in row_of(other)


def test_the_list_shows_how_much_and_when_each_was_used() -> None:
    never, old, often = a_template("never"), a_template("old"), a_template("often")
    used("old", 40, 7)
    used("often", 40, 1_000)
    used("often", 29, 2_000)
    used("often", 1, 386)
    assert "0 in 30 days never Active" in row_of(never)
    assert re.search(r"0 in 30 days 1 month, \d+ \w+ ago", row_of(old))
    assert "2,386 in 30 days 1 day ago" in row_of(often)
    by_use = superuser().get(LIST, {"o": "-4"}).context["cl"].result_list
    assert next(iter(by_use)) == often


def test_the_list_counts_and_shows_all_active_and_off() -> None:
    a_template("one")
    a_template("two")
    off = a_template("three")
    off.is_active = False
    off.save()
    browser = superuser()
    text = browser.get(LIST).content.decode()
    assert "All 3" in text
    assert "Active 2" in text
    assert "Off 1" in text
    listed = browser.get(LIST, {"is_active__exact": "0"}).context["cl"].result_list
    assert [template.slug for template in listed] == ["three"]


def test_an_empty_list_says_what_a_template_is_and_an_empty_search_what_was_sought() -> None:
    text = superuser().get(LIST).content.decode()
    assert "No template yet." in text
    assert "Add template" not in browser_of("view_smstemplate").get(LIST).content.decode()
    a_template()
    text = superuser().get(LIST, {"q": "<xyz>"}).content.decode()
    assert "No template matches “&lt;xyz&gt;”." in text
    assert "There is none of these." in superuser().get(LIST, {"is_active__exact": "0"}).content.decode()


# --- Actions ---------------------------------------------------------------------------------------------------------


def act(browser: Client, action: str, *templates: SMSTemplate, **more: str) -> Any:
    chosen = {"action": action, "_selected_action": [str(template.pk) for template in templates], **more}
    return browser.post(LIST, chosen, follow=True)


def test_switching_off_says_first_when_the_template_was_used() -> None:
    one, two, browser = a_template("one"), a_template("two"), superuser()
    used("one", 0, 12)
    text = act(browser, "switch_off", one, two).content.decode()
    assert "Switch off 2 templates" in text
    assert "now" in strip_tags(text)
    assert SMSTemplate.objects.filter(is_active=True).count() == 2

    answer = act(browser, "switch_off", one, two, confirmed="yes")
    assert "2 templates were switched off." in answer.content.decode()
    assert not SMSTemplate.objects.filter(is_active=True).exists()
    one.refresh_from_db()
    assert one.version == 2
    assert one.history.get(version=2).history_user is not None
    assert LogEntry.objects.count() == 2

    assert "off already" in act(browser, "switch_off", one).content.decode()
    assert "1 template was switched on." in act(browser, "switch_on", one).content.decode()
    assert SMSTemplate.objects.get(is_active=True) == one


def half_written(template: SMSTemplate, title: str, **columns: Any) -> Batch:
    """A bulk send of 9 rows, 4 of which are messages."""
    half = {"total": 9, "sendable": 9, "accepted": 4, **columns}
    return batches.batch(title=title, template=template, template_slug=template.slug, **half)


def in_words(answer: Any) -> str:
    """The page's own part, with its blanks made one."""
    text = answer.content.decode()
    return " ".join(strip_tags(unescape(text[text.index('id="content"') :])).split())


def test_switching_off_says_first_which_bulk_sends_it_pauses_and_which_go_on() -> None:
    template, other, browser = a_template("hello"), a_template("other"), superuser()
    running = half_written(template, "Advent")
    half_written(template, "Spring", status=Batch.Status.PAUSED)
    written = half_written(template, "Old news", accepted=9)
    half_written(other, "Not this")
    for status in (Batch.Status.DRAFT, Batch.Status.STOPPED, Batch.Status.FINISHED):
        half_written(template, str(status.label), status=status)
    answer = act(browser, "switch_off", template)
    words = in_words(answer)
    assert "2 bulk sends will pause, as their rows are not all messages yet:" in words
    assert "Advent 4 of 9 rows are messages." in words
    assert "Spring" in words
    assert "1 bulk send goes on, as its messages are written already:" in words
    assert not any(title in words for title in ("Not this", "Not confirmed", "Stopped", "Done"))
    for batch in (running, written):
        assert f'href="{reverse("admin:smsoffice_batch_change", args=[batch.pk])}"' in answer.content.decode()


def test_switching_off_what_no_bulk_send_is_made_of_says_nothing_of_them() -> None:
    assert "bulk send" not in in_words(act(superuser(), "switch_off", a_template()))


def test_of_many_bulk_sends_the_first_are_named() -> None:
    template = a_template()
    for number in range(13):
        half_written(template, f"Sale {number}")
    words = in_words(act(superuser(), "switch_off", template))
    assert "13 bulk sends will pause" in words
    assert "Sale 9" in words
    assert "Sale 10" not in words
    assert "and 3 more" in words


def test_who_may_not_see_bulk_sends_is_told_their_number_only() -> None:
    template = a_template()
    half_written(template, "Secret plans")
    words = in_words(act(browser_of("change_smstemplate"), "switch_off", template))
    assert "1 bulk send will pause" in words
    assert "Secret plans" not in words


def test_switching_off_in_the_editor_says_which_bulk_sends_pause() -> None:
    template, browser = a_template("hello", "Hello."), superuser()
    half_written(template, "Advent <b>")
    off = {"slug": "hello", "body": "Hello.", "variables": "[]"}
    text = browser.post(page(template), off, follow=True).content.decode()
    assert "1 bulk send pauses, as its rows are not all messages yet:" in text
    assert "Advent &lt;b&gt;</a>" in text
    text = browser.post(page(template), {**off, "body": "Hello again."}, follow=True).content.decode()
    assert "pauses, as" not in text


def test_switching_off_at_the_guard_and_in_the_editor_says_too_which_bulk_sends_go_on() -> None:
    template, browser = a_template("hello", "Hello."), superuser()
    used("hello", 0, 1)
    half_written(template, "Advent")
    half_written(template, "Old news", accepted=9)
    needing = {"slug": "hello", "body": "Hello {{ name }}.", "variables": "[]", "is_active": "on", "guard": "off"}
    words = in_messages(browser.post(page(template), needing, follow=True))
    assert "1 bulk send pauses, as its rows are not all messages yet: Advent." in words
    assert "1 bulk send goes on, as its messages are written already: Old news." in words


def in_messages(answer: Any) -> list[str]:
    return [strip_tags(str(message)) for message in answer.context["messages"]]


def test_deleting_says_first_when_the_template_was_used_and_that_messages_stay() -> None:
    template, browser = a_template(), superuser()
    used("ready", 0, 12)
    delete = reverse("admin:smsoffice_smstemplate_delete", args=[template.pk])
    for text in (browser.get(delete).content.decode(), act(browser, "delete_selected", template).content.decode()):
        assert "Its messages keep their text and its slug." in text
        assert "Last used" in text
    message = a_message(template=template, template_slug="ready")
    browser.post(delete, {"post": "yes"})
    message.refresh_from_db()
    assert (message.template_id, message.template_slug) == (None, "ready")


def test_deleting_says_first_which_bulk_sends_can_never_go_on() -> None:
    template, browser = a_template("hello"), superuser()
    half_written(template, "Advent")
    half_written(template, "Old news", accepted=9)
    delete = reverse("admin:smsoffice_smstemplate_delete", args=[template.pk])
    for answer in (browser.get(delete), act(browser, "delete_selected", template)):
        words = in_words(answer)
        assert "1 bulk send will pause, as its rows are not all messages yet: Advent 4 of 9 rows are messages." in words
        assert "Without their template they can never go on" in words
        assert "1 bulk send goes on, as its messages are written already: Old news" in words


def test_deleting_many_deletes_them_after_the_question() -> None:
    template, browser = a_template("hello"), superuser()
    act(browser, "delete_selected", template, post="yes")
    assert not SMSTemplate.objects.exists()


def test_who_may_not_change_templates_is_offered_no_action() -> None:
    template, browser = a_template(), browser_of("view_smstemplate")
    assert "switch_off" not in browser.get(LIST).content.decode()
    act(browser, "switch_off", template, confirmed="yes")
    template.refresh_from_db()
    assert template.is_active


@pytest.mark.parametrize(
    ("sought", "found"), [("READY", {"ready"}), ("voucher", {"sale"}), ("waits", {"ready"}), ("nothing", set())]
)
def test_a_template_is_found_by_its_slug_its_description_and_its_text(sought: str, found: set[str]) -> None:
    SMSTemplate.objects.create(slug="ready", body="Come.", description="It waits")
    a_template("sale", "Your voucher: {{ code }}.")
    listed = superuser().get(LIST, {"q": sought}).context["cl"].result_list
    assert {template.slug for template in listed} == found


def test_a_saved_template_is_what_was_typed_with_the_line_feeds_of_a_phone() -> None:
    answer = superuser().post(ADD, {"slug": "ready", "body": "Dear {{ name }},\r\nyour order is ready."})
    assert answer.status_code == 302
    assert SMSTemplate.objects.get(slug="ready").body == "Dear {{ name }},\nyour order is ready."


WRONG_BODIES = {
    "a variable that is not closed": ("Hello.\n  {{ name }, welcome", "Line 2, column 3: "),
    "a tag that is not closed": ("{% if vip %}Dear", "Line 1, column 1: "),
    "a tag that the sandbox lacks": ("Hello\n{% include 'secret' %}", "Line 2, column 1: "),
    "a filter that nobody knows": ("{{ name|shout }}", "Line 1, column 1: "),
    "too long": ("x" * 4001, "4,001"),
}


@pytest.mark.parametrize(("body", "words"), WRONG_BODIES.values(), ids=WRONG_BODIES)
def test_a_body_that_cannot_be_read_is_not_saved_and_the_place_is_named_at_the_field(body: str, words: str) -> None:
    template = a_template(body="Old.")
    answer = superuser().post(page(template), {"slug": "ready", "body": body.replace("\n", "\r\n")})
    [error] = answer.context["adminform"].form.errors["body"]
    assert words in error
    assert answer.context["adminform"].form["body"].value() == body.replace("\n", "\r\n")
    template.refresh_from_db()
    assert template.body == "Old."


def test_two_templates_never_share_a_slug() -> None:
    a_template("ready")
    answer = superuser().post(ADD, {"slug": "ready", "body": "Again."})
    assert "slug" in answer.context["adminform"].form.errors


def test_markup_in_a_body_is_text_in_the_list() -> None:
    a_template(body="<script>alert(1)</script>")
    assert "<script>alert" not in superuser().get(LIST).content.decode()


def test_the_list_costs_the_same_queries_whatever_its_length(django_assert_num_queries) -> None:
    browser = superuser()
    a_template("one")
    with django_assert_num_queries(5):
        browser.get(LIST)
    for number in range(30):
        a_template(f"more-{number}")
        used(f"more-{number}", 1, 5)
    with django_assert_num_queries(5):
        browser.get(LIST)


ALLOWED = {
    "view_smstemplate": {"list": 200, "page": 200, "add": 403, "save": 403, "delete": 403},
    "add_smstemplate": {"list": 403, "page": 403, "add": 200, "save": 403, "delete": 403},
    "change_smstemplate": {"list": 200, "page": 200, "add": 403, "save": 302, "delete": 403},
    "delete_smstemplate": {"list": 403, "page": 403, "add": 403, "save": 403, "delete": 200},
    "view_outputsmsmessage": {"list": 403, "page": 403, "add": 403, "save": 403, "delete": 403},
}


@pytest.mark.parametrize(("permission", "statuses"), ALLOWED.items(), ids=ALLOWED)
def test_each_right_opens_its_own_pages(permission: str, statuses: dict[str, int]) -> None:
    template = a_template()
    browser = browser_of(permission)
    assert {
        "list": browser.get(LIST).status_code,
        "page": browser.get(page(template)).status_code,
        "add": browser.get(ADD).status_code,
        "save": browser.post(page(template), {"slug": "ready", "body": "New."}).status_code,
        "delete": browser.get(reverse("admin:smsoffice_smstemplate_delete", args=[template.pk])).status_code,
    } == statuses


def test_who_may_only_view_reads_the_body_and_cannot_type() -> None:
    text = browser_of("view_smstemplate").get(page(a_template())).content.decode()
    assert "Order {{ number }} is ready." in text
    assert "<textarea" not in text


def test_a_host_reuses_the_page_for_its_own_template_model() -> None:
    class HostTemplateAdmin(AbstractSMSTemplateAdmin):
        list_display = [*AbstractSMSTemplateAdmin.list_display, "created_at"]

    pages = HostTemplateAdmin(SMSTemplate, admin.AdminSite())
    assert pages.check() == []
    form = pages.get_form(None)({"slug": "ready", "body": "{{ name }"})  # type: ignore[arg-type]
    assert "Line 1, column 1: " in form.errors["body"][0]
