"""A bulk send in a real browser and a running house: watched, paused, let go on, stopped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessible import assert_accessible
from tests.house import ROOT, House, house_in, until

PATIENCE = 60_000
"""Milliseconds for what the queue and the gateway do on their own."""

MESSAGES = 300
A_SECOND = "15"
"""So slow that nobody misses the moment to pause, however busy the machine is."""

MAKE = """
import sys
import django
django.setup()
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from smsoffice.models.batch_write import batch_of_messages
from smsoffice.models.sms import OutputSMSMessage
title, count, hours = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
after = timezone.now() + timedelta(hours=hours) if hours else None
# The local gateway lets some of those whose number ends in less than 100 fail.
messages = [
    OutputSMSMessage(recipient=f"+4206011{n:05}", content="Hello.", send_after=after, due_at=after or timezone.now())
    for n in range(100, 100 + count)
]
operator = User.objects.get(username="operator")
print(batch_of_messages(title, operator.pk, messages, tag="fair", send_after=after).pk)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, demo_data: Path) -> Iterator[House]:
    """A house that sends slowly."""
    with house_in(tmp_path_factory.mktemp("slow-house"), demo_data) as house:
        house.start(PYMESS_SMS_RATE_LIMIT=A_SECOND)
        until(house.answers, "the site")
        until(house.gateway_answers, "the gateway")
        yield house


@pytest.fixture(autouse=True)
def _without_motion(page: Page) -> None:
    """The stock admin's links fade from colour to colour, and axe would see them half-way."""
    page.emulate_media(reduced_motion="reduce")


def a_bulk_send(house: House, title: str, count: int, hours: int = 0) -> str:
    """Make a bulk send that runs, or that starts in some hours; gives the address of its page."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings", "DEBUG": "1"}
    env["DATABASE_URL"] = f"sqlite:///{house.database}"
    made = subprocess.run(
        [sys.executable, "-c", MAKE, title, str(count), str(hours)],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return f"/admin/smsoffice/batch/{made.stdout.strip()}/change/"


def tally(page: Page) -> dict[str, int]:
    """The four numbers that the page shows."""
    shown = page.locator(".so-tally > div").all()
    pairs = [(one.locator("dt").inner_text(), one.locator("dd").inner_text()) for one in shown]
    return {name: int(number.replace(",", "")) for name, number in pairs}


def test_it_is_paused_by_the_button_goes_on_and_ends(page: Page, house: House) -> None:
    address = a_bulk_send(house, "Reminder of the fair", MESSAGES)

    def some_left() -> bool:
        page.goto(address)
        return tally(page)["not sent"] < MESSAGES

    until(some_left, "the first to be handed over")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".messagelist .success")).to_contain_text("Paused.")
    expect(page.locator("#so-progress .so-note")).to_contain_text(["by operator.", "You can close this page."])

    def all_answered() -> bool:
        page.reload()
        return tally(page)["in flight"] == 0

    until(all_answered, "the answers to what was in flight")
    held = tally(page)
    assert held["not sent"] > 0
    assert sum(held.values()) == MESSAGES
    assert_accessible(page)
    page.reload()
    assert tally(page) == held
    page.goto("/admin/smsoffice/batch/")
    expect(page.get_by_role("row", name="Reminder of the fair")).to_contain_text(f"{held['handed over']} of {MESSAGES}")
    assert_accessible(page)

    page.goto(address)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".messagelist .success")).to_contain_text("It goes on.")
    # From here on the page keeps itself fresh.
    expect(page.locator("#so-spoken")).to_contain_text("handed over", timeout=PATIENCE)
    expect(page.locator("#so-head")).to_contain_text("All handed over in", timeout=PATIENCE)
    assert tally(page) == {"handed over": MESSAGES, "in flight": 0, "not sent": 0, "outcome unknown": 0}
    expect(page.locator("#so-spoken")).to_contain_text("Done.")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    assert_accessible(page)


def test_stop_asks_first_and_then_ends_what_waits(page: Page, house: House) -> None:
    address = a_bulk_send(house, "A mistake", 20, hours=9)
    page.goto(address)
    expect(page.locator("#so-head")).to_contain_text("starts")
    assert_accessible(page)

    page.get_by_role("button", name="Stop…").click()
    expect(page.get_by_role("heading", name="20 have not left. Stop for good?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="No, leave it paused").click()
    expect(page.locator("#so-head")).to_contain_text("paused")

    page.get_by_role("button", name="Stop…").click()
    page.get_by_role("button", name="Stop for good").click()
    expect(page.locator(".messagelist .success")).to_contain_text("20 not sent")
    expect(page.locator("#so-progress .so-note").first).to_contain_text(re.compile("Stopped at .* by operator"))
    assert_accessible(page)


def test_what_has_the_focus_keeps_it_when_the_numbers_come_in(page: Page, house: House) -> None:
    address = a_bulk_send(house, "Tomorrow", 5, hours=9)
    page.clock.install()
    page.goto(address)
    page.get_by_role("button", name="Pause").focus()
    page.locator("#so-head").evaluate("head => head.dataset.old = 'yes'")
    page.clock.fast_forward(11_000)
    expect(page.locator("#so-head")).not_to_have_attribute("data-old", "yes", timeout=PATIENCE)
    expect(page.get_by_role("button", name="Pause")).to_be_focused()

    # Paused elsewhere meanwhile: the button under the focus is gone, and the one in its place is not pressed for it.
    other = page.context.new_page()
    other.goto(address)
    other.get_by_role("button", name="Pause").click()
    expect(other.get_by_role("button", name="Go on")).to_be_visible()
    other.close()
    page.clock.fast_forward(11_000)
    expect(page.get_by_role("button", name="Go on")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#so-head")).to_be_focused()
    expect(page.locator("#so-spoken")).to_contain_text("Paused.")


def test_numbers_that_cannot_be_had_are_said_to_be_old(page: Page, house: House) -> None:
    page.clock.install()
    page.goto(a_bulk_send(house, "Later", 5, hours=9))
    stale = page.get_by_text("The numbers could not be refreshed.")
    expect(page.get_by_text("The page refreshes its numbers every 10 seconds.")).to_be_visible()
    expect(stale).to_be_hidden()
    # Answered as by a login page: an error of the network would be a complaint of the browser.
    page.route("**/?numbers=1", lambda route: route.fulfill(status=200, body="<p>Log in</p>", content_type="text/html"))
    page.clock.fast_forward(11_000)
    expect(stale).to_be_visible(timeout=PATIENCE)
    assert_accessible(page)
    page.unroute("**/?numbers=1")
    page.clock.fast_forward(11_000)
    expect(stale).to_be_hidden(timeout=PATIENCE)
