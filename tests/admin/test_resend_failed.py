"""Resend all that failed of a filter, however many: fixed first, then said, then sent once."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from smsoffice.admin import resend_failed
from smsoffice.models import batch_resend, batch_write
from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State
from tests.admin.people import SEND, VIEW, browser_of, superuser
from tests.factories import customer, message, messages

pytestmark = pytest.mark.django_db

LIST = reverse("admin:smsoffice_outputsmsmessage_changelist")
CHOOSE = reverse("admin:smsoffice_outputsmsmessage_choose_failed")
FAILED = "?state=ERROR"


def page_of(browser: Client, query: str = FAILED) -> Any:
    """The page after the button in the log."""
    return browser.post(f"{CHOOSE}{query}", follow=True)


def words_of(answer: Any) -> str:
    return " ".join(str(one) for one in answer.context["messages"])


def address(batch: Batch) -> str:
    return reverse("admin:smsoffice_outputsmsmessage_resend_failed", args=[batch.pk])


def test_the_log_offers_it_where_failed_messages_are_shown() -> None:
    messages(2, State.ERROR)
    browser = superuser()
    assert CHOOSE in browser.get(f"{LIST}{FAILED}").content.decode()
    for query in ("", "?state=SENT", "?state=nonsense"):
        assert CHOOSE not in browser.get(f"{LIST}{query}").content.decode()
    assert CHOOSE not in browser_of(VIEW).get(f"{LIST}{FAILED}").content.decode()


def test_the_page_says_how_many_go_and_who_is_left_out() -> None:
    messages(3, State.ERROR, tag="a", segments=2)
    message(State.ERROR, error="The number does not exist.", tag="a")
    resent = message(State.ERROR, tag="a")
    message(State.SENT, resend_of=resent, tag="a")
    message(State.ERROR, tag="another")
    answer = page_of(superuser(), "?state=ERROR&tag=a")
    draft = answer.context["draft"]
    assert (draft.sendable, draft.summary["hopeless"], draft.summary["resent"], draft.summary["parts"]) == (3, 1, 1, 6)
    text = answer.content.decode()
    assert "Resend 3 messages" in text
    assert "Nothing is sent yet." in text
    assert OutputSMSMessage.objects.count() == 7


def test_what_was_removed_after_its_time_is_not_counted() -> None:
    messages(2, State.ERROR)
    message(State.ERROR, recipient="", content="")
    assert page_of(superuser()).context["draft"].sendable == 2


def test_from_the_page_one_comes_back_to_the_filters() -> None:
    messages(1, State.ERROR, tag="a&b")
    browser = superuser()
    answer = page_of(browser, "?state=ERROR&tag=a%26b")
    text = unescape(answer.content.decode())
    assert text.count(f'href="{LIST}?state=ERROR&tag=a%26b"') == 2


def test_a_czech_reads_in_czech_why_they_failed_and_no_count_where_all_are_shown() -> None:
    messages(2, State.ERROR, error="The gateway failed (HTTP 503).")
    text = superuser().post(f"{CHOOSE}{FAILED}", follow=True, headers={"accept-language": "cs"}).content.decode()
    assert text.count("Brána selhala (HTTP 503).") == 2
    assert "The first" not in page_of(superuser()).content.decode()


def test_what_was_said_is_sent_once_with_what_it_belongs_to() -> None:
    jana, failed, browser = customer(), messages(3, State.ERROR, tag="orders", content="Hello again."), superuser()
    OutputSMSRelatedObject.to(failed[0], jana).save()
    draft = page_of(browser).context["draft"]
    # What fails later does not slip in.
    message(State.ERROR)
    answer = browser.post(address(draft), follow=True)
    assert words_of(answer) == "3 messages are sent again."
    again = browser.post(address(draft), follow=True)
    assert "not a second time" in words_of(again)
    batch = Batch.objects.get()
    copies = {copy.resend_of_id: copy for copy in batch.messages.all()}
    assert set(copies) == {one.pk for one in failed}
    assert {(copy.content, copy.tag, copy.state) for copy in copies.values()} == {("Hello again.", "orders", "WAITING")}
    assert OutputSMSMessage.objects.filter_related_object(jana).count() == 2
    assert failed[0].events.get().words == f"Resent as message {copies[failed[0].pk].pk}."
    assert LogEntry.objects.get().change_message == "Resent 3 messages."


def test_what_was_delivered_or_resent_after_all_is_left_out_with_its_reason() -> None:
    failed, browser = messages(3, State.ERROR), superuser()
    draft = page_of(browser).context["draft"]
    OutputSMSMessage.objects.filter(pk=failed[0].pk).update(state=State.DELIVERED)
    message(State.WAITING, resend_of=failed[1])
    browser.post(address(draft))
    batch = Batch.objects.get()
    assert (batch.accepted, batch.sendable, batch.refused) == (1, 1, 2)
    reasons = {reason for _row, _column, _cell, reason in BatchChunk.objects.get().refused}
    assert reasons == {"It was delivered after all.", "It was sent again meanwhile."}


def test_many_are_written_in_the_background_and_confirmed_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_resend, "CHUNK", 2)
    monkeypatch.setattr(batch_write, "AT_ONCE", 2)
    monkeypatch.setattr(resend_failed, "TYPED_FROM", 3)
    messages(5, State.ERROR)
    browser = superuser()
    draft = page_of(browser).context["draft"]
    wrong = browser.post(address(draft), {"typed": "4"})
    assert "Type 5, the number of messages." in wrong.content.decode()
    browser.post(address(draft), {"typed": " 5 "})
    batch = Batch.objects.get()
    assert (batch.status, batch.accepted) == (Batch.Status.RUNNING, 0)
    written = []
    while count := batch_write.accept_chunk(batch):
        written.append(count)
    assert written == [2, 2, 1]
    assert batch.messages.count() == 5


def test_two_bulk_sends_do_not_repeat_one_message() -> None:
    messages(3, State.ERROR)
    browser = superuser()
    drafts = [page_of(browser).context["draft"] for _ in range(2)]
    for draft in drafts:
        browser.post(address(draft))
    assert OutputSMSMessage.objects.filter(resend_of__isnull=False).count() == 3


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?state=nonsense", "a filter makes no sense"),
        ("?state=SENT", "None of these messages can be sent again"),
        ("?state=ERROR&tag=hopeless", "None of these messages can be sent again"),
    ],
)
def test_where_nothing_can_be_resent_nothing_is_kept(query: str, words: str) -> None:
    message(State.SENT)
    message(State.ERROR, error="The number does not exist.", tag="hopeless")
    assert words in words_of(page_of(superuser(), query))
    assert not Batch.objects.exists()


def test_no_more_than_a_bulk_send_takes_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_resend, "MOST", 2)
    messages(4, State.ERROR)
    answer = page_of(superuser())
    assert answer.context["draft"].sendable == 2
    assert "the newest first" in answer.content.decode()


def test_another_ones_draft_is_not_there() -> None:
    messages(2, State.ERROR)
    draft = page_of(browser_of(VIEW, SEND)).context["draft"]
    assert browser_of(VIEW, SEND).get(address(draft)).status_code == 404


@pytest.mark.parametrize("rights", [[VIEW], [SEND]])
def test_it_takes_the_rights_to_see_and_to_send(rights: list[str]) -> None:
    messages(2, State.ERROR)
    draft = page_of(superuser()).context["draft"]
    browser = browser_of(*rights)
    assert browser.post(f"{CHOOSE}{FAILED}").status_code == 403
    assert browser.get(address(draft)).status_code == 403
