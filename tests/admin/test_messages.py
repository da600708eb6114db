"""The page of one message, and who may open what of the messages: to read, by whom it may be read, and fast."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.states import State
from tests.admin.people import CHANGE, SEND, VIEW, a_message, a_template, browser_of, superuser

pytestmark = pytest.mark.django_db

LIST = reverse("admin:smsoffice_outputsmsmessage_changelist")
ADD = reverse("admin:smsoffice_outputsmsmessage_add")
GATEWAYS = reverse("admin:smsoffice_gatewaystatus_changelist")
SMS_OPERATOR = "smsoffice.backend.sms.sms_operator.SMSOperatorBackend"


def page(message: OutputSMSMessage, name: str = "change") -> str:
    return reverse(f"admin:smsoffice_outputsmsmessage_{name}", args=[message.pk])


def an_event(message: OutputSMSMessage, to: State, **fields: object) -> OutputSMSEvent:
    source = OutputSMSEvent.Source.GATEWAY
    given = {"from_state": State.UNKNOWN, "to_state": to, "source": source, **fields}
    return OutputSMSEvent.objects.create(message=message, **given)


# --- The page of a message -------------------------------------------------------------------------------------------


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
