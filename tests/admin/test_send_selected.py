"""“Send SMS…” in the lists of a host: what is shown is what is sent, once, to whom it may be sent, by who may send."""

from __future__ import annotations

import logging
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from project.demo.models import Customer, Order
from smsoffice.models.batch import Batch
from smsoffice.models.sms import PRIORITY_BULK, PRIORITY_SINGLE, OutputSMSMessage, SMSTemplate
from smsoffice.models.uses import TemplateUse
from tests.admin.people import SEND, VIEW, a_template, browser_of, superuser
from tests.at_once import at_once
from tests.factories import numbers

pytestmark = pytest.mark.django_db

SEE = "demo.view_customer"
HELLO = "Hello {{ customer.name }}."


def url(model: str = "customer", view: str = "changelist", site: str = "admin") -> str:
    app = "demo" if model in ("customer", "order") else "sessions"
    return reverse(f"{site}:{app}_{model}_{view}")


def customers(count: int = 3) -> list[Customer]:
    return Customer.objects.bulk_create(
        Customer(name=f"Jana {place:03}", phone=number) for place, number in enumerate(numbers(count))
    )


def a_customer(name: str, phone: str = "601 000 001") -> Customer:
    return Customer.objects.create(name=name, phone=phone)


class Desk:
    """What an operator does: choose rows in a list, look, press a button of the page."""

    def __init__(self, browser: Client, model: str = "customer", site: str = "admin", query: str = "") -> None:
        self.browser, self.list, self.query = browser, url(model, site=site), query
        self.view = url(model, "send_sms", site)
        self.response: Any = None
        self.fields: dict[str, str] = {}

    def choose(self, objects: list[Any]) -> Desk:
        keys = [str(obj.pk) for obj in objects]
        posted = {"action": "send_sms", "_selected_action": keys}
        return self._opened(self.browser.post(self.list + self.query, posted))

    def choose_all(self) -> Desk:
        some = Customer.objects.first()
        posted = {"action": "send_sms", "select_across": "1", "_selected_action": [str(some.pk if some else 0)]}
        return self._opened(self.browser.post(self.list + self.query, posted))

    def press(self, button: str, value: str = "", **typed: str) -> Desk:
        self.fields |= typed
        return self._opened(self.browser.post(self.view + self.query, {**self.fields, button: value}))

    def show(self, template: str = "hello", **typed: str) -> Desk:
        return self.press("_show", template=template, **typed)

    def send(self, **typed: str) -> Desk:
        return self.press("_send", **typed)

    def _opened(self, response: Any) -> Desk:
        self.response = response
        if response.status_code == 200:
            context = response.context
            self.fields = {**self.fields, "chosen": context["chosen"], "shown": context["look"].shown}
        return self

    @property
    def text(self) -> str:
        return unescape(str(self.response.content.decode()))

    @property
    def offered(self) -> list[str]:
        return list(self.response.context["look"].what.offered)

    @property
    def reasons(self) -> dict[str, str]:
        return {str(row.obj): str(row.reason) for row in self.response.context["look"].rows if row.reason}

    def said(self) -> list[str]:
        return [str(one) for one in self.browser.get(self.list).context["messages"]]


@pytest.fixture
def hello() -> SMSTemplate:
    return a_template("hello", HELLO)


def sent() -> list[tuple[str, str]]:
    return list(OutputSMSMessage.objects.order_by("pk").values_list("recipient", "content"))


# --- From the list to the messages -----------------------------------------------------------------------------------


def test_what_is_shown_is_sent_to_each_and_tied_to_it(hello: SMSTemplate) -> None:
    people = customers()
    desk = Desk(superuser()).choose(people)
    assert desk.fields["chosen"]
    assert sent() == []

    desk.show(tag="december")
    assert sent() == []
    shown = ["Hello Jana 000.", "Hello Jana 001.", "Hello Jana 002."]
    for text in (*shown, "+420 601 100 000", "3 selected: 3 messages", "3 parts in all", "Send 3 messages"):
        assert text in desk.text

    desk.send()
    assert desk.response.url == desk.list
    assert sent() == [(customer.phone, text) for customer, text in zip(people, shown, strict=True)]
    for customer, text in zip(people, shown, strict=True):
        [message] = OutputSMSMessage.objects.filter_related_object(customer)
        assert (message.content, message.tag, message.priority) == (text, "december", PRIORITY_SINGLE)
        assert (message.template, message.template_slug, message.template_version) == (hello, "hello", 1)
        assert message.batch is None
    assert desk.said() == ["3 messages were accepted."]


