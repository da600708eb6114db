"""Messages in every state, and with what rarely stands in one, in a real browser: nothing breaks a page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessible import assert_accessible
from tests.house import House

LOG = "/admin/smsoffice/outputsmsmessage/"

STRANGE = """
from datetime import timedelta
from django.utils import timezone
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
hour = timezone.now() - timedelta(hours=1)
def stored(state, **columns):
    given = {"recipient": "+420777123456", "content": "Hello.", "tag": "strange", "sent_at": hour, **columns}
    return OutputSMSMessage.objects.create(state=state, **given)
words = "x" * 400
data = {"note": "<script>alert(1)</script> " + words}
long = stored(
    "ERROR", content="W" * 1500, segments=10, tag="T" * 100, template_slug="s" * 100, error=words, sender="S" * 20,
    external_id="r" * 200, idempotency_key="k" * 200, extra_data=data, send_after=hour,
)
said = {"source": "GATEWAY", "code": words[:40], "words": words}
OutputSMSEvent.objects.create(message=long, from_state="UNKNOWN", to_state="ERROR", **said)
for state in ("SENDING", "SENT", "DELIVERED", "DEBUG", "UNKNOWN"):
    stored(state, backend="smsoffice.backend.sms.sms_operator.SMSOperatorBackend")
stored("UNKNOWN", sent_at=timezone.now() + timedelta(hours=1))
tomorrow = timezone.now() + timedelta(days=1)
stored("WAITING", sent_at=None, send_after=tomorrow, due_at=tomorrow)
stored("DELIVERED", content="\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", tag="hebrew")
stored("DELIVERED", content="\U0001f389 " * 60, segments=3, tag="emoji")
stored("ERROR", recipient="", content="", tag="removed")

"""


@pytest.fixture(scope="module")
def strange(house: House) -> None:
    """Messages in every state, and with what rarely stands in one."""
    said = house.shell(STRANGE)
    assert "Error" not in said, said


@pytest.mark.usefixtures("strange")
def test_long_words_push_nothing_out_of_the_window(page: Page) -> None:
    for query in (f"?tag={'T' * 100}", f"?template={'s' * 100}&state=ERROR"):
        page.goto(LOG + query)
        row = page.locator("#result_list tbody tr").first
        for cell in (row.locator(".so-state"), row.locator(".so-cell-gateway")):
            box = cell.bounding_box()
            assert box
            assert box["x"] + box["width"] <= 1280
        assert_accessible(page)
    row.get_by_role("link").first.click()
    page.get_by_text("Extra data and the gateway's data").click()
    assert_accessible(page)
    page.get_by_role("link", name="Resend…").click()
    page.wait_for_url("**/resend/*")
    assert_accessible(page)
    page.goto(f"{LOG}?tag={'T' * 100}")
    page.get_by_role("checkbox", name="Select all on this page").check()
    page.get_by_label("Action:").select_option("resend_selected")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.get_by_role("heading", name="Resend the selected messages?")).to_be_visible()
    assert_accessible(page)
    page.goto(f"{LOG}?tag={'T' * 100}&state=ERROR")
    page.get_by_role("button", name="Resend all that failed…").click()
    expect(page.get_by_role("heading", name="Resend all that match?")).to_be_visible()
    assert_accessible(page)


@pytest.mark.usefixtures("strange")
@pytest.mark.parametrize("query", ["tag=strange", "tag=hebrew", "tag=emoji", "tag=removed"])
def test_the_page_of_every_state_is_for_everyone(page: Page, query: str) -> None:
    page.goto(f"{LOG}?{query}")
    assert_accessible(page)
    addresses = [link.get_attribute("href") for link in page.locator("#result_list th a").all()]
    assert addresses
    for address in addresses:
        page.goto(str(address))
        assert_accessible(page)


@pytest.mark.usefixtures("strange")
def test_a_text_runs_as_its_own_letters_do(page: Page) -> None:
    page.goto(f"{LOG}?tag=hebrew")
    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    bubble = page.locator(".so-bubble")
    left, right = bubble.evaluate(
        """element => {
            const range = document.createRange();
            range.selectNodeContents(element);
            const [text, around] = [range.getBoundingClientRect(), element.getBoundingClientRect()];
            return [text.left - around.left, around.right - text.right];
        }"""
    )
    assert right < left
