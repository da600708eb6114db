"""Resend, check and cancel for messages chosen in the log: what is said before, and what is done after."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from smsoffice.admin import check_many, chosen
from smsoffice.admin.common import gateway_title
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.exceptions import NotNow
from smsoffice.models.batch import Batch
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State
from tests.admin.people import CHANGE, SEND, VIEW, browser_of, superuser
from tests.at_once import at_once
from tests.backends import ScriptedGateway, use
from tests.factories import ago, ahead, customer, message, messages, row, states, template

pytestmark = pytest.mark.django_db

LIST = reverse("admin:smsoffice_outputsmsmessage_changelist")
RESEND = reverse("admin:smsoffice_outputsmsmessage_resend_many")
CANCEL = reverse("admin:smsoffice_outputsmsmessage_cancel_many")

Stored = list[OutputSMSMessage]


def choose(browser: Client, action: str, picked: Stored, query: str = "") -> Any:
    """Tick messages in the log and run an action on them."""
    data = {"action": action, "_selected_action": [str(one.pk) for one in picked], "index": "0"}
    return browser.post(f"{LIST}{query}", data)


def said(response: Any) -> str:
    """What the next page says."""
    browser: Client = response.client
    return " ".join(str(one) for one in browser.get(LIST).context["messages"])


# --- Resend ----------------------------------------------------------------------------------------------------------


def of_every_kind() -> dict[str, OutputSMSMessage]:
    """One message of each kind that a resend tells apart."""
    again = message(State.ERROR, error="The network was overloaded.", recipient="+420601000101", sent_at=ago(hours=1))
    resent = message(State.ERROR, recipient="+420601000107")
    message(State.DELIVERED, recipient="+420601000107", resend_of=resent)
    return {
        "again": again,
        "hopeless": message(State.ERROR, error="The number does not exist.", recipient="+420601000102"),
        "not_sent": message(State.DEBUG, recipient="+420601000103"),
        "unknown": message(State.UNKNOWN, recipient="+420601000104"),
        "on_its_way": message(State.SENT, recipient="+420601000105"),
        "delivered": message(State.DELIVERED, recipient="+420601000106"),
        "resent": resent,
        "waiting": message(recipient="+420601000108"),
    }


def confirmed(browser: Client, page: Any, *kinds: str, **typed: str) -> Any:
    """Press “Resend” on a page as it was drawn."""
    context = page.context
    data = {"chosen": context["chosen"], "token": str(context["token"]), "count": str(context["going"]), "_send": ""}
    return browser.post(RESEND, {**data, "kind": list(kinds), **typed}, follow=True)


def test_the_page_before_sorts_what_was_chosen_by_what_is_known_of_it() -> None:
    stored = of_every_kind()
    page = choose(superuser(), "resend_selected", list(stored.values()))
    groups = {group.kind: group for group in page.context["groups"]}
    assert {kind: group.messages for kind, group in groups.items()} == dict.fromkeys(stored, 1)
    assert [kind for kind, group in groups.items() if group.ticked] == ["again"]
    assert [kind for kind, group in groups.items() if group.never] == ["resent", "waiting"]
    text = page.content.decode()
    assert "Resend 1 message" in text
    assert "+420 601 000 101" in text
    assert OutputSMSMessage.objects.filter(resend_of__isnull=False).count() == 1


def test_the_page_says_when_once_and_counts_only_where_more_go_than_are_shown() -> None:
    text = choose(superuser(), "resend_selected", messages(2, State.ERROR)).content.decode()
    assert "The first" not in text
    assert re.findall(r"<(h2|legend)[^>]*>(When)<", text) == [("h2", "When"), ("legend", "When")]
    assert '<legend class="visually-hidden">When</legend>' in text
    assert "The first 5 of 6" in choose(superuser(), "resend_selected", messages(6, State.ERROR)).content.decode()


def test_a_czech_reads_in_czech_why_they_failed() -> None:
    failed = messages(1, State.ERROR, error="The gateway failed (HTTP 503).")
    data = {"action": "resend_selected", "_selected_action": [failed[0].pk], "index": "0"}
    text = superuser().post(LIST, data, headers={"accept-language": "cs"}).content.decode()
    assert "Brána selhala (HTTP 503)." in text


def test_a_reader_of_the_page_is_told_of_a_wrong_time_first() -> None:
    browser = superuser()
    page = choose(browser, "resend_selected", messages(1, State.ERROR))
    text = confirmed(browser, page, "again", when="later", date="2000-01-02", time="08:00").content.decode()
    assert "<title>Error:" in text
    assert re.search(r'name="date"[^>]* aria-invalid="true"[^>]* aria-describedby="so-when-wrong"', text)
    # Counting anew is no sending: a time that is only half typed may be completed.
    data = {"chosen": page.context["chosen"], "token": str(page.context["token"]), "when": "later", "_recount": ""}
    assert "<title>Error:" not in browser.post(RESEND, data).content.decode()


def test_what_was_removed_after_its_time_is_never_resent() -> None:
    browser = superuser()
    page = choose(browser, "resend_selected", [message(State.ERROR, recipient="", content="")])
    assert [(group.kind, group.never) for group in page.context["groups"]] == [("removed", True)]
    confirmed(browser, page, "removed", "again", count="1")
    assert not Batch.objects.exists()


def test_messages_that_are_gone_meanwhile_are_counted_anew() -> None:
    browser, failed = superuser(), messages(3, State.ERROR)
    page = choose(browser, "resend_selected", failed)
    failed[0].delete()
    redrawn = confirmed(browser, page, "again")
    assert (redrawn.context["going"], redrawn.context["count"]) == (2, 2)
    assert not Batch.objects.exists()
    for one in failed[1:]:
        one.delete()
    text = confirmed(browser, page, "again").content.decode()
    assert "The selected messages are gone." in text
    assert 'name="_send"' not in text


def test_what_is_ticked_is_sent_again_as_a_bulk_send_tied_to_the_first_messages() -> None:
    jana, browser = customer(), superuser()
    failed = [
        message(
            State.ERROR, recipient=f"+4206010001{n:02}", content=f"Text {n}", tag="orders", template=template(f"t{n}")
        )
        for n in range(3)
    ]
    OutputSMSRelatedObject.to(failed[0], jana).save()
    response = confirmed(browser, choose(browser, "resend_selected", failed), "again")
    batch = Batch.objects.get()
    assert response.redirect_chain[-1][0].endswith(f"{batch.pk}/change/")
    assert (batch.status, batch.total, batch.title) == (Batch.Status.RUNNING, 3, "Resend of 3 messages")
    copies = {copy.resend_of_id: copy for copy in batch.messages.all()}
    assert {copy.content for copy in copies.values()} == {"Text 0", "Text 1", "Text 2"}
    assert {copy.tag for copy in copies.values()} == {"orders"}
    assert list(OutputSMSMessage.objects.filter_related_object(jana).order_by("pk")) == [
        failed[0],
        copies[failed[0].pk],
    ]
    assert failed[0].events.get().words == f"Resent as message {copies[failed[0].pk].pk}."
    assert copies[failed[0].pk].events.get().words == f"Resend of message {failed[0].pk}."
    assert LogEntry.objects.get().change_message == "Resent 3 messages."


def test_a_second_press_finds_the_first() -> None:
    browser = superuser()
    page = choose(browser, "resend_selected", messages(2, State.ERROR))
    confirmed(browser, page, "again")
    again = confirmed(browser, page, "again")
    assert Batch.objects.count() == 1
    assert OutputSMSMessage.objects.count() == 4
    assert "not a second time" in " ".join(str(one) for one in again.context["messages"])


def test_what_changed_meanwhile_is_counted_anew_before_anything_is_sent() -> None:
    browser, failed = superuser(), messages(2, State.ERROR)
    page = choose(browser, "resend_selected", failed)
    OutputSMSMessage.objects.filter(pk=failed[0].pk).update(state=State.DELIVERED)
    redrawn = confirmed(browser, page, "again")
    assert redrawn.context["going"] == 1
    assert "counted anew" in " ".join(str(one) for one in redrawn.context["messages"])
    assert not Batch.objects.exists()


def test_people_who_may_have_the_text_get_it_again_only_when_their_box_is_ticked() -> None:
    browser = superuser()
    page = choose(browser, "resend_selected", [message(State.DELIVERED)])
    assert page.context["going"] == 0
    assert "Resend 0" not in page.content.decode()
    data = {"chosen": page.context["chosen"], "token": str(page.context["token"]), "kind": "delivered", "_recount": ""}
    recounted = browser.post(RESEND, data)
    assert recounted.context["going"] == 1
    confirmed(browser, recounted, "delivered")
    assert Batch.objects.get().total == 1


@pytest.mark.parametrize("kind", ["resent", "waiting"])
def test_what_is_never_resent_stays_so_whatever_is_posted(kind: str) -> None:
    stored, browser = of_every_kind()[kind], superuser()
    page = choose(browser, "resend_selected", [stored])
    confirmed(browser, page, kind, count="1")
    assert not Batch.objects.exists()


def test_a_resend_for_later_waits_for_its_time() -> None:
    browser = superuser()
    page = choose(browser, "resend_selected", messages(1, State.ERROR))
    confirmed(browser, page, "again", when="later", date="2099-01-02", time="08:00")
    copy = OutputSMSMessage.objects.get(resend_of__isnull=False)
    assert copy.send_after is not None
    assert copy.send_after.isoformat() == "2099-01-02T07:00:00+00:00"
    assert copy.due_at == copy.send_after


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"date": "2099-01-02"}, "Give the date and the time"),
        ({"date": "2000-01-02", "time": "08:00"}, "This time has passed"),
        ({"date": "2099-03-29", "time": "02:30"}, "there is no 02:30"),
        ({"date": "tomorrow", "time": "08:00"}, "valid date"),
    ],
)
def test_a_time_that_makes_no_sense_is_said_at_its_field_and_nothing_is_sent(typed: dict[str, str], said: str) -> None:
    browser = superuser()
    page = choose(browser, "resend_selected", messages(1, State.ERROR))
    redrawn = confirmed(browser, page, "again", when="later", **typed)
    assert said in redrawn.content.decode()
    assert not Batch.objects.exists()


@pytest.mark.parametrize("field", ["chosen", "token"])
def test_a_form_that_was_changed_sends_nothing(field: str) -> None:
    browser = superuser()
    page = choose(browser, "resend_selected", messages(1, State.ERROR))
    response = confirmed(browser, page, "again", **{field: "forged"})
    assert "choose the messages again" in " ".join(str(one) for one in response.context["messages"])
    assert not Batch.objects.exists()


# --- Check -----------------------------------------------------------------------------------------------------------


def test_the_gateways_are_asked_about_what_is_not_final(settings: Any) -> None:
    gateway = use(settings, ScriptedGateway)
    gateway.told = Outcome(State.DELIVERED, "0", "Delivered.")
    sent, done = messages(3, State.SENT), message(State.ERROR)
    response = choose(superuser(), "check_selected", [*sent, done])
    assert said(response) == "Asked. Delivered: 3."
    assert states([*sent, done]) == ["DELIVERED"] * 3 + ["ERROR"]
    assert LogEntry.objects.get().change_message == "Checked 3 messages."


def test_beyond_a_hundred_the_next_round_asks(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_many, "ASKED_AT_ONCE", 2)
    gateway = use(settings, ScriptedGateway)
    sent = messages(5, State.SENT, check_after=ahead(hours=5))
    response = choose(superuser(), "check_selected", sent)
    assert "3 more are asked about in the next rounds." in said(response)
    assert [len(question) for question in gateway.questions] == [2]
    assert OutputSMSMessage.objects.due_for_check(ahead(seconds=5)).count() == 3


def test_no_more_are_put_first_than_a_request_can_write_and_that_is_said(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_many, "ASKED_AT_ONCE", 1)
    monkeypatch.setattr(check_many, "MOST", 2)
    use(settings, ScriptedGateway)
    told = said(choose(superuser(), "check_selected", messages(4, State.SENT, check_after=ahead(hours=5))))
    assert "2 more are asked about in the next rounds. At most 2 are put first at once." in told
    assert OutputSMSMessage.objects.due_for_check(ahead(seconds=5)).count() == 2
    told = said(choose(superuser(), "check_selected", messages(3, State.SENT, tag="a", check_after=ahead(hours=5))))
    assert "At most" not in told


def test_those_that_no_round_asks_about_any_more_come_first_and_are_counted_where_they_are_too_many(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_many, "ASKED_AT_ONCE", 2)
    gateway = use(settings, ScriptedGateway)
    in_turn = [message(State.SENT, recipient="+420601999999")]
    given_up = messages(5, State.UNKNOWN, check_after=None)
    told = said(choose(superuser(), "check_selected", [*in_turn, *given_up]))
    assert "3 were not asked about: no round asks about them any more" in told
    assert "1 more is asked about in the next round." in told
    assert gateway.questions == [[one.recipient for one in given_up[:2]]]


def test_the_timeline_says_who_asked_and_the_record_too(settings: Any) -> None:
    use(settings, ScriptedGateway).told = Outcome(State.DELIVERED, "0", "Delivered.")
    sent = message(State.SENT)
    choose(browser_of(VIEW, CHANGE), "check_selected", [sent])
    event = sent.events.get()
    assert event.user
    page = reverse("admin:smsoffice_outputsmsmessage_change", args=[sent.pk])
    assert f"{event.user} asked {gateway_title(sent.backend)} about it" in superuser().get(page).content.decode()


def test_a_gateway_that_does_not_answer_is_named(settings: Any) -> None:
    use(settings, ScriptedGateway).told = NotNow("The gateway is down.")
    response = choose(superuser(), "check_selected", messages(2, State.SENT))
    assert "The gateway is down. Nothing was changed." in said(response)
    assert not LogEntry.objects.exists()


def test_a_gateway_that_is_gone_is_named_and_the_others_are_asked(settings: Any) -> None:
    use(settings, ScriptedGateway).told = Outcome(State.DELIVERED, "0", "Delivered.")
    sent, lost = message(State.SENT), message(State.SENT, backend="gone.Pigeon")
    told = said(choose(superuser(), "check_selected", [sent, lost]))
    assert "Pigeon could not be asked, as this site is not set up for it. Nothing was changed." in told
    assert "Asked. Delivered: 1." in told
    assert states([sent, lost]) == ["DELIVERED", "SENT"]


def test_there_may_be_nothing_to_ask() -> None:
    assert "There is nothing to ask" in said(choose(superuser(), "check_selected", messages(2, State.DELIVERED)))


# --- Two operators at once -------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_two_operators_resend_at_once_goes_once() -> None:
    failed, browsers = messages(20, State.ERROR, error="The network was overloaded."), [superuser(), superuser()]
    pages = [choose(browser, "resend_selected", failed) for browser in browsers]
    fields = [
        {**{name: shown.context[name] for name in ("chosen", "token")}, "count": "20", "kind": "again", "start": "now"}
        for shown in pages
    ]
    pressed = zip(browsers, fields, strict=True)
    answers = at_once(*[lambda b=b, data=data: b.post(RESEND, {**data, "_send": ""}) for b, data in pressed])
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert OutputSMSMessage.objects.filter(resend_of__in=failed).count() == 20


@pytest.mark.django_db(transaction=True)
def test_one_message_that_two_operators_resend_at_once_goes_once(settings: Any) -> None:
    settings.PYMESS_SMS_BATCH_SENDING = True
    failed, browsers = message(State.ERROR, error="The network was overloaded."), [superuser(), superuser()]
    page = reverse("admin:smsoffice_outputsmsmessage_resend", args=[failed.pk])
    answers = at_once(*[lambda b=b: b.post(page, {"token": str(uuid4())}) for b in browsers])
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert failed.resends.count() == 1


# --- Cancel ----------------------------------------------------------------------------------------------------------


def test_cancelling_says_first_how_many_wait_and_then_ends_those() -> None:
    browser, waiting, left = superuser(), messages(2), message(State.SENT)
    page = choose(browser, "cancel_selected", [*waiting, left])
    assert (page.context["waiting"], page.context["left"]) == (2, 1)
    assert states(waiting) == ["WAITING"] * 2
    response = browser.post(CANCEL, {"chosen": page.context["chosen"]})
    assert said(response) == "2 messages are cancelled. 1 did not wait any more."
    assert states([*waiting, left]) == ["ERROR", "ERROR", "SENT"]
    assert LogEntry.objects.get().change_message == "Cancelled 2 messages."


def test_a_second_press_of_cancel_says_that_they_are_cancelled() -> None:
    browser, waiting, left = superuser(), messages(2), message(State.SENT)
    page = choose(browser, "cancel_selected", [*waiting, left])
    browser.post(CANCEL, {"chosen": page.context["chosen"]})
    said(browser.get(LIST))
    response = browser.post(CANCEL, {"chosen": page.context["chosen"]})
    assert said(response) == "2 messages were cancelled before. 1 did not wait any more."
    assert LogEntry.objects.count() == 1


def test_a_forged_choice_cancels_nothing() -> None:
    waiting = message()
    assert "choose the messages again" in said(superuser().post(CANCEL, {"chosen": f"[{waiting.pk}]"}))
    assert row(waiting).state == State.WAITING


def test_where_nothing_waits_there_is_nothing_to_cancel() -> None:
    assert "None of the chosen messages waits" in said(choose(superuser(), "cancel_selected", messages(2, State.SENT)))


def test_after_an_action_the_list_is_as_it_was_filtered() -> None:
    response = choose(superuser(), "check_selected", messages(1, State.DELIVERED), "?state=DELIVERED")
    assert response["Location"] == f"{LIST}?state=DELIVERED"


# --- Who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rights", "offered"),
    [
        ([VIEW], set()),
        ([VIEW, SEND], {"resend_selected"}),
        ([VIEW, CHANGE], {"check_selected", "cancel_selected"}),
        ([VIEW, SEND, CHANGE], {"resend_selected", "check_selected", "cancel_selected"}),
    ],
)
def test_actions_are_offered_one_by_one(rights: list[str], offered: set[str]) -> None:
    stored, browser = messages(1, State.ERROR), browser_of(*rights)
    text = browser.get(LIST).content.decode()
    names = {"resend_selected", "check_selected", "cancel_selected"}
    assert {name for name in names if f'value="{name}"' in text} == offered
    for name in names - offered:
        choose(browser, name, stored)
    assert not Batch.objects.exists()
    sealed = chosen.sealed([one.pk for one in stored])
    for address, name in ((RESEND, "resend_selected"), (CANCEL, "cancel_selected")):
        status = browser.post(address, {"chosen": sealed, "token": str(uuid4())}).status_code
        assert (status != 403) == (name in offered)


@pytest.mark.parametrize("address", [RESEND, CANCEL])
def test_what_sends_or_cancels_is_a_post(address: str) -> None:
    assert superuser().get(address).status_code == 405