def test_who_sent_how_many_is_written_down_without_texts_or_numbers(hello: SMSTemplate) -> None:
    Desk(superuser()).choose(customers()).show().send()
    entry = LogEntry.objects.get()
    assert entry.get_change_message() == "Sent 3 messages to selected objects."
    assert "Jana" not in entry.object_repr


@pytest.mark.django_db(transaction=True)
def test_they_leave_at_once_and_count_as_a_use_of_the_template(hello: SMSTemplate) -> None:
    Desk(superuser()).choose(customers()).show().send()
    assert set(OutputSMSMessage.objects.values_list("state", flat=True)) == {"DEBUG"}
    assert TemplateUse.objects.get(template_slug="hello").count == 3


def test_the_only_template_that_fits_is_shown_without_being_asked_for(hello: SMSTemplate) -> None:
    assert "Hello Jana 000." in Desk(superuser()).choose(customers()).text


def test_enter_in_a_field_presses_the_harmless_button(hello: SMSTemplate) -> None:
    text = Desk(superuser()).choose(customers()).show().text
    form = text[text.index('name="chosen"') :]
    assert form.index("<button") == form.index('<button name="_show"')


def test_the_way_back_leads_to_the_list_as_it_was_filtered(hello: SMSTemplate) -> None:
    desk = Desk(superuser(), query="?language__exact=cs&q=Jana").choose(customers()).show()
    back = f"{desk.list}?language__exact=cs&q=Jana"
    assert f'href="{back}"' in desk.text
    assert desk.send().response.url == back


def test_those_chosen_across_all_pages_of_the_list_are_sent_to(hello: SMSTemplate) -> None:
    customers(130)
    assert "130 selected: 130 messages" in Desk(superuser()).choose_all().show().text


def test_more_than_can_be_sent_at_once_are_refused_in_words(hello: SMSTemplate) -> None:
    customers(501)
    desk = Desk(superuser()).choose_all()
    assert desk.response.url == desk.list
    assert desk.said() == ["SMS can be sent to at most 500 at once. Narrow the list, or choose fewer."]


