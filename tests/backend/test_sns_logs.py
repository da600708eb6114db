"""The delivery logs of Amazon SNS: what is asked of CloudWatch Logs, and what its events prove."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from smsoffice import delivery
from smsoffice.backend.sms import base, sns_logs
from smsoffice.backend.sms.sns import SNSSMSBackend
from smsoffice.backend.sms.sns_logs import FAILURES, SUCCESSES, meaning, windows
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.simulator import Fault, Simulator
from smsoffice.simulator import sns as simulated
from smsoffice.states import State
from tests.backend.sns import Configure, ask_later, at, errors, forget_the_machines_credentials, use_sns
from tests.gateway import Port, ask_again, numbers, reply, states, waiting

pytestmark = pytest.mark.django_db

GROUP = "sns/eu-west-1/123456789012/DirectPublishToPhoneNumber"


@pytest.fixture(autouse=True)
def no_machine_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_the_machines_credentials(monkeypatch, tmp_path)


@pytest.fixture
def configure(settings: Any) -> Iterator[Configure]:
    """Choose SNS's client, with the given keys of its configuration."""
    yield partial(use_sns, settings)
    base._instance.cache_clear()


@pytest.fixture
def simulator(configure: Configure) -> Iterator[Simulator]:
    """A gateway that delivers at once what it accepts, and its client."""
    with Simulator(delivery_delay=0, late=3600, early=3600) as running:
        configure(**at(running))
        yield running


# Events


def event(id_: str, status: str = "SUCCESS", response: str = "Message has been accepted by phone") -> dict[str, Any]:
    told = {
        "notification": {"messageId": id_, "timestamp": "2026-11-23 10:00:00.000"},
        "delivery": {"destination": "+420601000500", "providerResponse": response},
        "status": status,
    }
    return {"message": json.dumps(told), "timestamp": int(timezone.now().timestamp() * 1000)}


class Logs:
    """A CloudWatch Logs that says what a test wants, with the questions that it got."""

    def __init__(self, *pages: dict[str, Any] | bytes, groups: Sequence[str] = (GROUP,)) -> None:
        self.pages, self.groups = list(pages), groups
        self.questions: list[dict[str, Any]] = []

    def __call__(self, client: Any, body: bytes) -> None:
        question = json.loads(body)
        if "logGroupName" not in question:
            answer: dict[str, Any] | bytes = {"logGroups": [{"logGroupName": name} for name in self.groups]}
        else:
            self.questions.append(question)
            answer = self.pages.pop(0) if self.pages else {"events": []}
        kind = "application/x-amz-json-1.1"
        client.sendall(answer if isinstance(answer, bytes) else reply(json.dumps(answer), content_type=kind))


def sending(count: int = 1, age: timedelta = timedelta(minutes=1)) -> list[OutputSMSMessage]:
    """Messages that SNS took so long ago, under the ids id-0, id-1…"""
    then = timezone.now() - age
    fields = {"state": State.SENDING, "backend": SNSSMSBackend.path(), "sent_at": then, "check_after": timezone.now()}
    return [waiting(number, external_id=f"id-{n}", **fields)[0] for n, number in enumerate(numbers(count))]


def read(configure: Configure, logs: Logs) -> delivery.CheckRound:
    """Ask once."""
    with Port(logs) as port:
        configure(LOGS_ENDPOINT_URL=port.url)
        return delivery.check_states()


@pytest.mark.parametrize("response", FAILURES)
def test_every_reason_of_a_failure_has_words_and_keeps_awss_own_as_its_code(
    configure: Configure, response: str
) -> None:
    messages = sending()
    read(configure, Logs({"events": [event("id-0", "FAILURE", response.capitalize() + ".")]}))

    assert states(messages) == ["ERROR"]
    assert errors() == [str(FAILURES[response])]
    assert errors()[0].endswith(".")
    assert OutputSMSEvent.objects.latest("id").code == (response.capitalize() + ".")[:50]


def test_a_receiver_who_has_opted_out_is_shown_as_such(configure: Configure) -> None:
    sending()
    read(configure, Logs({"events": [event("id-0", "FAILURE", "Phone number is opted out")]}))
    assert "opted out" in errors()[0]


@pytest.mark.parametrize("response", SUCCESSES)
def test_a_success_is_as_much_as_it_says(response: str) -> None:
    state, words = SUCCESSES[response]
    assert state == (State.SENT if "carrier" in response else State.DELIVERED)
    assert meaning("SUCCESS", response.capitalize()).state == state
    assert str(words).endswith(".")


