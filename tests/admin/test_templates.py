"""The templates in the admin: what is saved can be rendered."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import reverse

from smsoffice.admin import AbstractSMSTemplateAdmin
from smsoffice.models.sms import SMSTemplate
from tests.admin.people import a_template, browser_of, superuser

pytestmark = pytest.mark.django_db

LIST, ADD = reverse("admin:smsoffice_smstemplate_changelist"), reverse("admin:smsoffice_smstemplate_add")


def page(template: SMSTemplate) -> str:
    return reverse("admin:smsoffice_smstemplate_change", args=[template.pk])


def test_the_list_shows_slug_first_line_and_when_it_changed() -> None:
    a_template("ready", "\n  Order {{ number }} is ready.\nSee you soon.")
    text = superuser().get(LIST).content.decode()
    assert "ready" in text
    assert "Order {{ number }} is ready." in text
    assert "See you soon" not in text


@pytest.mark.parametrize(("sought", "found"), [("READY", {"ready"}), ("voucher", {"sale"}), ("nothing", set())])
def test_a_template_is_found_by_its_slug_and_its_text(sought: str, found: set[str]) -> None:
    a_template("ready", "Come.")
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
    with django_assert_num_queries(4):
        browser.get(LIST)
    for number in range(30):
        a_template(f"more-{number}")
    with django_assert_num_queries(4):
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
