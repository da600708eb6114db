"""Resend all that match a filter, however many: fixed first, then said, then sent once."""

from __future__ import annotations

from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from smsoffice.admin import resend_all
from smsoffice.models import batch_resend, batch_write
from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_resend import Chosen, read_chosen
from smsoffice.models.log import Messages
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State
from tests.admin.people import SEND, VIEW, browser_of, superuser
from tests.factories import ahead, customer, message, messages
from tests.queries import asleep

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
    return reverse("admin:smsoffice_outputsmsmessage_resend_all", args=[batch.pk])


def test_the_log_offers_it_where_failed_messages_are_shown() -> None:
    messages(2, State.ERROR)
    browser = superuser()
    assert CHOOSE in browser.get(f"{LIST}{FAILED}").content.decode()
    for query in ("", "?state=SENT", "?state=nonsense"):
        assert CHOOSE not in browser.get(f"{LIST}{query}").content.decode()
    assert CHOOSE not in browser_of(VIEW).get(f"{LIST}{FAILED}").content.decode()


def pressed(browser: Client, shown: Any, *kinds: str, **typed: str) -> Any:
    """Press “Resend” on a page as it was drawn, with these kinds ticked; as it is drawn at first, without any."""
    data = {"kind": list(kinds or ("again",)), "count": str(shown.context["going"]), "_send": "", **typed}
    return browser.post(shown.request["PATH_INFO"], data, follow=True)


def groups_of(answer: Any) -> dict[str, tuple[int, bool, bool]]:
    return {group.kind: (group.messages, group.ticked, group.never) for group in answer.context["groups"]}


def test_the_page_says_how_many_go_and_who_is_left_out() -> None:
    messages(3, State.ERROR, tag="a", segments=2)
    message(State.ERROR, error="The number does not exist.", tag="a")
    resent = message(State.ERROR, tag="a")
    message(State.SENT, resend_of=resent, tag="a")
    message(State.ERROR, tag="another")
    answer = page_of(superuser(), "?state=ERROR&tag=a")
    assert groups_of(answer) == {
        "again": (3, True, False),
        "hopeless": (1, False, False),
        "resent": (1, False, True),
    }
    assert (answer.context["going"], answer.context["parts"]) == (3, 6)
    text = answer.content.decode()
    assert "Resend 3 messages" in text
    assert "Nothing is sent yet." in text
    assert OutputSMSMessage.objects.count() == 7


def test_what_was_removed_after_its_time_is_never_sent() -> None:
    messages(2, State.ERROR)
    message(State.ERROR, recipient="", content="")
    answer = page_of(superuser())
    assert groups_of(answer) == {"again": (2, True, False), "removed": (1, False, True)}
    assert answer.context["going"] == 2


def chosen_in_the_list(browser: Client, monkeypatch: pytest.MonkeyPatch, query: str = "?tag=a") -> Any:
    """The page after “Resend…” for all that match, which are too many for one request."""
    monkeypatch.setattr("smsoffice.admin.resend_many.AT_ONCE", 2)
    posted = {"action": "resend_selected", "index": "0", "select_across": "1", "_selected_action": ["1"]}
    return browser.post(f"{LIST}{query}", posted, follow=True)


