"""The log's filters: what each leaves, how what is typed is read, and that nonsense leaves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from smsoffice.encoding import to_gsm7
from smsoffice.filters import SEARCHED, MessageFilter
from smsoffice.filters.fields import read_recipient
from smsoffice.models.batch import Batch
from smsoffice.models.log import Known, Position, TookTooLong, at_most
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State
from tests.factories import BACKEND, ago, customer, message
from tests.queries import asleep

pytestmark = pytest.mark.django_db


def filters(query: str) -> MessageFilter:
    return MessageFilter(QueryDict(query))


def found(query: str) -> set[OutputSMSMessage]:
    return set(filters(query).qs)


def errors(query: str) -> dict[str, list[str]]:
    """The sentences by filter; nothing is found where there is one."""
    asked = filters(query)
    assert asked.is_valid() or not asked.qs.exists()
    return {name: list(map(str, words)) for name, words in asked.errors.items()}


def related(obj: Any, **columns: Any) -> OutputSMSMessage:
    stored = message(**columns)
    OutputSMSRelatedObject.to(stored, obj).save()
    return stored


# --- What each leaves ------------------------------------------------------------------------------------------------


def test_without_filters_all_are_left() -> None:
    both = {message(), message(State.SENT)}
    assert found("") == both
    assert found("tag=&state=&recipient=++") == both


@pytest.mark.parametrize("query", ["tag=a&tag=b", "tag=a&tag=", "created_after=2026-01-01&created_after=2026-01-02"])
def test_of_several_values_none_is_taken_in_silence(query: str) -> None:
    message(tag="a")
    assert list(errors(query).values()) == [["This filter is given several values at once. Keep one of them."]]
    assert found("tag=a&tag=a")


def test_states_add_up() -> None:
    failed, unknown, _sent = message(State.ERROR), message(State.UNKNOWN), message(State.SENT)
    assert found("state=ERROR") == {failed}
    assert found("state=ERROR&state=UNKNOWN") == {failed, unknown}


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("tag=december", {"tag": "december"}),
        ("template=order-ready", {"template_slug": "order-ready"}),
        (f"backend={BACKEND}", {"backend": BACKEND}),
        ("error=DOES+not+exist", {"error": "The number does not exist."}),
        ("text=dobr%C3%BD+den", {"content": "Jano, dobrý den."}),
    ],
)
def test_a_column_is_matched(query: str, columns: dict[str, Any]) -> None:
    wanted = message(**columns)
    message(tag="decembers", template_slug="order-ready-en", content="Dobry d.", error="Not now.")
    assert found(query) == {wanted}
    assert found(f"{query}&state=WAITING") == {wanted}
    assert found(f"{query}&state=ERROR") == set()


def test_times_are_those_of_the_sites_clock_and_the_end_is_not_included() -> None:
    at_ten = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
    stored = message(State.SENT, created_at=at_ten, sent_at=at_ten)
    for name in ("created", "sent"):
        assert found(f"{name}_after=2026-07-01+10:00") == {stored}
        assert found(f"{name}_after=2026-07-01T10:00:01") == set()
        assert found(f"{name}_before=2026-07-01+10:00") == set()
        assert found(f"{name}_before=2026-07-01+10:01") == {stored}
        assert found(f"{name}_after=2026-07-01&{name}_before=2026-07-02") == {stored}
        assert found(f"{name}_after=2026-07-01T08:00:00Z&{name}_before=2026-07-01T08:00:00.000001Z") == {stored}


def test_messages_of_an_object_and_of_its_type() -> None:
    jana, petr, group = customer(), customer("Petr"), Group.objects.create(name="x")
    of_jana, of_petr, of_group = related(jana), related(petr), related(group)
    message()
    assert found(f"related_object_type=demo.customer&related_object_id={jana.pk}") == {of_jana}
    assert found("related_object_type=demo.customer") == {of_jana, of_petr}
    assert found(f"related_object_type=Auth.Group&related_object_id={group.pk}") == {of_group}


def test_an_object_that_is_gone_is_found_as_long_as_messages_belong_to_it() -> None:
    group = Group.objects.create(name="x")
    stored, key = related(group), group.pk
    group.delete()
    assert found(f"related_object_type=auth.group&related_object_id={key}") == {stored}
    OutputSMSRelatedObject.objects.all().delete()
    assert "There is no group with the ID" in str(errors(f"related_object_type=auth.group&related_object_id={key}"))


def test_a_type_whose_app_is_gone_is_still_found_by_the_key_as_it_was() -> None:
    kind, stored = ContentType.objects.create(app_label="gone", model="invoice"), message()
    OutputSMSRelatedObject.objects.create(output_sms_message=stored, content_type=kind, object_id="F-1")
    assert found("related_object_type=gone.invoice&related_object_id=F-1") == {stored}
    assert found("related_object_type=gone.invoice") == {stored}
    assert "related_object_id" in errors("related_object_type=gone.invoice&related_object_id=F-2")


def test_messages_of_a_bulk_send() -> None:
    batch = Batch.objects.create(title="Advent")
    stored = message(batch=batch, batch_row=1)
    message()
    assert found(f"batch={batch.pk}") == {stored}


def test_filters_narrow_each_other() -> None:
    wanted = message(State.ERROR, tag="a", template_slug="t", recipient="+420777123456")
    message(State.ERROR, tag="a", template_slug="u", recipient="+420777123456")
    message(State.SENT, tag="a", template_slug="t", recipient="+420777123456")
    message(State.ERROR, tag="b", template_slug="t", recipient="+420777123456")
    message(State.ERROR, tag="a", template_slug="t", recipient="+421905000077")
    assert found("state=ERROR&tag=a&template=t&recipient=%2B420") == {wanted}


# --- Numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["777 123 456", "+420777123456", "00420777123456", " +420 777-123-456 ", "777123456"])
def test_a_whole_number_in_any_spelling_is_that_number(typed: str) -> None:
    assert read_recipient(typed) == ("+420777123456", True)


@pytest.mark.parametrize(
    ("typed", "beginning"),
    [
        ("+420 777", "+420777"),
        ("777 12", "+42077712"),
        ("00420 777", "+420777"),
        ("420 777", "+420777"),
        ("+421", "+421"),
        ("7", "+4207"),
        ("+49 30 1234567*", "+49301234567"),
    ],
)
def test_less_is_how_a_number_begins(typed: str, beginning: str) -> None:
    assert read_recipient(typed) == (beginning, False)


def test_the_zero_that_people_dial_at_home_is_not_of_the_number(settings: Any) -> None:
    settings.PYMESS_SMS_DEFAULT_PHONE_CODE = "+44"
    assert read_recipient("07700 9") == ("+4477009", False)


@pytest.mark.parametrize("typed", ["+420 777 12", "77712", "777 123 456"])
def test_numbers_are_found_by_their_beginning(typed: str) -> None:
    stored = message(recipient="+420777123456")
    message(recipient="+420777223456")
    message(recipient="+421777123456")
    query = QueryDict(mutable=True)
    query["recipient"] = typed
    assert set(MessageFilter(query).qs) == {stored}


def test_a_whole_number_does_not_find_longer_ones() -> None:
    short, _long = message(recipient="+4930123456"), message(recipient="+49301234567")
    assert found("recipient=%2B49+30+123456") == {short}


# --- Nonsense --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("state=LOST", "state", "There is no state “LOST”."),
        ("state=ERROR&state=lost", "state", "There is no state “lost”."),
        ("created_after=yesterday", "created_after", "This is not a date."),
        ("created_after=2026-02-30", "created_after", "This is not a date."),
        ("created_before=0001-01-01", "created_before", "This is not a date."),
        ("sent_before=9999-12-31+23:59", "sent_before", "This is not a date."),
        ("created_after=2026-07-02&created_before=2026-07-01", "created_before", "This is not later than"),
        ("sent_after=2026-07-02&sent_before=2026-07-02", "sent_before", "This is not later than"),
        ("recipient=Jana", "recipient", "“Jana” is not a possible phone number"),
        ("recipient=%2B420+777+123+4567", "recipient", "it is too long"),
        ("recipient=%2B", "recipient", "is not a possible phone number"),
        ("recipient=00", "recipient", "is not a possible phone number"),
        ("related_object_type=shop.order", "related_object_type", "There is no type “shop.order”."),
        ("related_object_type=order", "related_object_type", "There is no type “order”."),
        ("related_object_id=5", "related_object_type", "Say also of what type"),
        ("related_object_type=demo.customer&related_object_id=five", "related_object_id", "is not an ID"),
        ("related_object_type=demo.customer&related_object_id=-99999999999999999999", "related_object_id", "not an ID"),
        ("related_object_type=demo.customer&related_object_id=4711", "related_object_id", "There is no customer"),
        ("batch=advent", "batch", "This is not the key of a bulk send."),
        (f"batch={UUID(int=4711)}", "batch", "There is no such bulk send."),
        ("tag=a%00b", "tag", "Null characters"),
        ("text=ab", "text", "at least 3 characters"),
        ("sate=ERROR", "__all__", "There is no filter “sate”."),
        ("state__exact=ERROR", "__all__", "There is no filter “state__exact”."),
    ],
)
def test_nonsense_is_said_at_its_filter_and_finds_nothing(query: str, field: str, words: str) -> None:
    message()
    said = errors(query)
    assert set(said) == {field}
    assert words in said[field][0]


def test_one_that_makes_no_sense_spoils_the_others() -> None:
    message(State.ERROR)
    assert found("state=ERROR&created_after=yesterday") == set()


# --- Words -----------------------------------------------------------------------------------------------------------


def test_words_are_looked_for_in_the_newest_only_and_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SEARCHED, "text", 2)
    old = message(content="Needle", created_at=ago(minutes=3), tag="a")
    message(content="Hay", created_at=ago(minutes=2))
    new = message(content="Needle", created_at=ago(minutes=1))
    asked = filters("text=needle")
    assert set(asked.qs) == {new}
    assert asked.searched_since == old.created_at
    # What other filters leave is what is looked through.
    asked = filters("text=needle&tag=a")
    assert set(asked.qs) == {old}
    assert asked.searched_since is None


def test_reasons_are_looked_for_among_those_that_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SEARCHED, "error", 1)
    failed = message(State.ERROR, error="Refused.", created_at=ago(minutes=2))
    message(created_at=ago(minutes=1))
    assert found("error=refused") == {failed}


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Číslo neexistuje.", "The number does not exist."),
        ("ČÍSLO nEEXISTUJE", "The number does not exist."),
        ("does NOT exist", "The number does not exist."),
        ("Brána selhala (HTTP 503)", "The gateway failed (HTTP 503)."),
        ("selhala (http 50", "The gateway failed (HTTP 503)."),
        (
            "ani na 3. pokus: Brána selhala (HTTP 503).",
            "It was not sent. After 3 attempts the gateway still did not take it: The gateway failed (HTTP 503).",
        ),
        ("NEDOSTUPNÝ účastník", "Nedostupný účastník 100 % \\_"),
        ("100 % \\_", "Nedostupný účastník 100 % \\_"),
    ],
)
def test_a_reason_is_found_by_the_words_that_are_shown_of_it_and_by_those_that_are_stored(
    typed: str, stored: str
) -> None:
    wanted = message(State.ERROR, error=stored)
    for other in ("The number is not in use.", "The gateway failed (HTTP 404).", "Nedostupná 100 _"):
        message(State.ERROR, error=other)
    with override("cs"):
        assert found(urlencode({"error": typed})) == {wanted}
        assert found(urlencode({"error": typed, "state": "ERROR", "text": "hello"})) == {wanted}
        assert found(urlencode({"error": typed, "state": "SENT"})) == set()


def test_what_a_czech_site_wrote_is_found_in_english_too(settings: Any) -> None:
    settings.LANGUAGE_CODE = "cs"
    wanted = message(State.ERROR, error="Brána selhala (HTTP 503).")
    with override("en"):
        assert found("error=gateway+FAILED+(HTTP") == {wanted} == found("error=brána+selhala")


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("objednávka", "Vaše objednávka č. 7 čeká."),
        ("vaše objednávka č. 7", "Vaše objednávka č. 7 čeká."),
        ("„Straße“", "Do ulice „Straße“ už jedeme."),
        ("Привет", "Привет, Jano."),
    ],
)
def test_words_with_accents_are_found_in_texts_with_and_without(typed: str, text: str) -> None:
    message(content="Vasi obchodnici.")
    plain, accented = message(content=to_gsm7(text)[0]), message(content=text)
    assert found(urlencode({"text": typed})) == {plain, accented}


def test_words_that_are_nothing_without_what_nobody_sees_do_not_find_everything() -> None:
    message()
    assert found(urlencode({"text": "\u200d" * 3})) == set()


def test_words_without_accents_are_looked_for_once() -> None:
    assert str(filters("text=objednavka").qs.query).count("LIKE") == 1


# --- The reading of the list -----------------------------------------------------------------------------------------

QUERIES = [
    *("", "state=ERROR", "state=ERROR&state=SENT", "tag=a", "tag=a&state=ERROR&state=SENT", "tag=a&template=t"),
    *("recipient=%2B420", "created_before=2100-01-01", "sent_after=2000-01-01", "related_object_type=auth.user"),
    *(f"backend={BACKEND}", f"backend={BACKEND}&state=ERROR&state=SENT", f"backend={BACKEND}&tag=a"),
    *("text=ell", "recipient=%2B420&state=ERROR&state=SENT"),
]


@pytest.mark.parametrize("few", [1000, 5])
@pytest.mark.parametrize("query", QUERIES)
def test_every_page_of_every_list_is_in_order_and_none_is_left_out(
    query: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsoffice.models.log.FEW", few)
    moment, user = timezone.now(), User.objects.create_user("u")
    for number in range(30):
        # Some were created at the same moment.
        stored = message(
            [State.ERROR, State.SENT, State.DELIVERED][number % 3],
            created_at=moment - timedelta(seconds=number * 7 % 10),
            tag="a" if number % 4 else "b",
            template_slug="t" if number % 5 else "",
            sent_at=moment,
        )
        if number % 2:
            OutputSMSRelatedObject.to(stored, user).save()
    asked = filters(query)
    wanted = list(asked.qs.order_by("-created_at", "-pk"))
    told = (few, Known.MORE_THAN) if asked.found.scattered and few < len(wanted) else (len(wanted), Known.EXACTLY)
    assert asked.found.count() == told
    down: list[OutputSMSMessage] = []
    place: Position | None = None
    while page := asked.found.older(place, 4):
        down += page
        place = Position.of(page[-1])
    assert down == wanted
    up: list[OutputSMSMessage] = []
    place = Position.of(wanted[-1])
    while page := asked.found.newer(place, 4):
        up = page + up
        place = Position.of(page[0])
    assert up == wanted[:-1]


def test_the_count_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsoffice.models.log.MANY", 2)
    for _ in range(3):
        message(tag="a")
    assert filters("tag=a").found.count() == (2, Known.MORE_THAN)


def test_the_count_of_what_no_index_has_in_order_ends_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsoffice.models.log.FEW", 2)
    for _ in range(2):
        message(tag="a", template_slug="t")
    assert filters("tag=a&template=t").found.count() == (2, Known.EXACTLY)
    message(tag="a", template_slug="t")
    assert filters("tag=a&template=t").found.count() == (2, Known.MORE_THAN)
    assert filters("tag=a").found.count() == (3, Known.EXACTLY)


def test_the_whole_log_is_estimated_once_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    message()
    monkeypatch.setattr("smsoffice.models.log._estimate", lambda: 5_012_345)
    assert filters("").found.count() == (5_012_345, Known.ABOUT)
    assert filters("state=WAITING").found.count() == (1, Known.EXACTLY)


def keyed(*keys: int) -> None:
    """Messages with these keys."""
    OutputSMSMessage.objects.bulk_create(
        OutputSMSMessage(pk=key, recipient="+420777123456", content="x", due_at=timezone.now()) for key in keys
    )


@pytest.mark.parametrize(
    "keys",
    [
        range(5_000_000, 5_000_012),
        [1, *range(5_000_000, 5_000_011)],
        range(1, 50_000_000, 5_000_000),
        [7],
        [],
    ],
)
def test_a_short_log_is_counted_whatever_its_keys(keys: Sequence[int]) -> None:
    keyed(*keys)
    assert filters("").found.count() == (len(keys), Known.EXACTLY)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (range(5_000_000, 5_003_000), (3_000, Known.ABOUT)),
        # A message that waits stays when all that is older than a year is removed.
        ([1, *range(100_000, 103_000)], (3_000, Known.ABOUT)),
        ([*range(1, 2_000), *range(4_000, 6_000)], (4_000, Known.ABOUT)),
        # So few of so many keys are not met.
        ([1, *range(5_000_000, 5_000_150)], (100, Known.MORE_THAN)),
    ],
)
def test_a_long_log_is_estimated_without_what_was_removed(
    keys: Sequence[int], told: tuple[int, Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsoffice.models.log.MANY", 100)
    keyed(*keys)
    if connection.vendor == "postgresql":
        # It keeps an estimate of its own, which it renews by itself in time.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE smsoffice_outputsmsmessage")
    count = filters("").found.count()
    assert count.number == pytest.approx(told[0], rel=0.05)
    assert count.known == told[1]


def test_the_whole_log_is_counted_in_two_queries_at_most() -> None:
    keyed(1, 2, 3)
    with CaptureQueriesContext(connection) as asked:
        filters("").found.count()
    assert len(asked) == 2


@pytest.mark.parametrize(
    "text", ["", "x", "1-", "-1", "1-x", "1e3-4", "99999999999999999999999-1", "1-99999999999999999999"]
)
def test_what_is_no_place_in_the_list_is_told_apart(text: str) -> None:
    with pytest.raises(ValueError, match="is no place in the list"):
        Position.parse(text)


def test_a_place_survives_the_address() -> None:
    place = Position.of(message())
    assert Position.parse(str(place)) == place


def test_a_search_that_takes_too_long_is_given_up_in_words() -> None:
    numbers = OutputSMSMessage.objects.raw(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS id FROM n"
    )
    with pytest.raises(TookTooLong, match="given up after 1 seconds"), at_most(1):
        list(numbers)
    # The connection is as it was.
    assert message() in OutputSMSMessage.objects.all()


def test_several_statements_share_one_time() -> None:
    def ask() -> None:
        for _ in range(3):
            asleep(0.2)

    started = monotonic()
    with pytest.raises(TookTooLong), at_most(0.3):
        ask()
    assert monotonic() - started < 0.6
    assert not OutputSMSMessage.objects.exists()


def test_when_the_time_is_over_nothing_more_is_asked() -> None:
    def ask() -> None:
        sleep(0.06)
        asleep(1)

    started = monotonic()
    with pytest.raises(TookTooLong), at_most(0.05):
        ask()
    assert monotonic() - started < 0.5


def test_after_the_block_there_is_time_again() -> None:
    with at_most(0.2):
        asleep(0.01)
    asleep(0.3)


def test_to_keep_the_time_costs_no_query() -> None:
    message()
    with CaptureQueriesContext(connection) as asked, at_most(1):
        assert OutputSMSMessage.objects.exists()
    assert sum("SAVEPOINT" not in one["sql"] for one in asked) == 1
