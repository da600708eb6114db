"""The log of messages and the page of one of them: to read, by whom it may be read, and fast."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from project.demo.models import Customer
from smsoffice.admin import messages as pages
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State
from tests.admin.people import CHANGE, SEND, VIEW, a_message, a_template, browser_of, superuser

pytestmark = pytest.mark.django_db

LIST = reverse("admin:smsoffice_outputsmsmessage_changelist")
ADD = reverse("admin:smsoffice_outputsmsmessage_add")
GATEWAYS = reverse("admin:smsoffice_gatewaystatus_changelist")
SMS_OPERATOR = "smsoffice.backend.sms.sms_operator.SMSOperatorBackend"


def page(message: OutputSMSMessage, name: str = "change") -> str:
    return reverse(f"admin:smsoffice_outputsmsmessage_{name}", args=[message.pk])


def listed(browser: Client, **query: str) -> list[OutputSMSMessage]:
    return list(browser.get(LIST, query).context["cl"].result_list)


def an_event(message: OutputSMSMessage, to: State, **fields: object) -> OutputSMSEvent:
    source = OutputSMSEvent.Source.GATEWAY
    given = {"from_state": State.UNKNOWN, "to_state": to, "source": source, **fields}
    return OutputSMSEvent.objects.create(message=message, **given)


# --- The log ---------------------------------------------------------------------------------------------------------


def test_a_row_says_to_whom_what_what_became_of_it_and_through_which_gateway() -> None:
    a_message(
        content="Dear Jana,\nyour order is ready.",
        state=State.SENT,
        template_slug="ready",
        tag="orders",
        backend=SMS_OPERATOR,
    )
    text = superuser().get(LIST).content.decode()
    for shown in ("+420 777 123 456", "Dear Jana,", "Sent", "ready", "orders", "SMS Operator"):
        assert shown in text
    assert "your order is ready" not in text
    assert "sms_operator" not in text


def test_a_gateway_that_is_no_longer_installed_keeps_its_class_name() -> None:
    a_message(backend="gone.backends.PigeonSMSBackend")
    assert "PigeonSMSBackend" in superuser().get(LIST).content.decode()


def test_the_newest_stands_first_and_fifty_on_a_page() -> None:
    now = timezone.now()
    OutputSMSMessage.objects.bulk_create(
        OutputSMSMessage(recipient="+420777123456", content="x", created_at=now - timedelta(minutes=age))
        for age in (5, 1, 3, *range(10, 60))
    )
    browser = superuser()
    first, second = listed(browser), listed(browser, p="2")
    assert (len(first), len(second)) == (50, 3)
    times = [message.created_at for message in first + second]
    assert times == sorted(times, reverse=True)


def test_the_log_is_narrowed_to_a_state() -> None:
    failed = a_message(state=State.ERROR)
    a_message(state=State.SENT)
    browser = superuser()
    assert listed(browser, state__exact="ERROR") == [failed]
    assert "?state__exact=ERROR" in browser.get(LIST).content.decode()


@pytest.mark.parametrize("typed", ["777 123 456", "+420777123456", "00420777123456", " +420 777-123-456 "])
def test_a_message_is_found_by_the_number_in_any_spelling(typed: str) -> None:
    found = a_message(recipient="+420777123456")
    a_message(recipient="+420777123457")
    assert listed(superuser(), q=typed) == [found]


def test_what_is_no_number_finds_nothing_and_says_why() -> None:
    a_message()
    answer = superuser().get(LIST, {"q": "Jana"})
    assert list(answer.context["cl"].result_list) == []
    assert "is not a possible phone number" in answer.content.decode()


def test_an_empty_search_is_no_search() -> None:
    message = a_message()
    assert listed(superuser(), q="  ") == [message]


def test_the_log_costs_the_same_queries_whatever_its_length(django_assert_num_queries) -> None:
    browser = superuser()
    template = a_template()
    a_message(template=template, template_slug="ready", backend=SMS_OPERATOR)
    with django_assert_num_queries(4):
        browser.get(LIST)
    for _ in range(60):
        a_message(template=template, template_slug="ready", backend=SMS_OPERATOR)
    with django_assert_num_queries(4):
        browser.get(LIST)
        # A page of facets would count the whole log once for each state.
    with django_assert_num_queries(4):
        browser.get(LIST, {"_facets": "True"})


def test_the_log_counts_no_further_than_it_pages(monkeypatch, django_assert_num_queries) -> None:
    monkeypatch.setattr("smsoffice.admin.log.LISTED", 60)
    for _ in range(70):
        a_message()
    browser = superuser()
    with django_assert_num_queries(4) as asked:
        answer = browser.get(LIST, {"p": "2"})
    assert [query["sql"] for query in asked if "COUNT" in query["sql"] and "LIMIT 60" not in query["sql"]] == []
    assert len(answer.context["cl"].result_list) == 10
    assert "These are the newest 60." in answer.content.decode()


def test_a_log_that_is_paged_whole_does_not_speak_of_older_messages() -> None:
    a_message()
    assert "These are the newest" not in superuser().get(LIST).content.decode()


# --- The page of a message -------------------------------------------------------------------------------------------


def test_the_page_shows_every_field_and_nothing_to_type() -> None:
    original = a_message()
    moment = timezone.now()
    values = {
        "recipient": "+420777123456",
        "sender": "Shop",
        "content": "Dear Jana,\nyour order is ready.",
        "template_slug": "order-ready",
        "template_version": 41,
        "batch_row": 4242,
        "state": State.ERROR,
        "backend": SMS_OPERATOR,
        "error": "The number does not exist.",
        "tag": "orders",
        "extra_data": {"campaign": "winter"},
        "extra_sender_data": {"price": "1.20"},
        "external_id": "gateway-4711",
        "segments": 3,
        "encoding": "UCS-2",
        "priority": 77,
        "send_after": moment,
        "due_at": moment,
        "expires_at": moment,
        "sent_at": moment,
        "check_after": moment,
        "send_attempts": 9,
        "idempotency_key": "order-1042",
        "resend_of": original,
    }
    text = superuser().get(page(a_message(**values))).content.decode()
    shown = ["+420 777 123 456", "Shop", "Dear Jana,<br>your order is ready.", "order-ready", "Error", "SMS Operator"]
    shown += ["The number does not exist.", "orders", "winter", "1.20", "gateway-4711", "UCS-2", "77", "order-1042"]
    for value in [*shown, page(original)]:
        assert value in text
    named = {"id", "recipient", "backend", "template", "error"}  # shown in words, or by the slug
    fields = {field.name for field in OutputSMSMessage._meta.fields} - named
    assert fields <= {name for _, options in pages.OutputSMSMessageAdmin.fieldsets for name in options["fields"]}
    form = text[text.index('id="outputsmsmessage_form"') :]
    assert "<textarea" not in form
    assert "<select" not in form
    assert 'type="text"' not in form
    assert 'type="submit"' not in form


def test_the_timeline_tells_what_happened_oldest_first() -> None:
    message = a_message(state=State.DELIVERED)
    operator = User.objects.create_user("olga")
    an_event(message, State.UNKNOWN, from_state=State.WAITING, source=OutputSMSEvent.Source.QUEUE)
    an_event(message, State.DELIVERED, code="0", words="Delivered.", source=OutputSMSEvent.Source.ASKED)
    an_event(message, State.SENT, code="22", words="Sent to <operator>.", ignored=True)
    an_event(message, State.DELIVERED, source=OutputSMSEvent.Source.OPERATOR, user=operator)
    text = superuser().get(page(message)).content.decode()
    text = text[text.index('id="events"') :]
    told = ["Waiting → Unknown", "Queue", "Unknown → Delivered", "Gateway was asked, code 0", "Delivered."]
    told += ["Unknown → Sent (ignored)", "code 22", "Sent to &lt;operator&gt;.", "Operator: olga"]
    places = [text.index(words) for words in told]
    assert places == sorted(places)
    assert ['class="quiet"' in line for line in text.split("<li")[1:5]] == [False, False, True, False]


def test_a_message_without_events_says_so() -> None:
    assert "No history is kept for this message." in superuser().get(page(a_message())).content.decode()


def test_a_timeline_without_end_is_cut(monkeypatch) -> None:
    monkeypatch.setattr("smsoffice.admin.message.EVENTS", 2)
    message = a_message()
    for number in range(3):
        an_event(message, State.UNKNOWN, words=f"Answer {number}.")
    text = superuser().get(page(message)).content.decode()
    assert "Answer 1." in text
    assert "Answer 2." not in text
    assert "What came later is not shown." in text


def test_related_objects_are_links_for_those_who_may_see_them_and_keys_for_others() -> None:
    customer = Customer.objects.create(name="Jana Nováková", phone="+420777123456")
    template = a_template()
    message = a_message(template=template, template_slug="ready")
    OutputSMSRelatedObject.to(message, customer).save()
    links = {
        "customer": reverse("admin:demo_customer_change", args=[customer.pk]),
        "template": reverse("admin:smsoffice_smstemplate_change", args=[template.pk]),
    }

    may = browser_of(VIEW, "demo.view_customer", "view_smstemplate").get(page(message)).content.decode()
    assert f'<a href="{links["customer"]}">Jana Nováková</a>' in may
    assert f'<a href="{links["template"]}">ready</a>' in may

    may_not = browser_of(VIEW).get(page(message)).content.decode()
    assert links["customer"] not in may_not
    assert links["template"] not in may_not
    assert "Jana" not in may_not
    assert "Customer" in may_not
    assert f"<td>{customer.pk}</td>" in may_not


def test_related_objects_that_are_gone_keep_their_kind_and_key() -> None:
    message = a_message()
    group = Group.objects.create(pk=4711, name="Deleted tomorrow")
    OutputSMSRelatedObject.to(message, group).save()
    gone = ContentType.objects.create(app_label="uninstalled", model="invoice")
    OutputSMSRelatedObject.objects.create(output_sms_message=message, content_type=gone, object_id="F-2026-1")
    group.delete()
    text = superuser().get(page(message)).content.decode()
    assert "<td>4711</td>" in text
    assert "<td>F-2026-1</td>" in text
    assert "Invoice" in text


def test_the_page_costs_the_same_queries_whatever_belongs_to_the_message(django_assert_max_num_queries) -> None:
    message = a_message()
    customers = [Customer.objects.create(name=f"C{n}", phone="+420777123456") for n in range(8)]
    groups = [Group.objects.create(name=f"G{n}") for n in range(8)]
    user = User.objects.create_user("olga")
    for obj in [*customers, *groups]:
        OutputSMSRelatedObject.to(message, obj).save()
    for _ in range(30):
        an_event(message, State.UNKNOWN, user=user)
    browser = superuser()
    browser.get(page(message))
    # Session, user, message, events, relations, and one for each of the two kinds.
    with django_assert_max_num_queries(7):
        browser.get(page(message))


def test_a_message_that_is_not_there_is_said_so() -> None:
    address = reverse("admin:smsoffice_outputsmsmessage_change", args=[1])
    assert "doesn’t exist" in superuser().get(address, follow=True).content.decode()


def test_what_stands_in_a_message_is_text_and_no_markup() -> None:
    evil = "<img src=x onerror=alert(1)>"
    message = a_message(content=evil, error=evil, tag=evil, extra_data={"x": evil}, sender="<b>", template_slug=evil)
    an_event(message, State.ERROR, words=evil, code=evil)
    browser = superuser()
    assert evil not in browser.get(page(message)).content.decode()
    assert evil not in browser.get(LIST).content.decode()


# --- Who may do what -------------------------------------------------------------------------------------------------


def statuses(browser: Client, message: OutputSMSMessage) -> dict[str, int]:
    """What a walk over all addresses of the messages answers."""
    return {
        "list": browser.get(LIST).status_code,
        "page": browser.get(page(message)).status_code,
        "history": browser.get(page(message, "history")).status_code,
        "send page": browser.get(ADD).status_code,
        "send": browser.post(ADD).status_code,
        "edit": browser.post(page(message), {"content": "Changed."}).status_code,
        "delete page": browser.get(page(message, "delete")).status_code,
        "delete": browser.post(page(message, "delete"), {"post": "yes"}).status_code,
        "gateways": browser.get(GATEWAYS).status_code,
    }


NOTHING = dict.fromkeys(
    ["list", "page", "history", "send page", "send", "edit", "delete page", "delete", "gateways"], 403
)
READING = {"list": 200, "page": 200, "history": 200}
SENDING = {"send page": 200, "send": 200}

WALK = {
    "no right": ((), NOTHING),
    "view": ((VIEW,), NOTHING | READING),
    "add": ((SEND,), NOTHING | SENDING),
    "change": ((CHANGE,), NOTHING | READING),
    "export": (("export_outputsmsmessage",), NOTHING),
    "gateways": (("view_gatewaystatus",), NOTHING | {"gateways": 200}),
    "the templates' rights": (("view_smstemplate", "add_smstemplate", "change_smstemplate"), NOTHING),
    "all of the messages": ((VIEW, SEND, CHANGE), NOTHING | READING | SENDING),
}


@pytest.mark.parametrize(("permissions", "expected"), WALK.values(), ids=WALK)
def test_each_right_opens_its_own_pages_and_none_lets_edit_or_delete(
    permissions: tuple[str, ...], expected: dict[str, int]
) -> None:
    message = a_message()
    assert statuses(browser_of(*permissions), message) == expected
    message.refresh_from_db()
    assert message.content == "Hello."


def test_a_superuser_neither_edits_nor_deletes() -> None:
    message = a_message()
    assert statuses(superuser(), message) == NOTHING | READING | SENDING | {"gateways": 200}
    answer = superuser().post(LIST, {"action": "delete_selected", "_selected_action": [message.pk], "post": "yes"})
    assert answer.status_code in {200, 302}
    assert OutputSMSMessage.objects.get().content == "Hello."


@pytest.mark.parametrize("browser", ["a visitor", "a customer with an account"])
def test_who_is_not_staff_is_asked_to_log_in(browser: str) -> None:
    message = a_message()
    who = Client() if browser == "a visitor" else browser_of(VIEW, SEND, CHANGE, staff=False)
    assert set(statuses(who, message).values()) == {302}
    assert "/admin/login/" in who.get(LIST).headers["Location"]


def test_controls_that_the_user_may_not_use_are_not_drawn() -> None:
    message = a_message()
    reader, sender = browser_of(VIEW), browser_of(VIEW, SEND)
    assert "Send SMS" not in reader.get(LIST).content.decode()
    assert "Send SMS" in sender.get(LIST).content.decode()
    for browser in (reader, sender, superuser()):
        assert "deletelink" not in browser.get(page(message)).content.decode()
        assert "delete_selected" not in browser.get(LIST).content.decode()


# --- The gateways ----------------------------------------------------------------------------------------------------


def test_the_administrator_reads_which_gateway_refuses_us_and_why() -> None:
    status = GatewayStatus.objects.create(backend=SMS_OPERATOR, refusal="The login is wrong.", failures=3)
    browser = superuser()
    one = reverse("admin:smsoffice_gatewaystatus_change", args=[status.pk])
    for address in (GATEWAYS, one):
        text = browser.get(address).content.decode()
        assert "SMS Operator" in text
        assert "The login is wrong." in text
    assert browser.post(one, {"refusal": ""}).status_code == 403
    assert browser.get(reverse("admin:smsoffice_gatewaystatus_add")).status_code == 403
    assert browser.post(reverse("admin:smsoffice_gatewaystatus_delete", args=[status.pk])).status_code == 403


# --- The policy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["list", "page", "send", "templates", "template", "gateways"])
def test_no_page_of_ours_needs_an_inline_script_or_style(name: str) -> None:
    message, template = a_message(), a_template()
    an_event(message, State.ERROR, ignored=True)
    address = {
        "list": LIST,
        "page": page(message),
        "send": ADD,
        "templates": reverse("admin:smsoffice_smstemplate_changelist"),
        "template": reverse("admin:smsoffice_smstemplate_change", args=[template.pk]),
        "gateways": GATEWAYS,
    }[name]
    text = superuser().get(address).content.decode()
    assert "<style" not in text
    assert " style=" not in text
    assert "onclick=" not in text
    assert "<script>" not in text


def test_a_czech_reads_in_czech_what_the_gateway_said() -> None:
    message = a_message(state=State.ERROR, error="The number does not exist.")
    an_event(message, State.ERROR, code="2", words="The number does not exist.")
    text = superuser().get(page(message), headers={"accept-language": "cs"}).content.decode()
    assert text.count("Číslo neexistuje.") == 2
    assert "does not exist" not in text
