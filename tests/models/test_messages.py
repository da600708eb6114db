"""Messages as rows: the guarded save, the timeline, and the objects that they belong to."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.utils import timezone

from project.demo.models import Customer
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.models.transitions import Evidence, Source, hand_over, record
from smsoffice.states import State
from tests.factories import BACKEND, ahead, customer, message, messages, row, states, template, timeline

pytestmark = pytest.mark.django_db


def third_party_learns(stored: OutputSMSMessage, state: str, **columns: object) -> OutputSMSMessage:
    """What a backend of somebody else's does with its instance: set the state, and save."""
    stored.state = state
    for name, value in columns.items():
        setattr(stored, name, value)
    stored.save()
    return stored


# --- The guarded save (promise 3) ------------------------------------------------------------------------------------


def test_promise_3_a_saved_state_is_written_with_a_line_in_the_timeline() -> None:
    stored = third_party_learns(message(State.UNKNOWN), State.SENT)
    assert row(stored).state == "SENT"
    assert timeline(stored) == [("UNKNOWN", "SENT", "GATEWAY", False)]


def test_promise_3_a_stale_instance_cannot_set_a_state_back() -> None:
    stale = message(State.UNKNOWN)
    third_party_learns(row(stale), State.DELIVERED)

    third_party_learns(stale, State.SENDING)

    assert row(stale).state == "DELIVERED"
    assert stale.state == "DELIVERED"
    assert timeline(stale)[-1] == ("DELIVERED", "SENDING", "GATEWAY", True)


def test_promise_3_what_was_ignored_is_still_in_the_timeline_and_its_error_is_not_in_the_row() -> None:
    stale = message(State.UNKNOWN)
    third_party_learns(row(stale), State.DELIVERED, external_id="the-true-one")

    third_party_learns(stale, State.SENT, error="The gateway is in a bad mood.", external_id="the-wrong-one")

    assert (row(stale).error, row(stale).external_id) == ("", "the-true-one")
    assert (stale.error, stale.external_id) == ("", "the-true-one")
    assert timeline(stale)[-1] == ("DELIVERED", "SENT", "GATEWAY", True)


def test_promise_3_late_evidence_wins_over_an_error() -> None:
    stored = third_party_learns(message(State.UNKNOWN), State.ERROR, error="No answer within a day.")
    third_party_learns(row(stored), State.DELIVERED, error="")
    assert (row(stored).state, row(stored).error) == ("DELIVERED", "")
    assert [line[:2] for line in timeline(stored)] == [("UNKNOWN", "ERROR"), ("ERROR", "DELIVERED")]


@pytest.mark.parametrize("final", ["DELIVERED", "DEBUG", "ERROR"])
def test_promise_3_nothing_puts_a_final_message_back_into_the_queue(final: str) -> None:
    stored = third_party_learns(message(State(final)), State.WAITING)
    assert row(stored).state == final
    assert timeline(stored) == [(final, "WAITING", "GATEWAY", True)]


@pytest.mark.parametrize("fields", [None, ["state"], ["tag", "state"]], ids=["all", "state", "tag and state"])
def test_promise_3_the_guard_holds_whichever_fields_are_saved(fields: list[str] | None) -> None:
    stale = message(State.UNKNOWN)
    third_party_learns(row(stale), State.DELIVERED)
    stale.state, stale.tag = State.ERROR, "orders"
    stale.save(update_fields=fields)
    assert row(stale).state == "DELIVERED"
    assert row(stale).tag == ("orders" if fields != ["state"] else "")


def test_a_save_that_leaves_the_state_out_does_not_write_it() -> None:
    stored = message(State.UNKNOWN)
    stored.state, stored.tag = State.SENT, "orders"
    stored.save(update_fields=["tag"])
    assert (row(stored).state, row(stored).tag) == ("UNKNOWN", "orders")
    stored.save()
    assert row(stored).state == "SENT"


def test_a_stale_instance_that_changes_a_tag_takes_nothing_from_a_hand_over() -> None:
    stale = message()
    with transaction.atomic():
        hand_over([row(stale)], BACKEND, State.UNKNOWN, ahead(seconds=30))
    stale.tag = "orders"
    stale.save()

    now_held = row(stale)
    assert (now_held.state, now_held.tag, now_held.backend, now_held.send_attempts) == ("UNKNOWN", "orders", BACKEND, 1)
    assert now_held.sent_at is not None
    assert now_held.check_after is not None


