"""A real Chromium, and a house for it to visit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.house import House, house_in, until
from tests.services import missing


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium that talks to loopback only.

    Not for the whole session: as long as it runs, Django takes each test of this process for asynchronous code.
    """
    path = shutil.which("chromium") or missing("Chromium", "Install it: apt-get install chromium")
    quiet = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*quiet, "--disable-component-update"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, demo_data: Path) -> Iterator[House]:
    """A running `make run` with the demo data."""
    with house_in(tmp_path_factory.mktemp("house"), demo_data) as house:
        house.start()
        until(house.answers, "the site")
        yield house


@pytest.fixture
def page(chromium: Browser, house: House) -> Iterator[Page]:
    """A page of the site, logged in as the operator; whatever the browser complains of fails the test."""
    context = chromium.new_context(base_url=house.url, locale="en-GB")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/admin/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill("operator")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Log out").or_(page.get_by_role("button", name="Log out")).wait_for()
    yield page
    context.close()
    assert complaints == []
