"""The main job, with a real browser and real processes: a text typed in the admin reaches DELIVERED."""

from __future__ import annotations

import requests
from playwright.sync_api import Page, expect

from tests.house import House

PATIENCE = 20_000
"""Milliseconds for what the queue and the gateway do on their own."""


def test_a_text_typed_into_a_template_reaches_delivered_in_the_log(page: Page, house: House) -> None:
    page.goto("/admin/smsoffice/smstemplate/add/")
    page.get_by_label("Slug").fill("first-message")
    page.get_by_label("Text").fill("Dobrý den, {{ name }}, O'Neil & synové <3")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()

    page.goto("/admin/smsoffice/outputsmsmessage/add/")
    page.get_by_label("Recipient").fill("601 000 555")
    page.get_by_label("Template").select_option("first-message")
    page.get_by_label("Variables").fill('{"name": "Jano"}')
    page.get_by_role("button", name="Send").click()

    def now_delivered() -> None:
        page.goto("/admin/smsoffice/outputsmsmessage/")
        row = page.locator("#result_list tbody tr").first
        expect(row).to_contain_text("+420 601 000 555")
        expect(row).to_contain_text("Dobry den, Jano, O'Neil & synové <3")
        expect(row).to_contain_text("Delivered", timeout=1_000)

    for _attempt in range(PATIENCE // 1_000):
        try:
            now_delivered()
            break
        except AssertionError:
            continue
    now_delivered()

    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    for words in ("Waiting", "Unknown", "Sending", "Delivered"):
        expect(page.locator("#content")).to_contain_text(words)
    at_the_gateway = requests.get(f"http://127.0.0.1:{house.gateway_port}/stats.json", timeout=10).json()
    assert at_the_gateway["by_number"]["+420601000555"] == 1
    assert at_the_gateway["doubled"] == []
