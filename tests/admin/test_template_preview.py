"""The address that the editor asks while somebody types: the design's facts, or the pieces of the page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from smsoffice.models.sms import OutputSMSMessage, SMSTemplate
from tests.admin.people import browser_of, superuser

pytestmark = pytest.mark.django_db

PREVIEW = reverse("admin:smsoffice_smstemplate_preview")


def facts(browser: Client, body: str, context: object = None, **more: Any) -> dict[str, Any]:
    asked = {"body": body, "context": {} if context is None else context, **more}
    answer = browser.post(PREVIEW, asked, content_type="application/json")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


def pieces(browser: Client, body: str, variables: object = (), **more: Any) -> str:
    asked = {"body": body, "variables": variables if isinstance(variables, str) else list(variables), **more}  # type: ignore[call-overload]
    answer = browser.post(PREVIEW, asked, content_type="application/json", headers={"accept": "text/html"})
    assert answer.status_code == 200
    return answer.content.decode()


def variable(name: str, example: object = "", longest: object = "") -> dict[str, object]:
    return {"name": name, "example": example, "longest": longest, "note": ""}


# --- The facts for a program -----------------------------------------------------------------------------------------


def test_the_facts_have_the_names_of_the_design() -> None:
    told = facts(superuser(), "Dobrý den, {{ customer.name }}!", {"customer": {"name": "Petře €"}})
    assert told == {
        "content": "Dobry den, Petre €!",
        "encoding": "GSM-7",
        "units": 20,
        "segments": [{"text": "Dobry den, Petre €!", "units": 20}],
        "errors": [],
        "missing": [],
        "replaced": [
            {"original": "ý", "replacement": "y", "count": 1},
            {"original": "ř", "replacement": "r", "count": 1},
        ],
    }


@override_settings(PYMESS_SMS_USE_ACCENT=True)
def test_a_long_text_with_accents_is_cut_where_the_gateway_cuts_it() -> None:
    told = facts(superuser(), "ř" * 100)
    assert (told["encoding"], told["units"], told["replaced"]) == ("UCS-2", 100, [])
    assert [part["units"] for part in told["segments"]] == [67, 33]


def test_a_missing_variable_is_named_and_placed() -> None:
    told = facts(superuser(), "Hello,\n{{ customer.name }} {{ code }}", {"code": 1})
    assert told["missing"] == ["customer.name"]
    [error] = told["errors"]
    assert (error["line"], error["column"]) == (2, 1)
    assert "customer.name" in error["message"]
    assert (told["content"], told["segments"]) == ("", [])


WRONG: dict[str, tuple[str, object, str]] = {
    "not closed": ("Hello\n  {{ name", {}, "{{ name"),
    "a tag that nobody has": ("{% load static %}", {}, "load"),
    "nested too deep": ("{% if a %}" * 30 + "{% endif %}" * 30, {}, "20"),
    "20,000 characters": ("x" * 20_000, {}, "20,000"),
    "20,000 opening braces": ("{{" * 10_000, {}, "20,000"),
    "loops in loops": (
        "{% for a in xs %}{% for b in xs %}{% for c in xs %}{% for d in xs %}x{% endfor %}{% endfor %}{% endfor %}"
        "{% endfor %}",
        {"xs": list(range(100))},
        "",
    ),
    "too many parts": ("x" * 2000, {}, "10"),
    "nothing": ("", {}, "empty"),
    "a context that is no dict": ("Hello", [1], "dict"),
    "a context that is too deep": ("Hello", json.loads('{"a":' * 30 + "1" + "}" * 30), "nested"),
}


@pytest.mark.parametrize(("body", "context", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_sent_is_an_error_in_words(body: str, context: object, words: str) -> None:
    [error] = facts(superuser(), body, context)["errors"]
    assert words in error["message"]
    assert len(error["message"]) > 10


@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b'"x"', b'{"body": 7}', b"[" * 100_000, b"\xff", b"body=x"])
def test_what_is_no_question_is_refused(sent: bytes) -> None:
    answer = superuser().post(PREVIEW, sent, content_type="application/json")
    assert answer.status_code == 400
    assert "body" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_half_a_letter_breaks_nothing(accept: str) -> None:
    asked = '{"body": "\\ud800 {{ a }}", "variables": [{"name": "a", "example": "\\udfff"}], "last": "\\ud800"}'
    browser = superuser()
    answer = browser.post(PREVIEW, asked, content_type="application/json", headers={"accept": accept})
    assert answer.status_code == 200


def test_a_text_is_written_in_the_sites_language_and_an_error_in_the_readers() -> None:
    browser = superuser()
    told = browser.post(
        PREVIEW,
        {"body": '{% now "F" %} {{ price }}', "context": {"price": 1.5}},
        content_type="application/json",
        headers={"accept-language": "cs"},
    ).json()
    assert told["content"].endswith(" 1.5")
    told = browser.post(
        PREVIEW, {"body": "{{ a }}"}, content_type="application/json", headers={"accept-language": "cs"}
    ).json()
    assert "chybí" in told["errors"][0]["message"]


def test_the_preview_stores_nothing_and_asks_nothing_of_the_log(django_assert_num_queries) -> None:
    browser = browser_of("view_smstemplate")
    # The session and the user, then the rights that the user has alone and by groups.
    with django_assert_num_queries(4):
        facts(browser, "Hello {{ name }}", {"name": "Jana"})
    with django_assert_num_queries(4):
        pieces(browser, "Hello {{ name }}", [variable("name", "Jana")], template="1")
    assert not SMSTemplate.objects.exists()
    assert not OutputSMSMessage.objects.exists()


@pytest.mark.parametrize(
    ("permission", "status"),
    [
        ("view_smstemplate", 200),
        ("add_smstemplate", 200),
        ("change_smstemplate", 200),
        ("delete_smstemplate", 403),
        ("add_outputsmsmessage", 403),
    ],
)
def test_the_preview_is_for_those_who_may_see_or_write_templates(permission: str, status: int) -> None:
    answer = browser_of(permission).post(PREVIEW, {"body": "x"}, content_type="application/json")
    assert answer.status_code == status


def test_the_preview_is_asked_by_post_only_and_by_those_who_are_logged_in() -> None:
    assert superuser().get(PREVIEW).status_code == 405
    assert Client().post(PREVIEW, {"body": "x"}, content_type="application/json").status_code == 302


# --- The pieces of the page ------------------------------------------------------------------------------------------


def test_the_pieces_are_those_that_the_page_has_places_for() -> None:
    browser = superuser()
    html, page = pieces(browser, "Hello"), browser.get(reverse("admin:smsoffice_smstemplate_add")).content.decode()
    for name in ("so-problems", "so-insert", "so-said", "so-preview", "so-test-button", "id_test_hint"):
        assert f'id="{name}"' in html
        assert f'id="{name}"' in page


def test_the_panel_shows_bubble_price_and_a_sentence_for_those_who_listen() -> None:
    html = pieces(superuser(), "Dobrý den, {{ order.number }}", [variable("order.number", "2026-1042")])
    assert "Dobry den, 2026-1042" in html
    assert "20 of 160" in html
    assert "1 message, 20 of 160 characters." in html
    assert "ý→y" in html
    assert "order.number</button>" in html


def test_markup_in_a_text_is_text() -> None:
    html = pieces(superuser(), "<script>{{ a }}</script>", [variable("a", "<img src=x>")], last="<b>")
    assert "<script>" not in html
    assert "<img" not in html


def test_both_costs_are_said_and_what_to_shorten() -> None:
    body = "x" * 150 + "{{ name }}"
    html = pieces(superuser(), body, [variable("name", "Jan", "Bartoloměj Novák")])
    assert "The longest values make 2 parts." in html
    assert "Shorten the text by 6 characters to stay at 1." in html
    assert "With the longest values 2 parts." in html
    assert "x" * 150 + "Jan<" in html
    long = pieces(superuser(), body, [variable("name", "Jan", "Bartoloměj Novák")], values="longest")
    assert "1 of 2" in long


@pytest.mark.parametrize(
    ("length", "words"),
    [(160, None), (161, "1 character over."), (186, "26 characters over."), (200, "40 characters over."), (300, None)],
)
def test_a_little_too_long_is_said_with_the_fewest_characters(length: int, words: str | None) -> None:
    html = pieces(superuser(), "x" * length)
    assert (words or "characters over") in html if words else "over." not in html


def test_signs_of_two_units_are_counted_when_a_text_is_shortened() -> None:
    html = pieces(superuser(), "€" * 81)
    assert "1 character over." in html


@override_settings(PYMESS_SMS_USE_ACCENT=True)
def test_the_sign_that_makes_a_text_dearer_is_named_marked_and_can_be_replaced() -> None:
    html = pieces(superuser(), "Hello,\nyour order left today – " + "x" * 110)
    assert '<mark class="so-costly">–</mark>' in html
    assert "2 parts more than without." in html
    assert "“–” in line 2" in html
    assert 'data-replace="–" data-with="-"' in html


@override_settings(PYMESS_SMS_USE_ACCENT=True)
def test_a_sign_that_costs_nothing_more_is_left_alone() -> None:
    assert "so-costly" not in pieces(superuser(), "Left today –")


@override_settings(PYMESS_SMS_USE_ACCENT=True)
def test_a_sign_out_of_a_value_is_not_offered_for_replacement() -> None:
    html = pieces(superuser(), "x" * 100 + "{{ a }}", [variable("a", "–")])
    assert "“–” in a value" in html
    assert "data-replace" not in html


@pytest.mark.parametrize("kept", [True, False])
def test_what_accents_cost_is_told_and_which_policy_is_in_force(kept: bool) -> None:
    with override_settings(PYMESS_SMS_USE_ACCENT=kept):
        html = pieces(superuser(), "Příliš žluťoučký kůň úpěl ďábelské ódy. " * 3)
    row = "With accents" if kept else "Without accents"
    assert f'{row} <span class="so-quiet">· in force' in html
    assert "2 parts</span>" in html
    assert ("ů→u" in html) is not kept


def test_an_undeclared_variable_is_a_hint_with_its_line_and_the_phone_waits() -> None:
    html = pieces(superuser(), "Hello\n{{ locker }}")
    assert "Line 2: “locker” has no example yet" in html
    assert 'data-declare="locker"' in html
    assert "The phone cannot show it yet." in html
    assert "This text cannot be sent." not in html


def test_a_variable_that_may_be_missing_is_shown_without_and_hinted_at() -> None:
    html = pieces(superuser(), "Hello {{ name|default:'customer' }}")
    assert "Hello customer" in html
    assert "Line 1: “name” is not declared." in html


def test_a_declared_variable_that_is_not_used_is_a_hint() -> None:
    assert "“name” is declared, but the text does not use it." in pieces(superuser(), "Hello", [variable("name", "x")])
    for_loop = "{% for item in items %}{{ item.name }} {% endfor %}"
    html = pieces(superuser(), for_loop, [variable("items.0.name", "Mug"), variable("items.1.name", "Cup")])
    assert "Mug Cup" in html
    assert "does not use it" not in html
    assert "is not declared" not in html


def test_while_the_text_is_broken_the_last_good_one_stays() -> None:
    html = pieces(superuser(), "Hello {{ name", last="Hello Jana")
    assert "This text cannot be sent." in html
    assert "so-stale" in html
    assert 'name="last_text" value="Hello Jana"' in html
    assert 'data-line="1" data-column="7"' in html
    assert "disabled" in html


def test_variables_that_are_just_being_typed_break_nothing() -> None:
    for typed in ("", "[", "{}", "7", '[{"name": ""}]', '[{"name": "a.b"}, {"name": "a", "example": "x"}]', '["x"]'):
        assert "Hello" in pieces(superuser(), "Hello", typed)
