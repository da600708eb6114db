"""The panel with an object's messages on its own page, which a host adds in one line."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.checks import run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from project.demo.models import Customer
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from tests.admin.people import VIEW, a_message, browser_of, superuser
from tests.factories import ago, customer

pytestmark = pytest.mark.django_db

HEADING = "SMS messages"
CHANGE = ("demo.change_customer", "demo.view_customer")


def about(obj: Any, count: int = 1, **fields: Any) -> list[OutputSMSMessage]:
    made = [a_message(content=f"Text {n}.", created_at=ago(minutes=count - n), **fields) for n in range(count)]
    OutputSMSRelatedObject.objects.bulk_create(OutputSMSRelatedObject.to(message, obj) for message in made)
    return made


def page_of(obj: Customer) -> str:
    return reverse("admin:demo_customer_change", args=[obj.pk])


def shown(obj: Customer, browser: Any = None) -> str:
    return unescape((browser or superuser()).get(page_of(obj)).content.decode())


def test_the_page_shows_the_newest_messages_with_their_state_and_leads_to_all() -> None:
    jana, eva = customer("Jana"), customer("Eva")
    messages = about(jana, 12, state="DELIVERED")
    about(eva, 1, recipient="+420601000999")
    text = shown(jana)
    assert [n for n in range(12) if f"Text {n}." in text] == list(range(2, 12))
    assert text.index("Text 11.") < text.index("Text 2.")
    for part in (
        "Delivered",
        "+420 777 123 456",
        reverse("admin:smsoffice_outputsmsmessage_change", args=[messages[11].pk]),
    ):
        assert part in text
    assert "+420 601 000 999" not in text
    log = reverse("admin:smsoffice_outputsmsmessage_changelist")
    assert f'href="{log}?related_object_type=demo.customer&related_object_id={jana.pk}"' in text


def test_why_a_message_failed_stands_beside_its_state() -> None:
    jana = customer()
    about(jana, state="ERROR", error="The number does not exist.")
    assert "The number does not exist." in shown(jana)


def test_an_object_without_messages_says_so() -> None:
    text = shown(customer())
    assert "No SMS was sent about this." in text


def test_a_czech_reads_in_czech_why_a_message_failed() -> None:
    jana = customer()
    about(jana, state="ERROR", error="The gateway failed (HTTP 503).")
    text = superuser().get(page_of(jana), headers={"accept-language": "cs"}).content.decode()
    assert "Brána selhala (HTTP 503)." in text


# Who may change messages may view them, by Django's own rule.
@pytest.mark.parametrize(
    ("permissions", "is_shown"),
    [((*CHANGE, VIEW), True), ((*CHANGE, "change_outputsmsmessage"), True), (CHANGE, False)],
)
def test_the_panel_is_for_those_who_may_see_messages(permissions: tuple[str, ...], is_shown: bool) -> None:
    jana = customer()
    about(jana)
    text = shown(jana, browser_of(*permissions))
    assert (HEADING in text) == ("Text 0." in text) == is_shown


def test_a_new_object_has_no_panel() -> None:
    assert HEADING not in superuser().get(reverse("admin:demo_customer_add")).content.decode()


@pytest.mark.parametrize("permissions", [(), (*CHANGE, VIEW)])
def test_the_object_is_saved_as_before(permissions: tuple[str, ...]) -> None:
    jana = customer("Jana")
    about(jana, 3)
    browser = browser_of(*permissions) if permissions else superuser()
    typed = {"name": "Eva", "phone": "601 000 001", "language": "cs", "email": ""}
    assert browser.post(page_of(jana), typed).status_code == 302
    jana.refresh_from_db()
    assert jana.name == "Eva"
    assert OutputSMSMessage.objects.filter_related_object(jana).count() == 3
    # And what is wrong with it is still told.
    assert b"This field is required." in browser.post(page_of(jana), {**typed, "name": ""}).content


def test_the_queries_do_not_grow_with_the_messages() -> None:
    jana, eva, browser = customer("Jana"), customer("Eva"), superuser()
    about(jana, 1)
    about(eva, 10)
    shown(jana, browser)
    counts = []
    for obj in (jana, eva):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            shown(obj, browser)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_objects_with_texts_for_keys_have_it_too(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.admin.desk"
    expires = timezone.now() + timedelta(days=1)
    session = Session.objects.create(session_key="a/b_c", session_data="", expire_date=expires)
    about(session)
    about(Session.objects.create(session_key="other", session_data="", expire_date=expires), recipient="+420601000999")
    answer = superuser().get(reverse("desk:sessions_session_change", args=["a_2Fb_5Fc"]))
    text = unescape(answer.content.decode())
    assert "Text 0." in text
    assert "+420 601 000 999" not in text


def test_a_site_without_the_log_shows_the_messages_without_links(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.admin.desk_alone"
    jana = customer()
    about(jana)
    text = superuser().get(reverse("admin:demo_customer_change", args=[jana.pk])).content.decode()
    assert "Text 0." in text
    assert "All in the log" not in text


def test_django_has_nothing_against_it() -> None:
    assert run_checks() == []
