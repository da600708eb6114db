"""A database that goes away while something is written that is told only once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from smsoffice.models import outage
from smsoffice.models.outage import outlasting, patient
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.models.transitions import Evidence, Source, hand_over, record
from smsoffice.states import State
from tests.factories import BACKEND, message, row, timeline

pytestmark = pytest.mark.django_db(transaction=True)

CLAIMED = ("WAITING", "UNKNOWN", "QUEUE", False)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the next commits fail: by nothing being committed, or only by nobody hearing of it."""

    def fail(times: int, *, committed: bool) -> None:
        real, left = connection._commit, [None] * times  # type: ignore[attr-defined]

        def commit() -> None:
            if committed or not left:
                real()
            if left:
                left.pop()
                raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(connection, "_commit", commit)

    return fail


@pytest.fixture
def claimed() -> OutputSMSMessage:
    stored = message()
    with transaction.atomic():
        hand_over([stored], BACKEND, State.UNKNOWN, None)
    return stored


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "PAUSE", 0.0)


def answer(claimed: OutputSMSMessage, state: State, **more: Any) -> Evidence:
    return Evidence(claimed.pk, state, Source.GATEWAY, claimed_at=claimed.claimed_at, **more)


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "lost"])
@pytest.mark.parametrize("by_the_row", [True, False], ids=["by the row", "by the instance"])
@pytest.mark.parametrize(
    ("state", "after"), [(State.SENDING, "SENDING"), (State.ERROR, "ERROR"), (State.WAITING, "WAITING")]
)
def test_an_answer_is_written_once_though_nobody_heard_of_its_commit(
    claimed: OutputSMSMessage, failing: Any, state: State, after: str, by_the_row: bool, committed: bool
) -> None:
    failing(1, committed=committed)
    news = answer(claimed, state, error="Said.", spent=False)
    assert record([news], held=[] if by_the_row else [claimed]) == {claimed.pk}
    assert timeline(claimed) == [CLAIMED, ("UNKNOWN", after, "GATEWAY", False)]
    stored = row(claimed)
    assert (stored.state, stored.error, stored.send_attempts) == (after, "Said.", 0 if after == "WAITING" else 1)
    if not by_the_row:
        assert (claimed.state, claimed.held_state, claimed.send_attempts) == (after, after, stored.send_attempts)


def test_what_is_ignored_is_told_once_too(claimed: OutputSMSMessage, failing: Any) -> None:
    record([answer(claimed, State.DELIVERED)])
    failing(1, committed=True)
    assert record([answer(claimed, State.SENDING)], held=[claimed]) == set()
    assert timeline(claimed)[2:] == [("DELIVERED", "SENDING", "GATEWAY", True)]
    assert claimed.state == "DELIVERED"


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "lost"])
def test_what_a_backend_of_others_saves_is_written_when_the_database_is_back(
    claimed: OutputSMSMessage, failing: Any, committed: bool
) -> None:
    failing(1, committed=committed)
    claimed.state, claimed.external_id = State.SENT, "ID1"
    claimed.save()
    stored = row(claimed)
    assert (stored.state, stored.external_id) == ("SENT", "ID1")
    assert timeline(claimed)[:2] == [CLAIMED, ("UNKNOWN", "SENT", "GATEWAY", False)]


def test_an_outage_is_said_once_and_so_is_its_end(failing: Any, caplog: pytest.LogCaptureFixture) -> None:
    failing(5, committed=False)
    with caplog.at_level(logging.WARNING):
        outlasting(lambda again: _touch())
    assert [record.getMessage() for record in caplog.records] == [
        "The database does not answer (OperationalError). What was learnt is written when it is back.",
        "The database is back, and what was learnt is written.",
    ]


def test_a_connection_that_was_merely_stale_is_no_news(failing: Any, caplog: pytest.LogCaptureFixture) -> None:
    failing(1, committed=False)
    outlasting(lambda again: _touch())
    assert caplog.records == []


def test_a_database_that_stays_away_is_not_waited_for_for_ever(failing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "WORKER_WAITS", 0.0)
    failing(100, committed=False)
    with pytest.raises(OperationalError), patient():
        outlasting(lambda again: _touch())


def test_what_went_with_the_callers_transaction_is_the_callers_affair() -> None:
    attempts: list[bool] = []

    def write(again: bool) -> None:
        attempts.append(again)
        raise OperationalError

    with pytest.raises(OperationalError), transaction.atomic():
        outlasting(write)
    assert attempts == [False]


def _touch() -> None:
    with transaction.atomic():
        OutputSMSMessage.objects.update(tag="")
