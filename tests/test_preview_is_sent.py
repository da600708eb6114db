"""What the operator sees is what is sent: the preview's text is the text that `send_template` stores."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsoffice.backend.sms import send_template
from smsoffice.exceptions import SMSError
from smsoffice.models.sms import SMSTemplate
from tests.admin.people import superuser
from tests.factories import NUMBER

pytestmark = pytest.mark.django_db

NAMES = ("name", "order.number", "order.total", "items", "vip")
# What a database stores: all letters but NUL and halves of letters.
LETTERS = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
TEXTS = st.one_of(
    st.text(LETTERS, max_size=80),
    st.text("abc ěščřžýáíé€{}[]\n\r\t–“”😀👨\u200d👩ß\xa0", max_size=80),
)
PIECES = st.one_of(
    st.text(st.characters(exclude_characters="\x00{}%", exclude_categories=["Cs"]), max_size=80),
    st.sampled_from(
        [
            *(f"{{{{ {name} }}}}" for name in NAMES),
            "{{ name|default:'customer' }}",
            "{{ name|upper }} {{ name|truncatechars:5 }}",
            "{{ order.total|floatformat:2 }}",
            "{{ order.total|add:1 }}",
            "{% if vip %}Dear{% else %}Hello{% endif %} ",
            "{% for item in items %}{{ forloop.counter }}. {{ item }}\r\n{% endfor %}",
            "{% with n=order.number %}č. {{ n }}{% endwith %}",
            "{% firstof name order.number 'you' %}",
            "{% verbatim %}{{ as typed }}{% endverbatim %}",
            "{{ name",
            "Příliš žluťoučký kůň – „€100“\u2028",
        ]
    ),
)
VALUES = st.one_of(TEXTS, st.integers(-(10**12), 10**12), st.floats(allow_nan=False), st.booleans(), st.none())
DATA = st.fixed_dictionaries(
    {},
    optional={
        "name": VALUES,
        "order": st.fixed_dictionaries({}, optional={"number": VALUES, "total": VALUES}),
        "items": st.lists(VALUES, max_size=4),
        "vip": st.booleans(),
    },
)


@pytest.fixture
def browser() -> Client:
    return superuser()


@pytest.fixture
def stored() -> SMSTemplate:
    return SMSTemplate.objects.create(slug="any", body="x")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, min_size=1, max_size=8).map("".join), DATA, st.booleans())
def test_the_text_of_the_preview_is_the_text_that_is_sent(
    browser: Client, stored: SMSTemplate, body: str, data: dict[str, Any], kept: bool
) -> None:
    stored.body = body
    stored.save()
    with override_settings(PYMESS_SMS_USE_ACCENT=kept):
        url = reverse("admin:smsoffice_smstemplate_preview")
        told = browser.post(url, {"body": body, "context": data}, content_type="application/json").json()
        try:
            message = send_template(NUMBER, "any", data)
        except SMSError:
            assert told["errors"]
            return
    assert message is not None
    assert told["errors"] == told["missing"] == []
    assert told["content"] == message.content
    assert (told["encoding"], len(told["segments"])) == (message.encoding, message.segments)
    assert "".join(part["text"] for part in told["segments"]) == message.content