def test_objects_with_texts_for_keys_are_sent_to(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.admin.desk"
    a_template("key", "Key {{ key }}.")
    session = Session.objects.create(session_key="a/b_c", session_data="", expire_date=timezone.now())
    Desk(superuser(), "session", "desk").choose([session]).show("key").send()
    assert [m.content for m in OutputSMSMessage.objects.filter_related_object(session)] == ["Key a/b_c."]


def test_orders_are_sent_to_their_customers_in_few_queries(django_assert_max_num_queries: Any) -> None:
    a_template("ready", "Order {{ order.number }} for {{ customer.name }}: {{ order.total }}.")
    for place, customer in enumerate(customers(30)):
        Order.objects.create(number=f"N{place:02}", customer=customer, total=99)
    desk = Desk(superuser(), "order").choose(list(Order.objects.all()))
    with django_assert_max_num_queries(9):
        desk.show("ready")
    assert "Order N29 for Jana 029: 99." in desk.text


# --- Templates on offer ----------------------------------------------------------------------------------------------


def test_only_active_templates_whose_needed_variables_are_there_are_offered(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.admin.desk"
    a_template("fits", HELLO)
    a_template("plain", "Nothing is needed.")
    a_template("optional", "{{ customer.name }}{% if courier %} {{ courier }}{% endif %}{{ x|default:1 }}")
    a_template("listed", "{{ tags.0 }}")
    a_template("beyond", "{{ tags.1 }}")
    a_template("needs-more", "{{ customer.name }} {{ code }}")
    a_template("broken", "{{ customer.name")
    SMSTemplate.objects.create(slug="off", body=HELLO, is_active=False)
    desk = Desk(superuser(), site="desk").choose(customers(1))
    assert desk.offered == ["fits", "listed", "optional", "plain"]


def test_a_variable_that_some_have_is_enough_and_those_without_it_are_left_out(settings: Any, hello: Any) -> None:
    settings.ROOT_URLCONF = "tests.admin.desk"
    people = [a_customer("Jana", "601000001"), a_customer("nobody", "601000002")]
    desk = Desk(superuser(), site="desk").choose(people).show()
    assert desk.reasons == {"nobody": "The data has nothing in “customer.name”, which the template needs."}
    assert "2 selected: 1 message, 1 left out" in desk.text


def test_where_no_template_fits_the_variables_on_offer_are_named() -> None:
    a_template("needs-more", "{{ invoice }}")
    text = Desk(superuser()).choose(customers(1)).text
    assert "No template fits." in text
    assert "customer.name" in text
    assert reverse("admin:smsoffice_smstemplate_changelist") in text
    assert 'name="_send"' not in text


def test_a_template_switched_off_meanwhile_is_no_longer_offered(hello: SMSTemplate) -> None:
    a_template("other", "Other {{ customer.name }}.")
    desk = Desk(superuser()).choose(customers()).show()
    SMSTemplate.objects.filter(slug="hello").update(is_active=False)
    desk.send()
    assert "This template is no longer offered. Choose another." in desk.text
    assert "<title>Error:" in desk.text.replace("\n", "")
    assert sent() == []


# --- Not sent, with why ----------------------------------------------------------------------------------------------


def test_each_row_that_is_not_sent_says_why_and_stops_no_other(
    settings: Any, hello: SMSTemplate, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ROOT_URLCONF = "tests.admin.desk"
    people = [
        a_customer("Jana"),
        a_customer("no phone", " "),
        a_customer("short", "601"),
        a_customer("no number to be had", "601 000 002"),
        a_customer("no data to be had", "601 000 003"),
        a_customer("an object", "601 000 004"),
        a_customer("x" * 100, "601 000 005"),
    ]
    SMSTemplate.objects.filter(slug="hello").update(body="Hello {{ customer.name }}." + "{{ customer.name }}" * 20)
    with caplog.at_level(logging.ERROR):
        desk = Desk(superuser(), site="desk").choose(people).show()
    unreadable = "Its data could not be read. The site's log tells why."
    assert desk.reasons.pop("no phone") == "There is no phone number."
    assert "601" in desk.reasons["short"]
    assert desk.reasons["no number to be had"] == desk.reasons["no data to be had"] == unreadable
    assert "Customer" in desk.reasons["an object"]
    assert desk.reasons["x" * 100] == "The text makes 14 parts; at most 10 can be sent. Shorten it."
    assert "out of order" in caplog.text
    assert "out of order" not in desk.text

    desk.send()
    assert [number for number, _text in sent()] == ["+420601000001"]


def test_the_same_text_goes_to_the_same_number_once(hello: SMSTemplate) -> None:
    twins = [a_customer("Jana", "601 000 001"), a_customer("Jana", "+420601000001")]
    desk = Desk(superuser()).choose(twins).show()
    assert desk.reasons == {"Jana": "The same text goes to this number already, for Jana."}
    desk.send()
    assert len(sent()) == 1


def test_where_nothing_can_be_sent_there_is_no_button(hello: SMSTemplate) -> None:
    desk = Desk(superuser()).choose([a_customer("Jana", "")]).show()
    assert "Nothing can be sent" in desk.text
    assert 'name="_send"' not in desk.text
    desk.send()
    assert sent() == []


def test_what_a_customer_is_called_is_no_markup(hello: SMSTemplate) -> None:
    desk = Desk(superuser()).choose([a_customer("<script>alert(1)</script>")]).show()
    assert b"<script>alert" not in desk.response.content
    desk.send()
    assert sent()[0][1] == "Hello <script>alert(1)</script>."


def test_many_rows_are_shown_by_the_page_with_totals_over_all(hello: SMSTemplate) -> None:
    customers(60)
    desk = Desk(superuser()).choose_all().show()
    assert "60 selected: 60 messages" in desk.text
    assert "Hello Jana 024." in desk.text
    assert "Hello Jana 025." not in desk.text
    desk.press("page", "3")
    assert "51 to 60 of 60" in desk.text
    assert "Hello Jana 059." in desk.text
    assert "60 selected: 60 messages" in desk.text


# --- Once, and what was shown ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 25])
def test_a_second_press_finds_the_first_send_and_says_so(hello: SMSTemplate, count: int) -> None:
    desk = Desk(superuser()).choose(customers(count)).show().send()
    first = desk.response.url
    desk.said()
    # Back, another template, and the button once more.
    a_template("other", "Other {{ customer.name }}.")
    desk.send(template="other")
    assert desk.response.url == first
    assert len(sent()) == count
    words = "This was sent before, and not a second time. To send more, choose the rows in the list again."
    assert desk.said() == [words]
    assert LogEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [3, 25])
def test_a_double_click_sends_once(hello: SMSTemplate, count: int) -> None:
    browser = superuser()
    desk = Desk(browser).choose(customers(count)).show()
    posted = {**desk.fields, "_send": ""}
    answers = at_once(lambda: browser.post(desk.view, posted), lambda: browser.post(desk.view, posted))
    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(sent()) == count
    assert LogEntry.objects.count() == 1


def test_data_that_changed_since_it_was_shown_is_shown_anew_before_anything_is_sent(hello: SMSTemplate) -> None:
    people = customers()
    desk = Desk(superuser()).choose(people).show()
    Customer.objects.filter(pk=people[0].pk).update(name="Eva")
    desk.send()
    assert sent() == []
    assert "the texts have changed since they were shown" in desk.text
    assert "Hello Eva." in desk.text
    desk.send()
    assert len(sent()) == 3


def test_a_template_chosen_but_not_shown_is_shown_before_anything_is_sent(hello: SMSTemplate) -> None:
    a_template("other", "Other {{ customer.name }}.")
    desk = Desk(superuser()).choose(customers()).show().send(template="other")
    assert sent() == []
    assert "Other Jana 000." in desk.text


def test_rows_that_are_gone_meanwhile_are_left_out_and_told(hello: SMSTemplate) -> None:
    people = customers()
    desk = Desk(superuser()).choose(people).show()
    people[1].delete()
    desk.send()
    assert "1 of those that you chose is gone" in desk.text
    assert sent() == []
    desk.send()
    assert [text for _number, text in sent()] == ["Hello Jana 000.", "Hello Jana 002."]


@pytest.mark.parametrize("forged", ["", "nonsense", "ours"])
def test_a_selection_that_was_changed_or_is_of_another_list_is_refused(hello: SMSTemplate, forged: str) -> None:
    browser, people = superuser(), customers()
    desk = Desk(browser).choose(people).show()
    if forged == "ours":
        order = Order.objects.create(number="1", customer=people[0], total=1)
        forged = Desk(browser, "order").choose([order]).fields["chosen"]
    desk.send(chosen=forged)
    assert desk.response.url == desk.list
    assert desk.said() == ["Nothing was sent: choose the rows in the list again."]
    assert sent() == []


def test_the_selection_of_another_user_is_refused(hello: SMSTemplate) -> None:
    chosen = Desk(superuser()).choose(customers()).show().fields
    other = Desk(superuser())
    other.fields = dict(chosen)
    assert other.send().response.status_code == 302
    assert sent() == []


# --- More than twenty, and later --------------------------------------------------------------------------------------


def test_more_than_twenty_become_a_bulk_send(hello: SMSTemplate) -> None:
    people = customers(21)
    desk = Desk(superuser()).choose(people).show(tag="december").send()
    batch = Batch.objects.get()
    assert (batch.status, batch.total, batch.title, batch.tag) == (
        Batch.Status.RUNNING,
        21,
        "“hello” to selected customers",
        "december",
    )
    assert desk.response.url == reverse("admin:smsoffice_batch_change", args=[batch.pk])
    assert batch.messages.count() == 21
    [message] = OutputSMSMessage.objects.filter_related_object(people[20])
    assert (message.content, message.priority) == ("Hello Jana 020.", PRIORITY_BULK)


def test_who_may_not_see_bulk_sends_is_led_back_to_the_list(hello: SMSTemplate) -> None:
    desk = Desk(browser_of(SEND, SEE)).choose(customers(21)).show().send()
    assert desk.response.url == desk.list
    assert len(sent()) == 21


def later(**span: float) -> dict[str, str]:
    moment = timezone.localtime() + timedelta(**span)
    return {"when": "later", "date": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M}"}


@pytest.mark.parametrize("count", [3, 21])
def test_a_time_may_be_set_for_all_of_them(hello: SMSTemplate, count: int) -> None:
    desk = Desk(superuser()).choose(customers(count)).show(**later(days=3))
    assert f"Schedule {count} messages" in desk.text
    desk.send()
    assert desk.said() == [f"{count} messages are scheduled."]
    waiting = OutputSMSMessage.objects.filter(state="WAITING", due_at__gt=timezone.now() + timedelta(days=2))
    assert waiting.count() == count


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (later(days=-1), "This time has passed. Choose a later one, or Now."),
        ({"when": "later"}, "Give the date and the time, or choose Now."),
        ({"when": "later", "date": "soon", "time": "8:00"}, "Enter a valid date."),
    ],
)
def test_a_time_that_makes_no_sense_is_told_and_nothing_is_sent(
    hello: SMSTemplate, typed: dict[str, str], words: str
) -> None:
    desk = Desk(superuser()).choose(customers()).show().send(**typed)
    assert words in desk.text
    assert sent() == []