def test_a_stale_instance_does_not_shorten_the_wait_that_the_gateway_asked_for() -> None:
    stale, later = message(), ahead(minutes=10)
    OutputSMSMessage.objects.filter(pk=stale.pk).update(due_at=later)
    stale.tag = "orders"
    stale.save()
    assert row(stale).due_at == later


def test_what_a_third_party_writes_beside_the_state_is_stored() -> None:
    stored, at = message(State.UNKNOWN), timezone.now() - timedelta(seconds=3)
    third_party_learns(
        stored, State.SENT, sent_at=at, external_id="SM1", extra_sender_data={"price": "1.20"}, sender="SHOP"
    )
    now_held = row(stored)
    assert (now_held.sent_at, now_held.external_id, now_held.sender) == (at, "SM1", "SHOP")
    assert now_held.extra_sender_data == {"price": "1.20"}


def test_what_a_third_party_adds_to_the_data_of_the_gateway_is_stored() -> None:
    stored = row(message(State.UNKNOWN, extra_sender_data={"price": "1.20"}))
    stored.extra_sender_data["parts"] = 2
    stored.save()
    assert row(stored).extra_sender_data == {"price": "1.20", "parts": 2}


def test_a_second_save_after_a_change_writes_it_once() -> None:
    stored = third_party_learns(message(State.UNKNOWN), State.SENT)
    stored.save()
    assert timeline(stored) == [("UNKNOWN", "SENT", "GATEWAY", False)]


def test_a_final_state_ends_the_questions_and_an_open_one_keeps_them() -> None:
    sent = third_party_learns(message(State.UNKNOWN), State.SENT)
    assert row(sent).check_after is not None
    delivered = third_party_learns(row(sent), State.DELIVERED)
    assert row(delivered).check_after is None


def test_a_new_instance_with_the_key_of_an_old_message_does_not_overwrite_it() -> None:
    old = message(State.DELIVERED)
    with pytest.raises(IntegrityError), transaction.atomic():
        OutputSMSMessage(pk=old.pk, recipient=old.recipient, content="Again.").save()
    assert (row(old).state, row(old).content) == ("DELIVERED", "Hello.")


def test_a_copy_is_a_new_message() -> None:
    copy = row(message(State.DELIVERED))
    copy.pk, copy._state.adding, copy.state = None, True, State.WAITING
    copy.save()
    assert sorted(OutputSMSMessage.objects.values_list("state", flat=True)) == ["DELIVERED", "WAITING"]


# --- What the instance holds -----------------------------------------------------------------------------------------


def test_a_deferred_state_is_read_when_it_is_asked_for_and_then_guarded() -> None:
    stored = message(State.UNKNOWN)
    lazy = OutputSMSMessage.objects.defer("state").get(pk=stored.pk)
    assert lazy.state == "UNKNOWN"
    third_party_learns(lazy, State.SENT)
    assert timeline(stored) == [("UNKNOWN", "SENT", "GATEWAY", False)]


def test_a_state_set_on_an_instance_that_never_read_it_is_guarded_by_the_row() -> None:
    stored = message(State.DELIVERED)
    lazy = OutputSMSMessage.objects.only("tag").get(pk=stored.pk)
    third_party_learns(lazy, State.SENDING)
    assert row(stored).state == "DELIVERED"


def test_reading_another_field_does_not_lose_a_state_that_was_set() -> None:
    stored = message(State.UNKNOWN, external_id="SM1")
    lazy = OutputSMSMessage.objects.only("state").get(pk=stored.pk)
    lazy.state = State.SENT
    assert lazy.external_id == "SM1"
    lazy.save()
    assert row(stored).state == "SENT"


def test_a_refresh_of_one_field_does_not_lose_a_state_that_was_set() -> None:
    stored = message(State.UNKNOWN)
    stored.state = State.SENT
    stored.refresh_from_db(fields=["tag"])
    stored.save()
    assert row(stored).state == "SENT"


