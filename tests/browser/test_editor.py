"""The template editor in a real browser: what is typed appears on the phone before anything is saved."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.accessible import assert_accessible

ADD = "/admin/smsoffice/smstemplate/add/"
LIST = "/admin/smsoffice/smstemplate/"
PATIENCE = 60_000
"""Milliseconds for the server's answer on a machine that has other work."""


@pytest.fixture(autouse=True)
def _patience() -> None:
    expect.set_options(timeout=PATIENCE)


def test_a_new_template_is_seen_while_it_is_typed_tested_and_saved(page: Page) -> None:
    page.goto(ADD)
    body, bubble = page.get_by_label("Text of the message"), page.locator(".so-bubble")
    expect(page.locator("#so-preview")).to_contain_text("Nothing to show yet.")

    body.press_sequentially("Dobrý den")
    expect(bubble).to_have_text("Dobry den")
    expect(page.locator("#so-preview")).to_contain_text("9 of 160")
    expect(page.get_by_role("status")).to_contain_text("1 message, 9 of 160 characters.")
    expect(body).to_be_focused()

    # A variable that nobody declared is declared by a click, and its example appears.
    body.press_sequentially(", {{ customer.name }}")
    expect(page.locator("#so-problems")).to_contain_text("“customer.name” has no example yet")
    page.get_by_role("button", name="Declare it below").click()
    expect(page.get_by_label("customer.name, Example")).to_be_focused()
    page.keyboard.type("Petře")
    expect(bubble).to_have_text("Dobry den, Petre")

    # A chip writes the variable where the cursor is.
    body.press("Control+Home")
    page.get_by_role("button", name="customer.name", exact=True).click()
    expect(body).to_have_value("{{ customer.name }}Dobrý den, {{ customer.name }}")
    expect(bubble).to_have_text("PetreDobry den, Petre")

    # A long text is cut where the gateway cuts it.
    body.press("Control+End")
    page.keyboard.insert_text("\n" + "Objednávka je připravena. " * 6)
    expect(bubble).to_contain_text("2 of 2")
    expect(page.locator("#so-preview")).to_contain_text("1 message in 2 parts")

    # An error is told with its line, and the last good text stays.
    page.keyboard.insert_text("\n{{ customer.name")
    expect(page.locator("#so-problems")).to_contain_text("Line 3, column 1:")
    expect(page.locator(".so-stale")).to_contain_text("Objednavka je pripravena.")
    expect(page.get_by_role("button", name="Send test")).to_be_disabled()
    expect(body).to_have_attribute("aria-invalid", "true")
    assert_accessible(page)
    page.get_by_role("link", name="Go to line 3").click()
    expect(body).to_be_focused()
    assert page.evaluate("window.getSelection().toString()") == "{{ customer.name"
    page.keyboard.press("Delete")
    expect(page.locator("#so-problems")).not_to_contain_text("Line 3")
    assert_accessible(page)

    # A test goes out, and what was typed is still there and not saved.
    page.get_by_label("Send test to…").fill("601 000 901")
    page.get_by_role("button", name="Send test").click()
    expect(page.locator(".messagelist")).to_contain_text("The test to +420 601 000 901 was accepted.")
    expect(body).to_have_value(re.compile("Objednávka"))
    expect(page.get_by_label("customer.name, Example")).to_have_value("Petře")
    assert_accessible(page)
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Show it in a new tab").click()
    expect(popup.value.locator("#content")).to_contain_text("PetreDobry den, Petre")
    popup.value.close()

    # What was typed stays, and the phone with it.
    expect(page.locator(".so-bubble")).to_contain_text("PetreDobry den")
    page.get_by_label("Slug").fill("seen-while-typed")
    page.get_by_label("Description").fill("Written by a browser")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="seen-while-typed")
    expect(row).to_contain_text("2 parts")


def test_the_longest_values_are_shown_on_request_and_the_focus_stays(page: Page) -> None:
    page.goto(LIST)
    page.get_by_role("link", name="payment-reminder-en").click()
    page.get_by_label("the longest values").check()
    expect(page.locator(".so-bubble")).to_contain_text("Maxmiliana Alexandra")
    expect(page.get_by_label("the longest values")).to_be_focused()
    expect(page.locator("#so-preview")).to_contain_text("The longest values make 2 parts.")
    assert_accessible(page)


def test_a_server_that_does_not_answer_is_told_and_the_text_is_safe(page: Page) -> None:
    page.goto(LIST)
    page.get_by_role("link", name="login-code-en").click()
    # An answer that is no preview; one that never came would stand in the browser's console as well.
    page.route("**/preview/", lambda route: route.fulfill(status=204))
    page.get_by_label("Text of the message").press_sequentially("x")
    expect(page.locator("#so-preview")).to_contain_text("No preview at the moment")
    page.unroute("**/preview/")
    page.get_by_label("Text of the message").press_sequentially("y")
    expect(page.locator(".so-bubble")).to_contain_text("Your login code")


def test_the_last_of_several_questions_wins(page: Page) -> None:
    page.goto(ADD)
    held: list[Route] = []
    page.route("**/preview/", lambda route: held.append(route) if not held else route.continue_())
    body = page.get_by_label("Text of the message")
    body.press_sequentially("first")
    while not held:
        page.wait_for_timeout(50)
    body.fill("second")
    expect(page.locator(".so-bubble")).to_have_text("second")
    page.unroute("**/preview/")


def test_a_risky_change_is_asked_about_and_the_versions_tell_of_it(page: Page) -> None:
    page.goto(LIST)
    page.get_by_role("link", name="order-shipped-en").click()
    body = page.get_by_label("Text of the message")
    body.fill("Your order {{ order.number }} is in the locker {{ locker }}.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("This change can stop texts from being sent.")
    assert_accessible(page)
    page.get_by_role("button", name="Back to the text").click()
    expect(body).to_have_value(re.compile("locker"))
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Save as it is.").check()
    page.get_by_role("button", name="Save the template").click()
    expect(page.locator(".messagelist .success")).to_be_visible()

    page.locator("#result_list").get_by_role("link", name="order-shipped-en").click()
    page.get_by_role("link", name="Versions (2)").click()
    expect(page.get_by_text("Version 1", exact=True)).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Bring back version 1").click()
    expect(body).to_have_value(re.compile("handed over to the courier"))
    assert_accessible(page)


def test_the_list_is_accessible_and_switches_off_after_a_question(page: Page) -> None:
    page.goto(LIST)
    assert_accessible(page)
    page.get_by_role("row").filter(has_text="order-received-en").get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option("switch_off")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#content")).to_contain_text("Last used")
    assert_accessible(page)
    page.get_by_role("button", name="Switch off 1 template").click()
    expect(page.locator(".messagelist")).to_contain_text("1 template was switched off.")
    page.get_by_role("link", name="Off 1").click()
    expect(page.get_by_role("row").filter(has_text="order-received-en")).to_contain_text("Off")