def test_a_tag_that_is_too_long_is_told_at_its_field(hello: SMSTemplate) -> None:
    desk = Desk(superuser()).choose(customers()).show().send(tag="x" * 101)
    assert "at most 100 characters" in desk.text
    assert '<option value="hello" selected>' in desk.text
    assert sent() == []


# --- Permissions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permissions", "is_offered"),
    [
        ((SEND, SEE), True),
        ((SEND, "demo.change_customer"), True),
        ((SEE, VIEW, "change_outputsmsmessage", "demo.change_customer"), False),
    ],
)
def test_the_action_is_offered_to_those_who_may_send_and_see(permissions: tuple[str, ...], is_offered: bool) -> None:
    people = customers(1)
    browser = browser_of(*permissions)
    assert ('value="send_sms"' in browser.get(url()).content.decode()) == is_offered
    chosen = browser.post(url(), {"action": "send_sms", "_selected_action": [people[0].pk]})
    assert ("Send SMS to the selected" in chosen.content.decode()) == is_offered


@pytest.mark.parametrize("permissions", [(), (SEND,), (SEE, VIEW)])
def test_the_server_refuses_whom_the_page_does_not_offer_it(permissions: tuple[str, ...], hello: SMSTemplate) -> None:
    desk = Desk(superuser()).choose(customers()).show()
    desk.browser = browser_of(*permissions)
    assert desk.send().response.status_code == 403
    assert sent() == []


