"""The one door to a state: evidence in batches, guarded by the table, at a constant price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from smsoffice.models.sms import OutputSMSMessage
from smsoffice.models.transitions import (
    FIRST_CHECK,
    LAST_CHECK,
    Evidence,
    Overtaken,
    Source,
    check_delay,
    hand_over,
    record,
)
from smsoffice.states import State
from tests.factories import BACKEND, ago, ahead, message, messages, row, states, timeline
from tests.queries import statements

pytestmark = pytest.mark.django_db


def claim(*stored: OutputSMSMessage) -> list[OutputSMSMessage]:
    """Hand over, on instances of its own, as another process does."""
    own = [row(one) for one in stored]
    with transaction.atomic():
        hand_over(own, BACKEND, State.UNKNOWN, ahead(seconds=30))
    return own


def release(claimed: OutputSMSMessage) -> set[int]:
    """The proof that nothing was accepted of this hand-over."""
    return record([Evidence(claimed.pk, State.WAITING, Source.ASKED, claimed_at=claimed.claimed_at)])


def answer(claimed: OutputSMSMessage, state: State, **more: object) -> Evidence:
    return Evidence(claimed.pk, state, Source.GATEWAY, claimed_at=claimed.claimed_at, **more)  # type: ignore[arg-type]


# --- Hand-over -------------------------------------------------------------------------------------------------------


def test_promise_1_a_claim_says_unknown_by_whom_and_since_when() -> None:
    stored, before = message(error="Not now."), timezone.now()
    claim(stored)
    now_held = row(stored)
    assert (now_held.state, now_held.backend, now_held.send_attempts, now_held.error) == ("UNKNOWN", BACKEND, 1, "")
    assert now_held.sent_at is not None
    assert before <= now_held.sent_at <= timezone.now()
    assert now_held.check_after is not None
    assert timeline(stored) == [("WAITING", "UNKNOWN", "QUEUE", False)]


def test_the_instances_of_a_claim_say_what_their_rows_say() -> None:
    [claimed] = claim(message())
    stored = row(claimed)
    for column in ("state", "backend", "error", "sent_at", "check_after", "changed_at", "send_attempts"):
        assert getattr(claimed, column) == getattr(stored, column)


def test_promise_1_of_two_who_read_the_same_rows_one_claims_them() -> None:
    stored = messages(3)
    slow = [row(one) for one in stored]
    claim(stored[1])
    with pytest.raises(Overtaken), transaction.atomic():
        hand_over(slow, BACKEND, State.UNKNOWN, None)
    assert states(stored) == ["WAITING", "UNKNOWN", "WAITING"]
    assert [one.send_attempts for one in map(row, stored)] == [0, 1, 0]
    assert [one.state for one in slow] == ["WAITING"] * 3


def test_a_message_for_debugging_is_not_asked_about() -> None:
    stored = message()
    with transaction.atomic():
        hand_over([stored], BACKEND, State.DEBUG, None)
    assert (row(stored).state, row(stored).sent_at, row(stored).check_after) == ("DEBUG", None, None)


# --- Evidence --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", State)
@pytest.mark.parametrize("new", [State.SENDING, State.SENT, State.DELIVERED, State.ERROR])
def test_promise_3_evidence_changes_a_state_only_by_the_table(old: State, new: State) -> None:
    allowed = {
        (State.WAITING, State.ERROR),
        (State.UNKNOWN, State.SENDING),
        (State.UNKNOWN, State.SENT),
        (State.UNKNOWN, State.DELIVERED),
        (State.UNKNOWN, State.ERROR),
        (State.SENDING, State.SENT),
        (State.SENDING, State.DELIVERED),
        (State.SENDING, State.ERROR),
        (State.SENT, State.DELIVERED),
        (State.SENT, State.ERROR),
        (State.ERROR, State.DELIVERED),
    }
    stored = message(old)
    taken = record([Evidence(stored.pk, new, Source.RECEIPT, words="A receipt.")])
    if old == new:
        assert (taken, row(stored).state) == ({stored.pk}, old)
    else:
        assert (taken, row(stored).state) == (({stored.pk}, new) if (old, new) in allowed else (set(), old))
    assert timeline(stored) == [(old, new, "RECEIPT", old != new and (old, new) not in allowed)]


def test_promise_3_late_evidence_wins_over_a_time_out() -> None:
    [claimed] = claim(message())
    record([answer(claimed, State.UNKNOWN, error="The answer did not come in time.")], held=[claimed])
    record([Evidence(claimed.pk, State.DELIVERED, Source.RECEIPT)])
    assert (row(claimed).state, row(claimed).error) == ("DELIVERED", "")


def test_promise_3_an_answer_that_was_lost_takes_nothing_from_what_a_receipt_said() -> None:
    [claimed] = claim(message())
    record([Evidence(claimed.pk, State.SENDING, Source.RECEIPT, words="Queued.", external_id="SM1")])

    lost = answer(claimed, State.UNKNOWN, words="No answer came in time.", error="No answer came in time.")
    assert record([lost], held=[claimed]) == set()

    assert (row(claimed).state, row(claimed).error, row(claimed).external_id) == ("SENDING", "", "SM1")
    assert timeline(claimed)[-1] == ("SENDING", "UNKNOWN", "GATEWAY", True)
    assert claimed.state == "SENDING"


@pytest.mark.parametrize("source", [Source.QUEUE, Source.OPERATOR])
def test_who_gives_up_waiting_for_news_may_doubt_what_the_gateway_has(source: Source) -> None:
    stored = message(State.SENDING)
    record([Evidence(stored.pk, State.UNKNOWN, source, words="It is not known.")])
    assert row(stored).state == "UNKNOWN"


def test_what_the_gateway_is_not_to_be_asked_about_is_not() -> None:
    [claimed] = claim(message())
    record([answer(claimed, State.UNKNOWN, error="It is another's.", ask=False)], held=[claimed])
    assert (row(claimed).state, row(claimed).check_after, claimed.check_after) == ("UNKNOWN", None, None)


def test_promise_5_mixed_evidence_touches_each_message_as_its_own_piece_says() -> None:
    taken, refused, put_off, silent, final, gone = messages(6)
    claimed = claim(taken, refused, put_off, silent)
    third_party = claim(final)[0]
    record([answer(third_party, State.DELIVERED)], held=[third_party])
    later = ahead(minutes=5)
    by_key = {one.pk: one for one in claimed}
    gone_key = gone.pk
    OutputSMSMessage.objects.filter(pk=gone_key).delete()

    accepted = record(
        [
            answer(by_key[taken.pk], State.SENDING, code="0", words="Taken.", external_id="SM1", extra={"price": "1"}),
            answer(by_key[refused.pk], State.ERROR, code="2", words="No such number.", error="No such number."),
            answer(by_key[put_off.pk], State.WAITING, words="Busy.", error="Busy.", due_at=later),
            answer(by_key[silent.pk], State.UNKNOWN, words="No word of it.", error="No word of it."),
            Evidence(final.pk, State.SENT, Source.GATEWAY),
            Evidence(gone_key, State.SENT, Source.GATEWAY),
        ]
    )

    assert accepted == {taken.pk, refused.pk, put_off.pk, silent.pk}
    assert states([taken, refused, put_off, silent, final]) == ["SENDING", "ERROR", "WAITING", "UNKNOWN", "DELIVERED"]
    assert [row(one).error for one in (taken, refused, put_off, silent, final)] == [
        "",
        "No such number.",
        "Busy.",
        "No word of it.",
        "",
    ]
    assert (row(taken).external_id, row(taken).extra_sender_data) == ("SM1", {"price": "1"})
    assert (row(refused).external_id, row(refused).extra_sender_data) == ("", {})
    assert (row(put_off).due_at, row(put_off).sent_at) == (later, None)
    assert timeline(final)[-1] == ("DELIVERED", "SENT", "GATEWAY", True)


def test_what_two_messages_of_one_kind_are_told_stays_with_each() -> None:
    first, second, third = claim(*messages(3))
    record(
        [
            answer(first, State.SENDING, external_id="SM1", extra={"n": 1}),
            answer(second, State.SENDING),
            answer(third, State.SENDING, external_id="SM3", extra={"n": 3}),
        ],
        held=[first, second, third],
    )
    kept = [(row(one).external_id, row(one).extra_sender_data) for one in (first, second, third)]
    assert kept == [("SM1", {"n": 1}), ("", {}), ("SM3", {"n": 3})]


def test_what_one_message_is_told_takes_nothing_from_another_that_was_told_before() -> None:
    first, second = claim(*messages(2))
    record([answer(first, State.SENDING, external_id="SM1", extra={"n": 1})], held=[first])
    record([answer(second, State.SENDING)], held=[second])

    more = [
        Evidence(first.pk, State.SENT, Source.RECEIPT),
        Evidence(second.pk, State.SENT, Source.RECEIPT, external_id="SM2", extra={"n": 2}),
    ]
    record(more)

    kept = [(row(one).external_id, row(one).extra_sender_data) for one in (first, second)]
    assert kept == [("SM1", {"n": 1}), ("SM2", {"n": 2})]


def test_the_instances_at_hand_follow_what_was_written() -> None:
    taken, put_off, final = claim(*messages(3))
    record([Evidence(final.pk, State.DELIVERED, Source.RECEIPT)])
    record(
        [
            answer(taken, State.SENDING, external_id="SM1", extra={"n": 1}),
            answer(put_off, State.WAITING, error="Busy.", due_at=ahead(minutes=5), spent=False),
            answer(final, State.UNKNOWN, error="No answer."),
        ],
        held=[taken, put_off, final],
    )
    for held in (taken, put_off):
        stored = row(held)
        for column in ("state", "error", "external_id", "extra_sender_data", "sent_at", "due_at", "send_attempts"):
            assert getattr(held, column) == getattr(stored, column), (held.pk, column)
        assert (held.check_after is None) == (stored.check_after is None)
    assert final.state == "DELIVERED"


def test_promise_3_news_is_not_ignored_because_of_what_a_stale_instance_says() -> None:
    stale = message()
    claim(stale)
    assert record([Evidence(stale.pk, State.DELIVERED, Source.RECEIPT)], held=[stale]) == {stale.pk}
    assert (row(stale).state, stale.state) == ("DELIVERED", "DELIVERED")


def test_news_of_an_unknown_message_is_dropped() -> None:
    assert record([Evidence(4711, State.SENT, Source.RECEIPT)]) == set()


def test_the_words_of_a_question_that_tells_nothing_new_stay_in_the_timeline_alone() -> None:
    stored = message(State.SENDING, error="")
    before = row(stored).changed_at
    record([Evidence(stored.pk, State.SENDING, Source.ASKED, code="11", words="On its way.")])
    assert (row(stored).error, row(stored).changed_at) == ("", before)
    assert stored.events.get().words == "On its way."


# --- Hand-overs that are over ----------------------------------------------------------------------------------------


def test_promise_1_an_old_hand_over_does_not_release_the_claim_of_another() -> None:
    [slept] = claim(message())
    release(slept)
    [other] = claim(slept)

    assert record([answer(slept, State.WAITING, error="Not now.")], held=[slept]) == set()

    assert row(slept).state == "UNKNOWN"
    assert row(slept).sent_at == other.sent_at
    assert timeline(slept)[-1] == ("UNKNOWN", "WAITING", "GATEWAY", True)
    assert slept.state == "UNKNOWN"


def test_promise_1_not_now_in_a_batch_releases_its_own_claims_and_leaves_anothers() -> None:
    mine, theirs = claim(*messages(2))
    release(theirs)
    claim(theirs)
    assert record([answer(one, State.WAITING) for one in (mine, theirs)], held=[mine, theirs]) == {mine.pk}
    assert states([mine, theirs]) == ["WAITING", "UNKNOWN"]


def test_promise_1_proof_that_came_twice_is_one_release() -> None:
    [claimed] = claim(message())
    release(claimed)
    assert release(claimed) == set()
    assert row(claimed).state == "WAITING"
    assert row(claimed).send_attempts == 1


def test_promise_2_a_time_out_of_an_old_hand_over_keeps_the_message_from_leaving_on_a_guess() -> None:
    [slept] = claim(message())
    release(slept)

    record([answer(slept, State.UNKNOWN, error="The answer did not come in time.")], held=[slept])

    now_held = row(slept)
    assert now_held.state == "UNKNOWN"
    assert now_held.check_after is not None
    # It may have reached the gateway this moment: “never heard of it” proves nothing for a while.
    assert now_held.sent_at is not None
    assert now_held.sent_at > (slept.sent_at or timezone.now())


def test_promise_5_a_message_without_a_time_of_hand_over_does_not_spoil_the_batch_that_asks() -> None:
    strange, sound = message(State.UNKNOWN, sent_at=None), message(State.UNKNOWN)
    evidence = [Evidence(one.pk, State.WAITING, Source.ASKED, claimed_at=one.sent_at) for one in (strange, sound)]
    assert record(evidence, held=[strange, sound]) == {strange.pk, sound.pk}
    assert states([strange, sound]) == ["WAITING", "WAITING"]


def test_promise_1_a_late_answer_that_the_message_was_taken_keeps_it_from_leaving_again() -> None:
    [slept] = claim(message())
    release(slept)

    record([answer(slept, State.SENDING, words="Taken.")], held=[slept])

    assert row(slept).state == "SENDING"


def test_promise_1_a_receipt_for_a_message_that_was_put_back_keeps_it_from_leaving_again() -> None:
    [claimed] = claim(message())
    release(claimed)
    record([Evidence(claimed.pk, State.DELIVERED, Source.RECEIPT)])
    assert row(claimed).state == "DELIVERED"


def test_a_receipt_for_a_message_that_was_never_handed_over_is_ignored() -> None:
    stored = message()
    assert record([Evidence(stored.pk, State.DELIVERED, Source.RECEIPT)]) == set()
    assert row(stored).state == "WAITING"


def test_an_attempt_that_does_not_count_is_given_back() -> None:
    [claimed] = claim(message())
    record([answer(claimed, State.WAITING, spent=False)], held=[claimed])
    assert row(claimed).send_attempts == claimed.send_attempts == 0


# --- Hostile words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"code": "x" * 400}, id="endless code"),
        pytest.param({"words": "y" * 100_000}, id="endless words"),
        pytest.param({"external_id": "z" * 400}, id="endless reference"),
        pytest.param({"external_id": "SM\x00"}, id="NUL in the reference"),
        pytest.param({"code": "\x00"}, id="NUL in the code"),
        pytest.param({"words": "a\x00b", "error": "a\x00b"}, id="NUL in the words"),
        pytest.param({"words": "a\ud800b", "error": "a\ud800b"}, id="half a letter in the words"),
        pytest.param({"extra": {"note": "a\x00b"}}, id="NUL in the data"),
        pytest.param({"extra": {"note": "a\ud800b"}}, id="half a letter in the data"),
        pytest.param({"extra": {"price": float("nan")}}, id="not a number in the data"),
    ],
)
def test_promise_5_what_cannot_be_stored_of_one_answer_leaves_the_others_and_its_own_state(
    more: dict[str, object],
) -> None:
    alone, hostile, sound = claim(*messages(3))
    evidence = [answer(hostile, State.SENDING, **more), answer(sound, State.SENDING, external_id="SM2")]
    assert record([answer(alone, State.SENDING, **more)], held=[alone]) == {alone.pk}
    assert record(evidence, held=[hostile, sound]) == {hostile.pk, sound.pk}
    assert states([alone, hostile, sound]) == ["SENDING"] * 3
    assert row(sound).external_id == "SM2"


def test_a_reference_that_is_too_long_to_keep_is_not_cut_to_the_name_of_another_message() -> None:
    [claimed] = claim(message())
    record([answer(claimed, State.SENDING, external_id="9" * 201)], held=[claimed])
    assert row(claimed).external_id == ""


# --- What it costs ---------------------------------------------------------------------------------------------------


def all_taken(claimed: Sequence[OutputSMSMessage]) -> list[Evidence]:
    return [answer(one, State.SENDING, external_id=f"SM{one.pk}", extra={"n": one.pk}) for one in claimed]


def all_put_off(claimed: Sequence[OutputSMSMessage]) -> list[Evidence]:
    return [answer(one, State.WAITING, error="Busy.", due_at=ahead(seconds=n)) for n, one in enumerate(claimed)]


def all_refused(claimed: Sequence[OutputSMSMessage]) -> list[Evidence]:
    return [answer(one, State.ERROR, error=f"No such number {one.pk}.") for one in claimed]


@pytest.mark.parametrize("told", [all_taken, all_put_off, all_refused])
@pytest.mark.parametrize("is_held", [True, False], ids=["held", "unheld"])
def test_a_batch_costs_the_same_few_queries_whatever_its_size(
    told: Callable[[Sequence[OutputSMSMessage]], list[Evidence]], is_held: bool
) -> None:
    costs = {}
    for size in (1, 10, 200):
        claimed = claim(*messages(size))
        evidence = told(claimed)
        costs[size] = statements(lambda: record(evidence, held=claimed if is_held else ()))  # noqa: B023
        assert OutputSMSMessage.objects.filter(state="UNKNOWN").count() == 0
    assert len(set(costs.values())) == 1, costs
    assert costs[1] <= 5


def test_a_hand_over_costs_the_same_few_queries_whatever_its_size() -> None:
    costs = {}
    for size in (1, 10, 200):
        stored = messages(size)
        costs[size] = statements(lambda: hand_over(stored, BACKEND, State.UNKNOWN, None))  # noqa: B023
    assert len(set(costs.values())) == 1, costs


# --- When to ask -----------------------------------------------------------------------------------------------------


def test_questions_come_less_and_less_often_and_never_stop_for_longer_than_a_quarter_of_a_day() -> None:
    ages = [timedelta(seconds=seconds) for seconds in (0, 1, 10, 60, 3600, 86_400, 700_000)]
    delays = [check_delay(age) for age in ages]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (FIRST_CHECK, LAST_CHECK)


def test_an_answer_makes_the_first_question_due_soon_and_a_question_leaves_its_own_time() -> None:
    [claimed] = claim(message())
    record([answer(claimed, State.SENDING)], held=[claimed])
    first = row(claimed).check_after
    assert first is not None
    assert first <= timezone.now() + FIRST_CHECK

    later = ahead(hours=1)
    OutputSMSMessage.objects.update(check_after=later)
    record([Evidence(claimed.pk, State.SENT, Source.ASKED)])
    assert row(claimed).check_after == later


def test_a_message_that_waits_again_is_not_asked_about() -> None:
    [claimed] = claim(message(created_at=ago(hours=1)))
    release(claimed)
    assert (row(claimed).check_after, row(claimed).sent_at) == (None, None)
