"""`assert_sms_sent`: what fits, how many, and what is told when it is not so."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from smsoffice.backend.sms import send, send_template
from smsoffice.exceptions import InvalidRecipient
from smsoffice.testing import assert_sms_sent, outbox
from tests.factories import template

pytestmark = pytest.mark.django_db

JANA, PETR = "+420777111111", "+420777222222"


@pytest.fixture
def three() -> None:
    """Two messages to Jana, one of them from a template, and one to Petr."""
    template("ready", "Order {{ number }} is ready.")
    send(JANA, "Your parcel is here.", tag="parcels")
    send_template(JANA, "ready", {"number": 7}, tag="orders")
    send(PETR, "Your parcel is late.", tag="parcels")


FITS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all of them": ({"count": 3}, ["Your parcel is here.", "Order 7 is ready.", "Your parcel is late."]),
    "a number": ({"to": PETR}, ["Your parcel is late."]),
    "a number in another spelling": ({"to": "777 22 22 22"}, ["Your parcel is late."]),
    "a template": ({"template": "ready"}, ["Order 7 is ready."]),
    "a part of the text": ({"contains": "is late"}, ["Your parcel is late."]),
    "a tag": ({"tag": "parcels", "count": 2}, ["Your parcel is here.", "Your parcel is late."]),
    "all that is given": ({"to": JANA, "tag": "parcels", "contains": "parcel"}, ["Your parcel is here."]),
    "none to this number": ({"to": "+420777333333", "count": 0}, []),
    "none where one thing does not fit": ({"to": PETR, "template": "ready", "count": 0}, []),
    "none with the template's name in its text": ({"contains": "ready.", "template": "read", "count": 0}, []),
}


@pytest.mark.parametrize(("asked", "texts"), FITS.values(), ids=FITS)
def test_what_fits_is_given_back_in_its_order(three: None, asked: dict[str, Any], texts: list[str]) -> None:
    assert [message.content for message in assert_sms_sent(**asked)] == texts


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "none, where one is expected": (
        {"to": "777 333 333"},
        "0 messages fit (to='+420777333333'), not 1.",
    ),
    "two, where one is expected": (
        {"to": JANA},
        "2 messages fit (to='+420777111111'), not 1.",
    ),
    "one, where two are expected": (
        {"template": "ready", "tag": "orders", "count": 2},
        "1 message fits (template='ready', tag='orders'), not 2.",
    ),
    "one, where none is expected": (
        {"contains": "late", "count": 0},
        "1 message fits (contains='late'), not 0.",
    ),
    "three, where one is expected": ({}, "3 messages fit (any), not 1."),
}


@pytest.mark.parametrize(("asked", "words"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_told_with_all_that_was_accepted(three: None, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_sms_sent(**asked)
    assert str(caught.value).splitlines() == [
        f"{words} Accepted were:",
        "  to +420777111111, template -, tag parcels: Your parcel is here.",
        "  to +420777111111, template ready, tag orders: Order 7 is ready.",
        "  to +420777222222, template -, tag parcels: Your parcel is late.",
    ]


def test_nothing_accepted_is_told_so() -> None:
    assert outbox() == []
    assert assert_sms_sent(count=0) == []
    with pytest.raises(AssertionError) as caught:
        assert_sms_sent()
    assert str(caught.value) == "0 messages fit (any), not 1. Accepted were:\n  nothing"


def test_what_was_rolled_back_was_not_sent() -> None:
    with transaction.atomic():
        send(JANA, "Your parcel is here.")
        assert_sms_sent(to=JANA)
        transaction.set_rollback(True)
    assert_sms_sent(count=0)


def test_a_number_that_is_none_is_the_tests_mistake() -> None:
    with pytest.raises(InvalidRecipient):
        assert_sms_sent(to="Jana", count=0)