def test_of_more_than_one_request_resends_those_that_are_ticked_go_in_the_background(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser = superuser()
    failed, tried, unknown = (
        message(State.ERROR, tag="a"),
        message(State.DEBUG, tag="a"),
        message(State.UNKNOWN, tag="a"),
    )
    message(tag="a")
    page = chosen_in_the_list(browser, monkeypatch)
    assert groups_of(page) == {
        "again": (1, True, False),
        "not_sent": (1, False, False),
        "unknown": (1, False, False),
        "waiting": (1, False, True),
    }
    recounted = browser.post(page.request["PATH_INFO"], {"kind": ["again", "not_sent"], "_recount": ""})
    assert (recounted.context["going"], len(recounted.context["first"])) == (2, 2)
    answer = pressed(browser, recounted, "again", "not_sent")
    batch = Batch.objects.get()
    assert answer.redirect_chain[-1][0].endswith(f"{batch.pk}/change/")
    assert (batch.title, batch.total, batch.accepted) == ("Resend of 2 messages", 2, 2)
    assert set(batch.messages.values_list("resend_of", flat=True)) == {failed.pk, tried.pk}
    assert not unknown.resends.exists()


def test_what_the_button_did_not_say_is_counted_anew_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    messages(2, State.ERROR, tag="a")
    message(State.DELIVERED, tag="a")
    browser = superuser()
    page = chosen_in_the_list(browser, monkeypatch)
    answer = pressed(browser, page, "again", "delivered")
    assert "counted anew" in words_of(answer)
    assert answer.context["going"] == 3
    assert not OutputSMSMessage.objects.filter(resend_of__isnull=False).exists()
    pressed(browser, answer, "again", "delivered")
    assert OutputSMSMessage.objects.filter(resend_of__isnull=False).count() == 3


def test_what_is_never_sent_again_is_not_however_it_is_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, browser = messages(3, tag="a"), superuser()
    message(State.ERROR, tag="a")
    page = chosen_in_the_list(browser, monkeypatch)
    pressed(browser, page, "waiting", "again")
    assert not OutputSMSMessage.objects.filter(resend_of__in=waiting).exists()


def test_a_resend_of_many_for_later_waits_for_its_time() -> None:
    messages(2, State.ERROR)
    browser = superuser()
    page = page_of(browser)
    wrong = pressed(browser, page, when="later", date="2000-01-02", time="08:00")
    assert "This time has passed." in wrong.content.decode()
    later = timezone.localtime(ahead(days=2))
    pressed(browser, page, when="later", date=f"{later:%Y-%m-%d}", time="08:00")
    batch = Batch.objects.get()
    assert batch.send_after
    assert {one.send_after for one in batch.messages.all()} == {batch.send_after}


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ({"state": State.DELIVERED}, "It was delivered after all."),
        ({"state": State.SENT}, "Its state has changed meanwhile."),
        ({"state": State.ERROR}, None),
        ({"recipient": ""}, "The message was removed meanwhile."),
    ],
)
def test_what_has_changed_since_it_was_chosen_goes_only_where_less_is_at_stake(
    monkeypatch: pytest.MonkeyPatch, now: dict[str, str], reason: str | None
) -> None:
    unknown, browser = messages(3, State.UNKNOWN, tag="a"), superuser()
    page = chosen_in_the_list(browser, monkeypatch)
    page = browser.post(page.request["PATH_INFO"], {"kind": ["unknown"], "_recount": ""})
    OutputSMSMessage.objects.filter(pk=unknown[0].pk).update(**now)
    pressed(browser, page, "unknown")
    assert unknown[0].resends.exists() == (reason is None)
    assert [why for *_where, why in BatchChunk.objects.get().refused] == ([reason] if reason else [])
    assert Batch.objects.get().accepted == (2 if reason else 3)


def test_a_chunk_of_which_nothing_goes_any_more_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_resend, "CHUNK", 1)
    failed, browser = messages(3, State.ERROR), superuser()
    page = page_of(browser)
    OutputSMSMessage.objects.filter(pk=failed[2].pk).update(state=State.DELIVERED)
    pressed(browser, page)
    assert Batch.objects.get().accepted == 2


def test_a_draft_is_found_again_among_the_bulk_sends() -> None:
    messages(2, State.ERROR)
    browser = superuser()
    page_of(browser)
    draft = Batch.objects.get()
    answer = browser.get(reverse("admin:smsoffice_batch_change", args=[draft.pk]))
    assert answer["Location"] == address(draft)


