"""The send page in a real browser: checked while it is typed, shown before it is sent, and sent once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from openpyxl import Workbook
from playwright.sync_api import Page, Route, expect

from tests.browser.accessible import assert_accessible
from tests.house import House, until

ADD = "/admin/smsoffice/outputsmsmessage/add/"
PATIENCE = 60_000
"""Milliseconds for the server's answer on a machine that has other work."""


@pytest.fixture(autouse=True)
def _patience(page: Page) -> None:
    expect.set_options(timeout=PATIENCE)
    page.set_default_timeout(PATIENCE)


def at_the_gateway(house: House) -> dict[str, Any]:
    stats: dict[str, Any] = requests.get(f"http://127.0.0.1:{house.gateway_port}/stats.json", timeout=60).json()
    return stats


def go_on(page: Page) -> None:
    page.get_by_role("button", name="Continue to the summary…").click()


def test_three_numbers_in_different_spellings_get_their_texts_once(page: Page, house: House) -> None:
    page.goto(ADD)
    assert_accessible(page)
    page.get_by_label("Own text").check()
    page.get_by_label("Text", exact=True).fill("Dobrý den, zítra máme zavřeno.")
    recipients = page.get_by_label("Recipients")
    recipients.press_sequentially("601 000 901\n00420-601-000-902\n(+420) 601/000 903")
    recipients.press("Enter")
    recipients.press_sequentially("601 000 9")

    # It is checked while it is typed, and the cursor stays where it is.
    check = page.locator("#so-check")
    expect(check).to_contain_text("too short")
    expect(check.locator("dd")).to_have_text(["3", "1", "3"])
    expect(page.get_by_role("status")).to_have_text("4 rows read, 3 can be sent, 1 refused, 3 parts in all.")
    expect(recipients).to_be_focused()
    expect(page.locator(".so-bubble")).to_have_text("Dobry den, zitra mame zavreno.")
    expect(page.locator(".so-phone-from")).to_contain_text("+420 601 000 901")
    page.get_by_role("button", name="Next row").click()
    expect(page.locator(".so-phone-from")).to_contain_text("+420 601 000 902")
    expect(page.get_by_role("button", name="Next row")).to_be_focused()
    assert_accessible(page)

    # The number of a line leads to it.
    check.get_by_role("link", name="4").click()
    selected = (
        "document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)"
    )
    assert page.evaluate(selected) == "601 000 9"
    page.keyboard.press("Backspace")
    expect(check.locator("dd")).to_have_text(["3", "0", "3"])

    go_on(page)
    expect(page.get_by_role("heading", name="Send 3 messages?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Send 3 messages").click()
    expect(page.locator(".messagelist")).to_contain_text("3 messages are being sent.")
    sent = [f"+42060100090{n}" for n in (1, 2, 3)]
    until(lambda: all(at_the_gateway(house)["by_number"].get(number) for number in sent), "three messages")

    # Back, and the button again: nothing more.
    page.go_back()
    page.reload()
    expect(page.locator("#content")).to_contain_text("Nothing was sent a second time.")
    assert_accessible(page)
    numbers = at_the_gateway(house)["by_number"]
    assert [numbers[number] for number in sent] == [1, 1, 1]


def test_a_spreadsheet_of_two_thousand_rows_is_sent_to_its_end_without_its_bad_ones(
    page: Page, house: House, tmp_path: Path
) -> None:
    # The simulator has a fate of its own for the endings 001 to 014.
    good = [f"+420602{n:06}" for n in range(100_000, 103_000) if n % 1000 >= 100][:1_980]
    write_sheet(tmp_path / "people.xlsx", good)
    page.goto(ADD)
    page.get_by_label("Template", exact=True).select_option("login-code-en")
    expect(page.get_by_label("code", exact=True)).to_be_visible()
    page.get_by_label("Or a file").set_input_files(tmp_path / "people.xlsx")
    expect(page.locator("#so-check")).to_contain_text("A file is read and checked when you continue to the summary.")
    page.get_by_label("Tag").fill("two-thousand")
    go_on(page)

    expect(page.get_by_role("heading", name="Send 1,980 messages?")).to_be_visible()
    expect(page.get_by_role("heading", name="20 lines will not be sent")).to_be_visible()
    assert_accessible(page)

    # Without the box, without the number, and with Enter nothing is sent.
    page.get_by_label("Type 1,980 to confirm").press("Enter")
    page.get_by_role("button", name="Send 1,980 messages").click()
    expect(page.locator("#so-errors")).to_be_focused()
    expect(page).to_have_title("Error: Send 1,980 messages? | SMS office")
    assert_accessible(page)
    page.get_by_label("Leave out the 20 refused lines.").check()
    page.get_by_label("Type 1,980 to confirm").fill("1,980")
    page.get_by_label("Type 1,980 to confirm").press("Enter")
    expect(page.get_by_role("heading", name="Send 1,980 messages?")).to_be_visible()
    page.get_by_role("button", name="Send 1,980 messages").click()
    expect(page.locator(".messagelist")).to_contain_text("1,980 messages are being sent.")

    def arrived() -> int:
        return sum(number.startswith("+420602") for number in at_the_gateway(house)["by_number"])

    for enough in range(198, 1_981, 198):
        until(lambda enough=enough: arrived() >= enough, f"{enough} messages")  # type: ignore[misc]
    stats = at_the_gateway(house)
    assert {
        number: count for number, count in stats["by_number"].items() if number.startswith("+420602")
    } == dict.fromkeys(good, 1)
    assert stats["doubled"] == []


def write_sheet(path: Path, good: list[str]) -> None:
    """The numbers with a code each, and twenty rows that cannot be sent among them."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["phone", "code"])
    bad = [["12345", "1"], ["no number", "1"], ["", "1"], ["+420602100100", "1000"], ["+420602999999", ""]]
    for place, number in enumerate(good):
        sheet.append([number, str(1000 + place)])
        if place % 99 == 98:
            sheet.append(bad[place // 99 % len(bad)])
    book.save(path)


def test_a_template_shows_its_fields_and_what_is_typed_stays(page: Page) -> None:
    page.goto(ADD)
    page.get_by_label("Template", exact=True).select_option("order-ready-en")
    number = page.get_by_label("order.number")
    number.fill("2026-7")
    page.get_by_label("pickup_until").fill("23 November")
    page.get_by_label("Recipients").fill("phone\tcode\n601 000 904\t4471\n601 000 905\t4472")
    expect(page.locator("#so-values")).to_contain_text("from the column")
    expect(page.locator(".so-bubble")).to_contain_text("your order 2026-7 is ready. Your pickup code is 4471.")
    expect(number).to_have_value("2026-7")
    page.get_by_label("Tag").fill("back-and-change")

    # Enter in a one-line field checks and goes nowhere.
    page.get_by_label("Tag").press("Enter")
    expect(page.get_by_label("Tag")).to_be_focused()
    go_on(page)
    page.get_by_role("link", name="Back and change").click()
    expect(page.get_by_label("Tag")).to_have_value("back-and-change")
    expect(page.get_by_label("order.number")).to_have_value("2026-7")
    expect(page.get_by_label("Recipients")).to_have_value("phone\tcode\n601 000 904\t4471\n601 000 905\t4472\n")


def test_a_mistake_is_told_on_top_with_the_focus_on_it(page: Page) -> None:
    page.goto(ADD)
    page.get_by_role("radio", name="On").check()
    go_on(page)
    expect(page.locator("#so-errors")).to_be_focused()
    expect(page).to_have_title("Error: Send SMS | SMS office")
    expect(page.get_by_label("Recipients")).to_have_attribute("aria-invalid", "true")
    assert_accessible(page)
    page.locator("#so-errors").get_by_role("link", name="Recipients").click()
    expect(page.get_by_label("Recipients")).to_be_focused()


def test_the_latest_answer_wins(page: Page) -> None:
    held: list[Route] = []
    page.goto(ADD)
    page.get_by_label("Own text").check()
    page.get_by_label("Text", exact=True).fill("First.")
    page.route("**/?panel=1", lambda route: held.append(route) if not held else route.continue_())
    page.get_by_label("Recipients").fill("601 000 906")
    for _attempt in range(PATIENCE // 100):
        if not held:
            page.wait_for_timeout(100)
    page.get_by_label("Text", exact=True).fill("Second.")
    expect(page.locator(".so-bubble")).to_have_text("Second.")


def test_without_script_the_buttons_do_the_same(page: Page) -> None:
    browser = page.context.browser
    assert browser
    context = browser.new_context(
        base_url=page.url.partition("/admin")[0],
        java_script_enabled=False,
        locale="en-GB",
        storage_state=page.context.storage_state(),
    )
    plain = context.new_page()
    plain.goto(ADD)
    plain.get_by_label("Template", exact=True).select_option("login-code-en")
    plain.get_by_label("Recipients").fill("601 000 907\n601 000 908")
    plain.get_by_role("button", name="Check").click()
    plain.get_by_label("code", exact=True).fill("4471")
    plain.get_by_role("button", name="Check").click()
    expect(plain.locator(".so-bubble")).to_contain_text("Your login code is 4471.")
    plain.get_by_role("button", name="Next row").click()
    expect(plain.locator(".so-phone-from")).to_contain_text("+420 601 000 908")
    go_on(plain)
    plain.get_by_role("button", name="Send 2 messages").click()
    expect(plain.locator(".messagelist")).to_contain_text("2 messages are being sent.")
    context.close()
