"""One message with a real browser: found, understood, sent again, cancelled; and the front page that leads to it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.accessible import assert_accessible

LOG = "/admin/smsoffice/outputsmsmessage/"


def first_of(page: Page, state: str) -> None:
    """Open the newest message in a state."""
    page.goto(f"{LOG}?state={state}")
    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    page.wait_for_url(re.compile(r"/change/"))


def test_a_message_is_found_by_its_number_opened_and_sent_again(page: Page) -> None:
    first_of(page, "ERROR")
    number = page.locator("h1", has_text="SMS to").inner_text().removeprefix("SMS to ")
    failed = page.url

    page.goto(LOG)
    page.get_by_role("textbox", name="Recipient").fill(number.removeprefix("+420 "))
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.locator("#result_list tbody tr").first).to_contain_text(number)
    path = failed[failed.index("/admin/") :].partition("?")[0]
    page.locator(f'#result_list a[href^="{path}"]').first.click()

    expect(page.get_by_role("heading", name=re.compile("Not delivered|Not sent"))).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Resend…").click()
    expect(page.get_by_role("heading", name="Resend this message?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Resend 1 message").click()

    expect(page.locator(".messagelist")).to_contain_text("was accepted")
    expect(page.get_by_text("It is a resend of")).to_be_visible()
    copy = page.url
    page.get_by_text("It is a resend of").get_by_role("link").click()
    page.wait_for_url(f"**{path}?*")
    expect(page.get_by_text("Resent as", exact=False).first).to_be_visible()
    expect(page.locator(f'a[href="{copy[copy.index("/admin/") :]}"]').first).to_be_visible()


def tab_to(page: Page, what: Locator) -> None:
    """Go there by the Tab key alone."""
    for _step in range(150):
        if what.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"The Tab key does not lead to {what}.")


def test_by_keyboard_alone_one_finds_a_message_resends_it_and_comes_back_to_the_same_place(page: Page) -> None:
    page.goto(f"{LOG}?state=ERROR")
    number = page.locator("#result_list tbody .so-cell-to").first.inner_text().splitlines()[0]
    tab_to(page, page.get_by_role("textbox", name="Recipient"))
    page.keyboard.type(f" {number.removeprefix('+420 ')} ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Filters in force").get_by_role("link")).to_have_count(2)
    place = page.url

    tab_to(page, page.locator("#result_list tbody tr").first.get_by_role("link").first)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name=re.compile("^Resend")))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Resend this message?")).to_be_visible()
    accept = page.get_by_role("checkbox")
    if accept.count():
        tab_to(page, accept)
        page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Resend 1 message"))
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("was accepted")

    tab_to(page, page.locator(".breadcrumbs").get_by_role("link", name="Messages"))
    page.keyboard.press("Enter")
    page.wait_for_url(place)


def test_going_back_after_a_resend_sends_nothing_more(page: Page) -> None:
    # Those of the newest are resent by the tests before.
    page.goto(f"{LOG}?state=DEBUG&state=ERROR")
    page.locator("#result_list tbody tr").last.get_by_role("link").first.click()
    original = page.url
    page.get_by_role("link", name="Resend…").click()
    page.get_by_role("button", name="Resend 1 message").dblclick()
    expect(page.locator(".messagelist")).to_contain_text(re.compile("was accepted|not a second time"))
    page.go_back()
    expect(page.get_by_role("heading", name="Resend this message?")).to_be_visible()
    expect(page.get_by_text("It was sent again")).to_be_visible()
    assert_accessible(page)
    button = page.get_by_role("button", name="Resend 1 message")
    button.click()
    expect(button).to_be_visible()
    page.goto(original)
    expect(page.locator(".so-verdict").get_by_text("Resent as")).to_have_count(1)


def test_a_resend_that_may_arrive_twice_asks_for_a_tick(page: Page) -> None:
    first_of(page, "DELIVERED")
    page.get_by_role("link", name="Resend…").click()
    expect(page.get_by_text("The customer may get this text twice.")).to_be_visible()
    button = page.get_by_role("button", name="Resend 1 message")
    button.click()
    # The browser itself asks for the tick; nothing has left.
    expect(button).to_be_visible()
    page.get_by_label("I know that it may arrive twice").check()
    button.click()
    expect(page.locator(".messagelist")).to_contain_text("was accepted")


def test_an_outcome_that_nobody_knows_is_decided_with_a_reason(page: Page) -> None:
    first_of(page, "UNKNOWN")
    expect(page.get_by_role("heading", name="We do not know whether this text was sent")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("The customer has the text.").check()
    page.get_by_label("How do you know?").fill("Spoke to the customer on the phone")
    page.get_by_role("button", name="Record the decision").click()
    expect(page.locator(".messagelist")).to_contain_text("Your decision is recorded: Delivered.")
    expect(page.locator("#events")).to_contain_text("By operator")
    expect(page.locator("#events")).to_contain_text("Spoke to the customer on the phone")


def test_what_waits_is_cancelled_after_a_question(page: Page) -> None:
    first_of(page, "WAITING")
    page.get_by_role("link", name="Cancel…").click()
    page.wait_for_url("**/cancel/*")
    assert_accessible(page)
    page.get_by_role("button", name="Cancel 1 message").click()
    expect(page.get_by_role("heading", name="Not sent")).to_be_visible()


def test_many_are_resent_as_a_bulk_send(page: Page) -> None:
    page.goto(f"{LOG}?state=ERROR")
    boxes = page.locator("#result_list tbody input[type=checkbox]")
    for place in range(3):
        boxes.nth(place).check()
    page.get_by_label("Action:").select_option("resend_selected")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.get_by_role("heading", name="Resend the selected messages?")).to_be_visible()
    assert_accessible(page)
    for box in page.locator('input[name="kind"]').all():
        box.check()
    page.get_by_role("button", name="Recount").click()
    page.get_by_role("button", name=re.compile(r"Resend \d messages?")).click()
    expect(page.locator(".messagelist")).to_contain_text("sent again")
    expect(page).to_have_url(re.compile("/smsoffice/batch/"))


def test_all_that_failed_are_resent_from_the_filtered_log(page: Page) -> None:
    page.goto(f"{LOG}?state=ERROR")
    page.get_by_role("button", name="Resend all that failed…").click()
    expect(page.get_by_role("heading", name="Resend all that match?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name=re.compile(r"Resend \d+ messages?")).click()
    expect(page.locator(".messagelist")).to_contain_text("sent again")


@pytest.mark.parametrize("state", ["Delivered", "Error"])
def test_the_front_page_leads_into_the_log(page: Page, state: str) -> None:
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="SMS today")).to_be_visible()
    page.get_by_text("The numbers as a table").click()
    assert_accessible(page)
    page.get_by_label("Messages created today, by state").get_by_role("link", name=state).click()
    expect(page).to_have_url(re.compile(f"state={state.upper()}"))