def test_what_is_shown_in_czech_is_what_is_fixed() -> None:
    messages(2, State.ERROR, error="The gateway failed (HTTP 503).")
    message(State.ERROR, error="The gateway failed (HTTP 404).")
    query = urlencode({"state": "ERROR", "error": "Brána selhala (HTTP 503)"})
    answer = superuser().post(f"{CHOOSE}?{query}", follow=True, headers={"accept-language": "cs"})
    assert answer.context["going"] == 2


def test_a_search_that_takes_too_long_fixes_nothing_and_leads_back_to_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    messages(2, State.ERROR, tag="a", template_slug="t")
    query = "?state=ERROR&tag=a&template=t"

    def slow(failed: Messages) -> Chosen:
        asleep(0.2)
        return read_chosen(failed)

    monkeypatch.setattr(resend_all, "read_chosen", slow)
    monkeypatch.setattr(resend_all, "PATIENCE", 0.1)
    browser = superuser()
    answer = browser.post(f"{CHOOSE}{query}")
    assert answer["Location"] == f"{LIST}{query}"
    assert "The search was given up" in browser.get(f"{LIST}?state=nonsense").content.decode()
    assert not Batch.objects.exists()


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
    shown = page_of(browser)
    # What fails later does not slip in.
    message(State.ERROR)
    answer = pressed(browser, shown)
    assert words_of(answer) == "3 messages are sent again."
    again = pressed(browser, shown)
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
    shown = page_of(browser)
    OutputSMSMessage.objects.filter(pk=failed[0].pk).update(state=State.DELIVERED)
    message(State.WAITING, resend_of=failed[1])
    pressed(browser, shown)
    batch = Batch.objects.get()
    assert (batch.accepted, batch.sendable, batch.refused) == (1, 1, 2)
    reasons = {reason for _row, _column, _cell, reason in BatchChunk.objects.get().refused}
    assert reasons == {"It was delivered after all.", "It was sent again meanwhile."}


def test_many_are_written_in_the_background_and_confirmed_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_resend, "CHUNK", 2)
    monkeypatch.setattr(batch_write, "AT_ONCE", 2)
    monkeypatch.setattr(resend_all, "TYPED_FROM", 3)
    messages(5, State.ERROR)
    browser = superuser()
    shown = page_of(browser)
    wrong = pressed(browser, shown, typed="4")
    assert "Type 5, the number of messages." in wrong.content.decode()
    pressed(browser, shown, typed=" 5 ")
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
    pages = [page_of(browser) for _ in range(2)]
    for shown in pages:
        pressed(browser, shown)
    assert OutputSMSMessage.objects.filter(resend_of__isnull=False).count() == 3


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?state=nonsense", "a filter makes no sense"),
        ("?state=SENT", "None of these messages can be sent again"),
        ("?state=ERROR&tag=resent", "None of these messages can be sent again"),
    ],
)
def test_where_nothing_can_be_resent_nothing_is_kept(query: str, words: str) -> None:
    message(State.SENT)
    message(State.SENT, resend_of=message(State.ERROR, tag="resent"))
    assert words in words_of(page_of(superuser(), query))
    assert not Batch.objects.exists()


def test_no_more_than_a_bulk_send_takes_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_resend, "MOST", 2)
    monkeypatch.setattr(resend_all, "MOST", 2)
    messages(4, State.ERROR)
    answer = page_of(superuser())
    assert answer.context["going"] == 2
    assert "At most 2 messages are looked at, the newest first." in answer.content.decode()


def test_another_ones_draft_is_not_there() -> None:
    messages(2, State.ERROR)
    page_of(browser_of(VIEW, SEND))
    draft = Batch.objects.get()
    assert browser_of(VIEW, SEND).get(address(draft)).status_code == 404


@pytest.mark.parametrize("rights", [[VIEW], [SEND]])
def test_it_takes_the_rights_to_see_and_to_send(rights: list[str]) -> None:
    messages(2, State.ERROR)
    page_of(superuser())
    draft = Batch.objects.get()
    browser = browser_of(*rights)
    assert browser.post(f"{CHOOSE}{FAILED}").status_code == 403
    assert browser.get(address(draft)).status_code == 403
