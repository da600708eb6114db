"""A host's own tests: Django's TestCase, in whose transaction nothing commits."""

from __future__ import annotations

from pathlib import Path

from django.test import TestCase

from smsoffice.backend.sms import send, send_template
from smsoffice.exceptions import NotNow
from smsoffice.models.sms import SMSTemplate
from smsoffice.states import State
from smsoffice.testing import assert_sms_sent, drain, gateway_says, outbox

ROOT = Path(__file__).resolve().parents[2]


class Shop:
    """A host's own code."""

    def ship(self, phone: str) -> None:
        send_template(phone, "order-shipped", {"order": {"number": "A-7"}}, tag="orders")


shop = Shop()


class ShippingTest(TestCase):
    def setUp(self):
        SMSTemplate.objects.create(slug="order-shipped", body="Order {{ order.number }} is on its way.")

    def test_the_customer_hears_of_it(self):
        shop.ship("777 123 456")
        assert_sms_sent(to="777 123 456", template="order-shipped", contains="A-7")

    def test_the_gateway_is_busy_at_first(self):
        with gateway_says(NotNow("Too busy."), State.SENT, State.DELIVERED) as handed_over:
            with self.captureOnCommitCallbacks(execute=True):
                shop.ship("777 123 456")
            drain()
        [message] = outbox()
        assert message.state == State.DELIVERED
        assert len(handed_over) == 2


class BesidesTest(TestCase):
    """What the README does not show."""

    def test_without_a_commit_nothing_is_handed_over(self) -> None:
        with gateway_says(State.DELIVERED) as handed_over:
            send("777 123 456", "Your parcel is here.")
        assert_sms_sent(to="777 123 456")
        assert [message.state for message in outbox()] == ["WAITING"]
        assert handed_over == []

    def test_with_it_each_message_is_handed_over_to_the_gateway_in_force(self) -> None:
        with gateway_says(State.DELIVERED, State.ERROR) as handed_over, self.captureOnCommitCallbacks(execute=True):
            send("777 123 456", "Your parcel is here.")
            send("777 123 457", "Your parcel is late.")
        assert [message.state for message in outbox()] == ["DELIVERED", "ERROR"]
        assert handed_over == outbox()


def test_the_readme_shows_this_test_case() -> None:
    source, readme = Path(__file__).read_text(), (ROOT / "README.md").read_text()
    shown = readme.partition("## In your tests")[2].partition("```python\n")[2].partition("```")[0]
    imports, _, case = shown.partition("\n\n\n")
    assert case.strip()
    assert case in source
    for line in imports.splitlines():
        assert not line or line in source
