"""The list of bulk sends, the page of one with its progress, and the red button."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from smsoffice.admin import bulk_sends
from smsoffice.conf import conf
from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_control import pause
from smsoffice.models.batch_watch import watch
from smsoffice.models.gateway import GatewayStatus
from smsoffice.states import State
from tests import batches, factories
from tests.admin.people import CHANGE, SEND, VIEW, a_template, browser_of, superuser
from tests.at_once import at_once

pytestmark = pytest.mark.django_db

EXPORT = "export_outputsmsmessage"
LIST = reverse("admin:smsoffice_batch_changelist")
Status = Batch.Status
OFF = "Its template was switched off before all rows were messages."


def page(batch: Batch, name: str = "change") -> str:
    return reverse(f"admin:smsoffice_batch_{name}", args=[batch.pk])


def text_of(browser: Client, batch: Batch) -> str:
    """What the page says, with its blanks made one."""
    return " ".join(browser.get(page(batch)).content.decode().split())


def press(browser: Client, batch: Batch, button: str) -> str:
    """Press a button of the page; gives what the site says."""
    answer = browser.post(page(batch), {button: ""})
    assert answer.status_code == 302
    return said(answer)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def logged() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


def a_mixed_one(status: Status = Status.RUNNING, **columns: Any) -> Batch:
    """Six handed over, one in flight, three that wait, one of unknown outcome."""
    batch = batches.batch(status, total=11, sendable=11, accepted=11, **columns)
    rows: list[tuple[State, int, dict[str, Any]]] = [
        (State.DELIVERED, 3, {"sent_at": factories.ago(minutes=3)}),
        (State.SENT, 1, {}),
        (State.ERROR, 2, {"sent_at": factories.ago(minutes=3), "error": "The number does not exist."}),
        (State.UNKNOWN, 1, {}),
        (State.UNKNOWN, 1, {"error": "No answer came.", "sent_at": factories.ago(hours=1)}),
        (State.WAITING, 3, {}),
    ]
    for start, (state, count, more) in enumerate(rows):
        batches.fill(batch, count, state, start=start * 10, **more)
    return batch


# --- The list --------------------------------------------------------------------------------------------------------


def test_the_list_says_what_who_how_far_and_how_it_stands() -> None:
    jana = batches.operator()
    a_mixed_one(title="Saint Nicholas voucher", user=jana, template_slug="voucher", tag="december")
    text = superuser().get(LIST).content.decode()
    for words in ("Saint Nicholas voucher", "voucher · december", "jana", "8 of 11", "Running"):
        assert words in text


@pytest.mark.parametrize(
    ("status", "word"),
    [(Status.RUNNING, "Running"), (Status.PAUSED, "Paused"), (Status.STOPPED, "Stopped"), (Status.FINISHED, "Done")],
)
def test_each_status_has_its_word(status: Status, word: str) -> None:
    batches.batch(status)
    assert f"</svg>{word}</span>" in superuser().get(LIST).content.decode()


def test_one_that_starts_later_is_scheduled() -> None:
    batches.running(3, send_after=factories.ahead(hours=3))
    assert "</svg>Scheduled</span>" in superuser().get(LIST).content.decode()


def test_one_that_is_over_is_told_as_it_ended_though_its_messages_are_removed() -> None:
    final = {State.DELIVERED.value: 90, State.ERROR.value: 10, "not_sent": 4}
    batches.batch(
        Status.FINISHED, total=100, sendable=100, accepted=100, finished_at=timezone.now(), final_states=final
    )
    assert "96 of 100" in superuser().get(LIST).content.decode()


def test_nobody_sees_the_draft_of_another() -> None:
    browser = browser_of(VIEW, SEND)
    me = User.objects.get(pk=browser.session["_auth_user_id"])
    batches.batch(Status.DRAFT, title="Mine", user=me)
    theirs = batches.batch(Status.DRAFT, title="Theirs", user=batches.operator())
    text = browser.get(LIST).content.decode()
    assert "Mine" in text
    assert "Theirs" not in text
    assert browser.get(page(theirs)).headers["location"] == LIST


def test_a_draft_leads_to_its_summary() -> None:
    browser = browser_of(VIEW, SEND)
    me = User.objects.get(pk=browser.session["_auth_user_id"])
    draft = batches.batch(Status.DRAFT, user=me)
    assert browser.get(page(draft)).headers["location"] == reverse(
        "admin:smsoffice_outputsmsmessage_summary", args=[draft.pk]
    )


def test_without_a_bulk_send_the_list_says_where_they_come_from() -> None:
    text = browser_of(VIEW, SEND).get(LIST).content.decode()
    assert "No bulk send yet." in text
    assert reverse("admin:smsoffice_outputsmsmessage_add") in text


def test_the_list_costs_the_same_queries_however_many_messages(django_assert_num_queries) -> None:
    browser = superuser()
    batches.running(2)
    with django_assert_num_queries(6):
        browser.get(LIST)
    batches.running(150, State.SENT, start=100, user=batches.operator())
    a_mixed_one(Status.PAUSED)
    with django_assert_num_queries(6):
        browser.get(LIST)


# --- The page of one -------------------------------------------------------------------------------------------------


def test_four_numbers_tell_how_far_it_is_and_add_up() -> None:
    batch = a_mixed_one(title="Sale")
    answer = superuser().get(page(batch))
    told = answer.context["told"]
    assert (told.handed_over, told.in_flight, told.not_sent, told.unknown) == (6, 1, 3, 1)
    text = " ".join(answer.content.decode().split())
    assert "Sale, 11 messages" in text
    assert "<b>6 of 11</b> <span>handed over</span>" in text
    assert 'aria-label="54 % handed over"' in text
    for number, name in ((6, "handed over"), (1, "in flight"), (3, "not sent"), (1, "outcome unknown")):
        assert f"<dt>{name}</dt><dd>{number}</dd>" in text


def test_the_bar_is_drawn_by_attributes_that_no_language_spoils() -> None:
    batch = a_mixed_one()
    browser = superuser()
    text = browser.get(page(batch), headers={"accept-language": "cs"}).content.decode()
    assert '<rect class="so-bar-delivered" x="0.0" width="272.7"' in text
    assert "style=" not in text


def test_pause_is_the_first_control_of_the_page() -> None:
    text = superuser().get(page(a_mixed_one())).content.decode()
    content = text[text.index('id="so-progress"') :]
    first = min(
        content.index(control) for control in ("<a ", "<button", "<input type=text", "<select") if control in content
    )
    assert content[first:].startswith('<button name="_pause"')


def test_each_tile_leads_to_its_messages_in_the_log() -> None:
    batch = a_mixed_one()
    answer = superuser().get(page(batch))
    tiles = {tile.state: tile for tile in answer.context["tiles"]}
    assert State.DEBUG not in tiles
    assert tiles[State.UNKNOWN].number == 2
    assert tiles[State.UNKNOWN].more == "1 of them in flight"
    assert tiles[State.DELIVERED].more == "27 % of all"
    log = reverse("admin:smsoffice_outputsmsmessage_changelist")
    assert tiles[State.ERROR].url == f"{log}?batch={batch.pk}&state=ERROR"


def test_the_reasons_of_failure_are_counted_in_words() -> None:
    batch = a_mixed_one()
    batches.fill(batch, 1, State.ERROR, start=90, error="")
    assert superuser().get(page(batch)).context["reasons"] == [
        ("The number does not exist.", 2),
        ("The reason is not known.", 1),
        ("Outcome not known", 1),
    ]


def test_rare_reasons_are_counted_together() -> None:
    batch = batches.batch(total=8, sendable=8, accepted=8)
    for n in range(8):
        batches.fill(batch, 1, State.ERROR, start=n * 10, error=f"Reason {n}.", sent_at=timezone.now())
    reasons = superuser().get(page(batch)).context["reasons"]
    assert len(reasons) == 7
    assert reasons[-1] == ("Other reasons", 2)


def test_the_reasons_of_very_many_are_those_of_some_and_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsoffice.admin.bulk_send_messages.COUNTED", 3)
    monkeypatch.setattr("smsoffice.admin.bulk_send_shown.COUNTED", 3)
    batch = batches.running(5, State.ERROR)
    answer = superuser().get(page(batch))
    assert answer.context["reasons"] == [("The reason is not known.", 3)]
    assert "Counted over 3 of them." in answer.content.decode()


def test_a_pace_of_half_a_minute_tells_the_time_to_go() -> None:
    batch = a_mixed_one()
    batch.sendable = batch.total = 251
    batch.pace = [[timezone.now().timestamp() - 40, 0]]
    batch.save()
    assert "about 20 minutes to go, at 12 a minute" in text_of(superuser(), batch)


def test_without_half_a_minute_of_data_no_time_to_go_is_told() -> None:
    batch = a_mixed_one(pace=[[timezone.now().timestamp() - 5, 0]])
    assert "to go" not in text_of(superuser(), batch)


def test_where_the_gateway_refuses_us_the_page_says_so_and_tells_no_time_to_go() -> None:
    batch = a_mixed_one(pace=[[timezone.now().timestamp() - 40, 0]])
    refusing = GatewayStatus.of(conf.SMS_SENDER_BACKEND)
    refusing.refusal, refusing.refused_since = "Authentication failed.", timezone.now()
    refusing.save()
    text = text_of(superuser(), batch)
    assert "Nothing is being sent." in text
    assert "Authentication failed." in text
    assert "to go" not in text


@pytest.mark.parametrize(("failures", "is_said"), [(0, False), (1, False), (3, True), (12, True)])
def test_where_call_after_call_fails_the_page_says_so_and_tells_no_time_to_go(failures: int, is_said: bool) -> None:
    batch = a_mixed_one(pace=[[timezone.now().timestamp() - 40, 0]])
    failing = GatewayStatus.of(conf.SMS_SENDER_BACKEND)
    failing.failures, failing.not_before = failures, factories.ahead(seconds=40)
    failing.save()
    text = text_of(superuser(), batch)
    assert ("The gateway cannot take messages now; the next attempt is at" in text) is is_said
    assert ("to go" in text) is not is_said


def test_one_that_starts_later_says_when() -> None:
    batch = batches.running(3, send_after=factories.ahead(days=1))
    text = text_of(superuser(), batch)
    assert 'class="so-quiet">starts ' in text
    assert 'name="_pause"' in text


def test_while_rows_are_still_written_the_page_says_how_far_that_is() -> None:
    batch = batches.running(2)
    batch.total = batch.sendable = 1000
    batch.save()
    text = text_of(superuser(), batch)
    assert "2 of 1,000 rows are messages by now." in text
    assert "<dt>not sent</dt><dd>1,000</dd>" in text


def test_what_was_read_says_nothing_of_rows_once_all_are_messages() -> None:
    assert "rows are messages by now" not in text_of(superuser(), batches.running(2))


def test_what_is_done_says_how_long_it_took_and_asks_for_nothing_more() -> None:
    start = factories.ago(hours=1)
    batch = batches.running(3, State.DELIVERED, started_at=start)
    batch.status, batch.finished_at = Status.FINISHED, start + timedelta(minutes=12, seconds=40)
    batch.save()
    text = text_of(superuser(), batch)
    assert "All handed over in 12 min 40 s" in text
    for words in ("data-goes-on", 'name="_pause"', 'name="_stop"', "You can close this page", "refreshes"):
        assert words not in text


def test_what_is_done_but_was_not_all_handed_over_does_not_say_that_it_was() -> None:
    batch = batches.running(3, State.DELIVERED)
    batches.fill(batch, 1, State.ERROR, start=10, error="Out of time.")
    Batch.objects.filter(pk=batch.pk).update(status=Status.FINISHED, finished_at=timezone.now(), sendable=4, accepted=4)
    text = text_of(superuser(), batch)
    assert "Done in " in text
    assert "All handed over" not in text


def test_one_that_is_being_stopped_says_how_many_are_still_to_be_ended() -> None:
    batch = batches.running(3)
    jana = batches.operator()
    Batch.objects.filter(pk=batch.pk).update(status=Status.STOPPED, stopped_at=timezone.now(), stopped_by=jana)
    text = text_of(superuser(), batch)
    assert "by jana." in text
    assert "3 of them are still being ended." in text
    assert "data-goes-on" in text


def test_the_page_costs_the_same_queries_however_many_messages(django_assert_num_queries) -> None:
    browser = superuser()
    small, large = a_mixed_one(), a_mixed_one(user=batches.operator())
    batches.fill(large, 120, State.ERROR, start=200, error="The number does not exist.", sent_at=timezone.now())
    batches.fill(large, 60, start=400)
    for batch in (small, large):
        with django_assert_num_queries(6):
            browser.get(page(batch))
    pause(large.pk)
    with django_assert_num_queries(5):
        browser.get(page(large))


def test_the_script_gets_the_numbers_alone() -> None:
    text = superuser().get(page(a_mixed_one()), {"numbers": "1"}).content.decode()
    assert 'id="so-numbers" data-milestone="RUNNING-2" data-goes-on' in text
    assert "<html" not in text


def test_what_is_spoken_changes_by_quarters_and_by_status_only() -> None:
    browser, batch = superuser(), batches.running(8)
    spoken = []
    for handed_over in range(9):
        batch.messages.filter(batch_row__lte=handed_over).update(state=State.SENT, sent_at=timezone.now())
        spoken.append(browser.get(page(batch)).context["milestone"])
    assert spoken == [f"RUNNING-{quarter}" for quarter in (0, 0, 1, 1, 2, 2, 3, 3, 4)]
    pause(batch.pk)
    assert browser.get(page(batch)).context["milestone"] == "PAUSED"


def test_a_bulk_send_that_is_not_there_leads_back() -> None:
    answer = superuser().get(reverse("admin:smsoffice_batch_change", args=[uuid4()]))
    assert answer.headers["location"] == LIST
    assert superuser().get(f"{LIST}nothing/change/").headers["location"] == LIST


def test_looking_changes_nothing() -> None:
    browser, batch = superuser(), a_mixed_one()
    before = Batch.objects.filter(pk=batch.pk).values().get()
    for address in (page(batch), page(batch, "stop"), LIST):
        assert browser.get(address, {"_pause": "", "_stop": ""} if address != LIST else {}).status_code == 200
    assert Batch.objects.filter(pk=batch.pk).values().get() == before
    assert logged() == []


# --- The red button --------------------------------------------------------------------------------------------------


def test_pause_holds_and_answers_with_the_four_numbers() -> None:
    browser, batch = superuser(), a_mixed_one(title="Sale")
    words = press(browser, batch, "_pause")
    assert words == "Paused. 6 handed over, 1 in flight, 3 not sent, 1 with unknown outcome."
    assert batches.fresh(batch).status == Status.PAUSED
    assert logged() == [words]
    text = text_of(browser, batch)
    assert "by root-0." in text
    assert "1 in flight is being answered." in text
    assert 'name="_go_on"' in text
    assert 'name="_pause"' not in text


def test_a_second_click_on_pause_is_told_and_not_logged_again() -> None:
    browser, batch = superuser(), a_mixed_one()
    press(browser, batch, "_pause")
    assert "It was paused already. 6 handed over" in press(browser, batch, "_pause")
    assert len(logged()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("status", "button", "done", "already"),
    [
        (Status.RUNNING, "_pause", "Paused.", "It was paused already."),
        (Status.PAUSED, "_go_on", "It goes on.", "It was running already."),
        (Status.RUNNING, "_stop", "Paused.", ""),
    ],
)
def test_several_who_press_a_button_at_the_same_instant_are_one_change_and_one_entry(
    monkeypatch: pytest.MonkeyPatch, status: Status, button: str, done: str, already: str
) -> None:
    batch = a_mixed_one(status, paused_at=timezone.now())
    browsers = [superuser() for _ in range(4)]
    all_have_looked = threading.Barrier(len(browsers))

    def together(move: Callable[..., Any]) -> Callable[..., Any]:
        def moved(*given: Any) -> Any:
            all_have_looked.wait(timeout=60)
            return move(*given)

        return moved

    for name in ("pause", "go_on"):
        monkeypatch.setattr(bulk_sends, name, together(getattr(bulk_sends, name)))
    answers = sorted(at_once(*(partial(press, browser, batch, button) for browser in browsers)))
    [entry] = logged()
    assert entry.startswith(done)
    assert batches.fresh(batch).status == (Status.RUNNING if button == "_go_on" else Status.PAUSED)
    if already:
        assert [words.startswith(already) for words in answers].count(True) == 3
        assert [words.startswith(done) for words in answers].count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_several_who_stop_it_for_good_at_the_same_instant_are_one_entry() -> None:
    batch = a_mixed_one(Status.PAUSED, paused_at=timezone.now())
    browsers = [superuser() for _ in range(4)]
    at_once(*(partial(browser.post, page(batch, "stop")) for browser in browsers))
    [entry] = logged()
    assert entry.startswith("Stopped for good.")


def test_go_on_lets_it_run_again() -> None:
    browser, batch = superuser(), a_mixed_one(Status.PAUSED, paused_at=timezone.now())
    assert press(browser, batch, "_go_on").startswith("It goes on. 6 handed over")
    assert batches.fresh(batch).status == Status.RUNNING
    assert logged()[0].startswith("It goes on.")


@pytest.mark.parametrize("button", ["_pause", "_go_on", "_stop"])
@pytest.mark.parametrize(
    ("status", "words"), [(Status.FINISHED, "It had finished at"), (Status.STOPPED, "It had been stopped at")]
)
def test_no_button_moves_what_is_over(status: Status, words: str, button: str) -> None:
    batch = batches.running(2, State.SENT)
    ended = {"finished_at": timezone.now(), "stopped_at": timezone.now()}
    Batch.objects.filter(pk=batch.pk).update(status=status, **ended)
    answer = press(superuser(), batch, button)
    assert answer.startswith(words)
    assert "2 handed over, 0 in flight, 0 not sent" in answer
    assert batches.fresh(batch).status == status
    assert logged() == []


def test_stop_pauses_first_and_then_asks() -> None:
    browser, batch = superuser(), a_mixed_one()
    answer = browser.post(page(batch), {"_stop": ""})
    assert answer.headers["location"] == page(batch, "stop")
    assert batches.fresh(batch).status == Status.PAUSED
    text = browser.get(answer.headers["location"]).content.decode()
    assert "3 have not left. Stop for good?" in text
    assert "it is paused" in text
    assert "No, leave it paused" in text


def test_stopped_for_good_it_answers_with_the_numbers_and_what_waited_is_an_error() -> None:
    browser, batch = superuser(), a_mixed_one()
    browser.post(page(batch), {"_stop": ""})
    answer = browser.post(page(batch, "stop"))
    assert answer.headers["location"] == page(batch)
    assert "Stopped for good. 6 handed over, 1 in flight, 3 not sent, 1 with unknown outcome." in said(answer)
    assert batches.fresh(batch).status == Status.STOPPED
    assert not batch.messages.filter(state=State.WAITING).exists()
    assert [line.split(".")[0] for line in logged()] == ["Paused", "Stopped for good"]
    text = text_of(browser, batch)
    assert "What had not left by then is never sent." in text
    assert "Stopped by an operator" in text
    assert 'name="_go_on"' not in text


def test_the_question_is_not_asked_of_what_is_over() -> None:
    batch = batches.running(1, State.SENT)
    Batch.objects.filter(pk=batch.pk).update(status=Status.FINISHED, finished_at=timezone.now())
    assert superuser().get(page(batch, "stop")).headers["location"] == page(batch)


def test_a_post_without_a_button_is_refused() -> None:
    batch = a_mixed_one()
    assert superuser().post(page(batch), {"title": "Mine"}).status_code == 403
    assert batches.fresh(batch).title == "Sale"


def test_the_first_ten_are_shown_with_their_states_while_it_waits_for_them() -> None:
    batch = batches.running(4, State.SENT, first=4)
    batches.fill(batch, 3, start=50)
    batch.messages.filter(batch_row=2).update(state=State.ERROR, error="The number does not exist.")
    Batch.objects.filter(pk=batch.pk).update(sendable=7, accepted=7)
    browser = superuser()
    assert "pauses after the first 4" in text_of(browser, batch)
    watch(batches.fresh(batch))
    answer = browser.get(page(batch))
    shown = [(message.batch_row, message.state) for message in answer.context["first"]]
    assert shown == [(1, "SENT"), (2, "ERROR"), (3, "SENT"), (4, "SENT")]
    text = answer.content.decode()
    assert "It paused itself at" in text
    assert "The first 4 were handed over" in text
    assert "The first 4 messages" in text
    press(browser, batch, "_go_on")
    assert browser.get(page(batch)).context["first"] == []


def one_whose_template_is_off(reason: str = OFF) -> Batch:
    """Half written, when a user called petr switched its template off."""
    template = a_template("hello")
    template.is_active = False
    template._history_user = batches.operator("petr")  # type: ignore[attr-defined]
    template.save()
    now = timezone.now()
    columns = {"total": 9, "sendable": 9, "accepted": 4, "template_slug": "hello", "template_version": 1}
    return batches.batch(Status.PAUSED, template=template, paused_at=now, pause_reason=reason, **columns)


def test_what_paused_as_its_template_was_switched_off_says_who_did_it_and_what_to_do() -> None:
    browser, batch = superuser(), one_whose_template_is_off()
    text = text_of(browser, batch)
    assert "It paused itself at" in text
    assert OFF in text
    assert re.search(r"The template “hello” was switched off on .* at [\d:]+ by petr\.", text)
    assert "Switch it on, then press Go on; or press Stop…, and the rows that are no messages yet are left out." in text
    its_page = reverse("admin:smsoffice_smstemplate_change", args=[batch.template_id])
    assert f'<a id="so-template" href="{its_page}">' in text


def test_what_was_paused_by_hand_says_too_that_its_template_is_off() -> None:
    batch = one_whose_template_is_off("")
    Batch.objects.update(paused_by=batches.operator("jana"))
    text = text_of(superuser(), batch)
    assert "by jana" in text
    assert "The template “hello” was switched off" in text


def test_once_its_template_is_on_again_it_says_that_it_can_go_on() -> None:
    batch = one_whose_template_is_off()
    template = batch.template
    assert template
    template.is_active = True
    template.save()
    text = text_of(superuser(), batch)
    assert "The template is on again: press Go on." in text
    assert "Switch it on" not in text


def test_what_lost_its_template_says_that_the_rest_cannot_be_sent() -> None:
    batch = one_whose_template_is_off("Its template was deleted before all rows were messages.")
    assert batch.template
    batch.template.delete()
    text = text_of(superuser(), batch)
    assert "Press Stop…, and send the rest anew with another template." in text


def test_it_does_not_go_on_while_its_template_is_off_and_says_why() -> None:
    browser, batch = superuser(), one_whose_template_is_off()
    said = press(browser, batch, "_go_on")
    assert said.startswith("It stays paused. The template “hello” was switched off on ")
    assert "Switch it on, then press Go on" in said
    fresh = batches.fresh(batch)
    assert (fresh.status, fresh.pause_reason) == (Status.PAUSED, OFF)


def test_it_does_not_go_on_without_its_template_and_promises_no_more_rows() -> None:
    browser, batch = superuser(), one_whose_template_is_off("")
    assert batch.template
    batch.template.delete()
    assert "It stays paused. The template “hello” was deleted. Press Stop…" in press(browser, batch, "_go_on")
    assert batches.fresh(batch).status == Status.PAUSED
    text = text_of(browser, batch)
    assert "The others cannot be made, as the template was deleted." in text
    assert "The others follow when it goes on." not in text


def test_all_written_it_goes_on_whatever_became_of_its_template() -> None:
    browser, batch = superuser(), one_whose_template_is_off("")
    Batch.objects.update(accepted=9)
    assert press(browser, batch, "_go_on").startswith("It goes on.")


def test_who_may_not_see_templates_gets_no_link_to_one() -> None:
    assert "so-template" not in text_of(browser_of(VIEW), one_whose_template_is_off())


def test_a_template_that_is_off_is_no_matter_once_all_rows_are_messages() -> None:
    batch = one_whose_template_is_off("")
    Batch.objects.update(accepted=9)
    assert "switched off" not in text_of(superuser(), batch)


def test_what_halted_itself_over_failures_says_the_share_and_the_reasons() -> None:
    batch = batches.running(8, State.SENT, failure_limit=10)
    batches.fill(batch, 4, State.ERROR, start=50, error="The number does not exist.", sent_at=timezone.now())
    batches.fill(batch, 2, start=90)
    Batch.objects.filter(pk=batch.pk).update(sendable=14, accepted=14)
    watch(batches.fresh(batch))
    text = text_of(superuser(), batch)
    assert "It paused itself at" in text
    assert "4 of 12 failed, more than 10 %." in text
    assert "The number does not exist." in text


# --- The refused lines -----------------------------------------------------------------------------------------------


def with_refused(**columns: Any) -> Batch:
    reasons = {"The number is too short.": 2, "“code” is empty.": 1}
    batch = batches.running(1, State.SENT, **columns)
    Batch.objects.filter(pk=batch.pk).update(refused=4, summary={"reasons": reasons})
    lines = [
        [3, "phone", "12", "The number is too short."],
        [5, "phone", "=HYPERLINK(1)", "The number is too short."],
        [8, "code", "", "“code” is empty."],
        [9, "phone", "777", "The number is not valid."],
    ]
    BatchChunk.objects.create(batch=batch, number=0, refused=lines[:2])
    BatchChunk.objects.create(batch=batch, number=1, refused=lines[2:])
    return batches.fresh(batch)


def test_refused_lines_are_counted_by_their_reason() -> None:
    answer = superuser().get(page(with_refused()))
    assert "4 lines were refused" in answer.content.decode()
    assert answer.context["refused"] == [
        ("The number is too short.", 2),
        ("“code” is empty.", 1),
        ("Found only when the messages were written", 1),
    ]


def test_refused_lines_are_downloaded_safe_for_a_spreadsheet() -> None:
    answer = superuser().post(page(with_refused(), "refused"))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "refused-lines.csv" in answer["Content-Disposition"]
    lines = answer.getvalue().decode("utf-8-sig").splitlines()
    assert lines[0] == "Line,Column,Value,Why it was refused"
    assert lines[1] == "3,phone,12,The number is too short."
    assert lines[2].startswith("5,phone,'=HYPERLINK(1)")
    assert len(lines) == 5
    assert logged() == ["Downloaded 4 refused lines."]


def test_the_download_is_offered_for_thirty_days_only() -> None:
    browser, batch = superuser(), with_refused(finished_at=factories.ago(days=29), status=Status.FINISHED)
    assert "Download them" in text_of(browser, batch)
    Batch.objects.filter(pk=batch.pk).update(finished_at=factories.ago(days=31))
    text = text_of(browser, batch)
    assert "Download them" not in text
    assert "The lines were kept for 30 days." in text


def test_lines_that_are_gone_are_said_to_be_gone() -> None:
    batch = with_refused()
    batch.chunks.all().delete()
    answer = superuser().post(page(batch, "refused"))
    assert answer.headers["location"] == page(batch)
    assert "not kept any more" in said(answer)


# --- Who may what ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permissions", "seen", "steered", "downloaded"),
    [
        ((), 403, 403, 403),
        ((VIEW,), 200, 403, 403),
        ((SEND,), 403, 302, 403),
        # As in the log: who may change messages may see them.
        ((CHANGE,), 200, 302, 403),
        ((CHANGE, EXPORT), 200, 302, 200),
        ((EXPORT,), 403, 403, 403),
        ((VIEW, SEND), 200, 302, 403),
        ((VIEW, CHANGE), 200, 302, 403),
        ((VIEW, EXPORT), 200, 403, 200),
    ],
)
def test_permissions(permissions: tuple[str, ...], seen: int, steered: int, downloaded: int) -> None:
    batch, browser = with_refused(), browser_of(*permissions)
    assert browser.get(LIST).status_code == seen
    assert browser.get(page(batch)).status_code == seen
    assert browser.get(page(batch), {"numbers": "1"}).status_code == seen
    assert browser.get(page(batch, "history")).status_code == seen
    assert browser.post(page(batch, "refused")).status_code == downloaded
    assert browser.get(page(batch, "stop")).status_code == (200 if steered == 302 else 403)
    for button in ("_pause", "_go_on", "_stop"):
        assert browser.post(page(batch), {button: ""}).status_code == steered
    assert browser.post(page(batch, "stop")).status_code == steered
    assert browser.get(reverse("admin:smsoffice_batch_add")).status_code == 403
    assert browser.get(page(batch, "delete")).status_code == 403
    assert browser.post(page(batch, "delete"), {"post": "yes"}).status_code == 403


def test_who_may_only_look_sees_no_button() -> None:
    text = text_of(browser_of(VIEW), with_refused())
    for control in ('name="_pause"', 'name="_stop"', "Download them"):
        assert control not in text


def test_who_may_stop_but_not_look_comes_back_to_the_front_page() -> None:
    browser, batch = browser_of(SEND), a_mixed_one()
    assert browser.post(page(batch), {"_pause": ""}).headers["location"] == reverse("admin:index")
    assert batches.fresh(batch).status == Status.PAUSED


def test_nobody_adds_or_deletes_one_by_hand() -> None:
    browser, batch = superuser(), a_mixed_one()
    assert browser.get(reverse("admin:smsoffice_batch_add")).status_code == 403
    assert browser.post(page(batch, "delete"), {"post": "yes"}).status_code == 403
    assert browser.post(LIST, {"action": "delete_selected", "_selected_action": str(batch.pk)}).status_code != 500
    assert Batch.objects.filter(pk=batch.pk).exists()


def test_the_download_is_a_post() -> None:
    assert superuser().get(page(with_refused(), "refused")).status_code == 405


@pytest.mark.parametrize("name", ["change", "stop", "refused"])
def test_a_post_from_another_site_is_refused(name: str) -> None:
    browser, batch = browser_of(VIEW, SEND, EXPORT, enforce_csrf_checks=True), a_mixed_one()
    assert browser.post(page(batch, name), {"_pause": ""}).status_code == 403
    assert batches.fresh(batch).status == Status.RUNNING
