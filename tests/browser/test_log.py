"""The log in a real browser: a message is found by filters and by its number, and taken away in a file."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.accessible import assert_accessible
from tests.house import House

LOG = "/admin/smsoffice/outputsmsmessage/"


def total(page: Page) -> int:
    """The number of messages that the page says there are."""
    said = page.locator(".so-total").inner_text()
    return int(re.sub(r"\D", "", said))


def test_a_message_is_found_by_state_tag_customer_and_number_and_exported(page: Page) -> None:
    page.goto(LOG)
    assert_accessible(page)

    page.get_by_role("checkbox", name="Delivered").check()
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?state=DELIVERED$"))
    row = page.locator("#result_list tbody tr").first
    number = row.locator(".so-cell-to").inner_text().splitlines()[0]
    tag = row.locator(".so-cell-text .so-sub").inner_text().rpartition("tag ")[2]
    customer = row.get_by_role("link", name=re.compile("^Customer ")).first
    name, address = customer.inner_text(), customer.get_attribute("href") or ""
    key = re.findall(r"\d+", address)[-1]

    asked = page.get_by_role("search", name="Filter messages")
    asked.get_by_label("Tag").fill(tag)
    asked.get_by_label("Belongs to").select_option("Customer")
    asked.get_by_label("Its ID").fill(key)
    page.get_by_role("button", name="Filter", exact=True).click()
    pills = page.get_by_role("list", name="Filters in force").get_by_role("link")
    expect(pills).to_have_text(
        [
            re.compile("State: +Delivered|State: Delivered"),
            re.compile(f"Tag: *{tag}"),
            re.compile(f"Belongs to: *{name}"),
        ]
    )
    rows = page.locator("#result_list tbody tr")
    narrow = total(page)
    assert rows.count() == narrow
    for index in range(narrow):
        expect(rows.nth(index)).to_contain_text(name)
        expect(rows.nth(index)).to_contain_text("Delivered")
        expect(rows.nth(index)).to_contain_text(f"tag {tag}")
    assert_accessible(page)

    pills.filter(has_text="Tag:").click()
    expect(pills).to_have_count(2)
    assert total(page) >= narrow

    page.get_by_role("link", name="Clear all").first.click()
    expect(page).to_have_url(re.compile(LOG + r"\??$"))
    asked.get_by_label("Recipient").fill(f"  {number.removeprefix('+420 ')} ")
    asked.get_by_label("Recipient").press("Enter")
    expect(pills).to_have_text([re.compile(re.escape(f"Recipient: {number}"))])
    found = total(page)
    assert found
    assert all(text.startswith(number) for text in page.locator("tbody .so-cell-to").all_inner_texts())

    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="ID", exact=True).check()
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Export these {found}").click()
    content = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    exported = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [line["Recipient"] for line in exported] == [f"'{number.replace(' ', '')}"] * found
    assert len({line["ID"] for line in exported}) == found


def test_nonsense_is_said_and_the_panel_stays_as_it_was_left(page: Page) -> None:
    page.goto(f"{LOG}?created_after=yesterday&state=LOST")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Created from")).to_have_accessible_description(re.compile("This is not a date."))
    assert_accessible(page)

    panel = page.locator("#log-filters")
    page.goto(LOG)
    panel.locator("summary").click()
    page.goto(LOG)
    expect(panel).not_to_have_attribute("open", "")
    panel.locator("summary").click()
    page.goto(LOG)
    expect(panel).to_have_attribute("open", "")


def test_rows_are_chosen_on_the_page_and_beyond_it(page: Page) -> None:
    page.goto(f"{LOG}?state=DELIVERED")
    matching = total(page)
    page.get_by_role("checkbox", name="Select all on this page").check()
    page.get_by_role("button", name=f"Select all {matching} that match").click()
    page.get_by_label("Action").select_option("Export selected")
    with page.expect_download() as download:
        page.get_by_role("button", name="Go", exact=True).click()
    content = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    assert {line["State"] for line in csv.DictReader(io.StringIO(content, newline=""))} == {"Delivered"}
    assert len(list(csv.DictReader(io.StringIO(content, newline="")))) == matching


MANY = """
from datetime import timedelta
from django.utils import timezone
from smsoffice.models.sms import OutputSMSMessage as Message
now = timezone.now()
for state, due_at in (("WAITING", now + timedelta(days=1)), ("ERROR", now)):
    Message.objects.bulk_create(
        Message(recipient=f"+420601{n:06}", content="Hello.", tag="many", state=state, due_at=due_at, sent_at=None)
        for n in range(1200)
    )
"""


def test_all_that_match_are_cancelled_or_resent_however_many(page: Page, house: House) -> None:
    house.shell(MANY)

    def choose_all(action: str) -> None:
        page.goto(f"{LOG}?tag=many")
        page.get_by_role("checkbox", name="Select all on this page").check()
        page.get_by_role("button", name="Select all 2,400 that match").click()
        expect(page.get_by_text("All 2,400 selected")).to_be_visible()
        page.get_by_label("Action").select_option(action)
        page.get_by_role("button", name="Go", exact=True).click()

    choose_all("Cancel, if still waiting…")
    expect(page.get_by_role("heading", name="Cancel all that wait?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Cancel 1,200 messages").click()
    expect(page.locator("#so-head")).to_contain_text("1,200 of 1,200", timeout=60_000)
    assert_accessible(page)

    choose_all("Resend…")
    expect(page.get_by_role("heading", name="Resend all that match?")).to_be_visible()
    expect(page.locator(".so-lead")).to_contain_text("2,400 of them will be sent again")
    assert_accessible(page)
    page.get_by_role("button", name="Resend 2,400 messages").click()
    expect(page.get_by_label("Type 2,400 to confirm")).to_have_accessible_description(
        "Type 2,400, the number of messages."
    )
    assert_accessible(page)
    page.get_by_role("link", name="No, take me back").click()
    expect(page).to_have_url(re.compile(r"\?tag=many$"))
