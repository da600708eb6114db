"""From the shop's list of customers, with a real browser: three are chosen, texted, and have it on their pages."""

from __future__ import annotations

import re

import requests
from playwright.sync_api import Page, expect

from tests.browser.accessible import assert_accessible
from tests.house import House, until

LIST = "/admin/demo/customer/?language__exact=en"


def at_the_gateway(house: House) -> dict[str, int]:
    stats = requests.get(f"http://127.0.0.1:{house.gateway_port}/stats.json", timeout=10).json()
    assert stats["doubled"] == []
    return dict(stats["by_number"])


def test_three_chosen_customers_get_their_texts_and_have_them_on_their_pages(page: Page, house: House) -> None:
    page.goto(LIST)
    rows = page.locator("#result_list tbody tr")
    names = [rows.nth(place).locator(".field-name").inner_text() for place in range(3)]
    phones = [rows.nth(place).locator(".field-phone").inner_text() for place in range(3)]
    for place in range(3):
        rows.nth(place).get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option(label="Send SMS…")
    page.get_by_role("button", name="Go", exact=True).click()

    expect(page.get_by_role("heading", name="Send SMS to the selected customers")).to_be_visible()
    expect(page.get_by_role("heading", name="3 selected")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Template").select_option("voucher-december-en")
    # Enter in a field shows, and sends nothing.
    page.get_by_label("Tag").fill("browser")
    page.get_by_label("Tag").press("Enter")

    expect(page.get_by_role("heading", name="3 selected: 3 messages")).to_be_visible()
    texts = page.locator("td.so-say").all_inner_texts()
    assert [text.partition(",")[0] for text in texts] == [name.replace("ë", "e") for name in names]
    before = at_the_gateway(house)
    assert_accessible(page)
    page.get_by_role("button", name="Send 3 messages").click()

    expect(page.locator(".messagelist .success")).to_have_text("3 messages were accepted.")
    expect(page).to_have_url(re.compile(re.escape(LIST)))
    numbers = [re.sub(r"\s", "", phone) for phone in phones]
    until(lambda: all(at_the_gateway(house).get(n, 0) == before.get(n, 0) + 1 for n in numbers), "the gateway")

    # Back, which asks whether to send the form again, yes (as any route makes Chromium answer), and the button once
    # more: the first send is found.
    page.route("**/*", lambda route: route.continue_())
    page.go_back()
    page.get_by_role("button", name="Send 3 messages").click()
    expect(page.locator(".messagelist .warning")).to_contain_text("This was sent before, and not a second time.")
    assert all(at_the_gateway(house)[n] == before.get(n, 0) + 1 for n in numbers)

    for name, text in zip(names, texts, strict=True):
        page.goto(LIST)
        page.get_by_role("link", name=name, exact=True).click()
        panel = page.locator("#sms_messages")
        expect(panel.locator("tbody tr").first).to_contain_text(text)
    assert_accessible(page)
    page.get_by_role("link", name="All in the log").click()
    expect(page.locator("#result_list tbody tr").first).to_contain_text(texts[-1][:30])


def test_templates_are_exported_and_imported_after_a_look(page: Page) -> None:
    page.goto("/admin/smsoffice/smstemplate/")
    page.get_by_role("link", name="Export").click()
    page.wait_for_url("**/export/*")
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    exported = download.value.path().read_text("utf-8-sig")

    page.goto("/admin/smsoffice/smstemplate/")
    page.get_by_role("link", name="Import").click()
    page.wait_for_url("**/import/*")
    assert_accessible(page)
    changed = exported.replace("Your login code is", "The code to log in is") + "bro ken,,Text,[],1\r\n"
    send_file(page, changed)
    expect(page.get_by_role("alert")).to_contain_text("Nothing was imported.")
    expect(page.locator("#content tbody tr")).to_contain_text("slug")
    assert_accessible(page)

    send_file(page, changed.replace("bro ken", "imported-now"))
    expect(page.get_by_role("heading", name="2 templates would be written")).to_be_visible()
    expect(page.locator("del")).to_have_count(1)
    assert_accessible(page)
    page.get_by_role("button", name="Import 2 templates").click()
    expect(page.locator(".messagelist .success")).to_contain_text("Imported: 1 new, 1 changed.")
    expect(page.locator("#result_list")).to_contain_text("imported-now")


def send_file(page: Page, text: str) -> None:
    """Choose a file and look at what it would change."""
    file = {"name": "templates.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.get_by_label("CSV, XLSX or JSON").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Show what it would change").click()
