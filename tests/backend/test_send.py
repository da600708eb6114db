"""Sending: what is accepted, what is refused before a row is written, and when it leaves."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.translation import gettext_lazy

from project.demo.models import Customer
from smsoffice import delivery
from smsoffice.backend.sms import RefusedRow, bulk_send_template, send, send_template
from smsoffice.backend.sms.dummy import DummySMSBackend
from smsoffice.exceptions import (
    GatewayError,
    InvalidContent,
    InvalidOption,
    InvalidRecipient,
    MissingVariables,
    NotNow,
    OutcomeUnknown,
    RefusedForUs,
    SMSError,
    TemplateError,
    TemplateNotFound,
    UnsafeData,
)
from smsoffice.models.bulk import CHUNK
from smsoffice.models.sms import PRIORITY_BULK, PRIORITY_SINGLE, OutputSMSMessage, OutputSMSRelatedObject, SMSTemplate
from tests.at_once import at_once, elsewhere
from tests.backends import Messages, ScriptedGateway, use
from tests.factories import NUMBER, ago, ahead, customer, numbers, row, template, timeline

pytestmark = pytest.mark.django_db

committing = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gateway(settings: Any) -> ScriptedGateway:
    return use(settings, ScriptedGateway)


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def stored_states() -> list[str]:
    return list(OutputSMSMessage.objects.order_by("pk").values_list("state", flat=True))


# --- What is accepted ------------------------------------------------------------------------------------------------


def test_an_accepted_message_is_a_clean_row_that_waits() -> None:
    message = send("777 123 456", "Objednávka č. 7", tag="orders", order=7, until=date(2026, 11, 23))

    stored = row(message)
    assert (stored.recipient, stored.content, stored.tag) == (NUMBER, "Objednavka c. 7", "orders")
    assert (stored.state, stored.backend, stored.sent_at, stored.send_attempts) == ("WAITING", "", None, 0)
    assert (stored.encoding, stored.segments, stored.priority) == ("GSM-7", 1, PRIORITY_SINGLE)
    assert stored.extra_data == {"order": 7, "until": "2026-11-23"}
    assert (stored.template, stored.template_slug) == (None, "")


def test_a_text_keeps_its_accents_where_the_site_says_so(settings: Any) -> None:
    settings.PYMESS_SMS_USE_ACCENT = True
    message = send(NUMBER, "č" * 71)
    assert (message.content, message.encoding, message.segments) == ("č" * 71, "UCS-2", 2)


def test_a_text_that_is_to_be_translated_is_sent_as_text() -> None:
    later: Any = gettext_lazy("Waiting")
    assert send(NUMBER, later).content == "Waiting"


def test_promise_6_a_text_is_text_and_not_html() -> None:
    template("ready", "{{ name }} & co.")
    message = send_template(NUMBER, "ready", {"name": "<O'Hara>"})
    assert message is not None
    assert row(message).content == "<O'Hara> & co."


def test_a_message_belongs_to_each_of_its_objects_once() -> None:
    jana, petr = customer("Jana"), customer("Petr")
    message = send(NUMBER, "Hello.", (obj for obj in [jana, petr, jana]))
    related = message.related_objects.order_by("pk")
    assert [relation.content_object for relation in related] == [jana, petr]
    assert list(OutputSMSMessage.objects.filter_related_object(petr)) == [message]


def test_a_message_from_a_template_names_it() -> None:
    ready, jana = template("ready"), customer()
    message = send_template("777123456", "ready", {"number": 7}, [jana], "orders", priority=3)
    assert message is not None
    stored = row(message)
    assert (stored.template, stored.template_slug, stored.content) == (ready, "ready", "Order 7 is ready.")
    assert (stored.tag, stored.priority) == ("orders", 3)
    assert list(OutputSMSMessage.objects.filter_related_object(jana)) == [message]


# --- Templates -------------------------------------------------------------------------------------------------------


def test_a_template_may_change_its_body_and_refuse_recipients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SMSTemplate, "get_body", lambda self: f"{self.body} Your shop.")
    monkeypatch.setattr(SMSTemplate, "can_send", lambda self, recipient, data: data["number"] != 13)
    signed = template()
    message = signed.send(NUMBER, {"number": 7})
    assert message is not None
    assert message.content == "Order 7 is ready. Your shop."
    assert signed.send(NUMBER, {"number": 13}) is None
    assert OutputSMSMessage.objects.count() == 1


def test_a_template_that_may_not_be_sent_gives_nothing_back_and_writes_nothing(monkeypatch: Any) -> None:
    template("ready")
    monkeypatch.setattr(SMSTemplate, "can_send", lambda self, recipient, context_data: False)
    assert send_template(NUMBER, "ready", {"number": 7}) is None
    assert stored_states() == []


def test_a_template_renders_its_body_with_data() -> None:
    ready = template(body="Dear {{ customer.name }}{% if late %}, sorry{% endif %}.")
    assert ready.get_body() == ready.body
    assert ready.render_body({"customer": {"name": "Jana"}, "late": True}) == "Dear Jana, sorry."


# --- What is refused before a row is written -------------------------------------------------------------------------

SOUND = {"recipient": NUMBER, "content": "Hello."}

END_OF_TIME = datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))
"""In our zone it is a moment of the year 10000, which no column can give back."""

REFUSED: dict[str, tuple[dict[str, Any], type[SMSError], str]] = {
    "no recipient": ({"recipient": ""}, InvalidRecipient, "The recipient is empty"),
    "None as recipient": ({"recipient": None}, InvalidRecipient, "The recipient is empty"),
    "letters": ({"recipient": "call me"}, InvalidRecipient, "call me"),
    "too short": ({"recipient": "+420777"}, InvalidRecipient, "too short"),
    "empty text": ({"content": ""}, InvalidContent, "The text is empty"),
    "blank text": ({"content": " \n\t"}, InvalidContent, "The text is empty"),
    "text of control characters": ({"content": "\x00\x01"}, InvalidContent, "The text is empty"),
    "None as text": ({"content": None}, InvalidContent, "is not a text"),
    "number as text": ({"content": 1234}, InvalidContent, "not a text"),
    "long text": ({"content": "x" * 1531}, InvalidContent, "11 parts"),
    "naive time": ({"send_after": datetime(2030, 1, 1)}, InvalidOption, "send_after has no time zone"),
    "date": ({"send_after": date(2030, 1, 1)}, InvalidOption, "send_after is not a datetime"),
    "time as text": ({"expires_at": "2030-01-01"}, InvalidOption, "expires_at is not a datetime"),
    "naive expiry": ({"expires_at": datetime(2030, 1, 1)}, InvalidOption, "expires_at has no time zone"),
    "expired": ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, InvalidOption, "expires_at is not after"),
    "expiry before sending": (
        {"send_after": datetime(2091, 1, 2, tzinfo=UTC), "expires_at": datetime(2091, 1, 1, tzinfo=UTC)},
        InvalidOption,
        "expires_at is not after",
    ),
    "end of time": ({"expires_at": END_OF_TIME}, InvalidOption, "expires_at is not in the years 1970 to 9000"),
    "after the end of time": ({"send_after": END_OF_TIME}, InvalidOption, "send_after is not in the years"),
    "before all time": ({"send_after": datetime.min.replace(tzinfo=UTC)}, InvalidOption, "send_after is not in the y"),
    "long tag": ({"tag": "x" * 101}, InvalidOption, "tag is not"),
    "number as tag": ({"tag": 7}, InvalidOption, "tag is not"),
    "NUL in the tag": ({"tag": "a\x00b"}, InvalidOption, "tag is not"),
    "fraction as priority": ({"priority": 1.5}, InvalidOption, "priority is not"),
    "truth as priority": ({"priority": True}, InvalidOption, "priority is not"),
    "huge priority": ({"priority": 40_000}, InvalidOption, "priority is not"),
    "empty key": ({"idempotency_key": ""}, InvalidOption, "idempotency_key is not"),
    "long key": ({"idempotency_key": "x" * 201}, InvalidOption, "idempotency_key is not"),
    "number as key": ({"idempotency_key": 7}, InvalidOption, "idempotency_key is not"),
    "NUL in the key": ({"idempotency_key": "a\x00b"}, InvalidOption, "idempotency_key is not"),
    "half a letter in the key": ({"idempotency_key": "a\ud800b"}, InvalidOption, "idempotency_key is not"),
    "unsaved object": ({"related_objects": [Customer(name="Nobody")]}, InvalidOption, "is not saved"),
    "text as objects": ({"related_objects": "customer"}, InvalidOption, "related_objects must be"),
    "object as objects": ({"related_objects": Customer(pk=1)}, InvalidOption, "related_objects must be"),
    "number as objects": ({"related_objects": 7}, InvalidOption, "related_objects must be"),
    "extra object": ({"thing": object()}, InvalidOption, "extra data"),
    "extra NaN": ({"price": float("nan")}, InvalidOption, "extra data"),
    "extra NUL": ({"note": "a\x00b"}, InvalidOption, "extra data"),
    "extra half a letter": ({"note": {"inner": ["a\ud800b"]}}, InvalidOption, "extra data"),
}


@pytest.mark.parametrize(("arguments", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_a_message_that_cannot_be_sent_is_refused_in_words_before_a_row_is_written(
    gateway: ScriptedGateway, arguments: dict[str, Any], error: type[SMSError], words: str
) -> None:
    with pytest.raises(error, match=words):
        send(**{**SOUND, **arguments})
    assert stored_states() == []
    assert OutputSMSRelatedObject.objects.count() == 0


TEMPLATES_REFUSED = {
    "unknown slug": ("nowhere", {"number": 7}, TemplateNotFound, "no SMS template with the slug “nowhere”"),
    "NUL in the slug": ("a\x00b", {}, TemplateNotFound, "no SMS template"),
    "half a letter in the slug": ("a\ud800b", {}, TemplateNotFound, "no SMS template"),
    "missing variables": ("order", {}, MissingVariables, "“customer.name”, “number”"),
    "broken body": ("broken", {"number": 7}, TemplateError, "Line 1"),
    "model instance": ("order", {"customer": Customer(name="Jana"), "number": 7}, UnsafeData, "customer"),
    "empty text": ("empty", {"number": ""}, InvalidContent, "The text is empty"),
}


@pytest.mark.parametrize(("slug", "data", "error", "words"), TEMPLATES_REFUSED.values(), ids=TEMPLATES_REFUSED)
def test_a_template_that_cannot_be_sent_is_refused_in_words_before_a_row_is_written(
    slug: str, data: dict[str, Any], error: type[SMSError], words: str
) -> None:
    template("order", "{{ customer.name }}: {{ number }}")
    template("broken", "{% if number %}")
    template("empty", "{{ number }} ")
    with pytest.raises(error, match=words):
        send_template(NUMBER, slug, data)
    assert stored_states() == []


@committing
def test_a_refusal_inside_a_transaction_leaves_the_transaction_usable(gateway: ScriptedGateway) -> None:
    with transaction.atomic():
        for arguments, error, _words in REFUSED.values():
            with pytest.raises(error):
                send(**{**SOUND, **arguments})
        send(NUMBER, "Hello.")
    assert stored_states() == ["SENDING"]


# --- The caller's transaction (promise 4) ----------------------------------------------------------------------------


@committing
def test_promise_4_rolled_back_no_sms(gateway: ScriptedGateway) -> None:
    template("ready")
    with rolled_back():
        send(NUMBER, "Hello.", [customer()], idempotency_key="order-7")
        send_template(NUMBER, "ready", {"number": 7})
        bulk_send_template("ready", [{"recipient": NUMBER, "context_data": {"number": 7}}])
    assert gateway.calls == []
    assert stored_states() == []


@committing
def test_promise_4_committed_exactly_one(gateway: ScriptedGateway) -> None:
    with transaction.atomic():
        message = send(NUMBER, "Hello.", [customer()])
        assert gateway.calls == []
        assert message.state == "WAITING"
    assert gateway.handed_over == [NUMBER]
    assert (message.state, stored_states()) == ("SENDING", ["SENDING"])
    delivery.send_waiting()
    assert gateway.handed_over == [NUMBER]


@committing
def test_promise_4_a_part_that_rolled_back_sends_nothing_and_leaves_the_rest(gateway: ScriptedGateway) -> None:
    kept, lost = numbers(2)
    with transaction.atomic():
        send(kept, "Hello.")
        with rolled_back():
            send(lost, "Hello.")
    assert gateway.handed_over == [kept]
    assert stored_states() == ["SENDING"]


@committing
def test_promise_1_the_claim_is_committed_and_no_transaction_is_open_while_the_network_is_used(
    gateway: ScriptedGateway,
) -> None:
    seen: list[object] = []

    def look_around(messages: Messages) -> list[Any]:
        seen.append(connection.in_atomic_block)
        seen.append(elsewhere(stored_states))
        return []

    gateway.answer = look_around
    with transaction.atomic():
        send(NUMBER, "Hello.", [customer()])
    send(NUMBER, "Hello.", idempotency_key="order-7")
    assert seen == [False, ["UNKNOWN"], False, ["UNKNOWN", "UNKNOWN"]]


@committing
def test_outside_a_transaction_the_answer_of_the_gateway_is_known_at_once(gateway: ScriptedGateway) -> None:
    message = send(NUMBER, "Hello.")
    assert message.state == "SENDING"
    assert timeline(message) == [("WAITING", "UNKNOWN", "QUEUE", False), ("UNKNOWN", "SENDING", "GATEWAY", False)]


@committing
def test_the_dummy_backend_sends_nothing_and_says_so(settings: Any) -> None:
    use(settings, DummySMSBackend)
    message = send(NUMBER, "Hello.")
    assert (message.state, row(message).state) == ("DEBUG", "DEBUG")
    assert row(message).backend == DummySMSBackend.path()
    assert timeline(message) == [("WAITING", "DEBUG", "QUEUE", False)]


@committing
@pytest.mark.parametrize(
    ("failure", "state"),
    [
        pytest.param(NotNow("Busy."), "WAITING", id="not now"),
        pytest.param(RefusedForUs("Wrong password."), "WAITING", id="refused"),
        pytest.param(OutcomeUnknown("No answer."), "UNKNOWN", id="unknown"),
        pytest.param(RuntimeError("A mistake in the client."), "UNKNOWN", id="mistake"),
    ],
)
def test_a_failure_of_the_gateway_is_not_the_callers(
    gateway: ScriptedGateway, failure: GatewayError, state: str
) -> None:
    gateway.answer = failure
    message = send(NUMBER, "Hello.")
    assert (message.state, row(message).state) == (state, state)
    assert row(message).error


@committing
def test_a_gateway_that_cannot_be_found_is_not_the_callers_mistake(settings: Any) -> None:
    settings.PYMESS_SMS_SENDER_BACKEND = "nowhere.Gateway"
    assert send(NUMBER, "Hello.").state == "WAITING"


@committing
def test_with_batch_sending_messages_are_left_to_the_queue(gateway: ScriptedGateway, settings: Any) -> None:
    settings.PYMESS_SMS_BATCH_SENDING = True
    template("ready")
    send(NUMBER, "Hello.")
    bulk_send_template("ready", [{"recipient": NUMBER, "context_data": {"number": 7}}])
    assert gateway.calls == []
    assert stored_states() == ["WAITING", "WAITING"]

    delivery.send_waiting()
    assert len(gateway.handed_over) == 2


@committing
def test_a_message_for_later_is_not_handed_over_now(gateway: ScriptedGateway) -> None:
    message = send(NUMBER, "Hello.", send_after=ahead(hours=1))
    delivery.send_waiting()
    assert gateway.calls == []
    assert row(message).state == "WAITING"

    OutputSMSMessage.objects.update(send_after=ago(seconds=1), due_at=ago(seconds=1))
    delivery.send_waiting()
    assert gateway.handed_over == [NUMBER]


@committing
def test_one_send_template_costs_at_most_eight_queries(settings: Any) -> None:
    use(settings, DummySMSBackend)
    template("ready")
    send_template(NUMBER, "ready", {"number": 7})
    with CaptureQueriesContext(connection) as queries:
        message = send_template(NUMBER, "ready", {"number": 8})
    assert message is not None
    assert message.state == "DEBUG"
    assert len(queries) <= 8, [query["sql"] for query in queries]


# --- The same call twice ---------------------------------------------------------------------------------------------


@committing
def test_promise_1_the_second_call_with_a_key_gives_the_first_message_back(gateway: ScriptedGateway) -> None:
    template("ready")
    first = send(NUMBER, "Hello.", [customer()], idempotency_key="order-7")
    again = send(NUMBER, "Hello again.", [customer()], idempotency_key="order-7")
    from_template = send_template(NUMBER, "ready", {"number": 7}, idempotency_key="order-7")
    assert (again, from_template) == (first, first)
    assert again.content == "Hello."
    assert gateway.handed_over == [NUMBER]
    assert first.related_objects.count() == 1


@committing
def test_promise_1_both_calls_with_a_key_inside_one_transaction_are_one_message(gateway: ScriptedGateway) -> None:
    with transaction.atomic():
        first = send(NUMBER, "Hello.", idempotency_key="order-7")
        assert send(NUMBER, "Hello.", idempotency_key="order-7") == first
    assert gateway.handed_over == [NUMBER]


@committing
def test_promise_4_a_key_that_rolled_back_was_never_used(gateway: ScriptedGateway) -> None:
    with rolled_back():
        send(NUMBER, "Hello.", idempotency_key="order-7")
    send(NUMBER, "Hello.", idempotency_key="order-7")
    assert gateway.handed_over == [NUMBER]
    assert stored_states() == ["SENDING"]


@committing
def test_promise_1_calls_with_one_key_at_the_same_moment_are_one_message(gateway: ScriptedGateway) -> None:
    for key in numbers(10):
        made = at_once(*[lambda key=key: send(key, "Hello.", idempotency_key=key).pk] * 3)
        assert len(set(made)) == 1
    assert sorted(gateway.handed_over) == numbers(10)


@committing
@pytest.mark.parametrize("commits", [True, False], ids=["commits", "rolls back"])
def test_promise_1_a_call_waits_for_the_transaction_that_has_its_key(gateway: ScriptedGateway, commits: bool) -> None:
    inserted = threading.Event()

    def first() -> int | None:
        with transaction.atomic():
            message = send(NUMBER, "First.", idempotency_key="order-7")
            inserted.set()
            # Long enough for the other to be waiting; whoever is faster, there is one message.
            threading.Event().wait(0.3)
            transaction.set_rollback(not commits)
        return message.pk if commits else None

    def second() -> int | None:
        inserted.wait(30)
        return send(NUMBER, "Second.", idempotency_key="order-7").pk

    theirs, ours = at_once(first, second)
    [stored] = OutputSMSMessage.objects.all()
    assert ours == stored.pk
    assert theirs == (stored.pk if commits else None)
    assert gateway.handed_over == [NUMBER]


# --- Many ------------------------------------------------------------------------------------------------------------


def rows(*recipients: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {"recipient": recipient, "context_data": {"number": n}, **more} for n, recipient in enumerate(recipients, 1)
    ]


def test_promise_5_a_refused_row_is_named_and_the_others_are_accepted() -> None:
    template("ready")
    good, other = numbers(2)
    given: list[Any] = [
        {"recipient": good, "context_data": {"number": 1}},
        {"recipient": "call me", "context_data": {"number": 2}},
        {"recipient": good, "context_data": {}},
        {"recipient": good},
        None,
        ["recipient", "context_data"],
        {"recipient": good, "context_data": {"number": 7}, "idempotency_key": ""},
        {"recipient": good, "context_data": {"number": 8}, "related_objects": [Customer(name="Nobody")]},
        {"recipient": good, "context_data": {"number": 9}, "related_objects": customer()},
        {"recipient": good, "context_data": {"number": object()}},
        {"recipient": good, "context_data": "number"},
        {"recipient": good, "context_data": {"number": "x" * 2000}},
        {"recipient": good, "context_data": {"number": 13}, "idempotency_key": "a\x00b"},
        {"recipient": good, "context_data": {"number": 14}, "idempotency_key": ["a"]},
        {"recipient": other, "context_data": {"number": "a\x00\ud800b"}, "related_objects": [customer()]},
    ]

    result = bulk_send_template("ready", given, "campaign")

    assert result.accepted == 2
    assert [refused.row for refused in result.refused] == list(range(2, 15))
    assert all(refused.reason.endswith(".") for refused in result.refused)
    reasons = {refused.row: refused.reason for refused in result.refused}
    assert "call me" in reasons[2]
    assert "“number”" in reasons[3]
    assert "is not a dict with “recipient” and “context_data”" in reasons[4]
    assert "not saved" in reasons[8]
    assert "Shorten it" in reasons[12]
    stored = OutputSMSMessage.objects.order_by("pk")
    assert [message.recipient for message in stored] == [good, other]
    assert {(message.tag, message.priority, message.template_slug) for message in stored} == {
        ("campaign", PRIORITY_BULK, "ready")
    }
    assert stored[1].related_objects.count() == 1


def test_a_bulk_send_with_a_template_that_may_not_be_sent_to_some_says_to_whom(monkeypatch: Any) -> None:
    template("ready")
    monkeypatch.setattr(SMSTemplate, "can_send", lambda self, recipient, context_data: recipient != NUMBER)
    result = bulk_send_template("ready", rows(NUMBER, *numbers(1)))
    assert result.accepted == 1
    assert result.refused == [RefusedRow(1, "The template may not be sent to this recipient.")]


@pytest.mark.parametrize(
    ("slug", "options", "error"),
    [
        pytest.param("nowhere", {}, TemplateNotFound, id="unknown slug"),
        pytest.param("broken", {}, TemplateError, id="broken body"),
        pytest.param("ready", {"tag": "x" * 101}, InvalidOption, id="long tag"),
        pytest.param("ready", {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, InvalidOption, id="expired"),
    ],
)
def test_a_bulk_send_that_can_accept_nothing_is_refused_before_a_row_is_read(
    slug: str, options: dict[str, Any], error: type[SMSError]
) -> None:
    template("ready")
    template("broken", "{% if number %}")
    unread = iter(rows(NUMBER))
    with pytest.raises(error):
        bulk_send_template(slug, unread, **options)
    assert len(list(unread)) == 1
    assert stored_states() == []


class Row(dict[str, Any]):
    """A row that tells how many of its kind are held."""


def test_rows_are_read_once_and_never_held_whole() -> None:
    template("ready")
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    most = stored_midway = 0

    class Held:
        """Rides along in a row; a dict cannot be watched."""

    def read_once() -> Iterator[Row]:
        nonlocal most, stored_midway
        for n, recipient in enumerate(numbers(3 * CHUNK)):
            held = Held()
            alive.add(held)
            yield Row(recipient=recipient, context_data={"number": n}, held=held)
            del held
            most = max(most, len(alive))
            if n == 2 * CHUNK:
                stored_midway = OutputSMSMessage.objects.count()

    result = bulk_send_template("ready", read_once())
    assert (result.accepted, result.refused) == (3 * CHUNK, [])
    # The rows of the chunk that is read, and of the one before.
    assert most <= 2 * CHUNK
    assert stored_midway == 2 * CHUNK


def test_no_rows_are_no_messages() -> None:
    template("ready")
    result = bulk_send_template("ready", [])
    assert (result.accepted, result.refused) == (0, [])


@committing
def test_promise_1_a_key_is_one_message_within_a_bulk_send_and_across_several(gateway: ScriptedGateway) -> None:
    template("ready")
    first = send(NUMBER, "Hello.", idempotency_key="0")

    def keyed(*keys: str) -> list[dict[str, Any]]:
        return [
            {"recipient": NUMBER, "context_data": {"number": key}, "idempotency_key": key, "related_objects": [first]}
            for key in keys
        ]

    assert bulk_send_template("ready", keyed("0", "1", "2", "1")).accepted == 4
    assert bulk_send_template("ready", keyed("2", "3", "3", "0")).accepted == 4

    contents = sorted(message.content for message in OutputSMSMessage.objects.all())
    assert contents == ["Hello.", "Order 1 is ready.", "Order 2 is ready.", "Order 3 is ready."]
    assert len(gateway.handed_over) == 4
    assert OutputSMSRelatedObject.objects.count() == 3


def test_promise_1_a_key_is_one_message_however_far_apart_its_rows_are() -> None:
    template("ready")
    keys = [*map(str, range(CHUNK + 5)), "0", str(CHUNK)]
    given = ({"recipient": NUMBER, "context_data": {"number": key}, "idempotency_key": key} for key in keys)
    assert bulk_send_template("ready", given).accepted == CHUNK + 7
    assert OutputSMSMessage.objects.count() == CHUNK + 5


@committing
def test_promise_1_two_bulk_sends_of_the_same_rows_at_the_same_moment_are_one(
    gateway: ScriptedGateway, settings: Any
) -> None:
    settings.PYMESS_SMS_BATCH_SENDING = True
    template("ready")
    keyed = [
        {"recipient": number, "context_data": {"number": number}, "idempotency_key": number} for number in numbers(300)
    ]

    results = at_once(
        lambda: bulk_send_template("ready", keyed), lambda: bulk_send_template("ready", list(reversed(keyed)))
    )

    assert [result.accepted for result in results] == [300, 300]
    assert OutputSMSMessage.objects.count() == 300


@committing
def test_without_batch_sending_a_bulk_send_leaves_at_once_in_batches(gateway: ScriptedGateway) -> None:
    template("ready")
    assert bulk_send_template("ready", rows(*numbers(450))).accepted == 450
    assert [len(call) for call in gateway.calls] == [200, 200, 50]
    assert set(stored_states()) == {"SENDING"}


@committing
def test_a_bulk_send_for_later_waits(gateway: ScriptedGateway) -> None:
    template("ready")
    at, until = ahead(hours=1), ahead(hours=2)
    bulk_send_template("ready", rows(*numbers(2)), send_after=at, expires_at=until, priority=5)
    assert gateway.calls == []
    stored = set(OutputSMSMessage.objects.values_list("state", "send_after", "due_at", "expires_at", "priority"))
    assert stored == {("WAITING", at, at, until, 5)}


@committing
def test_a_bulk_send_that_the_gateway_puts_off_stays_in_the_queue(gateway: ScriptedGateway) -> None:
    gateway.answer = NotNow("Busy.")
    template("ready")
    assert bulk_send_template("ready", rows(*numbers(250))).accepted == 250
    assert set(stored_states()) == {"WAITING"}
    assert len(gateway.calls) == 1


def test_models_that_are_no_host_objects_can_be_related_too() -> None:
    first = send(NUMBER, "Hello.")
    second = send(NUMBER, "About the first.", [first])
    related: list[models.Model | None] = [one.content_object for one in second.related_objects.all()]
    assert related == [first]


def test_a_call_repeated_after_its_time_gets_the_first_message_too() -> None:
    first = send(NUMBER, "Hello", idempotency_key="once", expires_at=ahead(seconds=60))
    again = send(NUMBER, "Hello", idempotency_key="once", expires_at=ago(seconds=60))
    assert again.pk == first.pk