@pytest.mark.parametrize(
    ("status", "response", "state"),
    [
        ("FAILURE", "Struck by lightning", "ERROR"),
        ("FAILURE", "", "ERROR"),
        ("SUCCESS", "Message has been accepted by pigeon", "SENT"),
        ("TELEPORTED", "Message has been accepted by phone", "SENDING"),
    ],
    ids=["failure", "failure without a reason", "success", "status"],
)
def test_what_no_documentation_has_is_kept_as_the_code(
    configure: Configure, status: str, response: str, state: str
) -> None:
    messages = sending()
    read(configure, Logs({"events": [event("id-0", status, response)]}))

    assert states(messages) == [state]
    assert OutputSMSEvent.objects.latest("id").code == (response if state != "SENDING" else status)


GARBAGE = [
    {"message": "Message has been delivered"},
    {"message": "[]"},
    {"message": "{}"},
    {"message": "null"},
    {"message": '{"notification": null, "delivery": {}, "status": "SUCCESS"}'},
    {"message": '{"notification": {"messageId": ["id-0"]}, "delivery": {}, "status": "FAILURE"}'},
    {"message": '{"notification": {"messageId": "id-0"}, "delivery": {}, "status": 7}'},
    {"message": '{"notification": {"messageId": "id-0"}, "delivery": [], "status": "FAILURE"}'},
    {"message": "[" * 100_000},
    {"timestamp": 1},
]


def test_what_is_no_event_of_ours_spoils_nothing(configure: Configure) -> None:
    messages = sending(2)
    read(configure, Logs({"events": [*GARBAGE, event("stranger", "FAILURE"), event("id-1")]}))
    assert states(messages) == ["SENDING", "DELIVERED"]


def test_events_that_contradict_each_other_count_as_none(configure: Configure) -> None:
    messages = sending(2)
    read(configure, Logs({"events": [event("id-0"), event("id-0", "FAILURE", "Invalid phone number"), event("id-1")]}))
    assert states(messages) == ["SENDING", "DELIVERED"]


def test_no_event_is_no_failure(configure: Configure) -> None:
    """Successes may be sampled, and events may come days late."""
    messages = sending(2, age=timedelta(days=3))
    read(configure, Logs({"events": [event("id-1")]}))
    assert states(messages) == ["SENDING", "DELIVERED"]


def test_pages_are_read_until_there_is_no_token_and_may_be_empty(configure: Configure) -> None:
    messages = sending(3)
    logs = Logs(
        {"events": [event("id-0")], "nextToken": "a"},
        {"events": [], "nextToken": "b"},
        {"events": [], "nextToken": "c"},
        {"events": [event("id-1"), event("id-2")]},
    )
    read(configure, logs)

    assert states(messages) == ["DELIVERED"] * 3
    assert [question.get("nextToken") for question in logs.questions] == [None, "a", "b", "c"]


def test_pages_of_the_simulator_are_read_to_their_end(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "EVENTS_A_PAGE", 2)
    messages = waiting(*numbers(9))
    delivery.send_waiting()
    ask_later()
    assert states(messages) == ["DELIVERED"] * 9


def test_both_groups_are_read_and_no_other(configure: Configure) -> None:
    groups = (
        GROUP,
        f"{GROUP}/Failure",
        "sns/eu-west-1/123456789012/DirectPublishToPhoneNumbers",
        "sns/us-east-1/123456789012/DirectPublishToPhoneNumber",
        "/aws/lambda/DirectPublishToPhoneNumber",
    )
    messages = sending(2)
    failed = event("id-1", "FAILURE", "Invalid phone number")
    logs = Logs({"events": [event("id-0")]}, {"events": [failed]}, groups=groups)
    read(configure, logs)

    assert states(messages) == ["DELIVERED", "ERROR"]
    assert [question["logGroupName"] for question in logs.questions] == [GROUP, f"{GROUP}/Failure"]


def span(question: dict[str, Any]) -> tuple[float, float]:
    return question["startTime"] / 1000, question["endTime"] / 1000


def test_the_scan_goes_from_now_back_to_the_oldest_hand_over_without_a_gap(configure: Configure) -> None:
    sending(1, age=timedelta(days=6))
    logs = Logs()
    read(configure, logs)

    spans = [span(question) for question in logs.questions]
    now = timezone.now().timestamp()
    assert spans[0][1] > now
    assert spans[-1][0] < now - 6 * 24 * 3600
    assert all(newer[0] == older[1] for newer, older in pairwise(spans))
    assert len(spans) < 8