def test_a_refresh_brings_the_state_of_the_row_and_starts_from_it() -> None:
    stale = message(State.UNKNOWN)
    third_party_learns(row(stale), State.SENDING)
    stale.refresh_from_db()
    third_party_learns(stale, State.SENT)
    assert [line[:2] for line in timeline(stale)] == [("UNKNOWN", "SENDING"), ("SENDING", "SENT")]


def test_the_name_of_a_message_does_not_tell_its_number() -> None:
    assert message(recipient="+420777123456").recipient not in str(OutputSMSMessage.objects.get())


# --- Templates and resends -------------------------------------------------------------------------------------------


def test_a_message_outlives_its_template_and_keeps_its_slug() -> None:
    ready = template("ready")
    stored = message(template=ready, template_slug="ready")
    ready.delete()
    assert (row(stored).template, row(stored).template_slug) == (None, "ready")


def test_an_idempotency_key_is_unique_where_it_is_set() -> None:
    messages(2)
    message(idempotency_key="order-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        message(idempotency_key="order-1")


def test_a_resend_is_a_new_message_that_names_the_old_one() -> None:
    first = message(State.ERROR)
    again = message(resend_of=first)
    assert list(first.resends.all()) == [again]
    assert states([first, again]) == ["ERROR", "WAITING"]


# --- Related objects -------------------------------------------------------------------------------------------------


@isolate_apps("project.demo")
def with_uuid(key: uuid.UUID | str) -> models.Model:
    """A host's object whose key is a UUID; it has no table, as only its key is of interest."""

    class Parcel(models.Model):  # noqa: DJ008
        id = models.UUIDField(primary_key=True)

        class Meta:
            app_label = "demo"

    return Parcel(pk=key)


def relate(stored: OutputSMSMessage, obj: models.Model) -> OutputSMSRelatedObject:
    relation = OutputSMSRelatedObject.to(stored, obj)
    relation.save()
    return relation


def test_an_integer_key_is_kept_as_a_number_and_as_text() -> None:
    jana = customer()
    relation = relate(message(), jana)
    assert (relation.object_id_int, relation.object_id) == (jana.pk, str(jana.pk))
    assert relation.content_object == jana


def test_an_integer_key_that_came_as_text_is_a_number_all_the_same() -> None:
    jana = Customer.objects.create(pk="4711", name="Jana", phone="")
    relation = relate(message(), jana)
    assert relation.object_id_int == 4711
    assert OutputSMSMessage.objects.filter_related_object(Customer.objects.get(pk=4711)).count() == 1
    assert OutputSMSMessage.objects.filter_related_object(Customer(pk="4711")).count() == 1


@pytest.mark.parametrize(
    ("obj", "key"),
    [
        pytest.param(
            with_uuid(uuid.UUID("f3a1c6c2-0f5e-4f6d-9d57-1c2f3a4b5c6d")),
            "f3a1c6c2-0f5e-4f6d-9d57-1c2f3a4b5c6d",
            id="uuid",
        ),
        pytest.param(
            with_uuid("f3a1c6c20f5e4f6d9d571c2f3a4b5c6d"), "f3a1c6c2-0f5e-4f6d-9d57-1c2f3a4b5c6d", id="uuid as text"
        ),
        pytest.param(Session(pk="abc"), "abc", id="text"),
        pytest.param(Session(pk="42"), "42", id="text that looks like a number"),
    ],
)
def test_a_key_that_is_no_integer_is_kept_as_text(obj: models.Model, key: str) -> None:
    # The type of a model that no migration made is gone with the test before.
    ContentType.objects.clear_cache()
    relation = relate(message(), obj)
    assert (relation.object_id_int, relation.object_id) == (None, key)
    assert OutputSMSMessage.objects.filter_related_object(obj).count() == 1


def test_messages_are_found_by_their_object_and_by_no_other() -> None:
    jana, petr = customer("Jana"), customer("Petr")
    order = User.objects.create(pk=jana.pk, username="the same key, another model")
    first, second, third = messages(3)
    for stored, obj in ((first, jana), (second, petr), (third, order), (second, jana)):
        relate(stored, obj)
    found = OutputSMSMessage.objects.filter_related_object(jana)
    assert set(found) == {first, second}
    assert set(found.filter(state="WAITING").filter_related_object(petr)) == {second}
    assert list(OutputSMSMessage.objects.filter_related_object(order)) == [third]


def test_a_message_that_names_an_object_twice_is_found_once() -> None:
    jana, stored = customer(), message()
    relate(stored, jana)
    relate(stored, jana)
    assert list(OutputSMSMessage.objects.filter_related_object(jana)) == [stored]


@isolate_apps("project.demo")
def test_an_object_of_a_proxy_model_is_the_object_itself() -> None:
    class Regular(Customer):
        class Meta:
            app_label = "demo"
            proxy = True

    jana, stored = customer(), message()
    relate(stored, Regular.objects.get(pk=jana.pk))
    assert list(OutputSMSMessage.objects.filter_related_object(jana)) == [stored]
    assert list(OutputSMSMessage.objects.filter_related_object(Regular.objects.get(pk=jana.pk))) == [stored]


def test_an_object_that_is_not_saved_has_no_messages_and_says_so() -> None:
    with pytest.raises(ValueError, match="is not saved"):
        OutputSMSMessage.objects.filter_related_object(Customer(name="Nobody"))


def many_relations(obj: models.Model) -> None:
    """So many relations that a plan without the index would be the dearer one, most of them of the same type."""
    owner = message()
    kind = ContentType.objects.get_for_model(obj)
    is_number = isinstance(obj.pk, int)
    OutputSMSRelatedObject.objects.bulk_create(
        OutputSMSRelatedObject(
            output_sms_message=owner,
            content_type=kind,
            object_id_int=100_000 + n if is_number else None,
            object_id=str(100_000 + n) if is_number else f"key-{n}",
        )
        for n in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE smsoffice_outputsmsrelatedobject")


@pytest.mark.parametrize(
    ("obj", "index"),
    [
        pytest.param(Permission(pk=7), "smsoffice_related_int", id="integer"),
        pytest.param(Session(pk="key-7"), "smsoffice_related_text", id="text"),
    ],
)
def test_promise_9_related_objects_are_found_by_an_index(obj: models.Model, index: str) -> None:
    many_relations(obj)
    assert index in OutputSMSMessage.objects.filter_related_object(obj).explain()


def test_deleting_nothing_of_a_host_deletes_messages() -> None:
    jana, stored = customer(), message()
    relate(stored, jana)
    jana.delete()
    assert row(stored)
    assert stored.related_objects.count() == 1


# --- The timeline ----------------------------------------------------------------------------------------------------


def test_the_timeline_says_when_what_who_and_in_whose_words() -> None:
    operator = User.objects.create(username="jana")
    stored, before = message(State.UNKNOWN), timezone.now()
    record(
        [Evidence(stored.pk, State.ERROR, Source.OPERATOR, code="4", words="Nobody has it.", user_id=operator.pk)],
        held=[stored],
    )
    event = stored.events.get()
    assert before <= event.created_at <= timezone.now()
    assert (event.from_state, event.to_state, event.source) == ("UNKNOWN", "ERROR", "OPERATOR")
    assert (event.code, event.words, event.user, event.ignored) == ("4", "Nobody has it.", operator, False)


def test_the_timeline_outlives_the_operator() -> None:
    operator = User.objects.create(username="jana")
    stored = message(State.UNKNOWN)
    record([Evidence(stored.pk, State.ERROR, Source.OPERATOR, user_id=operator.pk)])
    operator.delete()
    assert OutputSMSEvent.objects.get().user is None


def test_saving_a_message_without_a_change_of_state_costs_one_query() -> None:
    stored = message()
    with CaptureQueriesContext(connection) as queries:
        stored.save()
    written = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert len(written) == 1


def columns(stored: OutputSMSMessage) -> dict[str, Any]:
    return {field.attname: getattr(stored, field.attname) for field in stored._meta.concrete_fields}


def test_what_is_read_is_what_was_written() -> None:
    stored = message(tag="orders", extra_data={"order": 7}, send_after=ahead(hours=1), expires_at=ahead(hours=2))
    assert columns(row(stored)) == columns(stored)