def test_an_anonymous_visitor_is_asked_to_log_in(hello: SMSTemplate) -> None:
    desk = Desk(Client())
    assert "/login/" in desk.send().response.url


def test_an_object_that_the_host_hides_from_the_user_is_not_sent_to(settings: Any, hello: SMSTemplate) -> None:
    settings.ROOT_URLCONF = "tests.admin.desk"
    people = [a_customer("Jana", "601000001"), a_customer("hidden", "601000002")]
    Desk(superuser(), site="desk").choose(people).show().send()
    assert [text for _number, text in sent()] == ["Hello Jana."]


def test_nothing_happens_by_get(hello: SMSTemplate) -> None:
    assert superuser().get(url(view="send_sms")).status_code == 405


def test_a_popup_offers_nothing_to_send(hello: SMSTemplate) -> None:
    customers(1)
    assert b"send_sms" not in superuser().get(url(), {"_popup": "1"}).content


# --- Language --------------------------------------------------------------------------------------------------------


def test_the_text_is_in_the_sites_language_and_the_page_in_the_readers() -> None:
    a_template("hello", "{{ customer.name }}: {{ x|default:1.5|floatformat:1 }}")
    browser = superuser()
    desk = Desk(browser).choose(customers(1))
    response = browser.post(
        desk.view, {**desk.fields, "template": "hello", "_show": ""}, headers={"accept-language": "cs"}
    )
    assert '<html lang="cs"' in response.content.decode()
    assert "Jana 000: 1.5" in response.content.decode()
