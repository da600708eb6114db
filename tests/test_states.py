"""The table of states: which may follow which."""

from __future__ import annotations

import pytest

from smsoffice.states import MAY_BECOME, OPEN, State, may_become

ALLOWED = {
    "WAITING": {"UNKNOWN", "DEBUG", "ERROR"},
    "UNKNOWN": {"WAITING", "SENDING", "SENT", "DELIVERED", "ERROR", "DEBUG"},
    "SENDING": {"SENT", "DELIVERED", "ERROR", "UNKNOWN"},
    "SENT": {"DELIVERED", "ERROR"},
    "DELIVERED": set(),
    "ERROR": {"DELIVERED"},
    "DEBUG": set(),
}


@pytest.mark.parametrize("new", State.values)
@pytest.mark.parametrize("old", State.values)
def test_a_state_is_followed_by_those_of_the_table_only(old: str, new: str) -> None:
    assert may_become(old, new) is (new in ALLOWED[old])


def test_every_state_has_its_line_in_the_table() -> None:
    assert set(MAY_BECOME) == set(State)


def test_only_what_was_handed_over_and_may_still_change_is_asked_about() -> None:
    assert {state.value for state in OPEN} == {"UNKNOWN", "SENDING", "SENT"}


def test_nothing_that_a_gateway_took_or_refused_goes_back_into_the_queue() -> None:
    assert [old.value for old in State if may_become(old, "WAITING")] == ["UNKNOWN"]


def test_a_word_that_is_no_state_is_refused() -> None:
    with pytest.raises(ValueError, match="LOST"):
        may_become("WAITING", "LOST")
