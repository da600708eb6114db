"""The main job, with a real browser and real processes: a text typed in the admin reaches DELIVERED."""

from __future__ import annotations

import requests
from playwright.sync_api import Page, expect

from tests.house import House, until

PATIENCE = 60_000
"""Milliseconds for the server's answer on a machine that has other work."""


def test_a_text_typed_into_a_template_reaches_delivered_in_the_log(page: Page, house: House) -> None:
    page.goto("/admin/smsoffice/smstemplate/add/")
    page.get_by_label("Slug").fill("first-message")
    page.get_by_label("Text of the message").fill("Dobrý den, {{ name }}, O'Neil & synové <3")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()

    page.goto("/admin/smsoffice/outputsmsmessage/add/")
    page.get_by_label("Template", exact=True).select_option("first-message")
    page.get_by_label("name", exact=True).fill("Jano")
    page.get_by_label("Recipients").fill("601 000 555")
    expect(page.locator(".so-bubble")).to_have_text("Dobry den, Jano, O'Neil & synové <3", timeout=PATIENCE)
    page.get_by_role("button", name="Continue to the summary…").click()
    page.get_by_role("button", name="Send 1 message").click()
    expect(page.locator(".messagelist")).to_contain_text("The message was accepted.")

    # The page of the message, where the queue and the gateway go on by themselves.
    def is_delivered() -> bool:
        page.reload()
        return "Delivered" in page.locator(".so-verdict").inner_text()

    until(is_delivered, "the receipt")
    for words in ("Waiting", "Unknown", "Sending", "Delivered"):
        expect(page.locator("#content")).to_contain_text(words)

    page.goto("/admin/smsoffice/outputsmsmessage/")
    row = page.locator("#result_list tbody tr", has_text="+420 601 000 555").first
    expect(row).to_contain_text("Dobry den, Jano, O'Neil & synové <3")
    expect(row).to_contain_text("Delivered")
    at_the_gateway = requests.get(f"http://127.0.0.1:{house.gateway_port}/stats.json", timeout=10).json()
    assert at_the_gateway["by_number"]["+420601000555"] == 1
    assert at_the_gateway["doubled"] == []