def test_what_is_found_in_the_last_hour_needs_no_look_at_the_week_before(configure: Configure) -> None:
    messages = sending(1, age=timedelta(days=6))
    logs = Logs({"events": [event("id-0")]})
    read(configure, logs)
    assert states(messages) == ["DELIVERED"]
    assert len(logs.questions) == 1


def test_a_scan_ends_after_so_many_pages_with_the_news_of_the_young(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sns_logs, "MOST_PAGES", 3)
    messages = sending(2, age=timedelta(days=6))
    more = {"events": [], "nextToken": "more"}
    logs = Logs({"events": [event("id-0")]}, more | {"nextToken": "a"}, more | {"nextToken": "b"}, more)
    read(configure, logs)

    assert states(messages) == ["DELIVERED", "SENDING"]
    assert len(logs.questions) == 3
    assert "too long for one scan" in caplog.text


def test_a_token_that_comes_again_does_not_hold_the_scan_for_ever(configure: Configure) -> None:
    messages = sending(1)
    again = {"events": [], "nextToken": "again"}
    done = read(configure, Logs(*[again] * 10))
    assert states(messages) == ["SENDING"]
    assert done.errors


def logs_error(code: str) -> bytes:
    said = json.dumps({"__type": code, "message": "arn:aws:iam::123456789012:user/shop"})
    return reply(said, "400 Bad Request", content_type="application/x-amz-json-1.1")


def test_a_scan_that_is_throttled_midway_keeps_what_it_has_learnt(configure: Configure) -> None:
    messages = sending(2)
    read(configure, Logs({"events": [event("id-0")], "nextToken": "a"}, logs_error("ThrottlingException")))
    assert states(messages) == ["DELIVERED", "SENDING"]


def test_a_group_that_is_not_there_means_that_nothing_was_logged_yet(configure: Configure) -> None:
    messages = sending(1)
    done = read(configure, Logs(logs_error("ResourceNotFoundException"), groups=(GROUP,)))
    assert (states(messages), done.errors) == (["SENDING"], {})
    ask_again()
    done = read(configure, Logs(groups=()))
    assert (states(messages), done.errors) == (["SENDING"], {})


def test_logs_that_we_may_not_read_are_told_of_and_do_not_stop_sending(configure: Configure) -> None:
    asked_about = sending(1)
    with Simulator() as simulator, Port(Logs(logs_error("AccessDeniedException"))) as port:
        configure(**{**at(simulator), "LOGS_ENDPOINT_URL": port.url})
        done = delivery.check_states()
        assert "logs:FilterLogEvents" in " ".join(done.errors.values())
        assert states(asked_about) == ["SENDING"]

        messages = waiting(*numbers(1, area=602))
        delivery.send_waiting()
        assert states(messages) == ["SENDING"]


CHANGE_NOTHING = set(Fault) - {
    Fault.NONE,
    Fault.REORDERED,
    # They are of the other gateways' XML.
    Fault.NO_DATA_ARRAY,
    Fault.DTD,
    Fault.ENTITY_BOMB,
    Fault.EXTERNAL_ENTITY,
    # Of strangers' messages.
    Fault.FOREIGN_ITEMS,
}


@pytest.mark.parametrize("fault", sorted(Fault))
def test_a_question_that_fails_changes_nothing_and_the_next_one_tells(
    simulator: Simulator, configure: Configure, fault: Fault
) -> None:
    configure(**at(simulator, fault))
    messages = waiting(*numbers(1))
    delivery.send_waiting()
    simulator.fail(fault, on="status")
    ask_later()
    assert states(messages) == ["SENDING" if fault in CHANGE_NOTHING else "DELIVERED"]

    ask_later()
    assert states(messages) == ["DELIVERED"]


def test_without_delivery_logs_nobody_is_asked(simulator: Simulator, configure: Configure) -> None:
    configure(**at(simulator), DELIVERY_LOGS=False)
    messages = waiting(*numbers(3))
    delivery.send_waiting()
    requests, events = simulator.requests, OutputSMSEvent.objects.count()

    ask_later()
    assert states(messages) == ["SENDING"] * 3
    assert simulator.requests == requests
    assert OutputSMSEvent.objects.count() == events


@pytest.mark.parametrize("hours", [0.1, 1, 1.5, 5, 100])
def test_windows_follow_each_other_from_the_latest_to_the_oldest(hours: float) -> None:
    latest = datetime(2026, 11, 23, 10)
    oldest = latest - timedelta(hours=hours)
    found = list(windows(oldest, latest))

    assert found[0][1] == latest
    assert found[-1][0] == oldest
    assert all(newer[0] == older[1] for newer, older in pairwise(found))
