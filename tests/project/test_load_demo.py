"""The demo shop: what a new user finds after `make run`."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from io import StringIO
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from project.demo.models import Customer, Order
from smsoffice.models.accept import accept
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage, OutputSMSRelatedObject, SMSTemplate
from smsoffice.states import OPEN, State, may_become

pytestmark = pytest.mark.django_db


def load_demo() -> str:
    out = StringIO()
    call_command("load_demo", stdout=out)
    return out.getvalue()


@pytest.fixture
def words(settings) -> str:
    """What the command said when it filled the database."""
    settings.DEBUG = True
    return load_demo()


def counts() -> list[int]:
    models = (User, Customer, Order, SMSTemplate, OutputSMSMessage, OutputSMSRelatedObject, OutputSMSEvent)
    return [model._default_manager.count() for model in models]


def test_there_are_300_messages_in_every_state_of_the_last_14_days(words: str) -> None:
    states = Counter(OutputSMSMessage.objects.values_list("state", flat=True))
    assert set(states) == set(State.values)
    assert sum(states.values()) == 300
    oldest = OutputSMSMessage.objects.earliest("created_at").created_at
    assert timezone.now() - timedelta(days=14) <= oldest < timezone.now() - timedelta(days=7)


def test_every_message_belongs_to_a_customer_and_an_older_order(words: str) -> None:
    for order in Order.objects.all():
        for message in OutputSMSMessage.objects.filter_related_object(order):
            assert message.created_at >= order.created_at
            assert set(OutputSMSMessage.objects.filter_related_object(order.customer)) >= {message}
    assert OutputSMSRelatedObject.objects.count() == 600


def test_every_timeline_follows_the_table_and_ends_in_the_messages_state(words: str) -> None:
    for message in OutputSMSMessage.objects.prefetch_related("events"):
        steps = [State.WAITING, *(event.to_state for event in message.events.all())]
        assert all(may_become(old, new) for old, new in pairwise(steps))
        assert [event.from_state for event in message.events.all()] == steps[:-1]
        assert steps[-1] == message.state
        times = [message.created_at, *(event.created_at for event in message.events.all())]
        assert times == sorted(times)
        assert times[-1] == message.changed_at <= timezone.now()
        assert bool(message.error) == (message.state == State.ERROR)


def test_nothing_of_the_demo_is_sent_or_asked_about(words: str) -> None:
    now = timezone.now()
    assert not OutputSMSMessage.objects.due(now + timedelta(hours=12)).exists()
    assert not OutputSMSMessage.objects.filter(state__in=OPEN, check_after__isnull=False).exists()


def test_the_templates_are_czech_and_english_and_take_the_shops_data(words: str) -> None:
    slugs = set(SMSTemplate.objects.values_list("slug", flat=True))
    assert {f"{slug}-en" for slug in slugs if not slug.endswith("-en")} <= slugs
    used = set(OutputSMSMessage.objects.values_list("template_slug", flat=True))
    assert used == slugs


def test_a_second_run_keeps_everything_and_adds_nothing(words: str) -> None:
    before = counts()
    customer = Customer.objects.first()
    assert customer
    customer.name = "Changed"
    customer.save()
    again = load_demo()
    assert counts() == before
    assert Customer.objects.filter(name="Changed").exists()
    assert "operator" in again


@pytest.mark.parametrize("name", ["operator", "admin"])
def test_the_printed_logins_open_the_admin(words: str, name: str, client: Client) -> None:
    assert f"user name: {name}" in words
    assert client.login(username=name, password=name)
    assert client.get("/admin/").status_code == 200


def test_a_password_that_was_changed_is_not_printed_as_the_old_one(words: str) -> None:
    operator = User.objects.get(username="operator")
    operator.set_password("something else")
    operator.save()
    line = next(line for line in load_demo().splitlines() if "operator" in line)
    assert "the one that you gave" in line


def test_the_operator_may_work_with_messages_and_templates_but_delete_nothing(words: str) -> None:
    operator = User.objects.get(username="operator")
    rights = operator.get_all_permissions()
    assert {
        "smsoffice.view_outputsmsmessage",
        "smsoffice.add_outputsmsmessage",
        "smsoffice.change_smstemplate",
        "demo.add_order",
    } <= rights
    assert not any("delete" in right or right.startswith("auth.") for right in rights)
    assert not operator.is_superuser


def test_with_debug_off_the_well_known_passwords_are_refused(settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG=1"):
        load_demo()
    assert counts() == [0] * 7


def test_a_database_with_messages_of_its_own_gets_neither_logins_nor_data(settings) -> None:
    settings.DEBUG = True
    accept("+420777123456", "A message of a real site")
    assert "messages of its own" in load_demo()
    assert (User.objects.count(), Customer.objects.count(), OutputSMSMessage.objects.count()) == (0, 0, 1)
