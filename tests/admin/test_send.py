"""The send page: one message, once, and an answer in words."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.urls import reverse

from smsoffice.models.sms import OutputSMSMessage, SMSTemplate
from smsoffice.states import State
from tests.admin.people import SEND, VIEW, a_template, browser_of, superuser

pytestmark = pytest.mark.django_db

ADD = reverse("admin:smsoffice_outputsmsmessage_add")


def typed(**fields: Any) -> dict[str, Any]:
    """The form as a browser posts it, own text to a Czech number unless said otherwise."""
    given = {"token": uuid4(), "recipient": "777 123 456", "template": "", "variables": "", "text": "", "tag": ""}
    given |= {} if "template" in fields else {"text": "Hello."}
    return given | fields


def errors(answer: Any) -> dict[str, list[str]]:
    return dict(answer.context["adminform"].form.errors)


def words_of(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def page(message: OutputSMSMessage) -> str:
    return reverse("admin:smsoffice_outputsmsmessage_change", args=[message.pk])


# --- Sending ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_own_text_is_handed_over_and_the_page_of_the_message_opens() -> None:
    answer = superuser().post(ADD, typed(text="Dear Jana,\r\ncome.", tag="friday"), follow=True)
    message = OutputSMSMessage.objects.get()
    assert answer.redirect_chain == [(page(message), 302)]
    assert (message.recipient, message.content, message.tag) == ("+420777123456", "Dear Jana,\ncome.", "friday")
    assert message.state == State.DEBUG  # what the dummy gateway makes of it
    assert words_of(answer) == ["The message to +420 777 123 456 was accepted. Its state: Debug."]


@pytest.mark.django_db(transaction=True)
def test_with_batch_sending_the_message_waits_for_the_queue(settings) -> None:
    settings.PYMESS_SMS_BATCH_SENDING = True
    answer = superuser().post(ADD, typed(), follow=True)
    assert OutputSMSMessage.objects.get().state == State.WAITING
    assert words_of(answer) == ["The message to +420 777 123 456 was accepted. Its state: Waiting."]


def test_a_template_is_sent_with_its_variables() -> None:
    a_template()
    superuser().post(ADD, typed(template="ready", variables='{"number": 1042}'))
    message = OutputSMSMessage.objects.get()
    assert message.content == "Order 1042 is ready."
    assert message.template_slug == "ready"
    assert message.template == SMSTemplate.objects.get()


def test_a_template_without_variables_needs_no_json() -> None:
    a_template(body="We are closed today.")
    superuser().post(ADD, typed(template="ready"))
    assert OutputSMSMessage.objects.get().content == "We are closed today."


def test_opening_the_page_sends_nothing_and_each_page_has_its_own_token() -> None:
    browser = superuser()
    pages = [browser.get(ADD, typed()).content.decode() for _ in range(2)]
    tokens = [re.findall(r'name="token" value="([^"]+)"', text) for text in pages]
    assert [len(found) for found in tokens] == [1, 1]
    assert UUID(tokens[0][0]) != UUID(tokens[1][0])
    assert not OutputSMSMessage.objects.exists()


def test_the_templates_stand_in_the_order_of_their_slugs() -> None:
    for slug in ("zebra", "apple", "mango"):
        a_template(slug)
    text = superuser().get(ADD).content.decode()
    assert re.findall(r'<option value="(\w*)"', text) == ["", "apple", "mango", "zebra"]


# --- Once ------------------------------------------------------------------------------------------------------------


def test_a_double_click_a_reload_and_back_send_once() -> None:
    browser = superuser()
    form = typed()
    first = browser.post(ADD, form)
    again = [browser.post(ADD, form, follow=True) for _ in range(2)]
    message = OutputSMSMessage.objects.get()
    assert first.headers["Location"] == page(message)
    for answer in again:
        assert answer.redirect_chain == [(page(message), 302)]
        [*_, said] = words_of(answer)
        assert (
            said == "This was sent before, to +420 777 123 456, and not a second time. To send more, open a new page."
        )
    assert LogEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_time_send_once() -> None:
    browsers = [superuser() for _ in range(4)]
    form, together = typed(), Barrier(len(browsers))

    def click(browser: Client) -> str:
        together.wait()
        try:
            return browser.post(ADD, form).headers["Location"]
        finally:
            connection.close()

    with ThreadPoolExecutor(len(browsers)) as pool:
        addresses = set(pool.map(click, browsers))
    assert addresses == {page(OutputSMSMessage.objects.get())}
    assert LogEntry.objects.count() == 1


def test_back_and_another_number_on_the_same_page_sends_nothing_more() -> None:
    browser = superuser()
    token = uuid4()
    browser.post(ADD, typed(token=token))
    browser.post(ADD, typed(token=token, recipient="+420777123457"))
    assert OutputSMSMessage.objects.get().recipient == "+420777123456"


def test_two_pages_send_two_messages() -> None:
    browser = superuser()
    browser.post(ADD, typed())
    browser.post(ADD, typed())
    assert OutputSMSMessage.objects.count() == 2


@pytest.mark.parametrize("token", ["", "order-1042", "1"])
def test_a_page_without_a_token_of_ours_sends_nothing(token: str) -> None:
    answer = superuser().post(ADD, typed(token=token))
    assert answer.status_code == 200
    assert "token" in errors(answer)
    assert "Error:" in answer.content.decode()
    assert not OutputSMSMessage.objects.exists()


# --- Check -----------------------------------------------------------------------------------------------------------


def test_check_shows_what_would_be_sent_and_sends_nothing() -> None:
    a_template(body="Dear {{ name }},\n" + "come. " * 40)
    form = typed(template="ready", variables='{"name": "Černý & <b>"}')
    answer = superuser().post(ADD, form | {"_check": "Check"})
    text = answer.content.decode()
    assert "To +420 777 123 456: 1 message in 2 parts." in text
    assert "Dear Cerny &amp; &lt;b&gt;,<br>come." in text
    assert "Nothing is sent yet." in text
    assert f'value="{form["token"]}"' in text
    assert not OutputSMSMessage.objects.exists()
    assert not LogEntry.objects.exists()


def test_the_first_button_is_the_harmless_one() -> None:
    text = superuser().get(ADD).content.decode()
    form = text[text.index('id="outputsmsmessage_form"') :]
    assert re.findall(r'<input type="submit"[^>]*name="(\w+)"', form) == ["_check", "_save"]


# --- Refused in words, at the right field ----------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    # what is typed, the field, the words
    "no number": ({"recipient": ""}, "recipient", "This field is required."),
    "a number too short": ({"recipient": "777 123"}, "recipient", "it is too short"),
    "no number at all": ({"recipient": "Jana"}, "recipient", "is not a possible phone number"),
    "neither template nor text": ({"text": ""}, "template", "Choose a template, or write your own text."),
    "only blanks": ({"text": " \r\n "}, "template", "Choose a template, or write your own text."),
    "both": (
        {"template": "ready", "text": "Hello."},
        "text",
        "Choose a template or write your own text, not both.",
    ),
    "a variable in own text": ({"text": "Dear {{ name }}"}, "text", "Own text has no variables. Use a template."),
    "a tag in own text": ({"text": "{% if %}"}, "text", "Own text has no variables. Use a template."),
    "values for own text": ({"variables": '{"a": 1}'}, "variables", "Own text has no variables. Use a template."),
    "a text too long": ({"text": "x" * 2000}, "text", "at most 10 can be sent"),
    "a template that is not there": ({"template": "gone"}, "template", "Select a valid choice."),
    "a missing variable": ({"template": "ready", "variables": "{}"}, "variables", "“number”"),
    "no JSON": (
        {"template": "ready", "variables": '{"number": 1,\r\n "x"}'},
        "variables",
        "Line 2, column 5: this is not JSON.",
    ),
    "JSON that is no object": ({"template": "ready", "variables": "[1]"}, "variables", "Write names with their values"),
    "JSON without end": ({"template": "ready", "variables": "[" * 100_000}, "variables", "This JSON is larger"),
    "a number without end": (
        {"template": "ready", "variables": '{"number": %s}' % ("9" * 5000)},
        "variables",
        "This JSON is larger",
    ),
    "a broken template": ({"template": "broken"}, "template", "Line 1, column 1: "),
    "a template that is too long when filled in": (
        {"template": "ready", "variables": '{"number": "%s"}' % ("x" * 2000)},
        "template",
        "at most 10 can be sent",
    ),
    "a template that says nothing": ({"template": "empty"}, "template", "The text is empty."),
    "a tag too long": ({"tag": "x" * 101}, "tag", "at most 100 characters"),
    "a control character": ({"text": "a\x00b"}, "text", "Null characters are not allowed."),
}


@pytest.mark.parametrize("button", ["_check", "_save"])
@pytest.mark.parametrize(("given", "field", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_said_at_its_field_and_nothing_typed_is_lost(
    given: dict[str, Any], field: str, words: str, button: str
) -> None:
    a_template()
    a_template("broken", "{{ name }")
    a_template("empty", "{% if False %}x{% endif %}")
    form = typed(**given)
    answer = superuser().post(ADD, form | {button: "x"})
    assert answer.status_code == 200
    found = errors(answer)
    assert list(found) == [field]
    assert words in found[field][0]
    assert not OutputSMSMessage.objects.exists()
    assert not LogEntry.objects.exists()
    bound = answer.context["adminform"].form
    assert {name: str(bound[name].value()) for name in form} == {name: str(value) for name, value in form.items()}


@pytest.mark.parametrize("button", ["_check", "_save"])
def test_a_template_that_says_no_is_said_at_the_number(monkeypatch, button: str) -> None:
    a_template()
    monkeypatch.setattr(SMSTemplate, "can_send", lambda *args: False)
    answer = superuser().post(ADD, typed(template="ready", variables='{"number": 1}') | {button: "x"})
    assert errors(answer) == {"recipient": ["The template may not be sent to this recipient."]}
    assert not OutputSMSMessage.objects.exists()


@pytest.mark.parametrize("values", ['{"number": "\\ud800"}', '{"number": "\\u0000"}', '{"number": 1e999}'])
def test_odd_characters_in_the_values_never_break_the_page(values: str) -> None:
    a_template()
    answer = superuser().post(ADD, typed(template="ready", variables=values))
    assert answer.status_code in {200, 302}


# --- Who ------------------------------------------------------------------------------------------------------------


def test_who_sent_is_written_down_without_number_and_text() -> None:
    superuser().post(ADD, typed(text="The code is 4471.", tag="secret-tag"))
    entry, message = LogEntry.objects.get(), OutputSMSMessage.objects.get()
    assert str(entry.user) == "root-0"
    assert entry.is_addition()
    assert entry.get_edited_object() == message
    assert entry.object_repr == f"message {message.pk}"
    assert entry.get_change_message() == "Added."


def test_who_may_send_but_not_read_comes_to_the_front_page() -> None:
    answer = browser_of(SEND).post(ADD, typed(), follow=True)
    assert answer.redirect_chain == [(reverse("admin:index"), 302)]
    assert "was accepted" in answer.content.decode()


def test_who_may_send_needs_no_right_to_the_templates() -> None:
    a_template()
    browser = browser_of(SEND)
    assert '<option value="ready"' in browser.get(ADD).content.decode()
    browser.post(ADD, typed(template="ready", variables='{"number": 1}'))
    assert OutputSMSMessage.objects.exists()


def test_who_may_only_read_sends_nothing() -> None:
    assert browser_of(VIEW).post(ADD, typed()).status_code == 403
    assert not OutputSMSMessage.objects.exists()


def test_a_form_of_another_site_sends_nothing() -> None:
    browser = browser_of(SEND, enforce_csrf_checks=True)
    assert browser.post(ADD, typed()).status_code == 403
    assert not OutputSMSMessage.objects.exists()


def test_a_rolled_back_send_leaves_nothing(monkeypatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("The disk is full.")

    monkeypatch.setattr(LogEntry, "save", fail)
    browser = superuser()
    browser.raise_request_exception = False
    assert browser.post(ADD, typed()).status_code == 500
    assert not OutputSMSMessage.objects.exists()


def test_an_anonymous_visitor_is_asked_to_log_in() -> None:
    answer = Client().post(ADD, typed())
    assert answer.headers["Location"].startswith("/admin/login/")
    assert not OutputSMSMessage.objects.exists()
