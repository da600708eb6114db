"""`python -m tests.browser.pictures [FOLDER]`: the pictures of docs/office.md, from a house of their own."""

from __future__ import annotations

import csv
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, expect, sync_playwright

from project.demo.data import CZECH_NAMES
from tests.browser.camera import DARK, NARROW, Camera, with_fonts
from tests.house import ROOT, House, house_in, until

PICTURES = ROOT / "docs" / "pictures"
SHOP_DAY = Path(__file__).with_name("shop_day.py")

PATIENCE = 60_000
"""Milliseconds for what the queue and the gateway do on their own."""
A_SECOND = "20"
"""So slow that the bulk send is under way when its picture is taken."""

LOG = "/admin/smsoffice/outputsmsmessage/"
TEMPLATES = "/admin/smsoffice/smstemplate/"
SEND = f"{LOG}add/"
CUSTOMERS = "/admin/demo/customer/?language__exact=en"

PASTED = """phone\torder.number\tcode
601 000 117\t2026-1042\t4471
702 000 261\t2026-1031\t0982
+44 7700 900123\t2026-1058\t7730
773 000 34\t2026-1044\t1120
601 000 155\t2026-1019\t3342
420720000433\t2026-1003\t9017
"""
"""The fourth number lacks a digit."""

GREETING = "Váš Demo obchod"
"""Typed after a text, and with the longest values it has two parts."""

WITH_MISTAKES = """Dobrý den,
objednávka {{ order.number }} je připravena.
Skříňka: {{ locker.number }}
Kód: {{ code|uper }}"""


@contextmanager
def visitor(browser: Browser, house: House) -> Iterator[Page]:
    """A page of the site, logged in as the operator."""
    context = browser.new_context(base_url=house.url, locale="en-GB", timezone_id="Europe/Prague")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/admin/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill("operator")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="SMS today")).to_be_visible()
    yield page
    context.close()


def dashboard(camera: Camera) -> None:
    camera.page.goto("/admin/")
    camera.take("dashboard", DARK)


def templates(camera: Camera) -> None:
    camera.page.goto(TEMPLATES)
    camera.take("templates")
    # From here on the list of pages at the left is folded; the browser remembers it.
    camera.page.get_by_role("button", name="Toggle navigation").click()


def editor(camera: Camera) -> None:
    page = camera.page
    page.goto(TEMPLATES)
    page.get_by_role("link", name=re.compile("^payment-reminder(?!-en)")).click()
    page.get_by_label("Send test to…").fill("+420 601 000 900")
    body = page.get_by_label("Text of the message")
    body.fill(f"{body.input_value()} {GREETING}")
    expect(page.locator("#so-preview")).to_contain_text("The longest values make 2 parts.")
    expect(page.get_by_label("customer.name, Example")).to_be_visible()
    camera.take("editor", DARK, NARROW)


def editor_errors(camera: Camera) -> None:
    page = camera.page
    page.goto(TEMPLATES)
    page.get_by_role("link", name=re.compile("^order-ready(?!-en)")).click()
    page.get_by_label("Text of the message").fill(WITH_MISTAKES)
    expect(page.locator("#so-problems")).to_contain_text("Line 4")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Please correct")).to_be_visible()
    camera.take("editor-errors")


def log(camera: Camera) -> None:
    camera.page.goto(LOG)
    camera.take("log", DARK)
    # Nobody would have the filters open on a telephone.
    panel = camera.page.locator("#log-filters summary")
    panel.click()
    camera.take_one("log", NARROW)
    panel.click()


def log_filtered_and_resend_many(camera: Camera) -> None:
    page = camera.page
    page.goto(LOG)
    asked = page.get_by_role("search", name="Filter messages")
    asked.get_by_role("checkbox", name="Unknown").check()
    asked.get_by_role("checkbox", name="Error").check()
    asked.get_by_role("button", name="Filter", exact=True).click()
    for place in (1, 4, *range(9, 24)):
        page.locator("#result_list tbody tr").nth(place).get_by_role("checkbox").check()
    page.get_by_label("Action").select_option(label="Resend…")
    camera.take("log-filtered")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.get_by_role("heading", name="Resend the selected messages?")).to_be_visible()
    camera.take("resend-many")


def message_resent(camera: Camera) -> None:
    """One that was not delivered, and its copy that was."""
    page = camera.page
    page.goto(f"{LOG}?state=ERROR")
    page.locator("#result_list tbody tr").filter(has_text="could not deliver").first.get_by_role("link").first.click()
    address = page.url
    page.get_by_role("link", name="Resend…").click()
    page.get_by_role("button", name=re.compile("^Resend|^Send")).first.click()

    def delivered() -> bool:
        page.goto(address)
        return "Delivered" in page.locator(".so-verdict").inner_text()

    until(delivered, "the delivery of the copy")
    camera.take("message", NARROW)


