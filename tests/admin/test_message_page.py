"""The page of one message: what became of it, why, and what an operator can do about it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from project.demo.models import Customer
from smsoffice.admin.common import clock, gateway_title
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.exceptions import NotNow
from smsoffice.models.batch import Batch
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import OPEN, State
from tests.admin.people import CHANGE, SEND, VIEW, a_message, a_template, browser_of, superuser
from tests.backends import ScriptedGateway, use
from tests.factories import ago, ahead, message, row

pytestmark = pytest.mark.django_db

Source = OutputSMSEvent.Source
SMS_OPERATOR = "smsoffice.backend.sms.sms_operator.SMSOperatorBackend"


def page(message: OutputSMSMessage, name: str = "change") -> str:
    return reverse(f"admin:smsoffice_outputsmsmessage_{name}", args=[message.pk])


def text_of(browser: Client, message: OutputSMSMessage) -> str:
    return browser.get(page(message)).content.decode()


def events_of(message: OutputSMSMessage) -> str:
    """The timeline as its page shows it."""
    text = text_of(superuser(), message)
    return text[text.index('id="events"') :]


def an_event(message: OutputSMSMessage, to: State, **fields: Any) -> OutputSMSEvent:
    given = {"from_state": State.UNKNOWN, "to_state": to, "source": Source.GATEWAY, **fields}
    return OutputSMSEvent.objects.create(message=message, **given)


# --- What it says ----------------------------------------------------------------------------------------------------


def test_the_page_tells_all_that_is_known_and_has_nothing_to_type() -> None:
    original = a_message()
    batch = Batch.objects.create(title="Saint Nicholas voucher", status=Batch.Status.RUNNING)
    values = {
        "sender": "Shop",
        "content": "Dear Jana,\nyour order is ready.",
        "template_slug": "order-ready",
        "template_version": 41,
        "batch": batch,
        "batch_row": 4242,
        "state": State.ERROR,
        "backend": SMS_OPERATOR,
        "error": "The number does not exist.",
        "tag": "orders",
        "extra_data": {"campaign": "winter"},
        "extra_sender_data": {"price": "1.20"},
        "external_id": "gateway-4711",
        "expires_at": timezone.now(),
        "sent_at": timezone.now(),
        "send_attempts": 9,
        "idempotency_key": "order-1042",
        "resend_of": original,
    }
    text = text_of(superuser(), a_message(**values))
    shown = [
        "+420 777 123 456",
        "Shop",
        "Dear Jana,\nyour order is ready.",
        "order-ready",
        "version 41",
        "Not delivered",
    ]
    shown += ["The number does not exist.", "orders", "winter", "1.20", "gateway-4711", "order-1042", "SMS Operator"]
    for value in [*shown, page(original), "Saint Nicholas voucher", "4242", "Not later than", "1 message"]:
        assert value in text
    content = text[text.index('id="content-main"') :]
    for control in ("<textarea", "<select", 'type="text"'):
        assert control not in content


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"state": State.WAITING}, "The queue takes it next"),
        ({"state": State.WAITING, "send_after": ahead(hours=2)}, "It leaves on"),
        ({"state": State.WAITING, "error": "Busy."}, "The gateway put it off: Busy. It is tried again after"),
        ({"state": State.WAITING, "expires_at": ahead(hours=2)}, "is not sent at all"),
        ({"state": State.UNKNOWN, "sent_at": timedelta(seconds=5)}, "Waiting for the gateway&#x27;s answer"),
        ({"state": State.UNKNOWN, "sent_at": ago(hours=1)}, "We do not know whether this text was sent"),
        ({"state": State.UNKNOWN, "sent_at": ago(hours=1), "error": "No answer came."}, "No answer came."),
        ({"state": State.SENDING, "check_after": ahead(hours=1)}, "a receipt ends the doubt at once"),
        ({"state": State.SENT}, "On its way to the phone"),
        ({"state": State.DELIVERED, "sent_at": ago(hours=1)}, "the receiver has it"),
        ({"state": State.ERROR, "sent_at": ago(hours=1), "error": "Not delivered."}, "or resend."),
        ({"state": State.ERROR, "error": "The number does not exist."}, "a resend would fail again"),
        ({"state": State.ERROR}, "Not sent"),
        ({"state": State.SENT, "sent_at": ago(hours=1), "backend": ""}, "handed to the gateway at"),
        ({"state": State.DEBUG}, "Not sent, on purpose"),
    ],
)
def test_the_verdict_says_what_became_of_it_and_what_to_do(columns: dict[str, Any], said: str) -> None:
    if isinstance(since := columns.get("sent_at"), timedelta):
        # Not when the table is read, which may be minutes before the test.
        columns = {**columns, "sent_at": timezone.now() - since}
    assert said in text_of(superuser(), a_message(**{"backend": SMS_OPERATOR, **columns}))


def test_a_message_of_a_paused_bulk_send_says_why_it_does_not_leave() -> None:
    paused = Batch.objects.create(title="Voucher", status=Batch.Status.PAUSED)
    assert "Its bulk send is paused" in text_of(superuser(), a_message(batch=paused, batch_row=1))


def test_the_timeline_tells_what_happened_oldest_first() -> None:
    message = a_message(state=State.DELIVERED, backend=SMS_OPERATOR, template_slug="ready")
    operator = User.objects.create_user("olga")
    an_event(message, State.UNKNOWN, from_state=State.WAITING, source=Source.QUEUE)
    an_event(message, State.DELIVERED, code="0", words="Delivered.", source=Source.ASKED)
    an_event(message, State.SENT, code="22", words="Sent to <operator>.", ignored=True)
    an_event(message, State.DELIVERED, from_state=State.DELIVERED, source=Source.OPERATOR, user=operator)
    text = events_of(message)
    told = [
        "Created",
        "Waiting",
        "From the template “ready”.",
        "Taken from the queue, handed to SMS Operator",
        "Unknown",
    ]
    told += ["SMS Operator was asked about it", "Delivered", "code 0", "Delivered."]
    told += ["SMS Operator answered. Ignored", "code 22", "Sent to &lt;operator&gt;.", "By olga"]
    at = 0
    for words in told:
        assert words in text[at:], words
        at = text.index(words, at)
    assert text.count('class="so-ignored"') == 1


@pytest.mark.parametrize(
    ("state", "words", "what"),
    [
        (State.UNKNOWN, "The connection to the gateway broke before it answered.", "No clear answer from SMS Operator"),
        (State.WAITING, "The gateway could not be reached within 10 s.", "SMS Operator did not take it"),
        (State.SENDING, "", "SMS Operator answered"),
    ],
)
def test_the_timeline_says_answered_only_of_what_was_answered(state: State, words: str, what: str) -> None:
    handed_over = message(state, backend=SMS_OPERATOR)
    an_event(handed_over, state, words=words)
    text = events_of(handed_over)
    assert what in text
    assert ("answered<" in text) == (state == State.SENDING)


def test_a_reason_that_says_no_more_than_the_heading_is_no_reason() -> None:
    text = text_of(superuser(), message(State.ERROR, sent_at=ago(hours=1), error="Not delivered."))
    assert "The reason is not known." in text
    assert "Not delivered." not in text


def test_equal_answers_in_a_row_are_one_line() -> None:
    message = a_message(state=State.UNKNOWN, backend=SMS_OPERATOR)
    for _ in range(9):
        an_event(message, State.UNKNOWN, source=Source.ASKED, code="25", words="It cannot be told.")
    text = text_of(superuser(), message)
    assert text.count("It cannot be told.") == 1
    assert "(9 times)" in text


def test_a_timeline_of_several_days_names_them() -> None:
    message = a_message(state=State.UNKNOWN, created_at=timezone.now() - timedelta(days=2))
    an_event(message, State.UNKNOWN, created_at=timezone.now() - timedelta(days=2))
    an_event(message, State.UNKNOWN, words="At last.", created_at=timezone.now())
    text = text_of(superuser(), message)
    assert text.count('<p class="so-quiet">') == 2


def test_a_czech_reads_the_reasons_in_czech_also_those_with_a_number_in_them() -> None:
    lost = a_message(state=State.UNKNOWN, sent_at=ago(hours=1), error="The gateway failed (HTTP 503).")
    an_event(lost, State.UNKNOWN, words="The gateway failed (HTTP 503).")
    an_event(lost, State.UNKNOWN, from_state=State.UNKNOWN, source=Source.OPERATOR, words="Resent as message 12.")
    text = superuser().get(page(lost), headers={"accept-language": "cs"}).content.decode()
    assert text.count("Brána selhala (HTTP 503).") == 2
    assert "Posláno znovu jako zpráva 12." in text


def test_an_hour_that_comes_twice_says_which_of_the_two_it_is() -> None:
    first = datetime(2026, 10, 25, 0, 30, 5, tzinfo=UTC)
    for moment, zone in ((first, "CEST"), (first + timedelta(hours=1), "CET")):
        stored = a_message(created_at=moment, sent_at=moment, state=State.DELIVERED)
        # Under the heading, in the verdict, in the timeline, and among the facts.
        assert text_of(superuser(), stored).count(f"02:30:05 {zone}") == 4
    assert "02:30:05 C" not in text_of(superuser(), a_message(created_at=first + timedelta(days=1)))


def test_of_what_was_removed_after_its_time_the_page_says_so() -> None:
    gone = message(State.ERROR, recipient="", content="", error="The phone was off or out of reach.")
    text = text_of(superuser(), gone)
    assert "Its number and its text were removed" in text
    assert f"<h1>Message {gone.pk:,}</h1>" in text
    assert "Resend…" not in text
    assert "Other messages to this number" not in text
    assert "On the phone" not in text


def test_secrets_in_a_messages_data_are_cut_out() -> None:
    data = {"price": 1, "Auth_Token": "s3cret", "nested": [{"password": "s3cret"}]}
    text = text_of(superuser(), a_message(extra_sender_data=data, extra_data={"api_key": "s3cret"}))
    assert "price" in text
    assert "s3cret" not in text


def test_secrets_in_the_addresses_of_a_messages_data_are_cut_out() -> None:
    data = {"url": "https://olga:s3cret@sms.example/send?to=1&api-key=s3cret&text=Hi", "at": "olga@sms.example"}
    text = text_of(superuser(), a_message(extra_sender_data=data))
    assert "https://…@sms.example/send?to=1&amp;api-key=…&amp;text=Hi" in text
    assert "olga@sms.example" in text
    assert "s3cret" not in text


def test_a_message_without_events_says_so() -> None:
    assert "No history is kept for this message." in superuser().get(page(a_message())).content.decode()


@pytest.mark.parametrize("what", ["EVENTS", "RESENDS", "RELATED"])
def test_of_what_has_no_end_the_first_are_shown_until_one_asks_for_all(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(f"smsoffice.admin.message.{what}", 2)
    handed_over = message(State.ERROR, sent_at=ago(hours=1))
    for number in range(3):
        an_event(handed_over, State.UNKNOWN, words=f"Answer {number}.")
        message(State.SENT, resend_of=handed_over)
        OutputSMSRelatedObject.to(handed_over, User.objects.create_user(f"olga-{number}")).save()
    browser, counted = superuser(), {"EVENTS": "Answer ", "RESENDS": "Resent as", "RELATED": "its messages"}[what]
    address = f"{page(handed_over)}?_changelist_filters=state%3DERROR%26state%3DSENT"
    text = unescape(browser.get(address).content.decode())
    assert text.count(counted) == 2
    assert "Only the first 2 are shown." in text
    [rest] = re.findall(r'href="([^"]*)">Show all', text)
    whole = unescape(browser.get(f"{page(handed_over)}{rest}").content.decode())
    assert whole.count(counted) == 3
    assert "Show all" not in whole
    assert f"{reverse('admin:smsoffice_outputsmsmessage_changelist')}?state=ERROR&state=SENT" in whole


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
    text = text_of(superuser(), message)
    assert "<td>4711</td>" in text
    assert "<td>F-2026-1</td>" in text
    assert "Invoice" in text


def test_an_object_with_a_strange_key_leads_to_its_messages() -> None:
    gone = ContentType.objects.create(app_label="uninstalled", model="invoice")
    key = "F&state=ERROR#2026 ü"
    one = a_message(state=State.SENT)
    OutputSMSRelatedObject.objects.create(output_sms_message=one, content_type=gone, object_id=key)
    text = text_of(superuser(), one)
    address = unescape(re.findall(r'<a href="([^"]*related_object_id[^"]*)"', text)[0])
    listed = superuser().get(address)
    assert [row.key for row in listed.context["rows"]] == [one.pk]


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
    # Session, user, message, events, resends, the gateway's status, relations, and one for each of the two kinds.
    with django_assert_max_num_queries(9):
        browser.get(page(message))


def test_a_message_that_is_not_there_is_said_so() -> None:
    address = reverse("admin:smsoffice_outputsmsmessage_change", args=[1])
    assert "doesn’t exist" in superuser().get(address, follow=True).content.decode()


# --- What an operator can do -----------------------------------------------------------------------------------------

BUTTONS = ("Check state now", "Resend…", "Cancel…", "Decide what happened")


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        (State.WAITING, {"Cancel…"}),
        (State.UNKNOWN, {"Check state now", "Resend…", "Decide what happened"}),
        (State.SENDING, {"Check state now", "Resend…"}),
        (State.SENT, {"Check state now", "Resend…"}),
        (State.DELIVERED, {"Resend…"}),
        (State.ERROR, {"Resend…"}),
        (State.DEBUG, {"Resend…"}),
    ],
)
def test_each_state_offers_what_makes_sense(state: State, buttons: set[str]) -> None:
    stored = message(state, sent_at=ago(hours=1))
    text = text_of(superuser(), stored)
    assert {button for button in BUTTONS if button in text} == buttons
    assert not any(button in text_of(browser_of(VIEW), stored) for button in BUTTONS)


@pytest.mark.parametrize(
    ("columns", "rights", "advice"),
    [
        (
            {"state": State.UNKNOWN, "sent_at": timedelta(hours=1)},
            [VIEW, SEND, CHANGE],
            "ask the gateway; or ask the customer, and decide below;"
            " or resend, knowing that the text may arrive twice.",
        ),
        (
            {"state": State.UNKNOWN, "sent_at": timedelta(hours=1), "backend": "gone.Pigeon"},
            [CHANGE],
            "ask the customer, and decide below.",
        ),
        (
            {"state": State.UNKNOWN, "sent_at": timedelta(hours=1)},
            [VIEW, SEND],
            "resend, knowing that the text may arrive twice.",
        ),
        ({"state": State.UNKNOWN, "sent_at": timedelta(hours=1)}, [VIEW], None),
        (
            {"state": State.ERROR, "sent_at": timedelta(hours=1), "error": "The phone was off or out of reach."},
            [VIEW],
            "check the number with the customer.",
        ),
        ({"state": State.ERROR, "error": "The number does not exist."}, [VIEW], None),
        (
            {"state": State.ERROR, "error": "Cancelled by an operator."},
            [VIEW, SEND],
            "resend it, if it is still wanted.",
        ),
        ({"state": State.ERROR, "error": "Cancelled by an operator."}, [VIEW], None),
    ],
)
def test_the_advice_is_what_the_reader_may_do(columns: dict[str, Any], rights: list[str], advice: str | None) -> None:
    if "sent_at" in columns:
        columns = {**columns, "sent_at": timezone.now() - columns["sent_at"]}
    stored = a_message(**{"backend": SMS_OPERATOR, **columns})
    told = re.search(r"<strong>What you can do:</strong> ([^<]*)</p>", text_of(browser_of(*rights), stored))
    assert (told[1] if told else None) == advice


def test_who_may_not_send_is_not_told_that_a_resend_follows_a_decision() -> None:
    lost = message(State.UNKNOWN, sent_at=ago(hours=1))
    assert "you can resend it" in text_of(browser_of(CHANGE, SEND), lost)
    assert "you can resend it" not in text_of(browser_of(CHANGE), lost)


# --- The way back ----------------------------------------------------------------------------------------------------

PLACE = "state=ERROR&state=UNKNOWN&tag=a%26b&older=1700000000000000-5"
OPENED = "?" + urlencode({"_changelist_filters": PLACE})
LOG = reverse("admin:smsoffice_outputsmsmessage_changelist")


@pytest.mark.parametrize(
    ("state", "name"), [("ERROR", "change"), ("ERROR", "resend"), ("WAITING", "cancel"), ("SENT", "cancel")]
)
def test_from_a_message_one_comes_back_to_the_same_place_of_the_list(state: str, name: str) -> None:
    stored = message(State(state))
    text = unescape(superuser().get(page(stored, name) + OPENED).content.decode())
    assert f'<a href="{LOG}?{PLACE}">Messages</a>' in text
    if name != "change":
        assert f'href="{page(stored)}{OPENED}"' in text
        assert f'href="{page(stored)}"' not in text


def test_what_can_be_done_to_a_message_keeps_the_place_of_the_list() -> None:
    lost, waiting = message(State.UNKNOWN, sent_at=ago(hours=1)), message()
    for stored, names in ((lost, ("settle", "resend")), (waiting, ("cancel",))):
        text = unescape(superuser().get(page(stored) + OPENED).content.decode())
        for name in names:
            assert f'="{page(stored, name)}{OPENED}"' in text


@pytest.mark.parametrize(
    ("state", "name", "posted"),
    [
        ("SENT", "check", {}),
        ("UNKNOWN", "settle", {"outcome": "ERROR", "note": "x"}),
        ("UNKNOWN", "settle", {}),
        ("WAITING", "cancel", {}),
        ("WAITING", "resend", {}),
        ("ERROR", "resend", {"token": "6f0c1f5e" * 4}),
    ],
)
def test_after_an_action_the_place_of_the_list_is_kept(state: str, name: str, posted: dict[str, str]) -> None:
    stored = message(State(state), sent_at=ago(hours=1))
    answer = superuser().post(page(stored, name) + OPENED, posted)
    assert answer["Location"].partition("?")[2] == OPENED[1:]


def test_a_way_back_that_is_none_leads_into_the_log() -> None:
    stored = message(State.ERROR)
    text = unescape(superuser().get(f'{page(stored)}?_changelist_filters=x"><b>//evil.example').content.decode())
    assert "<b>" not in text.partition('class="breadcrumbs"')[2].partition("</div>")[0]
    assert f'<a href="{LOG}?x' in text


ACTIONS = ("check", "settle", "cancel", "resend")


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [
        ([], set()),
        ([VIEW], set()),
        ([SEND], set()),
        ([CHANGE], set()),
        ([VIEW, SEND], {"resend"}),
        ([VIEW, CHANGE], {"check", "settle", "cancel"}),
    ],
)
def test_the_server_refuses_what_the_user_may_not_do(rights: list[str], allowed: set[str]) -> None:
    stored = message(State.ERROR)
    browser = browser_of(*rights)
    answers = {name: browser.post(page(stored, name)).status_code for name in ACTIONS}
    if CHANGE in rights:
        # Who may change may view, by Django's own rule.
        allowed = {"check", "settle", "cancel"}
    assert {name for name, status in answers.items() if status != 403} == allowed


@pytest.mark.parametrize("name", ["check", "settle"])
def test_what_acts_at_once_is_a_post(name: str) -> None:
    assert superuser().get(page(message(State.UNKNOWN), name)).status_code == 405


@pytest.mark.parametrize("name", ACTIONS)
def test_a_message_that_is_gone_cannot_be_acted_on(name: str) -> None:
    assert superuser().post(reverse(f"admin:smsoffice_outputsmsmessage_{name}", args=[4711])).status_code == 404


def said_after(browser: Client, address: str, **data: str) -> str:
    """What the page says after a POST that leads to it."""
    response = browser.post(address, data, follow=True)
    return " ".join(str(one) for one in response.context["messages"])


def test_the_gateway_is_asked_now_and_its_news_shown(settings: Any) -> None:
    gateway = use(settings, ScriptedGateway)
    gateway.told = Outcome(State.DELIVERED, "0", "Delivered.")
    sent = message(State.SENDING, sent_at=ago(hours=1), check_after=ahead(hours=3))
    assert said_after(superuser(), page(sent, "check")) == "The state is now: Delivered."
    assert row(sent).state == State.DELIVERED
    assert "Nothing to" not in said_after(superuser(), page(sent, "check"))


def test_who_asked_about_a_message_stands_in_its_timeline_and_in_the_record(settings: Any) -> None:
    gateway = use(settings, ScriptedGateway)
    gateway.told = Outcome(State.SENDING, "11", "The outcome is not known yet.")
    sent, browser = message(State.SENDING, sent_at=ago(hours=1)), browser_of(VIEW, CHANGE)
    browser.post(page(sent, "check"))
    who = User.objects.get()
    assert f"{who} asked {gateway_title(sent.backend)} about it" in text_of(browser, sent)
    assert (LogEntry.objects.get().user, LogEntry.objects.get().change_message) == (who, "Checked.")


def test_no_news_is_said_too(settings: Any) -> None:
    gateway = use(settings, ScriptedGateway)
    gateway.told = Outcome(State.SENDING, "11", "The outcome is not known yet.")
    sent = message(State.SENDING, sent_at=ago(hours=1))
    assert said_after(superuser(), page(sent, "check")) == "Nothing new: the state is still Sending."


def test_a_question_that_fails_changes_nothing_and_says_so(settings: Any) -> None:
    gateway = use(settings, ScriptedGateway)
    gateway.told = NotNow("The gateway is down.")
    sent = message(State.SENDING, sent_at=ago(hours=1))
    assert "The gateway is down. Nothing was changed." in said_after(superuser(), page(sent, "check"))
    assert row(sent).state == State.SENDING


def test_a_gateway_that_is_gone_is_named() -> None:
    sent = message(State.SENDING, sent_at=ago(hours=1), backend="gone.Pigeon")
    assert "Check state now" not in text_of(superuser(), sent)
    said = said_after(superuser(), page(sent, "check"))
    assert said.startswith(
        "Pigeon could not be asked, as this site is not set up for it. Nothing was changed. For the "
    )
    assert "there is no gateway “gone.Pigeon”" in said
    assert "PYMESS_SMS_SENDER_BACKEND" not in said


def test_what_is_final_is_not_asked_about() -> None:
    assert "There is nothing to ask" in said_after(superuser(), page(message(State.DELIVERED), "check"))


def test_a_decision_is_recorded_with_its_reason_and_who() -> None:
    lost = message(State.UNKNOWN, sent_at=ago(hours=1))
    browser = browser_of(VIEW, CHANGE)
    words = said_after(browser, page(lost, "settle"), outcome="DELIVERED", note="Spoke to the customer")
    assert words == "Your decision is recorded: Delivered."
    event = lost.events.get()
    assert (row(lost).state, event.words, event.user_id) == (
        State.DELIVERED,
        "Spoke to the customer",
        User.objects.get().pk,
    )
    assert LogEntry.objects.get().change_message == "Decided: Delivered."


def test_before_one_may_decide_the_page_says_from_when_on_and_offers_nothing_else() -> None:
    left = ago(seconds=30)
    young = message(State.UNKNOWN, sent_at=left, error="The gateway did not answer.")
    text = text_of(superuser(), young)
    assert "decide below" not in text
    assert f"decide here from {clock(left + timedelta(minutes=2))} on" in text
    words = said_after(superuser(), page(young, "settle"), outcome="DELIVERED", note="x")
    assert words.startswith("Nothing was recorded: the gateway's answer is awaited until")
    assert row(young).state == State.UNKNOWN
    old = message(State.UNKNOWN, sent_at=ago(hours=1), error="The gateway did not answer.")
    assert "decide below" in text_of(superuser(), old)


@pytest.mark.parametrize("typed", [{}, {"outcome": "DELIVERED", "note": " "}, {"outcome": "WAITING", "note": "x"}])
def test_a_decision_without_a_reason_is_not_recorded(typed: dict[str, str]) -> None:
    lost = message(State.UNKNOWN, sent_at=ago(hours=1))
    assert "Nothing was recorded." in said_after(superuser(), page(lost, "settle"), **typed)
    assert row(lost).state == State.UNKNOWN


def test_a_decision_that_was_overtaken_says_so() -> None:
    known = message(State.DELIVERED, sent_at=ago(hours=1))
    words = said_after(superuser(), page(known, "settle"), outcome="ERROR", note="x")
    assert words == "News came first: the state is now Delivered. Your decision was not needed."


def test_a_decision_that_is_sent_twice_is_recorded_once_and_said_so() -> None:
    lost, browser = message(State.UNKNOWN, sent_at=ago(hours=1)), browser_of(CHANGE)
    decided = {"outcome": "DELIVERED", "note": "Spoke to the customer"}
    said_after(browser, page(lost, "settle"), **decided)
    assert said_after(browser, page(lost, "settle"), **decided) == "Your decision was recorded before: Delivered."
    assert lost.events.count() == LogEntry.objects.count() == 1


def test_a_second_press_of_cancel_says_that_it_is_cancelled() -> None:
    waiting, browser = message(), superuser()
    said_after(browser, page(waiting, "cancel"))
    again = said_after(browser, page(waiting, "cancel"))
    assert again == "The message was cancelled before. It will not be sent."
    assert "It was cancelled." in browser.get(page(waiting, "cancel")).content.decode()
    assert LogEntry.objects.count() == 1


def test_cancelling_asks_first_and_ends_what_waits() -> None:
    waiting, browser = message(), superuser()
    assert "Cancel 1 message" in browser.get(page(waiting, "cancel")).content.decode()
    assert row(waiting).state == State.WAITING
    assert said_after(browser, page(waiting, "cancel")) == "The message is cancelled. It will not be sent."
    assert row(waiting).state == State.ERROR
    assert "Cancel 1 message" not in browser.get(page(waiting, "cancel")).content.decode()


@pytest.mark.parametrize("state", [state for state in State if state != State.WAITING])
def test_what_has_left_is_not_cancelled(state: State) -> None:
    left = message(state)
    assert "It was too late" in said_after(superuser(), page(left, "cancel"))
    assert row(left).state == state


def token_of(browser: Client, message: OutputSMSMessage) -> str:
    """The one-time token that the resend page was drawn with."""
    return str(browser.get(page(message, "resend")).context["token"])


def test_a_resend_goes_once_however_often_it_is_pressed() -> None:
    failed, browser = message(State.ERROR, content="Hello again."), superuser()
    token = token_of(browser, failed)
    assert "was accepted" in said_after(browser, page(failed, "resend"), token=token)
    assert "not a second time" in said_after(browser, page(failed, "resend"), token=token)
    copy = OutputSMSMessage.objects.get(resend_of=failed)
    assert (copy.content, copy.recipient) == ("Hello again.", failed.recipient)
    assert page(copy) in text_of(browser, failed)
    assert page(failed) in text_of(browser, copy)
    assert "Resend again…" in text_of(browser, failed)


@pytest.mark.parametrize("state", sorted({State.DELIVERED, *OPEN}))
def test_what_may_have_arrived_is_resent_only_by_who_says_to_know_it(state: State) -> None:
    first, browser = message(state, sent_at=ago(hours=1)), superuser()
    assert "The customer may get this text twice." in browser.get(page(first, "resend")).content.decode()
    token = token_of(browser, first)
    browser.post(page(first, "resend"), {"token": token})
    assert not first.resends.exists()
    browser.post(page(first, "resend"), {"token": token, "accept_duplicate": "on"})
    assert first.resends.count() == 1


@pytest.mark.parametrize(("state", "asks"), [("WAITING", True), ("DELIVERED", True), ("ERROR", False)])
def test_what_was_resent_a_moment_ago_is_not_sent_once_more_by_going_back(state: str, asks: bool) -> None:
    failed, browser = message(State.ERROR), superuser()
    browser.post(page(failed, "resend"), {"token": token_of(browser, failed)})
    failed.resends.update(state=state)
    # The browser's Back draws the page anew, with a token of its own.
    again = browser.get(page(failed, "resend"))
    assert ("It was sent again" in again.content.decode()) == asks
    answer = said_after(browser, page(failed, "resend"), token=str(again.context["token"]))
    assert ("Nothing was sent. Tick the box first" in answer) == asks
    assert failed.resends.count() == (1 if asks else 2)
    said_after(browser, page(failed, "resend"), token=str(again.context["token"]), accept_duplicate="on")
    assert failed.resends.count() == 2


def test_what_was_removed_after_its_time_is_not_resent() -> None:
    gone = message(State.ERROR, recipient="", content="")
    words = said_after(superuser(), page(gone, "resend"), token="6f0c1f5e" * 4)
    assert words == "Its number and its text were removed, so it cannot be sent again."
    assert OutputSMSMessage.objects.count() == 1


def test_what_waits_is_not_resent() -> None:
    waiting = message()
    assert "It has not been sent yet" in said_after(superuser(), page(waiting, "resend"), token="6f0c1f5e" * 4)
    assert OutputSMSMessage.objects.count() == 1


@pytest.mark.parametrize("token", ["", "no token"])
def test_a_resend_without_its_token_sends_nothing(token: str) -> None:
    failed = message(State.ERROR)
    assert superuser().post(page(failed, "resend"), {"token": token}).status_code == 200
    assert OutputSMSMessage.objects.count() == 1