def message_unknown(camera: Camera) -> None:
    page = camera.page
    page.goto(f"{LOG}?state=UNKNOWN")
    page.locator("#result_list tbody tr").filter(has_text="Ivan Dvořák").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Decide what happened")).to_be_visible()
    camera.take("message-unknown", DARK)


def send(camera: Camera) -> None:
    page = camera.page
    page.goto(SEND)
    page.get_by_label("Template", exact=True).select_option("order-ready")
    page.get_by_label("pickup_until").fill("30.11.")
    page.get_by_label("Recipients").fill(PASTED)
    page.get_by_label("Tag").fill("pickup-friday")
    expect(page.locator("#so-check")).to_contain_text("too short")
    expect(page.locator(".so-bubble")).to_contain_text("30.11.")
    page.get_by_role("button", name="Next row").click()
    expect(page.locator(".so-phone-from")).to_contain_text("702")
    camera.take("send", NARROW)


def send_to_selected(camera: Camera) -> None:
    page = camera.page
    page.goto(CUSTOMERS)
    for place in range(6):
        page.locator("#result_list tbody tr").nth(place).get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option(label="Send SMS…")
    page.get_by_role("button", name="Go", exact=True).click()
    page.get_by_label("Template").select_option("voucher-december-en")
    page.get_by_label("Tag").fill("advent-voucher")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("6 selected:"))).to_be_visible()
    camera.take("send-to-selected")


def summary_and_bulk_send(camera: Camera) -> None:
    page = camera.page
    with TemporaryDirectory() as folder:
        file = Path(folder, "advent.csv")
        write_list(file)
        page.goto(SEND)
        page.get_by_label("Template", exact=True).select_option("voucher-december")
        page.get_by_label("Or a file").set_input_files(file)
        page.get_by_label("Tag").fill("advent-voucher")
        page.get_by_role("button", name="Continue to the summary…").click()
        expect(page.get_by_role("heading", name=re.compile(r"^Send [\d,]+ messages\?"))).to_be_visible()
    camera.take("summary")

    page.get_by_label(re.compile("Leave out the .* refused")).check()
    confirm = page.get_by_label(re.compile("Type .* to confirm"))
    words = page.get_by_role("heading", name=re.compile(r"^Send [\d,]+ messages\?")).inner_text()
    confirm.fill(words.split()[1])
    page.get_by_role("button", name=re.compile(r"^Send [\d,]+ messages")).click()
    expect(page.locator("#so-head")).to_contain_text("to go", timeout=2 * PATIENCE)
    camera.take("bulk-send")


def write_list(file: Path) -> None:
    """Some 2,000 customers as a spreadsheet has them, with mistakes of every day."""
    # The last three digits of a number tell the local gateway what becomes of its message; most are delivered.
    numbers = [f"+4206011{place:05}" for place in range(2300) if place % 1000 >= 100]
    fates = {40: "001", 95: "002", 230: "002", 310: "001", 420: "013", 433: "002", 515: "009", 1200: "001"}
    for place, fate in fates.items():
        numbers[place] = f"+420602{place // 10:03}{fate}"
    mistakes = {211: "601 55", 407: "", 830: "see e-mail", 1190: "60100151100", 1544: "601 000 8", 1802: numbers[20]}
    with file.open("w", newline="") as sheet:
        rows = csv.writer(sheet)
        rows.writerow(["phone", "customer.name", "code"])
        for place, number in enumerate(numbers):
            code = 20 if place == 1802 else place
            name = CZECH_NAMES[code % len(CZECH_NAMES)]
            rows.writerow([mistakes.get(place, number), name, f"ADVENT-{4471 * code % 9000 + 1000}"])


SIGHTS: tuple[Callable[[Camera], None], ...] = (
    templates,
    message_resent,
    message_unknown,
    dashboard,
    log,
    log_filtered_and_resend_many,
    editor,
    editor_errors,
    send,
    send_to_selected,
    summary_and_bulk_send,
)
"""In this order: the bulk send comes last, for afterwards the log is full of it."""


def main(folder: Path) -> None:
    """Start a house, walk through it with a browser, and leave the pictures in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch, house_in(Path(scratch)) as house, sync_playwright() as playwright:
        house.start(PYMESS_SMS_RATE_LIMIT=A_SECOND)
        until(house.answers, "the site")
        until(house.gateway_answers, "the gateway")
        said = house.shell(SHOP_DAY.read_text())
        assert "The hour is over." in said, said
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking", "--lang=en-GB"],
            env=with_fonts(Path(scratch)),
        )
        with visitor(browser, house) as page:
            camera = Camera(folder, page)
            for sight in SIGHTS:
                sight(camera)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES)
